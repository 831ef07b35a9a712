//! The scratch home of the demo: runs this program in it, shows what a person would see, and watches for the key.

use super::child::{NAME, fingerprint};
use crate::cli::environment;
use crate::cli::error::CommandError;
use crate::cli::report::{BAD, BOLD, DIM, GOOD, Report, Text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(super) struct Stage<'a> {
    report: &'a Report,
    home: &'a Path,
    program: PathBuf,
    /// Where this program is found first, so that a call that is written into a file is of this one.
    path: OsString,
    key: String,
}

impl<'a> Stage<'a> {
    pub(super) fn new(report: &'a Report, home: &'a Path) -> Result<Self, CommandError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| went_wrong("cannot get random bytes from the system"))?;
        let program = std::env::current_exe().map_err(file("find its own program", home))?;
        let folders = environment::variable_os("PATH").unwrap_or_default();
        let own = program.parent().map(Path::to_owned);
        let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&folders))).unwrap_or(folders);
        Ok(Self { report, home, program, path, key: format!("ghp_demo{}", hex::encode(random)) })
    }

    /// What is going on.
    pub(super) fn tell(&self, text: &str) -> Result<(), CommandError> {
        self.report.out(&Text::new().block("\n").styled(DIM, format_args!("# {text}")).end())
    }

    /// Shows that something is as it should be, or fails.
    pub(super) fn check(&self, claim: &str, holds: bool) -> Result<(), CommandError> {
        let (style, mark) = if holds { (GOOD, "✓") } else { (BAD, "✗") };
        self.report.out(&Text::new().styled(style, mark).plain(" ").plain(claim).end())?;
        if holds { Ok(()) } else { Err(went_wrong(&format!("this is not true: {claim}"))) }
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), CommandError> {
        let path = self.home.join(name);
        let folder = path.parent().unwrap_or(self.home);
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(file("write the file", &path))
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, CommandError> {
        let path = self.home.join(name);
        fs::read(&path).map_err(file("read the file", &path))
    }

    pub(super) fn holds_key(&self, bytes: &[u8]) -> bool {
        let encoded = STANDARD.encode(&self.key);
        // Without the padding, and the last character that depends on what follows.
        let encoded = encoded.trim_end_matches('=').as_bytes();
        let encoded = encoded.split_last().map_or(encoded, |(_, head)| head);
        [self.key.as_bytes(), encoded].iter().any(|needle| memchr::memmem::find(bytes, needle).is_some())
    }

    /// The file as a person would see it for whom keystencil is on the `PATH` of a shell.
    pub(super) fn cat(&self, name: &str) -> Result<(), CommandError> {
        self.show(&format!("cat {name}"))?;
        let text = String::from_utf8_lossy(&self.read(name)?).replace(&*self.program.to_string_lossy(), "keystencil");
        self.report.out(&Text::new().block(&text).end())
    }

    /// Whether servers can be called through this program: by another name it would not know its calls again.
    pub(super) fn can_wrap(&self) -> bool {
        self.program.file_stem().is_some_and(|name| name == "keystencil")
    }

    /// What a person would type.
    pub(super) fn show(&self, line: &str) -> Result<(), CommandError> {
        self.report.out(&Text::new().styled(DIM, "$ ").styled(BOLD, line).end())
    }

    /// Runs this program; `shown` is what a person would type for it.
    pub(super) fn run(&self, shown: &str, arguments: &[&str], status: i32) -> Result<(), CommandError> {
        let colored = [&["--color", "always"], arguments].concat();
        self.start(shown, &colored, status)
    }

    fn start(&self, shown: &str, arguments: &[&str], status: i32) -> Result<(), CommandError> {
        self.show(shown)?;
        let failed = file("run", &self.program);
        let mut child = Command::new(&self.program)
            .args(arguments)
            .env_clear()
            .envs(environment::variable_os("SystemRoot").map(|value| ("SystemRoot", value)))
            .env("PATH", &self.path)
            .envs(["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA"].map(|name| (name, self.home)))
            .env("KEYSTENCIL_STORE", "vault")
            .env("KEYSTENCIL_CONFIG", self.home.join("keystencil.toml"))
            .current_dir(self.home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(&failed)?;
        if let Some(mut input) = child.stdin.take() {
            // Only `secret set` reads it; the others may have ended before it is written.
            let _ = input.write_all(self.key.as_bytes());
        }
        let output = child.wait_with_output().map_err(&failed)?;
        for said in [&output.stdout, &output.stderr] {
            self.report.out(&Text::trusted(String::from_utf8_lossy(said).into_owned()))?;
            if self.holds_key(said) {
                return Err(went_wrong(&format!("`{shown}` printed the key")));
            }
        }
        match output.status.code() {
            Some(code) if code == status => Ok(()),
            _ => Err(went_wrong(&format!("`{shown}` ended with {} instead of {status}", output.status))),
        }
    }

    /// Runs the program that shows that it got the key, under `exec`.
    pub(super) fn run_child(&self, shown: &str) -> Result<(), CommandError> {
        let (program, target) = (self.program.to_string_lossy(), self.home.join(".claude.json"));
        let print = fingerprint(&self.key);
        let target = target.to_string_lossy();
        let line = ["exec", "--", program.as_ref(), NAME, target.as_ref(), print.as_str()];
        self.run(shown, &line, 0)
    }

    /// Runs it by itself, as a host that connects to the server.
    pub(super) fn run_host(&self, shown: &str) -> Result<(), CommandError> {
        let (target, print) = (self.home.join(".claude.json"), fingerprint(&self.key));
        self.start(shown, &[NAME, &target.to_string_lossy(), &print, "connects"], 0)
    }

    /// How many files there are, and how many of them hold the key.
    pub(super) fn search(&self) -> Result<(usize, usize), CommandError> {
        let (mut files, mut holding) = (0, 0);
        let mut folders = vec![self.home.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(file("read the folder", &folder))? {
                let path = entry.map_err(file("read the folder", &folder))?.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                files += 1;
                holding += usize::from(self.holds_key(&fs::read(&path).map_err(file("read the file", &path))?));
            }
        }
        Ok((files, holding))
    }
}

fn file(step: &'static str, path: &Path) -> impl Fn(std::io::Error) -> CommandError {
    move |source| CommandError::file(step, path, &source)
}

/// A step of the demo did not do what it shows.
fn went_wrong(why: &str) -> CommandError {
    CommandError::new(format!("the demo failed: {why}")).hint("please report it with the output above")
}
