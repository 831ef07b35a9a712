//! A look at the target every two milliseconds: while a session lives, its secrets stand there at every instant.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::home::Home;
use crate::residue;

const EVERY: Duration = Duration::from_millis(2);

#[must_use = "what it saw is told by `never_lost`"]
pub(crate) struct Watch {
    running: Arc<AtomicBool>,
    thread: JoinHandle<(u32, Vec<Duration>)>,
}

impl Watch {
    /// Watches the rendered target of this home.
    pub(crate) fn over(home: &Home) -> Self {
        let running = Arc::new(AtomicBool::new(true));
        let (target, secret, more) = (home.target(), home.secret.clone(), Arc::clone(&running));
        let begin = Instant::now();
        let look = move || {
            let (mut looks, mut missing) = (0, Vec::new());
            while more.load(Ordering::Relaxed) {
                let bytes = std::fs::read(&target).unwrap_or_default();
                if residue::in_bytes(&bytes, &secret).is_empty() {
                    missing.push(begin.elapsed());
                }
                looks += 1;
                std::thread::sleep(EVERY);
            }
            (looks, missing)
        };
        Self { running, thread: std::thread::spawn(look) }
    }

    /// Ends the watch. The secret was there each time.
    #[track_caller]
    pub(crate) fn never_lost(self) {
        self.running.store(false, Ordering::Relaxed);
        let (looks, missing) = self.thread.join().expect("the watch ends");
        assert!(looks > 0, "nobody looked");
        assert!(
            missing.is_empty(),
            "a live session was without its secret in {} of {looks} looks, first after {:?}",
            missing.len(),
            missing[0]
        );
    }
}
