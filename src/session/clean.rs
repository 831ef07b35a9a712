//! What git stages of a file: its placeholder form, by the journals alone. No store is asked, no lock taken, nothing
//! written.
//!
//! The journals are read before the content is and once more after it, and one that was seen is kept: a program that
//! ends in between has its secrets taken out of the target, and the content that git has read still holds them. If that
//! was before the first look, the target is no longer what git has read.

use super::undo::undo_text;
use super::{SessionError, State};
use crate::document::edit;
use crate::host::Resolved;
use crate::journal::{Journal, is_clean, undo_raw};
use crate::plan::wrap::plain;
use crate::plan::{Exposure, exposed};
use crate::scan::{self, Hit};
use std::borrow::Cow;
use std::path::Path;
use zeroize::Zeroizing;

/// How much of a file is looked at to tell whether it is UTF-16. Arbitrary.
const SAMPLE: usize = 4096;

/// What is known of a path besides the journals.
#[derive(Debug, Default)]
pub struct Known {
    /// The version that is committed, or staged already.
    pub committed: Option<Vec<u8>>,
    /// What the template makes of it, in placeholder form.
    pub template: Option<String>,
}

/// Turns what git reads into what it should stage.
#[derive(Debug)]
pub struct Cleaner {
    state: State,
    journals: Vec<Journal>,
}

impl Cleaner {
    /// A cleaner that knows no journal yet.
    #[must_use]
    pub fn new(state: State) -> Self {
        Self { state, journals: Vec::new() }
    }

    /// Reads the journals that there are now.
    ///
    /// # Errors
    /// [`SessionError::File`] if the state folder can't be read, [`SessionError::Journal`] if one of them can't be:
    /// then nothing may be staged, because it is not known what is a secret.
    pub fn look(&mut self) -> Result<(), SessionError> {
        let mut journals = Vec::new();
        for state in self.state.owing()? {
            journals.extend(state.journal()?);
        }
        journals.extend(self.state.owed()?.into_iter().map(|owed| owed.journal));
        for mut journal in journals {
            for mut journal in std::mem::take(&mut journal.earlier).into_iter().chain([journal]) {
                // What was the user's before we came is a secret all the same, since a store has it.
                journal.foreign.clear();
                self.journals.retain(|known| known.key != journal.key);
                self.journals.push(journal);
            }
        }
        Ok(())
    }

    /// Refuses a content that is not what is in a target of ours now, if no journal of it was seen: git may have read
    /// it just before an unrender, whose journal is gone.
    ///
    /// # Errors
    /// [`SessionError::Stale`], and [`SessionError::File`] if the file can't be read.
    pub fn refuse_stale(&self, path: &Path, content: &[u8]) -> Result<(), SessionError> {
        if self.journals.iter().any(|journal| journal.target == path || journal.named == path) {
            return Ok(());
        }
        // Its folder is gone: nothing is rendered there.
        let Ok(file) = Resolved::follow(path) else { return Ok(()) };
        let is_ours = self.state.of(&file).was_locked();
        if !is_ours || file.is_still(None)? || file.is_still(Some(content))? {
            return Ok(());
        }
        Err(SessionError::Stale { path: path.to_owned() })
    }

    /// The content with every secret that a journal knows closed. The journal of `path` closes by place as well as by
    /// value; without a path every journal does.
    #[must_use]
    pub fn close(&self, path: Option<&Path>, content: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
        let is_own = |journal: &Journal| path.is_none_or(|path| journal.target == path || journal.named == path);
        let (own, others): (Vec<_>, Vec<_>) = self.journals.iter().partition(|journal| is_own(journal));
        let content = own.into_iter().fold(content, |content, journal| {
            let after = undo_text(&content, journal, &mut false).1;
            after.map_or(content, Zeroizing::new)
        });
        others.into_iter().fold(content, |content, journal| {
            if is_clean(&content, journal) {
                return content;
            }
            let splices = undo_raw(&content, journal).splices;
            if splices.is_empty() { content } else { Zeroizing::new(edit::splice_bytes(&content, &splices)) }
        })
    }

    /// What should be staged of a content.
    ///
    /// # Errors
    /// [`SessionError::Exposed`] if a value is where a placeholder belongs and no journal knows it;
    /// [`SessionError::Format`] if it holds a key of a known format that is not committed yet; [`SessionError::Wide`]
    /// if the content is UTF-16 and holds a secret. With nothing known, what is no secret of ours passes.
    pub fn for_index(
        &self,
        path: &Path,
        content: Zeroizing<Vec<u8>>,
        known: Option<&Known>,
    ) -> Result<Zeroizing<Vec<u8>>, SessionError> {
        if let Some(text) = wide(&content) {
            let closed = self.close(Some(path), Zeroizing::new(text.as_bytes().to_vec()));
            if *closed != text.as_bytes() {
                return Err(SessionError::Wide { path: path.to_owned() });
            }
            check(path, &closed, known)?;
            return Ok(content);
        }
        let closed = self.close(Some(path), content);
        // A wrapped server is a matter of this machine: what is committed is the plain one.
        let closed = match plain(&closed) {
            Cow::Borrowed(_) => closed,
            Cow::Owned(plain) => Zeroizing::new(plain),
        };
        check(path, &closed, known)?;
        Ok(closed)
    }
}

fn check(path: &Path, content: &[u8], known: Option<&Known>) -> Result<(), SessionError> {
    let Some(known) = known else { return Ok(()) };
    let committed = known.committed.as_deref().unwrap_or_default();
    let references = [Some(committed), known.template.as_deref().map(str::as_bytes)];
    for reference in references.into_iter().flatten() {
        let found = exposed(reference, content, committed);
        if let Some(first) = found.first() {
            let at = match first {
                Exposure::Slot(pointer) => Ok(pointer.clone()),
                Exposure::Line(line) => Err(*line),
            };
            return Err(SessionError::Exposed { path: path.to_owned(), at, others: found.len() - 1 });
        }
    }
    if known.committed.as_deref() == Some(content) {
        return Ok(());
    }
    let is_new = |hit: &Hit| {
        let key = content.get(hit.range.clone()).unwrap_or_default();
        memchr::memmem::find(committed, key).is_none()
    };
    match scan::find(content).into_iter().find(is_new) {
        None => Ok(()),
        Some(hit) => {
            let line = memchr::memchr_iter(b'\n', content.get(..hit.range.start).unwrap_or_default()).count() + 1;
            Err(SessionError::Format { path: path.to_owned(), line, name: hit.rule.name })
        }
    }
}

/// The text of a content that is UTF-16, by its byte order mark or by where its zeros are.
fn wide(content: &[u8]) -> Option<Zeroizing<String>> {
    let sample = content.get(..SAMPLE.min(content.len()))?;
    let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let many = sample.len() / 8;
    let (little, rest) = match content {
        [0xff, 0xfe, rest @ ..] => (true, rest),
        [0xfe, 0xff, rest @ ..] => (false, rest),
        _ if sample.len() < 4 || zeros(0).max(zeros(1)) <= many => return None,
        all => (zeros(1) > zeros(0), all),
    };
    let (pairs, _) = rest.as_chunks::<2>();
    let units = pairs.iter().map(|pair| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) });
    let mut text = Zeroizing::new(String::with_capacity(rest.len() * 2));
    text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
    Some(text)
}
