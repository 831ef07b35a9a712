//! Other places where keys are kept, asked by commands that the config declares: `op read {ref}`.
//!
//! [`Stores`](super::Stores) hands over the references of a run, and gets each answered once. The config is the user's
//! own and trusted; a reference comes from a template, which is not. So no shell is ever between them, the reference
//! is (part of) one argument and of nothing else, and one that the program could take for an option is refused.
//!
//! It never prints, never logs what a program printed, and shows of its standard error only what `mask` lets through.
//! The limit on core dumps that this process has set for itself stays on the program: it holds secrets as we do.
//!
//! # Limitations
//! At a terminal a program stays in our process group, so that it can ask the user; **what it has started itself then
//! outlives the time limit.** Elsewhere it has a group of its own, which ends as a whole.

mod declaration;
mod error;
mod mask;
mod process;

pub use declaration::{Declaration, Provider, Unfit};
pub use error::{CommandError, Failure};

use super::StoreError;
use crate::secret::{Provided, Secret};
use process::lock;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

/// How many programs run at once.
const AT_ONCE: usize = 4;

/// An answer to each reference, in their order.
type Answers = Vec<Result<Secret, StoreError>>;

/// The declared commands, by name.
#[derive(Debug, Clone, Default)]
pub struct Providers(BTreeMap<String, Provider>);

impl FromIterator<Provider> for Providers {
    fn from_iter<I: IntoIterator<Item = Provider>>(all: I) -> Self {
        Self(all.into_iter().map(|provider| (provider.name().to_owned(), provider)).collect())
    }
}

impl Providers {
    /// Their names: what templates can call.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The program of one of them, as the config names it.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<&Path> {
        self.0.get(name).map(Provider::program)
    }

    /// Each with its command line, as the config has them.
    #[must_use]
    pub fn shown(&self) -> Vec<(&str, String)> {
        self.0.iter().map(|(name, provider)| (name.as_str(), provider.line())).collect()
    }

    /// A hash over all that decides what is run: each command as it is parsed, its variables and its folder, and where
    /// its program is found in `search_path`. `None` if nothing is declared. Where in the config it is does not count.
    #[must_use]
    pub fn digest(&self, search_path: &[PathBuf]) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut hasher = blake3::Hasher::new_derive_key("keystencil 2026 declared commands v1");
        self.0.values().for_each(|provider| provider.enter(&mut hasher, search_path));
        Some(hasher.finalize().to_hex().to_string())
    }

    /// Asks for all references. `interactive` says that the user is at the terminal; `known` are values that no
    /// message may show.
    pub(super) fn resolve(&self, asked: &[Provided], interactive: bool, known: &[&Secret]) -> Answers {
        let run = Run { providers: self, interactive, known, given_up: Mutex::default() };
        let mut answers: Vec<Option<Result<Secret, StoreError>>> = asked.iter().map(|_| None).collect();
        let mut rest: VecDeque<(&Provided, &mut Option<_>)> = VecDeque::new();
        let mut asked_first: Vec<&str> = Vec::new();
        for (provided, answer) in asked.iter().zip(&mut answers) {
            // Alone with the terminal: it may ask for a password or a fingerprint, which may be enough for the others
            // too.
            if interactive && !asked_first.contains(&provided.provider()) {
                asked_first.push(provided.provider());
                *answer = Some(run.ask(provided, true));
            } else {
                rest.push_back((provided, answer));
            }
        }
        let workers = rest.len().min(AT_ONCE);
        let rest = Mutex::new(rest);
        // A separate function: in a `while let` the lock would be held until the answer is there.
        let next = || lock(&rest).pop_front();
        let work = || {
            while let Some((provided, answer)) = next() {
                *answer = Some(run.ask(provided, false));
            }
        };
        thread::scope(|scope| {
            let started = (1..workers).filter(|_| thread::Builder::new().spawn_scoped(scope, work).is_ok());
            let _ = started.count();
            work();
        });
        let unanswered = |provided: &Provided| run.failed(provided, Failure::Undeclared);
        asked
            .iter()
            .zip(answers)
            .map(|(provided, answer)| answer.unwrap_or_else(|| Err(unanswered(provided))))
            .collect()
    }
}

/// One run: what all its commands share.
struct Run<'a> {
    providers: &'a Providers,
    interactive: bool,
    known: &'a [&'a Secret],
    /// Providers that are not there or hang: the next reference would only wait as long again.
    given_up: Mutex<BTreeMap<String, Failure>>,
}

impl Run<'_> {
    fn ask(&self, provided: &Provided, terminal: bool) -> Result<Secret, StoreError> {
        let name = provided.provider();
        if let Some(failure) = lock(&self.given_up).get(name) {
            return Err(self.failed(provided, failure.clone()));
        }
        let provider = self.providers.0.get(name).ok_or_else(|| self.failed(provided, Failure::Undeclared))?;
        process::ask(provider, provided.reference(), self.interactive, terminal, self.known).map_err(|failure| {
            if failure.is_of_provider() {
                lock(&self.given_up).insert(name.to_owned(), failure.clone());
            }
            self.failed(provided, failure)
        })
    }

    fn failed(&self, provided: &Provided, failure: Failure) -> StoreError {
        let declared = self.providers.0.get(provided.provider());
        StoreError::Command(Box::new(CommandError {
            asked: provided.clone(),
            program: declared.map(|provider| provider.program().display().to_string()).unwrap_or_default(),
            declared: declared.map(|provider| provider.place().clone()),
            failure,
        }))
    }
}
