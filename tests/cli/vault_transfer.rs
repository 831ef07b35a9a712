//! `vault export` and `vault import`.

use crate::sandbox::{KEY, Said, Sandbox};
use crate::terminal::with_typed;
use std::fs;
use std::process::Command;

/// A new identity of the age tool in this home, and its public key.
fn identity(sandbox: &Sandbox) -> String {
    let path = sandbox.path("there.txt");
    assert!(Command::new("age-keygen").arg("-o").arg(&path).output().unwrap().status.success());
    String::from_utf8(Command::new("age-keygen").arg("-y").arg(path).output().unwrap().stdout)
        .unwrap()
        .trim()
        .to_owned()
}

fn import(sandbox: &Sandbox, more: &[&str]) -> Said {
    sandbox.run(&[&["vault", "import", "export"], more].concat())
}

/// What a home with `github` and `new` exports in plain text.
fn export() -> String {
    let sandbox = Sandbox::with_key();
    sandbox.store("new", "value of new");
    let said = sandbox.run(&["vault", "export", "--plaintext"]);
    assert_eq!((said.code, said.err.as_str()), (0, "exported 2 secrets\n"));
    assert!(!said.out.contains("SECRET-KEY"), "its backups and keys stay at home");
    said.out
}

#[test]
#[cfg_attr(not(feature = "system-tests"), ignore = "needs age")]
fn an_export_is_sealed_to_a_key_and_imported_with_it() {
    let here = Sandbox::with_key();
    let public = identity(&here);
    let said = here.run(&["vault", "export", "--to", &public]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n") && !said.out.contains("canary"));
    here.write("export", &said.out);
    let age =
        Command::new("age").args(["-d", "-i"]).arg(here.path("there.txt")).arg(here.path("export")).output().unwrap();
    assert!(String::from_utf8_lossy(&age.stdout).contains("github"), "{age:?}");
    let there = Sandbox::empty();
    fs::copy(here.path("export"), there.path("export")).unwrap();
    let said = import(&there, &[]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("identity file is missing"), "{said:?}");
    fs::copy(here.path("there.txt"), there.path("there.txt")).unwrap();
    let said = import(&there, &["--identity", "there.txt"]);
    assert_eq!(said.whole(), "imported 1 secret: 1 new\n[0]");
    assert_eq!(there.run(&["secret", "get", "github"]).out, format!("{KEY}\n"));
    let said = import(&there, &["--identity", "nope.txt"]);
    assert!(said.err.contains("identity file not found\n  at nope.txt\n"), "{said:?}");
    let said = here.run_with_input(&["vault", "import"], &there.run(&["vault", "export", "--to", &public]).out);
    assert!(said.err.contains("it is encrypted to another identity"), "{said:?}");
}

#[test]
fn an_export_with_a_passphrase_asks_for_it_at_a_terminal_only() {
    let sandbox = Sandbox::with_key();
    let (code, shown) = with_typed(&sandbox, "vault export --passphrase > export", "one two\none two\n");
    assert_eq!(code, 0, "{shown}");
    assert_eq!(sandbox.run(&["secret", "rm", "github"]).code, 0);
    let said = import(&sandbox, &[]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("it needs a passphrase, and there is no terminal to type it at"), "{said:?}");
    let (code, shown) = with_typed(&sandbox, "vault import export", "one two\n");
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("imported 1 secret: 1 new"), "{shown}");
    assert_eq!(sandbox.run(&["secret", "get", "github"]).out, format!("{KEY}\n"));
}

#[test]
fn a_plain_export_goes_into_a_pipe_only_and_never_by_itself() {
    let sandbox = Sandbox::with_key();
    assert_eq!(sandbox.run(&["vault", "export"]).code, 2);
    assert_eq!(sandbox.run(&["vault", "export", "--plaintext", "--passphrase"]).code, 2);
    let (code, shown) = with_typed(&sandbox, "vault export --plaintext", "");
    assert_eq!(code, 2);
    assert!(shown.contains("a vault in plain text is not shown on a terminal") && !shown.contains("canary"), "{shown}");
}

#[test]
fn an_import_merges_and_what_differs_is_for_a_person_to_say() {
    let export = export();
    let home = || {
        let sandbox = Sandbox::empty();
        sandbox.store("github", "mine");
        sandbox.store("own", "own");
        sandbox.write("export", &export);
        sandbox
    };
    let value = |sandbox: &Sandbox, name: &str| sandbox.run(&["secret", "get", "-n", name]).out;
    let sandbox = home();
    let before = sandbox.files();
    let said = import(&sandbox, &["--dry-run"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("would import 2 secrets: 1 new, 1 kept\n"), "{said:?}");
    let said = import(&sandbox, &["--on-conflict", "fail"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.starts_with("error: the vault has different values for `github` (account `api-key`)\nhint: "),
        "{said:?}"
    );
    assert_eq!(sandbox.files(), before);
    let said = import(&sandbox, &[]);
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("warning: secret `github` (account `api-key`) has a different value in the vault"),
        "{said:?}"
    );
    assert_eq!((value(&sandbox, "github"), value(&sandbox, "new")), ("mine".to_owned(), "value of new".to_owned()));
    let said = import(&sandbox, &["--on-conflict", "replace"]);
    assert_eq!(said.whole(), "imported 2 secrets: 1 replaced, 1 there already\n[0]");
    assert_eq!((value(&sandbox, "github"), value(&sandbox, "own")), (KEY.to_owned(), "own".to_owned()));
    let settled = sandbox.files();
    assert_eq!(import(&sandbox, &["--on-conflict", "fail"]).whole(), "imported 2 secrets: 2 there already\n[0]");
    assert_eq!(sandbox.files(), settled, "nothing is written for nothing");
    for said in [&said.err, &said.out] {
        assert!(!said.contains("mine") && !said.contains("canary"));
    }
}

#[test]
fn a_dash_is_standard_input() {
    let sandbox = Sandbox::empty();
    let said = sandbox.run_with_input(&["vault", "import", "-"], &export());
    assert_eq!(said.whole(), "imported 2 secrets: 2 new\n[0]");
}

#[test]
fn what_is_no_export_is_refused_wherever_it_was_cut_and_not_repeated() {
    let export = export();
    let sandbox = Sandbox::with_key();
    let before = fs::read(sandbox.path(".local/share/keystencil/vault.age")).unwrap();
    let cut: Vec<String> =
        (0..export.len()).step_by(41).filter_map(|end| export.get(..end)).map(str::to_owned).collect();
    let nameless = export.replace("\"new\"", "\"\"");
    let newer = export.replace("\"version\":1", "\"version\":7");
    for text in cut.iter().map(String::as_str).chain([
        nameless.as_str(),
        &newer,
        "{}",
        "[]",
        "-----BEGIN AGE ENCRYPTED FILE-----\n",
    ]) {
        sandbox.write("export", text);
        let said = import(&sandbox, &["--on-conflict", "replace"]);
        assert_eq!(said.code, 2, "{text}: {said:?}");
        assert!(
            said.err.contains("cannot import") && said.err.contains("hint: ") && said.err.contains("export"),
            "{said:?}"
        );
        assert!(!said.err.contains("canary") && !said.err.contains("value of new"), "{said:?}");
    }
    assert_eq!(sandbox.run(&["vault", "import", "missing"]).code, 2);
    assert_eq!(fs::read(sandbox.path(".local/share/keystencil/vault.age")).unwrap(), before);
}
