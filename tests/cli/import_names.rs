//! `import`: names that the user chooses, and arguments that match nothing.

use crate::sandbox::Sandbox;
use crate::terminal::with_typed;

const ONE: &str = "q7Zk2Xv9Lw3Rt8Yb5Nc1";
const TWO: &str = "w4Hn8Pd2Jf6Sg0Tm3Vb9";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::empty();
    let config = format!(r#"{{"mcpServers":{{"acme":{{"env":{{"ACME_TOKEN":"{ONE}","B_TOKEN":"{TWO}"}}}}}}}}"#);
    sandbox.write(".claude.json", &config);
    sandbox
}

#[track_caller]
fn refused(options: &[&str], says: &[&str]) {
    let sandbox = sandbox();
    sandbox.store("used", "another value");
    let before = sandbox.files();
    let said = sandbox.run(&[&["import", ".claude.json", "--yes"], options].concat());
    assert_eq!(said.code, 2, "{}", said.whole());
    for says in says {
        assert!(said.err.contains(says), "{}", said.err);
    }
    assert_eq!(sandbox.files(), before);
}

#[test]
fn a_file_that_is_not_there_is_told_with_the_one_that_is_meant() {
    let sandbox = sandbox();
    let said = sandbox.run(&["import", "nope.json"]);
    assert_eq!(said.code, 2);
    assert_eq!(
        said.err,
        "error: file not found\n  at nope.json\nhint: name the config that has the keys; Claude Code's is ~/.claude.json\n"
    );
    assert!(sandbox.run(&["import", ".cluade.json"]).err.ends_with("hint: did you mean `.claude.json`?\n"));
    assert!(sandbox.run(&["import", "no/such/folder.json"]).err.starts_with("error: file not found\n"));
}

#[test]
fn a_secret_is_called_what_the_person_says() {
    for what in ["acme (b-token)", "/mcpServers/acme/env/B_TOKEN", "/mcpServers/*/env/B_*"] {
        let sandbox = sandbox();
        let said = sandbox.run(&["import", ".claude.json", "--yes", "--rename", &format!("{what}=shop (admin)")]);
        assert_eq!(said.code, 0, "{}", said.whole());
        assert!(sandbox.read(".claude.json").contains("\"B_TOKEN\":\"<< keyring('shop', 'admin') >>\""));
        assert_eq!(sandbox.run(&["secret", "get", "shop", "--account", "admin", "-n"]).out, TWO);
        assert_eq!(sandbox.run(&["secret", "get", "acme", "-n"]).out, ONE);
    }
}

#[test]
fn a_name_that_can_not_be_given_is_refused_and_nothing_is_changed() {
    refused(&["--rename", "acme (b-tokn)=x"], &["matches nothing that was found", "did you mean `acme (b-token)`?"]);
    refused(&["--rename", "/mcpServers/acme/env/*=x"], &["matches more than one secret", "--dry-run"]);
    refused(&["--rename", "acme (b-token)=acme"], &["two secrets can't both be called `acme`", "--rename 'OLD=NAME"]);
    refused(
        &["--rename", "acme=used"],
        &["secret `used` (account `api-key`) is already stored, with a different value"],
    );
    refused(&["--rename", "acme"], &["write it as OLD=NEW"]);
    refused(&["--rename", "acme=\u{1b}[31m"], &["a name can't hold control characters"]);
}

#[test]
fn a_pattern_that_means_nothing_is_a_slip() {
    refused(&["--only", "acm"], &["`--only acm` matches nothing that was found", "did you mean `acme`?"]);
    refused(&["--only", "acme", "--only", "B_TOKN"], &["did you mean `B_TOKEN`?"]);
    // A file without any key has nothing to be meant.
    let sandbox = Sandbox::empty();
    sandbox.write("a.json", "{}");
    let said = sandbox.run(&["import", "a.json", "--only", "acme"]);
    assert!(said.code == 0 && said.err.contains("nothing to import"), "{}", said.whole());
}

#[test]
fn names_are_edited_at_the_prompt_and_what_can_not_be_used_is_asked_for_again() {
    let sandbox = sandbox();
    sandbox.store("used", "another value");
    let (code, shown) = with_typed(&sandbox, "import .claude.json", "e\n\nused\nacme\n\u{1b}[D\nshop (admin)\ny\n");
    assert_eq!(code, 0, "{shown}");
    for says in [
        "name [acme (b-token)]: ",
        "already stored, with a different value",
        "can't both be called",
        "control characters",
    ] {
        assert!(shown.contains(says), "no {says:?} in {shown}");
    }
    assert!(!shown.contains(ONE) && !shown.contains(TWO), "{shown}");
    assert!(sandbox.read(".claude.json").contains("keyring('shop', 'admin')"), "{}", sandbox.read(".claude.json"));
}

#[test]
fn the_keys_of_an_env_file_are_named_as_well() {
    let sandbox = Sandbox::empty();
    sandbox.write(".env", &format!("ACME_TOKEN={ONE}\n"));
    let said = sandbox.run(&["import", ".env", "--yes", "--rename", "acme-token=shop"]);
    assert!(said.out.contains("<< keyring('shop') >>"), "{}", said.whole());
    assert_eq!(sandbox.run(&["secret", "get", "shop", "-n"]).out, ONE);
}

#[test]
fn a_string_that_comes_back_in_another_spelling_is_told() {
    let sandbox = Sandbox::empty();
    let config = |key: &str| format!(r#"{{"mcpServers":{{"acme":{{"env":{{"ACME_TOKEN":"{key}"}}}}}}}}"#);
    sandbox.write(".claude.json", &config("q7Zk\\u00e92Xv9\\/Lw3Rt8Yb"));
    let shown = sandbox.run(&["import", ".claude.json", "--dry-run"]);
    assert!(shown.out.contains("1 place will be written in the usual JSON spelling"), "{}", shown.out);
    let said = sandbox.run(&["import", ".claude.json", "--yes"]);
    assert!(said.code == 0 && said.err.contains("1 place will be written"), "{}", said.whole());
    let there = sandbox.run(&["-q", "exec", "--", "cat", ".claude.json"]).out;
    assert_eq!(there, config("q7Zké2Xv9/Lw3Rt8Yb"));
}

#[test]
fn angle_brackets_of_the_file_are_text_in_the_template() {
    let sandbox = Sandbox::empty();
    for (server, note) in [("a", "cat <<<EOF"), ("b", "<<% <<# <"), ("c<<<", "x <<<<")] {
        let config = format!(
            r#"{{"mcpServers":{{"{server}":{{"command":"{note}","headers":{{"X":"<<Bearer"}},"env":{{"ACME_TOKEN":"{ONE}"}}}}}}}}"#
        );
        sandbox.write("in <<<.json", &config);
        let said =
            sandbox.run(&["import", "in <<<.json", "--yes", "--template", &format!("{server}.json"), "--no-config"]);
        assert_eq!(said.code, 0, "{note}: {}", said.whole());
        let to = ["-q", "render", "--template", &format!("{server}.json"), "--to", "in <<<.json"];
        assert_eq!(sandbox.run(&to).code, 0);
        assert_eq!(sandbox.read("in <<<.json"), config);
        assert_eq!(sandbox.run(&["-q", "unrender", "--to", "in <<<.json"]).code, 0);
    }
}
