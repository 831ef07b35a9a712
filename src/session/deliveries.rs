//! The notes of what `run` and `headers` delivered: a small file each in a folder of the state, 0600 and free of secrets.
//!
//! Twenty servers may start at once, and a server must start whatever becomes of its note. So there is no lock and no sync:
//! each note is a new file, written in one call under the id of the process that it counts for, and a failure is let go.
//! Whoever comes next removes the notes of processes that are gone, torn ones included.

use super::State;
use super::state::make_private;
use crate::host::process::{Process, is_alive};
use crate::journal::{DeliveryNote, Key, Lease};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The folder in the state.
const FOLDER: &str = "deliveries";
/// How the name of a note ends.
const NOTE: &str = ".json";

/// What is said of a delivery besides its secrets.
#[derive(Debug, Clone)]
pub struct Receiver<'a> {
    /// The live file that the server stands in; the program, if it was run by hand.
    pub target: &'a Path,
    /// The server in the live file.
    pub server: Option<&'a crate::document::Pointer>,
    /// The process that counts: once it has ended, what was delivered is nowhere any more.
    pub process: Lease,
    /// The nearest agent above it.
    pub agent: Option<Lease>,
}

impl State {
    /// Notes a delivery that is about to be made; a failure is let go.
    pub fn note_delivery(&self, delivery: &super::Delivery, receiver: Receiver<'_>) {
        let mut random = [0; 32];
        if getrandom::fill(&mut random).is_err() {
            return;
        }
        let key = Key::new(random);
        let since = receiver.process.since;
        let mut note = DeliveryNote::new(receiver.target.to_owned(), receiver.process, since, key);
        note.server = receiver.server.cloned();
        note.agent = receiver.agent;
        note.secrets = delivery.noted(&key);
        self.prune();
        if let Err(error) = self.write_delivery(&note) {
            log::debug!("the note of the delivery can't be written: {error}");
        }
    }

    fn write_delivery(&self, note: &DeliveryNote) -> io::Result<()> {
        let folder = self.folder().join(FOLDER);
        if !folder.is_dir() {
            make_private(self.folder())?;
            make_private(&folder)?;
        }
        let name = format!("{}-{}{NOTE}", note.process.pid.unwrap_or_default(), note.key.name());
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(folder.join(name))?.write_all(note.write().as_bytes())
    }

    /// What was delivered into processes that still run, the latest last. Notes of others are removed.
    #[must_use]
    pub fn deliveries(&self) -> Vec<DeliveryNote> {
        let mut living: Vec<DeliveryNote> =
            self.delivery_files().filter_map(|(pid, file)| living(pid, &file)).collect();
        living.sort_by_key(|note| note.since);
        living
    }

    /// What was delivered, into processes that have ended as well, as far as nobody has removed their notes yet. Reads only.
    #[must_use]
    pub fn delivered(&self) -> Vec<DeliveryNote> {
        self.delivery_files().filter_map(|(_, file)| DeliveryNote::read(&fs::read(file).ok()?)).collect()
    }

    /// Removes every note of a delivery.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget_deliveries(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.folder().join(FOLDER)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the notes of processes that are gone, and reads no others: a process of that id is reason enough to keep one.
    fn prune(&self) {
        for (pid, file) in self.delivery_files().filter(|(pid, _)| Process::find(*pid).is_none()) {
            living(pid, &file);
        }
    }

    /// The notes, and the ids of the processes that they count for.
    fn delivery_files(&self) -> impl Iterator<Item = (u32, PathBuf)> + use<> {
        let entries = fs::read_dir(self.folder().join(FOLDER)).into_iter().flatten().filter_map(Result::ok);
        entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let pid = name.strip_suffix(NOTE)?.split_once('-')?.0.parse().ok()?;
            Some((pid, entry.path()))
        })
    }
}

/// The note, if its process runs; removes it if not. One that is just being written says nothing yet.
fn living(pid: u32, file: &Path) -> Option<DeliveryNote> {
    let note = DeliveryNote::read(&fs::read(file).ok()?);
    let is_gone = note.as_ref().map_or_else(|| Process::find(pid).is_none(), |note| !is_alive(&note.process));
    if is_gone {
        let _ = fs::remove_file(file);
        return None;
    }
    note
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Delivery;
    use jiff::Timestamp;

    fn noted(state: &State, process: Lease) {
        let receiver = Receiver { target: Path::new("/h/.claude.json"), server: None, process, agent: None };
        state.note_delivery(&Delivery::default(), receiver);
    }

    fn files(state: &State) -> usize {
        fs::read_dir(state.folder().join(FOLDER)).map_or(0, Iterator::count)
    }

    #[test]
    fn a_note_counts_until_its_process_ends_and_the_next_delivery_removes_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path().join("state"));
        let own = Process::current().lease(None, Timestamp::now());
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        noted(&state, Process::find(child.id()).unwrap().lease(None, Timestamp::now()));
        noted(&state, own.clone());
        assert_eq!(state.deliveries().len(), 2);
        child.kill().unwrap();
        child.wait().unwrap();
        noted(&state, own);
        assert_eq!(files(&state), 2);
        assert_eq!(state.deliveries().len(), 2);
        state.forget_deliveries().unwrap();
        assert_eq!((state.deliveries().len(), files(&state)), (0, 0));
        state.forget_deliveries().unwrap();
    }

    #[test]
    fn a_recycled_process_id_and_a_torn_note_of_a_process_that_is_gone_count_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path().join("state"));
        let mut other = Process::current().lease(None, Timestamp::now());
        other.started += 1;
        noted(&state, other);
        assert!(state.deliveries().is_empty());
        let notes = state.folder().join(FOLDER);
        let own = notes.join(format!("{}-torn.json", std::process::id()));
        for (name, text) in [("4194305-torn.json", "{\"version\":"), ("readme", "mine")] {
            fs::write(notes.join(name), text).unwrap();
        }
        fs::write(&own, "{\"ver").unwrap();
        assert!(state.deliveries().is_empty());
        assert!(own.exists() && notes.join("readme").exists() && files(&state) == 2);
    }

    #[test]
    #[cfg(unix)]
    fn notes_are_their_owners_alone_and_many_are_written_at_once() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path().join("state"));
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| noted(&state, Process::current().lease(None, Timestamp::now())));
            }
        });
        assert_eq!(state.deliveries().len(), 20);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&state.folder().join(FOLDER)), 0o700);
        assert!(state.delivery_files().all(|(_, file)| mode(&file) == 0o600));
    }

    #[test]
    fn a_note_that_can_not_be_written_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("state"), "a file").unwrap();
        let state = State::new(folder.path().join("state"));
        noted(&state, Process::current().lease(None, Timestamp::now()));
        assert!(state.deliveries().is_empty());
    }
}
