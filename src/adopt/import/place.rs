//! Where a string of a config is: in a server's environment, among its arguments, in a header, or just anywhere.
//!
//! Used by [`super::plan`] for each string that may matter; `split` and [`super::naming`] read it.

use super::recognise;
use super::titles::Titles;
use crate::document::{Document, Pointer, StringToken};
use crate::host::servers::{is_arguments, is_command, is_environment, is_headers, server_ends};

/// The shortest value that says anything by what it looks like; shorter ones count under a telling name only.
const TELLING: usize = 8;

/// What kind of place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A variable of an environment.
    Env,
    /// A header of a request.
    Header,
    /// An argument of a command.
    Argument,
    /// Any other member or item.
    Other,
}

/// Where a string is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What kind of place it is.
    pub kind: Kind,
    /// The server it belongs to.
    pub server: Option<String>,
    /// The project that server belongs to.
    pub project: Option<String>,
    /// What the value is called: the variable, the header, the member, or the option before an argument.
    pub label: String,
}

impl Place {
    /// Whether what is there is a setting, and no text that merely mentions one.
    pub(super) fn is_setting(&self) -> bool {
        self.kind != Kind::Other || self.server.is_some()
    }
}

/// The walk's memory: an option's value is the argument after it.
#[derive(Debug, Default)]
pub(super) struct Standing {
    option: Option<(Pointer, String)>,
    titles: Titles,
}

impl Standing {
    /// For a walk through a document.
    pub(super) fn of(document: &Document<'_>) -> Self {
        Self { option: None, titles: Titles::of(document) }
    }

    /// The string just met is nothing that the next one belongs to.
    pub(super) fn pass(&mut self) {
        self.option = None;
    }

    /// Whether a string is worth its pointer: most of a large file is not.
    pub(super) fn may_matter(&self, token: &StringToken<'_, '_>, text: &str) -> bool {
        if text.len() >= TELLING || self.option.is_some() || (!text.is_empty() && self.titles.may_tell(token)) {
            return true;
        }
        match token.key() {
            Some(key) => !text.is_empty() && recognise::is_secret_name(key.trim_matches('"')),
            None => text.starts_with('-'),
        }
    }

    /// Where a string is; remembers it if it is an option.
    pub(super) fn place(&mut self, pointer: &Pointer, is_item: bool, text: &str) -> Place {
        let tokens: Vec<_> = pointer.tokens().collect();
        let above = |is: fn(&str) -> bool| tokens.iter().rev().skip(1).take(2).any(|token| is(token));
        let server = server_ends(&tokens).and_then(|end| tokens.get(end.checked_sub(1)?));
        let project = tokens.iter().position(|token| token == "projects").and_then(|at| tokens.get(at + 1));
        let mut label = tokens.last().map(ToString::to_string).unwrap_or_default();
        let kind = match is_item {
            true => Kind::Argument,
            false if above(is_environment) => Kind::Env,
            false if above(is_headers) => Kind::Header,
            false => Kind::Other,
        };
        let kind = match kind {
            // An item of a list that belongs to no command is any item.
            Kind::Argument if !is_of_command(&tokens) => Kind::Other,
            kind => kind,
        };
        let option = self.option.take();
        if is_item {
            label = match option {
                Some((before, option)) if follows(&before, pointer) => option,
                _ => String::new(),
            };
            if text.starts_with('-') && !text.contains(['=', ' ']) {
                self.option = Some((pointer.clone(), text.trim_start_matches('-').to_owned()));
            }
        }
        if !recognise::is_secret_name(&label)
            && kind != Kind::Argument
            && let Some(told) = self.titles.label(pointer, is_item, text)
        {
            label = told;
        }
        Place { kind, server: server.map(ToString::to_string), project: project.map(ToString::to_string), label }
    }
}

/// Whether a list is a command's arguments.
fn is_of_command(tokens: &[std::borrow::Cow<'_, str>]) -> bool {
    let list = tokens.iter().rev().nth(1).map(|token| token.to_ascii_lowercase()).unwrap_or_default();
    let other = ["argv", "entrypoint", "flags", "options"].contains(&list.as_str());
    is_arguments(&list) || is_command(&list) || is_environment(&list) || list.contains("arg") || other
}

/// Whether one item is right after another.
fn follows(before: &Pointer, pointer: &Pointer) -> bool {
    let index = |pointer: &Pointer| pointer.last().and_then(|last| last.parse::<usize>().ok());
    before.parent() == pointer.parent() && index(before).map(|index| index + 1) == index(pointer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(pointer: &str, is_item: bool) -> Place {
        Standing::default().place(&Pointer::parse(pointer).unwrap(), is_item, "x")
    }

    #[test]
    fn a_server_is_known_in_every_scope() {
        let global = place("/mcpServers/github/env/TOKEN", false);
        assert_eq!((global.kind, global.server.as_deref()), (Kind::Env, Some("github")));
        let local = place("/projects/~1src~1shop/mcpServers/db/args/3", true);
        assert_eq!((local.kind, local.server.as_deref()), (Kind::Argument, Some("db")));
        assert_eq!(local.project.as_deref(), Some("/src/shop"));
        assert_eq!(place("/mcpServers/x", false).server, None);
    }

    #[test]
    fn an_option_names_the_argument_behind_it_and_no_other() {
        let mut standing = Standing::default();
        let at = |index: usize| Pointer::root().child("args").index(index);
        standing.place(&at(0), true, "--api-key");
        assert_eq!(standing.place(&at(1), true, "x").label, "api-key");
        assert_eq!(standing.place(&at(2), true, "y").label, "");
    }
}
