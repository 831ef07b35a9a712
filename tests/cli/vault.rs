//! `vault`: backups.

use crate::sandbox::{KEY, Sandbox};

#[test]
fn without_backups_the_list_says_so() {
    let sandbox = Sandbox::with_key();
    let said = sandbox.run(&["vault", "backups", "list"]);
    assert_eq!(said.whole(), "there are no backups in the vault\n[0]");
    assert_eq!(sandbox.run(&["vault", "backups", "list", "--json"]).out, "[]\n");
    for verb in ["show", "rm"] {
        let said = sandbox.run(&["vault", "backups", verb, "github"]);
        assert_eq!(said.code, 2);
        assert!(said.err.starts_with("error: the vault has no backup `github`\nhint: "), "{said:?}");
        assert!(!said.err.contains(KEY));
    }
}

#[test]
fn a_backup_is_listed_shown_and_removed() {
    let sandbox = Sandbox::with_key();
    put(&sandbox, "claude.json of today", KEY.as_bytes());
    let said = sandbox.run(&["vault", "backups", "list"]);
    assert_eq!(
        said.whole(),
        format!("NAME                  BYTES  STORED\nclaude.json of today  {}     just now\n[0]", KEY.len())
    );
    let said = sandbox.run(&["vault", "backups", "show", "claude.json of today"]);
    assert_eq!((said.code, said.out.as_str()), (0, KEY));
    assert_eq!(sandbox.run(&["secret", "get", "claude.json of today"]).code, 2);
    assert!(!sandbox.run(&["secret", "list"]).out.contains("of today"));
    let said = sandbox.run(&["vault", "backups", "rm", "claude.json of today"]);
    assert_eq!(said.whole(), "removed the backup `claude.json of today`\n[0]");
    assert_eq!(sandbox.run(&["vault", "backups", "list", "--json"]).out, "[]\n");
}

/// Puts a backup into the vault of this home, as `import` does.
fn put(sandbox: &Sandbox, name: &str, bytes: &[u8]) {
    let paths = keystencil::store::VaultPaths {
        vault: sandbox.path(".local/share/keystencil/vault.age"),
        identity: sandbox.path(".config/keystencil/identity.txt"),
    };
    keystencil::store::Vault::new(paths).put_backup(name, bytes, jiff::Timestamp::now()).unwrap();
}
