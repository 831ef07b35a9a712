//! `keystencil run`.

mod byhand;
mod masked;
mod served;
mod start;

use crate::cli::context::Context;
use crate::cli::delivering::complain;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::plan::wrap::For;
use byhand::Line;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// Start a program with secrets in its environment, and in no file
///
/// References in the variables and arguments are filled as the program starts, and
/// keystencil becomes that program: nothing of it stays, standard input and output
/// are the program's own.
///
///     TOKEN="<< keyring('github') >>" keystencil run -- gh api user
///     keystencil run --env-file .env -- npm test
///
/// At a terminal you are asked once: this program, these arguments, this folder,
/// these references. Without a terminal only what you allowed so is filled.
/// KEYSTENCIL_GRANTS=off does without, but not below an AI tool.
///
/// With --for, a host starts a server so, and its config says it: what is started
/// is compared with what you allowed for that server, as a whole. Of the
/// environment, only the variables of the server are filled, and variables that
/// steer programs (NODE_OPTIONS, LD_PRELOAD and such) go on only if you had them
/// then. Nothing is ever asked.
///
/// Exit status: that of the program; 127 if there is no such program, 126 if it
/// can't be run, 125 if keystencil failed before it was started.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct RunArgs {
    /// The server that is started: a target of the config, and the place in it, as in `claude:/mcpServers/github`
    #[arg(long = "for", value_name = "TARGET:POINTER", conflicts_with_all = ["env_files", "mask"])]
    server: Option<For>,
    /// The server had no list of arguments before it was wrapped; for whoever unwraps it, and nothing to `run`
    #[arg(long, hide = true, requires = "server")]
    bare: bool,
    /// A file of variables, `NAME=value` a line, with references; may be given more than once, and the last one counts
    #[arg(long = "env-file", value_name = "FILE")]
    env_files: Vec<PathBuf>,
    /// Take the secrets out of what the program prints: for logs and CI. It then writes to a pipe and not to a terminal
    #[arg(long)]
    mask: bool,
    /// The program and its arguments
    #[arg(value_name = "CMD", required = true, last = true)]
    command: Vec<OsString>,
}

pub(in crate::cli) fn run(context: &Context, args: &RunArgs) -> Result<Exit, CommandError> {
    match &args.server {
        Some(server) => Ok(served::run(context, server, &args.command).unwrap_or_else(|failed| {
            complain(context, server, &failed.error);
            failed.exit
        })),
        None => {
            let line = Line { env_files: &args.env_files, mask: args.mask, command: &args.command };
            Ok(byhand::run(context, line).unwrap_or_else(|failed| {
                context.report.error(&failed.error);
                failed.exit
            }))
        }
    }
}
