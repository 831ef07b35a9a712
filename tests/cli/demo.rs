//! `demo`.

use crate::sandbox::Sandbox;

#[test]
fn the_demo_passes_and_touches_nothing_of_the_users() {
    let sandbox = Sandbox::empty();
    let scratch = tempfile::tempdir().unwrap();
    let output = sandbox.command(&["demo"]).env("TMPDIR", scratch.path()).output().unwrap();
    let said = sandbox.said(&output);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    for shown in [
        "$ keystencil exec -- demo-child",
        "demo-child: found 40 characters",
        "0 slots filled, 1 wrapped",
        "\"headersHelper\": \"keystencil headers --for claude:/mcpServers/github\"",
        "demo-child: got 40 characters",
        "demo-child: for another address it got nothing",
        "✓ byte for byte as it was",
    ] {
        assert!(said.out.contains(shown), "{shown}: {}", said.out);
    }
    assert_eq!(said.out.matches("are they the key that was stored? yes").count(), 2);
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
    assert!(sandbox.files().is_empty());
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
}

#[test]
fn the_scratch_folder_stays_on_request() {
    let sandbox = Sandbox::empty();
    let scratch = tempfile::tempdir().unwrap();
    let output = sandbox.command(&["demo", "--keep"]).env("TMPDIR", scratch.path()).output().unwrap();
    assert_eq!(sandbox.said(&output).code, 0);
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1);
}

#[test]
fn the_program_of_the_demo_knows_another_key_from_the_right_one() {
    let sandbox = Sandbox::empty();
    sandbox.write("live.json", r#"{"mcpServers": {"github": {"headers": {"Authorization": "Bearer other"}}}}"#);
    let said = sandbox.run(&["demo-child", "live.json", "00"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("? no"));
}

#[test]
fn the_program_of_the_demo_that_connects_knows_when_its_helper_gives_another_key() {
    let sandbox = Sandbox::empty();
    let server = r#"{"url": "https://h/", "headersHelper": "echo '{\"Authorization\": \"Bearer other\"}'"}"#;
    sandbox.write("live.json", &format!("{{\"mcpServers\": {{\"github\": {server}}}}}"));
    let said = sandbox.run(&["demo-child", "live.json", "00", "connects"]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("? no") && said.out.contains("for another address it got an answer"), "{said:?}");
}
