//! `[providers]`: the commands that templates may name, and nothing else may.

use super::error::ConfigError;
use super::file::ProviderEntry;
use super::file::expand;
use crate::error::Place;
use crate::store::Providers;
use crate::store::command::{Declaration, Provider, Unfit};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::path::{Path, is_separator};
use std::time::Duration;
use toml::Spanned;

/// All of them, checked. `config` is the file that declares them.
pub(super) fn providers(
    entries: BTreeMap<String, Spanned<ProviderEntry>>,
    config: &Path,
    home: &Path,
    place: &impl Fn(usize) -> Place,
) -> Result<Providers, ConfigError> {
    if !entries.is_empty() && is_writable_by_all(config) {
        return Err(ConfigError::Writable { config: config.to_owned() });
    }
    entries.into_iter().map(|(name, entry)| provider(&name, entry, config, home, place)).collect()
}

fn provider(
    name: &str,
    entry: Spanned<ProviderEntry>,
    config: &Path,
    home: &Path,
    place: &impl Fn(usize) -> Place,
) -> Result<Provider, ConfigError> {
    let declared = place(entry.span().start);
    let unfit = |unfit, place| ConfigError::Provider { place, name: name.to_owned(), unfit };
    let mut entry = entry.into_inner();
    let timeout = match &entry.timeout {
        None => None,
        Some(text) => match text.get_ref().parse::<SignedDuration>().map(Duration::try_from) {
            Ok(Ok(limit)) => Some(limit),
            _ => return Err(unfit(Unfit::Timeout, place(text.span().start))),
        },
    };
    // A bare name is looked for on PATH; anything else would depend on where keystencil was started.
    if let Some(program) = entry.command.first_mut()
        && program.contains(is_separator)
    {
        let folder = config.parent().unwrap_or(Path::new(""));
        *program = expand(program, folder, home).to_string_lossy().into_owned();
    }
    let declaration = Declaration {
        name: name.to_owned(),
        command: entry.command,
        timeout,
        first_line: entry.first_line,
        env: entry.env,
        folder: home.to_owned(),
        place: declared.clone(),
    };
    declaration.check().map_err(|why| unfit(why, declared))
}

#[cfg(unix)]
fn is_writable_by_all(config: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(config).is_ok_and(|metadata| metadata.permissions().mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn is_writable_by_all(_: &Path) -> bool {
    false
}
