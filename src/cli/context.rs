//! What every command works with: the printer, the config, the stores, and sessions made of them.

use super::config::{Config, ConfigError};
use super::environment::{self, Environment};
use super::error::CommandError;
use super::global::GlobalArgs;
use super::harden::Hardened;
use super::lookup::Lookup;
use super::report::{Report, Text, Warning};
use super::terminal_prompt::TerminalPrompt;
use crate::cli::hints;
use crate::error::Explain as _;
use crate::host::git::Places;
use crate::host::shell::word;
use crate::session::{FilterCall, Session, State};
use crate::store::{Choice, LIMIT, Notice, Stores};
use crate::template::Variables;
use jiff::Timestamp;
use std::cell::LazyCell;
use std::path::PathBuf;
use std::sync::Arc;

/// What every command works with.
pub(super) struct Context {
    pub(super) report: Report,
    pub(super) environment: Environment,
    pub(super) hardened: Hardened,
    global: GlobalArgs,
}

/// A command's surroundings once the config is read.
pub(super) struct Workplace<'a> {
    pub(super) context: &'a Context,
    pub(super) config: Config,
    pub(super) lookup: Lookup,
    variables: Variables,
    guarded: bool,
}

impl Context {
    pub(super) fn new(report: Report, environment: Environment, hardened: Hardened, global: GlobalArgs) -> Self {
        Self { report, environment, hardened, global }
    }

    /// Reads the config.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn open(&self) -> Result<Workplace<'_>, CommandError> {
        Ok(self.with_config(Config::read(self.global.config.as_deref(), &self.environment)?))
    }

    /// Reads the config, and does without if it can't be used: secrets can be taken out all the same.
    pub(super) fn open_anyhow(&self) -> Workplace<'_> {
        let config = Config::read(self.global.config.as_deref(), &self.environment).unwrap_or_else(|error| {
            let (message, place, hint) = (error.to_string(), error.place(), hints::of(&error));
            self.report.warning(&Warning { message, place, hint });
            Config::default()
        });
        self.with_config(config)
    }

    /// The config file that is meant, whether it is there or not.
    pub(super) fn config_file(&self) -> PathBuf {
        self.global.config.clone().unwrap_or_else(|| self.environment.config_file())
    }

    /// The same with every link resolved, if it is there.
    pub(super) fn real_config(&self) -> PathBuf {
        let named = self.config_file();
        let absolute = std::path::absolute(&named).unwrap_or(named);
        absolute.canonicalize().unwrap_or(absolute)
    }

    /// How git has to call us as its filter, no matter who runs git.
    pub(super) fn filter_call(&self) -> FilterCall {
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let program =
            environment::own_program().map_or_else(|| "keystencil".to_owned(), |own| word(&own.to_string_lossy()));
        let config = Some(absolute(self.config_file())).filter(|config| config.is_file());
        let attributes = self.environment.config.parent().unwrap_or(&self.environment.home).join("git/attributes");
        FilterCall::new(&program, &absolute(self.environment.state.clone()), config.as_deref())
            .with_attributes(attributes)
    }

    /// The same with other folders: those that a command of git's names.
    pub(super) fn with_folders(&self, home: PathBuf, state: PathBuf) -> Self {
        let environment = Environment { home, state, ..self.environment.clone() };
        Self::new(self.report.clone(), environment, self.hardened.clone(), self.global.clone())
    }

    /// The config, for a command that continues without one.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub(super) fn config(&self) -> Result<Config, ConfigError> {
        Config::read(self.global.config.as_deref(), &self.environment)
    }

    pub(super) fn with_config(&self, config: Config) -> Workplace<'_> {
        let choice = self.global.store.or(config.store).map_or(Choice::Auto, Choice::from);
        let interactive = environment::is_interactive();
        let report = self.report.clone();
        let notice =
            Notice::new(move || report.note(Text::new().plain("waiting for the keyring to be unlocked\u{2026}")));
        let stores = Stores::new(choice, self.environment.vault(), environment::bus())
            .pinned_in(self.environment.state.clone())
            .interactive(interactive)
            .telling(notice)
            .with_providers(config.providers.clone());
        let stores = if interactive { stores.asking(Arc::new(TerminalPrompt(self.report.clone()))) } else { stores };
        let limit = (!interactive).then_some(LIMIT);
        let home = &self.environment.home;
        let variables = Variables {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            hostname: environment::hostname(),
            user: environment::user(home),
            home: home.to_string_lossy().into_owned(),
            vars: config.vars.clone(),
            providers: config.providers.names().map(str::to_owned).collect(),
        };
        Workplace { context: self, config, lookup: Lookup::new(stores, limit), variables, guarded: true }
    }
}

impl Workplace<'_> {
    /// The same without asking the user, even at a terminal, and with an environment that a host's config may
    /// have written: no bus but one of this machine, no vault that decides which commands run, and no config that lets
    /// git have keys.
    pub(super) fn unattended(mut self) -> Self {
        let stores = self.lookup.stores.interactive(false).on_bus(environment::unattended_bus());
        let is_foreign = environment::usual_vault().is_none_or(|usual| usual != self.context.environment.vault());
        self.lookup = Lookup::new(stores, Some(LIMIT)).with_foreign_vault(is_foreign);
        if !environment::is_usual_config(&self.context.environment.home, &self.context.config_file()) {
            self.config.unguarded.clear();
        }
        self
    }

    /// The same for a command that only looks; see [`Stores::looking`].
    pub(super) fn looking(mut self) -> Self {
        self.lookup = self.lookup.looking();
        self
    }

    /// The same where nothing has to be allowed, if `off` says so. Only for what the user starts.
    pub(super) fn without_grants(mut self, off: bool) -> Self {
        self.guarded = !off;
        self
    }

    pub(super) fn report(&self) -> &Report {
        &self.context.report
    }

    /// Where repositories are looked for.
    pub(super) fn places(&self) -> Places {
        let home = self.context.environment.home.clone();
        Places::new(home, environment::git_repository(), self.config.repositories.clone())
    }

    /// All stores there are, whatever the config prefers, unless the command line names one.
    pub(super) fn all_stores(&self) -> Stores {
        let stores = self.lookup.stores.clone();
        if self.context.global.store.is_some() { stores } else { stores.everywhere() }
    }

    /// Works with a session.
    pub(super) fn session<T>(&self, work: impl FnOnce(&Session<'_>) -> T) -> T {
        let session = Session {
            state: State::new(self.context.environment.state.clone()),
            variables: &self.variables,
            sources: &self.lookup,
            env: &environment::variable,
            places: self.places(),
            unguarded: self.config.unguarded.clone(),
            program: LazyCell::new(environment::called_program),
            filter: self.context.filter_call(),
            now: Timestamp::now,
            guarded: self.guarded,
            commands: self.config.providers.digest(&environment::search_path()),
            agents: self.config.lets_agents.then(|| self.context.real_config().to_string_lossy().into_owned()),
        };
        work(&session)
    }
}
