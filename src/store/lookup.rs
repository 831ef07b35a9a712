//! The order in which stores are asked, the time they get, and the store that takes a new secret.
//!
//! The session asks for all references of a render at once; the `secret` commands ask for one. A store is asked on
//! a thread of its own when there is a time limit, because a frozen bus or a hanging disk can't be interrupted.
//!
//! # Limitations
//! A store that is past its limit is left behind with its thread; **it continues until the process ends.** The native
//! store gives up by itself at the same limit, so this happens only when the bus itself is frozen. An age plugin of the
//! vault is ended, with what it has started.

use super::LIMIT;
use super::unresolved::{LookupError, Unresolved, passes_on};
use super::{Ask, Bus, Native, Notice, Providers, Request, SealKeys, Store, StoreError, StoreKind, Vault, VaultPaths};
use crate::host::process::Process;
use crate::secret::{Query, SealKey, Secret, SecretName};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Extra time before a store is left behind: its own timeout has a better message.
const GRACE: Duration = Duration::from_millis(250);

/// What age starts a plugin with (<https://c2sp.org/age-plugin>), whatever its program is called by then.
const PLUGIN: &str = "--age-plugin=";

/// The value of `--store`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    /// The native keyring first, then the vault.
    #[default]
    Auto,
    /// The native keyring only.
    Native,
    /// The vault only.
    Vault,
}

/// The stores of a run.
///
/// ```
/// use keystencil::secret::{Query, Secret, SecretName};
/// use keystencil::store::{Bus, Choice, StoreKind, Stores, VaultPaths};
/// let home = tempfile::tempdir()?;
/// let paths = VaultPaths { vault: home.path().join("vault.age"), identity: home.path().join("identity.txt") };
/// let stores = Stores::new(Choice::Auto, paths, Bus::default()); // no bus here, so the vault takes it
/// let name = SecretName::new("github", "api-key")?;
/// assert_eq!(stores.set(&name, &Secret::new("ghp_1".to_owned()))?, StoreKind::Vault);
/// let query = Query::from(name);
/// let secrets = stores.resolve(std::slice::from_ref(&query), None)?;
/// assert_eq!(secrets[&query].expose(), "ghp_1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Stores {
    choice: Choice,
    bus: Bus,
    vault: Vault,
    pub(super) interactive: bool,
    notice: Notice,
    pub(super) providers: Arc<Providers>,
}

impl Stores {
    /// The stores at these places; nothing is opened yet.
    #[must_use]
    pub fn new(choice: Choice, paths: VaultPaths, bus: Bus) -> Self {
        let vault = Vault::new(paths).with_runtime_folder(bus.runtime_dir.clone());
        Self { choice, bus, vault, interactive: false, notice: Notice::default(), providers: Arc::default() }
    }

    /// The same stores, with the keyring on another bus.
    #[must_use]
    pub fn on_bus(mut self, bus: Bus) -> Self {
        self.bus = bus;
        self
    }

    /// Who is asked for what opens the vault, while the user is there.
    #[must_use]
    pub fn asking(mut self, person: Arc<dyn Ask>) -> Self {
        self.vault = self.vault.asking(Some(person));
        self
    }

    /// Whether the user is there: a locked keyring then shows its prompt, and is waited for without limit.
    #[must_use]
    pub fn interactive(mut self, yes: bool) -> Self {
        self.interactive = yes;
        if !yes {
            self.vault = self.vault.asking(None);
        }
        self
    }

    /// For a command that only looks: nobody is asked for anything, and no age plugin is started, which may want a touch.
    #[must_use]
    pub fn looking(mut self) -> Self {
        self.vault = self.vault.looking();
        self.interactive(false)
    }

    /// With the folder in which this machine remembers which vault it knows.
    #[must_use]
    pub fn pinned_in(mut self, folder: std::path::PathBuf) -> Self {
        self.vault = self.vault.pinned_in(Some(folder));
        self
    }

    /// Called before the user is waited for.
    #[must_use]
    pub fn telling(mut self, notice: Notice) -> Self {
        self.notice = notice;
        self
    }

    /// The commands that references can be looked up with.
    #[must_use]
    pub fn with_providers(mut self, providers: Providers) -> Self {
        self.providers = Arc::new(providers);
        self
    }

