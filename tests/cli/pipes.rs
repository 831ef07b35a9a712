//! Output that nobody reads.

use crate::sandbox::Sandbox;
use std::fs::OpenOptions;
use std::process::Stdio;

#[test]
fn a_reader_that_went_away_ends_it_without_a_word() {
    let sandbox = Sandbox::with_target();
    for arguments in [&["completions", "bash"][..], &["diff"], &["--help"], &["man"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox.command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(sandbox.said(&output).whole(), "[141]", "{arguments:?}");
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let sandbox = Sandbox::with_target();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let said = sandbox.said(&sandbox.command(&["diff"]).stdout(full).output().unwrap());
    assert_eq!(said.code, 2);
    assert!(said.err.starts_with("error: cannot write to standard output: "), "{said:?}");
}

#[test]
fn a_closed_standard_error_is_no_failure() {
    let sandbox = Sandbox::with_key();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert!(sandbox.command(&["render"]).stderr(writer).status().unwrap().success());
}
