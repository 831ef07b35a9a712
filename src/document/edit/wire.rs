//! Patches as the JSON of RFC 6902, with values exactly as they are written.
//!
//! The values are `RawValue`s, which serde hands through only in a plain struct: not in a tagged enum.

use super::{Operation, Patch};
use crate::document::Pointer;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One operation as it is written.
#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    op: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Cow<'a, Pointer>>,
    path: Cow<'a, Pointer>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "some")]
    value: Option<Box<RawValue>>,
}

/// `null` is a value here, not the lack of one.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (op, from) = match self {
            Self::Add { .. } => ("add", None),
            Self::Remove { .. } => ("remove", None),
            Self::Replace { .. } => ("replace", None),
            Self::Move { from, .. } => ("move", Some(Cow::Borrowed(from))),
            Self::Copy { from, .. } => ("copy", Some(Cow::Borrowed(from))),
            Self::Test { .. } => ("test", None),
        };
        // The error of serde_json would quote nothing, but say where in the value; that it is none is enough.
        let raw = |value: &str| RawValue::from_string(value.to_owned());
        let value = self.value().map(raw).transpose().map_err(|_| S::Error::custom("a value that is not JSON"))?;
        Wire { op: op.into(), from, path: Cow::Borrowed(self.path()), value }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Operation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let path = wire.path.into_owned();
        let from = wire.from.map(Cow::into_owned).ok_or_else(|| D::Error::missing_field("from"));
        let value = wire.value.map(|value| value.get().to_owned()).ok_or_else(|| D::Error::missing_field("value"));
        Ok(match &*wire.op {
            "add" => Self::Add { path, value: value? },
            "remove" => Self::Remove { path },
            "replace" => Self::Replace { path, value: value? },
            "move" => Self::Move { from: from?, path },
            "copy" => Self::Copy { from: from?, path },
            "test" => Self::Test { path, value: value? },
            _ => return Err(D::Error::custom("an `op` other than add, remove, replace, move, copy and test")),
        })
    }
}

impl Serialize for Patch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Patch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_written_as_the_rfc_writes_it_and_read_back() {
        let text = concat!(
            r#"[{"op":"add","path":"/a~1b","value":{"x": [1.0, null]}},{"op":"remove","path":"/a"},"#,
            r#"{"op":"replace","path":"","value":null},{"op":"move","from":"/a","path":"/b"},"#,
            r#"{"op":"copy","from":"/a","path":"/b"},{"op":"test","path":"/b","value":"\ud800"}]"#,
        );
        let patch: Patch = serde_json::from_str(text).unwrap();
        assert_eq!(patch.0.len(), 6);
        assert_eq!(serde_json::to_string(&patch).unwrap(), text);
    }

    #[test]
    fn an_operation_that_lacks_something_is_refused() {
        for bad in [
            r#"[{"op":"add","path":"/a"}]"#,
            r#"[{"op":"move","path":"/a"}]"#,
            r#"[{"op":"remove"}]"#,
            r#"[{"path":"/a"}]"#,
            r#"[{"op":"spam","path":"/a"}]"#,
            r#"[{"op":"remove","path":"a"}]"#,
            r#"{"op":"remove","path":"/a"}"#,
        ] {
            assert!(serde_json::from_str::<Patch>(bad).is_err(), "{bad}");
        }
        let ignored = r#"[{"op":"remove","path":"/a","comment":1}]"#;
        assert_eq!(serde_json::from_str::<Patch>(ignored).unwrap().0.len(), 1);
    }

    #[test]
    fn a_value_that_is_not_json_cannot_be_written() {
        let patch = Patch(vec![Operation::Add { path: Pointer::root(), value: "sk-live".into() }]);
        let error = serde_json::to_string(&patch).unwrap_err().to_string();
        assert!(!error.contains("sk-live"));
    }
}
