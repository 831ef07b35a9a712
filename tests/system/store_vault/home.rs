//! A throw-away folder with a vault in it, and the `age` tool to look at it from outside.

use keystencil::error::Explain;
use keystencil::secret::{Query, Secret, SecretName};
use keystencil::store::{Store, StoreError, Vault, VaultPaths};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) struct Home {
    pub(crate) folder: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One with a secret `github` in it.
    pub(crate) fn with_secret() -> Self {
        let home = Self::new();
        home.vault().set(&name("github"), &secret("canary-1")).unwrap();
        home
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("data/keystencil/vault.age")
    }

    pub(crate) fn identity(&self) -> PathBuf {
        self.folder.path().join("config/keystencil/identity.txt")
    }

    pub(crate) fn vault(&self) -> Vault {
        Vault::new(VaultPaths { vault: self.file(), identity: self.identity() })
    }

    pub(crate) fn get(&self, service: &str) -> Result<String, StoreError> {
        self.vault().get_many(&[query(service)]).remove(0).map(|secret| secret.expose().to_owned())
    }

    /// What must hold of an unusable vault: every call says `expected`, and the files stay as they are.
    pub(crate) fn is_refused(&self, expected: impl Fn(&StoreError) -> bool) {
        let before = (fs::read(self.file()).ok(), fs::read(self.identity()).ok());
        let errors = [
            self.get("github").unwrap_err(),
            self.vault().set(&name("github"), &secret("new")).unwrap_err(),
            self.vault().remove(&name("github")).unwrap_err(),
            self.vault().list().unwrap_err(),
        ];
        for error in errors {
            assert!(expected(&error), "{error:?}");
            assert!(error.place().is_some(), "{error:?}");
            let said = format!("{error} {error:?} {:?}", error.place());
            assert!(!said.contains("canary") && !said.contains("AGE-SECRET-KEY"), "{said}");
        }
        assert_eq!(before, (fs::read(self.file()).ok(), fs::read(self.identity()).ok()), "a file was changed");
    }

    /// The vault's content as `age -d` sees it.
    pub(crate) fn age(&self) -> String {
        let identity = self.identity();
        let output = run("age", &["-d", "-i", identity.to_str().unwrap(), self.file().to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes a vault of this content with the `age` tool.
    pub(crate) fn age_seal(&self, content: &str) {
        let plain = self.folder.path().join("plain");
        fs::write(&plain, content).unwrap();
        let (identity, vault) = (self.identity(), self.file());
        let arguments = ["-e", "-i", identity.to_str().unwrap(), "-o", vault.to_str().unwrap()];
        let output = run("age", &[&arguments[..], &[plain.to_str().unwrap()]].concat());
        assert!(output.status.success(), "{output:?}");
        chmod(&self.file(), 0o600);
    }
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("`{program}` can't be run ({error}): run scripts/test, which installs it"))
}

pub(crate) fn query(service: &str) -> Query {
    name(service).into()
}

pub(crate) fn name(service: &str) -> SecretName {
    SecretName::new(service, "api-key").unwrap()
}

pub(crate) fn secret(value: &str) -> Secret {
    Secret::new(value.to_owned())
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
