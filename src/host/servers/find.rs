//! Where the parts of a server are written in a document: its command, arguments, environment, address, headers and
//! helper.
//!
//! Names count as their hosts read them. A server that is written in no shape of the table, or that names one thing
//! twice, has no reading here, since two programs could read it differently; the error has the place.

use super::{SHAPES, Shape, Start, server_ends};
use crate::document::{Document, Kind, Node, Pointer};

/// A member of a server.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    /// Where it is.
    pub pointer: Pointer,
    /// Its name, as it is written.
    pub key: Node<'a>,
    /// What it says.
    pub value: Node<'a>,
}

/// What a server starts.
#[derive(Debug, Clone)]
pub enum Program<'a> {
    /// A command and, beside it, a list of arguments.
    Beside {
        /// The object that both are in: the server, or one in it.
        object: Node<'a>,
        /// The command, a string.
        command: Field<'a>,
        /// The arguments, a list if they are there.
        arguments: Option<Field<'a>>,
    },
    /// A list of the program and its arguments, with at least the program.
    List(Field<'a>),
}

/// One server of a document.
///
/// ```
/// use keystencil::document::{Document, Pointer};
/// use keystencil::host::servers::find::{Program, Server};
/// let text = br#"{"mcpServers": {"a": {"command": "npx", "args": ["-y"], "env": {"K": "v"}}}}"#;
/// let document = Document::parse(text)?;
/// let server = Server::at(&document, &Server::around(&Pointer::parse("/mcpServers/a/env/K")?).unwrap())?;
/// let Some(Program::Beside { command, arguments, .. }) = &server.program else { panic!() };
/// assert_eq!((command.value.raw(), arguments.as_ref().unwrap().pointer.as_str()), ("\"npx\"", "/mcpServers/a/args"));
/// assert_eq!(server.environment[0].pointer.as_str(), "/mcpServers/a/env");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Server<'a> {
    /// Where it is.
    pub pointer: Pointer,
    /// What it is called: the member's name, or the entry's `name`.
    pub name: String,
    /// All of it.
    pub node: Node<'a>,
    /// What is started, if something is.
    pub program: Option<Program<'a>>,
    /// Objects with variables of its environment.
    pub environment: Vec<Field<'a>>,
    /// Where it is reached.
    pub address: Option<Field<'a>>,
    /// An object with headers.
    pub headers: Option<Field<'a>>,
    /// A command that prints headers or keys.
    pub helper: Option<Field<'a>>,
}

/// A server that the table has no shape for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer} {what}")]
pub struct Unreadable {
    /// Where.
    pub pointer: Pointer,
    /// What is wrong there.
    pub what: &'static str,
}

impl<'a> Server<'a> {
    /// The server that a place is in, by the names of what is above it.
    #[must_use]
    pub fn around(place: &Pointer) -> Option<Pointer> {
        let end = server_ends(&place.tokens().collect::<Vec<_>>())?;
        let mut pointer = Pointer::root();
        place.tokens().take(end).for_each(|token| pointer.push(&token));
        Some(pointer)
    }

    /// Reads the server at a pointer that [`Self::around`] gave.
    ///
    /// # Errors
    /// [`Unreadable`] with the first place that fits no shape.
    pub fn at(document: &Document<'a>, pointer: &Pointer) -> Result<Self, Unreadable> {
        let node = document.find(pointer).filter(|node| node.kind() == Kind::Object);
        let node = node.ok_or_else(|| unreadable(pointer, "is not an object"))?;
        let container = pointer.parent().unwrap_or_default();
        let rows = rows(container.last().as_deref().unwrap_or_default());
        let is_listed = document.find(&container).is_some_and(|container| container.kind() == Kind::Array);
        if is_listed && !rows.iter().any(|row| row.listed) {
            return Err(unreadable(&container, "is a list, which no known host uses there"));
        }
        let entry = is_listed.then(|| node.get("name").and_then(|name| name.as_str())).flatten();
        let name = entry.or_else(|| pointer.last()).unwrap_or_default().into_owned();
        Reading { pointer, node, rows }.server(name)
    }
}

struct Reading<'r, 'a> {
    pointer: &'r Pointer,
    node: Node<'a>,
    rows: Vec<&'static Shape>,
}

