//! `hook post-tool-use`: closes keys in what a tool put out, before the model and the transcript get it.
//!
//! It prints nothing if there is nothing to close, and nothing if anything is wrong: the client passes the output on as it is
//! then. Without a journal and a note of a delivery nothing is read but the names in the state folder.

use super::whole;
use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::naming::of_placeholder;
use crate::cli::report::clean;
use crate::document::Document;
use crate::journal::outputs;
use crate::session::State;
use zeroize::Zeroizing;

/// The event as the client calls it.
const EVENT: &str = "PostToolUse";

pub(super) fn run(context: &Context) -> Result<(), CommandError> {
    let known = State::new(context.environment.state.clone()).known();
    let Some(input) = whole::read() else { return Ok(()) };
    if known.is_empty() {
        return Ok(());
    }
    let Some(answer) = answer(&input, &known) else { return Ok(()) };
    context.report.raw(answer.as_bytes())
}

/// What the client is to take for the output; `None` if that is what it has.
fn answer(input: &[u8], known: &[outputs::Known]) -> Option<Zeroizing<String>> {
    let document = Document::parse(input).ok()?;
    let root = document.root();
    root.get("hook_event_name")?.as_str().filter(|event| event == EVENT)?;
    let name = |placeholder: &str| clean(&of_placeholder(placeholder));
    let closed = outputs::close(&document, root.get("tool_response")?.span(), known, &name)?;
    log::debug!("keys in the output of a tool are closed");
    Some(Zeroizing::new(format!(
        "{{\"hookSpecificOutput\":{{\"hookEventName\":\"{EVENT}\",\"updatedToolOutput\":{closed}}}}}\n"
    )))
}
