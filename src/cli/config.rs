//! `config.toml`: the targets, the variables of templates, and the defaults of options.
//!
//! A key that nothing reads is an error, because it is a typo that would be missed. A missing file is not: a command
//! that names `--template` and `--to` needs no config.

mod error;
mod file;
mod provider;

pub(super) use error::ConfigError;

use super::environment::{Environment, variable_os};
use super::global::StoreArg;
use super::rotation::Rotation;
use crate::error::Place;
use crate::host::{Profile, Resolved, profile, read};
use crate::plan::wrap::Deliveries;
use crate::session::Target;
use crate::store::Providers;
use file::expand;
use file::{AgentsEntry, File, GitEntry, TargetEntry};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use toml::{Spanned, Value};

/// What the config says.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// The file, if there is one.
    pub(super) file: Option<PathBuf>,
    /// The targets, sorted by name.
    pub(super) targets: Vec<Target>,
    /// `[vars]`.
    pub(super) vars: BTreeMap<String, serde_json::Value>,
    /// `[providers]`.
    pub(super) providers: Providers,
    /// `store`.
    pub(super) store: Option<StoreArg>,
    /// `rotate_after`: how old a secret may get before somebody says so.
    pub(super) rotate_after: Rotation,
    /// `repositories`: git repositories whose work tree is elsewhere, besides those in the usual places.
    pub(super) repositories: Vec<PathBuf>,
    /// The files of targets with `git = "allow"`: they are rendered though git could commit them.
    pub(super) unguarded: Vec<PathBuf>,
    /// `agents = "allow"`: AI tools may do what is asked of a person, once a person said yes to that.
    pub(super) lets_agents: bool,
}

impl Config {
    /// Reads the config file `named` by the user, or the usual one.
    ///
    /// # Errors
    /// [`ConfigError`] if it can't be used, or is `named` and missing.
    pub(super) fn read(named: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let path = named.map_or_else(|| environment.config_file(), Path::to_owned);
        let text = match read::text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => return Ok(Self::default()),
            Err(source) => return Err(ConfigError::Unreadable { path, source }),
        };
        Self::parse(&text, path, &environment.home)
    }

    fn parse(text: &str, path: PathBuf, home: &Path) -> Result<Self, ConfigError> {
        let place = |offset: usize| place(&path, text, offset);
        let file: File = toml::from_str(text).map_err(|error| {
            let place = error.span().map_or_else(|| Place::file(&path), |span| place(span.start));
            ConfigError::Syntax { place, message: error.message().to_owned() }
        })?;
        let rotate_after = match file.rotate_after.as_ref().map(|age| (age.get_ref(), age.span())) {
            None => Rotation::default(),
            Some((Value::Boolean(false), _)) => Rotation::NEVER,
            Some((age, span)) => age.as_str().and_then(Rotation::parse).ok_or_else(|| {
                let text = age.as_str().map_or_else(|| age.to_string(), ToOwned::to_owned);
                ConfigError::BadAge { place: place(span.start), text }
            })?,
        };
        let (mut targets, mut unguarded) = (Vec::new(), Vec::new());
        for (name, entry) in &file.targets {
            let target = target(name, entry, &path, home, &place)?;
            unguarded.extend((entry.get_ref().git == Some(GitEntry::Allow)).then(|| target.path.clone()));
            targets.push(target);
        }
        distinct(&targets, &path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let repositories = file.repositories.iter().map(|named| expand(named, folder, home)).collect();
        let vars = file.vars.into_iter().map(|(name, value)| (name, file::json(value))).collect();
        let providers = provider::providers(file.providers, &path, home, &place)?;
        Ok(Self {
            targets,
            vars,
            providers,
            store: file.store,
            rotate_after,
            repositories,
            unguarded,
            lets_agents: file.agents == Some(AgentsEntry::Allow),
            file: Some(path),
        })
    }
}

fn target(
    name: &str,
    entry: &Spanned<TargetEntry>,
    config: &Path,
    home: &Path,
    place: &impl Fn(usize) -> Place,
) -> Result<Target, ConfigError> {
    let folder = config.parent().unwrap_or(Path::new(""));
    let fields = entry.get_ref();
    let named = match &fields.profile {
        None => None,
        Some(named) => Some(profile::named(named.get_ref()).ok_or_else(|| ConfigError::UnknownProfile {
            place: place(named.span().start),
            name: named.get_ref().clone(),
        })?),
    };
    let path = match (&fields.path, named) {
        (Some(path), _) => expand(path, folder, home),
        (None, Some(profile)) => profile
            .default_target(home, &variable_os)
            .ok_or_else(|| ConfigError::NoPath { place: place(entry.span().start), name: name.to_owned() })?,
        (None, None) => {
            return Err(ConfigError::NoPath { place: place(entry.span().start), name: name.to_owned() });
        }
    };
    let profile: &'static dyn Profile = named.unwrap_or_else(|| profile::of(&path, &variable_os));
    let servers = fields.servers.iter().map(|(name, server)| (name.clone(), server.deliver.into())).collect();
    let deliveries = Deliveries { all: fields.deliver.unwrap_or_default().into(), servers };
    let template = expand(&fields.template, folder, home);
    Ok(Target { name: Some(name.to_owned()), template, path, profile, deliveries })
}

