//! Colours: on a terminal or when asked for, never in a pipe.

use crate::sandbox::Sandbox;

fn has_color(sandbox: &Sandbox, arguments: &[&str], variables: &[(&str, &str)]) -> bool {
    let said = sandbox.said(&sandbox.command(arguments).envs(variables.iter().copied()).output().unwrap());
    said.whole().contains('\u{1b}')
}

#[test]
fn a_pipe_gets_no_colour() {
    let sandbox = Sandbox::with_target();
    for arguments in [&["diff"][..], &["render"], &["status"], &["--help"], &["--nonsense"]] {
        assert!(!has_color(&sandbox, arguments, &[("TERM", "xterm-256color")]), "{arguments:?}");
    }
}

#[test]
fn colour_is_there_when_asked_for() {
    let sandbox = Sandbox::with_target();
    for arguments in [&["diff"][..], &["render"], &["status"], &["--help"], &["--nonsense"]] {
        let arguments = [&["--color", "always"][..], arguments].concat();
        assert!(has_color(&sandbox, &arguments, &[]), "{arguments:?}");
    }
}

#[test]
fn the_environment_asks_for_colour_and_against_it() {
    let sandbox = Sandbox::with_target();
    assert!(has_color(&sandbox, &["diff"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!has_color(&sandbox, &["diff"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!has_color(&sandbox, &["diff", "--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(has_color(&sandbox, &["diff", "--color", "always"], &[("NO_COLOR", "1")]));
}

#[test]
fn json_has_no_colour_even_then() {
    let sandbox = Sandbox::with_target();
    assert!(!has_color(&sandbox, &["--color", "always", "diff", "--json"], &[]));
}
