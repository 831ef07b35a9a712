//! Renders several targets as one act: all are checked, all secrets are asked for at once, and nothing is written
//! unless every target can be. Used by `render` and `exec`.

use super::error::CommandError;
use crate::plan::OnConflict;
use crate::session::{Release, RenderOptions, Rendered, Session, Target};
use crate::template::Blueprint;

/// A target and what its render did.
pub(super) type Done = (Target, Rendered);

/// Asks the stores for everything the targets need, over one connection.
///
/// # Errors
/// Every target that has no blueprint, and every secret that is missing.
pub(super) fn prepare(session: &Session<'_>, targets: &[Target]) -> Result<(), CommandError> {
    let mut errors = Vec::new();
    let mut ready: Vec<(&Target, Blueprint)> = Vec::new();
    for target in targets {
        // A single render checks its target itself before it writes.
        let checked = if targets.len() > 1 { session.preview(target, OnConflict::Keep).map(drop) } else { Ok(()) };
        let fit = |blueprint: Blueprint| match blueprint.slots.is_empty() {
            true => Ok(blueprint),
            false => session.refuse_committable(target).map(|()| blueprint),
        };
        let in_file = |blueprint| session.filled(target, blueprint);
        match checked.and_then(|()| session.blueprint(target)).and_then(in_file).and_then(fit) {
            Ok(blueprint) => ready.push((target, blueprint)),
            Err(error) => errors.push(error.into()),
        }
    }
    if let Some(error) = CommandError::several(errors) {
        return Err(error);
    }
    session.ask_for(&ready)?;
    // A render that lacks a secret ends before it writes anything, and knows where the template asks for it.
    let lacking = ready.iter().filter_map(|(target, blueprint)| session.check_values(target, blueprint).err());
    CommandError::several(lacking.map(CommandError::from)).map_or(Ok(()), Err)
}

/// Renders all targets; those rendered before one fails are taken back.
///
/// # Errors
/// The first [`CommandError`].
pub(super) fn render_all(
    session: &Session<'_>,
    targets: &[Target],
    options: &RenderOptions,
) -> Result<Vec<Done>, CommandError> {
    let mut done: Vec<Done> = Vec::new();
    let mut newly_held = Vec::new();
    for target in targets {
        let held = session.journal(&target.path).ok().flatten();
        let is_held = held.is_some_and(|held| held.leases.iter().any(|lease| lease.same_holder(&options.holder)));
        match session.render(target, options) {
            Ok(rendered) => done.push((target.clone(), rendered)),
            Err(error) => {
                for path in newly_held {
                    // If this fails too, the journal keeps what is owed, and `recover` or `unrender` pays it.
                    let _ = session.unrender(path, &Release::Holder(options.holder.clone()));
                }
                return Err(error.into());
            }
        }
        if !is_held {
            newly_held.push(target.path.as_path());
        }
    }
    Ok(done)
}
