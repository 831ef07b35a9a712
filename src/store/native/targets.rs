//! The target names under which Windows programs file a credential, in the order of the lookup.

use crate::secret::SecretName;

/// The first target whose credential is of this name: the `keyring` crate's and our own `user.service`; `service` as
/// Python keyring and most people with `cmdkey` have it; Python keyring's second, `user@service`; go-keyring's
/// `service:user`.
///
/// `user_of` tells the user name of a target's credential, `None` if there is none. It has to be the account in all of
/// them: `a.b.c` is user `a` of `b.c` as well as user `a.b` of `c`.
pub(super) fn find<E>(
    name: &SecretName,
    mut user_of: impl FnMut(&str) -> Result<Option<String>, E>,
) -> Result<Option<String>, E> {
    let (service, account) = (name.service(), name.account());
    let targets = [
        format!("{account}.{service}"),
        service.to_owned(),
        format!("{account}@{service}"),
        format!("{service}:{account}"),
    ];
    for target in targets {
        if user_of(&target)?.is_some_and(|user| user == account) {
            return Ok(Some(target));
        }
    }
    Ok(None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::find;
    use crate::secret::SecretName;

    /// The target that is found among these credentials: target and user.
    fn found(service: &str, account: &str, credentials: &[(&str, &str)]) -> Option<String> {
        let name = SecretName::new(service, account).unwrap();
        let user_of = |target: &str| {
            let credential = credentials.iter().find(|(name, _)| *name == target);
            Ok::<_, ()>(credential.map(|(_, user)| (*user).to_owned()))
        };
        find(&name, user_of).unwrap()
    }

    #[test]
    fn a_credential_of_each_program_is_found() {
        for (program, target) in [
            ("keyring crate", "api-key.github"),
            ("Python keyring and cmdkey", "github"),
            ("Python keyring, second user", "api-key@github"),
            ("go-keyring", "github:api-key"),
        ] {
            let other = ("other@github", "other");
            assert_eq!(found("github", "api-key", &[other, (target, "api-key")]).as_deref(), Some(target), "{program}");
        }
    }

    #[test]
    fn an_earlier_target_wins_over_a_later_one() {
        let targets = ["api-key.github", "github", "api-key@github", "github:api-key"];
        for (index, target) in targets.iter().enumerate() {
            let there: Vec<_> = targets[index..].iter().rev().map(|target| (*target, "api-key")).collect();
            assert_eq!(found("github", "api-key", &there).as_deref(), Some(*target));
        }
    }

    #[test]
    fn a_credential_of_another_user_is_passed_over() {
        assert_eq!(found("github", "api-key", &[("github", "work"), ("github:api-key", "")]), None);
        let both = [("github", "work"), ("api-key@github", "api-key")];
        assert_eq!(found("github", "api-key", &both).as_deref(), Some("api-key@github"));
        assert_eq!(found("c", "a.b", &[("a.b.c", "a")]), None, "that is `a` of `b.c`");
    }

    #[test]
    fn what_the_system_refuses_is_an_error_and_not_absence() {
        let name = SecretName::new("github", "api-key").unwrap();
        assert_eq!(find(&name, |_| Err("refused")), Err("refused"));
    }
}
