//! `keystencil unlock` and `keystencil lock`.

use crate::cli::context::Context;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::report::{GOOD, Text, count};
use crate::store::{KeptIn, vault::LONGEST_UNLOCK};
use clap::Args;
use std::time::Duration;

/// Unlock the vault for a while, asking for its passphrase once
///
/// For a vault whose identity has a passphrase: an age identity protected by
/// `keystencil vault rekey --passphrase` or `age -p`, or an ssh key. While it is
/// locked, every command that needs a key asks for the passphrase at a terminal,
/// and fails where there is none, in a hook for example.
///
/// The opened identity is kept in the kernel's keyring, or in a private file in
/// $XDG_RUNTIME_DIR if there is no kernel keyring. It is gone after the given time,
/// after `keystencil lock`, and when the machine restarts.
///
/// Examples:
///
///     keystencil unlock --for 8h
///     keystencil unlock --for 30m
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct UnlockArgs {
    /// How long: a number with m, h or d, at most 7d
    #[arg(long = "for", value_name = "TIME", default_value = "8h", value_parser = duration)]
    limit: Duration,
}

/// Lock the vault again
///
/// Forgets what `keystencil unlock` keeps. A vault whose identity has no passphrase
/// can't be locked.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct LockArgs {}

pub(in crate::cli) fn unlock(context: &Context, args: &UnlockArgs) -> Result<Exit, CommandError> {
    let workplace = context.open()?;
    let report = workplace.report();
    let Some(kept) = workplace.lookup.stores.vault().unlock(args.limit)? else {
        let text = "the vault's identity has no passphrase: there is nothing to unlock. \
                    `keystencil vault rekey --passphrase` gives it one";
        report.note(Text::new().plain(text));
        return Ok(Exit::Done);
    };
    let place = match kept {
        KeptIn::Kernel => "the kernel's keyring".to_owned(),
        KeptIn::File(path) => report.path(&path),
    };
    let text = format_args!(" the vault for {}, in {place}", shown(args.limit)).to_string();
    report.note(Text::new().styled(GOOD, "unlocked").plain(text));
    Ok(Exit::Done)
}

pub(in crate::cli) fn lock(context: &Context, _: &LockArgs) -> Result<Exit, CommandError> {
    let workplace = context.open_anyhow();
    let text = if workplace.lookup.stores.vault().forget()? {
        Text::new().styled(GOOD, "locked").plain(" the vault")
    } else {
        Text::new().plain("the vault was not unlocked")
    };
    workplace.report().note(text);
    Ok(Exit::Done)
}

/// `90s`, `30m`, `8h`, `7d`, or several of them one after another: `1h30m`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "give a time such as 8h, 30m or 1h30m".to_owned();
    let mut seconds: u64 = 0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let unit_ends = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_ends);
        let unit = match unit.trim() {
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 60 * 60,
            "d" | "day" | "days" => 24 * 60 * 60,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        seconds = number.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(wrong)?;
        rest = tail;
    }
    let limit = Duration::from_secs(seconds);
    match limit {
        Duration::ZERO => Err(wrong()),
        _ if limit > LONGEST_UNLOCK => Err("a vault is unlocked for 7 days at most".to_owned()),
        _ => Ok(limit),
    }
}

/// `8 hours`, `90 minutes`: in the largest unit that tells it exactly.
fn shown(limit: Duration) -> String {
    let seconds = usize::try_from(limit.as_secs()).unwrap_or(usize::MAX);
    let units = [(24 * 60 * 60, "day"), (60 * 60, "hour"), (60, "minute"), (1, "second")];
    let unit = units.into_iter().find(|(length, _)| seconds.is_multiple_of(*length));
    unit.map_or_else(String::new, |(length, noun)| count(seconds / length, noun))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        for (text, seconds) in [
            ("8h", 28_800),
            ("30m", 1800),
            ("90s", 90),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("7d", 604_800),
            ("2 hours", 7200),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "8", "h", "8x", "-1h", "0h", "8d", "99999999999999999999h", "184467440737095516d", "1.5h", "8h!"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_told_exactly() {
        for (text, told) in [("8h", "8 hours"), ("90m", "90 minutes"), ("48h", "2 days"), ("61s", "61 seconds")] {
            assert_eq!(duration(text).map(shown), Ok(told.to_owned()));
        }
    }
}
