//! `absorb`: what the host changed comes back into the template, and no key with it.

use crate::sandbox::{KEY, Said, Sandbox, snapshot};
use crate::terminal::with_typed;
use std::fs;

const TEMPLATE: &str = r#"// the servers of this house
{
  "theme": "dark", // never light
  /* all of them */
  "mcpServers": {
    "github": { "env": { "TOKEN": "<< keyring('github') >>" }, }, // the first one
    <# told by the host's name #>
    <% if os == "plan9" %>"odd": {},<% endif %>
    "notes": {
      "command": "npx",
      "args": ["-y", "notes"] // no version
    }
  },
  "permissions": {
    "allow": [
      "Read", // always
      "Bash(git:*)",
    ],
  },
}
"#;
const PATH: &str = ".config/keystencil/claude.json";
/// Random, and of no provider.
const RANDOM: &str = "q7Zk2Xv9Lw3Rt8Yb5Nc1";

/// A target that was rendered once, with this template.
fn rendered(template: &str) -> Sandbox {
    let sandbox = Sandbox::with_key();
    sandbox.write(PATH, template);
    let said = sandbox.run(&["render"]);
    assert_eq!(said.code, 0, "{said:?}");
    sandbox
}

/// The host changes its file.
fn edit(sandbox: &Sandbox, change: impl FnOnce(&mut serde_json::Value)) {
    let mut live: serde_json::Value = serde_json::from_str(&sandbox.live()).unwrap();
    change(&mut live);
    sandbox.write("live.json", &serde_json::to_string_pretty(&live).unwrap());
}

#[track_caller]
fn absorb(sandbox: &Sandbox, more: &[&str]) -> Said {
    let said = sandbox.run(&[&["absorb", "--yes"], more].concat());
    assert!(!said.whole().contains(KEY) && !said.whole().contains(RANDOM), "a key was printed: {said:?}");
    let template = sandbox.read(PATH);
    assert!(!template.contains("canary") && !template.contains(RANDOM), "a key is in the template: {template}");
    said
}

/// After everything was absorbed there is no difference, and a render writes nothing.
#[track_caller]
fn is_in_sync(sandbox: &Sandbox) {
    let said = sandbox.run(&["diff"]);
    assert_eq!(said.whole(), "[0]", "{}", sandbox.read(PATH));
    let before = sandbox.live();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert_eq!(sandbox.live(), before);
}

