//! `vault`, `unlock`, `lock`.

use crate::sandbox::{KEY, Sandbox};
use crate::terminal::{line_with_typed, with_typed};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

const PASSPHRASE: &str = "canary battery staple";

/// A home with the key, whose vault has a passphrase.
fn protected() -> Sandbox {
    protect(Sandbox::with_key())
}

fn protect(sandbox: Sandbox) -> Sandbox {
    let typed = format!("{PASSPHRASE}\n{PASSPHRASE}\n");
    let (code, shown) = with_typed(&sandbox, "vault rekey --passphrase", &typed);
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("rekeyed the vault") && shown.contains("~/.config/keystencil/identity.txt.old"), "{shown}");
    sandbox
}

fn chmod(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_locked_vault_is_an_error_that_names_the_hint_and_never_a_prompt_in_a_pipe() {
    let sandbox = protected();
    for arguments in [
        &["secret", "get", "github"][..],
        &["secret", "list"],
        &["render"],
        &["exec", "--", "true"],
        &["vault", "backups", "list"],
        &["vault", "rekey"],
        &["unlock"],
    ] {
        let said = sandbox.run(arguments);
        assert!([2, 125].contains(&said.code), "{arguments:?}: {said:?}");
        assert!(said.err.contains("locked") && said.err.contains("`keystencil unlock --for 8h`"), "{said:?}");
    }
    let said = sandbox.run_with_input(&["secret", "set", "b"], "value");
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(sandbox.run(&["diff"]).code, 1, "it needs no key");
    assert_eq!(sandbox.run(&["status"]).code, 0, "nor does it");
}

#[test]
fn a_hook_on_a_locked_vault_says_so_and_asks_nobody_even_at_a_terminal() {
    let sandbox = Sandbox::with_key();
    sandbox.write(
        ".config/keystencil/config.toml",
        "[targets.claude]\ntemplate = 'claude.json'\npath = '~/.claude.json'\nprofile = 'claude-code'\n",
    );
    sandbox.write(".claude.json", "{}");
    let sandbox = protect(sandbox);
    sandbox.write("input", r#"{"session_id":"1","hook_event_name":"SessionStart"}"#);
    let line = format!("sh -c 'CLAUDE_PID=$$ {} hook session-start < input; true'", crate::sandbox::BINARY);
    let (mut child, _keyboard) = crate::terminal::on_a_terminal(&sandbox, &line);
    let mut screen = String::new();
    std::io::Read::read_to_string(child.0.stdout.as_mut().unwrap(), &mut screen).unwrap();
    assert!(screen.contains("systemMessage") && screen.contains("the vault is locked"), "{screen}");
    assert!(screen.contains("keystencil unlock") && !screen.contains("Passphrase"), "{screen}");
}

#[test]
fn at_a_terminal_the_passphrase_is_asked_for_once_a_command() {
    let sandbox = protected();
    let (code, shown) = with_typed(&sandbox, "secret get github --reveal", &format!("{PASSPHRASE}\n"));
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains(KEY) && !shown.contains("battery"), "{shown}");
    assert_eq!(shown.matches("Passphrase of ~/.config/keystencil/identity.txt:").count(), 1, "{shown}");
    let (code, shown) = with_typed(&sandbox, "exec -- cat live.json", &format!("{PASSPHRASE}\n"));
    assert_eq!(code, 0, "{shown}");
    assert_eq!(shown.matches("Passphrase of").count(), 1, "{shown}");
    assert!(shown.contains("sk-canary"), "{shown}");
}

/// `unlock` at a terminal; with `without_kernel` on a system whose kernel keeps no keys.
fn unlock(sandbox: &Sandbox, without_kernel: bool, runtime: Option<&str>) -> (i32, String) {
    let binary = crate::sandbox::BINARY;
    let runtime = runtime.map_or_else(String::new, |folder| format!("XDG_RUNTIME_DIR={folder}"));
    let strace =
        if without_kernel { "strace -f -qqq -o /dev/null -e trace=add_key -e inject=add_key:error=ENOSYS" } else { "" };
    let line = format!("env {runtime} {strace} {binary} unlock --for 10m");
    line_with_typed(sandbox, &line, &format!("{PASSPHRASE}\n"))
}

#[test]
fn an_unlocked_vault_serves_scripts_and_hooks_until_it_is_locked() {
    let sandbox = protected();
    let runtime = sandbox.path("run");
    fs::create_dir(&runtime).unwrap();
    chmod(&runtime, 0o700);
    let (code, shown) = unlock(&sandbox, false, Some("run"));
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("unlocked the vault for 10 minutes"), "{shown}");
    let run =
        |arguments: &[&str]| sandbox.said(&sandbox.command(arguments).env("XDG_RUNTIME_DIR", "run").output().unwrap());
    assert_eq!(run(&["secret", "get", "github"]).out, format!("{KEY}\n"));
    assert_eq!(run(&["exec", "--", "true"]).code, 0);
    assert_eq!(run(&["lock"]).whole(), "locked the vault\n[0]");
    assert_eq!(run(&["lock"]).whole(), "the vault was not unlocked\n[0]");
    assert_eq!(run(&["secret", "get", "github"]).code, 2);
    assert_eq!(run(&["unlock", "--for", "8d"]).code, 2);
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs strace")]
fn without_kernel_keys_an_unlocked_vault_is_a_private_file_in_the_runtime_folder() {
    let sandbox = protected();
    let (code, shown) = unlock(&sandbox, true, None);
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("XDG_RUNTIME_DIR is not set") && shown.contains("hint: "), "{shown}");
    let runtime = sandbox.path("run");
    fs::create_dir(&runtime).unwrap();
    chmod(&runtime, 0o755);
    let (code, shown) = unlock(&sandbox, true, Some(runtime.to_str().unwrap()));
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("other users can access it") && shown.contains("chmod 700"), "{shown}");
    chmod(&runtime, 0o700);
    fs::create_dir(runtime.join("keystencil")).unwrap();
    chmod(&runtime.join("keystencil"), 0o750);
    let (code, shown) = unlock(&sandbox, true, Some(runtime.to_str().unwrap()));
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("run/keystencil"), "{shown}");
    chmod(&runtime.join("keystencil"), 0o700);
    let (code, shown) = unlock(&sandbox, true, Some(runtime.to_str().unwrap()));
    assert_eq!(code, 0, "{shown}");
    let files: Vec<_> = fs::read_dir(runtime.join("keystencil")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!fs::read_to_string(&files[0]).unwrap().contains("battery"), "it is the identity, not the passphrase");
    let get = || {
        sandbox.said(&sandbox.command(&["secret", "get", "github"]).env("XDG_RUNTIME_DIR", &runtime).output().unwrap())
    };
    assert_eq!(get().out, format!("{KEY}\n"));
    // Opened to others it counts for nothing, and goes.
    chmod(&files[0], 0o644);
    assert_eq!(get().code, 2);
    assert!(!files[0].exists());
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs age")]
fn an_identity_that_the_age_tool_protects_opens_the_vault() {
    for armored in ["", "-a"] {
        let sandbox = Sandbox::with_key();
        let identity = sandbox.path(".config/keystencil/identity.txt");
        let line = format!("age -p {armored} -o sealed {}", identity.display());
        let (code, screen) = line_with_typed(&sandbox, &line, &format!("{PASSPHRASE}\n").repeat(2));
        assert_eq!(code, 0, "{screen}");
        fs::rename(sandbox.path("sealed"), &identity).unwrap();
        chmod(&identity, 0o600);
        assert_eq!(sandbox.run(&["secret", "get", "github"]).code, 2);
        let (code, shown) = with_typed(&sandbox, "secret get github --reveal", &format!("{PASSPHRASE}\n"));
        assert_eq!(code, 0, "{shown}");
        assert!(shown.contains(KEY), "{shown}");
    }
}

