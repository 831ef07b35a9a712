//! `doctor`.

use crate::keyring::Keyring;
use crate::sandbox::{BINARY, KEY, Said, Sandbox};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

fn findings(said: &Said) -> Vec<(String, String, String, String)> {
    let all: Value = serde_json::from_str(&said.out).unwrap();
    let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let one = |one: &Value| (text(one, "state"), text(one, "subject"), text(one, "message"), text(one, "hint"));
    all.as_array().unwrap().iter().map(one).collect()
}

/// What is amiss, as `state subject message | hint`.
fn amiss(sandbox: &Sandbox) -> Vec<String> {
    sandbox.allow();
    let before = sandbox.files();
    let said = sandbox.run(&["doctor", "--json"]);
    assert_eq!(sandbox.files(), before, "doctor changed something");
    assert!(!said.whole().contains("canary"), "{said:?}");
    let amiss = findings(&said).into_iter().filter(|(state, ..)| state == "due" || state == "bad");
    let amiss: Vec<String> =
        amiss.map(|(state, subject, message, hint)| format!("{state} {subject}: {message} | {hint}")).collect();
    assert_eq!(said.code, if amiss.is_empty() { 0 } else { 3 }, "{said:?}");
    amiss
}

fn mode(sandbox: &Sandbox, name: &str, mode: u32) {
    fs::set_permissions(sandbox.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_home_in_order_has_nothing_amiss() {
    let sandbox = Sandbox::with_key();
    assert_eq!(amiss(&sandbox), [""; 0]);
    sandbox.run(&["exec", "--", "true"]);
    assert_eq!(amiss(&sandbox), [""; 0]);
    sandbox.run(&["render"]);
    assert_eq!(amiss(&sandbox), [""; 0]);
    let said = sandbox.run(&["doctor"]);
    assert!(said.out.contains("\n+ claude      rendered for 1 holder\n"), "{said:?}");
    assert_eq!(sandbox.run(&["doctor", "-q"]).whole(), "[0]");
}

#[test]
fn an_empty_home_has_no_config_and_a_broken_one_is_told_and_the_rest_looked_at() {
    let sandbox = Sandbox::empty();
    assert_eq!(amiss(&sandbox), ["due config: ~/.config/keystencil/config.toml does not exist | `keystencil init`"]);
    sandbox.write(".config/keystencil/config.toml", "nonsense");
    let amiss = amiss(&sandbox);
    assert!(amiss[0].starts_with("bad config: ") && amiss[0].contains("config.toml:1:"), "{amiss:?}");
    assert!(sandbox.run(&["doctor"]).out.contains("core dumps"));
}

#[test]
fn a_broken_template_a_missing_secret_and_an_unset_variable_have_their_cures() {
    let sandbox = Sandbox::with_target();
    assert_eq!(
        amiss(&sandbox),
        ["bad secrets: github is not in any store, and used by claude | `keystencil secret set github`"]
    );
    sandbox.write(".config/keystencil/claude.json", r#"{"a": "<< env('NO_SUCH_ONE') >>"}"#);
    let one = amiss(&sandbox);
    assert!(
        one.len() == 1 && one[0].starts_with("due claude: the variable `NO_SUCH_ONE` is not set here | "),
        "{one:?}"
    );
    sandbox.write(".config/keystencil/claude.json", "{");
    let one = amiss(&sandbox);
    assert!(one.len() == 1 && one[0].contains("(~/.config/keystencil/claude.json:1:"), "{one:?}");
    fs::remove_file(sandbox.path(".config/keystencil/claude.json")).unwrap();
    assert!(amiss(&sandbox)[0].starts_with("bad claude: cannot read the template"));
}

#[test]
fn the_live_file_is_looked_at_behind_its_link() {
    let sandbox = Sandbox::with_key();
    sandbox.write("dotfiles/live.json", "{}");
    symlink("dotfiles/live.json", sandbox.path("live.json")).unwrap();
    mode(&sandbox, "dotfiles/live.json", 0o644);
    // Others may read it: there is no key in it.
    assert_eq!(amiss(&sandbox), [""; 0]);
    sandbox.write("dotfiles/live.json", r#"{"mcpServers": {"github": {"env": {"TOKEN": "mine-canary"}}}}"#);
    let one = amiss(&sandbox);
    assert!(one[0].starts_with("due claude: ~/live.json, a link to ~/dotfiles/live.json can be read by other users (mode 644) | `chmod 600 "), "{one:?}");
    mode(&sandbox, "dotfiles/live.json", 0o600);
    assert!(!amiss(&sandbox).concat().contains("can be read by other users"));
    sandbox.write("dotfiles/live.json", "{\"a\": ");
    assert!(amiss(&sandbox)[0].contains("the target is not JSON"));
    fs::remove_file(sandbox.path("live.json")).unwrap();
    symlink("live.json", sandbox.path("live.json")).unwrap();
    let said = sandbox.run(&["doctor"]);
    assert!(said.code == 3 && said.out.contains("\nx claude"), "{said:?}");
}

#[test]
fn keys_in_plain_text_are_told_by_their_provider_and_never_shown() {
    let sandbox = Sandbox::with_key();
    let groq = ["gsk", "_", &"aB3dE6gH9jK2mN5pQ8sT1vW4yZ7".repeat(2)[..52]].concat();
    sandbox.write(
        "live.json",
        &format!(r#"{{"x": ["{groq}", {{"url": "https://x/?k={groq}"}}], "mcpServers": {{"github": {{"env": {{"TOKEN": "mine-canary"}}}}}}}}"#),
    );
    mode(&sandbox, "live.json", 0o600);
    let both = amiss(&sandbox);
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both[0].starts_with("due claude: a value of yours stands at /mcpServers/github/env/TOKEN"), "{both:?}");
    assert!(both[1].starts_with("due claude: a key of Groq stands in plain text at /x/0 and 1 more | "), "{both:?}");
    assert!(!both.concat().contains(&groq[8..]));
    // The keys that a render put there are not a finding.
    sandbox.write("live.json", "{}");
    sandbox.store("github", &groq);
    sandbox.run(&["render"]);
    assert!(sandbox.live().contains(&groq));
    assert_eq!(amiss(&sandbox), [""; 0]);
}

#[test]
fn what_a_crashed_program_left_is_due_for_recover_and_a_damaged_journal_is_named() {
    let sandbox = Sandbox::with_key();
    let mut holder = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    sandbox.run(&["render", "--owner", &holder.id().to_string()]);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(
        amiss(&sandbox),
        ["bad claude: a program that is gone left its secrets in ~/live.json | `keystencil recover`"]
    );
    let journal =
        sandbox.files().into_iter().find(|(path, _)| path.to_string_lossy().ends_with("journal.json")).unwrap();
    fs::write(journal.0, "damaged").unwrap();
    assert!(amiss(&sandbox)[0].starts_with("bad claude: cannot read the journal: it is damaged (~/.local/state"));
}

#[test]
fn stores_that_do_not_answer_are_told_and_what_they_may_have_is_not_missing() {
    let sandbox = Sandbox::with_key();
    sandbox.allow();
    mode(&sandbox, ".local/share/keystencil/vault.age", 0o644);
    let one = amiss(&sandbox);
    assert!(one.len() == 1 && one[0].starts_with("bad vault: other users can read this file (mode 644)"), "{one:?}");
    mode(&sandbox, ".local/share/keystencil/vault.age", 0o600);
    // A missing keyring is not a fault while the vault works.
    let said = sandbox.run(&["--store", "auto", "doctor"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("- keyring     no keyring is available here; the vault has to do"), "{said:?}");
    assert_eq!(sandbox.run(&["--store", "native", "doctor"]).code, 3);
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs a keyring")]
fn a_locked_keyring_is_told_without_a_prompt() {
    let keyring = Keyring::start();
    let run = |line: &str, input: &str| {
        let output = keyring.try_run(BINARY, &line.split(' ').collect::<Vec<_>>(), input);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    run("secret set openai", KEY);
    let (_, said) = run("doctor", "");
    assert!(said.contains("✓ keyring     it answers, and has 1 secret"), "{said}");
    keyring.lock();
    let (code, said) = run("doctor", "");
    assert_eq!(code, Some(3));
    assert!(said.contains("✗ keyring     the keyring is locked\n              hint: unlock it"), "{said}");
}

#[test]
fn old_keys_and_an_open_state_folder_are_due() {
    let sandbox = Sandbox::with_key();
    let config = sandbox.read(".config/keystencil/config.toml");
    sandbox.write(".config/keystencil/config.toml", &format!("rotate_after = '0 days'\n{config}"));
    sandbox.allow();
    mode(&sandbox, ".local/state/keystencil", 0o755);
    let both = amiss(&sandbox);
    assert_eq!(both.len(), 2, "{both:?}");
    assert_eq!(both[0], "due secrets: github was stored just now | `keystencil secret rotate github`");
    assert!(
        both[1].starts_with("due state: other users can look into ~/.local/state/keystencil (mode 755)"),
        "{both:?}"
    );
}

#[test]
fn hooks_shim_and_client_are_told_for_the_host_they_are_for() {
    let sandbox = Sandbox::with_key();
    let config = "[targets.claude]\ntemplate = 'claude.json'\nprofile = 'claude-code'\n";
    sandbox.write(".config/keystencil/config.toml", config);
    // A client that would leave a trace if it were started.
    sandbox.write("versions/2.1.330", &format!("#!/bin/sh\ntouch {}\n", sandbox.path("started").display()));
    mode(&sandbox, "versions/2.1.330", 0o755);
    fs::create_dir(sandbox.path("real")).unwrap();
    symlink(sandbox.path("versions/2.1.330"), sandbox.path("real/claude")).unwrap();
    let path = format!("{h}/.local/bin:{h}/real:/usr/bin:/bin", h = sandbox.home().display());
    let run = |line: &str, path: &str| {
        let mut command = sandbox.command(&line.split(' ').collect::<Vec<_>>());
        sandbox.said(&command.env("PATH", path).output().unwrap())
    };
    let of = |said: &Said, subject: &str| findings(said).into_iter().find(|finding| finding.1 == subject).unwrap();
    let bare = run("doctor --json", &path);
    assert_eq!(bare.code, 0, "{bare:?}");
    assert_eq!(of(&bare, "Claude Code").2, "~/real/claude, version 2.1.330");
    assert_eq!((of(&bare, "shim").0, of(&bare, "hooks").0), ("idle".into(), "idle".into()));
    assert_eq!(run("install shim claude", &path).code, 0);
    assert_eq!(run("install claude-code", &path).code, 0);
    let whole = run("doctor --json", &path);
    assert_eq!(whole.code, 0, "{whole:?}");
    assert_eq!((of(&whole, "shim").0, of(&whole, "hooks").0), ("good".into(), "good".into()));
    let behind = format!("{h}/real:{h}/.local/bin:/usr/bin", h = sandbox.home().display());
    assert!(of(&run("doctor --json", &behind), "shim").2.contains("does not come first in PATH"));
    let settings = sandbox.read(".claude/settings.json").replace(BINARY, "/opt/elsewhere/keystencil");
    sandbox.write(".claude/settings.json", &settings);
    assert!(of(&run("doctor --json", &path), "hooks").2.contains("another keystencil"));
    sandbox.write(".claude/settings.json", "{");
    assert_eq!(of(&run("doctor --json", &path), "hooks").0, "bad");
    assert!(!sandbox.path("started").exists(), "doctor started the client");
    // The npm package says its version in a file.
    let package = "real/node_modules/@anthropic-ai/claude-code";
    sandbox.write(&format!("{package}/package.json"), r#"{"name": "@anthropic-ai/claude-code", "version": "2.9.9"}"#);
    sandbox.write(&format!("{package}/cli.js"), "#!/bin/sh\n");
    mode(&sandbox, &format!("{package}/cli.js"), 0o755);
    fs::remove_file(sandbox.path("real/claude")).unwrap();
    symlink(sandbox.path(&format!("{package}/cli.js")), sandbox.path("real/claude")).unwrap();
    let other = of(&run("doctor --json", &path), "Claude Code");
    assert!(other.0 == "idle" && other.2.contains("version 2.9.9; ") && other.2.contains("2.1.330"), "{other:?}");
}

#[test]
fn the_checklist_fits_into_80_columns_and_has_no_marks_that_a_plain_terminal_lacks() {
    let sandbox = Sandbox::with_target();
    sandbox.write("live.json", r#"{"mcpServers": {"github": {"env": {"TOKEN": "mine"}}}}"#);
    let plain = sandbox.run(&["doctor"]);
    assert!(plain.out.is_ascii(), "{plain:?}");
    let output = sandbox.command(&["doctor"]).env("LANG", "en_US.UTF-8").output().unwrap();
    let fancy = sandbox.said(&output);
    assert!(fancy.out.contains("✓ config") && fancy.out.contains("✗ secrets"), "{fancy:?}");
    for line in plain.out.lines().chain(fancy.out.lines()).filter(|line| !line.contains("chmod")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn a_slot_that_nobody_allowed_is_due_here_and_told_by_status() {
    let sandbox = Sandbox::with_key();
    let run = |arguments: &[&str]| sandbox.said(&sandbox.strict_command(arguments).output().unwrap());
    let due = |said: &Said| {
        let all = findings(said).into_iter().filter(|(state, ..)| state == "due");
        all.map(|(_, subject, message, hint)| format!("{subject}: {message} | {hint}")).collect::<Vec<_>>()
    };
    let said = run(&["doctor", "--json"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert_eq!(
        due(&said),
        ["claude: 1 slot that nobody allowed yet: a render leaves them closed | `keystencil allow claude`"]
    );
    assert!(run(&["status"]).out.contains("\n  1 slot nobody allowed yet: `keystencil allow`\n"));
    assert!(run(&["status", "--json"]).out.contains("\"not_allowed\": 1"));
    run(&["allow", "--allow-new=1"]);
    assert_eq!(due(&run(&["doctor", "--json"])), [""; 0]);
    assert!(!run(&["status"]).out.contains("allow"));
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs git")]
fn what_a_render_would_refuse_is_not_in_order_and_no_hint_is_one_that_would_be_refused() {
    let keyring = Keyring::start();
    let run = |line: &str, input: &str| {
        let output = keyring.try_run(BINARY, &line.split(' ').collect::<Vec<_>>(), input);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    };
    let folder = keyring.path().join(".config/keystencil");
    fs::create_dir_all(&folder).unwrap();
    let config = "rotate_after = '0 days'\n[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n[providers.pass]\ncommand = ['no-such-program', '{ref}']\n";
    fs::write(folder.join("config.toml"), config).unwrap();
    let template = r#"["<< keyring('twice') >>", "<< keyring('mine', store='vault') >>", "<< keyring(attributes={'Title': 'x'}) >>", "<< pass('a/b') >>"]"#;
    fs::write(folder.join("claude.json"), format!("{{\"a\": {template}}}")).unwrap();
    keyring.secret_tool_store("one", "service twice account api-key n 1", "canary-1");
    keyring.secret_tool_store("two", "service twice account api-key n 2", "canary-2");
    run("secret set mine", KEY);
    // Timestamps of a keyring are whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let said = run("doctor --json", "");
    let amiss: Vec<String> = findings(&said)
        .into_iter()
        .filter(|(_, subject, ..)| subject == "secrets")
        .map(|(state, _, message, hint)| format!("{state} {message} | {hint}"))
        .collect();
    assert_eq!(amiss.len(), 4, "{amiss:?}");
    assert_eq!(
        amiss[3],
        "bad there is no program `no-such-program`, which `pass` of claude needs | install it, or change `[providers.pass]` in the config"
    );
    assert!(amiss[0].starts_with("due twice is in the keyring 2 times, as one, two | "), "{amiss:?}");
    assert!(amiss[1].ends_with(" | get a new key, and store it with the program that made the entry"), "{amiss:?}");
    assert_eq!(
        amiss[2],
        "bad mine is not in the vault, and used by claude | `keystencil secret set mine --store vault`"
    );
    let status = run("status", "");
    assert!(status.out.contains("due for a new one, in the program that made it"), "{status:?}");
    let list = run("secret list --json", "");
    let rows: Vec<Value> = serde_json::from_str(&list.out).unwrap();
    let row = |name: &str, store: Option<&str>| {
        let is_it = |row: &&Value| row["name"] == name && row["store"].as_str() == store;
        rows.iter().find(is_it).unwrap_or_else(|| panic!("no {name} in {store:?}: {rows:?}"))["used_by"].clone()
    };
    assert_eq!(row("mine", Some("keyring")), serde_json::json!([]));
    let claude = serde_json::json!(["claude"]);
    for (name, store) in
        [("mine", None), ("twice", Some("keyring")), ("Title=x", Some("keyring")), ("a/b", Some("pass"))]
    {
        assert_eq!(row(name, store), claude);
    }
    let purge = run("purge --dry-run", "");
    assert!(
        purge.out.contains("\n  Title=x\n    secret-tool clear Title x\n  pass a/b\n    with pass, and revoke"),
        "{purge:?}"
    );
    for said in [said, status, list, purge] {
        assert!(!said.whole().contains("canary") && !said.whole().contains(KEY), "{said:?}");
    }
}

#[test]
fn backups_are_told_where_the_vault_has_nothing_else() {
    let sandbox = Sandbox::empty();
    sandbox.write(".claude.json", r#"{"mcpServers":{"acme":{"env":{"ACME_TOKEN":"q7Zk2Xv9Lw3Rt8Yb5Nc1"}}}}"#); // keystencil: allow
    assert_eq!(sandbox.run(&["import", ".claude.json", "--yes"]).code, 0);
    assert_eq!(sandbox.run(&["secret", "rm", "acme", "--yes"]).code, 0);
    let said = sandbox.run(&["doctor"]);
    assert!(said.whole().contains("no secret is in it, and 1 backup"), "{}", said.whole());
}
