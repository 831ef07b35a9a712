//! What the user is shown of a destination: all of it that a grant covers, in words. A template can make it long, and
//! hide nothing of it.

use super::unit::is_map;
use super::unit::{is_harmless, is_inert};
use crate::document::{Document, Kind, Node, string};
use crate::host::servers::{is_address, is_arguments, is_command, is_headers};
use crate::scan::keylike::looks_like_key;
use crate::template::{Blueprint, parse_parts};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashSet;

/// Deeper than any config; what lies below is shown as it is written.
const DEEP: usize = 32;

/// Knows which texts are the template's own. Such a text is public, so it is shown whatever it looks like: else a
/// template could hide an address by putting something that looks like a key into it.
pub(super) struct Shown<'b> {
    blueprint: &'b Blueprint,
    public: OnceCell<HashSet<String>>,
}

#[derive(Default)]
struct Found {
    commands: Vec<String>,
    addresses: Vec<String>,
    around: Vec<String>,
}

impl<'b> Shown<'b> {
    pub(super) fn new(blueprint: &'b Blueprint) -> Self {
        Self { blueprint, public: OnceCell::new() }
    }

    /// The command lines and addresses in an object, and everything else in it.
    pub(super) fn of(&self, node: Node<'_>) -> (String, Vec<String>) {
        let mut found = Found::default();
        self.object(node, &[], &mut found);
        let address = found.commands.into_iter().chain(found.addresses).collect::<Vec<_>>().join(" and to ");
        (address, found.around)
    }

    /// A setting beside it.
    pub(super) fn member(&self, name: &str, value: Node<'_>) -> Vec<String> {
        let mut found = Found::default();
        self.value(value, &[name.to_owned()], &mut found);
        let all = found.commands.into_iter().chain(found.addresses).map(|text| format!("{name} {text}"));
        all.chain(found.around).collect()
    }

    fn object(&self, node: Node<'_>, path: &[String], found: &mut Found) {
        let the = |is: fn(&str) -> bool| {
            let all = node.members().filter(|member| member.key.as_str().is_some_and(|key| is(&key)));
            all.map(|member| member.value).filter(is_words).last()
        };
        let mut command = the(is_command);
        if path.last().is_some_and(|last| is_command(last)) {
            command = command.or_else(|| node.get("path").filter(is_words));
        }
        let arguments = command.and_then(|_| the(is_arguments));
        if let Some(command) = command {
            found.commands.push(
                self.words(command)
                    .chain(arguments.into_iter().flat_map(|all| self.words(all)))
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
        let taken = [command, arguments].map(|node| node.map(|node| node.span().start));
        let is_header = path.last().is_some_and(|name| is_headers(name));
        for member in node.members() {
            let name = member.key.as_str().unwrap_or(Cow::Borrowed(member.key.raw()));
            let is_object = member.value.kind() == Kind::Object;
            if taken.contains(&Some(member.value.span().start)) || (path.is_empty() && is_harmless(&name, is_object)) {
                continue;
            }
            if is_inert(&name, member.value.as_str().as_deref(), is_header) {
                continue;
            }
            let is_map = path.last().is_some_and(|last| is_map(last));
            if is_address(&name) && !is_map && member.value.kind() == Kind::String {
                found.addresses.push(self.text(member.value));
                continue;
            }
            let path: Vec<String> = path.iter().cloned().chain([name.into_owned()]).collect();
            self.value(member.value, &path, found);
        }
    }

    fn value(&self, node: Node<'_>, path: &[String], found: &mut Found) {
        match node.kind() {
            Kind::Object if path.len() < DEEP => self.object(node, path, found),
            Kind::Array if path.len() < DEEP => {
                for (index, item) in node.items().enumerate() {
                    let path: Vec<String> = path.iter().cloned().chain([index.to_string()]).collect();
                    self.value(item, &path, found);
                }
            }
            // A flow of its own.
            Kind::String if node.as_str().and_then(|text| parse_parts(&text)).is_some_and(|parts| parts.len() == 1) => {
            }
            _ => found.around.push(match path.split_last() {
                Some((name, [])) => format!("{name} {}", self.text(node)),
                Some((name, before)) => format!("{} {name}={}", before.join(" "), self.text(node)),
                None => self.text(node),
            }),
        }
    }

    fn words<'a>(&'a self, node: Node<'a>) -> impl Iterator<Item = String> + 'a {
        let one = (node.kind() == Kind::String).then_some(node);
        let is_one = one.is_some();
        one.into_iter().chain(node.items()).map(move |item| {
            let text = self.text(item);
            let is_plain = !text.is_empty() && !text.contains([' ', '\t', '\n', '"']);
            // A string that is a whole command line is shown as one.
            if is_plain || is_one || item.kind() != Kind::String { text } else { string::encode(&text) }
        })
    }

    /// A value as it may be shown and kept: a literal key of the user's in it is neither.
    fn text(&self, node: Node<'_>) -> String {
        let text = node.as_str().map_or_else(|| node.plain().into_owned(), Cow::into_owned);
        let is_key = parse_parts(&text).is_none() && looks_like_key(&text) && !self.is_public(&text);
        if is_key { "[redacted]".to_owned() } else { text }
    }

    fn is_public(&self, text: &str) -> bool {
        let public = self.public.get_or_init(|| {
            let mut public = HashSet::new();
            if let Ok(document) = Document::parse(self.blueprint.document.as_bytes()) {
                document.strings(|token| public.extend(token.node.as_str().map(Cow::into_owned)));
            }
            public
        });
        public.contains(text)
    }
}

/// A string, or a list of strings and the like.
fn is_words(node: &Node<'_>) -> bool {
    let is_plain = |node: Node<'_>| !matches!(node.kind(), Kind::Object | Kind::Array);
    node.kind() == Kind::String || (node.kind() == Kind::Array && node.items().all(is_plain))
}
