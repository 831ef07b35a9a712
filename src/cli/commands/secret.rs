//! `keystencil secret`: what the stores hold.

mod get;
mod list;
mod name;
mod relocate;
mod rm;
mod rotate;
mod set;
mod value;

use name::{NameArgs, refuse_foreign};
use value::ValueArgs;
pub(in crate::cli) use value::ValueError;

use crate::cli::context::Context;
use crate::cli::environment::is_interactive;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use clap::{Args, Subcommand};

/// Store, show, list, move, rotate, and remove secrets
///
/// A secret has a name, which is the service it is for, and an account, for people
/// with several keys for one service. A template refers to it as
/// << keyring('NAME') >> or << keyring('NAME', 'ACCOUNT') >>.
///
/// Secrets are kept in the keyring of the operating system, or if there is none, in
/// the vault, an encrypted age file that only you can read. --store chooses one of
/// them.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct SecretArgs {
    #[command(subcommand)]
    command: SecretCommand,
}

#[derive(Debug, Subcommand)]
enum SecretCommand {
    Set(set::SetArgs),
    Get(get::GetArgs),
    List(list::ListArgs),
    Rm(rm::RmArgs),
    Move(relocate::MoveArgs),
    Rotate(rotate::RotateArgs),
}

pub(in crate::cli) fn run(context: &Context, args: &SecretArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?;
    match &args.command {
        SecretCommand::Set(args) => set::run(&workplace, args),
        SecretCommand::Get(args) => get::run(&workplace, args),
        SecretCommand::List(args) if !is_interactive() => list::run(&workplace.looking(), args),
        SecretCommand::List(args) => list::run(&workplace, args),
        SecretCommand::Rm(args) => rm::run(&workplace, args),
        SecretCommand::Move(args) => relocate::run(&workplace, args),
        SecretCommand::Rotate(args) => rotate::run(&workplace, args),
    }
}
