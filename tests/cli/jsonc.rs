//! Targets with comments, as VS Code's and Zed's settings have them: imported, filled, emptied and changed around them.

use crate::sandbox::Sandbox;

const KEY: &str = "q7Zk2Xv9Lw3Rt8Yb5Nc1";

fn config(key: &str, password: &str) -> String {
    format!(
        r#"// The editor's servers.
{{
  "inputs": [], // none << yet
  "servers": {{
    // The tracker.
    "acme": {{
      "command": "npx", // node
      "args": ["-y", "acme-mcp",],
      "env": {{
        "ACME_TOKEN": "{key}", /* from the wiki */
        "DB_PASSWORD": "{password}",
      }},
    }},
    // Nothing secret.
    "plain": {{ "command": "x" }},
  }},
}}
"#
    )
}

fn imported() -> Sandbox {
    let sandbox = Sandbox::empty();
    sandbox.write("mcp.json", &config(KEY, "admin"));
    let said = sandbox.run(&["import", "mcp.json", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.whole());
    sandbox
}

fn at_rest() -> String {
    config("<< keyring('acme') >>", "<< keyring('acme', 'db-password') >>")
}

#[test]
fn an_import_keeps_the_comments_in_the_file_and_takes_them_into_the_template() {
    let sandbox = imported();
    assert_eq!(sandbox.read("mcp.json"), at_rest());
    assert_eq!(sandbox.run(&["-q", "exec", "--", "cat", "mcp.json"]).out, config(KEY, "admin"));
    assert_eq!(sandbox.read("mcp.json"), at_rest());
    assert_eq!(
        sandbox.read(".config/keystencil/mcp.json"),
        r#"// Made by `keystencil import` from ~/mcp.json.
// The editor's servers.
{
  "servers": {
    // The tracker.
    "acme": {
      "command": "npx", // node
      "args": ["-y", "acme-mcp",],
      "env": {
        "ACME_TOKEN": "<< keyring('acme') >>", /* from the wiki */
        "DB_PASSWORD": "<< keyring('acme', 'db-password') >>",
      },
    },
  },
}
"#
    );
}

#[test]
fn what_the_editor_changes_around_the_comments_survives_and_a_key_in_a_new_comment_goes() {
    let sandbox = imported();
    assert_eq!(sandbox.run(&["render"]).code, 0);
    let live = sandbox.read("mcp.json");
    let changed = live.replace("// node", &format!("// node {KEY}")).replace("\"inputs\": [],", "\"inputs\": [1],");
    sandbox.write("mcp.json", &changed);
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    let expected =
        at_rest().replace("// node", "// node << keyring('acme') >>").replace("\"inputs\": [],", "\"inputs\": [1],");
    assert_eq!(sandbox.read("mcp.json"), expected);
}

#[test]
fn a_template_that_changes_edits_the_file_between_its_comments() {
    let sandbox = imported();
    let template = sandbox.read(".config/keystencil/mcp.json");
    let template =
        template.replace("\"args\": [\"-y\", \"acme-mcp\",],", "\"args\": [\"acme-mcp\"], \"type\": \"stdio\",");
    sandbox.write(".config/keystencil/mcp.json", &template);
    assert_eq!(sandbox.run(&["-q", "render"]).code, 0);
    assert_eq!(sandbox.run(&["-q", "unrender"]).code, 0);
    let expected = at_rest()
        .replace("\"args\": [\"-y\", \"acme-mcp\",],", "\"args\": [\"acme-mcp\"],")
        .replace("      },\n    },", "      },\n      \"type\": \"stdio\",\n    },");
    assert_eq!(sandbox.read("mcp.json"), expected);
    let diff = sandbox.run(&["diff"]);
    assert!(diff.out.contains("+ /servers/plain  { \"command\": \"x\" }"), "{}", diff.whole());
}

#[test]
fn a_key_that_was_put_aside_in_a_comment_is_told_and_gets_into_no_template_and_no_diff() {
    let sandbox = Sandbox::empty();
    let aside = "hunter2-was-the-old-one";
    let text = config(KEY, "admin").replace("/* from the wiki */", &format!("// \"OLD_TOKEN\": \"{aside}\", {KEY}"));
    sandbox.write("mcp.json", &text);
    let said = sandbox.run(&["import", "mcp.json", "--yes"]);
    assert_eq!(said.code, 3, "{}", said.whole());
    assert!(said.err.contains("a key is in a comment; it stays\n  at ~/mcp.json:10:1\n"), "{}", said.err);
    let live = sandbox.read("mcp.json");
    assert!(live.contains(aside) && !live.contains(KEY), "{live}");
    let template = sandbox.read(".config/keystencil/mcp.json");
    assert!(template.contains("\"<< keyring('acme') >>\", // (a key was here)\n"), "{template}");
    sandbox.write("mcp.json", &live.replace("npx", "npy"));
    let diff = sandbox.run(&["diff"]);
    assert!(diff.out.contains("npy") && diff.out.contains("// [redacted]"), "{}", diff.out);
    assert!(!diff.out.contains(aside), "{}", diff.out);
}

#[test]
fn what_the_editor_added_is_absorbed_without_its_comments() {
    let sandbox = imported();
    let live = sandbox
        .read("mcp.json")
        .replace("\"plain\": {", "\"new\": { // mine\n      \"command\": \"y\", },\n    \"plain\": {");
    sandbox.write("mcp.json", &live);
    let said = sandbox.run(&["absorb", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.whole());
    let template = sandbox.read(".config/keystencil/mcp.json");
    assert!(template.contains("\"new\": {\n      \"command\": \"y\"\n    }"), "{template}");
    assert_eq!(sandbox.read("mcp.json"), live);
}

#[test]
fn a_comment_that_is_not_closed_is_no_comment() {
    let sandbox = Sandbox::empty();
    for text in ["{\"a\": 1} /* open", "{\"a\": 1 / 2}", "{,}", "{\"a\": 1,,}", "[1,] // no object"] {
        sandbox.write("mcp.json", text);
        let said = sandbox.run(&["import", "mcp.json", "--yes"]);
        assert_eq!((said.code, sandbox.read("mcp.json").as_str()), (2, text), "{}", said.whole());
        assert!(
            !text.contains("/*") || said.err.contains("a comment is not closed\n  at mcp.json:1:10\n"),
            "{}",
            said.err
        );
    }
}

/// Every command that reads a target, in an order in which each has something to do: its arguments, what it is given,
/// its status, and a word of what it says.
const COMMANDS: &[(&[&str], &str, i32, &str)] = &[
    (&["allow", "--list"], "", 0, "mcp"),
    (&["status"], "", 0, "at rest"),
    (&["doctor"], "", 0, "at rest"),
    (&["check", "mcp.json"], "", 0, "nothing found"),
    (&["import", "mcp.json", "--yes"], "", 0, "nothing to import"),
    (&["render", "--dry-run"], "", 0, "ACME_TOKEN"),
    (&["-v", "exec", "--", "cat", "mcp.json"], "", 0, KEY),
    (&["render"], "", 0, "2 slots filled"),
    (&["status"], "", 0, "rendered since"),
    (&["diff", "--rendered"], "", 1, "[secret]"),
    (&["check", "mcp.json"], "", 1, "a rendered file"),
    (&["secret", "rotate", "acme"], "another-value-0123456789", 0, "rendered anew"),
    (&["recover"], "", 0, "nothing to recover"),
    (&["unrender"], "", 0, "2 secrets taken out"),
    (&["diff"], "", 1, "/servers/plain"),
    (&["diff", "--patch"], "", 1, ""),
    (&["absorb", "--yes"], "", 0, "absorbed 1 change"),
    (&["diff"], "", 0, ""),
    (&["run", "--for", "mcp:/servers/acme", "--", "npx"], "", 125, "allowed"),
    (&["headers", "--for", "mcp:/servers/acme"], "", 125, "mcp:/servers/acme"),
    (&["render", "--on-conflict", "replace"], "", 0, "2 slots filled"),
    (&["purge", "--yes"], "", 0, "now revoke"),
    (&["status"], "", 0, "missing"),
];

#[test]
fn every_command_that_reads_a_target_takes_one_with_comments_and_trailing_commas() {
    let sandbox = imported();
    let around = |text: &str| -> Vec<String> {
        let without_values = text.lines().filter(|line| !line.contains("_TOKEN") && !line.contains("PASSWORD"));
        without_values.map(ToOwned::to_owned).chain([text.matches("/* from the wiki */").count().to_string()]).collect()
    };
    let before = around(&at_rest());
    for (arguments, input, code, word) in COMMANDS {
        let said = sandbox.run_with_input(arguments, input);
        assert_eq!(said.code, *code, "{arguments:?}: {}", said.whole());
        assert!(said.whole().contains(word), "{arguments:?}: {}", said.whole());
        assert!(!said.whole().contains("not JSON"), "{arguments:?}: {}", said.whole());
        assert_eq!(around(&sandbox.read("mcp.json")), before, "{arguments:?}");
    }
}

#[test]
fn a_target_with_comments_is_wrapped_and_unwrapped_between_them() {
    let sandbox = imported();
    let config = sandbox.read(".config/keystencil/config.toml");
    sandbox.write(".config/keystencil/config.toml", &format!("{config}deliver = 'wrap'\n"));
    let said = sandbox.run(&["render"]);
    assert_eq!(said.code, 0, "{}", said.whole());
    let wrapped = sandbox.read("mcp.json");
    assert!(wrapped.contains("\"--for\", \"mcp:/servers/acme\"") && wrapped.contains(", // node"), "{wrapped}");
    assert!(!wrapped.contains(KEY) && sandbox.run(&["doctor"]).whole().contains("2 slots never in the file"));
    sandbox.write(".config/keystencil/config.toml", &config);
    assert_eq!(sandbox.run(&["render"]).code, 0);
    assert_eq!(sandbox.run(&["unrender"]).code, 0);
    assert_eq!(sandbox.read("mcp.json"), at_rest());
}
