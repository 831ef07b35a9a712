//! A progress bar on standard error: only where the user sits at a terminal, only for what takes longer than half a
//! second, and gone when it is done.

use super::report::Report;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// What is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);
/// Redrawn at most so often a second.
const RATE: u8 = 10;

/// A bar that several threads may update.
pub(super) struct Progress {
    bar: ProgressBar,
    due: Instant,
    /// Whether anybody would see it.
    wanted: bool,
    shown: Mutex<bool>,
}

impl Progress {
    /// A bar of `total` bytes; `verb` says what is done with them.
    pub(super) fn bytes(report: &Report, verb: &str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(&format!("  {verb} [{{bar:30}}] {{msg}}")) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, due: Instant::now() + PATIENCE, wanted: report.shows_progress(), shown: Mutex::new(false) }
    }

    /// So much more is done.
    pub(super) fn advance(&self, bytes: u64) {
        if !self.wanted {
            return;
        }
        self.bar.inc(bytes);
        if Instant::now() < self.due {
            return;
        }
        if let Ok(mut shown) = self.shown.try_lock() {
            if !*shown {
                *shown = true;
                self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
            }
            let (done, all) = (HumanBytes(self.bar.position()), HumanBytes(self.bar.length().unwrap_or_default()));
            self.bar.set_message(format!("{done} of {all}"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
