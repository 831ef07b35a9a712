//! What can go wrong with a store: one variant for each decision a caller, or the user, has to take.
//!
//! It must never hold a byte of a secret. So no error of a library is kept or printed: `keyring_core`'s
//! `BadEncoding` carries the value, and a parser's message may quote its input.

use super::StoreKind;
use super::command::CommandError;
use crate::error::{Explain, Place};
use crate::secret::{Query, SecretName};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An error of a store. `Display` is one line, its hint is what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store has no secret of this name.
    #[error("secret {query} is not in the {store}")]
    NotFound {
        /// What was asked for.
        query: Query,
        /// Where.
        store: StoreKind,
    },
    /// The entry is there, and its value is the empty string.
    #[error("secret {query} is empty in the {store}")]
    Empty {
        /// What was asked for.
        query: Query,
        /// Where.
        store: StoreKind,
    },
    /// An empty value was to be stored.
    #[error("an empty value can't be stored as secret {name}")]
    EmptyValue {
        /// What it was to be stored as.
        name: SecretName,
    },
    /// The value is bytes and no text.
    #[error("secret {query} is not text in the {store}")]
    NotText {
        /// What was asked for.
        query: Query,
        /// Where.
        store: StoreKind,
    },
    /// Several entries match equally well and differ.
    #[error("secret {query} is in the keyring more than once, with different values: {}", quoted(labels))]
    Ambiguous {
        /// What was asked for.
        query: Query,
        /// The labels of the entries, as the keyring's own user interface shows them.
        labels: Vec<String>,
        /// Whether keystencil made one of them.
        with_own: bool,
    },
    /// Another program made the entry, and would not know of the change.
    #[error("secret {name} belongs to another program, as the entry {}", quoted(std::slice::from_ref(label)))]
    Foreign {
        /// What was to be changed.
        name: SecretName,
        /// The label of the entry.
        label: String,
        /// The command line that gives it a new value, where that is known.
        change: Option<String>,
    },
    /// A secret was to be moved to where there is another value of that name.
    #[error("the {store} has a different value for secret {name}")]
    Differs {
        /// What was to be moved.
        name: SecretName,
        /// Where to.
        store: StoreKind,
    },
    /// A store took a value and does not give it back.
    #[error("the {store} did not return secret {name} as it was stored")]
    NotKept {
        /// What was stored.
        name: SecretName,
        /// Where.
        store: StoreKind,
    },
    /// The keyring is locked, and no user is there to unlock it.
    #[error("the keyring is locked")]
    Locked,
    /// The keyring is open, and asks the user before it does this; they did not allow it.
    #[error("the keyring asked for confirmation and got none")]
    Unconfirmed,
    /// There is no session bus, or no Secret Service on it.
    #[error("no keyring is available here")]
    NoService,
    /// The keyring runs and has nowhere to put a new entry.
    #[error("the keyring has no default collection")]
    NoCollection,
    /// A reference names a collection that the keyring does not have.
    #[error("the keyring has no collection `{}`", collection.escape_debug())]
    NoSuchCollection {
        /// What was named.
        collection: String,
        /// What those it has are called: by their labels, or by the ends of their paths.
        known: Vec<String>,
    },
    /// A reference pins what this platform's keyring can't search for.
    #[error("the keyring of this platform has no {what}")]
    CannotPin {
        /// `attributes` or `collections`.
        what: &'static str,
    },
    /// A declared command gave no secret.
    #[error(transparent)]
    Command(Box<CommandError>),
    /// The store did not answer in time.
    #[error("the {store} did not answer within {} s", limit.as_secs_f32())]
    TimedOut {
        /// Which.
        store: StoreKind,
        /// How long it was given.
        limit: Duration,
    },
    /// The store answered with an error.
    #[error("the {store} failed: {reason}")]
    Unavailable {
        /// Which.
        store: StoreKind,
        /// The name of the error, never its text.
        reason: String,
    },
    /// The platform's keyring can't tell keystencil's entries from those of other programs.
    #[error("this keyring can't tell which of its entries keystencil wrote")]
    CannotList,
    /// The vault is there and the key to it is not.
    #[error("the vault's identity file is missing")]
    VaultIdentityMissing {
        /// Where it should be.
        identity: PathBuf,
    },
    /// The identity file can't be used.
    #[error("the vault's identity file can't be used: {reason}")]
    VaultIdentityUnreadable {
        /// The file.
        identity: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A passphrase protects the identity, it is not unlocked, and no user is there to be asked.
    #[error("the vault is locked")]
    VaultLocked {
        /// The identity.
        identity: PathBuf,
    },
    /// An identity file that was named is not there.
    #[error("identity file not found")]
    NoSuchIdentity {
        /// What was named.
        identity: PathBuf,
    },
    /// A passphrase protects the identity that the vault is to have, and no user is there to be asked.
    #[error("the new identity has a passphrase, and there is no terminal to type it at")]
    NewIdentityLocked {
        /// The identity.
        identity: PathBuf,
    },
    /// The vault was to have a public key as its identity.
    #[error("this is a public key; an identity is a private key")]
    NewIdentityPublic {
        /// The file.
        identity: PathBuf,
    },
    /// The passphrase that was typed does not open the identity.
    #[error("wrong passphrase for the vault's identity")]
    VaultPassphrase {
        /// The identity.
        identity: PathBuf,
    },
    /// An age plugin that the identity or a recipient needs does not do its work.
    #[error("{} {reason}", plugins(plugin))]
    VaultPlugin {
        /// The identity.
        identity: PathBuf,
        /// The name of the plugin, or names; empty if it is not known which of them it was.
        plugin: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nothing can be encrypted to a recipient.
    #[error("`{}` can't be a recipient: {reason}", recipient.escape_debug())]
    VaultRecipient {
        /// The public key.
        recipient: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The recipient that was to be removed is the identity on this machine.
    #[error("this is the vault's own public key")]
    OwnRecipient,
    /// A plugin identity does not name its public key, so the other machine could not encrypt to it.
    #[error("the vault's identity does not name its public key")]
    NoPublicKey,
    /// What was to be imported can't be.
    #[error("cannot import this: {reason}")]
    BadExport {
        /// Where it came from.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// What was to be imported has other values than the vault.
    #[error("the vault has different values for {}", names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    ImportConflict {
        /// The secrets, never empty.
        names: Vec<SecretName>,
    },
    /// There is no `$XDG_RUNTIME_DIR`, and the kernel keeps no keys.
    #[error("nowhere to keep the unlocked identity: no kernel keyring, and XDG_RUNTIME_DIR is not set")]
    NoRuntimeFolder,
    /// A folder for opened identities is not the user's alone.
    #[error("cannot keep the unlocked identity in this folder: {reason}")]
    RuntimeFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Others may read the vault or its identity.
    #[error("other users can read this file (mode {mode:o})")]
    VaultPermissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The vault was encrypted to another key.
    #[error("the identity {} does not open the vault", identity.display())]
    VaultWrongKey {
        /// The vault.
        vault: PathBuf,
        /// The identity that was tried.
        identity: PathBuf,
    },
    /// The vault is not what keystencil wrote.
    #[error("the vault is damaged: {reason}")]
    VaultDamaged {
        /// The vault.
        vault: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The vault was written by a newer keystencil.
    #[error("the vault has format {version}, which is newer than this keystencil knows")]
    VaultNewer {
        /// The vault.
        vault: PathBuf,
        /// Its format.
        version: u64,
    },
    /// Another vault stands in the place of the one that this machine knows.
    #[error("this is not the vault that was here: another one was put in its place")]
    VaultReplaced {
        /// Its path.
        vault: PathBuf,
    },
    /// A copy from before the last write.
    #[error("this is an older copy of the vault: what was stored since is missing")]
    VaultOlder {
        /// Its path.
        vault: PathBuf,
    },
    /// Another keystencil has been changing the vault for longer than anybody should.
    #[error("another process has locked the vault")]
    VaultBusy {
        /// The lock file.
        lock: PathBuf,
    },
    /// A backup of that name is in the vault already.
    #[error("the vault already has a backup `{}`", name.escape_debug())]
    BackupExists {
        /// The name.
        name: String,
    },
    /// A backup can't have that name.
    #[error("a backup can't be called `{name}`")]
    BackupName {
        /// The name, escaped.
        name: String,
    },
    /// The vault knows a backup whose file is not what was written.
    #[error("the backup is damaged: {reason}")]
    BackupDamaged {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file operation failed.
    #[error("can't {doing}: {message}")]
    Io {
        /// What was tried: `read the vault`.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the operating system said.
        message: String,
    },
}

impl StoreError {
    pub(super) fn io(doing: &'static str, path: &Path, error: &std::io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), message: error.to_string() }
    }

    /// Whether the store is there at all: a new secret may go elsewhere if not, but not because it is locked.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::NoService | Self::NoCollection)
    }

    /// Whether the store answered and the name is not in it.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

fn plugins(names: &str) -> String {
    if names.is_empty() { "an age plugin".to_owned() } else { format!("the age plugin `age-plugin-{names}`") }
}

/// Labels are other programs' texts. Quotes stay as they are: each label of Python's keyring has four.
pub fn quoted(labels: &[String]) -> String {
    let shown = |label: &String| {
        let mut shown = String::new();
        for char in label.chars() {
            if matches!(char, '\'' | '"') { shown.push(char) } else { shown.extend(char.escape_debug()) }
        }
        format!("`{shown}`")
    };
    labels.iter().map(shown).collect::<Vec<_>>().join(", ")
}

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
            | Self::VaultReplaced { vault: path }
            | Self::VaultOlder { vault: path }
            | Self::VaultBusy { lock: path }
            | Self::Io { path, .. } => Some(Place::file(path)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_label_is_shown_as_its_program_shows_it_without_what_moves_a_cursor() {
        let labels = ["Password for 'me' on 'x'".to_owned(), "a\u{1b}[2Jb\n".to_owned()];
        assert_eq!(quoted(&labels), "`Password for 'me' on 'x'`, `a\\u{1b}[2Jb\\n`");
    }
}
