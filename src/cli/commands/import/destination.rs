//! Where an import puts its template, and how the config gets to know of it.

use super::ImportArgs;
use super::keep::named;
use crate::cli::context::Workplace;
use crate::cli::environment::variable_os;
use crate::cli::error::CommandError;
use crate::host::profile::{self, Profile};
use crate::host::{ReplaceError, Resolved, read};
use crate::plan::wrap::{Deliver, Deliveries};
use crate::session::{Rewrite, SessionError, Target};
use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;

/// Where everything goes.
pub(super) struct Destination {
    /// The file, its template and its name.
    pub(super) target: Target,
    /// The config with the target added.
    pub(super) config: Option<Rewrite>,
    /// The lines that the user has to add, where the config is left alone.
    pub(super) lines: Option<String>,
}

impl Destination {
    /// What the command line says, or else what the config knows of the file, or else a place next to the config.
    pub(super) fn choose(workplace: &Workplace<'_>, args: &ImportArgs) -> Result<Self, CommandError> {
        let path = named(&args.file);
        let config = workplace.context.config_file();
        let folder = config.parent().unwrap_or(Path::new("")).to_owned();
        if let Some(known) = known(workplace, &path) {
            let is_other = |deliver: Deliver| known.deliveries != Deliveries { all: deliver, ..Deliveries::default() };
            if args.deliver.is_some_and(|deliver| is_other(deliver.into())) {
                let name = known.name.as_deref().unwrap_or_default();
                return Err(CommandError::new("the config already says how this file's servers get their keys")
                    .hint(format!("write `deliver` under [targets.{}] there", key(name))));
            }
            let template = args.template.clone().map_or_else(|| known.template.clone(), |out| named(&out));
            return Ok(Self { target: Target { template, path, ..known.clone() }, config: None, lines: None });
        }
        let profile: &'static dyn Profile = profile::of(&path, &variable_os);
        let name = args.name.clone().unwrap_or_else(|| free_name(workplace, &path));
        let template = args.template.as_deref().map_or_else(|| folder.join(format!("{name}.json")), named);
        let mut lines = lines(workplace, &name, &template, &path, profile);
        lines.extend(args.deliver.map(|deliver| format!("deliver = \"{}\"\n", deliver.name())));
        let deliveries = Deliveries { all: args.deliver.map(Into::into).unwrap_or_default(), ..Deliveries::default() };
        let target = Target { name: Some(name.clone()), template, path, profile, deliveries };
        if args.no_config {
            return Ok(Self { target, config: None, lines: Some(lines) });
        }
        let text = match read::text(&config) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(SessionError::from(ReplaceError::io("read it", &config)(error)).into()),
        };
        // A table can be added at the end of any config, unless its targets are one inline table.
        let gap = if text.is_empty() || text.ends_with("\n\n") {
            ""
        } else if text.ends_with('\n') {
            "\n"
        } else {
            "\n\n"
        };
        let new = format!("{text}{gap}{lines}");
        match toml::from_str::<toml::Table>(&new) {
            Ok(_) => {
                let config = Rewrite { path: config, before: text, after: new };
                Ok(Self { target, config: Some(config), lines: None })
            }
            Err(_) => Ok(Self { target, config: None, lines: Some(lines) }),
        }
    }

    /// Whether the template can be written there.
    pub(super) fn check(&self, template: &str) -> Result<(), SessionError> {
        match read::regular(&self.target.template) {
            Ok(there) if there != template.as_bytes() => {
                Err(SessionError::TemplateExists { path: self.target.template.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// The target of the config that is this file.
fn known<'a>(workplace: &'a Workplace<'_>, path: &Path) -> Option<&'a Target> {
    let real = |path: &Path| Resolved::follow(path).ok().map(|file| file.path().to_owned());
    let wanted = real(path);
    workplace.config.targets.iter().find(|target| wanted.is_some() && real(&target.path) == wanted)
}

/// The table of the config.
fn lines(workplace: &Workplace<'_>, name: &str, template: &Path, path: &Path, profile: &dyn Profile) -> String {
    let config = workplace.context.config_file();
    let folder = config.parent().unwrap_or(Path::new(""));
    let quoted = |path: String| toml::Value::String(path).to_string();
    let beside = template
        .strip_prefix(folder)
        .map_or_else(|_| from_home(workplace, template), |rest| rest.display().to_string());
    let mut lines = format!(
        "[targets.{}]\ntemplate = {}\npath = {}\n",
        key(name),
        quoted(beside),
        quoted(from_home(workplace, path))
    );
    if profile.name() != profile::Plain.name() {
        lines.push_str(&format!("profile = {}\n", quoted(profile.name().to_owned())));
    }
    lines
}

/// A name as a key of TOML.
fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { name.to_owned() } else { toml::Value::from(name).to_string() }
}

/// A path that means the same from every folder.
pub(super) fn from_home(workplace: &Workplace<'_>, path: &Path) -> String {
    let below = path.strip_prefix(&workplace.context.environment.home);
    below.map_or_else(|_| path.display().to_string(), |rest| Path::new("~").join(rest).display().to_string())
}

/// The name of the program whose file this is, or else of the file; with a number if the config has that name already.
fn free_name(workplace: &Workplace<'_>, path: &Path) -> String {
    let taken: HashSet<&str> = workplace.config.targets.iter().filter_map(|target| target.name.as_deref()).collect();
    let name = name_of(path);
    let numbered = (2..).map(|number: u32| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name.as_str())).unwrap_or(name)
}

fn name_of(path: &Path) -> String {
    let part = |path: &Path| path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let file = part(path);
    let folder = path.parent().map(part).unwrap_or_default();
    let known = match (folder.as_str(), file.as_str()) {
        (_, ".claude.json") => "claude",
        (_, "claude_desktop_config.json") => "claude-desktop",
        (".cursor", "mcp.json") => "cursor",
        (".vscode" | "user", "mcp.json") => "vscode",
        (".gemini", "settings.json") => "gemini",
        (_, ".mcp.json" | "mcp.json") => "mcp",
        _ => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    let stem = file.trim_start_matches('.').split('.').next().unwrap_or_default();
    let word: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let word = word.trim_matches('-');
    if word.is_empty() { "imported".to_owned() } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::name_of;
    use std::path::Path;

    #[test]
    fn a_target_is_named_for_its_program() {
        for (path, name) in [
            ("/h/.claude.json", "claude"),
            ("/h/.cursor/mcp.json", "cursor"),
            ("/h/p/.mcp.json", "mcp"),
            ("/h/My Config.jsonc", "my-config"),
            ("/h/...", "imported"),
        ] {
            assert_eq!(name_of(Path::new(path)), name);
        }
    }
}