#[test]
fn what_the_host_changed_is_taken_over_and_nothing_else_of_the_template_changes() {
    let sandbox = rendered(TEMPLATE);
    edit(&sandbox, |live| {
        live["theme"] = "light".into();
        live["numStartups"] = 3.into();
        live["mcpServers"]["sentry"] = serde_json::json!({"type": "http", "url": "https://mcp.sentry.dev/mcp"});
        live["mcpServers"]["github"]["env"]["DEBUG"] = "1".into();
        live["mcpServers"]["notes"]["args"] = serde_json::json!(["-y", "notes@2", "--fast"]);
        live["permissions"]["allow"] = serde_json::json!(["Read", "Edit", "Bash(git:*)", "Bash(<<EOF <% x)"]);
    });
    let shown = sandbox.run(&["absorb", "--dry-run"]);
    assert_eq!(sandbox.read(PATH), TEMPLATE);
    assert!(!shown.whole().contains("canary"));
    snapshot("absorb-dry-run", &shown.whole());
    let said = absorb(&sandbox, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    snapshot("absorb-template", &sandbox.read(PATH));
    is_in_sync(&sandbox);
    assert_eq!(absorb(&sandbox, &[]).err.trim(), "nothing to absorb from ~/live.json");
    assert!(!sandbox.read(PATH).contains("numStartups"));
}

#[test]
fn a_removed_server_leaves_the_template_and_its_neighbours_stay_as_they_are() {
    for server in ["github", "notes"] {
        let template = TEMPLATE.replace("    <% if os == \"plan9\" %>\"odd\": {},<% endif %>\n", "");
        let template = if server == "notes" { template.replace(" }, }, //", " } }, //") } else { template };
        let sandbox = rendered(&template);
        edit(&sandbox, |live| drop(live["mcpServers"].as_object_mut().unwrap().remove(server)));
        assert_eq!(absorb(&sandbox, &[]).code, 0);
        let left = sandbox.read(PATH);
        assert!(!left.contains(&format!("\"{server}\"")) && left.contains("// never light"), "{left}");
        // The comma before the last one may go with it.
        let bare = |text: &str| text.replace(',', "");
        assert!(left.lines().all(|line| bare(&template).contains(bare(line).trim())), "{left}");
        is_in_sync(&sandbox);
    }
}

#[test]
fn the_reference_travels_with_a_server_that_was_moved() {
    for at_rest in [false, true] {
        let sandbox = rendered(TEMPLATE);
        if at_rest {
            assert_eq!(sandbox.run(&["unrender"]).code, 0);
        }
        edit(&sandbox, |live| {
            let servers = live["mcpServers"].as_object_mut().unwrap();
            let moved = servers.remove("github").unwrap();
            servers.insert("hub".to_owned(), moved);
        });
        let said = absorb(&sandbox, &[]);
        assert_eq!(said.code, 0, "{said:?}");
        let template = sandbox.read(PATH);
        assert!(template.contains("\"hub\"") && template.contains("<< keyring('github') >>"), "{template}");
        assert!(!template.contains("\"github\":"), "{template}");
        assert_eq!(sandbox.run(&["diff"]).whole(), "[0]");
        if !at_rest {
            is_in_sync(&sandbox);
        }
    }
}

#[test]
fn a_literal_key_is_refused_and_the_rest_is_taken() {
    let sandbox = rendered(TEMPLATE);
    edit(&sandbox, |live| {
        live["theme"] = "light".into();
        live["mcpServers"]["acme"] = serde_json::json!({"env": {"ACME_TOKEN": RANDOM}});
        live["mcpServers"]["github"]["env"]["TOKEN"] = "hunter2".into();
    });
    let said = absorb(&sandbox, &[]);
    assert_eq!(said.code, 3);
    assert!(said.err.contains("/mcpServers/acme/env/ACME_TOKEN") && said.err.contains("secret set"), "{said:?}");
    assert!(!said.whole().contains("hunter2"));
    let template = sandbox.read(PATH);
    assert!(
        template.contains("\"light\"") && !template.contains("acme") && !template.contains("hunter2"),
        "{template}"
    );
}

#[test]
fn a_key_that_the_stores_have_under_a_reference_of_the_template_becomes_that_reference() {
    let sandbox = Sandbox::with_target();
    sandbox.store("github", RANDOM);
    sandbox.write(PATH, TEMPLATE);
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    edit(&sandbox, |live| {
        let headers = serde_json::json!({"Authorization": format!("Bearer {RANDOM}")});
        live["mcpServers"]["copilot"] = serde_json::json!({"headers": headers});
    });
    let said = absorb(&sandbox, &[]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(sandbox.read(PATH).contains("\"Bearer << keyring('github') >>\""), "{}", sandbox.read(PATH));
}

#[test]
fn what_a_loop_an_expression_or_an_include_makes_is_left_to_a_person_or_edited_where_it_is() {
    let template = r#"{
  "mcpServers": {
    <% for name in ["a", "b"] %>"<< name >>": { "command": "npx" },<% endfor %>
    "home": { "cwd": "<< home >>" },
    "note": <% include "note.json" %>
  }
}
"#;
    let sandbox = Sandbox::with_key();
    sandbox.write(".config/keystencil/note.json", "{\n  // included\n  \"command\": \"old\"\n}\n");
    sandbox.write(PATH, template);
    assert_eq!(sandbox.run(&["render"]).code, 0);
    edit(&sandbox, |live| {
        live["mcpServers"]["a"]["command"] = "uvx".into();
        live["mcpServers"]["home"]["cwd"] = "/tmp".into();
        live["mcpServers"]["note"]["command"] = "new".into();
    });
    let said = absorb(&sandbox, &[]);
    assert_eq!(said.code, 3);
    for line in ["claude.json:3", "claude.json:4"] {
        assert!(said.err.contains(line), "{line}: {}", said.err);
    }
    assert_eq!(sandbox.read(PATH), template);
    assert_eq!(sandbox.read(".config/keystencil/note.json"), "{\n  // included\n  \"command\": \"new\"\n}\n");
}

#[test]
fn a_condition_stays_and_its_taken_branch_is_edited() {
    let template = "{\n  \"o\": {\n    <% if os == 'linux' %>\"a\": 1<% else %>\"a\": 2<% endif %>\n    <% if os == 'x' %>, \"b\": 1<% endif %>\n  }\n}\n";
    let sandbox = rendered(template);
    edit(&sandbox, |live| {
        live["o"]["a"] = 3.into();
        live["o"]["n"] = serde_json::json!([]);
    });
    assert_eq!(absorb(&sandbox, &[]).code, 0);
    let now = sandbox.read(PATH);
    assert!(now.contains("<% if os == 'linux' %>\"a\": 3<% else %>\"a\": 2<% endif %>"), "{now}");
    assert!(now.contains("\n    \"n\": [],\n    <% if os == 'linux'"), "{now}");
    is_in_sync(&sandbox);
}

#[test]
fn what_both_changed_is_left_to_a_person_unless_it_is_named() {
    let sandbox = rendered(TEMPLATE);
    edit(&sandbox, |live| live["theme"] = "light".into());
    sandbox.write(PATH, &TEMPLATE.replace("\"dark\"", "\"blue\""));
    let said = absorb(&sandbox, &[]);
    assert_eq!(said.code, 3);
    assert!(said.err.contains("--only /theme") && sandbox.read(PATH).contains("\"blue\""), "{said:?}");
    assert_eq!(absorb(&sandbox, &["--only", "/theme"]).code, 0);
    assert!(sandbox.read(PATH).contains("\"light\", // never light"));
}

#[test]
fn only_and_skip_choose_and_only_reaches_beside_the_templates_own_settings() {
    let sandbox = rendered(TEMPLATE);
    edit(&sandbox, |live| {
        live["editor"] = "vim".into();
        live["mcpServers"]["a"] = serde_json::json!({"command": "a"});
        live["mcpServers"]["b"] = serde_json::json!({"command": "b"});
    });
    assert_eq!(absorb(&sandbox, &["--skip", "/mcpServers/b"]).code, 0);
    let now = sandbox.read(PATH);
    assert!(now.contains("\"command\": \"a\"") && !now.contains("\"command\": \"b\"") && !now.contains("vim"), "{now}");
    assert_eq!(absorb(&sandbox, &["--only", "/editor"]).code, 0);
    assert!(sandbox.read(PATH).contains("\"editor\": \"vim\",\n}"), "{}", sandbox.read(PATH));
}

#[test]
fn without_a_person_and_without_yes_nothing_is_written() {
    let sandbox = rendered(TEMPLATE);
    edit(&sandbox, |live| live["theme"] = "light".into());
    let said = sandbox.run(&["absorb"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--yes"), "{said:?}");
    assert_eq!(sandbox.read(PATH), TEMPLATE);
    let said = sandbox.run(&["absorb", "--dry-run", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report[0]["hunks"][0]["result"], "would-absorb");
    assert_eq!(sandbox.read(PATH), TEMPLATE);
}

#[cfg(unix)]
#[test]
fn a_template_behind_a_symlink_stays_behind_it_and_keeps_its_mode_line_ends_and_mark() {
    use std::os::unix::fs::PermissionsExt as _;
    let template = format!("\u{feff}{}", TEMPLATE.replace('\n', "\r\n"));
    let sandbox = rendered(&template);
    fs::rename(sandbox.path(PATH), sandbox.path("dotfile.json")).unwrap();
    std::os::unix::fs::symlink(sandbox.path("dotfile.json"), sandbox.path(PATH)).unwrap();
    fs::set_permissions(sandbox.path("dotfile.json"), fs::Permissions::from_mode(0o644)).unwrap();
    edit(&sandbox, |live| live["mcpServers"]["a"] = serde_json::json!({"command": "a"}));
    assert_eq!(absorb(&sandbox, &[]).code, 0);
    assert!(fs::symlink_metadata(sandbox.path(PATH)).unwrap().is_symlink());
    assert_eq!(fs::metadata(sandbox.path("dotfile.json")).unwrap().permissions().mode() & 0o777, 0o644);
    let now = sandbox.read(PATH);
    assert!(now.starts_with('\u{feff}') && now.matches('\n').count() == now.matches("\r\n").count(), "{now:?}");
    is_in_sync(&sandbox);
}

#[test]
fn nothing_is_allowed_by_absorbing() {
    let sandbox = Sandbox::with_key();
    sandbox.write(PATH, TEMPLATE);
    let guarded = |arguments: &[&str]| sandbox.said(&sandbox.strict_command(arguments).output().unwrap());
    // A secret with its server, and a server that is started without one.
    assert_eq!(guarded(&["render", "--allow-new=2"]).code, 0);
    edit(&sandbox, |live| {
        let reference = serde_json::json!({"KEY": "<< keyring('github') >>"});
        live["mcpServers"]["other"] = serde_json::json!({"command": "other", "env": reference});
    });
    assert_eq!(guarded(&["allow", "--pending"]).code, 0);
    assert_eq!(guarded(&["absorb", "--yes"]).code, 0);
    assert!(sandbox.read(PATH).contains("\"KEY\": \"<< keyring('github') >>\""), "{}", sandbox.read(PATH));
    let said = guarded(&["allow", "--pending"]);
    assert!(said.code == 1 && said.out.contains("/mcpServers/other/env/KEY"), "{said:?}");
    assert_eq!(guarded(&["render"]).code, 3);
    assert_eq!(sandbox.live().matches("canary").count(), 1);
}

#[test]
fn at_a_terminal_each_hunk_is_asked_for() {
    let change = |live: &mut serde_json::Value| {
        live["theme"] = "light".into();
        live["mcpServers"]["one"] = serde_json::json!({"command": "one"});
        live["mcpServers"]["two"] = serde_json::json!({"command": "two"});
    };
    for (typed, taken) in
        [("?\ny\nn\ny\n", [true, false, true]), ("n\na\n", [false, true, true]), ("y\nq\n", [true, false, false])]
    {
        let sandbox = rendered(TEMPLATE);
        edit(&sandbox, change);
        let (code, screen) = with_typed(&sandbox, "absorb", typed);
        assert_eq!(code, 0, "{screen}");
        assert!(screen.contains("[y,n,a,q,?]") && !screen.contains("canary"), "{screen}");
        let template = sandbox.read(PATH);
        assert_eq!(["light\"", "\"one\"", "\"two\""].map(|text| template.contains(text)), taken, "{typed:?} {screen}");
    }
}

#[test]
fn hostile_names_and_values_neither_break_the_template_nor_the_screen() {
    let sandbox = rendered(TEMPLATE);
    edit(&sandbox, |live| {
        live["mcpServers"]["\u{1b}[31m<% if x %>\n\"}"] = serde_json::json!({"args": ["<< keyring('github", "<# x", "{{ y }}", "// z", "\u{202e}", "<<\n>>"], "<< os >>": 1e3});
    });
    let said = absorb(&sandbox, &["--dry-run"]);
    assert!(!said.whole().contains('\u{1b}') && !said.whole().contains('\u{202e}'), "{said:?}");
    assert_eq!(absorb(&sandbox, &[]).code, 0, "{}", sandbox.read(PATH));
    is_in_sync(&sandbox);
}

#[test]
fn a_torn_live_file_or_an_unknown_target_is_an_error_and_the_template_stays() {
    let sandbox = rendered(TEMPLATE);
    sandbox.write("live.json", "{ torn");
    let said = absorb(&sandbox, &[]);
    assert_eq!((said.code, sandbox.read(PATH).as_str()), (2, TEMPLATE), "{said:?}");
    assert_eq!(sandbox.run(&["absorb", "nobody", "--yes"]).code, 2);
}

#[test]
fn a_short_secret_that_moved_is_recognised_by_the_journal_alone() {
    let sandbox = Sandbox::with_target();
    sandbox.store("github", "tiny42");
    sandbox.write(PATH, TEMPLATE);
    assert_eq!(sandbox.run(&["render"]).code, 0);
    edit(&sandbox, |live| live["mcpServers"]["notes"]["label"] = "tiny42".into());
    let said = absorb(&sandbox, &[]);
    assert_eq!(said.code, 3);
    assert!(said.err.contains("/mcpServers/notes/label") && !said.whole().contains("tiny42"), "{said:?}");
    assert_eq!(sandbox.read(PATH), TEMPLATE);
}

#[test]
fn a_stored_key_of_another_template_gets_into_none_in_any_encoding() {
    use base64::Engine as _;
    const WORDS: &str = "seven purple/horses&walk";
    let sandbox = rendered(TEMPLATE);
    let config = sandbox.read(".config/keystencil/config.toml");
    let other = "[targets.other]\ntemplate = 'other.json'\npath = '~/other.json'\n";
    sandbox.write(".config/keystencil/config.toml", &format!("{config}{other}"));
    sandbox.write(".config/keystencil/other.json", "{\"a\": \"<< keyring('words') >>\"}\n");
    sandbox.store("words", WORDS);
    assert_eq!(sandbox.run(&["unrender", "claude"]).code, 0);
    let live = sandbox.live();
    let url = percent_encoding::utf8_percent_encode(WORDS, percent_encoding::NON_ALPHANUMERIC).to_string();
    let hex: String = WORDS.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = base64::engine::general_purpose::STANDARD.encode(format!("x{WORDS}"));
    for text in [WORDS.to_owned(), url, base64, hex] {
        sandbox.write("live.json", &live);
        edit(&sandbox, |live| live["theme"] = format!("see {text}").into());
        let said = sandbox.run(&["absorb", "claude", "--yes"]);
        assert_eq!(said.code, 2, "{text}: {}", said.whole());
        assert!(!said.whole().contains(WORDS), "{}", said.whole());
        assert_eq!(sandbox.read(PATH), TEMPLATE, "{text}: {}", said.whole());
    }
}