/// Two templates for one file would undo each other's work.
fn distinct(targets: &[Target], config: &Path) -> Result<(), ConfigError> {
    let mut seen: BTreeMap<PathBuf, &Target> = BTreeMap::new();
    for target in targets {
        let real = Resolved::follow(&target.path).map_or(target.path.clone(), |file| file.path().to_owned());
        if let Some(other) = seen.insert(real, target) {
            let name = |target: &Target| target.name.clone().unwrap_or_default();
            return Err(ConfigError::SameFile {
                config: config.to_owned(),
                first: name(other),
                second: name(target),
                path: target.path.clone(),
            });
        }
    }
    Ok(())
}

/// Line and column of a byte offset.
fn place(path: &Path, text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    Place::at(path, before.matches('\n').count() + 1, column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::hints;
    use crate::error::Explain as _;

    fn read(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, PathBuf::from("/c/config.toml"), Path::new("/home/u"))
    }

    fn complaint(text: &str) -> (String, String, String) {
        let error = read(text).unwrap_err();
        (error.to_string(), error.place().unwrap().to_string(), hints::of(&error).unwrap_or_default())
    }

    #[test]
    fn relative_templates_lie_beside_the_config_and_a_tilde_is_the_home_folder() {
        let config = read("[targets.a]\ntemplate = 'a.json'\npath = '~/.a.json'").unwrap();
        let target = &config.targets[0];
        assert_eq!(
            (target.template.as_path(), target.path.as_path()),
            (Path::new("/c/a.json"), Path::new("/home/u/.a.json"))
        );
        assert_eq!(target.profile.name(), "plain");
    }

    #[test]
    fn a_profile_with_a_default_target_needs_no_path() {
        let config = read("[targets.a]\ntemplate = 'a.json'\nprofile = 'claude-code'").unwrap();
        assert_eq!(config.targets[0].path.file_name().unwrap(), ".claude.json");
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_place_and_the_likely_name() {
        let (message, place, hint) = complaint("[targets.a]\ntemplate = 'a'\npaht = 'b'\n");
        assert_eq!(
            message,
            "unknown field `paht`, expected one of `template`, `path`, `profile`, `git`, `deliver`, `servers`"
        );
        assert_eq!(place, "/c/config.toml:3:1");
        assert_eq!(hint, "did you mean `path`?");
    }

    #[test]
    fn two_targets_for_one_file_are_an_error() {
        let (message, ..) = complaint("[targets.a]\ntemplate='1'\npath='/x'\n[targets.b]\ntemplate='2'\npath='/x'");
        assert_eq!(message, "targets `a` and `b` are the same file, /x");
    }

    #[test]
    fn keys_may_get_90_days_old_unless_the_config_says_otherwise() {
        let due = |text: &str, age: i64| {
            let now = jiff::Timestamp::now();
            let then = now - jiff::SignedDuration::from_hours(24 * age);
            read(text).unwrap().rotate_after.is_due(Some(then), now)
        };
        assert!(due("", 91) && !due("", 89));
        assert!(due("rotate_after = '1 week'", 8) && !due("rotate_after = '1 week'", 6));
        assert!(!due("rotate_after = 'never'", 10_000) && !due("rotate_after = false", 10_000));
        for (wrong, shown) in [("'soon'", "soon"), ("90", "90"), ("true", "true"), ("'-1 day'", "-1 day")] {
            let (message, place, hint) = complaint(&format!("\nrotate_after = {wrong}"));
            assert_eq!(message, format!("`{shown}` is not a duration"));
            assert_eq!(place, "/c/config.toml:2:16");
            assert!(hint.contains("90 days") && hint.contains("never"), "{hint}");
        }
    }

    #[test]
    fn variables_keep_their_types() {
        let config = read("[vars]\nn = 3\nlist = ['a']\nwhen = 2026-01-02").unwrap();
        assert_eq!(serde_json::to_string(&config.vars).unwrap(), r#"{"list":["a"],"n":3,"when":"2026-01-02"}"#);
    }
}
