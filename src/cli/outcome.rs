//! Says what a render or an unrender did, and whether something of it is left to the user (exit 3).

use super::exit::Exit;
use super::hints;
use super::naming;
use super::report::{GOOD, Report, Text, Warning, clean, count};
use super::typed::Typed;
use crate::error::Place;
use crate::journal::Lease;
use crate::session::{Closed, Outcome, Owed, Rendered, Seen, Target, Unrendered};
use std::path::{Path, PathBuf};

/// This many refused slots are reported one by one.
const MANY: usize = 5;

/// Says what a render did.
pub(super) fn rendered(report: &Report, target: &Target, rendered: &Rendered) -> Exit {
    let shown = report.path(&target.path);
    let filled = count(rendered.slots, "slot");
    let verb = match (rendered.changed, rendered.slots) {
        (true, _) => "rendered",
        (false, 0) => "unchanged",
        (false, _) => "already rendered",
    };
    let mut text = Text::new().styled(GOOD, verb).plain(format_args!(" {shown}: {filled} filled"));
    if rendered.wrapped > 0 {
        text = text.plain(format_args!(", {} wrapped", rendered.wrapped));
    }
    if rendered.holders > 1 {
        text = text.plain(format_args!(", held by {}", rendered.holders));
    }
    report.note(text);
    render_warnings(report, target, rendered)
}

/// The warnings of a render.
pub(super) fn render_warnings(report: &Report, target: &Target, rendered: &Rendered) -> Exit {
    let place = |pointer: &crate::document::Pointer| Some(Place::file(&target.path).slot(pointer.as_str()));
    for root in &rendered.protected {
        let root = report.path(root);
        report.note(Text::new().plain(format_args!(
            "only some branches told git to ignore this file: .git/info and the config of {root} now say so too; \
             `keystencil uninstall git` undoes that"
        )));
    }
    if let Some(backup) = &rendered.backup {
        let show = Typed::ours("vault backups show").operand(backup);
        let what = format!(
            "{} of yours replaced; the file as it was is in the vault: `{show}`",
            count(rendered.replaced.len(), "value")
        );
        report.note(Text::new().plain(what));
    }
    for conflict in &rendered.conflicts {
        let (message, hint) = match conflict.is_other_kind {
            false => (
                "there is a value of yours where the template has a reference; it stays",
                "store it with `keystencil secret set`, then render with `--on-conflict replace`",
            ),
            true => (
                "there is an object or a list of yours where the template has something of another kind; it stays",
                "change the template; or, if you need nothing of yours, render with `--on-conflict replace`",
            ),
        };
        report.warning(&Warning {
            message: message.to_owned(),
            place: place(&conflict.pointer),
            hint: Some(hint.to_owned()),
        });
    }
    for pointer in &rendered.drifted {
        report.warning(&Warning {
            message: "this slot was changed while it was rendered; the change is kept".to_owned(),
            place: place(pointer),
            hint: Some("if it is a new key, store it with `keystencil secret set`".to_owned()),
        });
    }
    for pointer in &rendered.foreign {
        report.warning(&Warning {
            message: "there is a secret here in plain text that keystencil did not put there; it stays".to_owned(),
            place: place(pointer),
            hint: Some("put a reference into the template for it, or remove it by hand".to_owned()),
        });
    }
    let refused = rendered.refused.len();
    for (index, flow) in rendered.refused.iter().enumerate().take(MANY) {
        let is_last = index + 1 == refused.min(MANY);
        let more = if refused > MANY { format!(" (and {} more)", refused - MANY) } else { String::new() };
        report.warning(&Warning {
            message: match flow.is_start() {
                true => format!("refused: `{}` may not be started, so it is not merged", shortened(&flow.starts())),
                false => format!(
                    "`{}` may not go to {}: the slot stays closed",
                    shortened(&flow.text),
                    shortened(&flow.destination)
                ),
            },
            place: place(&flow.pointer),
            hint: is_last.then(|| format!("look at it and allow it with `keystencil allow`{more}")),
        });
    }
    for (pointer, why) in &rendered.unwrappable {
        report.warning(&Warning {
            message: format!("its server can't be wrapped, so the slot stays closed: {why}"),
            place: place(pointer),
            hint: Some(hints::unwrappable(why)),
        });
    }
    for (pointer, reason) in &rendered.warnings {
        report.warning(&Warning { message: reason.clone(), place: place(pointer), hint: None });
    }
    if rendered.lock_ignored {
        report.warning(&lock_ignored(&target.path));
    }
    let is_left = [
        rendered.lock_ignored,
        !rendered.refused.is_empty(),
        !rendered.unwrappable.is_empty(),
        !rendered.conflicts.is_empty(),
        !rendered.drifted.is_empty(),
        !rendered.foreign.is_empty(),
    ];
    Exit::attention(is_left.contains(&true))
}

