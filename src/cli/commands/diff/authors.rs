//! Who changed what since the last render, for the user: the changes of the host, grouped by what becomes of them.

use super::Difference;
use crate::cli::report::{BAD, DIM, GOOD, MARK, Text};
use crate::plan::diff::concealed;
use crate::plan::threeway::{Author, Change, Did, Next};
use crate::template::is_placeholder;

/// Columns of a line.
const WIDTH: usize = 80;

/// The changes that are not the template's alone, with a sentence about what becomes of them.
pub(super) fn summary(difference: &Difference) -> Text {
    let mut text = Text::new();
    let mut changes: Vec<&Change> = difference.changes.iter().filter(|change| change.is_hosts()).collect();
    changes.sort_by_key(|change| (change.author, sentence(change, difference.is_recorded)));
    let mut last = "";
    for change in changes {
        let sentence = sentence(change, difference.is_recorded);
        if sentence != last {
            text = text.styled(DIM, sentence).end();
            last = sentence;
        }
        text = text.text(&line(change));
    }
    text
}

fn sentence(change: &Change, is_recorded: bool) -> &'static str {
    match (change.author, change.did, change.next) {
        (Author::Template, ..) => "the template changed this:",
        (Author::Host, Did::Added, _) => "the host added this; it stays; `keystencil absorb` adds it to the template:",
        (Author::Host, Did::Removed, _) => "the host removed this; `render` restores it, `keystencil absorb` drops it:",
        (Author::Host, Did::Changed, Next::Template) => {
            "the host changed this; `render` undoes it, `keystencil absorb` keeps it:"
        }
        (Author::Host, Did::Changed, Next::Live) => "the host changed this; `render` keeps it:",
        (Author::Both, _, Next::Live) => "differs from the template; `render` keeps what is there:",
        (Author::Both, ..) if !is_recorded => "differs from the template; `render` uses the template's value:",
        (Author::Both, ..) => "both changed this; `render` uses the template's, `keystencil absorb` this:",
    }
}

/// One change in one line.
fn line(change: &Change) -> Text {
    let (style, sign) = match change.did {
        Did::Added => (GOOD, '+'),
        Did::Removed => (BAD, '-'),
        Did::Changed => (MARK, '~'),
    };
    let text = Text::new().styled(style, format_args!("  {sign} {}", change.pointer));
    let room = WIDTH.saturating_sub(change.pointer.as_str().chars().count() + 6);
    let value = change.live.as_deref().filter(|_| room > 11).map(|live| shown(change, live, room));
    value.map_or(text.clone(), |value| text.plain("  ").styled(DIM, value)).end()
}

/// A value in this many columns. Where a reference belongs, a literal may be a key, whatever it looks like.
fn shown(change: &Change, live: &str, room: usize) -> String {
    if change.template.as_deref().is_some_and(is_placeholder) && !is_placeholder(live) {
        return "[redacted]".to_owned();
    }
    let concealed = concealed(live, &change.pointer);
    let value: String = concealed.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
    if value.chars().count() <= room { value } else { value.chars().take(room - 1).chain(['…']).collect() }
}
