//! Names of the user's own choice: `--rename`, and what is typed at the prompt.

use super::error::ImportError;
use crate::adopt::import::{ImportPlan, Rename, What};
use crate::cli::error::CommandError;
use crate::cli::naming::{of_name, parse_name};
use crate::cli::report::{Report, Text, warning};
use crate::session::{Keeper, SessionError};

/// `OLD=NEW`, where OLD is a name as it is shown, or a pointer.
pub(super) fn parse(text: &str) -> Result<Rename, String> {
    let (what, name) = text.rsplit_once('=').ok_or("write it as OLD=NEW")?;
    let said = |error: crate::cli::naming::BadName| error.to_string();
    let what = match what.starts_with('/') {
        true => What::Place(what.to_owned()),
        false => What::Name(parse_name(what).map_err(said)?),
    };
    Ok(Rename { what, name: parse_name(name).map_err(said)? })
}

/// What the user answers to the question whether to import.
pub(super) enum Answer {
    Yes,
    No,
    /// Other names first.
    Names,
}

/// Asks whether to do it.
pub(super) fn confirm(report: &Report, question: &str) -> Result<Answer, CommandError> {
    let answer = report.ask_line(&format!("{question} [y/N, e: edit the names] "))?;
    Ok(match answer.unwrap_or_default().trim().to_lowercase().as_str() {
        "y" | "yes" => Answer::Yes,
        "e" | "edit" => Answer::Names,
        _ => Answer::No,
    })
}

/// Gives the secrets of a plan the names that the user chose.
pub(super) fn apply(plan: &mut ImportPlan, renames: &[Rename]) -> Result<(), ImportError> {
    plan.rename(renames).map_err(|error| ImportError::rename(error, plan))
}

/// Asks for the name of each secret; an empty line keeps the one it has. What can't be used is asked for again.
pub(super) fn ask(report: &Report, plan: &ImportPlan, keeper: &dyn Keeper) -> Result<Vec<Rename>, CommandError> {
    let mut renames: Vec<Rename> = Vec::new();
    for (index, found) in plan.secrets.iter().enumerate() {
        let Some(place) = plan.first_place(index) else { continue };
        report.tell(&Text::new().plain(place.as_str()).end());
        loop {
            let Some(typed) = report.ask_line(&format!("  name [{}]: ", of_name(&found.name)))? else {
                return Ok(renames);
            };
            if typed.trim().is_empty() {
                break;
            }
            let name = match parse_name(typed.trim()) {
                Ok(name) => name,
                Err(error) => {
                    report.warning(&warning(error));
                    continue;
                }
            };
            let new = Rename { what: What::Value(found.value.clone()), name: name.clone() };
            let with: Vec<Rename> = renames.iter().cloned().chain([new]).collect();
            if let Err(error) = plan.clone().rename(&with) {
                report.warning(&warning(ImportError::rename(error, plan)));
                continue;
            }
            match keeper.stored(&name).map_err(SessionError::from)? {
                Some(value) if value != found.value => {
                    report.warning(&warning(SessionError::NameInUse { name }));
                    continue;
                }
                _ => {}
            }
            renames = with;
            break;
        }
    }
    Ok(renames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretName;

    #[test]
    fn a_pointer_may_have_an_equals_sign_and_a_name_an_account() {
        let rename = parse("/a/x=y/env=acme (work)").unwrap();
        assert_eq!(rename.what, What::Place("/a/x=y/env".to_owned()));
        assert_eq!(rename.name, SecretName::new("acme", "work").unwrap());
        assert_eq!(parse("acme (b)=c").unwrap().what, What::Name(SecretName::new("acme", "b").unwrap()));
        for bad in ["acme", "=x", "x=", "a=\u{1b}[D", "a= (b)"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
