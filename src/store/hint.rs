//! What to do about each error of a store, naming the command; and the place it happened, where that is a file.

use super::error::quoted;
use super::{StoreError, StoreKind};
use crate::error::{Explain, Place};
use crate::secret::{DEFAULT_ACCOUNT, Query, SecretName, Wanted};

impl Explain for StoreError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::VaultIdentityMissing { identity: path }
            | Self::VaultIdentityUnreadable { identity: path, .. }
            | Self::VaultLocked { identity: path }
            | Self::NoSuchIdentity { identity: path }
            | Self::NewIdentityLocked { identity: path }
            | Self::NewIdentityPublic { identity: path }
            | Self::VaultPassphrase { identity: path }
            | Self::VaultPlugin { identity: path, .. }
            | Self::RuntimeFolder { path, .. }
            | Self::BadExport { path, .. }
            | Self::VaultPermissions { path, .. }
            | Self::BackupDamaged { path, .. }
            | Self::VaultWrongKey { vault: path, .. }
            | Self::VaultDamaged { vault: path, .. }
            | Self::VaultNewer { vault: path, .. }
            | Self::VaultBusy { lock: path }
            | Self::Io { path, .. } => Some(Place::file(path)),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound { query, .. } | Self::Empty { query, .. } => provide(query),
            Self::EmptyValue { name } => format!("remove it with `{}`", command("rm", name)),
            Self::NotText { query, .. } => format!("as text, not bytes: {}", provide(query)),
            Self::Ambiguous { query: Query::Name(name), with_own: true, .. } => format!(
                "`{}` deletes keystencil's own and leaves what another program stored; to keep keystencil's, \
                 delete the others in the keyring's own program",
                command("rm", name)
            ),
            Self::Foreign { change: Some(change), .. } => {
                format!("`{change}` gives it a new value; or store yours under another `--account`")
            }
            Self::Foreign { .. } => {
                "change it with the program that made it, or store yours under another `--account`".to_owned()
            }
            Self::Ambiguous { .. } => "delete all but one in the keyring's own program, or pin the reference further: \
                 `keyring(attributes={…}, collection='…')`"
                .to_owned(),
            Self::Differs { .. } => "`--replace` replaces it; nothing was changed".to_owned(),
            Self::NotKept { .. } => "nothing was removed from the store it came from".to_owned(),
            Self::Locked => "unlock it (logging in does), or run this at a terminal of your desktop session".to_owned(),
            Self::Unconfirmed => "run this at a terminal of your desktop session and allow it there, or turn the \
                                  question off in the keyring's settings (KeePassXC: Secret Service Integration)"
                .to_owned(),
            Self::NoService | Self::NoCollection => {
                "start a Secret Service such as gnome-keyring, or use the vault with `--store vault`".to_owned()
            }
            Self::NoSuchCollection { known, .. } if known.is_empty() => "it has none at all".to_owned(),
            Self::NoSuchCollection { known, .. } => format!("there are {}", quoted(known)),
            Self::CannotPin { .. } => "name the secret as in `keyring('github', 'work')`, which works everywhere, \
                 or make it depend on `os` in the template"
                .to_owned(),
            Self::Command(error) => return error.hint(),
            Self::TimedOut { store: StoreKind::Native, .. } => {
                "is the keyring waiting for a password, or hanging? `--store vault` does without it".to_owned()
            }
            Self::TimedOut { store: StoreKind::Vault, .. } => {
                "is the disk that holds it, or the age plugin, hanging?".to_owned()
            }
            Self::Unavailable { .. } => "`keystencil doctor` tells more; `--store vault` does without it".to_owned(),
            Self::CannotList => "look into the keyring's own program".to_owned(),
            Self::VaultIdentityMissing { .. } => {
                "restore it from a backup: without it nothing can open the vault. To start anew, move the vault away"
                    .to_owned()
            }
            Self::VaultIdentityUnreadable { .. } => {
                "it must hold an age identity, as `age-keygen` writes it or `age -p` protects it, or an ssh key"
                    .to_owned()
            }
            Self::VaultLocked { .. } => "run `keystencil unlock --for 8h` at a terminal".to_owned(),
            Self::NoSuchIdentity { .. } => "correct the path after `--identity`; nothing was changed".to_owned(),
            Self::NewIdentityLocked { .. } => "run this at a terminal; nothing was changed".to_owned(),
            Self::NewIdentityPublic { .. } => "name the private key, for ssh the file without `.pub`; to let this key \
                 read the vault as well: `keystencil vault recipients add`"
                .to_owned(),
            Self::VaultPassphrase { .. } => {
                "try again; nothing was changed. Nobody can open the vault without it".to_owned()
            }
            Self::VaultPlugin { reason: "is not installed", plugin, .. } => {
                format!("install `age-plugin-{plugin}` somewhere on PATH")
            }
            Self::VaultPlugin { .. } => {
                "is its device plugged in? If it asks for a PIN or a touch, run this at a terminal".to_owned()
            }
            Self::VaultRecipient { reason: "its age plugin is not installed", .. } => {
                "install it, or take this recipient out with `keystencil vault recipients rm`".to_owned()
            }
            Self::VaultRecipient { .. } => {
                "a recipient is a public key: `age1…`, or `ssh-ed25519 …`, or `ssh-rsa …`".to_owned()
            }
            Self::OwnRecipient => "`keystencil vault rekey` gives the vault another identity".to_owned(),
            Self::NoPublicKey => {
                "write a line `# public key: age1…` into the identity file; its plugin tells which it is".to_owned()
            }
            Self::BadExport { .. } => {
                "give what `keystencil vault export` printed, with `--identity FILE` if another identity opens it"
                    .to_owned()
            }
            Self::ImportConflict { .. } => {
                "nothing was changed; choose with `--on-conflict keep` or `--on-conflict replace`".to_owned()
            }
            Self::NoRuntimeFolder => {
                "set XDG_RUNTIME_DIR to a folder of yours with mode 700, in memory if you can; a login by systemd does"
                    .to_owned()
            }
            Self::RuntimeFolder { path, .. } => {
                format!("make it a folder of yours, with `chmod 700 {}`", path.display())
            }
            Self::VaultPermissions { path, .. } => {
                format!("`chmod 600 {}`; if others had access, store the secrets anew", path.display())
            }
            Self::VaultWrongKey { .. } => "restore the identity file that belongs to this vault".to_owned(),
            Self::VaultDamaged { vault, .. } => {
                format!("restore {} from a backup, or move it away to start anew", vault.display())
            }
            Self::VaultNewer { .. } => "update keystencil on this machine".to_owned(),
            Self::VaultBusy { .. } => "wait for the other `keystencil secret` to end, and try again".to_owned(),
            Self::BackupExists { .. } => {
                "store it under another name; `keystencil vault backups list` shows them".to_owned()
            }
            Self::BackupName { .. } => "give it a name of one line".to_owned(),
            Self::BackupDamaged { .. } => {
                "restore that file from a copy of the disk; the secrets of the vault are not affected".to_owned()
            }
            Self::Io { .. } => "see that you may read and write it, and that the disk has room".to_owned(),
        })
    }
}

