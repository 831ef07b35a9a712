//! The long-running filter process.

use super::repository::Repository;
use std::fs;

#[test]
fn a_thousand_files_cost_one_process() {
    let repository = Repository::new();
    repository.render();
    let live = repository.read("dots/live.json");
    repository.write("dots/.gitattributes", "*.json filter=keystencil\n");
    for number in 0..1000 {
        repository.write(&format!("dots/many/{number}.json"), &live);
    }
    let trace = repository.path("trace");
    let mut command = repository.command(&["add", "--all"]);
    assert!(command.env("GIT_TRACE", &trace).status().unwrap().success());
    let trace = fs::read_to_string(trace).unwrap();
    let started = trace.lines().filter(|line| line.contains("run_command: ") && line.contains("keystencil"));
    // And one for `.gitattributes`, which is nobody's target.
    let (any, ours): (Vec<&str>, Vec<&str>) = started.partition(|line| line.contains("--any"));
    assert_eq!((any.len(), ours.len()), (1, 1), "{trace}");
    // And one git, which tells what is committed.
    assert_eq!(trace.lines().filter(|line| line.contains("cat-file --batch")).count(), 1, "{trace}");
    repository.assert_clean();
    assert_eq!(repository.git(&["ls-files", "many"]).lines().count(), 1000);
}

#[test]
fn what_is_no_conversation_with_git_is_an_error_and_no_crash() {
    let repository = Repository::new();
    for input in ["", "hello", "0000", "0015git-filter-client", "0016git-filter-client\n000eversion=9\n0000", "ffff"] {
        let said = repository.run_with_input(&["git", "filter-process"], input);
        assert!(said.code == 2 && said.err.contains("install git"), "{input}: {}", said.whole());
    }
}

#[test]
fn names_of_any_bytes_and_contents_of_any_kind_go_through() {
    let repository = Repository::new();
    repository.render();
    let live = repository.read("dots/live.json");
    repository.write("dots/.gitattributes", "* filter=keystencil\n.gitattributes -filter\n");
    let names: [&[u8]; 8] =
        [b"a b", b"quo\"te", b"line\nbreak", b"tab\t", b"\xff\xfe", b"-dash", b":colon", "\u{fc}".as_bytes()];
    for name in names {
        let path = repository.path("dots").join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name));
        fs::write(path, &live).unwrap();
    }
    fs::write(repository.path("dots/binary"), (0..=255).cycle().take(100_000).collect::<Vec<u8>>()).unwrap();
    fs::write(repository.path("dots/empty"), "").unwrap();
    for process in [true, false] {
        if !process {
            repository.git(&["config", "--unset", "filter.keystencil.process"]);
        }
        repository.git(&["add", "--all"]);
        repository.git(&["commit", "-qm", "any"]);
        repository.assert_clean();
        assert_eq!(repository.git(&["status", "--porcelain"]), "");
        for name in names {
            let path =
                repository.path("dots").join(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(name));
            fs::write(path, format!("{live}\n{process}")).unwrap();
        }
    }
    repository.git(&["add", "--all"]);
    repository.assert_clean();
}

#[test]
fn fifty_megabytes_go_through() {
    let repository = Repository::new();
    repository.render();
    let live = repository.read("dots/live.json");
    let padding = "x".repeat(50 << 20);
    repository.write("dots/live.json", &live.replacen('{', &format!("{{\"padding\":\"{padding}\","), 1));
    repository.git(&["add", "live.json"]);
    let staged = repository.staged("live.json");
    assert!(staged.len() > 50 << 20 && staged.contains("<< keyring('github') >>"));
    repository.assert_clean();
}