    /// The same stores, and all there are: the choice counts no more.
    #[must_use]
    pub fn everywhere(mut self) -> Self {
        self.choice = Choice::Auto;
        self
    }

    /// One store by its kind, whatever the choice; what `secret move` works with.
    #[must_use]
    pub fn store(&self, kind: StoreKind) -> Box<dyn Store> {
        self.with_limit(kind, Some(LIMIT))
    }

    /// The vault, whatever the choice: for what only a vault has, such as backups and identities.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// All secrets, or all that are missing.
    ///
    /// Each store gets `limit`; with `None` the vault is waited for as long as it takes, and the native keyring for as
    /// long as the user is at its dialog.
    ///
    /// # Errors
    /// [`LookupError::Missing`] with every query for which no store has a value, and what each store said.
    pub fn resolve(&self, queries: &[Query], limit: Option<Duration>) -> Result<BTreeMap<Query, Secret>, LookupError> {
        let answers = self.look_up(&Request { queries, usual: false, permit: &|_, _| true }, limit);
        if answers.missing.is_empty() {
            return Ok(answers.values.into_iter().map(|(query, (_, secret))| (query, secret)).collect());
        }
        Err(LookupError::Missing(answers.missing))
    }

    /// One secret, from the first store that has it.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve).
    pub fn get(&self, name: &SecretName) -> Result<(StoreKind, Secret), LookupError> {
        let query = Query::from(name.clone());
        let mut answers = Vec::new();
        for &kind in self.kinds_for(&query) {
            match self.ask(kind, std::slice::from_ref(&query), Some(LIMIT)).pop() {
                Some(Ok(secret)) => return Ok((kind, secret)),
                Some(Err(error)) => {
                    let stop = !passes_on(&error);
                    answers.push(error);
                    if stop {
                        break;
                    }
                }
                None => {}
            }
        }
        Err(LookupError::Missing(self.missing([(query, answers)])))
    }

    /// What is missing, with similar names that exist.
    pub(super) fn missing(&self, open: impl IntoIterator<Item = (Query, Vec<StoreError>)>) -> Vec<Unresolved> {
        let unresolved = |(query, answers)| Unresolved { query, answers, near: None };
        let mut missing: Vec<Unresolved> = open.into_iter().map(unresolved).collect();
        // A store that did not answer is not asked again.
        if missing.iter().any(|one| one.query.name().is_some() && one.was_never_stored()) {
            let stored = self.list().entries;
            missing = missing.into_iter().map(|one| one.near(stored.iter().map(|entry| &entry.name))).collect();
        }
        missing
    }

