//! One file a verb: what it takes (the doc comment of its `*Args` is its help) and what it does.

pub(super) mod absorb;
pub(super) mod allow;
pub(super) mod check;
pub(super) mod completions;
pub(super) mod demo;
pub(super) mod diff;
pub(super) mod doctor;
pub(super) mod exec;
pub(super) mod git;
pub(super) mod guard;
pub(super) mod headers;
pub(super) mod hook;
pub(super) mod import;
pub(super) mod init;
pub(super) mod install;
pub(super) mod log;
pub(super) mod man;
pub(super) mod purge;
pub(super) mod recover;
pub(super) mod render;
pub(super) mod run;
pub(super) mod secret;
pub(super) mod status;
pub(super) mod unlock;
pub(super) mod unrender;
pub(super) mod vault;
