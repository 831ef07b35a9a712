//! What the process was given: every read of the environment happens here or in clap's `env` of [`super::args`].
//!
//! Everything below this layer is passed what it needs, and reads nothing itself. So a test that clears the environment
//! controls it all.

use crate::store::{Bus, VaultPaths};
use etcetera::BaseStrategy as _;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

/// The name of our folder in each of the platform's places.
const FOLDER: &str = "keystencil";

/// The folders this user's files are in, and who the user is.
#[derive(Debug, Clone)]
pub(super) struct Environment {
    /// The home folder.
    pub(super) home: PathBuf,
    /// Where the config and the vault's identity are.
    pub(super) config: PathBuf,
    /// Where the vault is.
    pub(super) data: PathBuf,
    /// Where journals are.
    pub(super) state: PathBuf,
}

impl Environment {
    /// Reads it; `None` if there is no home folder.
    pub(super) fn read() -> Option<Self> {
        let places = etcetera::base_strategy::choose_native_strategy().ok()?;
        let data = places.data_dir().join(FOLDER);
        Some(Self {
            home: places.home_dir().to_owned(),
            config: places.config_dir().join(FOLDER),
            // Only XDG has a place for state.
            state: places.state_dir().map_or_else(|| data.join("state"), |state| state.join(FOLDER)),
            data,
        })
    }

    /// The config file that is read unless `--config` names another.
    pub(super) fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// Where the vault and its identity are.
    pub(super) fn vault(&self) -> VaultPaths {
        VaultPaths { vault: self.data.join("vault.age"), identity: self.config.join("identity.txt") }
    }
}

/// A variable of the environment, for `env()` in a template; `None` if it is not set or is not text.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whether `KEYSTENCIL_LOG` asks for a log.
pub(super) fn wants_log() -> bool {
    variable_os("KEYSTENCIL_LOG").is_some_and(|level| level.eq_ignore_ascii_case("debug"))
}

/// A variable of the environment as the system has it.
pub(super) fn variable_os(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// All variables of the environment, as the system has them.
pub(super) fn variables() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// The URL that Claude Code names to a helper that prints headers.
pub(super) fn destination() -> Option<String> {
    variable("CLAUDE_CODE_MCP_SERVER_URL")
}

/// Where the session bus is.
pub(super) fn bus() -> Bus {
    let set = |name| variable_os(name).filter(|value| !value.is_empty());
    Bus {
        address: variable("DBUS_SESSION_BUS_ADDRESS").filter(|address| !address.is_empty()),
        runtime_dir: set("XDG_RUNTIME_DIR").map(PathBuf::from),
    }
}

/// Where the session bus is for unattended commands: at an address of this machine, or else where every user's is, if
/// that is this user's. A host's config can set variables, and another address would be a program's that answers at
/// will.
#[cfg(unix)]
pub(super) fn unattended_bus() -> Bus {
    use std::os::unix::fs::MetadataExt as _;
    let Bus { address, runtime_dir } = bus();
    let is_local = |address: &String| address.split(';').all(|one| one.starts_with("unix:"));
    let user = rustix::process::getuid().as_raw();
    let usual = PathBuf::from(format!("/run/user/{user}"));
    let is_own = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.uid() == user);
    let usual = Some(usual).filter(|folder| is_own(folder) && is_own(&folder.join("bus")));
    let has_address = address.as_ref().is_some_and(is_local);
    Bus { address: address.filter(is_local), runtime_dir: runtime_dir.filter(|_| has_address).or(usual) }
}

/// The same as anywhere: there is no bus.
#[cfg(not(unix))]
pub(super) fn unattended_bus() -> Bus {
    bus()
}

/// Where the vault is of a user whose environment says nothing, by what the system knows of them; `None` if it does not
/// say.
#[cfg(all(unix, not(target_os = "macos")))]
pub(super) fn usual_vault() -> Option<VaultPaths> {
    let home = system_home()?;
    let (data, config) = (home.join(".local/share").join(FOLDER), home.join(".config").join(FOLDER));
    Some(VaultPaths { vault: data.join("vault.age"), identity: config.join("identity.txt") })
}

/// There the system's keyring is always the usual store.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub(super) fn usual_vault() -> Option<VaultPaths> {
    None
}

/// Whether that config is the one that is read if the environment says nothing, in the home that the system knows of.
pub(super) fn is_usual_config(home: &Path, config: &Path) -> bool {
    system_home().is_some_and(|system| is_usual_config_of(&system, home, config))
}

