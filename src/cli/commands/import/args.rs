//! What `import` takes.

use super::error::ImportError;
use crate::adopt::import::{ImportPlan, Rename, Selection, plan};
use crate::cli::error::CommandError;
use crate::plan::wrap::Deliver;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Move the keys of a config file into a store, and turn the file into a template
///
/// Finds the keys that stand in a JSON config in plain text: known formats, what
/// is called a token, key or password, what follows `Bearer`, passwords in URLs,
/// private keys. Shows what it found, without any value, and asks. Then the keys
/// go to the store, the parts of the config that had them to a template, and
/// placeholders into the file. Nothing else in the file changes, and filling the
/// template gives back the file as it was; that is checked before anything is
/// written. Where a prompt of the history or a comment merely mentions a key, its
/// placeholder stays. The copies that the program made of the file are cleaned as
/// well. The file as it was is kept in the vault, encrypted: `keystencil vault
/// backups`.
///
/// It is done wholly or not at all. Afterwards start the program with the keys:
/// `keystencil exec -- claude`.
///
/// Of a `.env` file the keys are stored, and the `env` block of a template is
/// printed (or written with --template); the file stays as it is, since programs
/// read it, or its keys become comments that name them (--comment-out). Of a
/// `mcp-credentials.json`, whose keys are in the keyring already, a template is
/// made that refers to them.
///
/// A PATTERN is the name of a secret, a server or a variable, or a pointer into
/// the file; `*` stands for anything. A name is written as it is shown: `github`, or
/// `github (work)` with an account.
///
/// Examples:
///
///     keystencil import ~/.claude.json --dry-run
///     keystencil import ~/.claude.json
///     keystencil import .mcp.json --only github --template mcp.template.json
///     keystencil import ~/.claude.json --skip '/projects/*' --yes
///     keystencil import .mcp.json --rename 'acme (b-token)=acme-admin'
///     keystencil import .env --comment-out --template env.json
///
/// Exit status: 0 done, or there was nothing to do · 2 error, nothing was changed
/// · 3 done, and something that looks like a key is left where it is.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct ImportArgs {
    /// The config
    pub(super) file: PathBuf,
    /// Where the template goes [default: into keystencil's config folder]
    #[arg(long, value_name = "OUT")]
    pub(super) template: Option<PathBuf>,
    /// What the target is called in the config [default: told from the file's name]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Do not add the target to the config; say what to add
    #[arg(long)]
    pub(super) no_config: bool,
    /// How servers get their keys from then on: `wrap` calls them through keystencil, and no file ever holds one
    #[arg(long, value_name = "HOW")]
    pub(super) deliver: Option<DeliverArg>,
    /// Put all of the file into the template, not just the parts with keys
    #[arg(long)]
    pub(super) whole: bool,
    /// Import these findings only; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub(super) only: Vec<String>,
    /// Leave these findings where they are; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub(super) skip: Vec<String>,
    /// Call a secret otherwise than proposed; OLD is its name or a pointer; may be repeated
    #[arg(long, value_name = "OLD=NEW", value_parser = super::rename::parse)]
    pub(super) rename: Vec<Rename>,
    /// In a `.env` file, make comments of the variables whose keys are stored
    #[arg(long)]
    pub(super) comment_out: bool,
    /// Show what would be done, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do it without asking
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    pub(super) json: bool,
}

/// `deliver` of the config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DeliverArg {
    /// The file holds them while a program runs
    File,
    /// The server is called through keystencil; what can't be stays closed
    Wrap,
    /// The same; what can't be is filled in the file
    Auto,
}

impl DeliverArg {
    /// As the config has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Wrap => "wrap",
            Self::Auto => "auto",
        }
    }
}

impl From<DeliverArg> for Deliver {
    fn from(arg: DeliverArg) -> Self {
        match arg {
            DeliverArg::File => Self::File,
            DeliverArg::Wrap => Self::Wrap,
            DeliverArg::Auto => Self::Auto,
        }
    }
}

pub(super) fn selection(args: &ImportArgs) -> Selection {
    Selection { only: args.only.clone(), skip: args.skip.clone() }
}

/// Every pattern of `--only` has to mean something, or it is a slip of the pen.
pub(super) fn check_selection(plan: &ImportPlan, text: &[u8], args: &ImportArgs) -> Result<(), CommandError> {
    let selection = selection(args);
    let Some(idle) = selection.idle(plan) else { return Ok(()) };
    let all = self::plan(text, &Selection::default(), &mut |_| ());
    match all.ok().filter(|all| !all.is_empty()) {
        Some(all) => Err(ImportError::no_such("--only", idle, &all).into()),
        None => Ok(()),
    }
}
