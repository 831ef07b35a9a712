//! From a config with keys in plain text to secrets with names, slots, and a template.
//!
//! `keystencil import` shows the plan and [`crate::session`] carries it out. Every string of the document is looked at
//! once; [`place`] says where it is, `split` which part of it is secret, [`naming`] what to call the secret, and
//! `template` writes what is to be committed. Nothing here reads a file or a store, and no `Debug` shows a value.
//!
//! A key that is imported leaves *every* place of the file: where a string of the config is made of it, it becomes a
//! slot of the template; where it was merely mentioned (a prompt in the history), its placeholder stays as text.

mod assemble;
mod commented;
mod credentials;
mod dotenv;
mod elsewhere;
mod found;
mod list;
pub mod naming;
mod net;
pub mod place;
mod recognise;
mod rename;
pub mod select;
mod split;
mod template;
mod titles;
mod uri;

pub use credentials::Credentials;
pub use dotenv::{broken_line, comment_out, dotenv};
pub use net::Stored;
pub use rename::{Rename, RenameError, What};
pub use select::Selection;
pub use template::Extent;

use crate::document::{Pointer, string};
use crate::plan::render::{PlanError, target};
use crate::template::is_placeholder;
use assemble::{Setting, assemble};
pub use found::{Finding, Found, ImportPlan, Left, Piece, Recognised, Why};
use place::Standing;
use std::collections::HashSet;
use zeroize::Zeroizing;

/// Each round takes whole what the one before left over. What is not clean after the last one is reported.
const ROUNDS: usize = 16;

/// Looks for keys in a config. `progress` gets the number of bytes done, now and then.
///
/// ```
/// use keystencil::adopt::import::{Selection, plan};
/// let text = r#"{"mcpServers": {"acme": {"headers": {"Authorization": "Bearer n0t-a-real-key-42"}}}}"#;
/// let plan = plan(text.as_bytes(), &Selection::default(), &mut |_| ())?;
/// assert_eq!(plan.findings[0].pointer.as_str(), "/mcpServers/acme/headers/Authorization");
/// assert_eq!(plan.secrets[0].name.service(), "acme");
/// assert!(!format!("{plan:?}").contains("n0t-a-real"));
/// # Ok::<(), keystencil::plan::PlanError>(())
/// ```
///
/// # Errors
/// [`PlanError`] if the text is not a JSON object.
pub fn plan(text: &[u8], wanted: &Selection, progress: &mut dyn FnMut(usize)) -> Result<ImportPlan, PlanError> {
    plan_knowing(text, wanted, &[], progress)
}

/// The same with values that are stored already: they are keys wherever they are.
///
/// # Errors
/// As [`plan`].
pub fn plan_knowing(
    text: &[u8],
    wanted: &Selection,
    stored: &[Stored],
    progress: &mut dyn FnMut(usize),
) -> Result<ImportPlan, PlanError> {
    let document = target(text)?;
    let mut standing = Standing::of(&document);
    let mut met: Vec<Setting> = Vec::new();
    let mut left = Vec::new();
    document.strings(|token| {
        if token.is_key {
            return standing.pass();
        }
        progress(token.node.span().start);
        let is_text = token.node.as_str().is_some();
        let text = string::decode_lossy(token.node.raw());
        if !standing.may_matter(token, &text) {
            return standing.pass();
        }
        let pointer = token.pointer();
        let place = standing.place(&pointer, token.key().is_none(), &text);
        let split = split::split(&text, &place);
        if !is_text {
            let is_key = split.mentions || !split.parts.is_empty();
            left.extend(is_key.then_some(Left { pointer, why: Why::NoText }));
            return;
        }
        let canonical = string::encode(&text) == token.node.raw();
        if !split.parts.is_empty() {
            met.push(Setting {
                pointer,
                start: token.node.span().start,
                text: Zeroizing::new(text.into_owned()),
                canonical,
                place,
                split,
            });
        } else if split.mentions && !is_placeholder(&text) {
            left.push(Left { pointer, why: Why::InText });
        }
    });
    let mut plan = assemble(&document, &met, left.clone(), wanted);
    let mut caught = plan.caught(&document, &met, stored);
    for _ in 0..ROUNDS {
        if caught.settings.is_empty() && caught.left.is_empty() {
            break;
        }
        let starts: HashSet<usize> = caught.settings.iter().map(|met| met.start).collect();
        met.retain(|met| !starts.contains(&met.start));
        met.append(&mut caught.settings);
        met.sort_by_key(|met| met.start);
        left.append(&mut caught.left);
        plan = assemble(&document, &met, left.clone(), wanted);
        caught = plan.caught(&document, &met, stored);
    }
    plan.keep(caught);
    let in_comment = |line| Left { pointer: Pointer::root(), why: Why::InComment(line) };
    let commented: Vec<Left> = plan.commented_keys(&document).into_iter().map(in_comment).collect();
    plan.left.extend(commented.into_iter().filter(|left| !plan.left.contains(left)).collect::<Vec<_>>());
    Ok(plan)
}

#[cfg(test)]
mod tests;
