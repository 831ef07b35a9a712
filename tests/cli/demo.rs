//! `demo`.

use crate::sandbox::Sandbox;

#[test]
fn the_demo_passes_and_touches_nothing_of_the_users() {
    let sandbox = Sandbox::empty();
    let scratch = tempfile::tempdir().unwrap();
    let output = sandbox.command(&["demo"]).env("TMPDIR", scratch.path()).output().unwrap();
    let said = sandbox.said(&output);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{}", said.out);
    for shown in
        ["$ keystencil exec -- demo-child", "are they the key that was stored? yes", "✓ byte for byte as it was"]
    {
        assert!(said.out.contains(shown), "{shown}: {}", said.out);
    }
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
