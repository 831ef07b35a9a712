//! What to do about each error of a store.

use crate::cli::typed::Typed;
use crate::error::Explain as _;
use crate::secret::{DEFAULT_ACCOUNT, Query, SecretName, Wanted};
use crate::store::{StoreError, StoreKind, Unresolved, quoted};

/// What to do about an error of a store.
pub(super) fn of(error: &StoreError) -> Option<String> {
    Some(match error {
        StoreError::NotFound { query, .. } | StoreError::Empty { query, .. } => provide(query),
        StoreError::EmptyValue { name } => format!("remove it with `{}`", secret_command("rm", name, None)),
        StoreError::NotText { query, .. } => format!("as text, not bytes: {}", provide(query)),
        StoreError::Ambiguous { query: Query::Name(name), with_own: true, .. } => format!(
            "`{}` deletes keystencil's own and keeps what another program stored; to keep keystencil's own, delete the others in the keyring's own program",
            secret_command("rm", name, None)
        ),
        StoreError::Foreign { change: Some(change), .. } => {
            format!("`{change}` gives it a new value; or store yours under another `--account`")
        }
        StoreError::Foreign { .. } => {
            "change it with the program that made it, or store yours under another `--account`".to_owned()
        }
        StoreError::Ambiguous { .. } => {
            "delete all but one in the keyring's own program, or pin the reference further: \
             `keyring(attributes={…}, collection='…')`"
                .to_owned()
        }
        StoreError::Differs { .. } => "`--replace` replaces it; nothing was changed".to_owned(),
        StoreError::NotKept { .. } => "nothing was removed from the store it came from".to_owned(),
        StoreError::Locked => {
            "unlock it (logging in does), or run this at a terminal of your desktop session".to_owned()
        }
        StoreError::Unconfirmed => "run this at a terminal of your desktop session and allow it there, or turn the \
                              question off in the keyring's settings (KeePassXC: Secret Service Integration)"
            .to_owned(),
        StoreError::NoService | StoreError::NoCollection => {
            "start a Secret Service such as gnome-keyring, or use the vault with `--store vault`".to_owned()
        }
        StoreError::NoSuchCollection { known, .. } if known.is_empty() => "it has none at all".to_owned(),
        StoreError::NoSuchCollection { known, .. } => format!("there are {}", quoted(known)),
        StoreError::CannotPin { .. } => "name the secret as in `keyring('github', 'work')`, which works everywhere, \
             or make it depend on `os` in the template"
            .to_owned(),
        StoreError::Command(error) => return error.hint(),
        StoreError::TimedOut { store: StoreKind::Native, .. } => {
            "is the keyring waiting for a password, or hanging? `--store vault` works without it".to_owned()
        }
        StoreError::TimedOut { store: StoreKind::Vault, .. } => {
            "is the disk that holds it, or the age plugin, hanging?".to_owned()
        }
        StoreError::Unavailable { .. } => "`keystencil doctor` tells more; `--store vault` works without it".to_owned(),
        StoreError::CannotList => "look into the keyring's own program".to_owned(),
        StoreError::VaultIdentityMissing { .. } => {
            "restore it from a backup: nothing else can open the vault. To start over, move the vault away".to_owned()
        }
        StoreError::VaultIdentityUnreadable { .. } => {
            "it must hold an age identity, as `age-keygen` writes it or `age -p` protects it, or an ssh key".to_owned()
        }
        StoreError::VaultLocked { .. } => "run `keystencil unlock --for 8h` at a terminal".to_owned(),
        StoreError::NoSuchIdentity { .. } => "correct the path after `--identity`; nothing was changed".to_owned(),
        StoreError::NewIdentityLocked { .. } => "run this at a terminal; nothing was changed".to_owned(),
        StoreError::NewIdentityPublic { .. } => {
            "name the private key, for ssh the file without `.pub`; to let this key \
             read the vault as well: `keystencil vault recipients add`"
                .to_owned()
        }
        StoreError::VaultPassphrase { .. } => {
            "try again; nothing was changed. Nobody can open the vault without it".to_owned()
        }
        StoreError::VaultPlugin { reason: "is not installed", plugin, .. } => {
            format!("install `age-plugin-{plugin}` somewhere on PATH")
        }
        StoreError::VaultPlugin { reason: "is not started just to look", .. } => {
            "`keystencil secret list` at a terminal starts it".to_owned()
        }
        StoreError::VaultPlugin { .. } => {
            "is its device plugged in? If it asks for a PIN or a touch, run this at a terminal".to_owned()
        }
        StoreError::VaultRecipient { reason: "its age plugin is not installed", .. } => {
            "install it, or remove this recipient with `keystencil vault recipients rm`".to_owned()
        }
        StoreError::VaultRecipient { .. } => {
            "a recipient is a public key: `age1…`, or `ssh-ed25519 …`, or `ssh-rsa …`".to_owned()
        }
        StoreError::OwnRecipient => "`keystencil vault rekey` gives the vault another identity".to_owned(),
        StoreError::NoPublicKey => {
            "write a line `# public key: age1…` into the identity file; its plugin tells which it is".to_owned()
        }
        StoreError::BadExport { .. } => {
            "give what `keystencil vault export` printed, with `--identity FILE` if another identity opens it"
                .to_owned()
        }
        StoreError::ImportConflict { .. } => {
            "nothing was changed; choose with `--on-conflict keep` or `--on-conflict replace`".to_owned()
        }
        StoreError::NoRuntimeFolder => {
            "set XDG_RUNTIME_DIR to a folder of yours with mode 700, in memory if you can; a login by systemd does"
                .to_owned()
        }
        StoreError::RuntimeFolder { path, .. } => {
            format!("make it a folder of yours, with `{}`", Typed::other("chmod 700").file(path))
        }
        StoreError::VaultPermissions { path, .. } => {
            format!("`{}`; if others had access, give the secrets new values", Typed::other("chmod 600").file(path))
        }
        StoreError::VaultWrongKey { .. } => "restore the identity file that belongs to this vault".to_owned(),
        StoreError::VaultDamaged { vault, .. } => {
            format!("restore {} from a backup, or move it away to start over", vault.display())
        }
        StoreError::VaultReplaced { .. } | StoreError::VaultOlder { .. } => {
            "restore your own; or, if this one is yours, see who can read it with `keystencil vault trust`".to_owned()
        }
        StoreError::VaultNewer { .. } => "update keystencil on this machine".to_owned(),
        StoreError::VaultBusy { .. } => "wait for the other `keystencil secret` to end, and try again".to_owned(),
        StoreError::BackupExists { .. } => {
            "store it under another name; `keystencil vault backups list` shows them".to_owned()
        }
        StoreError::BackupName { .. } => "give it a name without line breaks".to_owned(),
        StoreError::BackupDamaged { .. } => {
            "restore that file from a copy of the disk; the secrets of the vault are not affected".to_owned()
        }
        StoreError::Io { .. } => "check that you may read and write it, and that the disk has room".to_owned(),
    })
}

