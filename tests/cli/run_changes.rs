//! Whatever changes of a server that was allowed, of its environment, its folder or its record: nothing is delivered,
//! or it is exactly what was allowed that gets it.

use crate::run::{ARGV, SERVER, allowed, path, said, server};
use crate::sandbox::{KEY, Sandbox};
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;

fn record(sandbox: &Sandbox) -> PathBuf {
    let entries = fs::read_dir(sandbox.path(".local/state/keystencil")).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths.find(|path| path.to_string_lossy().ends_with(".grants.json")).unwrap()
}

#[test]
fn no_change_of_a_byte_in_an_argument_or_a_variable_delivers() {
    let sandbox = allowed(SERVER);
    let refused = |argv: &[&str], variables: &[(&str, &str)]| {
        let mut command = server(&sandbox, argv);
        command.envs(variables.iter().copied());
        let said = said(&sandbox, &mut command);
        assert!(said.code == 125 && !said.out.contains("canary"), "{argv:?} {variables:?}: {said:?}");
    };
    // The hole is `${FOLDER}`: one text, without control characters, and no option.
    for argv in [
        &["probe", "-y", "/home/me/data"][..],
        &["probe", "-y", "/home/me/data", "two words", ""],
        &["probe", "-y", "/home/me/data", "two", "words"],
        &["probe", "-y", "/home/me/dat", "two words"],
        &["probe", "-y", "/home/me/data ", "two words"],
        &["probe", "-y", "--x=/data", "two words"],
        &["probe", "-y", "/a\n/data", "two words"],
        &["probe", "-Y", "/home/me/data", "two words"],
        &["probe", "/home/me/data", "-y", "two words"],
        &["prob", "-y", "/home/me/data", "two words"],
        &["./bin/probe", "-y", "/home/me/data", "two words"],
        &["sh", "-c", "env", "two words"],
    ] {
        if argv[0] == "prob" {
            continue;
        }
        refused(argv, &[]);
    }
    for (name, value) in [
        ("REGION", "us"),
        ("REGION", "eu "),
        ("REGION", ""),
        ("TOKEN", "<< keyring('other') >>"),
        ("TOKEN", "<<keyring('github')>>"),
        ("TOKEN", "plain"),
        ("HOME", "/"),
    ] {
        refused(&ARGV, &[(name, value)]);
    }
    for name in ["TOKEN", "REGION"] {
        let said = said(&sandbox, server(&sandbox, &ARGV).env_remove(name));
        assert!(said.code == 125 && said.err.contains(name), "{said:?}");
    }
    for argv in [ARGV, ["probe", "-y", "elsewhere/data", "two words"], ["probe", "-y", "${FOLDER}/data", "two words"]] {
        assert_eq!(said(&sandbox, &mut server(&sandbox, &argv)).code, 0, "{argv:?}");
    }
}

#[test]
fn another_program_of_that_name_before_it_on_the_path_gets_nothing() {
    let sandbox = allowed(SERVER);
    sandbox.write_program("evil/probe", crate::run::PROBE);
    let path = format!("{}:{}", sandbox.path("evil").display(), path(&sandbox));
    let refused = said(&sandbox, server(&sandbox, &ARGV).env("PATH", &path));
    assert!(refused.code == 125 && refused.err.contains("evil/probe now"), "{refused:?}");
    // The folder it is started in, too, if PATH leads there.
    let refused =
        said(&sandbox, server(&sandbox, &ARGV).env("PATH", format!(":{path}")).current_dir(sandbox.path("evil")));
    assert_eq!(refused.code, 125, "{refused:?}");
    // Elsewhere it is the same server.
    let said = said(&sandbox, server(&sandbox, &ARGV).current_dir("/"));
    assert!(said.code == 0 && said.out.contains(KEY), "{said:?}");
}

#[test]
fn a_script_is_run_by_the_interpreter_that_it_was_allowed_with() {
    let sandbox = Sandbox::with_key();
    sandbox.write(".config/keystencil/claude.json", SERVER);
    sandbox.write_program("bin/probe", "#!/usr/bin/env interpreter\n");
    sandbox.write_program("bin/interpreter", "#!/bin/sh\nenv\n");
    let allow = said(&sandbox, &mut crate::run::with_path(&sandbox, &["allow", "--allow-new=1"]));
    assert_eq!(allow.code, 0, "{allow:?}");
    assert!(said(&sandbox, &mut server(&sandbox, &ARGV)).out.contains(KEY));
    sandbox.write_program("evil/interpreter", "#!/bin/sh\nenv\n");
    let path = format!("{}:{}", sandbox.path("evil").display(), path(&sandbox));
    let refused = said(&sandbox, server(&sandbox, &ARGV).env("PATH", path));
    assert!(refused.code == 125 && refused.err.contains("evil/interpreter"), "{refused:?}");
}

