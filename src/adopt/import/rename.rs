//! Names that the user chose instead of the proposed ones.

use super::select::matches;
use super::{Finding, Found, ImportPlan, Piece};
use crate::document::Pointer;
use crate::secret::{Secret, SecretName};

/// A secret of a plan and what it is to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// Which one.
    pub what: What,
    /// Its name from now on.
    pub name: SecretName,
}

/// How the user refers to a secret of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// By the name that was proposed.
    Name(SecretName),
    /// By a pointer to a place that it fills, as `--only` takes it.
    Place(String),
    /// By its value, whatever it is called by then.
    Value(Secret),
}

/// Why a secret can't be renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenameError {
    /// It matches nothing that is imported.
    NoSuch(What),
    /// It matches more than one secret.
    Several(What),
    /// Two secrets would have the same name.
    Twice(SecretName),
}

impl ImportPlan {
    /// Gives secrets other names; all of them or, on an error, none. Every `what` means the names as they were
    /// proposed.
    ///
    /// # Errors
    /// [`RenameError`].
    pub fn rename(&mut self, renames: &[Rename]) -> Result<(), RenameError> {
        let mut secrets = self.secrets.clone();
        for rename in renames {
            let meant = self.meant(&rename.what);
            let index = match meant.as_slice() {
                [] => return Err(RenameError::NoSuch(rename.what.clone())),
                [one] => *one,
                _ => return Err(RenameError::Several(rename.what.clone())),
            };
            if let Some(found) = secrets.get_mut(index) {
                found.name = rename.name.clone();
                found.is_chosen = true;
            }
        }
        for (index, found) in secrets.iter().enumerate() {
            if secrets.iter().skip(index + 1).any(|other| other.name == found.name) {
                return Err(RenameError::Twice(found.name.clone()));
            }
        }
        self.secrets = secrets;
        Ok(())
    }

    /// The first place that a secret fills.
    #[must_use]
    pub fn first_place(&self, secret: usize) -> Option<&Pointer> {
        self.findings.iter().find(|finding| holds(finding, secret)).map(|finding| &finding.pointer)
    }

    fn meant(&self, what: &What) -> Vec<usize> {
        let of = |is_meant: &dyn Fn(usize, &Found) -> bool| {
            let all = self.secrets.iter().enumerate();
            all.filter(|(index, found)| is_meant(*index, found)).map(|(index, _)| index).collect()
        };
        match what {
            What::Name(name) => of(&|_, found| found.name == *name),
            What::Value(value) => of(&|_, found| found.value == *value),
            What::Place(pattern) => {
                let is_there = |finding: &&Finding| matches(pattern, &finding.pointer, None);
                let there: Vec<&Finding> = self.findings.iter().filter(is_there).collect();
                of(&|index, _| there.iter().any(|finding| holds(finding, index)))
            }
        }
    }
}

fn holds(finding: &Finding, secret: usize) -> bool {
    finding.pieces.iter().any(|piece| matches!(piece, Piece::Secret(index, _) if *index == secret))
}

#[cfg(test)]
mod tests {
    use super::super::{Selection, plan};
    use super::*;

    fn planned() -> ImportPlan {
        let text = r#"{"mcpServers": {"acme": {"env": {"ACME_TOKEN": "q7Zk2Xv9Lw3Rt8Yb5Nc1", "B_TOKEN": "w4Hn8Pd2Jf6Sg0Tm3Vb9"}}}}"#; // keystencil: allow
        plan(text.as_bytes(), &Selection::default(), &mut |_| ()).unwrap()
    }

    fn name(service: &str, account: &str) -> SecretName {
        SecretName::new(service, account).unwrap()
    }

    #[test]
    fn names_are_exchanged_as_they_were_proposed() {
        let mut plan = planned();
        let (one, two) = (name("acme", "api-key"), name("acme", "b-token"));
        let renames = [
            Rename { what: What::Name(one.clone()), name: two.clone() },
            Rename { what: What::Place("/mcpServers/*/env/B_*".to_owned()), name: one.clone() },
        ];
        plan.rename(&renames).unwrap();
        assert_eq!([&plan.secrets[0].name, &plan.secrets[1].name], [&two, &one]);
    }

    #[test]
    fn what_means_none_or_two_and_one_name_for_two_change_nothing() {
        let mut plan = planned();
        let before = plan.clone();
        let mut refused = |what: What, name: SecretName| plan.rename(&[Rename { what, name }]).unwrap_err();
        let (x, env) = (name("x", "y"), What::Place("/mcpServers/acme/env".to_owned()));
        assert_eq!(refused(What::Name(x.clone()), x.clone()), RenameError::NoSuch(What::Name(x.clone())));
        assert_eq!(refused(env.clone(), x), RenameError::Several(env));
        let (one, two) = (name("acme", "api-key"), name("acme", "b-token"));
        assert_eq!(refused(What::Name(one), two.clone()), RenameError::Twice(two));
        assert_eq!(plan, before);
    }
}
