//! Which targets a command is about: names of the config, `--template` and `--to`, or all there are.

use super::config::Config;
use super::environment::variable_os;
use super::suggest::nearest;
use crate::error::{Explain, Place};
use crate::host::profile::{self, Profile};
use crate::session::Target;
use clap::Args;
use std::path::{Path, PathBuf};

/// The targets of `render` and `diff`.
#[derive(Debug, Clone, Args)]
pub(super) struct TargetArgs {
    /// Targets of the config [default: all of them]
    #[arg(value_name = "TARGET", conflicts_with_all = ["template", "to"])]
    pub(super) targets: Vec<String>,
    #[command(flatten)]
    pub(super) pair: PairArgs,
}

/// A target that is in no config.
#[derive(Debug, Clone, Args)]
pub(super) struct PairArgs {
    /// The template of a target that is not in the config
    #[arg(long, value_name = "FILE", requires = "to")]
    pub(super) template: Option<PathBuf>,
    /// The live file that the template is for
    #[arg(long, value_name = "FILE", requires = "template")]
    pub(super) to: Option<PathBuf>,
    /// What kind of file it is: `plain` is any JSON file [default: derived from its name]
    #[arg(long, value_name = "PROFILE", requires = "to", value_parser = profiles())]
    pub(super) profile: Option<String>,
}

impl PairArgs {
    /// The target that `--template` and `--to` name.
    pub(super) fn target(&self) -> Option<Target> {
        let (template, path) = (self.template.clone()?, self.to.clone()?);
        let named = self.profile.as_deref().and_then(profile::named);
        let profile: &'static dyn Profile = named.unwrap_or_else(|| profile::of(&path, &variable_os));
        Some(Target { name: None, template, path, profile, deliveries: Default::default() })
    }
}

fn profiles() -> clap::builder::PossibleValuesParser {
    profile::PROFILES.iter().map(|profile| profile.name()).collect::<Vec<_>>().into()
}

/// The targets of these names, or all; `pair` instead, if it names one.
///
/// # Errors
/// [`TargetError`] if a name is unknown, or there is no target at all.
pub(super) fn select(config: &Config, names: &[String], pair: &PairArgs) -> Result<Vec<Target>, TargetError> {
    match pair.target() {
        Some(target) => Ok(vec![target]),
        None => of_config(config, names),
    }
}

/// The targets of these names, or all.
///
/// # Errors
/// As [`select`].
pub(super) fn of_config(config: &Config, names: &[String]) -> Result<Vec<Target>, TargetError> {
    if config.targets.is_empty() {
        return Err(TargetError::None { config: config.file.clone() });
    }
    let known = || config.targets.iter().filter_map(|target| target.name.as_deref());
    if let Some(wrong) = names.iter().find(|name| !known().any(|known| known == name.as_str())) {
        return Err(TargetError::Unknown {
            name: wrong.clone(),
            near: nearest(wrong, known()).map(ToOwned::to_owned),
            known: known().map(ToOwned::to_owned).collect(),
            config: config.file.clone(),
        });
    }
    let wanted = |target: &&Target| names.is_empty() || target.name.as_ref().is_some_and(|name| names.contains(name));
    Ok(config.targets.iter().filter(wanted).cloned().collect())
}

/// Why it is not clear which targets are meant.
#[derive(Debug, thiserror::Error)]
pub(super) enum TargetError {
    /// Nothing says which.
    #[error("no target is configured")]
    None {
        /// The config, if there is one.
        config: Option<PathBuf>,
    },
    /// There is none of that name.
    #[error("unknown target `{name}`")]
    Unknown {
        /// What was typed.
        name: String,
        /// What may have been meant.
        near: Option<String>,
        /// What there is.
        known: Vec<String>,
        /// The config.
        config: Option<PathBuf>,
    },
}

impl Explain for TargetError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::None { config } | Self::Unknown { config, .. } => config.as_deref().map(Path::new).map(Place::file),
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::None { .. } => concat!(
                "make a config with `keystencil init`, name the files with `--template FILE --to FILE`, or write\n",
                "\n",
                "    [targets.claude]\n",
                "    template = \"claude.json\"\n",
                "    path = \"~/.claude.json\"\n",
            )
            .to_owned(),
            Self::Unknown { near: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::Unknown { known, .. } => format!("the config has {}", known.join(", ")),
        })
    }
}
