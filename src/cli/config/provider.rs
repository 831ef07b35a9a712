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
    if !entries.is_empty() {
        refuse_what_others_can_change(config)?;
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

/// Refuses what somebody else could put another command into: as ssh does it, the file and its folder have to be yours or
/// root's, and nobody else may write to them. If the config is a symlink that is asked of both ends.
#[cfg(unix)]
fn refuse_what_others_can_change(config: &Path) -> Result<(), ConfigError> {
    use std::os::unix::fs::MetadataExt as _;
    let own = rustix::process::getuid().as_raw();
    let real = config.canonicalize().unwrap_or_else(|_| config.to_owned());
    let folders = [config.parent(), real.parent()].into_iter().flatten();
    // A bare name is in the working folder.
    let folders = folders.map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    for path in std::iter::once(&*real).chain(folders) {
        let Ok(about) = std::fs::metadata(path) else { continue };
        let (path, is_folder) = (path.to_owned(), about.is_dir());
        if ![0, own].contains(&about.uid()) {
            return Err(ConfigError::Foreign { path, is_folder });
        }
        if about.mode() & 0o022 != 0 {
            return Err(ConfigError::Writable { path, is_folder });
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_what_others_can_change(_: &Path) -> Result<(), ConfigError> {
    Ok(())
}