/// A text of the template's in a sentence.
fn shortened(text: &impl std::fmt::Display) -> String {
    let text = text.to_string();
    if text.chars().count() <= 60 { text } else { text.chars().take(59).chain(['…']).collect() }
}

/// Says what an unrender did.
pub(super) fn unrendered(report: &Report, unrendered: &Unrendered) -> Exit {
    let shown = report.path(&unrendered.path);
    match &unrendered.outcome {
        Outcome::NotRendered => {
            report.note(Text::new().plain(format_args!("{shown} is not rendered")));
            Exit::Done
        }
        Outcome::Held(leases) => {
            let holders = leases.iter().map(holder).collect::<Vec<_>>().join(", ");
            report.note(Text::new().plain(format_args!("{shown} stays rendered: held by {holders}")));
            Exit::Done
        }
        Outcome::Closed(closed) => {
            let secrets = count(closed.removed, "secret");
            report.note(Text::new().styled(GOOD, "unrendered").plain(format_args!(" {shown}: {secrets} taken out")));
            closed_warnings(report, &unrendered.path, closed)
        }
    }
}

/// The warnings of an unrender.
pub(super) fn closed_warnings(report: &Report, target: &Path, closed: &Closed) -> Exit {
    for pointer in &closed.moved {
        report.detail(Text::new().plain(format_args!("a secret had moved to {pointer} and was taken out there")));
    }
    for copy in &closed.scrubbed {
        report.detail(Text::new().plain(format_args!("secrets were taken out of {}", report.path(copy))));
    }
    for copy in &closed.elsewhere {
        let shown = report.path(copy);
        report.note(
            Text::new().plain(format_args!("secrets were taken out of {shown} too: a copy of {}", report.path(target))),
        );
    }
    if let Some(lost) = &closed.lost {
        report.warning(&lost_warning(report, target, lost.secrets, lost.looked.iter().map(PathBuf::as_path)));
        for path in &lost.suspected {
            report.warning(&Warning {
                message: "one of them is in this file, which is not a copy of it; the file was left as it is"
                    .to_owned(),
                place: Some(Place::file(path)),
                hint: Some("if you did not put it there, remove it by hand".to_owned()),
            });
        }
    }
    for pointer in &closed.changed {
        report.warning(&Warning {
            message: "this slot was changed while it was rendered; the change is kept".to_owned(),
            place: Some(Place::file(target).slot(pointer.as_str())),
            hint: Some("if it is a new key, store it with `keystencil secret set`".to_owned()),
        });
    }
    for pointer in &closed.missing {
        report.warning(&Warning {
            message: "the secret that was filled in here is gone, and is too short to be searched for".to_owned(),
            place: Some(Place::file(target).slot(pointer.as_str())),
            hint: Some(
                "if its server was renamed or moved, look for the secret there and remove it by hand".to_owned(),
            ),
        });
    }
    for copy in &closed.unscrubbed {
        report.warning(&Warning {
            message: "this copy may contain secrets and can't be rewritten".to_owned(),
            place: Some(Place::file(copy)),
            hint: Some("delete it, or make it writable and look for keys in it".to_owned()),
        });
    }
    if let Some(warning) = seen_warning(report, &closed.seen) {
        report.warning(&warning);
    }
    if closed.damaged {
        report.warning(&Warning {
            message: "the target is no longer a JSON object; the secrets were removed anyway".to_owned(),
            place: Some(Place::file(target)),
            hint: Some("repair it by hand".to_owned()),
        });
    }
    if closed.lock_ignored {
        report.warning(&lock_ignored(target));
    }
    Exit::attention(
        closed.damaged
            || closed.lock_ignored
            || closed.lost.is_some()
            || !closed.seen.files.is_empty()
            || !(closed.changed.is_empty() && closed.missing.is_empty() && closed.unscrubbed.is_empty()),
    )
}

