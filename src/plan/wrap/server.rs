//! One server: whether it can be wrapped, and the splices that do it. What could not be read back is refused with its place.

use super::call::{self, For};
use super::unwrap::{unwrap, wrapped};
use crate::consent::holes::{self, BadHole};
use crate::document::edit::splice;
use crate::document::{Document, Kind, Pointer, Splice, string};
use crate::error::{Explain, Place};
use crate::host::servers::HostReferences;
use crate::host::servers::find::{Field, Program, Server, Unreadable};

/// How servers are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wrapper<'a> {
    /// The path of keystencil.
    pub program: &'a str,
    /// The target's name in the config.
    pub target: &'a str,
    /// What the host calls its helper for headers, if it tells it where they go.
    pub helper: Option<&'a str>,
    /// How the host writes references of its own.
    pub references: HostReferences,
}

/// Why a server stays plain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwrappable {
    /// It is written in no shape that is known.
    #[error(transparent)]
    Shape(#[from] Unreadable),
    /// The reference is in no server.
    #[error("{0} is not in a server")]
    NoServer(Pointer),
    /// It is neither started nor reached.
    #[error("{0} has neither a command nor a URL")]
    Nothing(Pointer),
    /// It is both.
    #[error("{0} has both a command and a URL")]
    Both(Pointer),
    /// The reference is in another part of it.
    #[error("{0} is neither an argument, a variable nor a header")]
    Part(Pointer),
    /// It has a helper.
    #[error("{0} is a helper that the server already has")]
    OwnHelper(Pointer),
    /// The helper would not know where its headers go.
    #[error("{0} goes to a server whose host does not tell a helper the URL")]
    NoHelper(Pointer),
    /// The host fills in what decides where values go.
    #[error("{pointer} {}", .why.what())]
    Hole {
        /// Where.
        pointer: Pointer,
        /// What it decides.
        why: BadHole,
    },
    /// It starts keystencil.
    #[error("{0} is keystencil itself")]
    Itself(Pointer),
    /// It could not be told that we wrote it.
    #[error("`{0}` is not named keystencil, so a server wrapped by it could not be read back")]
    Program(String),
    /// The name would be read back as another.
    #[error("a target named `{0}` can't be written before a pointer")]
    Target(String),
    /// The splice has no inverse.
    #[error("{0} would not be read back as it is")]
    Lossy(Pointer),
}

impl Explain for Unwrappable {
    fn place(&self) -> Option<Place> {
        let pointer = match self {
            Self::Shape(Unreadable { pointer, .. })
            | Self::NoServer(pointer)
            | Self::Nothing(pointer)
            | Self::Both(pointer)
            | Self::Part(pointer)
            | Self::OwnHelper(pointer)
            | Self::NoHelper(pointer)
            | Self::Hole { pointer, .. }
            | Self::Itself(pointer)
            | Self::Lossy(pointer) => pointer,
            Self::Program(_) | Self::Target(_) => return None,
        };
        Some(Place::default().slot(pointer.as_str()))
    }
}

