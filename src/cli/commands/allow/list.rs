//! `allow --list`: slots, servers and commands by hand.

use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::granting::cut;
use crate::cli::recording::leads_to;
use crate::cli::report::{BOLD, DIM, MARK, Report, Text, count, wrap};
use crate::consent::Grant;
use crate::consent::record::{Entry, Run, Server, references};
use crate::session::{Allowed, Sealed, Session};
use serde_json::{Value, json};
use std::path::Path;

/// Shows everything that was allowed, for every file and every command.
pub(super) fn list(workplace: &Workplace<'_>, session: &Session<'_>, json: bool) -> Result<Exit, CommandError> {
    let report = workplace.report();
    let (all, runs) = (session.all_allowed()?, session.allowed_runs());
    if json {
        let one = |Sealed { what: grant, .. }: &Sealed<Grant>| {
            let kind = if grant.is_start() { "start" } else { "slot" };
            json!({"kind": kind, "slot": grant.pointer, "text": grant.text, "address": grant.address})
        };
        let file = |allowed: &Allowed| {
            let grants: Vec<Value> = allowed.grants.iter().map(one).collect();
            let servers: Vec<Value> = allowed.servers.iter().map(|sealed| server_json(&sealed.what)).collect();
            json!({ "path": allowed.target.display().to_string(), "grants": grants, "servers": servers })
        };
        let by_hand =
            (!runs.is_empty()).then(|| json!({ "path": null, "runs": runs.iter().map(run_json).collect::<Vec<_>>() }));
        report.json(&all.iter().map(file).chain(by_hand).collect())?;
        return Ok(Exit::Done);
    }
    if all.iter().all(|allowed| allowed.grants.is_empty()) && runs.is_empty() {
        report.note(Text::new().plain("nothing was allowed yet; `keystencil allow` shows what the templates ask for"));
    }
    for allowed in all.iter().filter(|allowed| !allowed.grants.is_empty()) {
        let mut text = Text::new().styled(BOLD, report.path(&allowed.target)).end();
        for Sealed { what: grant, .. } in &allowed.grants {
            let to = if grant.address.is_empty() { "the file itself" } else { &grant.address };
            // A line of its own for what is long: nothing is wider than 80 columns, but for a word that is.
            let what = if grant.is_start() { "starts".to_owned() } else { cut(&grant.text) };
            let to = wrap(&cut(to), 6);
            let fits = !to.contains('\n') && what.chars().count() + to.chars().count() + 5 <= 80;
            text = text.plain("  ").styled(MARK, what);
            text = if fits { text.plain(" → ") } else { text.end().plain("    → ") }.block(&to).end();
            text = text.styled(DIM, format_args!("    in {}", grant.pointer)).end();
        }
        for Sealed { what: server, .. } in &allowed.servers {
            text = text.plain("  delivered to ").styled(BOLD, &server.pointer).end();
            let how = if matches!(server.entry, Entry::Started(_)) { "started at" } else { "reached at" };
            text = text.styled(DIM, format_args!("    {how} {}", cut(&leads_to(server)))).end();
        }
        report.out(&text)?;
    }
    if !runs.is_empty() {
        report.out(
            &runs
                .iter()
                .fold(Text::new().styled(BOLD, "run by hand").end(), |text, run| text.text(&shown(report, run))),
        )?;
    }
    Ok(Exit::Done)
}

/// A command that was run by hand: what was written plainly is a hash, and only its name or place is known.
fn shown(report: &Report, run: &Run) -> Text {
    let program = run.found.first().map(String::as_str).unwrap_or_default();
    let arguments = count(run.argv.len().saturating_sub(1), "argument");
    let mut text = Text::new().plain("  ").styled(BOLD, cut(program)).plain(format_args!(" with {arguments}")).end();
    text = text.styled(DIM, format_args!("    in {}", report.path(Path::new(&run.folder)))).end();
    for argument in run.argv.iter().filter(|text| !references(text).is_empty()) {
        text = text.plain("    ").styled(MARK, cut(argument)).end();
    }
    for (name, value) in &run.variables {
        let value = if references(value).is_empty() { "as it was".to_owned() } else { cut(value) };
        text = text.plain(format_args!("    {}=", cut(name))).styled(MARK, value).end();
    }
    text.styled(DIM, format_args!("    taken back by `keystencil allow --revoke --run {}`", run.id())).end()
}

fn run_json(run: &Run) -> Value {
    let filled = |text: &&str| !references(text).is_empty();
    json!({
        "id": run.id(),
        "program": run.found.first(),
        "arguments": run.argv.len().saturating_sub(1),
        "folder": run.folder,
        "texts": run.texts().into_iter().filter(filled).collect::<Vec<_>>(),
        "variables": run.variables.keys().collect::<Vec<_>>(),
    })
}

fn server_json(server: &Server) -> Value {
    let filled = |text: &&str| !references(text).is_empty();
    let texts: Vec<&str> = server.texts().into_iter().filter(filled).collect();
    let (kind, found, origin) = match &server.entry {
        Entry::Started(started) => {
            ("started", Some(started.found.iter().map(|at| at.display().to_string()).collect::<Vec<_>>()), None)
        }
        Entry::Reached(reached) => ("reached", None, Some(&reached.origin)),
    };
    json!({ "server": server.pointer, "kind": kind, "found": found, "origin": origin, "texts": texts })
}
