//! `KEYSTENCIL_LOG=debug`: what is asked and waited for, line by line on standard error, so that a hang in a hook can
//! be found.
//!
//! Names, paths, process ids and durations only: a log call must never pass a value, a template's text or
//! what another program printed. There is no file to write to, because a host's config may set this variable.

use super::environment::wants_log;
use super::report::clean;
use log::{LevelFilter, Log, Metadata, Record};
use std::io::Write as _;
use std::sync::OnceLock;
use std::time::Instant;

struct ToStandardError(OnceLock<Instant>);

static LOGGER: ToStandardError = ToStandardError(OnceLock::new());

/// Turns on logging, if it was asked for.
pub(super) fn start() {
    if wants_log() {
        LOGGER.0.get_or_init(Instant::now);
        if log::set_logger(&LOGGER).is_ok() {
            log::set_max_level(LevelFilter::Debug);
        }
    }
}

impl Log for ToStandardError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // What libraries log is theirs, and may be a value.
        metadata.target().starts_with("keystencil")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let since = self.0.get().map(Instant::elapsed).unwrap_or_default().as_millis();
            let said = clean(&record.args().to_string());
            // One call, so that the lines of several processes do not mix. A failure can't be reported.
            let line = format!("keystencil[{}] {since:>5} ms  {said}\n", std::process::id());
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}
