//! A throw-away home with a repository in it, and what git said there.

use crate::sandbox::{KEY, Said, Sandbox};
use std::ops::Deref;
use std::path::Path;
use std::process::Command;

/// A home whose target `live.json` lies in the repository `dots`, with the key in the vault.
pub(crate) struct Repository {
    sandbox: Sandbox,
    folder: String,
}

impl Deref for Repository {
    type Target = Sandbox;
    fn deref(&self) -> &Sandbox {
        &self.sandbox
    }
}

impl Repository {
    /// The repository, its target at rest and committed, the filter installed.
    pub(crate) fn new() -> Self {
        let repository = Self::without_filter();
        assert_eq!(repository.run(&["install", "git"]).whole().matches("installed").count(), 1);
        repository.git(&["add", "--all"]);
        repository.git(&["commit", "-qm", "filter"]);
        repository
    }

    /// The same without the filter.
    pub(crate) fn without_filter() -> Self {
        let repository = Self { sandbox: Sandbox::with_key(), folder: "dots".to_owned() };
        repository.write(
            ".config/keystencil/config.toml",
            "[targets.claude]\ntemplate = 'claude.json'\npath = '~/dots/live.json'\n",
        );
        repository.write("dots/live.json", crate::sandbox::AT_REST);
        repository.write("dots/notes.txt", "notes\n");
        repository.git(&["init", "-q", "-b", "main"]);
        repository.git(&["add", "--all"]);
        repository.git(&["commit", "-qm", "first"]);
        repository
    }

    /// git in the repository, with nothing of the tests' own environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.home())
            .env("PATH", "/usr/bin:/bin")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            // Nothing is to continue in the background.
            .envs([("GIT_CONFIG_COUNT", "2"), ("GIT_CONFIG_KEY_0", "gc.auto"), ("GIT_CONFIG_VALUE_0", "0")])
            .envs([("GIT_CONFIG_KEY_1", "maintenance.auto"), ("GIT_CONFIG_VALUE_1", "false")])
            .env("GIT_AUTHOR_NAME", "somebody")
            .env("GIT_AUTHOR_EMAIL", "somebody@example.com")
            .env("GIT_COMMITTER_NAME", "somebody")
            .env("GIT_COMMITTER_EMAIL", "somebody@example.com")
            .env("GIT_EDITOR", "true")
            .current_dir(self.path(&self.folder));
        command
    }

    /// git, which must succeed; what it printed.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let said = self.try_git(arguments);
        assert_eq!(said.code, 0, "git {arguments:?}: {}", said.whole());
        said.out
    }

    /// git, whatever comes of it.
    pub(crate) fn try_git(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output();
        self.said(&output.unwrap_or_else(|error| panic!("this test needs git: {error}")))
    }

    /// Another copy of the program, in this home.
    pub(crate) fn sandbox_command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("HOME", self.home()).env("PATH", "/usr/bin:/bin");
        command.env("KEYSTENCIL_STORE", "vault").current_dir(self.home());
        command
    }

    pub(crate) fn render(&self) {
        let said = self.run(&["render"]);
        assert_eq!(said.code, 0, "{}", said.whole());
        assert!(self.is_rendered());
    }

    /// Renders whatever the config names.
    pub(crate) fn render_any(&self) {
        let said = self.run(&["render"]);
        assert_eq!(said.code, 0, "{}", said.whole());
    }

    /// The home: `command` is git's here, and the program's there.
    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    pub(crate) fn unrender(&self) {
        let said = self.run(&["unrender", "--all"]);
        assert_eq!(said.code, 0, "{}", said.whole());
    }

    pub(crate) fn is_rendered(&self) -> bool {
        holds_key(&self.read("dots/live.json"))
    }

    /// A file of the index.
    pub(crate) fn staged(&self, path: &str) -> String {
        self.git(&["cat-file", "blob", &format!(":0:{path}")])
    }

    /// No object of the repository holds the key, reachable or not.
    pub(crate) fn assert_clean(&self) {
        let output = self.command(&["cat-file", "--batch-all-objects", "--batch", "--unordered"]).output().unwrap();
        assert!(output.status.success() && !output.stdout.is_empty());
        assert!(!holds_key(&String::from_utf8_lossy(&output.stdout)));
    }

    /// Removes what the state folder knows of files, as if the file had come from another machine.
    pub(crate) fn forget(&self) {
        for entry in std::fs::read_dir(self.path(".local/state/keystencil")).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap() != "repositories.json" {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

/// Whether a text holds the key, as it is or in JSON.
pub(crate) fn holds_key(text: &str) -> bool {
    let encoded = serde_json::to_string(KEY).unwrap();
    text.contains(KEY) || text.contains(encoded.trim_matches('"')) || text.contains("canary")
}
