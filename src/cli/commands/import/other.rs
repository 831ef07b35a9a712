//! Files that are not a config: `.env`, and `mcp-credentials.json`. What comes out is a template; a `.env` file is
//! changed only with `--comment-out`.

use super::ImportArgs;
use super::destination::from_home;
use super::error::ImportError;
use super::keep::{Stored, named};
use super::rename::{self, Answer};
use super::show::recognised;
use crate::adopt::import::{
    Credentials, Extent, ImportPlan, Stored as StoredValue, broken_line, comment_out, dotenv, plan_knowing,
};
use crate::cli::context::Workplace;
use crate::cli::environment;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::naming::of_name;
use crate::cli::report::{GOOD, Text, Warning, count};
use crate::document::Document;
use crate::error::Place;
use crate::lint::finds;
use crate::secret::SecretName;
use crate::session::import::{refuse_keys, settle_names};
use crate::session::{Keeper as _, Session, SessionError};
use serde_json::json;
use std::borrow::Cow;
use std::path::Path;
use zeroize::Zeroizing;

/// Imports a file that is one of these; `None` if it is neither.
pub(super) fn import(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    args: &ImportArgs,
    text: &[u8],
    stored: &[StoredValue],
) -> Result<Option<Exit>, CommandError> {
    let no_env_file = || Err(ImportError::NoEnvFile { path: args.file.clone() }.into());
    if let Some(found) = Credentials::read(text) {
        if args.comment_out {
            return no_env_file();
        }
        return credentials(workplace, session, args, &found).map(Some);
    }
    let is_json = text.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|first| b"{[\xef".contains(first));
    let variables = std::str::from_utf8(text).ok().filter(|_| !is_json).and_then(dotenv);
    let broken = std::str::from_utf8(text).ok().filter(|_| !is_json && variables.is_none()).and_then(broken_line);
    if let Some(line) = broken {
        return Err(ImportError::EnvLine { path: args.file.clone(), line }.into());
    }
    match variables {
        Some(variables) => env(workplace, session, args, text, &variables, stored).map(Some),
        None if args.comment_out => no_env_file(),
        None => Ok(None),
    }
}

/// The values are in the keyring already: the template refers to them, and each is looked up.
fn credentials(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    args: &ImportArgs,
    found: &Credentials,
) -> Result<Exit, CommandError> {
    let (report, keeper) = (workplace.report(), Stored::new(&workplace.lookup.stores));
    let mut missing: Vec<&SecretName> = Vec::new();
    for name in found.names() {
        if keeper.stored(name)?.is_none() {
            missing.push(name);
        }
    }
    let template = found.template(&from_home(workplace, &named(&args.file)));
    give(workplace, session, args, &template)?;
    if args.json {
        let name = |name: &&SecretName| json!({ "name": name.service(), "account": name.account() });
        report.json(&json!({
            "template": template,
            "secrets": found.names().iter().map(name).collect::<Vec<_>>(),
            "missing": missing.iter().map(name).collect::<Vec<_>>(),
        }))?;
    }
    for name in &missing {
        report.warning(&Warning {
            message: format!("secret {name} is not in any store"),
            place: Some(Place::file(&args.file)),
            hint: Some("store it with `keystencil secret set`".to_owned()),
        });
    }
    Ok(Exit::attention(!missing.is_empty()))
}

/// Writes a template where `--template` says, or else prints it.
fn give(workplace: &Workplace<'_>, session: &Session<'_>, args: &ImportArgs, text: &str) -> Result<(), CommandError> {
    let report = workplace.report();
    match &args.template {
        Some(_) if args.dry_run => Ok(()),
        Some(out) => {
            session.write_template(&named(out), text)?;
            let shown = report.path(&named(out));
            report.note(Text::new().styled(GOOD, "wrote").plain(format_args!(" {shown}")));
            Ok(())
        }
        None if args.json => Ok(()),
        None => report.out(&Text::new().block(text)),
    }
}

