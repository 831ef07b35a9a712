//! `allow --revoke`: for targets, for commands by hand, for everything.

use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{Report, Text, Warning, count, warning};
use crate::document::{Pointer, PointerError};
use crate::error::Explain as _;
use crate::session::{Revoked, Session, Target};

/// Takes everything back.
pub(super) fn everything(workplace: &Workplace<'_>, session: &Session<'_>) -> Result<Exit, CommandError> {
    let revoked = session.revoke_all()?;
    let report = workplace.report();
    report.note(Text::new().plain(format_args!("took back {}", count(revoked.gone, "grant"))));
    Ok(doubtful(report, &revoked))
}

/// Takes commands back that were run by hand.
pub(super) fn runs(workplace: &Workplace<'_>, session: &Session<'_>, ids: &[String]) -> Result<Exit, CommandError> {
    let revoked = session.revoke_runs(|run| ids.contains(&run.id()))?;
    let report = workplace.report();
    report.note(Text::new().plain(format_args!("took back {}", count(revoked.gone, "command"))));
    Ok(doubtful(report, &revoked).and(Exit::attention(revoked.gone == 0)))
}

/// Takes back what was allowed for targets, or for some of their slots and servers.
pub(super) fn targets(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    targets: &[Target],
    slots: &[String],
) -> Result<Exit, CommandError> {
    let slots: Vec<Pointer> =
        slots.iter().map(|slot| Pointer::parse(slot)).collect::<Result<_, _>>().map_err(|error: PointerError| {
            CommandError::new(error.to_string())
                .hint("write it as `keystencil allow --list` shows it: /mcpServers/github/env/TOKEN")
        })?;
    let (report, mut gone, mut exit) = (workplace.report(), 0, Exit::Done);
    for target in targets {
        let revoked = session
            .revoke(&target.path, |grant| slots.is_empty() || slots.iter().any(|slot| grant.pointer.is_within(slot)))?;
        exit = exit.and(doubtful(report, &revoked));
        gone += revoked.gone;
    }
    report.note(Text::new().plain(format_args!("took back {}", count(gone, "grant"))));
    for target in targets {
        if session.journal(&target.path)?.is_some() {
            let path = report.path(&target.path);
            report.note(
                Text::new().plain(format_args!("{path} is rendered: `keystencil unrender` takes out what is in it")),
            );
        }
    }
    Ok(exit.and(Exit::attention(gone == 0)))
}

/// Says of which stores an old record may come back.
fn doubtful(report: &Report, revoked: &Revoked) -> Exit {
    for (kind, error) in &revoked.doubtful {
        report.warning(&Warning {
            place: error.place(),
            hint: Some("when it answers, take back any one grant, or `keystencil allow --revoke --all`".to_owned()),
            ..warning(format_args!(
                "the {kind} keeps its old key, so an old copy of what was taken back counts: {error}"
            ))
        });
    }
    Exit::attention(!revoked.doubtful.is_empty())
}
