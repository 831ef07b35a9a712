//! `purge`: a machine that is not to be trusted any more.

use crate::keyring::Keyring;
use crate::sandbox::{BINARY, KEY, Said, Sandbox};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// A key of a known form that nobody has.
fn groq() -> String {
    ["gsk", "_", &"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7".repeat(2)[..52]].concat()
}

/// Two rendered files, one of them in no config and held by a process, and a stored key that no template names.
fn sandbox() -> (Sandbox, std::process::Child) {
    let sandbox = Sandbox::with_key();
    sandbox.store("spare", &groq());
    let holder = Command::new("sleep").arg("600").spawn().unwrap();
    sandbox.run(&["render"]);
    let pair = ["render", "--template", ".config/keystencil/claude.json", "--to", "other.json", "--owner"];
    assert_eq!(sandbox.run(&[&pair[..], &[&holder.id().to_string()]].concat()).code, 0);
    assert!(sandbox.live().contains("sk-canary") && sandbox.read("other.json").contains("sk-canary"));
    (sandbox, holder)
}

fn end(mut holder: std::process::Child) {
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[test]
fn the_plan_is_shown_and_nothing_is_done_without_a_yes() {
    let (sandbox, holder) = sandbox();
    let before = sandbox.files();
    let dry = sandbox.run(&["purge", "--dry-run"]);
    assert_eq!(dry.code, 0);
    assert_eq!(
        dry.out,
        "take the keys out of\n  ~/live.json\n  ~/other.json\n\
         delete\n  github in the vault\n  spare in the vault\n\
         then revoke each key where you got it\n  github: GitHub, https://github.com/settings/tokens\n  \
         spare: Groq, https://console.groq.com/keys\n"
    );
    let json: Value = serde_json::from_str(&sandbox.run(&["purge", "--dry-run", "--json"]).out).unwrap();
    assert_eq!((json["dry_run"].as_bool(), json["entries"].as_array().unwrap().len()), (Some(true), 2));
    let refused = sandbox.run(&["purge"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("nothing was removed") && refused.err.contains("--yes"), "{refused:?}");
    assert_eq!(sandbox.files(), before);
    end(holder);
}

#[test]
fn afterwards_no_file_and_no_store_has_a_key() {
    let (sandbox, holder) = sandbox();
    let said = sandbox.run(&["purge", "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("deleted 2 stored secrets\n") && said.err.contains("now revoke the keys"), "{said:?}");
    for (path, content) in sandbox.files() {
        let text = String::from_utf8_lossy(&content);
        assert!(!text.contains("canary") && !text.contains(&groq()), "{}", path.display());
    }
    assert!(!said.whole().contains("canary") && !said.whole().contains(&groq()[8..]));
    assert_eq!(sandbox.run(&["secret", "get", "spare"]).code, 2);
    // Nothing is left to be done a second time.
    let again = sandbox.run(&["purge"]);
    assert_eq!(again.whole(), "nothing is rendered, and nothing is stored\n[0]");
    end(holder);
}

#[test]
fn an_error_with_one_thing_keeps_no_other_and_is_said() {
    let (sandbox, holder) = sandbox();
    // The journal of one file is damaged, and so is the vault.
    let is_journal = |path: &std::path::Path| path.to_string_lossy().ends_with(".journal.json");
    let of_other = |text: &[u8]| String::from_utf8_lossy(text).contains("other.json");
    let journal = sandbox.files().into_iter().find(|(path, text)| is_journal(path) && of_other(text)).unwrap();
    fs::write(journal.0, "damaged").unwrap();
    let said = sandbox.run(&["purge", "--yes", "--json"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("warning: cannot tell what is rendered there: cannot read the journal"), "{said:?}");
    assert!(!sandbox.live().contains("canary"));
    assert_eq!(sandbox.run(&["secret", "get", "github"]).code, 2);
    sandbox.write(".local/share/keystencil/vault.age", "damaged");
    sandbox.write(".config/keystencil/config.toml", "nonsense");
    let said = sandbox.run(&["purge", "--yes"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("cannot tell what is in the vault; it stays: the vault is damaged"), "{said:?}");
    end(holder);
}

fn run(keyring: &Keyring, line: &str, input: &str) -> Said {
    let output = keyring.try_run(BINARY, &line.split(' ').collect::<Vec<_>>(), input);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Said { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs a keyring")]
fn what_other_programs_stored_is_named_and_goes_only_if_that_is_said() {
    let keyring = Keyring::start();
    let folder = keyring.path().join(".config/keystencil");
    fs::create_dir_all(&folder).unwrap();
    // A config that prefers the vault hides no key in the keyring.
    fs::write(folder.join("config.toml"), "store = 'vault'\n[targets.a]\ntemplate = 'a.json'\npath = '~/a.json'\n[providers.op]\ncommand = ['op', 'read', '{ref}']\n")
        .unwrap();
    fs::write(folder.join("a.json"), r#"{"a": "<< keyring('openai') >>", "b": "<< keyring('mine') >>", "c": << keyring(attributes={'url': 'a b'}) >>, "d": << op('op://x') >>}"#).unwrap();
    run(&keyring, "--store native secret set mine", KEY);
    run(&keyring, "--store vault secret set mine", KEY);
    keyring.secret_tool_store("Of mine", "service openai account api-key", "their-canary");
    keyring.secret_tool_store("Bank", "service bank username me", "hunter2");
    let said = run(&keyring, "purge --yes", "");
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.out.contains("delete\n  mine in the keyring\n  mine in the vault\n"), "{said:?}");
    assert!(said.out.contains("\n  openai in the keyring, the entry `Of mine` of another program\n"), "{said:?}");
    assert!(
        said.err.contains("warning: openai is still in the keyring as the entry `Of mine`\nhint: delete it in its own"),
        "{said:?}"
    );
    for by_hand in ["\n    secret-tool clear url 'a b'\n", "\n    with op, and revoke it where you got it\n"] {
        assert!(said.out.contains(by_hand), "{said:?}");
    }
    assert_eq!(keyring.secret_tool_lookup("service openai").as_deref(), Some("their-canary"));
    let said = run(&keyring, "purge --yes --foreign", "");
    // What templates use by attributes and by a command is the user's to delete.
    assert_eq!(said.code, 3, "{said:?}");
    assert_eq!(keyring.secret_tool_lookup("service openai"), None);
    assert_eq!(keyring.secret_tool_lookup("service mine"), None);
    assert_eq!(keyring.secret_tool_lookup("service bank").as_deref(), Some("hunter2"), "no template names it");
    assert!(!said.whole().contains("canary"));
}

#[test]
fn an_identity_that_is_kept_open_is_forgotten_though_nothing_is_stored() {
    let sandbox = Sandbox::empty();
    let folder = sandbox.path("run/keystencil");
    fs::create_dir_all(&folder).unwrap();
    for folder in [folder.parent().unwrap(), &folder] {
        fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    }
    let identity = sandbox.path(".config/keystencil/identity.txt");
    let name: String = blake3::hash(identity.as_os_str().as_encoded_bytes()).to_hex().chars().take(16).collect();
    let kept = folder.join(format!("{name}.unlocked"));
    let purge = || {
        let mut command = sandbox.command(&["purge", "--yes"]);
        sandbox.said(&command.env("XDG_RUNTIME_DIR", sandbox.path("run")).output().unwrap())
    };
    fs::write(&kept, "x").unwrap();
    assert_eq!(purge().code, 0);
    assert!(!kept.exists(), "it is still open");
    // One that can't be removed is told.
    fs::create_dir(&kept).unwrap();
    let said = purge();
    assert!(said.code == 3 && said.err.contains("unlocked"), "{said:?}");
}
