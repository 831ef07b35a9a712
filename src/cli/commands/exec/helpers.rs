//! What this process was started for, if not by the user: one of the helpers of `exec`, recognised before the command
//! line is parsed. No help, manual or completion knows them.

use super::close::Close;
#[cfg(unix)]
use super::start::Start;
#[cfg(unix)]
use crate::cli::helper::START;
use crate::cli::helper::{CLOSE, FILL, OFF, process, show_name};
use crate::host::process::Process;
use std::ffi::OsString;

/// What this process was started for.
#[derive(Debug)]
pub(in crate::cli) enum Helper {
    /// To render for the `exec` of that process, with or without grants; its own command line follows.
    Fill(Process, bool),
    /// To end holds.
    Close(Close),
    /// To become the program that `exec` runs.
    #[cfg(unix)]
    Start(Start),
}

impl Helper {
    /// Takes a helper off the command line; what remains is a command line as the user writes it.
    pub(in crate::cli) fn split(arguments: Vec<OsString>) -> (Option<Self>, Vec<OsString>) {
        let helper = match arguments.split_first() {
            Some((verb, [owner, grants, ..])) if verb == FILL => {
                process(owner).map(|owner| Self::Fill(owner, grants == OFF))
            }
            Some((verb, rest)) if verb == CLOSE => Close::read(rest).map(Self::Close),
            #[cfg(unix)]
            Some((verb, rest)) if verb == START => Start::read(rest).map(Self::Start),
            _ => None,
        };
        let taken = match &helper {
            None => 0,
            Some(Self::Fill(..)) => 3,
            Some(_) => arguments.len(),
        };
        if helper.is_some() {
            show_name();
        }
        let rest = arguments.into_iter().skip(taken).collect();
        (helper, rest)
    }
}
