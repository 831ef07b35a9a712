//! The user at the terminal, as the vault asks for passphrases and age plugins for PINs.

use super::report::{Report, Text};
use crate::store::Ask;
use std::path::Path;
use zeroize::Zeroizing;

pub(super) struct TerminalPrompt(pub(super) Report);

impl Ask for TerminalPrompt {
    fn passphrase(&self, identity: &Path) -> Option<Zeroizing<String>> {
        self.0.ask_hidden(&format!("Passphrase of {}: ", self.0.path(identity))).ok()
    }

    fn hidden(&self, question: &str) -> Option<Zeroizing<String>> {
        // A plugin's words are cleaned of control characters, as everything that is printed.
        self.0.ask_hidden(Text::new().plain(question).as_str()).ok()
    }

    fn line(&self, question: &str) -> Option<String> {
        self.0.ask(question).ok()
    }

    fn tell(&self, message: &str) {
        self.0.note(Text::new().plain(message));
    }
}