/// What wraps the server at a pointer, whose references stand at `slots`; the document has it in its plain form.
///
/// ```
/// use keystencil::document::{Document, Pointer, edit::splice};
/// use keystencil::plan::wrap::{Wrapper, unwrap, wrap};
/// let text = r#"{"mcpServers": {"a": {"command": "npx", "args": ["-y"], "env": {"K": "<< keyring('k') >>"}}}}"#;
/// let document = Document::parse(text.as_bytes())?;
/// let slots = [Pointer::parse("/mcpServers/a/env/K")?];
/// let wrapper = Wrapper { program: "/bin/keystencil", target: "claude", helper: None, references: Default::default() };
/// let wrapped = splice(text, wrap(&document, &Pointer::parse("/mcpServers/a")?, &slots, &wrapper)?);
/// let call = r#""command": "/bin/keystencil", "args": ["run", "--for", "claude:/mcpServers/a", "--", "npx", "-y"]"#;
/// assert!(wrapped.contains(call), "{wrapped}");
/// assert_eq!(unwrap(&Document::parse(wrapped.as_bytes())?), text);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Unwrappable`] with the first place that stands against it.
pub fn wrap(
    document: &Document<'_>,
    pointer: &Pointer,
    slots: &[Pointer],
    wrapper: &Wrapper<'_>,
) -> Result<Vec<Splice>, Unwrappable> {
    if !call::is_ours(wrapper.program) {
        return Err(Unwrappable::Program(wrapper.program.to_owned()));
    }
    let server_call = For { target: wrapper.target.to_owned(), pointer: pointer.clone() };
    if For::parse(&server_call.to_string()).as_ref() != Some(&server_call) || wrapper.target.contains(char::is_control)
    {
        return Err(Unwrappable::Target(wrapper.target.to_owned()));
    }
    let server = Server::at(document, pointer)?;
    let splices = match (&server.program, &server.address) {
        (Some(_), Some(address)) => return Err(Unwrappable::Both(address.pointer.clone())),
        (None, None) => return Err(Unwrappable::Nothing(pointer.clone())),
        (Some(program), None) => {
            check_started(&server, program, slots, wrapper.references)?;
            match program {
                Program::List(list) => vec![into_list(list, wrapper.program, &server_call)],
                Program::Beside { object, command, arguments } => {
                    let mut splices =
                        vec![Splice { span: command.value.span(), text: string::encode(wrapper.program) }];
                    splices.push(match arguments {
                        Some(list) => before_arguments(document.text(), list, command, &server_call),
                        None => {
                            let words = list(&call::before(&server_call, true), command.value.raw());
                            beside(document.text(), object.span().start, command, "args", &format!("[{words}]"))
                        }
                    });
                    splices
                }
            }
        }
        (None, Some(address)) => {
            let headers = check_reached(&server, address, slots, wrapper.references)?;
            let Some(name) = wrapper.helper else { return Err(Unwrappable::NoHelper(first(slots, pointer))) };
            let line = string::encode(&call::helper(wrapper.program, &server_call));
            vec![beside(document.text(), server.node.span().start, headers, name, &line)]
        }
    };
    if reads_back(&server, &splices) { Ok(splices) } else { Err(Unwrappable::Lossy(pointer.clone())) }
}

/// Whether the server comes back byte for byte once it is wrapped.
fn reads_back(server: &Server<'_>, splices: &[Splice]) -> bool {
    let (start, raw) = (server.node.span().start, server.node.raw());
    let text = splice(raw, moved(splices, start));
    let is_plain = Document::parse_relaxed(raw.as_bytes()).is_ok_and(|plain| wrapped(&plain).is_empty());
    is_plain && Document::parse_relaxed(text.as_bytes()).is_ok_and(|text| unwrap(&text) == raw)
}

/// Splices of a document as those of a part of it.
pub(super) fn moved(splices: &[Splice], start: usize) -> Vec<Splice> {
    let span = |one: &Splice| one.span.start.saturating_sub(start)..one.span.end.saturating_sub(start);
    splices.iter().map(|one| Splice { span: span(one), text: one.text.clone() }).collect()
}

/// Whether each reference is an argument or a variable, and the host fills in nothing that matters.
fn check_started(
    server: &Server<'_>,
    program: &Program<'_>,
    slots: &[Pointer],
    references: HostReferences,
) -> Result<(), Unwrappable> {
    let (list, words): (Option<&Field<'_>>, Vec<_>) = match program {
        Program::List(list) => (Some(list), list.value.items().map(|item| item.as_str()).collect()),
        Program::Beside { command, arguments, .. } => {
            let items = arguments.iter().flat_map(|list| list.value.items());
            (arguments.as_ref(), std::iter::once(command.value).chain(items).map(|item| item.as_str()).collect())
        }
    };
    let at = |word: usize| match program {
        Program::List(list) => list.pointer.index(word),
        Program::Beside { command, .. } if word == 0 => command.pointer.clone(),
        Program::Beside { arguments, command, .. } => {
            arguments.as_ref().map_or_else(|| command.pointer.clone(), |list| list.pointer.index(word - 1))
        }
    };
    let Some(words) = words.into_iter().collect::<Option<Vec<_>>>() else { return Err(Unwrappable::Lossy(at(0))) };
    if words.first().is_some_and(|command| call::is_ours(command)) {
        return Err(Unwrappable::Itself(at(0)));
    }
    let is_part = |slot: &Pointer| {
        let parent = slot.parent();
        let is_in = |field: &Field<'_>| parent.as_ref() == Some(&field.pointer);
        *slot != at(0) && (list.is_some_and(is_in) || server.environment.iter().any(is_in))
    };
    if let Some(other) = slots.iter().find(|slot| !is_part(slot)) {
        return Err(Unwrappable::Part(other.clone()));
    }
    let braced: Vec<_> = words.iter().map(|word| references.braced(word)).collect();
    if let Some((word, why)) = holes::in_command(braced.iter().map(AsRef::as_ref)) {
        return Err(Unwrappable::Hole { pointer: at(word), why });
    }
    server.environment.iter().try_for_each(|map| check_map(map, references))
}

