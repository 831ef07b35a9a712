//! Reads a server from a document at rest, and says what keeps one from being delivered without a file.

use super::hash::steering_hash;
use super::text::kept;
use super::url::split;
use super::{Entry, Reached, Server, Started, references};
use crate::consent::holes::{BadHole, holes, in_command, in_url, in_variable};
use crate::consent::steering::steers;
use crate::document::{Kind, Node, Pointer};
use crate::host::servers::{
    HostReferences, is_address, is_arguments, is_command, is_environment, is_headers, starts_within,
};
use crate::scan::keylike::looks_like_key;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Texts by name.
type Texts = BTreeMap<String, String>;

/// Why a server can't be delivered without a file. Each names the place in the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No program and no URL, or none that is text.
    #[error("it has neither a command nor a URL")]
    Neither,
    /// A list or an object that holds something else than text.
    #[error("`{0}` contains something that is not text")]
    NoText(String),
    /// A reference in the program, the folder, or the URL.
    #[error("`{0}` has a reference")]
    Reference(String),
    /// The host fills something in where it decides what is started or reached, or beside a secret.
    #[error("`{place}` {}", .why.what())]
    Hole {
        /// Where.
        place: String,
        /// What it decides.
        why: BadHole,
    },
    /// A key in plain text, where it can't be kept as a hash.
    #[error("`{0}` contains what looks like a key, in plain text")]
    Key(String),
    /// A URL that can't be compared, or has a user in it.
    #[error("its URL has no scheme or host, or has a user name")]
    Url,
    /// No such program.
    #[error("its command is not found")]
    NotFound,
    /// It starts this program.
    #[error("its command is keystencil itself")]
    Itself,
}

/// Finds a command, in the `PATH` that is given or in the person's.
pub type Find = dyn Fn(&str, Option<&str>) -> Result<Vec<PathBuf>, Unfit>;

/// What the machine adds to a server at the moment of a yes.
pub struct Machine<'a> {
    /// Where a command is found, with its interpreter behind it; with the `PATH` that the server itself names, if it does.
    pub found: &'a Find,
    /// The variables that the person has.
    pub variables: &'a [(String, String)],
    /// How the host writes references of its own.
    pub references: HostReferences,
}

impl Server {
    /// The server at a place of a document in placeholder form; `None` if it has no reference that can be delivered.
    ///
    /// ```
    /// use keystencil::consent::record::{Entry, Machine, Server};
    /// use keystencil::document::{Document, Pointer};
    /// let text = r#"{"command": "npx", "args": ["x"], "env": {"KEY": "<< keyring('a') >>"}}"#;
    /// let document = Document::parse(text.as_bytes())?;
    /// let machine = Machine { found: &|_, _| Ok(vec!["/usr/bin/npx".into()]), variables: &[], references: Default::default() };
    /// let server = Server::read(&Pointer::parse("/mcpServers/a")?, document.root(), &machine)?;
    /// let Some(Server { entry: Entry::Started(started), .. }) = server else { return Err("not started".into()) };
    /// assert_eq!(started.env["KEY"], "<< keyring('a') >>");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn read(pointer: &Pointer, node: Node<'_>, machine: &Machine<'_>) -> Result<Option<Self>, Unfit> {
        let entry = match started(node)? {
            Some(mut started) => {
                started.texts_mut().for_each(|text| *text = machine.references.braced(text).into_owned());
                let texts = started.args.iter().chain(started.env.values());
                if texts.flat_map(|text| references(text)).next().is_none() {
                    return Ok(None);
                }
                check_started(&started)?;
                Entry::Started(started.on(machine)?)
            }
            None => {
                let Some((mut url, mut headers)) = reached(node)? else { return Err(Unfit::Neither) };
                let texts = std::iter::once(&mut url).chain(headers.values_mut());
                texts.for_each(|text| *text = machine.references.braced(text).into_owned());
                if headers.is_empty() {
                    return Ok(None);
                }
                Entry::Reached(check_reached(&url, headers)?)
            }
        };
        Ok(Some(Self { pointer: pointer.clone(), entry }))
    }
}

impl Started {
    /// The same as it is kept.
    fn on(mut self, machine: &Machine<'_>) -> Result<Self, Unfit> {
        self.found = (machine.found)(&self.command, self.env.get("PATH").map(String::as_str))?;
        let steering = machine.variables.iter().filter(|(name, _)| steers(name) && !self.env.contains_key(name));
        self.steering = steering.map(|(name, value)| (name.clone(), steering_hash(name, value))).collect();
        self.texts_mut().for_each(|text| *text = kept(text));
        Ok(self)
    }

    /// All that was written.
    fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let words = std::iter::once(&mut self.command).chain(&mut self.args);
        words.chain(self.env.values_mut()).chain(&mut self.folder)
    }
}

/// The last member of that kind: of duplicates a host reads the last.
fn last<'a>(node: Node<'a>, is: impl Fn(&str) -> bool) -> Option<(String, Node<'a>)> {
    let named = node.members().filter_map(|member| Some((member.key.as_str()?.into_owned(), member.value)));
    named.filter(|(name, value)| is(name) && value.kind() != Kind::Null).last()
}

