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
