//! What may need the user: a locked keyring, a dialog of the service, and how long each is waited for.
//!
//! Asked by [`service`](super::service) around its calls. Where there is no user, whatever needs one is an error at
//! once.

use super::super::StoreError;
use super::bus::Pending;
use super::service::{NAME, ROOT, SERVICE, Service, call, is_none};
use super::wire::read;
use dbus::arg::Variant;
use dbus::strings::Path;
use dbus::{Message, MessageType};
use std::time::Duration;

const PROMPT: &str = "org.freedesktop.Secret.Prompt";

/// How long to wait for something that may need the user before it counts as that. A dialog that nobody need answer
/// is over within milliseconds; a hook has a second in all.
const HESITATION: Duration = Duration::from_millis(400);

impl Service {
    /// Waits for a reply that may need the user if the default collection is locked: KeePassXC answers no search
    /// before somebody has typed the password into its dialog.
    pub(super) fn await_unlocking(&self, first: Pending) -> Result<(), StoreError> {
        let Some(question) = self.is_locked.take() else { return Ok(()) };
        match self.bus.reply(question).as_ref().map(read::<(Variant<bool>,)>) {
            Ok(Ok((Variant(true),))) => self.await_person(|| self.bus.arrival(first)),
            Err(error @ StoreError::TimedOut { .. }) => Err(error.clone()),
            _ => Ok(()), // there is no default collection
        }
    }

    /// Waits for what the user may have to do first, and says so (once) if they do.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if it needs the user and there is none.
    fn await_person(&self, wait: impl Fn() -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.bus.hurry(HESITATION);
        let answer = match wait() {
            Err(StoreError::TimedOut { .. }) if self.interactive => {
                self.notice.take().unwrap_or_default().tell();
                self.bus.stop_clock();
                wait()
            }
            Err(StoreError::TimedOut { .. }) => Err(StoreError::Locked),
            answer => answer,
        };
        self.bus.start_clock();
        answer
    }

    /// Unlocks items or collections.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if that needs the user and there is none, or if they said no.
    pub(super) fn unlock(&self, locked: &[Path<'static>]) -> Result<(), StoreError> {
        let reply = self.bus.call(call(ROOT, SERVICE, "Unlock", (locked,)))?;
        let (_, prompt) = read::<(Vec<Path<'static>>, Path<'static>)>(&reply)?;
        if is_none(&prompt) {
            return Ok(());
        }
        if !self.interactive {
            self.dismiss(&prompt)?;
            return Err(StoreError::Locked);
        }
        self.prompt(&prompt)
    }

    /// A change that the service makes by a prompt. KeePassXC makes every change so, and shows something only if its
    /// settings want to be asked; so the prompt is begun although there may be nobody to answer it.
    pub(super) fn confirm(&self, prompt: &Path<'static>) -> Result<(), StoreError> {
        if is_none(prompt) {
            return Ok(());
        }
        let answer = self.prompt(prompt);
        if matches!(answer, Err(StoreError::Locked)) {
            self.dismiss(prompt)?;
            return Err(StoreError::Unconfirmed);
        }
        answer
    }

    /// The service keeps a prompt until it is dismissed; whether it hears that changes nothing here.
    fn dismiss(&self, prompt: &Path<'static>) -> Result<(), StoreError> {
        self.bus.send(call(prompt, PROMPT, "Dismiss", ())).map(drop)
    }

    /// Shows a prompt of the service and waits for the user.
    fn prompt(&self, prompt: &Path<'static>) -> Result<(), StoreError> {
        for rule in [
            format!("type='signal',interface='{PROMPT}',member='Completed',path='{prompt}'"),
            format!("type='signal',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='{NAME}'"),
        ] {
            let to_bus = Message::call_with_args(
                "org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                "org.freedesktop.DBus",
                "AddMatch",
                (rule,),
            );
            self.bus.call(to_bus)?;
        }
        // Some answer only when the dialog is over.
        let shown = self.bus.send(call(prompt, PROMPT, "Prompt", ("",)))?;
        self.await_person(|| self.bus.arrival(shown))?;
        self.bus.reply(shown)?;
        self.await_person(|| self.wait_for(prompt))
    }

    fn wait_for(&self, prompt: &Path<'static>) -> Result<(), StoreError> {
        loop {
            let signal = self.bus.signal()?;
            debug_assert_eq!(signal.msg_type(), MessageType::Signal);
            match signal.member().as_deref() {
                Some("Completed") if signal.path().as_ref() == Some(prompt) => {
                    return if signal.get1() == Some(false) { Ok(()) } else { Err(StoreError::Locked) };
                }
                // The service went away with its prompt.
                Some("NameOwnerChanged") => return Err(StoreError::NoService),
                _ => {}
            }
        }
    }
}