/// What to do about a secret that no store gave.
pub(super) fn unresolved(one: &Unresolved) -> Option<String> {
    if let Some(error) = one.trouble() {
        return of(error);
    }
    let mut hint = provide(&one.query);
    if let Some(near) = &one.near {
        hint = format!("did you mean {near}? Otherwise {hint}");
    }
    // A keyring that has gone may well have it: a second copy would not help.
    if one.answers.iter().any(StoreError::is_absent) {
        hint.push_str("; no keyring is available here, only the vault was asked");
    }
    Some(hint)
}

/// How to provide what a query asks for, and no store has.
fn provide(query: &Query) -> String {
    match query {
        Query::Name(name) => format!("store it with `{}`", secret_command("set", name, None)),
        Query::Vault(name) => format!("store it with `{}`", secret_command("set", name, Some("vault"))),
        Query::Keyring(pinned) => match (pinned.wanted(), pinned.collection()) {
            (Wanted::Name(name), None) => format!("store it with `{}`", secret_command("set", name, Some("native"))),
            _ => "store it there with the keyring's own program, or look up its attributes with `secret-tool search`"
                .to_owned(),
        },
        Query::Command(provided) => {
            format!("declare the command as `[providers.{}]` in config.toml", provided.provider())
        }
    }
}

/// The command line that does `verb` to a secret, ready to be pasted into a shell; `store` is one that `--store` takes.
#[must_use]
pub(in crate::cli) fn secret_command(verb: &str, name: &SecretName, store: Option<&str>) -> String {
    let command = Typed::ours(&format!("secret {verb}"));
    let with_options = |command: Typed| {
        let account = Some(name.account()).filter(|account| *account != DEFAULT_ACCOUNT);
        let options = [("--account", account), ("--store", store)];
        options.into_iter().fold(command, |command, (option, value)| match value {
            Some(value) => command.option(option, value),
            None => command,
        })
    };
    match name.service().starts_with('-') {
        true => with_options(command).operand(name.service()),
        false => with_options(command.operand(name.service())),
    }
    .to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{of, secret_command, unresolved};
    use crate::cli::args::Cli;
    use crate::secret::{Pinned, Query, SecretName, Wanted};
    use crate::store::{StoreError, StoreKind, Unresolved};
    use clap::Parser as _;
    use std::path::PathBuf;

    fn name(service: &str, account: &str) -> SecretName {
        SecretName::new(service, account).unwrap()
    }

    #[test]
    fn a_secret_that_no_store_has_is_stored_with_the_command_for_that_very_reference() {
        let hint =
            |query: Query, answers: Vec<StoreError>| unresolved(&Unresolved { query, answers, near: None }).unwrap();
        assert_eq!(hint(name("a", "work").into(), vec![]), "store it with `keystencil secret set a --account work`");
        let pinned = Pinned::new(Wanted::Name(name("old", "api-key")), None).unwrap();
        assert_eq!(hint(Query::Keyring(pinned), vec![]), "store it with `keystencil secret set old --store native`");
        assert_eq!(
            hint(Query::Vault(name("old", "api-key")), vec![]),
            "store it with `keystencil secret set old --store vault`"
        );
        let query = Query::Name(name("github", "api-key"));
        let asked = vec![StoreError::NoService, StoreError::NotFound { query: query.clone(), store: StoreKind::Vault }];
        let hint = hint(query, asked);
        assert!(hint.starts_with("store it with `keystencil secret set github`; no keyring "), "{hint}");
    }

    #[test]
    fn what_others_can_read_is_closed_with_a_command_that_a_shell_reads_as_meant() {
        let open = |path: &str| StoreError::VaultPermissions { path: PathBuf::from(path), mode: 0o644 };
        assert!(of(&open("/home/me/vault.age")).unwrap().starts_with("`chmod 600 /home/me/vault.age`"));
        assert!(of(&open("/home/me/my vault")).unwrap().starts_with("`chmod 600 '/home/me/my vault'`"));
    }

    #[test]
    fn a_hint_is_a_command_that_a_shell_reads_as_meant() {
        let command = |verb, service, account, store| secret_command(verb, &name(service, account), store);
        assert_eq!(command("set", "github", "api-key", None), "keystencil secret set github");
        assert_eq!(command("set", "github", "a b", None), "keystencil secret set github --account 'a b'");
        assert_eq!(command("rm", "it's; rm", "api-key", None), r"keystencil secret rm 'it'\''s; rm'");
        let dashes = "keystencil secret set --account='-a' --store vault -- '-x'";
        assert_eq!(command("set", "-x", "-a", Some("vault")), dashes);
        Cli::try_parse_from(dashes.replace('\'', "").split(' ')).unwrap();
    }
}
