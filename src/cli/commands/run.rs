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
/// References in the variables and arguments are filled in as the program starts,
/// and keystencil becomes that program. Nothing of keystencil stays; standard input
/// and output are the program's own.
///
///     TOKEN="<< keyring('github') >>" keystencil run -- gh api user
///     keystencil run --env-file .env -- npm test
///
/// At a terminal you are asked once for this program, these arguments, this folder
/// and these references. Elsewhere, only what you have allowed is filled in.
/// KEYSTENCIL_GRANTS=off turns the question off, but not below an AI tool.
///
/// With --for, a host starts a server in this way, as written in its config. What
/// is started is compared as a whole with what you allowed for that server. Of the
/// environment, only the variables of the server are filled in. Variables that
/// steer programs (NODE_OPTIONS, LD_PRELOAD and such) are passed on only if you had
/// them when you allowed it. Nothing is ever asked.
///
/// Exit status: that of the program; 127 if the program is not found, 126 if it
/// can't be run, 125 if keystencil failed before starting it.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct RunArgs {
    /// The server to start: a target of the config and the place in it, as in `claude:/mcpServers/github`
    #[arg(long = "for", value_name = "TARGET:POINTER", conflicts_with_all = ["env_files", "mask"])]
    server: Option<For>,
    /// The server had no list of arguments before it was wrapped; used when it is unwrapped, and ignored by `run`
    #[arg(long, hide = true, requires = "server")]
    bare: bool,
    /// A file of variables with references, one `NAME=value` per line; may be repeated, and the last value wins
    #[arg(long = "env-file", value_name = "FILE")]
    env_files: Vec<PathBuf>,
    /// Remove the secrets from the output of the program, for logs and CI. The program then writes to a pipe, not a terminal
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
