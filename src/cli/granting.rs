//! Shows a person which secret would go where, and asks. Used by `allow`, and by `render` and `exec` before they fill.
//!
//! Nothing is allowed without a person at the terminal, `--allow-new` aside, which is for the first set-up only: it
//! does nothing for a target for which something was allowed before.

use super::context::Workplace;
use super::environment;
use super::error::CliError;
use super::report::{BOLD, DIM, GOOD, MARK, Report, Text, WARN, count};
use crate::plan::grants::{Flow, look_alike};
use crate::session::{Session, SessionError, Target};
use clap::Args;

/// So many flows are read before they are allowed; of more, the number has to be typed.
const MANY: usize = 20;
/// More than a person reads of one command line, in characters.
const LONG: usize = 600;
/// So many variables and headers of one server are shown in a question.
const LINES: usize = 30;

/// `--allow-new`, of `render`, `exec` and `allow`.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct AllowNewArgs {
    /// Allow everything the template asks for without asking, if nothing was ever decided for this file
    #[arg(long)]
    pub(super) allow_new: bool,
}

/// Asks about everything that is new in these targets; what is not allowed then is refused by the render.
///
/// # Errors
/// [`CliError::Session`] if what was allowed can't be read or written, [`CliError::Input`].
pub(super) fn ensure(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    targets: &[Target],
    allow_new: AllowNewArgs,
) -> Result<(), CliError> {
    if !session.guarded {
        return Ok(());
    }
    for target in targets {
        // A target that can't be rendered says so itself.
        let Ok(flows) = session.flows(target) else { continue };
        let new: Vec<Flow> = flows.into_iter().filter(|(_, allowed)| !allowed).map(|(flow, _)| flow).collect();
        if !new.is_empty() || allow_new.allow_new {
            decide(workplace.report(), session, target, &new, allow_new)?;
        }
    }
    Ok(())
}

/// How many slots of a target a render would leave closed, because nobody allowed them.
///
/// # Errors
/// As [`Session::flows`].
pub(super) fn not_allowed(session: &Session<'_>, target: &Target) -> Result<usize, SessionError> {
    if !session.guarded {
        return Ok(0);
    }
    Ok(session.flows(target)?.iter().filter(|(_, allowed)| !allowed).count())
}

/// Asks, and keeps the answer; whether they are allowed now.
///
/// # Errors
/// As [`ensure`].
pub(super) fn decide(
    report: &Report,
    session: &Session<'_>,
    target: &Target,
    new: &[Flow],
    allow_new: AllowNewArgs,
) -> Result<bool, CliError> {
    let is_first = allow_new.allow_new && session.is_undecided(&target.path)?;
    if new.is_empty() {
        // The first set-up of a template without secrets is one as well.
        return if is_first { session.allow(&target.path, new).map(|()| true).map_err(Into::into) } else { Ok(true) };
    }
    let without_asking = is_first && new.len() <= MANY;
    if !without_asking {
        if !environment::is_interactive() {
            return Ok(false);
        }
        report.tell(&shown(report, target, new, &in_use(session, new)?));
        if !ask(report, new)? {
            return Ok(false);
        }
    }
    session.allow(&target.path, new)?;
    let (slots, path) = (count(new.len(), "slot"), report.path(&target.path));
    let text = Text::new().styled(GOOD, "allowed").plain(format_args!(" {slots} of {path}"));
    report.note(if without_asking { text.plain(": see `keystencil allow --list`") } else { text });
    Ok(true)
}

fn ask(report: &Report, new: &[Flow]) -> Result<bool, CliError> {
    let flows = new.len();
    if flows <= MANY && new.iter().any(is_long) {
        let question =
            format!("Not all of it is shown: `keystencil allow --pending --json` does. To allow it, type {flows}: ");
        return Ok(report.ask(&question)?.trim() == flows.to_string());
    }
    if flows <= MANY {
        let these = if flows == 1 { "this".to_owned() } else { format!("these {flows}") };
        return report.ask_yes(&Text::new().plain(format_args!("Allow {these}?")));
    }
    let question = format!("These are {flows}, more than anybody reads. To allow them all, type the number: ");
    Ok(report.ask(&question)?.trim() == flows.to_string())
}

