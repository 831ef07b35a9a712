//! While a file is rendered, git sees its placeholder form.

use super::repository::{Repository, holds_key};
use crate::sandbox::AT_REST;

#[test]
fn status_and_diff_are_clean_while_a_target_is_rendered_and_after() {
    let repository = Repository::new();
    repository.render();
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    assert_eq!(repository.git(&["diff"]), "");
    assert_eq!(repository.git(&["diff", "HEAD"]), "");
    repository.unrender();
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    repository.assert_clean();
}

#[test]
fn a_rendered_target_is_staged_and_committed_in_placeholder_form_whichever_way() {
    for way in [
        &["add", "live.json"][..],
        &["add", "--all"],
        &["add", "--renormalize", "."],
        &["commit", "-qam", "all"],
        &["commit", "-qm", "one", "live.json"],
        &["stash"],
        &["hash-object", "-w", "live.json"],
        &["update-index", "live.json"],
    ] {
        let repository = Repository::new();
        repository.render();
        let with_theme = repository.read("dots/live.json").replacen('{', "{\n  \"theme\": \"dark\",", 1);
        repository.write("dots/live.json", &with_theme);
        repository.git(way);
        repository.assert_clean();
        repository.unrender();
        let live = repository.read("dots/live.json");
        assert!(!holds_key(&live));
        if !matches!(way[0], "stash" | "hash-object") {
            assert_eq!(repository.staged("live.json"), live, "{way:?}");
        }
    }
}

#[test]
fn a_file_that_was_never_committed_is_staged_in_placeholder_form_too() {
    let repository = Repository::new();
    repository.git(&["rm", "-q", "--cached", "live.json"]);
    repository.git(&["commit", "-qm", "without"]);
    repository.render();
    repository.git(&["add", "--intent-to-add", "live.json"]);
    repository.git(&["commit", "-qam", "with"]);
    assert_eq!(repository.staged("live.json"), AT_REST);
    repository.assert_clean();
}

#[test]
fn the_difference_shows_placeholders_and_what_was_changed() {
    let repository = Repository::new();
    repository.render();
    let live = repository.read("dots/live.json");
    repository.write("dots/live.json", &live.replace("github\": {", "renamed\": {"));
    for command in [&["diff"][..], &["diff", "--word-diff"], &["diff", "--no-textconv"]] {
        let difference = repository.git(command);
        assert!(difference.contains("renamed") && difference.contains("<< keyring('github') >>"), "{difference}");
        assert!(!holds_key(&difference), "{difference}");
    }
    // Two files beside any index: here the textconv alone does it.
    repository.write("dots/old.json", AT_REST);
    let said = repository.try_git(&["diff", "--no-index", "old.json", "live.json"]);
    assert!(!holds_key(&said.out) && said.out.contains("renamed"), "{}", said.whole());
    assert!(!holds_key(&repository.git(&["blame", "live.json"])));
}

#[test]
fn a_key_that_moved_or_stands_in_a_string_of_json_is_closed() {
    let repository = Repository::new();
    repository.render();
    let live: serde_json::Value = serde_json::from_str(&repository.read("dots/live.json")).unwrap();
    let inner = live.to_string();
    let moved =
        serde_json::json!({"text": inner, "twice": serde_json::json!({"a": inner}).to_string(), "list": [live]});
    repository.write("dots/live.json", &serde_json::to_string_pretty(&moved).unwrap());
    repository.git(&["commit", "-qam", "moved"]);
    repository.assert_clean();
    // The same content under another name that has the filter: the journal of the first knows the key.
    repository.write("dots/.gitattributes", "*.json filter=keystencil\n");
    repository.write("dots/copy.json", &repository.read("dots/live.json"));
    repository.write("dots/torn.json", &repository.read("dots/live.json")[3..]);
    repository.git(&["add", "--all"]);
    repository.assert_clean();
}

#[test]
fn hunks_can_be_added_one_by_one() {
    let repository = Repository::new();
    repository.render();
    let live = repository.read("dots/live.json");
    repository.write("dots/live.json", &live.replacen('{', "{\n  \"theme\": \"dark\",", 1));
    let mut command = repository.command(&["add", "--patch"]);
    let input = repository.path("answers");
    std::fs::write(&input, "y\n").unwrap();
    let output = command.stdin(std::fs::File::open(input).unwrap()).output().unwrap();
    assert!(output.status.success());
    assert!(!holds_key(&String::from_utf8_lossy(&output.stdout)));
    assert!(repository.staged("live.json").contains("dark"));
    assert_eq!(repository.git(&["diff"]), "");
    repository.assert_clean();
}

#[test]
fn a_wrapped_server_is_staged_as_a_plain_one() {
    let repository = Repository::new();
    let template = r#"{"mcpServers": {"github": {"command": "npx", "args": ["-y"], "env": {"TOKEN": "<< keyring('github') >>"}}}}"#;
    repository.write(".config/keystencil/claude.json", template);
    repository.write("dots/live.json", template);
    repository.git(&["commit", "-qam", "plain"]);
    repository.write(
        ".config/keystencil/config.toml",
        "[targets.claude]\ntemplate = 'claude.json'\npath = '~/dots/live.json'\ndeliver = 'wrap'\n",
    );
    assert_eq!(repository.run(&["render"]).code, 0);
    assert!(repository.read("dots/live.json").contains("claude:/mcpServers/github"));
    assert_eq!(repository.git(&["status", "--porcelain"]), "");
    assert_eq!(repository.git(&["diff"]), "");
    repository.git(&["add", "--renormalize", "."]);
    assert_eq!(repository.staged("live.json"), template);

    // A checkout brings the plain form, which the next render wraps again.
    std::fs::remove_file(repository.path("dots/live.json")).unwrap();
    repository.git(&["checkout", "live.json"]);
    assert_eq!(repository.read("dots/live.json"), template);
    assert!(repository.run(&["status"]).out.contains("not wrapped: `keystencil render` mends it"));
    assert_eq!(repository.run(&["render"]).code, 0);
    assert!(repository.read("dots/live.json").contains("claude:/mcpServers/github"));
}
