//! Where a command is found, as a shell would: in the folders of `PATH`, or at the path that it is.
//!
//! What the user allowed is the program they had, so a record notes where that was. Links are not followed: an upgrade
//! that changes where a link leads keeps the path, one that moves the program does not.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Bytes of a first line that are read; Linux reads no more.
const FIRST_LINE: u64 = 256;

/// The absolute path of a command; `None` if there is no such program. What `folders` and `command` name relatively
/// starts from `working`.
#[must_use]
pub fn find(command: &str, folders: &[PathBuf], working: &Path) -> Option<PathBuf> {
    let is_path = command.contains('/') || (cfg!(windows) && command.contains('\\'));
    let candidates: Vec<PathBuf> = match is_path {
        true => vec![working.join(command)],
        // An empty folder is the working one.
        false => folders.iter().map(|folder| working.join(folder).join(command)).collect(),
    };
    candidates.into_iter().flat_map(endings).find(|file| is_program(file))
}

/// The program, and after it the one that its first line has `env` look for: `npx` is a script for the `node` in
/// `PATH`.
#[must_use]
pub fn find_all(command: &str, folders: &[PathBuf], working: &Path) -> Vec<PathBuf> {
    let Some(program) = find(command, folders, working) else { return Vec::new() };
    let interpreter = interpreter(&program).and_then(|name| find(&name, folders, working));
    std::iter::once(program).chain(interpreter).collect()
}

/// What `#!/usr/bin/env NAME` names.
fn interpreter(program: &Path) -> Option<String> {
    let mut start = Vec::new();
    fs::File::open(program).ok()?.take(FIRST_LINE).read_to_end(&mut start).ok()?;
    let text = String::from_utf8_lossy(&start);
    let mut words = text.strip_prefix("#!")?.lines().next()?.split_whitespace();
    let is_env = words.next()?.rsplit('/').next() == Some("env");
    let is_name = |word: &&str| !word.starts_with('-') && !word.contains('=');
    is_env.then(|| words.find(is_name))?.map(str::to_owned)
}

#[cfg(not(windows))]
fn endings(file: PathBuf) -> Vec<PathBuf> {
    vec![file]
}

/// A name without an ending may have one of these.
#[cfg(windows)]
fn endings(file: PathBuf) -> Vec<PathBuf> {
    let with = |ending: &str| PathBuf::from(format!("{}.{ending}", file.display()));
    let more = ["exe", "cmd", "bat", "com"].map(with);
    std::iter::once(file.clone()).chain(more).collect()
}

fn is_program(file: &Path) -> bool {
    let Ok(metadata) = fs::metadata(file) else { return false };
    #[cfg(unix)]
    let runs = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let runs = true;
    metadata.is_file() && runs
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn program(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_script_is_found_with_the_interpreter_that_path_has_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        program(&at("a/npx"), "#!/usr/bin/env -S node --x\n");
        program(&at("b/node"), "#!/bin/sh\n");
        fs::write(at("a/node"), "not executable").unwrap();
        let path = [at("none"), at("a"), at("b")];
        assert_eq!(find_all("npx", &path, folder.path()), [at("a/npx"), at("b/node")]);
        assert_eq!(find_all("node", &path, folder.path()), [at("b/node")]);
        assert_eq!(find("./a/npx", &path, folder.path()), Some(at("./a/npx")));
        assert_eq!(find("nothing", &path, folder.path()), None);
        assert_eq!(find("node", &["b".into()], folder.path()), Some(at("b/node")));
    }
}
