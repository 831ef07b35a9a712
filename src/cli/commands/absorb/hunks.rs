//! The hunks of `absorb` as the user sees them: what changes, the question, and why one was refused.

use crate::adopt::absorb::{Hunk, Refusal};
use crate::cli::error::CommandError;
use crate::cli::report::{BAD, BOLD, DIM, GOOD, Report, Text, Warning};
use crate::cli::typed::Typed;
use crate::error::Place;
use crate::plan::threeway::{Author, Did};
use crate::session::Target;
use serde_json::{Value, json};

/// More lines of one value than the user reads.
const LONG: usize = 60;

/// What became of a hunk.
pub(super) struct Outcome {
    pub(super) hunk: Hunk,
    pub(super) fate: Fate,
}

/// See [`Outcome`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Taken,
    /// The user said no.
    Declined,
    /// The template changed as well, so the user has to decide.
    Disputed,
    Refused(Refusal),
}

/// What the user answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    One,
    Skip,
    All,
    Stop,
}

/// Whether the template changed there too.
pub(super) fn is_disputed(hunk: &Hunk) -> bool {
    hunk.change.author == Author::Both
}

/// A hunk: where, whose, and what the template's text becomes.
pub(super) fn shown(hunk: &Hunk) -> Text {
    let change = &hunk.change;
    let what = match (change.author, change.did) {
        (Author::Both, _) => "the template changed too",
        (_, Did::Added) => "the host added this",
        (_, Did::Removed) => "the host removed this",
        (_, Did::Changed) => "the host changed this",
    };
    let mut text = Text::new().styled(BOLD, &change.pointer).plain("  ").styled(DIM, what).end();
    let lines = hunk.lines();
    for (sign, line) in lines.iter().take(LONG) {
        let line = format!("  {sign} {line}");
        text = match sign {
            '+' => text.styled(GOOD, line),
            '-' => text.styled(BAD, line),
            _ => text.plain(line),
        };
        text = text.end();
    }
    match lines.len().saturating_sub(LONG) {
        0 => text,
        more => text.styled(DIM, format_args!("  … {more} more lines")).end(),
    }
}

/// Asks what to do with the hunk that was shown last.
pub(super) fn ask(report: &Report) -> Result<Answer, CommandError> {
    loop {
        let answer = report.ask("Take this into the template [y,n,a,q,?]? ")?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => return Ok(Answer::One),
            "n" | "no" => return Ok(Answer::Skip),
            "a" => return Ok(Answer::All),
            // The end of the input is not a yes.
            "q" | "" => return Ok(Answer::Stop),
            _ => report.tell(&Text::new().block(
                "y - take this one\nn - leave it\na - take this one and all that follow\nq - leave this one and all that follow\n",
            )),
        }
    }
}

/// Why a hunk is not in the template, if that is not the user's own wish.
pub(super) fn warning(outcome: &Outcome, target: &Target) -> Option<Warning> {
    let live = |pointer: &crate::document::Pointer| Some(Place::file(&target.path).slot(pointer.as_str()));
    let (message, place, hint) = match &outcome.fate {
        Fate::Taken | Fate::Declined => return None,
        Fate::Disputed => (
            "the template and the live file both changed this; nothing was absorbed".to_owned(),
            live(&outcome.hunk.change.pointer),
            format!(
                "`{}` takes the live file's version",
                Typed::ours("absorb").option("--only", outcome.hunk.change.pointer.as_str())
            ),
        ),
        Fate::Refused(Refusal::Key { pointer }) => (
            "refused: this would put a key into the template".to_owned(),
            live(pointer),
            "store it with `keystencil secret set NAME`, write `<< keyring('NAME') >>` in its place in the live file,\n\
             and absorb that; `keystencil import` does it for a whole file"
                .to_owned(),
        ),
        Fate::Refused(Refusal::ByHand { place, why }) => (
            format!("{} can't be absorbed: {why}", outcome.hunk.change.pointer),
            Some(place.clone()),
            "edit the template there by hand; `keystencil diff` shows whether it matches".to_owned(),
        ),
    };
    Some(Warning { message, place, hint: Some(hint) })
}

/// What was done, for programs.
pub(super) fn as_json(target: &Target, outcomes: &[Outcome], dry_run: bool) -> Value {
    let one = |outcome: &Outcome| {
        let (result, reason) = match &outcome.fate {
            Fate::Taken if dry_run => ("would-absorb", None),
            Fate::Taken => ("absorbed", None),
            Fate::Declined => ("declined", None),
            Fate::Disputed => ("left", Some("the template changed too".to_owned())),
            Fate::Refused(Refusal::Key { pointer }) => ("refused", Some(format!("there is a key at {pointer}"))),
            Fate::Refused(Refusal::ByHand { place, why }) => ("refused", Some(format!("{place}: {why}"))),
        };
        let change = &outcome.hunk.change;
        let did = match change.did {
            Did::Added => "added",
            Did::Removed => "removed",
            Did::Changed => "changed",
        };
        json!({
            "pointer": change.pointer.to_string(),
            "author": change.author.name(),
            "did": did,
            "result": result,
            "reason": reason,
        })
    };
    json!({
        "target": target.name,
        "path": target.path.display().to_string(),
        "template": target.template.display().to_string(),
        "hunks": outcomes.iter().map(one).collect::<Vec<_>>(),
    })
}