/// The keys of a `.env` file go to the store; the file stays, or its keys become comments.
fn env(
    workplace: &Workplace<'_>,
    session: &Session<'_>,
    args: &ImportArgs,
    text: &[u8],
    variables: &str,
    stored: &[StoredValue],
) -> Result<Exit, CommandError> {
    let (report, keeper) = (workplace.report(), Stored::new(&workplace.lookup.stores));
    let failed = |error| SessionError::Target { path: args.file.clone(), error };
    let proposed = plan_knowing(variables.as_bytes(), &super::selection(args), stored, &mut |_| ()).map_err(failed)?;
    super::check_selection(&proposed, variables.as_bytes(), args)?;
    let shown = report.path(&named(&args.file));
    if proposed.is_empty() {
        report.note(Text::new().plain(format_args!("nothing to import from {shown}")));
        return Ok(Exit::Done);
    }
    let mut renames = args.rename.clone();
    let (plan, is_stored) = loop {
        let mut plan = proposed.clone();
        rename::apply(&mut plan, &renames)?;
        let is_stored = settle_names(&mut plan, &keeper)?;
        match if args.yes || args.dry_run { Answer::Yes } else { confirm(workplace, args, &plan)? } {
            Answer::Yes => break (plan, is_stored),
            Answer::No => return Err(CommandError::not_confirmed("nothing was imported")),
            Answer::Names => renames.extend(rename::ask(report, &plan, &keeper)?),
        }
    };
    let document = Document::parse(variables.as_bytes()).map_err(|error| failed(error_of(error)))?;
    let template = plan.template(&document, Extent::Parts, &from_home(workplace, &named(&args.file)));
    let own = plan.own(stored);
    refuse_keys(args.template.as_deref().unwrap_or(&args.file), "", &template, &own)?;
    let anew = args.comment_out.then(|| commented_out(text, &plan)).flatten();
    if !args.dry_run {
        let anew = anew.as_ref().map(|anew| anew.as_str());
        let imported = session.keep_values(&named(&args.file), text, &plan, &keeper, anew)?;
        for (name, kind) in &imported.stored {
            report.note(Text::new().styled(GOOD, "stored").plain(format_args!(" {} in the {kind}", of_name(name))));
        }
        let line = format!(" the file as it is, in the vault: {}", imported.backup);
        report.note(Text::new().styled(GOOD, "kept").plain(line));
        if anew.is_some() {
            let line = format!(" {} in {shown}", count(plan.findings.len(), "variable"));
            report.note(Text::new().styled(GOOD, "commented out").plain(line));
        }
    }
    if args.json {
        let secret = |(found, stored): (&crate::adopt::import::Found, &bool)| json!({ "name": found.name.service(), "account": found.name.account(), "stored_already": stored });
        let secrets = plan.secrets.iter().zip(&is_stored).map(secret).collect::<Vec<_>>();
        report.json(&json!({ "template": template, "secrets": secrets, "imported": !args.dry_run, "commented_out": anew.is_some() && !args.dry_run }))?;
    }
    give(workplace, session, args, &template)?;
    if args.dry_run {
        if anew.is_some() {
            let line = format!("would comment out {} in {shown}", count(plan.findings.len(), "variable"));
            report.note(Text::new().plain(line));
        }
        return Ok(Exit::Done);
    }
    match &anew {
        None => still_there(workplace, &args.file),
        Some(anew) => {
            let found = finds(anew, &own).into_iter().map(|(range, kind)| (range.start, kind.message())).next();
            // A short one is searched for here as well: what was a key of this file is one.
            let short = || plan.secrets.iter().find_map(|found| anew.find(found.value.expose()));
            let Some((at, what)) = found.or_else(|| Some((short()?, "one of these keys".to_owned()))) else {
                return Ok(Exit::Done);
            };
            let line = anew.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
            in_another_place(workplace, &args.file, line, &what);
        }
    }
    Ok(Exit::Attention)
}

/// The file with comments in the place of its keys.
fn commented_out(text: &[u8], plan: &ImportPlan) -> Option<Zeroizing<String>> {
    let names = plan.findings.iter().filter_map(|finding| finding.pointer.last());
    let shown: Vec<(Cow<'_, str>, String)> =
        names.zip(plan.findings.iter().map(|finding| plan.at_rest(finding))).collect();
    let variables: Vec<(&str, String)> = shown.iter().map(|(name, at_rest)| (&**name, at_rest.clone())).collect();
    comment_out(std::str::from_utf8(text).ok()?, &variables)
}

fn error_of(error: crate::document::SyntaxError) -> crate::plan::PlanError {
    crate::plan::PlanError::Syntax(error)
}

fn confirm(workplace: &Workplace<'_>, args: &ImportArgs, plan: &ImportPlan) -> Result<Answer, CommandError> {
    if !environment::is_interactive() || args.json {
        return Err(CommandError::not_confirmed(
            "nothing was imported: this is not a terminal, so the import can't be confirmed",
        ));
    }
    let report = workplace.report();
    for found in &plan.secrets {
        let length = count(found.value.expose().chars().count(), "character");
        let line = format!("{}  {}, {length}", of_name(&found.name), recognised(&found.recognised));
        report.note(Text::new().plain(line));
    }
    rename::confirm(report, &format!("store {}?", count(plan.secrets.len(), "secret")))
}

fn still_there(workplace: &Workplace<'_>, file: &Path) {
    workplace.report().warning(&Warning {
        message: "the keys are in the store now, but also still in this file".to_owned(),
        place: Some(Place::file(file)),
        hint: Some(
            "put the `env` above into a template; `keystencil import FILE --comment-out` takes the keys out of the file"
                .to_owned(),
        ),
    });
}

fn in_another_place(workplace: &Workplace<'_>, file: &Path, line: usize, what: &str) {
    workplace.report().warning(&Warning {
        message: format!("{what} is still in this file: in a comment, or inside another value"),
        place: Some(Place::at(file, line, 1)),
        hint: Some("remove it with an editor, or delete the file: the vault has a backup of it".to_owned()),
    });
}
