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

/// Calls that are about no path and still matter where they are.
const ABOUT_PROCESSES: [&str; 9] =
    ["clone", "clone3", "fork", "vfork", "execve", "wait4", "waitid", "kill", "exit_group"];

/// One call of a command: the `nth` of that name that a process makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) call: String,
    pub(crate) nth: usize,
    pub(crate) line: String,
    /// Set where only calls about this path are counted: another thread makes as many calls of that name before.
    only: Option<String>,
    /// Set where only the process that was started counts its calls, and not those that it starts: they continue.
    alone: bool,
}

impl Point {
    /// Errors that this call may meet on a disk that is full or broken, or in a system without room for a process; one
    /// of them, another one at each `turn`.
    pub(crate) fn error(&self, turn: usize) -> Option<&'static str> {
        let errors: &[&str] = match &*self.call {
            "openat" | "write" | "mkdir" | "rename" | "linkat" | "fsync" | "ftruncate" => &["ENOSPC", "EIO", "EROFS"],
            "pwrite64" | "unlink" | "unlinkat" | "rmdir" | "fchmod" | "fchown" | "utimensat" | "fdatasync" => &["EIO"],
            "clone" | "clone3" | "vfork" | "fork" => &["EAGAIN"],
            _ => return None,
        };
        errors.get(turn % errors.len()).copied()
    }

    /// Whether the process itself makes this call, not one that it starts.
    pub(crate) fn is_of_main(&self) -> bool {
        self.only.is_none()
    }

    /// Whether the processes that it started continue when it is killed here.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone
    }
}

/// The calls that matter of a command, in order: those about the home, and those about processes.
pub(crate) fn points(home: &Home, args: &[&str], reading_too: bool) -> Vec<Point> {
    traced(home, args, reading_too, false)
}

/// The same for killing a command that always makes the same calls, with those of other threads about files whose names
/// are new each time.
pub(crate) fn points_of_all_threads(home: &Home, args: &[&str]) -> Vec<Point> {
    traced(home, args, false, true)
}

fn traced(home: &Home, args: &[&str], reading_too: bool, all_threads: bool) -> Vec<Point> {
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
    let (mut main, mut seen, mut points) = (None, BTreeSet::new(), Vec::new());
    let log = fs::read_to_string(log.path()).unwrap();
    // Calls are counted by strace for each thread and name; the first to have made so many is the one that is met.
    for line in log.lines() {
        let (pid, rest) = line.split_once(' ').filter(|(pid, _)| pid.parse::<u32>().is_ok()).unwrap_or(("", line));
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        if !call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            continue;
        }
        let nth = counts.entry((pid.to_owned(), call.to_owned())).or_default();
        *nth += 1;
        let matters = everything || line.contains(&home) || line.contains("/proc/") || ABOUT_PROCESSES.contains(&call);
        let first = main.get_or_insert_with(|| pid.to_owned()) == pid;
        let (mut nth, mut only) = (*nth, None);
        if !first {
            if let Some(path) = fixed_path(rest, &home) {
                let count = counts.entry((pid.to_owned(), format!("{call} {path}"))).or_default();
                *count += 1;
                (nth, only) = (*count, Some(path));
            } else if !all_threads
                || counts.iter().any(|((other, name), count)| *other != pid && name == call && *count >= nth)
            {
                continue;
            }
        }
        if matters && call != "execve" && seen.insert((call.to_owned(), nth, only.clone())) {
            points.push(Point { call: call.to_owned(), nth, line: rest.to_owned(), only, alone: false });
        }
    }
    assert!(!points.is_empty(), "strace saw no call of {args:?}");
    points
}

/// The calls that matter of the process that is started, to be met there and nowhere else.
pub(crate) fn points_alone(home: &Home, args: &[&str]) -> Vec<Point> {
    let own = points(home, args, false).into_iter().filter(Point::is_of_main);
    own.map(|point| Point { alone: true, ..point }).collect()
}

/// The path below the home that a call is about, unless its name is a new one each time.
fn fixed_path(line: &str, home: &str) -> Option<String> {
    let (_, tail) = line.split_once(home)?;
    let path = tail.split(['"', '>']).next()?;
    let is_fixed = !path.contains(".tmp") && !path.contains("/.keystencil-vault-") && !path.is_empty();
    is_fixed.then(|| format!("{home}{path}"))
}

/// Runs the command and kills it at one point, or the process that it started and that comes there first. Whether any
/// was killed.
pub(crate) fn kill_at(home: &Home, args: &[&str], point: &Point) -> (Output, bool) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let output = inject_logged(home, args, point, "signal=KILL", "", Some(log.path()));
    (output, fs::read_to_string(log.path()).unwrap().contains("+++ killed by SIGKILL"))
}

/// Runs the command and does `what` (`signal=KILL`, `error=EIO`) to it at one point, or from there on if `more` is `+`.
pub(crate) fn inject(home: &Home, args: &[&str], point: &Point, what: &str, more: &str) -> Output {
    inject_logged(home, args, point, what, more, None)
}

fn inject_logged(
    home: &Home,
    args: &[&str],
    point: &Point,
    what: &str,
    more: &str,
    log: Option<&std::path::Path>,
) -> Output {
    let inject = format!("inject={}:{what}:when={}{more}", point.call, point.nth);
    let trace = format!("trace={}", point.call);
    let mut options = vec!["-e", &trace, "-e", &inject];
    let log = log.map_or_else(|| "/dev/null".to_owned(), |log| log.to_string_lossy().into_owned());
    options.extend(["-o", &log]);
    if let Some(path) = &point.only {
        options.extend(["-P", path]);
    }
    let mut strace = strace(home, args);
    // A guard tries again for a quarter of an hour, with a helper that would be refused the same call each time.
    let is_helper_refused = args[0] == "exec" && what.starts_with("error");
    if more == "+" || point.alone || is_helper_refused {
        strace.follow = None;
    }
    run(strace.wrap(&options))
}

struct Strace {
    command: Command,
    /// Hooks, and what fills for `exec`, leave a guard behind that lives as long as the client, which is too long to
    /// wait for.
    follow: Option<&'static str>,
    args: Vec<String>,
}

fn strace(home: &Home, args: &[&str]) -> Strace {
    let follow = (!["hook", "exec-fill"].contains(&args[0])).then_some("-f");
    Strace { command: home.program("strace"), follow, args: args.iter().map(|&arg| arg.to_owned()).collect() }
}

impl Strace {
    fn wrap(&mut self, options: &[&str]) -> &mut Command {
        self.command
            .args(self.follow)
            .args(["-q", "--signal=KILL"])
            .args(options)
            .arg(crate::scratch::BIN)
            .args(&self.args)
    }
}