impl<'a> Reading<'_, 'a> {
    fn server(&self, name: String) -> Result<Server<'a>, Unreadable> {
        let inside = self.inside()?;
        let objects: Vec<(Pointer, Node<'a>)> = std::iter::once((self.pointer.clone(), self.node))
            .chain(inside.as_ref().map(|(field, _)| (field.pointer.clone(), field.value)))
            .collect();
        let part = |of: fn(&Shape) -> &'static [&'static str], fits: fn(Kind) -> bool| {
            let mut found = None;
            for (at, node) in &objects {
                let field = one(at, *node, &self.names(of), fits)?;
                if found.is_some() && field.is_some() {
                    return Err(unreadable(at, "repeats a setting that is next to it"));
                }
                found = found.or(field);
            }
            Ok(found)
        };
        let is_object = |kind| kind == Kind::Object;
        let mut environment = Vec::new();
        for (at, node) in &objects {
            environment.extend(one(at, *node, &self.names(|row| row.environment), is_object)?);
        }
        Ok(Server {
            pointer: self.pointer.clone(),
            name,
            node: self.node,
            program: self.program(inside)?,
            environment,
            address: part(|row| row.address, |kind| kind == Kind::String)?,
            headers: part(|row| row.headers, is_object)?,
            helper: part(|row| row.helpers, |_| true)?,
        })
    }

    /// The object that says in the server's place what is started, and what it calls the command.
    fn inside(&self) -> Result<Option<(Field<'a>, &'static str)>, Unreadable> {
        for start in self.rows.iter().flat_map(|row| row.starts) {
            let Start::Inside { object, command } = start else { continue };
            if let Some(field) = one(self.pointer, self.node, &[object], |kind| kind == Kind::Object)? {
                return Ok(Some((field, command)));
            }
        }
        Ok(None)
    }

    fn program(&self, inside: Option<(Field<'a>, &'static str)>) -> Result<Option<Program<'a>>, Unreadable> {
        let may = |start: &Start| self.rows.iter().any(|row| row.starts.contains(start));
        let beside = |at: &Pointer, object: Node<'a>, command: Field<'a>| {
            let arguments = one(at, object, &self.names(|row| row.arguments), |_| true)?;
            if let Some(odd) = arguments.as_ref().filter(|field| !is_list_of_strings(field.value)) {
                return Err(unreadable(&odd.pointer, "is not a list of strings"));
            }
            Ok(Some(Program::Beside { object, command, arguments }))
        };
        let outer = one(self.pointer, self.node, &self.names(|row| row.command), |kind| kind != Kind::Object)?;
        if let Some((field, command)) = inside {
            if let Some(outer) = outer {
                return Err(unreadable(&outer.pointer, "names a second program to start"));
            }
            return match one(&field.pointer, field.value, &[command], |_| true)? {
                None => Ok(None),
                Some(command) if command.value.kind() == Kind::String => beside(&field.pointer, field.value, command),
                Some(odd) => Err(unreadable(&odd.pointer, "is not a string")),
            };
        }
        match outer {
            None => match one(self.pointer, self.node, &self.names(|row| row.command), |_| true)? {
                Some(odd) => Err(unreadable(&odd.pointer, "is an object, which no known host uses there")),
                None => Ok(None),
            },
            Some(command) => match command.value.kind() {
                Kind::String if may(&Start::Beside) => beside(self.pointer, self.node, command),
                Kind::Array if may(&Start::List) => {
                    let arguments = one(self.pointer, self.node, &self.names(|row| row.arguments), |_| true)?;
                    match arguments {
                        Some(more) => Err(unreadable(&more.pointer, "is next to a command that already has arguments")),
                        None if command.value.items().next().is_none() => {
                            Err(unreadable(&command.pointer, "does not name a program"))
                        }
                        None if !is_list_of_strings(command.value) => {
                            Err(unreadable(&command.pointer, "is not a list of strings"))
                        }
                        None => Ok(Some(Program::List(command))),
                    }
                }
                _ => Err(unreadable(&command.pointer, "is in a form that no known host uses")),
            },
        }
    }

    fn names(&self, of: fn(&Shape) -> &'static [&'static str]) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = self.rows.iter().flat_map(|row| of(row)).copied().collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// The rows of the hosts that have servers in a container of that name; of one that nobody is known to have, all.
fn rows(container: &str) -> Vec<&'static Shape> {
    let is_named = |row: &&Shape| row.containers.iter().any(|name| name.eq_ignore_ascii_case(container));
    let named: Vec<&'static Shape> = SHAPES.iter().filter(is_named).collect();
    if named.is_empty() { SHAPES.iter().collect() } else { named }
}

/// The one member of an object with such a name and kind.
fn one<'a>(
    at: &Pointer,
    object: Node<'a>,
    names: &[&str],
    fits: impl Fn(Kind) -> bool,
) -> Result<Option<Field<'a>>, Unreadable> {
    let mut found: Option<Field<'a>> = None;
    for member in object.members() {
        let Some(name) = member.key.as_str() else { continue };
        if !names.iter().any(|known| known.eq_ignore_ascii_case(&name)) || !fits(member.value.kind()) {
            continue;
        }
        let pointer = at.child(&name);
        if found.is_some() {
            return Err(unreadable(&pointer, "repeats a setting that is next to it"));
        }
        if !names.contains(&&*name) {
            return Err(unreadable(&pointer, "has a spelling that no known host uses"));
        }
        found = Some(Field { pointer, key: member.key, value: member.value });
    }
    Ok(found)
}

fn is_list_of_strings(node: Node<'_>) -> bool {
    node.kind() == Kind::Array && node.items().all(|item| item.as_str().is_some())
}

fn unreadable(pointer: &Pointer, what: &'static str) -> Unreadable {
    Unreadable { pointer: pointer.clone(), what }
}
