//! System calls of a command, and what is done to one of them: strace kills the caller there, or lets the call fail.

#![allow(dead_code)]

use crate::scratch::{Home, run, said};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::process::{Command, Output};

/// Calls that change files, or are about processes. Between two of them nothing on disk changes, so killing before
/// each of them is killing at every instant, as far as a later command can tell.
const CHANGING: &str = "openat,open,creat,write,pwrite64,writev,pwritev,ftruncate,truncate,fallocate,copy_file_range,\
     sendfile,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,chmod,fchmod,\
     fchmodat,chown,fchown,fchownat,utimensat,flock,fsync,fdatasync,clone,clone3,fork,vfork,execve,wait4,waitid,kill,\
     setsid,exit_group";

/// Calls that only look.
const READING: &str =
    "read,pread64,readv,statx,stat,lstat,fstat,newfstatat,readlink,readlinkat,getdents64,access,faccessat,fcntl,close";

/// Calls that are about no path and still matter where they stand.
const ABOUT_PROCESSES: [&str; 9] =
    ["clone", "clone3", "fork", "vfork", "execve", "wait4", "waitid", "kill", "exit_group"];

/// One call of a command: the `nth` of that name that a process makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) call: String,
    pub(crate) nth: usize,
    pub(crate) line: String,
}

/// The calls that matter of a command, in order: those about the home, and those about processes.
pub(crate) fn points(home: &Home, args: &[&str], reading_too: bool) -> Vec<Point> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let everything = std::env::var_os("KEYSTENCIL_EVERY_CALL").is_some();
    let set = match (everything, reading_too) {
        (true, _) => "all".to_owned(),
        (false, true) => format!("{CHANGING},{READING}"),
        (false, false) => CHANGING.to_owned(),
    };
    let mut strace = strace(home, args);
    let output = run(strace.wrap(&["-y", "-o", &log.path().to_string_lossy(), "-e", &format!("trace={set}")]));
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    let home = home.folder().to_string_lossy().into_owned();
    let mut counts: HashMap<(String, String), usize> = HashMap::new();
    let (mut seen, mut points) = (BTreeSet::new(), Vec::new());
    for line in fs::read_to_string(log.path()).unwrap().lines().skip(1) {
        let (pid, rest) = line.split_once(' ').filter(|(pid, _)| pid.parse::<u32>().is_ok()).unwrap_or(("", line));
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        if !call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let nth = counts.entry((pid.to_owned(), call.to_owned())).or_default();
        *nth += 1;
        let matters = everything || line.contains(&home) || line.contains("/proc/") || ABOUT_PROCESSES.contains(&call);
        if matters && seen.insert((call.to_owned(), *nth)) {
            points.push(Point { call: call.to_owned(), nth: *nth, line: rest.to_owned() });
        }
    }
    assert!(!points.is_empty(), "strace saw no call of {args:?}");
    points
}

/// Runs the command and does `what` (`signal=KILL`, `error=EIO`) to it at one point.
pub(crate) fn inject(home: &Home, args: &[&str], point: &Point, what: &str) -> Output {
    let inject = format!("inject={}:{what}:when={}", point.call, point.nth);
    run(strace(home, args).wrap(&["-o", "/dev/null", "-e", &format!("trace={}", point.call), "-e", &inject]))
}

struct Strace {
    command: Command,
    /// Hooks leave a guard behind that lives as long as the client, which is too long to wait for.
    follow: Option<&'static str>,
    args: Vec<String>,
}

fn strace(home: &Home, args: &[&str]) -> Strace {
    let follow = (args[0] != "hook").then_some("-f");
    Strace { command: home.program("strace"), follow, args: args.iter().map(|&arg| arg.to_owned()).collect() }
}

impl Strace {
    fn wrap(&mut self, options: &[&str]) -> &mut Command {
        self.command
            .args(self.follow)
            .args(["-q", "--signal=none"])
            .args(options)
            .arg(crate::scratch::BIN)
            .args(&self.args)
    }
}
