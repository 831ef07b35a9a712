//! What `import` takes.

use super::error::ImportError;
use crate::adopt::import::{ImportPlan, Rename, Selection, plan};
use crate::cli::error::CommandError;
use crate::plan::wrap::Deliver;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Move the keys of a config file into a store, and turn the file into a template
///
/// Finds the keys in a JSON config that are in plain text: known formats, values
/// named token, key or password, what follows `Bearer`, passwords in URLs, private
/// keys. Shows what it found, without any value, and asks. Then it moves the keys
/// to the store, copies the parts of the config that had them to a template, and
/// puts placeholders into the file. Nothing else in the file changes, and filling
/// the template reproduces the file as it was, which is checked before anything is
/// written. If a key is only mentioned, in a prompt of the history or a comment,
/// its placeholder stays there. Copies that the program made of the file are
/// cleaned too. The original file is kept in the vault, encrypted: see `keystencil
/// vault backups`.
///
/// All of it is done, or nothing. Afterwards start the program with the keys:
/// `keystencil exec -- claude`.
///
/// From a `.env` file, the keys are stored and the `env` block of a template is
/// printed (or written with --template). The file stays as it is, because programs
/// read it, unless --comment-out turns its keys into comments. From a
/// `mcp-credentials.json`, whose keys are in the keyring already, it makes a
/// template that refers to them.
///
/// A PATTERN is the name of a secret, a server or a variable, or a pointer into
/// the file; `*` matches anything. Write a name as it is shown: `github`, or
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
/// Exit status: 0 success, or there was nothing to do · 2 error, nothing was
/// changed · 3 success, but something that looks like a key was left where it is.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct ImportArgs {
    /// The config
    pub(super) file: PathBuf,
    /// Where the template goes [default: into keystencil's config folder]
    #[arg(long, value_name = "OUT")]
    pub(super) template: Option<PathBuf>,
    /// What to call the target in the config [default: derived from the file's name]
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Do not add the target to the config; print the lines to add
    #[arg(long)]
    pub(super) no_config: bool,
    /// How servers will get their keys: with `wrap` they are called through keystencil, and no file ever contains a key
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
    /// Choose another name for a secret; OLD is the proposed name or a pointer; may be repeated
    #[arg(long, value_name = "OLD=NEW", value_parser = super::rename::parse)]
    pub(super) rename: Vec<Rename>,
    /// In a `.env` file, comment out the variables whose keys are stored
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
    /// The file contains the keys while a program runs
    File,
    /// Servers are called through keystencil; a slot that can't be delivered this way stays empty
    Wrap,
    /// The same, but a slot that can't be delivered this way is filled in the file
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
