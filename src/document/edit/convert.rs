//! Patches as `json_patch`'s and back, for programs that hold documents as `serde_json::Value`s.
//!
//! Ours keeps the values as they are written. Theirs are values: white space is gone, of duplicate keys the last is left,
//! and `1e400` is `1e+400`. So the way there can fail, and the way back can't.

use super::{Operation, Patch};
use crate::document::Pointer;
use json_patch::{
    AddOperation, CopyOperation, MoveOperation, PatchOperation, RemoveOperation, ReplaceOperation, TestOperation,
};
use serde_json::Value;

/// A value that `serde_json::Value` can't hold: half of a surrogate pair, more than 127 levels, or no JSON at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`serde_json` cannot hold the value for {path}")]
pub struct UnfitValue {
    /// The operation's path.
    pub path: Pointer,
}

impl TryFrom<&Operation> for PatchOperation {
    type Error = UnfitValue;

    fn try_from(operation: &Operation) -> Result<Self, UnfitValue> {
        let path = operation.path().clone();
        let value = |text: &str| serde_json::from_str::<Value>(text).map_err(|_| UnfitValue { path: path.clone() });
        let (path, from) = (path.clone().into(), |from: &Pointer| from.clone().into());
        Ok(match operation {
            Operation::Add { value: text, .. } => Self::Add(AddOperation { path, value: value(text)? }),
            Operation::Remove { .. } => Self::Remove(RemoveOperation { path }),
            Operation::Replace { value: text, .. } => Self::Replace(ReplaceOperation { path, value: value(text)? }),
            Operation::Move { from: source, .. } => Self::Move(MoveOperation { from: from(source), path }),
            Operation::Copy { from: source, .. } => Self::Copy(CopyOperation { from: from(source), path }),
            Operation::Test { value: text, .. } => Self::Test(TestOperation { path, value: value(text)? }),
        })
    }
}

impl From<PatchOperation> for Operation {
    fn from(operation: PatchOperation) -> Self {
        match operation {
            PatchOperation::Add(it) => Self::Add { path: it.path.into(), value: it.value.to_string() },
            PatchOperation::Remove(it) => Self::Remove { path: it.path.into() },
            PatchOperation::Replace(it) => Self::Replace { path: it.path.into(), value: it.value.to_string() },
            PatchOperation::Move(it) => Self::Move { from: it.from.into(), path: it.path.into() },
            PatchOperation::Copy(it) => Self::Copy { from: it.from.into(), path: it.path.into() },
            PatchOperation::Test(it) => Self::Test { path: it.path.into(), value: it.value.to_string() },
        }
    }
}

impl TryFrom<&Patch> for json_patch::Patch {
    type Error = UnfitValue;

    fn try_from(patch: &Patch) -> Result<Self, UnfitValue> {
        patch.0.iter().map(PatchOperation::try_from).collect::<Result<_, _>>().map(Self)
    }
}

impl From<json_patch::Patch> for Patch {
    fn from(patch: json_patch::Patch) -> Self {
        Self(patch.0.into_iter().map(Operation::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_theirs_cannot_hold_is_named_by_its_path_alone() {
        for value in [r#""\ud800""#.to_owned(), format!("{}1{}", "[".repeat(128), "]".repeat(128)), "sk-live".into()] {
            let add = Operation::Add { path: Pointer::root().child("a"), value };
            let error = json_patch::Patch::try_from(&Patch(vec![add])).unwrap_err();
            assert_eq!(error.to_string(), "`serde_json` cannot hold the value for /a");
        }
    }

    #[test]
    fn numbers_keep_their_digits_both_ways() {
        for number in ["1.0", "1e+400", "1e-7", "-0", "1234567890123456789012345678901234567890"] {
            let test = Patch(vec![Operation::Test { path: Pointer::root(), value: number.to_owned() }]);
            let theirs = json_patch::Patch::try_from(&test).unwrap();
            assert_eq!(Patch::from(theirs), test, "{number}");
        }
    }
}
