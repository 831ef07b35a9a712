//! Searches what hosts keep of their sessions for everything that is known of secrets: what was seen before, what is filled in
//! and what was delivered, by fingerprints, and the values that the stores have.
//!
//! Asked by `check --sessions`, which has the time for all of it; the end of a session looks at what is new ([`super::seen`]).

use super::pieces::{Part, Room, parts};
use super::walk::{Bounds, files, open};
use super::{SessionError, State};
use crate::journal::escape::{may_hold, occurrences};
use crate::journal::{DeliveryNote, Finder, Fingerprint, Journal, Key};
use crate::lint::own::{Own, OwnFinder};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Fingerprints that were made with one key, each with the placeholder of its secret.
type Prints = (Key, Vec<(String, Fingerprint)>);

/// What is known of secrets by fingerprints alone.
#[derive(Debug, Default)]
pub struct Fingerprints(Vec<Prints>);

impl State {
    /// What is known of the secrets that are filled in, were delivered, or were seen in a session before.
    ///
    /// # Errors
    /// [`SessionError::File`] if the state folder can't be read. A journal that can't be read says nothing.
    pub fn fingerprints(&self) -> Result<Fingerprints, SessionError> {
        let mut all = Fingerprints::default();
        let mut journals: Vec<Journal> =
            self.owing()?.iter().filter_map(|state| state.journal().ok().flatten()).collect();
        journals.extend(self.owed()?.into_iter().map(|owed| owed.journal));
        for journal in journals.iter().flat_map(Journal::all) {
            all.add(journal.key, journal.secrets());
        }
        self.delivered().iter().for_each(|note: &DeliveryNote| all.add(note.key, note.prints()));
        self.exposures().iter().for_each(|note| all.add(note.key, note.prints()));
        Ok(all)
    }
}

impl Fingerprints {
    fn add<'p>(&mut self, key: Key, prints: impl Iterator<Item = (&'p str, &'p Fingerprint)>) {
        if !self.0.iter().any(|(known, _)| *known == key) {
            self.0.push((key, prints.map(|(placeholder, print)| (placeholder.to_owned(), print.clone())).collect()));
        }
    }
}

/// Reads one file after the other, of whatever size, in the same room.
pub struct Reader(Room);

impl Default for Reader {
    fn default() -> Self {
        Self(Room::new())
    }
}

/// Searches texts for secrets.
pub struct Search<'k> {
    own: OwnFinder<'k>,
    finders: Vec<Finder<'k, &'k str>>,
    /// What was found so far, by placeholder: a name is told by its number here.
    names: Mutex<Vec<String>>,
}

/// Where a secret stands first in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The placeholder of the secret.
    pub placeholder: String,
    /// `base64`, `URL-encoded` and the like; empty if it stands as it is.
    pub form: &'static str,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in bytes.
    pub column: usize,
}

impl<'k> Search<'k> {
    /// Prepares the search for the values that stores have, and for what is known by fingerprints.
    #[must_use]
    pub fn new(own: &'k Own, fingerprints: &'k Fingerprints) -> Self {
        let finder = |(key, prints): &'k Prints| {
            Finder::new(key, prints.iter().map(|(placeholder, print)| (print, placeholder.as_str())))
        };
        // Other encodings are known by what they look like; escapes may be deeper than that.
        let (key, values) = own.values();
        let own_values = Finder::new(key, values.map(|(placeholder, print)| (print, placeholder)));
        let finders = fingerprints.0.iter().map(finder).chain([own_values]);
        let finders = finders.filter(|finder| !finder.is_empty()).collect();
        Self { own: own.finder(), finders, names: Mutex::default() }
    }

    /// What stands in a text.
    pub(super) fn find(&self, text: &[u8]) -> Vec<(Range<usize>, (usize, &'static str))> {
        let mut found = Vec::new();
        self.own.scan(text, |range, name, form| found.push((range, (self.number(name), form))));
        for finder in self.finders.iter().filter(|finder| may_hold(finder, text)) {
            found.extend(occurrences(finder, text).into_iter().map(|one| (one.range, (self.number(one.name), ""))));
        }
        found
    }

    fn number(&self, name: &str) -> usize {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        })
    }

    /// The placeholder that [`Self::find`] calls by this number.
    pub(super) fn placeholder(&self, number: usize) -> String {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(number).cloned().unwrap_or_default()
    }

    /// Looks through one file: where each secret stands first in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn look_through(&self, Reader(room): &mut Reader, path: &Path) -> io::Result<Vec<Spot>> {
        let mut spots: Vec<(usize, Spot)> = Vec::new();
        let (mut line, mut column) = (1, 1);
        parts(room, &mut open(path)?, &|text| self.find(text), &mut |part| {
            let (Part::Kept(bytes) | Part::Found(bytes, _)) = part;
            if let Part::Found(_, (number, form)) = part
                && !spots.iter().any(|(known, _)| *known == number)
            {
                spots.push((number, Spot { placeholder: self.placeholder(number), form, line, column }));
            }
            line += memchr::memchr_iter(b'\n', bytes).count();
            column = memchr::memrchr(b'\n', bytes).map_or(column + bytes.len(), |end| bytes.len() - end);
            Ok(())
        })?;
        Ok(spots.into_iter().map(|(_, spot)| spot).collect())
    }
}

/// Every file that a host keeps of its sessions, with its size; `folders` is what its profile says.
#[must_use]
pub fn session_files(folders: &[PathBuf]) -> Vec<(PathBuf, u64)> {
    let mut files: Vec<_> = files(folders, Bounds::ALL).0.into_iter().map(|file| (file.path, file.size)).collect();
    files.sort();
    files
}
