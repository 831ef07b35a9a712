//! What `claude mcp add` and `claude mcp remove` write comes back into the template.

use super::support::process;
use super::support::stencil::{self, PLACEHOLDER};
use crate::poll::PATIENCE;

#[test]
fn a_server_that_the_client_adds_under_exec_is_absorbed_and_one_that_it_removes_goes() {
    let home = stencil::home();
    let exec = |args: &[&str]| {
        let ran =
            process::run(&mut stencil::command(&home, [&["exec", "--", "claude", "mcp"], args].concat()), PATIENCE);
        assert!(ran.status.success(), "{ran:?}");
    };
    stencil::succeeds(&home, ["render"]);
    stencil::succeeds(&home, ["unrender"]);
    // What the user had in that server already is not the template's yet.
    stencil::succeeds(&home, ["absorb", "--yes"]);
    let before = std::fs::read_to_string(home.template()).unwrap();
    exec(&["add", "--scope", "user", "--transport", "http", "docs", "https://docs.invalid/mcp"]);
    let shown = process::run(&mut stencil::command(&home, ["diff"]), PATIENCE);
    assert!(shown.stdout.contains("+ /mcpServers/docs"), "{shown:?}");
    stencil::succeeds(&home, ["absorb", "--yes"]);
    let after = std::fs::read_to_string(home.template()).unwrap();
    assert!(after.contains("https://docs.invalid/mcp") && after.contains(PLACEHOLDER), "{after}");
    assert!(after.starts_with("// The probe") && !after.contains(&home.secret), "{after}");
    stencil::succeeds(&home, ["diff"]);

    exec(&["remove", "--scope", "user", "docs"]);
    stencil::succeeds(&home, ["absorb", "--yes"]);
    assert_eq!(std::fs::read_to_string(home.template()).unwrap(), before);
    stencil::succeeds(&home, ["diff"]);
    home.assert_nothing_left_within(std::time::Duration::ZERO, &[]);
}