/// Which secret goes where, as a person reads it before they say yes.
pub(super) fn shown(report: &Report, target: &Target, flows: &[Flow], in_use: &[String]) -> Text {
    let head = Text::new().styled(BOLD, report.path(&target.path)).plain(" asks for something new").end();
    let text = flows.iter().take(MANY).fold(head, |text, flow| text.text(&one(flow, in_use)));
    match flows.len().saturating_sub(MANY) {
        0 => text,
        more => text.styled(WARN, format_args!("  … and {more} more: `keystencil allow --pending` shows all")).end(),
    }
}

/// The secrets and addresses that were allowed before, in any file, and those that are new: a new one may look like one
/// of them.
///
/// # Errors
/// As [`Session::all_allowed`].
pub(super) fn in_use(session: &Session<'_>, new: &[Flow]) -> Result<Vec<String>, SessionError> {
    let mut all: Vec<String> =
        new.iter().flat_map(|flow| [flow.text.clone(), flow.destination.address.clone()]).collect();
    for allowed in session.all_allowed()? {
        all.extend(allowed.grants.into_iter().flat_map(|grant| [grant.text, grant.address]));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// One flow: what, whence, where to.
pub(super) fn one(flow: &Flow, in_use: &[String]) -> Text {
    let (what, to, place) = (cut(&flow.text), cut(&flow.destination.to_string()), cut(flow.pointer.as_str()));
    let mut text = Text::new().plain("  ").styled(MARK, what).plain(" → ").styled(BOLD, to).end();
    text = text.styled(DIM, format_args!("    in {place}")).end();
    let around = &flow.destination.around;
    for more in around.iter().take(LINES) {
        text = text.styled(DIM, format_args!("    with {}", cut(more))).end();
    }
    if is_long(flow) {
        let lines = around.iter().count().saturating_sub(LINES);
        let more = if lines > 0 { format!(", and {lines} lines more") } else { String::new() };
        let shown = "`keystencil allow --pending --json` shows all";
        text = text.styled(WARN, format_args!("    careful: long texts are cut here{more}: {shown}")).end();
    }
    let mut texts = vec![flow.text.as_str(), flow.pointer.as_str(), &flow.destination.address];
    texts.extend(around.iter());
    let odd = odd_letters(&texts);
    if !odd.is_empty() {
        text = text.styled(WARN, format_args!("    careful: {odd} may look like another letter")).end();
    }
    for name in [&flow.text, &flow.destination.address] {
        if let Some(other) = look_alike(name, in_use.iter().map(String::as_str)) {
            let (name, other) = (cut(name), cut(other));
            text = text.styled(WARN, format_args!("    careful: {name} is not {other}")).end();
        }
    }
    text
}

/// The letters that are not ASCII, by their numbers: `оpenai` with a Cyrillic о looks like `openai`.
fn odd_letters(texts: &[&str]) -> String {
    let mut odd: Vec<char> = texts.iter().flat_map(|text| text.chars()).filter(|char| !char.is_ascii()).collect();
    odd.sort_unstable();
    odd.dedup();
    let shown: Vec<String> = odd.iter().take(12).map(|char| format!("{char} (U+{:04X})", u32::from(*char))).collect();
    let more = if odd.len() > 12 { format!(" and {} more", odd.len() - 12) } else { String::new() };
    shown.join(", ") + &more
}

/// Whether there is more of a flow than is shown in a question.
fn is_long(flow: &Flow) -> bool {
    let (destination, around) = (&flow.destination.address, &flow.destination.around);
    let is_long = |text: &str| spaced(text).chars().count() > LONG;
    around.iter().nth(LINES).is_some()
        || [flow.text.as_str(), destination.as_str(), flow.pointer.as_str()].into_iter().any(is_long)
        || around.iter().any(is_long)
}

/// Spaces in a row told by their number: else they could push what follows into a line of its own that looks like one
/// of ours.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("   ") {
        let (before, from) = rest.split_at(at);
        let after = from.trim_start_matches(' ');
        spaced.push_str(before);
        spaced.push_str(&format!(" [{} spaces] ", from.len() - after.len()));
        rest = after;
    }
    spaced + rest
}

/// The start and the end of what is too long: the end of a command line matters as much as its start.
pub(super) fn cut(text: &str) -> String {
    let text = spaced(text);
    let length = text.chars().count();
    if length <= LONG {
        return text;
    }
    let (start, end): (String, String) =
        (text.chars().take(LONG / 2).collect(), text.chars().skip(length - LONG / 2).collect());
    format!("{start} … {} more characters … {end}", length - LONG)
}