fn is_usual_config_of(system: &Path, home: &Path, config: &Path) -> bool {
    let folder = if cfg!(target_os = "macos") { "Library/Preferences" } else { ".config" };
    system == home && config == system.join(folder).join(FOLDER).join("config.toml")
}

/// The user's home folder in the user database.
#[cfg(unix)]
fn system_home() -> Option<PathBuf> {
    Some(nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten()?.dir)
}

/// There is none.
#[cfg(not(unix))]
fn system_home() -> Option<PathBuf> {
    None
}

/// Whether `KEYSTENCIL_GRANTS` is `off`: anyone who starts `exec` or `render` wants no slot to be allowed first.
/// Nothing else asks, since a host's config can set variables for what the host starts. Not in our config, which may
/// come from the same repository as the templates.
pub(super) fn is_grants_off() -> bool {
    variable("KEYSTENCIL_GRANTS").is_some_and(|value| value == "off")
}

/// How many servers `run --for` has started above this process, each by the one before. Anybody can set it, so it may
/// refuse and nothing else.
pub(super) fn nesting() -> usize {
    variable(NESTING).and_then(|depth| depth.parse().ok()).unwrap_or_default()
}

/// The variable that says so.
pub(super) const NESTING: &str = "KEYSTENCIL_NESTING";

/// The process id that Claude Code gives to what it starts.
pub(super) fn claude_pid() -> Option<String> {
    variable("CLAUDE_PID").filter(|pid| !pid.is_empty())
}

/// The repository that `GIT_DIR` and `GIT_WORK_TREE` name, if they do.
pub(super) fn git_repository() -> Option<(PathBuf, Option<PathBuf>)> {
    let set = |name| variable_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    Some((set("GIT_DIR")?, set("GIT_WORK_TREE")))
}

/// The user's name: the environment's, or else that of the home folder.
pub(super) fn user(home: &Path) -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| variable(name).filter(|user| !user.is_empty()))
        .or_else(|| home.file_name().map(|name| name.to_string_lossy().into_owned()))
        .unwrap_or_default()
}

/// The machine's name, without its domain.
pub(super) fn hostname() -> String {
    let name = system_name();
    name.split('.').next().unwrap_or_default().to_owned()
}

#[cfg(unix)]
fn system_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn system_name() -> String {
    variable("COMPUTERNAME").unwrap_or_default()
}

/// Whether the user sits at the terminal and can answer a keyring's prompt.
pub(super) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether a reader of this locale sees more than ASCII.
pub(super) fn is_utf8() -> bool {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    locale.map_or(cfg!(windows), |locale| locale.to_lowercase().replace('-', "").contains("utf8"))
}

/// The command line, without the program's own name.
pub(super) fn arguments() -> Vec<OsString> {
    std::env::args_os().skip(1).collect()
}

/// The folders that programs are looked for in.
pub(super) fn search_path() -> Vec<PathBuf> {
    variable_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Where this program is.
pub(super) fn own_program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// This program as `PATH` finds it, with the last link not followed: what an upgrade puts there is called from then on.
/// Its own path if `PATH` has another one, or none.
pub(super) fn called_program() -> String {
    let own = own_program().unwrap_or_else(|| "keystencil".into());
    let real = own.canonicalize().ok();
    let name = format!("keystencil{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let is_own = |path: &PathBuf| path.is_absolute() && real.is_some() && path.canonicalize().ok() == real;
    let found = folders.unwrap_or_default().into_iter().map(|folder| folder.join(&name)).find(is_own);
    found.unwrap_or(own).to_string_lossy().into_owned()
}

/// This program as the system can start it again, even when an upgrade has replaced or removed its file meanwhile.
pub(super) fn own_image() -> Option<PathBuf> {
    if cfg!(target_os = "linux") { Some(PathBuf::from("/proc/self/exe")) } else { own_program() }
}

/// The folder that relative paths start from.
pub(super) fn working_folder() -> Option<PathBuf> {
    std::env::current_dir().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn the_usual_config_is_the_one_of_the_home_that_the_system_knows() {
        let is_usual =
            |home: &str, config: &str| is_usual_config_of(Path::new("/h"), Path::new(home), Path::new(config));
        assert!(is_usual("/h", "/h/.config/keystencil/config.toml"));
        for (home, config) in [
            ("/h", "/other/keystencil/config.toml"),
            ("/h", ".config/keystencil/config.toml"),
            ("/h", "/h/.config/keystencil/../keystencil/config.toml"),
            ("/evil", "/evil/.config/keystencil/config.toml"),
            // `~` in it would be another folder.
            ("/evil", "/h/.config/keystencil/config.toml"),
        ] {
            assert!(!is_usual(home, config), "{home} {config}");
        }
    }
}
