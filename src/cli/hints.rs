//! What a person can do about an error: the one place that knows which verb or flag helps, for the errors of all layers.
//!
//! An error says itself what is wrong, and [`Explain::hint`] what would be right where that is no command of ours.

pub(super) mod agents;
pub(super) mod delivery;
pub(super) mod lint;
mod session;
pub(super) mod sessions;
mod store;

pub(super) use lint::finding;
pub(super) use store::secret_command;

use crate::error::Explain;
use crate::host::git::ProtocolError;
use crate::plan::wrap::Unwrappable;
use crate::session::{MissingSecret, SessionError};
use crate::store::{LookupError, StoreError, Unresolved};

/// What to do about a server that can't be wrapped.
pub(super) fn unwrappable(why: &Unwrappable) -> String {
    match why {
        Unwrappable::Program(_) => "install it as `keystencil`".to_owned(),
        Unwrappable::Target(_) => "give the target another name in the config".to_owned(),
        _ => "`deliver = \"auto\"`, for the target or under [targets.NAME.servers.SERVER], fills it in the file"
            .to_owned(),
    }
}

/// What to do about an error of whatever layer.
pub(super) fn of(error: &(dyn Explain + 'static)) -> Option<String> {
    let any: &(dyn std::error::Error + 'static) = error;
    if let Some(error) = any.downcast_ref::<SessionError>() {
        return session::of(error);
    }
    if let Some(one) = any.downcast_ref::<MissingSecret>() {
        return session::missing_secret(one);
    }
    if let Some(error) = any.downcast_ref::<StoreError>() {
        return store::of(error);
    }
    if let Some(error) = any.downcast_ref::<LookupError>() {
        return error.missing().first().and_then(store::unresolved);
    }
    if let Some(one) = any.downcast_ref::<Unresolved>() {
        return store::unresolved(one);
    }
    if any.is::<ProtocolError>() {
        return Some("this command is for git to call: set it up with `keystencil install git`".to_owned());
    }
    error.hint()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::cli::args::Cli;
    use clap::error::ErrorKind;
    use clap::{CommandFactory as _, Parser as _};
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// The lines of the sources of the command line, comments aside.
    fn lines(folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(lines(&path));
            } else {
                let text = fs::read_to_string(path).unwrap();
                let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
                let joined = code.collect::<Vec<_>>().join("\n").replace("\\\n", "");
                found.extend(joined.lines().map(str::to_owned));
            }
        }
        found
    }

    fn all_lines() -> Vec<String> {
        lines(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli"))
    }

    /// What stands between backticks in them.
    fn all_quoted() -> BTreeSet<String> {
        all_lines().iter().flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
    }

    /// What stands in them between two texts.
    fn between(start: &str, end: &str) -> BTreeSet<String> {
        let until = |rest: &str| rest.split(end).next().unwrap().to_owned();
        all_lines().iter().flat_map(|line| line.split(start).skip(1).map(until).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn every_command_of_ours_that_is_named_is_one_that_the_command_line_takes() {
        let built = between(r#"Typed::ours(""#, "\"").into_iter().map(|verb| format!("keystencil {verb}"));
        let quoted = all_quoted().into_iter().filter(|text| text.starts_with("keystencil "));
        let commands: Vec<_> = quoted.chain(built).collect();
        assert!(commands.len() > 30, "{commands:?}");
        for command in commands {
            let filled_in = command.replace("{}", "x").replace(['{', '}'], "");
            let Err(error) = Cli::try_parse_from(filled_in.split_whitespace()) else { continue };
            // A verb that is named alone.
            let is_part = matches!(
                error.kind(),
                ErrorKind::MissingRequiredArgument | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            );
            assert!(is_part, "`{command}`: {error}");
        }
    }

    #[test]
    fn every_command_with_a_path_or_a_name_in_it_is_put_together_in_one_place() {
        // What the user typed, numbers and ids, and the script of a shim, whose program is one word.
        let known = [
            "--rename {}",
            "--allow-new={given}",
            "--allow-new={number}",
            "keystencil uninstall shim {program}",
            "keystencil allow --revoke --run {}",
        ];
        let is_fixed = |text: &str| known.contains(&text) || !text.contains('{');
        let is_command = |text: &str| {
            let first = text.split(' ').next().unwrap();
            ["keystencil", "chmod", "git", "rm", "mv", "secret-tool"].contains(&first) || text.starts_with("--")
        };
        let faults: Vec<_> = all_quoted().into_iter().filter(|text| is_command(text) && !is_fixed(text)).collect();
        assert!(faults.is_empty(), "for `Typed` to put together: {faults:?}");
    }

    #[test]
    fn every_option_that_is_named_alone_is_one_of_a_verb() {
        fn options(command: &clap::Command, known: &mut BTreeSet<String>) {
            known.extend(command.get_arguments().filter_map(|one| one.get_long()).map(|long| format!("--{long}")));
            command.get_subcommands().for_each(|verb| options(verb, known));
        }
        let mut known = BTreeSet::new();
        options(&Cli::command(), &mut known);
        let built = between(r#".option(""#, "\"").into_iter().filter(|option| option != "-C");
        // `--` by itself ends the options.
        for text in all_quoted().into_iter().chain(built).filter(|text| text.starts_with("--") && text.len() > 2) {
            let option = text.split([' ', '=', '[']).next().unwrap();
            assert!(known.contains(option), "`{text}`");
        }
    }
}
