//! The user's yes, without the terminal: allows whatever the templates of a config ask for now.
//!
//! By the library and not by a process, so that it costs little and can be said as often as a test changes its
//! template; the records are those that `keystencil allow` writes. What can't be allowed is left to the test to find
//! out.

#![allow(dead_code)]

use keystencil::consent::Flow;
use keystencil::consent::record::{Machine, Unfit};
use keystencil::host::git::Places;
use keystencil::host::profile::{self, Profile};
use keystencil::host::program::find_all;
use keystencil::host::servers::HostReferences;
use keystencil::plan::OnConflict;
use keystencil::secret::SealKey;
use keystencil::session::{FilterCall, Job, Session, SessionError, Sources, Standing, State, Target};
use keystencil::store::{Answers, Bus, Choice, Request, SealKeys, StoreError, StoreKind, Stores, VaultPaths};
use keystencil::template::Variables;
use std::cell::LazyCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The home of the user who says yes to everything.
pub(crate) struct Yes<'a> {
    pub(crate) home: &'a Path,
    pub(crate) state: PathBuf,
    pub(crate) stores: Stores,
    bus: Option<String>,
}

impl<'a> Yes<'a> {
    /// With the vault of that home and no keyring.
    pub(crate) fn in_home(home: &'a Path) -> Self {
        Self::with(home, Choice::Vault, Bus::default())
    }

    /// With another folder in `XDG_STATE_HOME`.
    pub(crate) fn with_state(self, folder: &Path) -> Self {
        Self { state: folder.join("keystencil"), ..self }
    }

    /// With the vault of that home and what else there is.
    pub(crate) fn with(home: &'a Path, choice: Choice, bus: Bus) -> Self {
        let paths = VaultPaths {
            vault: home.join(".local/share/keystencil/vault.age"),
            identity: home.join(".config/keystencil/identity.txt"),
        };
        Self {
            home,
            state: home.join(".local/state/keystencil"),
            bus: bus.address.clone(),
            stores: Stores::new(choice, paths, bus),
        }
    }

    /// To all targets of a config, the usual one if none is named.
    pub(crate) fn to_config(&self, config: Option<&Path>) {
        let usual = self.home.join(".config/keystencil/config.toml");
        let path = config.unwrap_or(&usual);
        let Ok(text) = fs::read_to_string(path) else { return };
        let Ok(config) = toml::from_str::<toml::Table>(&text) else { return };
        let folder = path.parent().unwrap();
        let json = |table: Option<&toml::Value>| table.and_then(|table| serde_json::to_value(table).ok());
        let vars = json(config.get("vars")).and_then(|vars| serde_json::from_value(vars).ok()).unwrap_or_default();
        let providers = config.get("providers").and_then(toml::Value::as_table).into_iter().flatten();
        let variables =
            Variables { vars, providers: providers.map(|(name, _)| name.clone()).collect(), ..variables(self.home) };
        for (name, target) in config.get("targets").and_then(toml::Value::as_table).into_iter().flatten() {
            let text = |key: &str| target.get(key).and_then(toml::Value::as_str);
            let profile = text("profile").and_then(profile::named);
            let usual = || profile?.default_target(self.home, &|_| None);
            let Some(path) = text("path").map(|path| self.expand(path, folder)).or_else(usual) else { continue };
            let Some(template) = text("template") else { continue };
            let profile: &'static dyn Profile = profile.unwrap_or_else(|| profile::of(&path, &|_| None));
            let template = self.expand(template, folder);
            // Nothing is wrapped here, but what will be is recorded.
            let is_delivered = target.get("deliver").is_some() || target.get("servers").is_some();
            let target = Target { name: Some(name.clone()), template, path, profile, deliveries: Default::default() };
            self.to_target(&target, &variables, is_delivered);
        }
        if !variables.providers.is_empty() {
            self.to_commands(path, variables.providers.len());
        }
    }