/// Says what a host has noted of the secrets; `None` if nothing.
pub(super) fn seen_warning(report: &Report, seen: &Seen) -> Option<Warning> {
    let first = seen.files.first()?;
    let names: Vec<String> = seen.secrets.iter().map(|secret| naming::of_placeholder(secret)).collect();
    let more = if seen.files.len() > 1 { format!(" and {} more", seen.files.len() - 1) } else { String::new() };
    let part = if seen.is_partial { "; not all that it keeps was searched" } else { "" };
    let stand = if names.len() == 1 { "stands" } else { "stand" };
    let (names, path) = (clean(&names.join(", ")), report.path(first));
    Some(Warning {
        message: format!("{names} {stand} in what the program keeps of its sessions: {path}{more}{part}"),
        place: None,
        hint: Some(hints::sessions::seen(seen.secrets.iter().map(String::as_str))),
    })
}

/// Says that what was filled into a target was not found again.
pub(super) fn lost_warning<'p>(
    report: &Report,
    target: &Path,
    secrets: usize,
    looked: impl Iterator<Item = &'p Path>,
) -> Warning {
    Warning {
        message: format!(
            "{} filled in here and not found again: the file was moved, replaced or deleted",
            count(secrets, "secret")
        ),
        place: Some(Place::file(target)),
        hint: Some(lost_hint(report, target, looked)),
    }
}

/// Reports what of earlier renders was still not found. `before` is what a command reported at its start: what it
/// did not find itself has been said.
pub(super) fn say_owed<'o>(report: &Report, before: &[Owed], owed: impl IntoIterator<Item = &'o Owed>) -> Exit {
    let owed: Vec<&Owed> = owed.into_iter().collect();
    for owed in owed.iter().filter(|owed| before.iter().any(|known| known.journal.key == owed.journal.key)) {
        report.warning(&lost_warning(report, &owed.journal.target, owed.secrets(), owed.looked()));
    }
    Exit::attention(!owed.is_empty())
}

/// What to do about it.
pub(super) fn lost_hint<'p>(report: &Report, target: &Path, looked: impl Iterator<Item = &'p Path>) -> String {
    let looked: Vec<String> = looked.map(|folder| report.path(folder)).collect();
    let looked = if looked.is_empty() {
        "nowhere, because its folder is gone".to_owned()
    } else {
        format!("in {}", looked.join(", "))
    };
    format!(
        "looked {looked}. Was it moved? Move it back, then `keystencil recover`. \
         Was it deleted, with its keys? `{}`",
        Typed::ours("unrender --forget").option("--to", target)
    )
}

/// A holder as the user knows it.
pub(super) fn holder(lease: &Lease) -> String {
    let process = match (&lease.pid, &lease.program) {
        (None, _) => "you, until `keystencil unrender`".to_owned(),
        (Some(pid), Some(program)) if !program.is_empty() => format!("{program} (process {pid})"),
        (Some(pid), _) => format!("process {pid}"),
    };
    match &lease.session {
        Some(session) => format!("{process}, session {session}"),
        None => process,
    }
}

fn lock_ignored(target: &Path) -> Warning {
    Warning {
        message: "the program this file belongs to held its lock for too long; the lock was ignored".to_owned(),
        place: Some(Place::file(target)),
        hint: Some("check whether that program hangs, and whether the file is intact".to_owned()),
    }
}
