//! The record of what was in plaintext, where, and for how long: `log.jsonl` in the state folder, names only.
//!
//! It is bounded: when it has grown past [`LIMIT`] its older half goes. A record that can't be written is dropped,
//! because no transaction may fail for its log.

use super::{Seen, State};
use crate::host::OwnLock;
use crate::host::agents::{Above, above};
use crate::host::process::Process;
use crate::journal::{Journal, Lease};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

/// Size at which the older half goes, in bytes: about five thousand records.
const LIMIT: u64 = 1 << 20;
/// This many files that hold secrets are noted of one closing. Arbitrary.
const MOST_SEEN: usize = 20;
/// So many programs that led to a record are noted of it. Arbitrary: more than stand above a tool in a terminal.
const MOST_ABOVE: usize = 16;
/// How long another writer of the log is waited for.
const PATIENCE: Duration = Duration::from_millis(200);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// Secrets went in, or a holder came.
    Render,
    /// A holder left, and with the last one the secrets.
    Unrender,
    /// The secrets left because their holders were gone.
    Recover,
    /// Secrets went into a process that was started, and into no file.
    Run,
    /// Secrets were printed as headers for a host.
    Headers,
    /// A secret was printed.
    Get,
    /// Secrets of the vault were printed, encrypted or not.
    Export,
    /// A backup was printed, with the secrets in it.
    Backup,
    /// A person said yes.
    Allow,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When.
    pub time: Timestamp,
    /// What.
    pub event: Event,
    /// The live file, or what else it is about: the program, the config, the name of a backup; empty if that is nothing.
    #[serde(with = "crate::journal::path")]
    pub target: PathBuf,
    /// Who held it, as far as known: program, process id, session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Who>,
    /// The placeholders that are, or were, filled.
    pub secrets: Vec<String>,
    /// How many holders remain; the secrets are out when there is none.
    pub remaining: usize,
    /// How long the secrets were in plaintext, in seconds; known when they are out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// Steering variables that were not passed to the program that was started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    /// The programs that led to it, the nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<Via>,
    /// Files that the host keeps of its sessions and that hold secrets; known when they are out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<String>,
    /// The placeholders of those secrets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noted: Vec<String>,
}

/// A holder in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// Process id; none for a manual hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Name of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Session id of the host application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// A program that led to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Via {
    /// Process id.
    pub pid: u32,
    /// Name of the program.
    pub program: String,
    /// The AI tool that it is, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl Via {
    /// What is above a process, as far as it is noted.
    #[must_use]
    pub fn of(above: &[Above]) -> Vec<Self> {
        let one = |above: &Above| Self {
            pid: above.process.pid,
            program: above.process.program.clone(),
            agent: above.agent.map(str::to_owned),
        };
        above.iter().take(MOST_ABOVE).map(one).collect()
    }
}

impl Record {
    /// A record of what is about no holder.
    #[must_use]
    pub fn plain(time: Timestamp, event: Event, target: PathBuf, secrets: Vec<String>, via: Vec<Via>) -> Self {
        Self {
            time,
            event,
            target,
            holders: Vec::new(),
            secrets,
            remaining: 0,
            seconds: None,
            dropped: Vec::new(),
            via,
            seen: Vec::new(),
            noted: Vec::new(),
        }
    }

    /// A record of what the journal says, with the holders it is about.
    #[must_use]
    pub fn new(time: Timestamp, event: Event, journal: &Journal, about: &[Lease], remaining: usize) -> Self {
        let mut secrets: Vec<String> = journal.secrets().map(|(placeholder, _)| placeholder.to_owned()).collect();
        secrets.sort();
        secrets.dedup();
        let who =
            |lease: &Lease| Who { pid: lease.pid, program: lease.program.clone(), session: lease.session.clone() };
        let via = Via::of(&above(&Process::current()));
        Self {
            holders: about.iter().map(who).collect(),
            remaining,
            seconds: (remaining == 0).then(|| time.duration_since(journal.since).as_secs()),
            ..Self::plain(time, event, journal.target.clone(), secrets, via)
        }
    }

    /// The same with what was seen when the secrets were taken out.
    pub(super) fn with(mut self, seen: &Seen) -> Self {
        self.seen = seen.files.iter().take(MOST_SEEN).map(|file| file.to_string_lossy().into_owned()).collect();
        self.noted = seen.secrets.iter().cloned().collect();
        self
    }
}

impl State {
    /// Appends a record; failures are ignored.
    pub fn log(&self, record: &Record) {
        let _ = self.append(record);
    }

    /// The records, oldest first; malformed lines are skipped.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let text = fs::read_to_string(self.log_path()).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn append(&self, record: &Record) -> io::Result<()> {
        let mut line = serde_json::to_string(record)?;
        line.push('\n');
        let _lock = OwnLock::take(&self.log_path().with_extension("lock"), PATIENCE).map_err(io::Error::other)?;
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(self.log_path())?;
        file.write_all(line.as_bytes())?;
        if file.metadata()?.len() > LIMIT {
            self.halve()?;
        }
        Ok(())
    }

    fn halve(&self) -> io::Result<()> {
        let text = fs::read_to_string(self.log_path())?;
        let half = text.len() / 2;
        let start =
            text.as_bytes().iter().skip(half).position(|byte| *byte == b'\n').map_or(text.len(), |at| half + at + 1);
        let mut file = tempfile::Builder::new().prefix("log.").suffix(".tmp").tempfile_in(self.folder())?;
        file.write_all(text.get(start..).unwrap_or_default().as_bytes())?;
        file.persist(self.log_path())?;
        Ok(())
    }

    fn log_path(&self) -> PathBuf {
        self.folder().join("log.jsonl")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_keeps_the_newest_records() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::new(folder.path().to_owned());
        let record = |n: usize| Record {
            target: "x".repeat(100_000).into(),
            remaining: n,
            ..Record::plain(Timestamp::UNIX_EPOCH, Event::Render, PathBuf::new(), Vec::new(), Vec::new())
        };
        for n in 0..40 {
            state.log(&record(n));
        }
        assert!(fs::metadata(state.log_path()).unwrap().len() <= LIMIT);
        let kept: Vec<usize> = state.records().into_iter().map(|record| record.remaining).collect();
        assert_eq!(kept.last(), Some(&39));
        assert!(kept.len() >= 4 && kept.windows(2).all(|pair| pair[1] == pair[0] + 1), "{kept:?}");
    }
}
