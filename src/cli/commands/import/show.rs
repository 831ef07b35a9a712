//! The plan of an import as the user reads it: names, places and lengths, never a value.

use super::destination::Destination;
use crate::adopt::import::{Found, ImportPlan, Piece, Recognised, Why};
use crate::cli::context::Workplace;
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::cli::naming::of_name;
use crate::cli::report::{BOLD, DIM, GOOD, Text, Warning, count};
use crate::document::Pointer;
use crate::error::Place;
use crate::session::Imported;
use serde_json::{Value, json};

/// A line has this many characters.
const WIDTH: usize = 80;
/// This many places that are not settings are shown one by one.
const FEW: usize = 5;

/// A plan and where it is to go.
pub(super) struct Shown<'a> {
    pub(super) workplace: &'a Workplace<'a>,
    pub(super) plan: &'a ImportPlan,
    /// Whether each secret is stored already.
    pub(super) is_stored: &'a [bool],
    pub(super) destination: &'a Destination,
}

impl Shown<'_> {
    /// Says that there is nothing to do.
    pub(super) fn nothing(&self, json: bool) -> Result<Exit, CommandError> {
        let report = self.workplace.report();
        if json {
            report.json(&self.as_json(None))?;
        } else {
            report.note(
                Text::new()
                    .plain(format_args!("nothing to import from {}", report.path(&self.destination.target.path))),
            );
        }
        Ok(self.warn_of_left())
    }

    /// Shows the plan.
    pub(super) fn plan(&self, json: bool) -> Result<Exit, CommandError> {
        let report = self.workplace.report();
        if json {
            report.json(&self.as_json(None))?;
            return Ok(Exit::Done);
        }
        let (secrets, slots) = (count(self.plan.secrets.len(), "secret"), count(self.plan.findings.len(), "place"));
        let mut text = Text::new()
            .styled(BOLD, report.path(&self.destination.target.path))
            .plain(format_args!(": {secrets} in {slots}"))
            .end();
        for (index, found) in self.plan.secrets.iter().enumerate() {
            text = text.text(&self.secret(index, found));
        }
        if !self.plan.elsewhere.is_empty() {
            let places = count(self.plan.elsewhere.len(), "place");
            text = text
                .end()
                .plain(format_args!("also mentioned in {places} that no template fills; the placeholder stays there"))
                .end();
            text = text.text(&self.places(self.plan.elsewhere.iter()));
        }
        let respelled: Vec<&Pointer> = self.plan.respelled().map(|finding| &finding.pointer).collect();
        if !respelled.is_empty() {
            let places = count(respelled.len(), "place");
            text = text
                .end()
                .plain(format_args!(
                    "{places} will be written in the usual JSON spelling, `é` for `\\u00e9`; the value is the same"
                ))
                .end();
            text = text.text(&self.places(respelled.into_iter()));
        }
        let target = &self.destination.target;
        text = text.end().styled(DIM, "template  ").plain(report.path(&target.template)).end();
        if let Some(config) = &self.destination.config {
            let name = target.name.as_deref().unwrap_or_default();
            text = text
                .styled(DIM, "config    ")
                .plain(format_args!("{}, as target {name}", report.path(&config.path)))
                .end();
        }
        text = text.styled(DIM, "backup    ").plain("in the vault, encrypted").end();
        report.out(&text)?;
        Ok(self.warn_of_left())
    }

    /// One secret and its places.
    fn secret(&self, index: usize, found: &Found) -> Text {
        let stored = if self.is_stored.get(index) == Some(&true) { ", stored already" } else { "" };
        let length = count(found.value.expose().chars().count(), "character");
        let text = Text::new().end().styled(BOLD, of_name(&found.name));
        let text = text.plain(format_args!("  {}, {length}{stored}", recognised(&found.recognised))).end();
        let holds =
            |pieces: &[Piece]| pieces.iter().any(|piece| matches!(piece, Piece::Secret(one, _) if *one == index));
        let places = self.plan.findings.iter().filter(|finding| holds(&finding.pieces)).map(|finding| &finding.pointer);
        text.text(&self.places(places))
    }

    fn places<'p>(&self, places: impl Iterator<Item = &'p Pointer>) -> Text {
        let all: Vec<&Pointer> = places.collect();
        let shown = if self.workplace.context.report.is_verbose() { all.len() } else { FEW.max(1) };
        let mut text = Text::new();
        for place in all.iter().take(shown) {
            text = text.plain(format_args!("    {}", shortened(self.plan.shown(place).as_str(), WIDTH - 4))).end();
        }
        match all.len().saturating_sub(shown) {
            0 => text,
            more => text.plain(format_args!("    and {more} more")).end(),
        }
    }

    /// Says what was done.
    pub(super) fn done(&self, imported: &Imported) {
        let report = self.workplace.report();
        let (secrets, slots) = (count(self.plan.secrets.len(), "secret"), count(self.plan.findings.len(), "place"));
        let line = format!(" {}: {secrets} from {slots}", report.path(&self.destination.target.path));
        report.note(Text::new().styled(GOOD, "imported").plain(line));
        for (name, kind) in &imported.stored {
            report.note(Text::new().styled(GOOD, "stored").plain(format_args!(" {} in the {kind}", of_name(name))));
        }
        let template = report.path(&self.destination.target.template);
        report.note(Text::new().styled(GOOD, "wrote").plain(format_args!(" {template}")));
        if let Some(config) = &self.destination.config {
            let name = self.destination.target.name.as_deref().unwrap_or_default();
            report.note(
                Text::new()
                    .styled(GOOD, "added")
                    .plain(format_args!(" target {name} to {}", report.path(&config.path))),
            );
        }
        if !imported.closed.scrubbed.is_empty() {
            let copies = count(imported.closed.scrubbed.len(), "other copy").replace("copys", "copies");
            report.note(Text::new().styled(GOOD, "cleaned").plain(format_args!(" {copies} of the file")));
        }
        let respelled = self.plan.respelled().count();
        if respelled > 0 {
            let places = count(respelled, "place");
            report.note(Text::new().plain(format_args!(
                "{places} will be written in the usual JSON spelling, `é` for `\\u00e9`; the value is the same"
            )));
        }
        let backup = format!(" the file as it was, in the vault: {}", imported.backup);
        report.note(Text::new().styled(GOOD, "kept").plain(backup));
    }

    /// Warns of what was found and stays.
    pub(super) fn warn_of_left(&self) -> Exit {
        let report = self.workplace.report();
        let skipped: Vec<&Pointer> =
            self.plan.left.iter().filter(|left| left.why == Why::Skipped).map(|left| &left.pointer).collect();
        if let Some(first) = skipped.first() {
            report.warning(&Warning {
                message: format!(
                    "{} left out as asked; what looks like a key stays there",
                    count(skipped.len(), "place")
                ),
                place: Some(Place::file(&self.destination.target.path).slot(self.plan.shown(first).as_str())),
                hint: None,
            });
        }
        let mut is_any = !skipped.is_empty();
        for left in &self.plan.left {
            let (message, hint) = match left.why {
                Why::Skipped => continue,
                Why::InText => (
                    "a key is inside a text that no template can fill; it stays",
                    "remove it by hand, and revoke it if others can read that text",
                ),
                Why::Hidden => (
                    "a key is in a member that a later one of the same name hides; it stays",
                    "remove one of the two members",
                ),
                Why::NoText => (
                    "a key contains half a character (a lone `\\ud800` to `\\udfff`), which no store can keep; it stays",
                    "correct the key, and import again",
                ),
                Why::InName => ("a key is used as the name of a member; it stays", "remove it by hand"),
                Why::InComment(_) => ("a key is in a comment; it stays", "remove it by hand"),
            };
            is_any = true;
            let file = &self.destination.target.path;
            let place = Some(match left.why {
                Why::InComment(line) => Place::at(file, line, 1),
                _ => Place::file(file).slot(self.plan.shown(&left.pointer).as_str()),
            });
            report.warning(&Warning { message: message.to_owned(), place, hint: Some(hint.to_owned()) });
        }
        Exit::attention(is_any)
    }

    /// The plan, and what came of it, as JSON.
    pub(super) fn as_json(&self, imported: Option<&Imported>) -> Value {
        let pointers = |all: &[Pointer]| all.iter().map(|place| self.plan.shown(place).to_string()).collect::<Vec<_>>();
        let secret = |(index, found): (usize, &Found)| {
            let holds = |piece: &Piece| matches!(piece, Piece::Secret(one, _) if *one == index);
            let places = self.plan.findings.iter().filter(|finding| finding.pieces.iter().any(holds));
            json!({
                "name": found.name.service(),
                "account": found.name.account(),
                "recognised": recognised(&found.recognised),
                "characters": found.value.expose().chars().count(),
                "stored_already": self.is_stored.get(index) == Some(&true),
                "places": places.map(|finding| self.plan.shown(&finding.pointer).to_string()).collect::<Vec<_>>(),
            })
        };
        let target = &self.destination.target;
        let left = |left: &crate::adopt::import::Left| {
            let why = match left.why {
                Why::Skipped => "skipped",
                Why::InText => "in-text",
                Why::Hidden => "hidden",
                Why::NoText => "no-text",
                Why::InName => "in-name",
                Why::InComment(line) => return json!({ "line": line, "why": "in-comment" }),
            };
            json!({ "pointer": self.plan.shown(&left.pointer).to_string(), "why": why })
        };
        json!({
            "file": target.path.display().to_string(),
            "target": target.name,
            "template": target.template.display().to_string(),
            "secrets": self.plan.secrets.iter().enumerate().map(secret).collect::<Vec<_>>(),
            "respelled": self.plan.respelled().map(|finding| self.plan.shown(&finding.pointer).to_string()).collect::<Vec<_>>(),
            "elsewhere": pointers(&self.plan.elsewhere),
            "left": self.plan.left.iter().map(left).collect::<Vec<_>>(),
            "imported": imported.is_some(),
            "backup": imported.map(|imported| imported.backup.clone()),
        })
    }
}

/// How a secret was recognised, in a few words.
pub(super) fn recognised(recognised: &Recognised) -> String {
    match recognised {
        Recognised::Format(name) => name.clone(),
        Recognised::Name(name) if name.is_empty() => "a key".to_owned(),
        Recognised::Name(name) => name.chars().take(40).collect(),
        Recognised::Password => "a password".to_owned(),
        Recognised::Random => "looks random".to_owned(),
    }
}

/// A text without its middle, if it is too long for a line.
fn shortened(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let head: String = text.chars().take(width / 3).collect();
    let tail: String = text.chars().skip(length - (width - width / 3 - 1)).collect();
    format!("{head}…{tail}")
}
