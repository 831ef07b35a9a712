//! `keystencil git`: what git calls, once `keystencil install git` has set it up.

mod filter;
mod process;

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::host::git::packet;
use crate::plan::wrap::plain;
use crate::session::{Cleaner, State};
use clap::{Args, Subcommand};
use filter::Filter;
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What git calls as a filter; set up by `keystencil install git`
///
/// A rendered file is staged, compared and shown with placeholders in place of its
/// keys. That needs no keyring and no unlocking: the journal of the render knows
/// each key by its fingerprint.
///
/// If keystencil can't be sure, it refuses, and git stops. That happens with a
/// value that no journal knows where the committed version has a placeholder, with
/// a journal that can't be read, and with every file where the state folder that
/// the filter was installed for can't be seen, in a container for example. If the
/// value is not a key, stage the file once with KEYSTENCIL_GIT_ALLOW=1 in the
/// environment.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct GitArgs {
    /// The state folder that the filter was installed for; git's environment may name another
    #[arg(long, hide = true, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(subcommand)]
    command: GitCommand,
}

#[derive(Debug, Subcommand)]
enum GitCommand {
    /// Print standard input in placeholder form (filter.keystencil.clean)
    Clean {
        /// Close what journals know, and refuse nothing else: for files that are not targets
        #[arg(long, hide = true)]
        any: bool,
        /// The path, from the top of the work tree
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
    /// Print a file in placeholder form (diff.keystencil.textconv)
    Textconv {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Do the same as `clean` for many files, in git's filter protocol (filter.keystencil.process)
    FilterProcess {
        /// As for `clean`
        #[arg(long, hide = true)]
        any: bool,
    },
}

pub(in crate::cli) fn run(context: &Context, args: &GitArgs) -> Result<Exit, CommandError> {
    let state = args.state.clone().unwrap_or_else(|| context.environment.state.clone());
    let home = State::new(state.clone()).for_filter()?.home;
    let context = &context.with_folders(home, state);
    match &args.command {
        GitCommand::Clean { any, path } => {
            let mut filter = Filter::new(context, *any)?;
            let input = contents(&mut io::stdin().lock(), filter.size_of(path))
                .map_err(|error| CommandError::new(format!("cannot read the content: {error}")))?;
            let staged = filter.clean(path, input)?;
            context.report.raw(&staged)?;
        }
        GitCommand::Textconv { file } => {
            let mut cleaner = Cleaner::new(State::new(context.environment.state.clone()));
            cleaner.look()?;
            let failed = |source| CommandError::file("read it", file, &source);
            let size = fs::metadata(file).map_or(0, |metadata| metadata.len());
            let mut opened = fs::File::open(file).map_err(failed)?;
            let content = contents(&mut opened, usize::try_from(size).unwrap_or_default()).map_err(failed)?;
            context.report.raw(&plain(&cleaner.close(None, content)))?;
        }
        GitCommand::FilterProcess { any } => process::run(&context.report, &mut Filter::new(context, *any)?)?,
    }
    Ok(Exit::Done)
}

/// Reads all there is, which may hold a secret, into a buffer that leaves no copy behind when it grows.
fn contents(stream: &mut impl Read, about: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(Vec::with_capacity(about));
    let mut piece = Zeroizing::new(vec![0; 1 << 16]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return Ok(content),
            Ok(count) => packet::append(&mut content, piece.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
