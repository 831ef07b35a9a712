//! What the engine's errors mean to the author of a template, and where. The engine names a file and a line of what it
//! ran; that line leads back to the place.

use super::error::{Limit, NameKind, TemplateError};
use super::include::cycle;
use super::names;
use super::prepare::Clean;
use super::run::Run;
use super::source::Source;
use super::sources::Sources;
use crate::error::Place;
use minijinja::{Error, ErrorKind};
use std::error::Error as _;
use std::io;

/// An error of the engine's parser.
pub(crate) fn syntax_error(error: &Error, source: &Source, clean: &Clean) -> TemplateError {
    let place = error.line().map_or_else(|| source.file(), |line| source.place(clean.line(line)));
    let what = error.detail().unwrap_or("the engine doesn't understand this");
    let in_string = error.line().is_some_and(|line| clean.is_in_string(line));
    if what.contains("recursion") {
        return TemplateError::Exceeded { limit: Limit::Expression, place };
    }
    TemplateError::Syntax { what: in_our_words(what), in_string, place }
}

/// The engine's message with the delimiters that the template's author knows.
fn in_our_words(what: &str) -> String {
    [
        ("end of variable block", "`>>`"),
        ("start of variable block", "`<<`"),
        ("end of block", "`%>`"),
        ("start of block", "`<%`"),
        ("end of input, expected `%>`", "end of the file, a tag is not closed"),
        ("template-data", "text"),
    ]
    .into_iter()
    .fold(what.to_owned(), |what, (theirs, ours)| what.replace(theirs, ours))
}

/// Why a run ended without output.
pub(crate) enum Stopped {
    For(Box<TemplateError>),
    /// The engine's parser refused a file with the checks in it.
    Syntax(Box<TemplateError>),
    /// A file was included that has not been read yet.
    ToRead {
        name: String,
        place: Place,
    },
}

/// What an error of the engine means. Its chain leads from the template into the included files.
pub(crate) fn stopped(run: &Run, error: &Error) -> Stopped {
    let sources = &run.sources;
    let chain: Vec<&Error> =
        std::iter::successors(Some(error), |&error| error.source().and_then(|source| source.downcast_ref())).collect();
    let place = chain.iter().rev().find_map(|error| place_of(sources, error)).unwrap_or_else(|| sources.at(0, 0));
    if let Some(name) = run.wanted() {
        return Stopped::ToRead { name, place };
    }
    if let Some(failure) = run.failure() {
        return Stopped::For(Box::new(failure(place)));
    }
    let last = chain.last().copied().unwrap_or(error);
    let explained = Box::new(explain(run, last, &chain, place));
    if last.kind() == ErrorKind::SyntaxError { Stopped::Syntax(explained) } else { Stopped::For(explained) }
}

fn file_and_line(sources: &Sources, error: &Error) -> Option<(usize, usize)> {
    let file = match error.name()? {
        "" => 0,
        name => (*sources.names.get(name)?)?,
    };
    Some((file, error.line()?))
}

fn place_of(sources: &Sources, error: &Error) -> Option<Place> {
    let (file, line) = file_and_line(sources, error)?;
    Some(sources.line(file, line))
}

fn explain(run: &Run, error: &Error, chain: &[&Error], place: Place) -> TemplateError {
    let sources = &run.sources;
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::OutOfFuel => TemplateError::Exceeded { limit: Limit::Steps, place },
        ErrorKind::WriteFailure => TemplateError::Exceeded { limit: Limit::Output, place },
        ErrorKind::UnknownFunction => {
            let name = detail.strip_suffix(" is unknown").unwrap_or(detail).to_owned();
            let known = ["keyring", "env", "range", "dict", "namespace"];
            let candidates =
                known.into_iter().chain(sources.providers.iter().chain(&sources.variables).map(String::as_str));
            let similar = names::similar(&name, candidates);
            let place = file_and_line(sources, error).map_or(place, |(file, line)| sources.call(&name, file, line));
            TemplateError::Unknown { kind: NameKind::Function, name, similar, place }
        }
        ErrorKind::UnknownMethod => {
            let name = detail.rsplit("named ").next().unwrap_or(detail).to_owned();
            let similar = names::similar(&name, sources.variables.iter().map(String::as_str));
            let place = file_and_line(sources, error).map_or(place, |(file, line)| sources.call(&name, file, line));
            TemplateError::Unknown { kind: NameKind::Function, name, similar, place }
        }
        ErrorKind::TemplateNotFound => {
            let missing = sources.names.iter().find(|(name, file)| file.is_none() && detail.contains(name.as_str()));
            let name = missing.map_or_else(String::new, |(name, _)| name.clone());
            TemplateError::IncludeRead {
                name,
                source: io::Error::new(io::ErrorKind::NotFound, "file not found"),
                place,
            }
        }
        ErrorKind::SyntaxError if detail.contains("recursion") => {
            TemplateError::Exceeded { limit: Limit::Expression, place }
        }
        _ if detail.contains("recursion") => {
            let files: Vec<String> = chain
                .iter()
                .filter_map(|error| error.name())
                .map(|name| match name {
                    "" => sources.files.first().map_or(Place::default(), |file| file.source.file()).to_string(),
                    name => name.to_owned(),
                })
                .collect();
            match cycle(&files) {
                Some(cycle) => TemplateError::IncludeCycle { cycle, place },
                None => TemplateError::Exceeded { limit: Limit::Steps, place },
            }
        }
        // "unable to calculate 1 / 0" would show values.
        _ if detail.starts_with("unable to calculate") => {
            TemplateError::Engine { what: "the result can't be calculated".to_owned(), place }
        }
        kind if detail.is_empty() => TemplateError::Engine { what: kind.to_string(), place },
        _ => TemplateError::Engine { what: detail.to_owned(), place },
    }
}