    /// To the commands that a config declares. They are read by the program alone, so it is asked.
    fn to_commands(&self, config: &Path, number: usize) {
        let _ = fs::remove_file(self.home.join(".local/state/keystencil/commands.json"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_keystencil"));
        command.arg("allow").arg(format!("--allow-new={number}")).arg("--config").arg(config).env_clear();
        command.env("HOME", self.home).env("PATH", "/usr/bin:/bin");
        match &self.bus {
            Some(bus) => command.env("DBUS_SESSION_BUS_ADDRESS", bus),
            None => command.env("KEYSTENCIL_STORE", "vault"),
        };
        let _ = command.stdin(Stdio::null()).output().unwrap();
    }

    /// To a template for a live file that is in no config.
    pub(crate) fn to_pair(&self, template: &Path, to: &Path, profile: Option<&str>) {
        let (template, path) = (self.home.join(template), self.home.join(to));
        let profile = profile.and_then(profile::named).unwrap_or_else(|| profile::of(&path, &|_| None));
        let target = Target { name: None, template, path, profile, deliveries: Default::default() };
        self.to_target(&target, &variables(self.home), false);
    }

    /// To what a command line of `render` or `exec` is about.
    pub(crate) fn to_command(&self, arguments: &[&str]) {
        let ours = arguments.split(|argument| *argument == "--").next().unwrap();
        let value = |option: &str| {
            let next = ours.iter().position(|argument| *argument == option).and_then(|at| ours.get(at + 1));
            next.copied().or_else(|| ours.iter().find_map(|argument| argument.strip_prefix(option)?.strip_prefix('=')))
        };
        match (value("--template"), value("--to")) {
            (Some(template), Some(to)) => self.to_pair(Path::new(template), Path::new(to), value("--profile")),
            _ => self.to_config(value("--config").map(|config| self.home.join(config)).as_deref()),
        }
    }

    fn to_target(&self, target: &Target, variables: &Variables, is_delivered: bool) {
        let session = Session {
            state: State::new(self.state.clone()),
            variables,
            sources: &Asked(&self.stores),
            env: &|_| None,
            places: Places::default(),
            unguarded: Vec::new(),
            program: LazyCell::new(String::new),
            filter: FilterCall::default(),
            now: jiff::Timestamp::now,
            guarded: true,
            commands: None,
            agents: None,
        };
        let Ok(job) = session.open(target) else { return };
        let Ok(flows) = job.flows(OnConflict::Replace) else { return };
        let new = flows.into_iter().filter(|(_, standing)| *standing != Standing::Allowed);
        let new: Vec<Flow> = new.map(|(flow, _)| flow).collect();
        if !new.is_empty() {
            let _ = job.allow(&new);
        }
        if is_delivered {
            let _ = self.record(&job);
        }
    }

    /// Records the servers whose programs are found in the home's `bin`, or where every program is.
    fn record(&self, job: &Job<'_>) -> Result<(), SessionError> {
        let folders = [self.home.join("bin"), "/usr/bin".into(), "/bin".into()];
        let working = self.home.to_owned();
        let found = move |command: &str, _: Option<&str>| match find_all(command, &folders, &working) {
            found if found.is_empty() => Err(Unfit::NotFound),
            found => Ok(found),
        };
        let home = [("HOME".to_owned(), self.home.to_string_lossy().into_owned())];
        let machine = Machine { found: &found, variables: &home, references: HostReferences::of(&job.target.path) };
        job.record_servers(job.unrecorded(job.servers(&machine)?)?)
    }

    fn expand(&self, path: &str, folder: &Path) -> PathBuf {
        match path.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None => folder.join(path).components().collect(),
        }
    }
}

/// What a template may read in a home with nothing in its environment.
fn variables(home: &Path) -> Variables {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Variables {
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        hostname: name.trim().split('.').next().unwrap_or_default().to_owned(),
        user: home.file_name().unwrap().to_string_lossy().into_owned(),
        home: home.to_string_lossy().into_owned(),
        ..Variables::default()
    }
}

/// The stores as a session asks them.
struct Asked<'a>(&'a Stores);

impl Sources for Asked<'_> {
    fn look_up(&self, request: &Request<'_>) -> Answers {
        self.0.look_up(request, None)
    }

    fn make_seal_key(&self, kind: StoreKind) -> Result<SealKey, StoreError> {
        self.0.make_seal_key(kind)
    }

    fn replace_seal_key(&self, kind: StoreKind, new: Option<&SealKey>) -> Result<bool, StoreError> {
        self.0.replace_seal_key(kind, new)
    }

    fn seal_keys(&self) -> Vec<(StoreKind, SealKeys)> {
        self.0.seal_keys()
    }

    fn back_up(&self, path: &std::path::Path, text: &[u8]) -> Result<String, StoreError> {
        self.0.vault().back_up(path, text)
    }
}
