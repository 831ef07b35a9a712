//! `keystencil purge`: this machine is not to be trusted any more.
//!
//! It shows what it is going to do, asks, and continues after an error: what can be removed is removed, and what is
//! left is said.

mod doing;
mod plan;

use crate::cli::context::Context;
use crate::cli::environment::is_interactive;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::Text;
use clap::Args;
use doing::Done;
use plan::Plan;
use serde_json::json;

/// Remove every key from a machine that may be compromised
///
/// Removes the secrets from every rendered file, even while programs hold it.
/// Deletes from the stores what your templates use and what keystencil has stored.
/// Says where to revoke each known key. Do revoke them: anyone who had access to
/// the machine may have read them.
///
/// Entries that another program made are listed, and stay unless --foreign is
/// given. Shows the plan and asks first. Continues after an error; exit status 3
/// means that something is left.
///
/// Examples:
///
///     keystencil purge --dry-run          only show what would be removed
///     keystencil purge
///     keystencil purge --yes --foreign    everything, without asking
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct PurgeArgs {
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Show the plan and change nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Also delete entries of other programs that a template uses
    #[arg(long)]
    foreign: bool,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &PurgeArgs) -> Result<Exit, CommandError> {
    let report = &context.report;
    // A broken config must not keep keys on the machine.
    let workplace = context.open_anyhow();
    let plan = Plan::make(&workplace, args.foreign)?;
    plan.warn(report);
    if args.dry_run || !args.json {
        if args.json {
            report.json(&plan.as_json(&workplace, None))?;
        } else {
            report.out(&plan.shown(&workplace))?;
        }
    }
    if args.dry_run {
        return Ok(Exit::attention(plan.is_doubtful()));
    }
    if plan.is_empty() {
        let closed = doing::close_vault(&plan).and(doing::forget_deliveries(&workplace));
        if args.json {
            report.json(&json!({ "rendered": [], "entries": [], "revoke": [] }))?;
        }
        return Ok(match closed {
            Ok(()) => Exit::attention(plan.is_doubtful()),
            Err(error) => {
                report.error(&error);
                Exit::Attention
            }
        });
    }
    if !args.yes {
        let asked = is_interactive() && report.ask_yes(&Text::new().plain("Remove all of this from this machine?"))?;
        if !asked {
            return Err(CommandError::not_confirmed("nothing was removed"));
        }
    }
    let done = Done::carry_out(&workplace, &plan);
    if args.json {
        report.json(&plan.as_json(&workplace, Some(&done)))?;
    }
    done.tell(report, &plan);
    Ok(Exit::attention(!done.is_whole() || plan.is_doubtful()))
}