#[test]
fn a_passphrase_that_is_typed_differently_or_not_at_all_changes_nothing() {
    let sandbox = Sandbox::with_key();
    sandbox.allow();
    let before = sandbox.files();
    for typed in ["one\ntwo\n", "\n"] {
        let (code, shown) = with_typed(&sandbox, "vault rekey --passphrase", typed);
        assert_eq!(code, 2, "{shown}");
        assert!(shown.contains("hint: nothing was changed"), "{shown}");
    }
    assert_eq!(sandbox.files(), before);
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs ssh-keygen")]
fn a_new_identity_that_can_not_be_used_is_told_from_the_vaults_own() {
    let sandbox = Sandbox::with_key();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", PASSPHRASE, "-f"])
        .arg(sandbox.path("key"))
        .status()
        .unwrap();
    assert!(made.success());
    chmod(&sandbox.path("key.pub"), 0o600);
    let before = sandbox.files();
    for (file, message, hint) in [
        ("key", "the new identity has a passphrase, and there is no terminal to type it at", "run this at a terminal"),
        ("key.pub", "this is a public key", "without `.pub`; to let this key read the vault as well"),
        ("nope", "identity file not found", "correct the path after `--identity`"),
    ] {
        let said = sandbox.run(&["vault", "rekey", "--identity", file]);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(
            said.err.contains(message) && said.err.contains(hint) && said.err.contains(&format!("at {file}\n")),
            "{said:?}"
        );
    }
    assert_eq!(sandbox.files(), before);
}

#[test]
fn a_fifo_in_the_place_of_the_vault_or_its_identity_is_refused_at_once() {
    for file in [".local/share/keystencil/vault.age", ".config/keystencil/identity.txt"] {
        let sandbox = Sandbox::with_key();
        fs::remove_file(sandbox.path(file)).unwrap();
        assert!(Command::new("mkfifo").args(["-m", "600"]).arg(sandbox.path(file)).status().unwrap().success());
        for arguments in [&["secret", "get", "github"][..], &["secret", "list"], &["vault", "rekey"]] {
            let said = sandbox.run(arguments);
            assert_eq!(said.code, 2, "{arguments:?}: {said:?}");
            assert!(said.err.contains("it is not a regular file"), "{said:?}");
        }
    }
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs age")]
fn recipients_are_added_listed_and_removed() {
    let sandbox = Sandbox::with_key();
    let identity = sandbox.path("other.txt");
    assert!(Command::new("age-keygen").arg("-o").arg(&identity).output().unwrap().status.success());
    let public = Command::new("age-keygen").arg("-y").arg(&identity).output().unwrap().stdout;
    let public = String::from_utf8(public).unwrap().trim().to_owned();
    let add = ["vault", "recipients", "add", &public, "--name", "laptop"];
    assert_eq!(sandbox.run(&add).whole(), "added the recipient: the vault is now encrypted to it too\n[0]");
    assert_eq!(sandbox.run(&add).whole(), "it is already a recipient\n[0]");
    let list = sandbox.run(&["vault", "recipients", "list"]).out;
    assert!(list.contains(&format!("laptop          {public}")) && list.contains("(this machine)  age1"), "{list}");
    let json = sandbox.run(&["vault", "recipients", "list", "--json"]).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json[0]["own"], &json[1]["recipient"]), (&true.into(), &public.as_str().into()));
    let vault = sandbox.path(".local/share/keystencil/vault.age");
    let opens =
        || Command::new("age").arg("-d").arg("-i").arg(&identity).arg(&vault).output().unwrap().status.success();
    assert!(opens());
    let said = sandbox.run(&["vault", "recipients", "rm", "laptop"]);
    assert_eq!(said.code, 0);
    assert!(said.err.contains("still opens older copies of the vault"), "{said:?}");
    assert!(!opens());
    let said = sandbox.run(&["vault", "recipients", "rm", "laptop"]);
    assert_eq!(
        said.whole(),
        "error: the vault has no such recipient\nhint: `keystencil vault recipients list` shows who can read it\n[2]"
    );
}

#[test]
fn without_backups_the_list_says_so() {
    let sandbox = Sandbox::with_key();
    let said = sandbox.run(&["vault", "backups", "list"]);
    assert_eq!(said.whole(), "the vault has no backups\n[0]");
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
