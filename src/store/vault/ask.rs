//! Who is asked for a passphrase, a PIN or a touch, if anybody is there. The store itself neither prints nor reads.

use age::Callbacks;
use age::secrecy::SecretString;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The user at a terminal. Without one a locked vault is an error at once.
pub trait Ask: Send + Sync {
    /// The passphrase of an identity file; `None` if the user gives up.
    fn passphrase(&self, identity: &Path) -> Option<Zeroizing<String>>;

    /// What an age plugin asks for and must not be seen, such as a PIN.
    fn hidden(&self, question: &str) -> Option<Zeroizing<String>>;

    /// What an age plugin asks for and may be seen.
    fn line(&self, question: &str) -> Option<String>;

    /// Says something, such as that a key is to be touched.
    fn tell(&self, message: &str);
}

/// How an age plugin talks with that user, or with no user.
#[derive(Clone, Default)]
pub(super) struct Talk(pub(super) Option<Arc<dyn Ask>>);

impl Callbacks for Talk {
    fn display_message(&self, message: &str) {
        if let Some(person) = &self.0 {
            person.tell(message);
        }
    }

    fn confirm(&self, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let no = no.unwrap_or("no");
        let answer = self.0.as_ref()?.line(&format!("{message} (y: {yes}, n: {no}) "))?;
        Some(answer.trim().eq_ignore_ascii_case("y") || answer.trim().eq_ignore_ascii_case(yes))
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        self.0.as_ref()?.line(&format!("{description}: "))
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        let typed = self.0.as_ref()?.hidden(&format!("{description}: "))?;
        Some(SecretString::from(typed.as_str()))
    }
}
