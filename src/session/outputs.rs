//! What is known of the keys that are in plain text somewhere now: by the journals of rendered targets, by what is owed, and by
//! the notes of deliveries. Asked by what looks at the outputs of tools, so it reads as little as it can.

use super::State;
use crate::journal::Journal;
use crate::journal::outputs::Known;

impl State {
    /// The fingerprints of keys that are filled in, or were delivered into a process that runs. A file that can't be read
    /// says nothing, and keeps nothing else from being known.
    #[must_use]
    pub fn known(&self) -> Vec<Known> {
        let rendered = self.owing().unwrap_or_default();
        let mut journals: Vec<_> = rendered.iter().filter_map(|state| state.journal().ok().flatten()).collect();
        journals.extend(self.owed().unwrap_or_default().into_iter().map(|owed| owed.journal));
        let of_files = journals.iter().flat_map(Journal::all).map(Known::from);
        let delivered = self.deliveries();
        let mut known: Vec<Known> = of_files.chain(delivered.iter().map(Known::from)).collect();
        known.retain(|known| !known.is_empty());
        known
    }
}
