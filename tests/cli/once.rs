//! How often a command does what costs: templates are compiled, targets planned and grants read once.

use crate::sandbox::Sandbox;

const TEMPLATE: &str = r#"{"mcpServers": {"github": {"command": "npx", "env": {"TOKEN": "<< keyring('github') >>"}}}}"#;

/// Two targets that have been rendered once.
fn two_targets() -> Sandbox {
    let sandbox = Sandbox::with_key();
    let config =
        "[targets.a]\ntemplate = 'a.json'\npath = '~/a.json'\n[targets.b]\ntemplate = 'b.json'\npath = '~/b.json'\n";
    sandbox.write(".config/keystencil/config.toml", config);
    for name in ["a", "b"] {
        sandbox.write(&format!(".config/keystencil/{name}.json"), TEMPLATE);
        sandbox.write(&format!("{name}.json"), "{\"theme\": \"dark\"}\n");
    }
    sandbox.allow();
    assert_eq!(sandbox.run(&["exec", "--", "true"]).code, 0);
    sandbox
}

/// How often the templates were compiled, the targets planned, and what was allowed read.
fn counted(sandbox: &Sandbox, arguments: &[&str]) -> [usize; 3] {
    let mut command = sandbox.command(arguments);
    let said = sandbox.said(&command.env("KEYSTENCIL_LOG", "debug").output().unwrap());
    assert!(said.code != 2, "{arguments:?}: {said:?}");
    ["compiling ", "planning ", "reading what was allowed: "].map(|what| said.err.matches(what).count())
}

#[test]
fn a_command_compiles_plans_and_reads_grants_once_for_each_target() {
    let sandbox = two_targets();
    for (arguments, expected) in [
        (&["status"][..], [2, 2, 2]),
        (&["diff"], [2, 2, 2]),
        (&["check"], [2, 2, 2]),
        (&["doctor"], [2, 2, 2]),
        (&["absorb", "--dry-run"], [2, 2, 2]),
        (&["render", "--dry-run"], [2, 2, 2]),
        // What is allowed elsewhere is shown beside it.
        (&["allow", "--pending"], [2, 2, 4]),
        // What was allowed is read again under the lock: somebody may have taken it back meanwhile.
        (&["render"], [2, 2, 4]),
        (&["unrender", "--all"], [0, 0, 0]),
        (&["exec", "--", "true"], [2, 2, 4]),
    ] {
        assert_eq!(counted(&sandbox, arguments), expected, "{arguments:?}");
    }
}