/// The headers, if each reference is one of them and the host fills in nothing that matters.
fn check_reached<'s, 'a>(
    server: &'s Server<'a>,
    address: &Field<'a>,
    slots: &[Pointer],
    references: HostReferences,
) -> Result<&'s Field<'a>, Unwrappable> {
    if let Some(helper) = &server.helper {
        return Err(Unwrappable::OwnHelper(helper.pointer.clone()));
    }
    let Some(headers) = &server.headers else {
        return Err(Unwrappable::Part(first(slots, &server.pointer)));
    };
    if let Some(other) = slots.iter().find(|slot| slot.parent().as_ref() != Some(&headers.pointer)) {
        return Err(Unwrappable::Part(other.clone()));
    }
    let Some(url) = address.value.as_str() else { return Err(Unwrappable::Lossy(address.pointer.clone())) };
    if let Some(why) = holes::in_url(&references.braced(&url)) {
        return Err(Unwrappable::Hole { pointer: address.pointer.clone(), why });
    }
    check_map(headers, references)?;
    Ok(headers)
}

/// Whether the values of variables or headers have no hole that matters.
fn check_map(map: &Field<'_>, references: HostReferences) -> Result<(), Unwrappable> {
    for member in map.value.members() {
        let Some(name) = member.key.as_str() else { return Err(Unwrappable::Lossy(map.pointer.clone())) };
        let pointer = map.pointer.child(&name);
        if member.value.kind() != Kind::String {
            continue;
        }
        let Some(text) = member.value.as_str() else { return Err(Unwrappable::Lossy(pointer)) };
        if let Some(why) = holes::in_variable(&name, &references.braced(&text)) {
            return Err(Unwrappable::Hole { pointer, why });
        }
    }
    Ok(())
}

fn first(slots: &[Pointer], server: &Pointer) -> Pointer {
    slots.first().unwrap_or(server).clone()
}

/// The words of a call and the command's own token, as items of a list.
fn list(words: &[String], command: &str) -> String {
    words.iter().map(|word| string::encode(word)).chain([command.to_owned()]).collect::<Vec<_>>().join(", ")
}

/// Puts the call in front of a program that stands in one list with its arguments.
fn into_list(field: &Field<'_>, program: &str, server: &For) -> Splice {
    let at = field.value.items().next().map_or(field.value.span().start + 1, |item| item.span().start);
    let words = std::iter::once(program.to_owned()).chain(call::before(server, false));
    let text: String = words.map(|word| format!("{}, ", string::encode(&word))).collect();
    Splice { span: at..at, text }
}

/// Puts the call and the command in front of the arguments.
fn before_arguments(text: &str, field: &Field<'_>, command: &Field<'_>, server: &For) -> Splice {
    let words = list(&call::before(server, false), command.value.raw());
    let open = field.value.span().start + 1;
    match field.value.items().next() {
        None => Splice { span: open..open, text: words },
        Some(first) => {
            let at = first.span().start;
            // As close together as the items are, if there are two.
            let second = field.value.items().nth(1).map(|second| second.span().start);
            let gap = second.and_then(|second| text.get(first.span().end..second));
            let comma = if gap == Some(",") { "," } else { ", " };
            Splice { span: at..at, text: format!("{words}{comma}") }
        }
    }
}

/// A new member directly behind another one, laid out like it.
fn beside(text: &str, object: usize, field: &Field<'_>, name: &str, value: &str) -> Splice {
    let key = field.key.span();
    let colon = text.get(key.end..field.value.span().start).unwrap_or(": ");
    let colon = if colon.contains('/') { ": " } else { colon };
    let head = text.get(object..key.start).unwrap_or_default();
    let blank = head.get(head.trim_end_matches([' ', '\t', '\n', '\r']).len()..).unwrap_or_default();
    // Its own line if the other has one.
    let line =
        blank.rfind('\n').map(|at| if blank.get(..at).is_some_and(|head| head.ends_with('\r')) { at - 1 } else { at });
    let gap = match line.or_else(|| blank.rfind('\r')) {
        Some(at) => blank.get(at..).unwrap_or_default(),
        None if colon == ":" => "",
        None => " ",
    };
    let at = field.value.span().end;
    Splice { span: at..at, text: format!(",{gap}{}{colon}{value}", string::encode(name)) }
}
