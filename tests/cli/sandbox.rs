//! A throw-away home with nothing of the environment in it, and what the binary said there.

use crate::yes::Yes;
use rustix::process::{Pid, Signal, getpgid, kill_process_group};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_keystencil");
/// A key that no file holds by accident, with every character that some encoding changes.
pub(crate) const KEY: &str = "sk-canary/\"quote\"\\é+9f2b7c";

/// Longer than anything that is waited for takes on a loaded machine.
pub(crate) const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

pub(crate) const TEMPLATE: &str = r#"{
  // a comment
  "mcpServers": {
    "github": { "env": { "TOKEN": "<< keyring('github') >>" }, },
  },
}
"#;

/// The target as the template leaves it at rest.
pub(crate) const AT_REST: &str = r#"{
  "mcpServers": {
    "github": {
      "env": {
        "TOKEN": "<< keyring('github') >>"
      }
    }
  }
}
"#;

pub(crate) struct Sandbox {
    home: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run of the binary left.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Sandbox {
    /// An empty home.
    pub(crate) fn empty() -> Self {
        Self { home: tempfile::Builder::new().prefix("home-").tempdir().unwrap(), variables: Vec::new() }
    }

    /// A home with one target, `claude`, and its template.
    pub(crate) fn with_target() -> Self {
        let sandbox = Self::empty();
        sandbox.write(
            ".config/keystencil/config.toml",
            "[targets.claude]\ntemplate = 'claude.json'\npath = '~/live.json'\n",
        );
        sandbox.write(".config/keystencil/claude.json", TEMPLATE);
        sandbox
    }

    /// The same, with the key in the vault.
    pub(crate) fn with_key() -> Self {
        let sandbox = Self::with_target();
        sandbox.store("github", KEY);
        sandbox
    }

    pub(crate) fn store(&self, name: &str, key: &str) {
        assert_eq!(self.run_with_input(&["-q", "secret", "set", name], key).code, 0);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path(name);
        let folder = path.parent().unwrap();
        let new: Vec<(&Path, u32)> =
            [(folder, 0o755), (&*path, 0o644)].into_iter().filter(|(made, _)| !made.exists()).collect();
        fs::create_dir_all(folder).unwrap();
        fs::write(&path, text).unwrap();
        // Whatever the umask: commands of a config count only if nobody else can change it.
        new.into_iter().for_each(|(made, mode)| fs::set_permissions(made, fs::Permissions::from_mode(mode)).unwrap());
    }

    /// A program of the test's own. Another process writes it: a file that this one has open for writing while another
    /// test starts a child is open in that child as well, and can't be run until then ("text file busy").
    pub(crate) fn write_program(&self, name: &str, script: &str) {
        self.write(&format!("{name}.text"), script);
        self.copy_program(&self.path(&format!("{name}.text")), name);
        fs::remove_file(self.path(&format!("{name}.text"))).unwrap();
    }

    /// A copy of a program; see [`Self::write_program`].
    pub(crate) fn copy_program(&self, from: &Path, name: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        let copied = Command::new("install").args(["-m", "755"]).arg(from).arg(&path).status().unwrap();
        assert!(copied.success(), "{name}");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn read_bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn live(&self) -> String {
        self.read("live.json")
    }

    /// The binary, in this home, with nothing else in its environment. What is new is allowed before whatever fills
    /// slots or speaks of them.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let speaks = ["render", "exec", "hook", "status", "doctor"];
        if arguments.iter().any(|argument| speaks.contains(argument)) {
            Yes::in_home(self.home()).to_command(arguments);
        }
        self.strict_command(arguments)
    }

    /// Allows all that the templates of the config ask for now.
    pub(crate) fn allow(&self) {
        Yes::in_home(self.home()).to_config(None);
    }

    /// Allows all that a template asks for a live file that is in no config.
    #[allow(dead_code)]
    pub(crate) fn allow_pair(&self, template: &str, to: &Path) {
        Yes::in_home(self.home()).to_pair(Path::new(template), to, None);
    }

    /// The same as [`Self::command`] without a yes of anybody.
    pub(crate) fn strict_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .env("KEYSTENCIL_STORE", "vault")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home.path())
            .stdin(Stdio::null());
        command
    }

    /// The same home with one more variable in the environment of every command.
    #[allow(dead_code)]
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        self.said(&self.command(arguments).output().unwrap())
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Said {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that fails early does not read it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        self.said(&child.wait_with_output().unwrap())
    }

    /// What was said, with this home as `HOME`.
    pub(crate) fn said(&self, output: &Output) -> Said {
        let home = self.home.path().display().to_string();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&home, "HOME");
        Said { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Every file in this home with its content.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.home.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    match fs::read(&path) {
                        Ok(bytes) => files.push((path, bytes)),
                        // A guard may be at its end here.
                        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                        Err(error) => panic!("{}: {error}", path.display()),
                    }
                }
            }
        }
        files.sort();
        files
    }

    /// The files as text.
    fn shown(&self) -> String {
        let line = |(path, bytes): (PathBuf, Vec<u8>)| format!("{}: {}\n", path.display(), bytes.escape_ascii());
        self.files().into_iter().map(line).collect()
    }

    pub(crate) fn wait_until(&self, done: impl Fn() -> bool) {
        let deadline = std::time::Instant::now() + LIMIT;
        while !done() {
            assert!(std::time::Instant::now() < deadline, "it did not happen:\n{}", self.shown());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

impl Said {
    /// As the user sees it all.
    pub(crate) fn whole(&self) -> String {
        format!("{}{}[{}]", self.out, self.err, self.code)
    }
}

/// A process that is ended with the test, and with it its process group if it leads one: `exec` would leave its
/// program after.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.0);
        if matches!(self.0.try_wait(), Ok(None)) && getpgid(Some(pid)) == Ok(pid) {
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Compares with a file in `snapshots/`.
pub(crate) fn snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "../../snapshots",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}