fn started(node: Node<'_>) -> Result<Option<Started>, Unfit> {
    // The command may stand in an object of the server, with all of it, or be one of its own.
    let within = last(node, starts_within).map(|(_, within)| within);
    let found = match (last(node, is_command), within) {
        (Some(own), _) => Some((own, None)),
        (None, Some(within)) => last(within, is_command).map(|its| (its, Some(within))),
        (None, None) => None,
    };
    let Some(((name, command), within)) = found else { return Ok(None) };
    let (mut words, inner) = match command.kind() {
        Kind::String => (vec![text(&name, command)?], within),
        Kind::Array => (list(&name, command)?, within),
        Kind::Object => match command.get("path") {
            Some(path) => (vec![text(&name, path)?], Some(command)),
            None => return Err(Unfit::NoText(name)),
        },
        _ => return Err(Unfit::NoText(name)),
    };
    let mut started = Started::default();
    for place in [Some(node), inner].into_iter().flatten() {
        if let Some((name, args)) = last(place, is_arguments) {
            words.extend(list(&name, args)?);
        }
        started.env.extend(map(place, is_environment, |_| true)?);
        if let Some((name, folder)) = last(place, |name| name == "cwd" || name == "workingDirectory") {
            started.folder = Some(text(&name, folder)?);
        }
    }
    if words.is_empty() {
        return Err(Unfit::NoText(name));
    }
    started.command = words.remove(0);
    started.args = words;
    // A relative folder starts from one that only the host knows.
    started.folder = started.folder.filter(|folder| folder.starts_with('/') || !holes(folder).is_empty());
    Ok(Some(started))
}

/// A URL, and the headers that have references.
fn reached(node: Node<'_>) -> Result<Option<(String, Texts)>, Unfit> {
    let is_url = |name: &str| is_address(name) && !is_command(name);
    let Some((name, url)) = last(node, is_url) else { return Ok(None) };
    // A plain header is the host's to send; ours would only repeat it.
    let headers = map(node, is_headers, |text| !references(text).is_empty())?;
    Ok(Some((text(&name, url)?, headers)))
}

fn text(name: &str, node: Node<'_>) -> Result<String, Unfit> {
    node.as_str().map(std::borrow::Cow::into_owned).ok_or_else(|| Unfit::NoText(name.to_owned()))
}

fn list(name: &str, node: Node<'_>) -> Result<Vec<String>, Unfit> {
    if node.kind() != Kind::Array {
        return Err(Unfit::NoText(name.to_owned()));
    }
    node.items().map(|item| text(name, item)).collect()
}

/// The texts of the objects of that kind; a number or a word that is none stands as it is written.
fn map(
    node: Node<'_>,
    is: impl Fn(&str) -> bool,
    keep: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, String>, Unfit> {
    let mut map = BTreeMap::new();
    let objects = node.members().filter(|member| member.value.kind() == Kind::Object);
    for object in objects.filter(|member| member.key.as_str().is_some_and(|name| is(&name))) {
        for member in object.value.members() {
            let name = member.key.as_str().ok_or_else(|| Unfit::NoText(object.key.raw().to_owned()))?.into_owned();
            let text = match member.value.kind() {
                Kind::String => text(&name, member.value)?,
                Kind::Number | Kind::Bool => member.value.raw().to_owned(),
                Kind::Null => continue,
                Kind::Object | Kind::Array => return Err(Unfit::NoText(name)),
            };
            if keep(&text) {
                map.insert(name, text);
            }
        }
    }
    Ok(map)
}

fn check_started(started: &Started) -> Result<(), Unfit> {
    let place = |word: usize| if word == 0 { "command".to_owned() } else { format!("argument {word}") };
    no_reference("command", &started.command)?;
    let words = std::iter::once(&started.command).chain(&started.args).map(String::as_str);
    if let Some((word, why)) = in_command(words.clone()) {
        return Err(Unfit::Hole { place: place(word), why });
    }
    words.enumerate().try_for_each(|(word, text)| no_key(&place(word), text))?;
    started.env.iter().try_for_each(|(name, text)| {
        no_hole(name, in_variable(name, text))?;
        no_key(name, text)
    })?;
    started.folder.iter().try_for_each(|folder| no_reference("cwd", folder))
}

fn check_reached(url: &str, headers: BTreeMap<String, String>) -> Result<Reached, Unfit> {
    no_reference("url", url)?;
    no_hole("url", in_url(url))?;
    headers.iter().try_for_each(|(name, text)| no_hole(name, in_variable(name, text)))?;
    let (origin, path) = split(url).ok_or(Unfit::Url)?;
    no_key("url", path)?;
    Ok(Reached { origin, path: kept(path), headers })
}

/// A text with a hole is kept as it is.
fn no_key(place: &str, text: &str) -> Result<(), Unfit> {
    if !holes(text).is_empty() && looks_like_key(text) { Err(Unfit::Key(place.to_owned())) } else { Ok(()) }
}

fn no_reference(place: &str, text: &str) -> Result<(), Unfit> {
    if references(text).is_empty() { Ok(()) } else { Err(Unfit::Reference(place.to_owned())) }
}

fn no_hole(place: &str, bad: Option<BadHole>) -> Result<(), Unfit> {
    bad.map_or(Ok(()), |why| Err(Unfit::Hole { place: place.to_owned(), why }))
}