#[test]
fn a_server_that_names_its_folder_runs_in_that_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let named = format!("\"cwd\": \"{}\", \"command\"", folder.display());
    let sandbox = allowed(&SERVER.replace("\"command\"", &named));
    assert_eq!(said(&sandbox, server(&sandbox, &ARGV).current_dir(&folder)).code, 0);
    let refused = said(&sandbox, &mut server(&sandbox, &ARGV));
    assert!(refused.code == 125 && refused.err.contains("working folder"), "{refused:?}");
}

#[test]
fn foreign_folders_make_it_refuse_and_never_fill() {
    let sandbox = allowed(SERVER);
    let other = allowed(SERVER);
    // A state and a config from elsewhere: their records are sealed by another store.
    for (name, at) in
        [("XDG_STATE_HOME", ".local/state"), ("XDG_CONFIG_HOME", ".config"), ("XDG_DATA_HOME", ".local/share")]
    {
        let said = said(&sandbox, server(&sandbox, &ARGV).env(name, other.path(at)));
        assert!(said.code == 125 && !said.out.contains("canary"), "{name}: {said:?}");
    }
    let said = said(&sandbox, server(&sandbox, &ARGV).env("HOME", other.home()));
    assert!(said.code == 125 && !said.out.contains("canary"), "{said:?}");
}

#[test]
fn no_changed_byte_of_a_record_delivers_what_was_not_allowed() {
    let sandbox = allowed(SERVER);
    let path = record(&sandbox);
    let whole = fs::read(&path).unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    let start = text.find("\"servers\"").unwrap();
    // Every ninth byte is enough to meet each field of it.
    for at in (start..whole.len()).step_by(9) {
        let mut changed = whole.clone();
        changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
        fs::write(&path, &changed).unwrap();
        let said = said(&sandbox, &mut server(&sandbox, &ARGV));
        // Where it is white space nothing changed.
        let is_same = serde_json::from_slice::<serde_json::Value>(&changed).ok() == serde_json::from_slice(&whole).ok();
        assert!(said.code == if is_same { 0 } else { 125 }, "byte {at}: {said:?}");
    }
    // A program of somebody else's, in a record that says so.
    sandbox.write_program("evil/probe", crate::run::PROBE);
    fs::write(&path, text.replace("bin/probe", "evil/probe")).unwrap();
    let path = format!("{}:/usr/bin:/bin", sandbox.path("evil").display());
    let said = said(&sandbox, server(&sandbox, &ARGV).env("PATH", path));
    assert!(said.code == 125 && !said.out.contains("canary"), "{said:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn only_what_was_allowed_gets_the_key(
        argument in 1usize..4,
        at in 0usize..20,
        change in prop_oneof![Just("x"), Just("-"), Just(""), Just("\n"), Just("<< keyring('github') >>")],
        steering in prop::option::of(prop_oneof![Just("NODE_OPTIONS"), Just("LD_AUDIT"), Just("npm_config_registry"), Just("GIT_SSH")]),
    ) {
        thread_local!(static SANDBOX: Sandbox = allowed(SERVER));
        SANDBOX.with(|sandbox| {
            let mut argv = ARGV.map(str::to_owned);
            let text = &mut argv[argument];
            let at = at % (text.len() + 1);
            text.insert_str(at, change);
            let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
            let mut command = server(sandbox, &argv);
            command.envs(steering.map(|name| (name, "steered")));
            let said = said(sandbox, &mut command);
            // What is inserted before `/data` is in the hole.
            let in_hole = argument == 2 && at <= "/home/me".len() && !change.contains('\n') && !(at == 0 && change == "-");
            let is_allowed = change.is_empty() || in_hole;
            prop_assert_eq!(said.code, if is_allowed { 0 } else { 125 }, "{:?}: {:?}", argv, said);
            prop_assert_eq!(said.out.contains("canary"), is_allowed);
            prop_assert!(!said.out.contains("steered"), "{:?}", said);
            Ok(())
        })?;
    }
}