/// How to provide what a query asks for, and no store has.
pub(super) fn provide(query: &Query) -> String {
    match query {
        Query::Name(name) => format!("store it with `{}`", command("set", name)),
        Query::Vault(name) => format!("store it with `{} --store vault`", command("set", name)),
        Query::Keyring(pinned) => match (pinned.wanted(), pinned.collection()) {
            (Wanted::Name(name), None) => format!("store it with `{} --store native`", command("set", name)),
            _ => "store it there with the keyring's own program, or look up its attributes with `secret-tool search`"
                .to_owned(),
        },
        Query::Command(provided) => {
            format!("declare the command as `[providers.{}]` in config.toml", provided.provider())
        }
    }
}

/// The command line that does `verb` to a secret, ready to be pasted into a shell.
#[must_use]
pub(crate) fn command(verb: &str, name: &SecretName) -> String {
    let mut line = format!("keystencil secret {verb} {}", shell_word(name.service()));
    if name.account() != DEFAULT_ACCOUNT {
        line.push_str(" --account ");
        line.push_str(&shell_word(name.account()));
    }
    line
}

/// A word as a shell has to read it.
#[must_use]
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "._/@:+-".contains(c);
    if text.chars().all(plain) && !text.starts_with('-') {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::command;
    use crate::secret::SecretName;

    #[test]
    fn a_hint_is_a_command_that_a_shell_reads_as_meant() {
        let name = |service, account| SecretName::new(service, account).unwrap();
        assert_eq!(command("set", &name("github", "api-key")), "keystencil secret set github");
        assert_eq!(command("set", &name("github", "a b")), "keystencil secret set github --account 'a b'");
        assert_eq!(command("rm", &name("it's; rm", "api-key")), r"keystencil secret rm 'it'\''s; rm'");
    }
}
