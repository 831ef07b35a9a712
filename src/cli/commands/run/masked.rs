//! `run --mask`: the program as a child, and its output without the secrets it was given.

use super::start::{Failed, Start};
use crate::cli::commands::exec::exit_of;
#[cfg(unix)]
use crate::cli::commands::exec::signals::Signals;
use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::naming::of_placeholder;
use crate::cli::report::warning;
use crate::lint::Mask;
use crate::session::Delivery;
use std::io::{ErrorKind, Read};
use std::process::Stdio;
use zeroize::Zeroizing;

/// Bytes that are read at once.
const CHUNK: usize = 16 << 10;

/// Runs it, and has its status.
pub(super) fn run(context: &Context, start: &Start, delivery: &Delivery) -> Result<Exit, Failed> {
    let mut mask = Mask::default();
    for (placeholder, value) in delivery.values() {
        let name = of_placeholder(&placeholder);
        if !mask.add(&name, &value) {
            context.report.warning(&warning(format!("{name} is too short to be removed from the output")));
        }
    }
    let mut command = start.command()?;
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    #[cfg(unix)]
    let signals = Signals::watch().map_err(|error| CommandError::file("watch signals", start.program(), &error))?;
    let spawned = context.hardened.lifted(|| command.spawn());
    let mut child = spawned.map_err(|source| Failed::system(start.program(), &source))?;
    drop(command);
    #[cfg(unix)]
    signals.forward_to(&child);
    let (out, error) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        scope.spawn(|| pass_on(context, &mask, out, false));
        scope.spawn(|| pass_on(context, &mask, error, true));
    });
    #[cfg(unix)]
    signals.until_end_of(&child);
    Ok(child.wait().map_or(Exit::BEFORE_CMD, exit_of))
}

/// Until the stream ends, or nobody reads what is passed on: then the program's next write fails, as it would without us.
fn pass_on(context: &Context, mask: &Mask, from: Option<impl Read>, to_error: bool) {
    let Some(mut from) = from else { return };
    let mut masked = mask.stream();
    let mut chunk = Zeroizing::new([0; CHUNK]);
    loop {
        match from.read(&mut *chunk) {
            Ok(0) => break,
            Ok(length) => {
                let text = masked.feed(chunk.get(..length).unwrap_or_default());
                if context.report.pass_on(&text, to_error).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = context.report.pass_on(&masked.end(), to_error);
}
