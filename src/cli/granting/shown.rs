//! How the user reads which secret would go where: cut where it is long, and with a word where it may deceive.

use super::super::report::{BOLD, DIM, MARK, Report, Text, WARN};
use crate::consent::{Flow, look_alike};
use crate::session::{Session, SessionError, Target};

/// More than the user reads of one command line, in characters.
const LONG: usize = 600;
/// This many variables and headers of one server are shown in a question.
const LINES: usize = 30;
/// This many flows are shown in a question.
pub(super) const MANY: usize = 20;

/// Which secret goes where, as the user reads it before they say yes.
pub(in crate::cli) fn shown(report: &Report, target: &Target, flows: &[Flow], in_use: &[String], is_new: bool) -> Text {
    let what = if is_new { " asks for something new" } else { " was allowed this before, without a seal" };
    let head = Text::new().styled(BOLD, report.path(&target.path)).plain(what).end();
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
pub(in crate::cli) fn in_use<'f>(
    session: &Session<'_>,
    new: impl IntoIterator<Item = &'f Flow>,
) -> Result<Vec<String>, SessionError> {
    let mut all: Vec<String> =
        new.into_iter().flat_map(|flow| [flow.text.clone(), flow.destination.address.clone()]).collect();
    for allowed in session.all_allowed()? {
        all.extend(allowed.grants.into_iter().flat_map(|grant| [grant.what.text, grant.what.address]));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// One flow: what, whence, where to.
pub(in crate::cli) fn one(flow: &Flow, in_use: &[String]) -> Text {
    let (what, to, place) = (cut(&flow.text), cut(&flow.destination.to_string()), cut(flow.pointer.as_str()));
    let mut text = match flow.is_start() {
        true if flow.destination.address.is_empty() => Text::new().plain("  ").styled(BOLD, "starts programs").end(),
        true => Text::new().plain("  starts ").styled(BOLD, to).end(),
        false => Text::new().plain("  ").styled(MARK, what).plain(" → ").styled(BOLD, to).end(),
    };
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
    for name in [&flow.text, &flow.destination.address].into_iter().filter(|name| !name.is_empty()) {
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
pub(super) fn is_long(flow: &Flow) -> bool {
    let (destination, around) = (&flow.destination.address, &flow.destination.around);
    let is_long = |text: &str| spaced(text).chars().count() > LONG;
    around.iter().nth(LINES).is_some()
        || [flow.text.as_str(), destination.as_str(), flow.pointer.as_str()].into_iter().any(is_long)
        || around.iter().any(is_long)
}

/// Spaces in a row are shown by their number, and tabs by their escape: otherwise they could push what follows into a
/// line of its own that looks like one of ours.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    let text = text.replace('\t', "\\t");
    let mut rest = text.as_str();
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
pub(in crate::cli) fn cut(text: &str) -> String {
    let text = spaced(text);
    let length = text.chars().count();
    if length <= LONG {
        return text;
    }
    let (start, end): (String, String) =
        (text.chars().take(LONG / 2).collect(), text.chars().skip(length - LONG / 2).collect());
    format!("{start} … {} more characters … {end}", length - LONG)
}
