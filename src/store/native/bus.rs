//! A connection to the session bus on which many calls are in flight at once, with one deadline for all.
//!
//! libdbus' own blocking call waits for each reply before the next question; 20 searches one after the other cost more
//! than 20 searches in one go. Here a call is [sent](Connection::send), and its reply is [taken](Connection::reply)
//! whenever it has come.

use super::super::{StoreError, StoreKind};
use super::Bus;
use dbus::Message;
use dbus::channel::Channel;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// How long one wait lasts when there is no deadline; it only bounds how late a lost connection is noticed.
const SLICE: Duration = Duration::from_secs(1);

pub(super) struct Connection {
    channel: Channel,
    limit: Option<Duration>,
    deadline: Cell<Option<Instant>>,
    replies: RefCell<HashMap<u32, Message>>,
    signals: RefCell<VecDeque<Message>>,
}

/// A call whose reply has not been taken yet.
#[must_use = "a call is over when its reply has been taken"]
#[derive(Clone, Copy)]
pub(super) struct Pending(u32);

impl Connection {
    pub(super) fn open(bus: &Bus, limit: Option<Duration>) -> Result<Self, StoreError> {
        let address = address(bus).ok_or(StoreError::NoService)?;
        let mut channel = Channel::open_private(&address).map_err(|_| StoreError::NoService)?;
        channel.register().map_err(|error| meaning(&error))?;
        let connection = Self {
            channel,
            limit,
            deadline: Cell::new(None),
            replies: RefCell::default(),
            signals: RefCell::default(),
        };
        connection.start_clock();
        Ok(connection)
    }

    /// Gives the full limit again, after the user has been waited for.
    pub(super) fn start_clock(&self) {
        self.deadline.set(self.limit.and_then(|limit| Instant::now().checked_add(limit)));
    }

    /// Gives no more than `limit` from here on, and no more than was left.
    pub(super) fn hurry(&self, limit: Duration) {
        let soon = Instant::now().checked_add(limit);
        self.deadline.set(self.deadline.get().into_iter().chain(soon).min());
    }

    /// Waits without limit from here on: the user is typing a password.
    pub(super) fn stop_clock(&self) {
        self.deadline.set(None);
    }

    pub(super) fn send(&self, message: Message) -> Result<Pending, StoreError> {
        log::debug!("calling {} of the keyring", message.member().as_deref().unwrap_or_default());
        self.channel.send(message).map(Pending).map_err(|()| lost())
    }

    /// Waits until the reply to a call is there to be taken.
    pub(super) fn arrival(&self, call: Pending) -> Result<(), StoreError> {
        while !self.replies.borrow().contains_key(&call.0) {
            self.receive()?;
        }
        Ok(())
    }

    /// The reply to a call.
    ///
    /// # Errors
    /// The error that it was answered with, a timeout, or a lost connection.
    pub(super) fn reply(&self, call: Pending) -> Result<Message, StoreError> {
        loop {
            if let Some(mut message) = self.replies.borrow_mut().remove(&call.0) {
                return match message.as_result() {
                    Ok(_) => Ok(message),
                    Err(error) => Err(meaning(&error)),
                };
            }
            self.receive()?;
        }
    }

    /// The next signal.
    pub(super) fn signal(&self) -> Result<Message, StoreError> {
        loop {
            if let Some(message) = self.signals.borrow_mut().pop_front() {
                return Ok(message);
            }
            self.receive()?;
        }
    }

    pub(super) fn call(&self, message: Message) -> Result<Message, StoreError> {
        self.reply(self.send(message)?)
    }

    fn receive(&self) -> Result<(), StoreError> {
        let mut any = false;
        while let Some(message) = self.channel.pop_message() {
            any = true;
            match message.get_reply_serial() {
                Some(serial) => drop(self.replies.borrow_mut().insert(serial, message)),
                None if message.msg_type() == dbus::MessageType::Signal => self.signals.borrow_mut().push_back(message),
                None => {}
            }
        }
        if any {
            return Ok(());
        }
        let wait = match self.deadline.get() {
            None => SLICE,
            Some(deadline) => match deadline.saturating_duration_since(Instant::now()) {
                Duration::ZERO => return Err(self.timed_out()),
                left => left.clamp(Duration::from_millis(1), SLICE),
            },
        };
        self.channel.read_write(Some(wait)).map_err(|()| lost())
    }

    fn timed_out(&self) -> StoreError {
        StoreError::TimedOut { store: StoreKind::Native, limit: self.limit.unwrap_or_default() }
    }
}

/// The address of the bus that is already there, or nothing.
fn address(bus: &Bus) -> Option<String> {
    match &bus.address {
        Some(address) if address.contains('\0') => None,
        Some(address) if !address.is_empty() => {
            // It is a list, and libdbus tries one after the other.
            let launches = |one: &&str| one.is_empty() || one.starts_with("autolaunch:");
            let there: Vec<&str> = address.split(';').filter(|one| !launches(one)).collect();
            (!there.is_empty()).then(|| there.join(";"))
        }
        _ => {
            // Values of an address are escaped but for these bytes (D-Bus specification, "Server Addresses").
            const ESCAPED: &AsciiSet =
                &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'/').remove(b'.').remove(b'\\').remove(b'*');
            let socket = bus.runtime_dir.as_ref()?.join("bus");
            socket.exists().then(|| {
                let path = percent_encode(socket.as_os_str().as_encoded_bytes(), ESCAPED);
                format!("unix:path={path}")
            })
        }
    }
}

fn lost() -> StoreError {
    StoreError::Unavailable { store: StoreKind::Native, reason: "the connection to it was lost".to_owned() }
}

/// The errors whose name is shown.
const KNOWN: [&str; 2] = ["org.freedesktop.DBus.Error.", "org.freedesktop.Secret.Error."];

/// What an error on the bus means. Its text is left out, and a name of its own: a provider may say anything in them.
fn meaning(error: &dbus::Error) -> StoreError {
    let name = error.name().unwrap_or("org.freedesktop.DBus.Error.Failed");
    match name {
        "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
            StoreError::NoService
        }
        spawn if spawn.starts_with("org.freedesktop.DBus.Error.Spawn.") => StoreError::NoService,
        "org.freedesktop.Secret.Error.IsLocked" => StoreError::Locked,
        other => {
            let rest = KNOWN.iter().find_map(|prefix| other.strip_prefix(prefix));
            let is_known = rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphabetic()));
            let reason = if is_known { other } else { "an error that is not in the specification" };
            StoreError::Unavailable { store: StoreKind::Native, reason: reason.to_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bus, address};

    #[test]
    fn a_bus_is_never_launched() {
        assert_eq!(address(&Bus::default()), None);
        assert_eq!(address(&Bus { address: Some("autolaunch:".into()), runtime_dir: None }), None);
        assert_eq!(address(&Bus { address: Some(String::new()), runtime_dir: Some("/nowhere".into()) }), None);
        // libdbus tries one address of a list after the other.
        let list = |text: &str| address(&Bus { address: Some(text.into()), runtime_dir: None });
        assert_eq!(
            list("unix:path=/nowhere;autolaunch:;unix:path=/b").as_deref(),
            Some("unix:path=/nowhere;unix:path=/b")
        );
        assert_eq!(list(";autolaunch:scope=*user"), None);
    }
}
