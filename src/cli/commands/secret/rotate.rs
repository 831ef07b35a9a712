//! `keystencil secret rotate`.

use super::{NameArgs, ValueArgs, ValueError, refuse_foreign};
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::exposed;
use crate::cli::hints;
use crate::cli::recovery::recover;
use crate::cli::report::{GOOD, Text, Warning, count, warning};
use crate::cli::revocation::{self, Revocation};
use crate::cli::typed::Typed;
use crate::cli::usage::Usage;
use crate::error::{Explain as _, Place};
use crate::secret::{Query, Secret, SecretName};
use crate::session::{Refilled, Session, SessionError, TargetStatus};
use crate::store::{StoreError, StoreKind};
use crate::template::{Reference, Source};
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Replace a secret with a new one everywhere
///
/// Takes the new value as `keystencil secret set` does, stores it in place of the
/// old one, and updates every file that is rendered now. The files stay rendered,
/// and the old value is removed from them and from their copies. Programs that are
/// running have read the old value already: make them read the file again (/mcp in
/// Claude Code).
///
/// Then revoke the old key where you got it. If a rotation was interrupted, run it
/// again with the same value.
///
/// Examples:
///
///     keystencil secret rotate openai
///     keystencil secret rotate github --account work --from-file new.txt
///     new-key-command | keystencil secret rotate openai
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct RotateArgs {
    #[command(flatten)]
    name: NameArgs,
    #[command(flatten)]
    value: ValueArgs,
    /// Report as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// A rendered file, and what came of bringing the new value into it.
type Refill = (PathBuf, Result<Option<Refilled>, SessionError>);

pub(super) fn run(workplace: &Workplace<'_>, args: &RotateArgs) -> Result<Exit, CommandError> {
    args.value.check()?;
    let (report, name) = (workplace.report(), args.name.name()?);
    let stores = &workplace.lookup.stores;
    let (found, old) = stores.get(&name).map_err(|error| error.near(&Usage::of(workplace).names()))?;
    let mut entries = stores.survey(std::slice::from_ref(&name)).entries;
    entries.retain(|entry| entry.name == name);
    refuse_foreign(&entries)?;
    let new = args.value.read(report, &name)?;
    if new == old {
        return finish(workplace, args, &name, found, &new);
    }
    let revoke = revocation::of(&name, Some(&old));
    let mut others: Vec<StoreKind> = entries.iter().map(|entry| entry.store).filter(|kind| *kind != found).collect();
    others.dedup();
    workplace.session(|session| {
        let recovery = recover(report, session);
        // A state folder that can't be read is better known before anything is changed.
        let before = holding(workplace, session, &name)?;
        stores.store(found).set(&name, &new)?;
        exposed::forget(&session.state, &name);
        // From here on nothing is undone: the new value is stored, and what did not get it is said.
        let failed = others.iter().filter_map(|kind| Some((*kind, stores.store(*kind).set(&name, &new).err()?)));
        let failed: Vec<(StoreKind, StoreError)> = failed.collect();
        let rendered = holding(workplace, session, &name).unwrap_or(before);
        let refills = refill(session, rendered);
        if args.json {
            report.json(&as_json(&name, found, &refills, revoke.as_ref()))?;
        } else {
            report.note(Text::new().styled(GOOD, "replaced").plain(format_args!(" {name} in the {found}")));
        }
        let mut exit = Exit::attention(!failed.is_empty());
        for (kind, error) in failed {
            let (place, hint) = (error.place(), hints::of(&error));
            report.warning(&Warning {
                place,
                hint,
                ..warning(format_args!("the {kind} keeps its old value: {error}"))
            });
        }
        for refill in &refills {
            exit = exit.and(say(workplace, refill, args.json));
        }
        tell_owed(workplace, session, &name);
        if let Some(known) = revoke.filter(|_| !args.json) {
            report.note(Text::new().plain(format_args!("now revoke the old key: {}, {}", known.provider, known.url)));
        }
        args.value.tell_leftovers(report);
        recovery.then(report, Ok(exit))
    })
}

/// The value is stored already: a rotation that was stopped may have left files that hold the one before.
///
/// # Errors
/// [`ValueError::Same`] if there is none, which makes it a slip of the pen.
fn finish(
    workplace: &Workplace<'_>,
    args: &RotateArgs,
    name: &SecretName,
    found: StoreKind,
    value: &Secret,
) -> Result<Exit, CommandError> {
    let report = workplace.report();
    workplace.session(|session| {
        let mut behind = Vec::new();
        for path in holding(workplace, session, name)? {
            if session.is_behind(&path, name, value)? {
                behind.push(path);
            }
        }
        if behind.is_empty() {
            return Err(ValueError::Same.into());
        }
        let recovery = recover(report, session);
        let refills = refill(session, behind);
        if args.json {
            report.json(&as_json(name, found, &refills, None))?;
        }
        let exit = refills.iter().fold(Exit::Done, |exit, refill| exit.and(say(workplace, refill, args.json)));
        args.value.tell_leftovers(report);
        recovery.then(report, Ok(exit))
    })
}

/// Says how to end what is owed of the old value: a new one does not make it worthless, its revocation does.
fn tell_owed(workplace: &Workplace<'_>, session: &Session<'_>, name: &SecretName) {
    let mut owed = session.state.owed().unwrap_or_default();
    owed.retain(|owed| owed.journal.secrets().any(|(placeholder, _)| is_of(placeholder, name)));
    let mut targets: Vec<&Path> = owed.iter().map(|owed| owed.journal.target.as_path()).collect();
    targets.dedup();
    for target in targets {
        let (report, command) = (workplace.report(), Typed::ours("unrender --forget").option("--to", target));
        let path = report.path(target);
        let text = format!(
            "the old value that was not found again in {path} counts as gone with `{command}`, \
             once it is revoked"
        );
        report.note(Text::new().plain(text));
    }
}

/// Whether a placeholder refers to a secret.
fn is_of(placeholder: &str, name: &SecretName) -> bool {
    let source = Reference::parse(placeholder).map(|reference| reference.source);
    source.as_ref().and_then(Source::query).and_then(Query::name) == Some(name)
}

fn refill(session: &Session<'_>, paths: Vec<PathBuf>) -> Vec<Refill> {
    let refill = |path: PathBuf| {
        let refilled = session.refill(&path);
        (path, refilled)
    };
    paths.into_iter().map(refill).collect()
}

/// The rendered files that hold the secret.
fn holding(workplace: &Workplace<'_>, session: &Session<'_>, name: &SecretName) -> Result<Vec<PathBuf>, CommandError> {
    let is_it = |placeholder: &String| is_of(placeholder, name);
    let holds = |status: &TargetStatus| status.since.is_some() && status.secrets.iter().any(is_it);
    let all = session.status(&workplace.config.targets)?;
    Ok(all.into_iter().filter(holds).map(|status| status.path).collect())
}

/// Says what came of one file; nothing but warnings if the rest is said as JSON.
fn say(workplace: &Workplace<'_>, (path, refilled): &Refill, is_told: bool) -> Exit {
    let report = workplace.report();
    let shown = report.path(path);
    let refilled = match refilled {
        Ok(Some(refilled)) => refilled,
        Ok(None) => return Exit::Done,
        Err(error) => {
            let command = Typed::ours("unrender --all").option("--to", path);
            let hint = format!("take it out with `{command}`, then render again");
            report.warning(&Warning {
                message: format!("{shown} still holds the old value: {error}"),
                place: error.place(),
                hint: Some(hint),
            });
            return Exit::Attention;
        }
    };
    if !is_told {
        let (slots, holders) = (count(refilled.slots, "slot"), count(refilled.holders, "holder"));
        let text =
            Text::new().styled(GOOD, "rendered anew").plain(format_args!(" {shown}: {slots}, {holders} as before"));
        report.note(text);
    }
    for pointer in &refilled.lost {
        report.warning(&Warning {
            message: "this slot was moved or changed while it was rendered, and did not get the new value".to_owned(),
            place: Some(Place::file(path).slot(pointer.as_str())),
            hint: Some("`keystencil render` brings it back to where the template has it".to_owned()),
        });
    }
    for copy in &refilled.unscrubbed {
        report.warning(&copy_warning(copy));
    }
    Exit::attention(!(refilled.lost.is_empty() && refilled.unscrubbed.is_empty()) || refilled.lock_ignored)
}

fn copy_warning(copy: &Path) -> Warning {
    Warning {
        message: "this copy may hold the old value and can't be rewritten".to_owned(),
        place: Some(Place::file(copy)),
        hint: Some("delete it, or make it writable and look for keys in it".to_owned()),
    }
}

fn as_json(name: &SecretName, store: StoreKind, refills: &[Refill], revoke: Option<&Revocation>) -> serde_json::Value {
    let target = |(path, refilled): &Refill| {
        let done = refilled.as_ref().ok().and_then(Option::as_ref);
        json!({
            "path": path.display().to_string(),
            "slots": done.map(|refilled| refilled.slots),
            "holders": done.map(|refilled| refilled.holders),
            "lost": done.map(|refilled| refilled.lost.iter().map(ToString::to_string).collect::<Vec<_>>()),
            "error": refilled.as_ref().err().map(ToString::to_string),
        })
    };
    json!({
        "name": name.service(),
        "account": name.account(),
        "store": store.to_string(),
        "revoke": revoke.map(|known| json!({ "provider": known.provider, "url": known.url })),
        "targets": refills.iter().map(target).collect::<Vec<_>>(),
    })
}
