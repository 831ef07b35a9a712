//! Claude Code: its version, the hooks, and the shim. Looked at only if a target is its own.

use super::finding::Finding;
use super::targets::explained;
use crate::cli::commands::install::{is_shim, real_program};
use crate::cli::context::Workplace;
use crate::cli::environment::{own_program, search_path, variable_os};
use crate::cli::hints;
use crate::document::Syntax;
use crate::host::profile::{ClaudeCode, HookChange, MEASURED, Profile, shield};
use std::fs;
use std::path::{Path, PathBuf};

/// Its name on PATH.
const PROGRAM: &str = "claude";

pub(super) fn look(workplace: &Workplace<'_>) -> Vec<Finding> {
    let shield = shield(workplace);
    if !workplace.config.targets.iter().any(|target| target.profile.name() == ClaudeCode.name()) {
        return shield.into_iter().collect();
    }
    [client(workplace), shim(workplace), hooks(workplace)].into_iter().chain(shield).collect()
}

/// Whether what shields keys from the agent fits the config as it is now; `None` if there is no shield.
fn shield(workplace: &Workplace<'_>) -> Option<Finding> {
    let home = &workplace.context.environment.home;
    let settings = ClaudeCode.settings(home, &variable_os)?;
    let noted = workplace.session(|session| session.shield(&settings)).ok().filter(|noted| !noted.is_empty())?;
    let wanted = shield::items(&workplace.protected(), home, noted.iter().any(shield::Item::is_hidden_file));
    let text = fs::read(&settings).unwrap_or_else(|_| b"{}".to_vec());
    // Settings that are no JSON are told of with the hooks.
    let file = Syntax::Json.open(&text).ok()?;
    let lacking = shield::additions(&file.document(), &wanted).map_or(wanted.len(), |(lacking, _)| lacking.len());
    let outdated = noted.iter().filter(|item| !wanted.contains(item)).count();
    let change = HookChange::Install { program: "keystencil", shield: true };
    let hooks = ClaudeCode.hooks(&file.document(), change).map_or(0, |patch| patch.0.len());
    let shown = workplace.report().path(&settings);
    if lacking + outdated + hooks == 0 {
        return Some(Finding::good("shield", shown));
    }
    let what = [
        (lacking, "rule is missing", "rules are missing"),
        (outdated, "is outdated", "are outdated"),
        (hooks, "hook is missing", "hooks are missing"),
    ];
    let what = what.into_iter().filter(|(number, ..)| *number > 0);
    let what: Vec<String> =
        what.map(|(number, one, many)| format!("{number} {}", if number == 1 { one } else { many })).collect();
    let message = format!("in {shown} {}: keys may be open to the agent", what.join(", "));
    Some(Finding::due("shield", message, Some("`keystencil install claude-code --shield`".to_owned())))
}

fn client(workplace: &Workplace<'_>) -> Finding {
    let subject = "Claude Code";
    let Some(real) = real_program(PROGRAM) else {
        return Finding::idle(subject, format!("there is no `{PROGRAM}` on PATH"));
    };
    let shown = workplace.report().path(&real);
    // Not asked for with `--version`: the client writes files when it starts.
    match ClaudeCode::version(&real) {
        None => Finding::idle(subject, format!("{shown}, of a version that can't be told without starting it")),
        Some(version) if version == MEASURED => Finding::good(subject, format!("{shown}, version {version}")),
        Some(version) => Finding::idle(
            subject,
            format!("{shown}, version {version}; how it writes its files was measured with {MEASURED}"),
        ),
    }
}

fn shim(workplace: &Workplace<'_>) -> Finding {
    let first = search_path().into_iter().map(|folder| folder.join(PROGRAM)).find(|file| file.is_file());
    let shims: Vec<PathBuf> =
        search_path().into_iter().map(|folder| folder.join(PROGRAM)).filter(|file| is_shim(file)).collect();
    let own = workplace.context.environment.home.join(".local/bin").join(PROGRAM);
    let shim = shims.first().cloned().or_else(|| is_shim(&own).then_some(own));
    let Some(shim) = shim else {
        let message = "there is none; `keystencil exec -- claude` works without";
        return Finding::new(super::Mood::Idle, "shim", message, Some("`keystencil install shim claude`"));
    };
    let shown = workplace.report().path(&shim);
    if first.as_ref() != Some(&shim) {
        let folder = shim.parent().map(|folder| workplace.report().path(folder)).unwrap_or_default();
        let message = format!("{shown} is not what `{PROGRAM}` runs: its folder does not come first in PATH");
        return Finding::due("shim", message, Some(format!("put {folder} in front, in your shell's start-up file")));
    }
    if real_program(PROGRAM).is_none() {
        let message = format!("{shown} finds no real `{PROGRAM}` on PATH");
        return Finding::due("shim", message, Some("install it, or `keystencil uninstall shim claude`".to_owned()));
    }
    let called = fs::read_to_string(&shim).ok().and_then(|script| Some(word_of_ours(script.rsplit("exec ").next()?)));
    if called.flatten().is_some_and(|word| !is_this_program(&word)) {
        let message = format!("{shown} calls another keystencil than this one");
        return Finding::due("shim", message, Some("`keystencil install shim claude`".to_owned()));
    }
    Finding::good("shim", shown)
}

fn hooks(workplace: &Workplace<'_>) -> Finding {
    let hint = || Some("`keystencil install claude-code`".to_owned());
    let Some(settings) = ClaudeCode.settings(&workplace.context.environment.home, &variable_os) else {
        return Finding::idle("hooks", "there is no place for them");
    };
    let shown = workplace.report().path(&settings);
    let text = fs::read(&settings).unwrap_or_else(|_| b"{}".to_vec());
    let file = match Syntax::Json.open(&text) {
        Ok(file) => file,
        Err(error) => {
            return Finding::bad(
                "hooks",
                format!("{shown}: {}", explained(workplace.report(), &error)),
                hints::of(&error),
            );
        }
    };
    let calls = ClaudeCode::hook_calls(&file.document());
    if calls.is_empty() {
        let message = format!("none in {shown}; a session that was started without keystencil is not repaired");
        return Finding::new(super::Mood::Idle, "hooks", message, hint().as_deref());
    }
    if calls.iter().any(|call| !word_of_ours(call).is_some_and(|word| is_this_program(&word))) {
        return Finding::due("hooks", format!("those in {shown} call another keystencil than this one"), hint());
    }
    match calls.len() {
        2 => Finding::good("hooks", shown),
        _ => Finding::due("hooks", format!("one of two is in {shown}"), hint()),
    }
}

/// The word of a shell command that is keystencil.
fn word_of_ours(command: &str) -> Option<String> {
    let is_ours = |word: &&str| word.rsplit(['/', '\\']).next().is_some_and(|name| name.starts_with("keystencil"));
    let mut words = command.split_whitespace().map(|word| word.trim_matches(['\'', '"']));
    words.find(is_ours).map(ToOwned::to_owned)
}

/// Whether a shell that meets this word runs the program that runs now.
fn is_this_program(word: &str) -> bool {
    let path = match word.contains(['/', '\\']) {
        true => Some(Path::new(word).to_owned()),
        false => search_path().into_iter().map(|folder| folder.join(word)).find(|file| file.is_file()),
    };
    let real = |path: PathBuf| path.canonicalize().ok();
    path.and_then(real).zip(own_program().and_then(real)).is_some_and(|(one, other)| one == other)
}
