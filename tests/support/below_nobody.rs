//! Commands that are below no AI tool, though the tests themselves may be: with `KEYSTENCIL_GRANTS=off` that counts.

use keystencil::host::agents::nearest_agent;
use keystencil::host::process::Process;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What to put before a command line; nothing where no tool is above.
pub(crate) fn prefix() -> Vec<String> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    if nearest_agent(&Process::current()).is_none() {
        return Vec::new();
    }
    let (own, number) = (std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let status = std::env::temp_dir().join(format!("keystencil-below-nobody-{own}-{number}"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/below_nobody.sh");
    vec!["/bin/sh".to_owned(), script.to_owned(), status.display().to_string()]
}

/// The same command, whose environment has to be its own, with the streams that its caller gives it.
pub(crate) fn below_nobody(command: &Command) -> Command {
    let prefix = prefix();
    let mut words = prefix.iter().map(AsRef::as_ref).chain([command.get_program()]).chain(command.get_args());
    let mut other = Command::new(words.next().unwrap());
    other.args(words).env_clear().stdin(std::process::Stdio::null());
    other.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.get_current_dir().map(|folder| other.current_dir(folder));
    other
}
