//! What to do about each error of a session.

use super::store;
use crate::cli::typed::Typed;
use crate::error::Explain as _;
use crate::plan::PlanError;
use crate::session::{Missing, MissingSecret, SessionError, ignore_line};
use std::path::Path;

/// What to do about an error of a session.
pub(super) fn of(error: &SessionError) -> Option<String> {
    match error {
        SessionError::NoTemplate { .. } => Some("name it with `--template FILE`, or in the config".to_owned()),
        SessionError::Template(error) => error.hint(),
        SessionError::WrappedTemplate(_) => Some(
            "give its own command and arguments; `deliver = \"wrap\"` for the target in config.toml wraps it".to_owned(),
        ),
        SessionError::Missing(missing) => missing.first().and_then(missing_secret),
        SessionError::Target { error, path } => Some(match error {
            PlanError::Empty => format!("delete {}: a missing target is created", path.display()),
            PlanError::Syntax(_) => "repair it by hand; nothing was changed".to_owned(),
            PlanError::Unfillable(_) => {
                "its program gets secrets in variables: references in its environment, and `keystencil run -- PROGRAM`"
                    .to_owned()
            }
            PlanError::NotAnObject => "a target is an object `{…}` that settings are merged into".to_owned(),
            PlanError::Edit(_) => {
                "this is a fault of keystencil's: please report it; nothing was changed".to_owned()
            }
        }),
        SessionError::Journal { error, .. } => error.hint(),
        SessionError::Settings { error, .. } => error.hint(),
        SessionError::Grants { .. } => {
            Some("`keystencil allow --revoke --all` removes it; then allow anew with `keystencil allow`".to_owned())
        }
        SessionError::Conflict { .. } => {
            Some("move it into a store with `keystencil secret set`, or use `--on-conflict replace`".to_owned())
        }
        SessionError::File(error) => error.hint(),
        SessionError::Lock(error) => error.hint(),
        SessionError::Raced { .. } => Some("stop that program and try again".to_owned()),
        SessionError::Format { .. } => Some(
            "store it with `keystencil secret set`, and put a reference into the template. What is no key can be staged \
             with KEYSTENCIL_GIT_ALLOW=1 in the environment"
                .to_owned(),
        ),
        SessionError::Exposed { .. } => Some(
            "`keystencil render` recognises a key that a store has; put the placeholder back for any other. What is no \
             key can be staged with KEYSTENCIL_GIT_ALLOW=1 in the environment"
                .to_owned(),
        ),
        SessionError::Stale { .. } => Some("try again".to_owned()),
        SessionError::Wide { .. } => Some("save it as UTF-8".to_owned()),
        SessionError::OtherFilter { .. } => Some("a file has one filter: take the other out of the git attributes".to_owned()),
        SessionError::StillRendered { .. } => Some("first: `keystencil unrender --all`".to_owned()),
        SessionError::Committable { path, root, is_copy, is_tracked } => Some(keep_from_git(path, root, *is_copy, *is_tracked)),
        SessionError::NoState { .. } | SessionError::OtherState { .. } => {
            Some("`keystencil install git`, where you usually work, renews the filter".to_owned())
        }
        SessionError::Unasked { error, .. } => Some(format!(
            "{}; or write `git = \"allow\"` under the target in the config, to render it unseen",
            error.hint().unwrap_or_default()
        )),
        SessionError::Git(error) => error.hint(),
        SessionError::NoOwner { .. } => Some("leave `--owner` out to hold it until `keystencil unrender`".to_owned()),
        SessionError::Rendered { .. } => Some("end it with `keystencil unrender --all` first".to_owned()),
        SessionError::Changed { .. } => Some("nothing was changed; try again".to_owned()),
        SessionError::SecretInTemplate { .. } => Some(
            "nothing was written; put the reference into the template by hand, `<< keyring('NAME') >>`".to_owned(),
        ),
        SessionError::TemplateExists { .. } => {
            Some("write this one elsewhere with `--template FILE`, and take its parts over".to_owned())
        }
        SessionError::Unfaithful { .. } => Some(
            "nothing was changed; leave that place out with `--skip POINTER`, and store its key by hand".to_owned(),
        ),
        SessionError::KeyInTemplate { .. } => {
            Some("nothing was changed; take it out by hand first: no reference can stand there".to_owned())
        }
        SessionError::NotKept { .. } => Some("nothing was changed; try the other store with `--store vault`".to_owned()),
        SessionError::NameInUse { .. } => Some("nothing was changed; choose another name".to_owned()),
        SessionError::Store(error) => store::of(error),
        SessionError::Lookup(error) => error.missing().first().and_then(store::unresolved),
        SessionError::Random => None,
    }
}

/// What to do about a reference without a value.
pub(super) fn missing_secret(one: &MissingSecret) -> Option<String> {
    match &one.why {
        Missing::Unresolved(one) => store::unresolved(one),
        Missing::Unset(name) => {
            Some(format!("set it, or store its value and write `<< keyring('{}') >>`", name.to_lowercase()))
        }
        Missing::Untold(_, error) => store::of(error),
    }
}

/// Both hints of a file that git could commit.
fn keep_from_git(path: &Path, root: &Path, is_copy: bool, is_tracked: bool) -> String {
    let name = path.strip_prefix(root).unwrap_or(path);
    let mut hint = "`keystencil install git` lets git see its placeholders only".to_owned();
    // There are names that no line of git's can hold.
    if let Some(line) = ignore_line(name, if is_copy { "/" } else { "" }) {
        let file = root.join(".gitignore");
        hint.push_str(&format!("; or have git ignore it: a line `{line}` in {}", file.display()));
        if is_tracked && !is_copy {
            // A pattern would take other files out as well.
            let is_pattern = name.to_string_lossy().contains(['*', '?', '[', '\\', ':']);
            let literal = if is_pattern { " --literal-pathspecs" } else { "" };
            let git = Typed::other(&format!("git{literal}")).option("-C", root);
            hint.push_str(&format!(", after `{}`", git.then("rm --cached --").file(name)));
        }
    }
    hint
}
