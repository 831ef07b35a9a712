//! `hook pre-tool-use`: refuses a tool that is about to touch what an agent has no business with, and says what to do instead.
//!
//! It prints nothing if there is nothing to refuse, and nothing if anything is wrong: the client's own rules hold all the same.

use super::named::{Named, Reach};
use super::whole;
use crate::cli::context::{Context, Workplace};
use crate::cli::environment::working_folder;
use crate::cli::error::CommandError;
use crate::document::Document;
use crate::host::profile::shield::Protected;
use serde_json::json;
use std::path::{Path, PathBuf};

/// The event as the client calls it.
const EVENT: &str = "PreToolUse";

pub(super) fn run(context: &Context) -> Result<(), CommandError> {
    let Some(input) = whole::read() else { return Ok(()) };
    let workplace = context.open_anyhow();
    let Some(reason) = reason(&workplace, &input) else { return Ok(()) };
    let answer = json!({ "hookSpecificOutput": {
        "hookEventName": EVENT, "permissionDecision": "deny", "permissionDecisionReason": format!("keystencil: {reason}")
    } });
    context.report.raw(format!("{answer}\n").as_bytes())
}

/// Why the tool is refused; `None` if it is not.
fn reason(workplace: &Workplace<'_>, input: &[u8]) -> Option<String> {
    let document = Document::parse(input).ok()?;
    let root = document.root();
    root.get("hook_event_name")?.as_str().filter(|event| event == EVENT)?;
    let tool = root.get("tool_name")?.as_str()?;
    let folder = root.get("cwd").and_then(|cwd| cwd.as_str()).map(|cwd| PathBuf::from(cwd.as_ref()));
    let folder = folder.or_else(working_folder).unwrap_or_default();
    let protected = real(workplace.protected());
    let home = &workplace.context.environment.home;
    let resolve = |path: &Path| path.canonicalize().ok();
    let reach = Reach { protected: &protected, home, folder: &folder, resolve: &resolve };
    let named = reach.named(&tool, &document, root.get("tool_input")?)?;
    let shown = |path: &Path| workplace.report().path(path);
    Some(match named {
        Named::Command(command) => format!(
            "`{command}` hands out keys, and only the host or a person starts it. `keystencil status` shows what is set up, \
             without keys; ask the person for the rest."
        ),
        Named::Around(folder) => format!(
            "a search of {} would go through files that hold keys now and then. Search a folder below it, or the project.",
            shown(&folder)
        ),
        Named::Path(path) => {
            let target = workplace
                .config
                .targets
                .iter()
                .find(|target| target.path == path || target.path.canonicalize().is_ok_and(|real| real == path));
            match target {
                Some(target) => format!(
                    "{} holds keys while it is rendered. `keystencil diff` and `keystencil status` show it without keys; to \
                     change it, edit its template {} and let the person render it.",
                    shown(&path),
                    shown(&target.template)
                ),
                None => format!(
                    "{} is where keys are kept, or copies of files with keys. `keystencil status` shows what is set up, without \
                     keys; ask the person for the rest.",
                    shown(&path)
                ),
            }
        }
    })
}

/// The same with the paths to which links lead.
fn real(mut protected: Protected) -> Protected {
    for paths in [&mut protected.files, &mut protected.folders] {
        let real: Vec<PathBuf> = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
        paths.extend(real);
    }
    protected
}