    /// Stores a secret and says where: with [`Choice::Auto`] in the native keyring if there is one, or else in the
    /// vault.
    ///
    /// # Errors
    /// What the store says; a locked keyring is an error, not a reason to put the secret elsewhere.
    pub fn set(&self, name: &SecretName, secret: &Secret) -> Result<StoreKind, StoreError> {
        let mut last = StoreError::NoService;
        for &kind in self.kinds() {
            let (asked, value) = (name.clone(), secret.clone());
            match self.within(kind, Some(LIMIT), move |store| store.set(&asked, &value)) {
                Ok(Ok(())) => return Ok(kind),
                Ok(Err(error)) if error.is_absent() => last = error,
                Ok(Err(error)) | Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// Removes a secret from every store of the choice, so that none of them brings it back; returns from which.
    ///
    /// # Errors
    /// The first store that does not answer; those before it have been changed.
    pub fn remove(&self, name: &SecretName) -> Result<Vec<StoreKind>, StoreError> {
        let mut gone = Vec::new();
        for &kind in self.kinds() {
            let asked = name.clone();
            match self.within(kind, Some(LIMIT), move |store| store.remove(&asked)) {
                Ok(Ok(true)) => gone.push(kind),
                Ok(Ok(false)) => {}
                Ok(Err(error)) if error.is_absent() && self.choice == Choice::Auto => {}
                Ok(Err(error)) | Err(error) => return Err(error),
            }
        }
        Ok(gone)
    }

    /// The stores that may be asked: those of the choice, or the one that the reference pins.
    pub(super) fn kinds_for(&self, query: &Query) -> &'static [StoreKind] {
        match query {
            Query::Name(_) => self.kinds(),
            Query::Vault(_) => &[StoreKind::Vault],
            Query::Keyring(_) => &[StoreKind::Native],
            Query::Command(_) => &[],
        }
    }

    /// The stores of the choice, in the order in which they are asked.
    #[must_use]
    pub fn kinds(&self) -> &'static [StoreKind] {
        match self.choice {
            Choice::Auto => &[StoreKind::Native, StoreKind::Vault],
            Choice::Native => &[StoreKind::Native],
            Choice::Vault => &[StoreKind::Vault],
        }
    }

    fn with_limit(&self, kind: StoreKind, limit: Option<Duration>) -> Box<dyn Store> {
        match kind {
            StoreKind::Native => {
                let native = Native::new(self.bus.clone(), limit.or(Some(LIMIT)), self.interactive);
                Box::new(native.telling(self.notice.clone()))
            }
            StoreKind::Vault => Box::new(self.vault.clone()),
        }
    }

    fn ask(&self, kind: StoreKind, queries: &[Query], limit: Option<Duration>) -> Vec<Result<Secret, StoreError>> {
        self.ask_sealing(kind, queries, limit).0
    }

    pub(super) fn ask_sealing(
        &self,
        kind: StoreKind,
        queries: &[Query],
        limit: Option<Duration>,
    ) -> (Vec<Result<Secret, StoreError>>, SealKeys) {
        let asked = queries.to_vec();
        self.within(kind, limit, move |store| store.get_sealing(&asked))
            .unwrap_or_else(|error| (queries.iter().map(|_| Err(error.clone())).collect(), Err(error)))
    }

    /// A key of seals of that store, made if there is none yet.
    ///
    /// # Errors
    /// What the store says.
    pub fn make_seal_key(&self, kind: StoreKind) -> Result<SealKey, StoreError> {
        self.within(kind, Some(LIMIT), |store| store.make_seal_key()).and_then(|key| key)
    }

    /// Keeps another key of seals in that store, or none; whether there was one.
    ///
    /// # Errors
    /// What the store says.
    pub fn replace_seal_key(&self, kind: StoreKind, new: Option<&SealKey>) -> Result<bool, StoreError> {
        let new = new.cloned();
        self.within(kind, Some(LIMIT), move |store| store.replace_seal_key(new.as_ref())).and_then(|done| done)
    }

    /// The keys of seals of both stores, whatever the choice; a store that is not there is left out.
    #[must_use]
    pub fn seal_keys(&self) -> Vec<(StoreKind, SealKeys)> {
        let of = |kind| (kind, self.ask_sealing(kind, &[], Some(LIMIT)).1);
        let all = [StoreKind::Native, StoreKind::Vault].map(of);
        all.into_iter().filter(|(_, keys)| keys.as_ref().err().is_none_or(|error| !error.is_absent())).collect()
    }

    /// Runs `work` on a store, for no longer than `limit`. While the user may be typing a password there is no limit
    /// here; the native store then limits every step but the prompt.
    pub(super) fn within<T: Send + 'static>(
        &self,
        kind: StoreKind,
        limit: Option<Duration>,
        work: impl FnOnce(&dyn Store) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        log::debug!("asking the {kind}");
        let Some(limit) = limit.filter(|_| !self.interactive) else {
            return Ok(work(self.with_limit(kind, limit).as_ref()));
        };
        let refused = |reason: &str| StoreError::Unavailable { store: kind, reason: reason.to_owned() };
        let (sender, receiver) = mpsc::sync_channel(1);
        let this = self.clone();
        let worker = thread::Builder::new().name(format!("{kind}")).spawn(move || {
            let _ = sender.send(work(this.with_limit(kind, Some(limit)).as_ref()));
        });
        match worker {
            Ok(_) => receiver.recv_timeout(limit + GRACE).map_err(|error| match error {
                RecvTimeoutError::Timeout => {
                    if kind == StoreKind::Vault {
                        Process::current().end_started(PLUGIN);
                    }
                    StoreError::TimedOut { store: kind, limit }
                }
                RecvTimeoutError::Disconnected => refused("its thread ended without an answer"),
            }),
            Err(_) => Err(refused("no thread can be started for it")),
        }
    }
}
