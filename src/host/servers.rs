//! What a server looks like in the config of a host, of all hosts that are known: one table, and the words of names.
//!
//! [`crate::consent`] asks it what a slot is in and what may lead a value elsewhere, [`crate::adopt::import`] where a
//! key is and what a template takes whole, [`crate::plan::wrap`] by [`find`] where each part of a server is written. It
//! looks at names and the kinds of values only. A new host is a new row; nobody else may keep a list of such names.

pub mod find;

use crate::document::{Kind, Node};
use crate::scan::names::words;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::Path;

/// How one host writes a server. Names are compared without regard to case, so that another spelling hides nothing.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The hosts that write it so.
    pub hosts: &'static str,
    /// Objects whose members are servers.
    pub containers: &'static [&'static str],
    /// The program.
    pub command: &'static [&'static str],
    /// Its arguments.
    pub arguments: &'static [&'static str],
    /// Variables of its environment, and files that have some.
    pub environment: &'static [&'static str],
    /// Where a server is that is reached, not started.
    pub address: &'static [&'static str],
    /// What is sent with each request.
    pub headers: &'static [&'static str],
    /// Commands that print headers or keys.
    pub helpers: &'static [&'static str],
    /// Settings beside the container that its servers refer to.
    pub beside: &'static [&'static str],
    /// The ways it says what is started.
    pub starts: &'static [Start],
    /// Whether the container may be a list, whose entries have a `name`.
    pub listed: bool,
    /// How it writes references of its own.
    pub references: HostReferences,
    /// The folders that its config is in, where that tells it from a host with the same container.
    pub folders: &'static [&'static str],
}

/// How a host writes references of its own, which it fills before it starts or reaches anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HostReferences {
    /// In braces: `${VAR}`, `${input:id}`, `{env:VAR}`, `{file:PATH}`.
    #[default]
    Braced,
    /// `$VAR` as well.
    Bare,
}

impl HostReferences {
    /// How the host of a config writes them, by the folder that its file is in.
    #[must_use]
    pub fn of(file: &Path) -> Self {
        let folder = file.parent().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or_default();
        SHAPES.iter().find(|shape| shape.folders.contains(&folder)).map_or(Self::Braced, |shape| shape.references)
    }

    /// A text with those that have no braces in braces.
    ///
    /// ```
    /// use keystencil::host::servers::HostReferences;
    /// assert_eq!(HostReferences::Bare.braced("$HOME/a $5 ${B}$"), "${HOME}/a $5 ${B}$");
    /// assert_eq!(HostReferences::Braced.braced("$HOME/a"), "$HOME/a");
    /// ```
    #[must_use]
    pub fn braced(self, text: &str) -> Cow<'_, str> {
        if self == Self::Braced || !text.contains('$') {
            return Cow::Borrowed(text);
        }
        let mut pieces = text.split('$');
        let mut braced = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let (name, rest) = piece.split_at(piece.find(|c| !is_part(c)).unwrap_or(piece.len()));
            // The hosts fill `$5` too; it is more often a price.
            let is_name = name.starts_with(|c: char| !c.is_ascii_digit());
            braced.push_str(&if is_name { format!("${{{name}}}{rest}") } else { format!("${piece}") });
        }
        Cow::Owned(braced)
    }
}

/// How a server says what is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The command is a string, and its arguments are a list beside it.
    Beside,
    /// The command is a list: the program and its arguments.
    List,
    /// An object in the server says it, with the arguments beside the command.
    Inside {
        /// The object's name.
        object: &'static str,
        /// What the command is called there.
        command: &'static str,
    },
}

/// What most hosts took over from the first.
const COMMON: Shape = Shape {
    hosts: "Claude Code, Claude Desktop, Copilot CLI, Cursor, LM Studio, Amp, Droid",
    containers: &["mcpServers"],
    command: &["command"],
    arguments: &["args"],
    environment: &["env", "envFile"],
    address: &["url"],
    headers: &["headers"],
    helpers: &["headersHelper", "apiKeyHelper"],
    beside: &[],
    starts: &[Start::Beside],
    listed: false,
    references: HostReferences::Braced,
    folders: &[],
};

/// The options of a client's transport, in an object of their own.
const TRANSPORT: Start = Start::Inside { object: "transport", command: "command" };

/// Every shape that is known.
pub static SHAPES: &[Shape] = &[
    COMMON,
    Shape {
        hosts: "Gemini CLI, Qwen Code",
        address: &["url", "httpUrl"],
        references: HostReferences::Bare,
        folders: &[".gemini", ".qwen", "gemini-cli", "qwen-code"],
        ..COMMON
    },
    Shape { hosts: "Windsurf", address: &["serverUrl", "url"], ..COMMON },
    // `servers` in mcp.json, `mcp.servers` in the settings.
    Shape { hosts: "VS Code", containers: &["servers", "mcp"], beside: &["inputs"], ..COMMON },
    Shape {
        hosts: "Codex",
        containers: &["mcp_servers"],
        environment: &["env", "env_vars"],
        headers: &["http_headers", "env_http_headers"],
        helpers: &["http_headers_helper"],
        ..COMMON
    },
    Shape {
        hosts: "opencode, Kilo, Crush",
        containers: &["mcp"],
        environment: &["environment", "env"],
        starts: &[Start::List, Start::Beside],
        ..COMMON
    },
    Shape { hosts: "Cline", starts: &[Start::Beside, TRANSPORT], ..COMMON },
    Shape {
        hosts: "Zed",
        containers: &["context_servers"],
        starts: &[Start::Beside, Start::Inside { object: "command", command: "path" }],
        ..COMMON
    },
    Shape {
        hosts: "goose",
        containers: &["extensions"],
        command: &["cmd"],
        environment: &["envs"],
        address: &["uri"],
        ..COMMON
    },
    // Options of a client library, as they are.
    Shape {
        hosts: "Continue and programs of the MCP libraries",
        arguments: &["args", "arguments"],
        environment: &["env", "envs", "envVars", "environmentVariables"],
        address: &["url", "uri", "endpoint"],
        headers: &["headers", "httpHeaders", "requestHeaders", "requestInit", "requestOptions"],
        starts: &[Start::Beside, TRANSPORT],
        listed: true,
        ..COMMON
    },
];

/// The object whose members are projects with settings of their own, at the root of Claude Code's config.
const PROJECTS: &str = "projects";

/// Last words of a setting's name that say where something goes.
const LEADING: [&str; 14] = [
    "url", "uri", "host", "hostname", "base", "endpoint", "proxy", "server", "address", "command", "helper", "domain",
    "gateway", "port",
];
/// What is glued before such a word without a sign between: `baseurl`, `httpproxy`.
const GLUED: [&str; 20] = [
    "base", "api", "http", "https", "all", "no", "socks", "ftp", "web", "ws", "wss", "mcp", "auth", "token", "sub",
    "remote", "reverse", "server", "git", "npm",
];
/// Of those, what an object or a list may be called that leads somewhere by itself: commands and servers, bases and
/// resources are kept in lists by every host.
const LISTED: [&str; 9] = ["url", "host", "hostname", "endpoint", "proxy", "address", "helper", "domain", "gateway"];
/// What else says what is started, in the settings of Claude Code, opencode and others.
const STARTING: [&str; 11] = [
    "cwd",
    "workingDirectory",
    "awsAuthRefresh",
    "awsCredentialExport",
    "gcpAuthRefresh",
    "statusLine",
    "fileSuggestion",
    "plugin",
    "plugins",
    "enabledPlugins",
    "extraKnownMarketplaces",
];
/// First words of what a host notes for itself.
const NOTED: [&str; 14] = [
    "last", "previous", "recent", "cached", "seen", "shown", "has", "num", "tips", "known", "enabled", "disabled",
    "approved", "rejected",
];
/// Last words of it.
const TALLIES: [&str; 9] = ["at", "cache", "count", "counts", "dismissed", "history", "impressions", "seen", "shown"];

fn any(name: &str, of: fn(&Shape) -> &'static [&'static str]) -> bool {
    SHAPES.iter().flat_map(of).any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether the members of an object of this name are servers: `mcpServers`, `context_servers`, `amp.mcpServers`.
#[must_use]
pub fn is_container(name: &str) -> bool {
    any(name, |shape| shape.containers) || is_servers(name)
}

/// Whether it is one by its name alone, and not by the host's word.
fn is_servers(name: &str) -> bool {
    words(name).last().is_some_and(|last| last.ends_with("servers"))
}

/// Whether a member of this name is a program to start.
#[must_use]
pub fn is_command(name: &str) -> bool {
    any(name, |shape| shape.command)
}

/// Whether an object of this name in a server may say in its place what is started.
#[must_use]
pub fn starts_within(name: &str) -> bool {
    let is_named = |start: &Start| matches!(start, Start::Inside { object, .. } if object.eq_ignore_ascii_case(name));
    !is_command(name) && SHAPES.iter().flat_map(|shape| shape.starts).any(is_named)
}

/// Whether a member of this name has the arguments of a program.
#[must_use]
pub fn is_arguments(name: &str) -> bool {
    any(name, |shape| shape.arguments)
}

/// Whether a member of this name says where a server is: its program or its address.
#[must_use]
pub fn is_address(name: &str) -> bool {
    is_command(name) || any(name, |shape| shape.address)
}

/// Whether the members of an object of this name are variables of an environment.
#[must_use]
pub fn is_environment(name: &str) -> bool {
    any(name, |shape| shape.environment)
}

/// Whether the members of an object of this name are headers, or lead to some.
#[must_use]
pub fn is_headers(name: &str) -> bool {
    any(name, |shape| shape.headers)
}

/// Whether a member of this name is a command that prints headers or keys.
#[must_use]
pub fn is_helper(name: &str) -> bool {
    any(name, |shape| shape.helpers)
}

/// Whether an object says itself where its server is, in any of the shapes.
#[must_use]
pub fn is_server(node: &Node<'_>) -> bool {
    node.members().any(|member| {
        matches!(member.value.kind(), Kind::String | Kind::Array)
            && member.key.as_str().is_some_and(|key| is_address(&key))
    })
}

/// Where the settings of a document begin on the way to a place: after the project, if the place is in one.
#[must_use]
pub fn settings_begin(tokens: &[Cow<'_, str>]) -> usize {
    if tokens.first().is_some_and(|first| first == PROJECTS) && tokens.len() > 3 { 2 } else { 0 }
}

/// Whether the members of the object at this place are projects or servers, and so no settings of each other.
#[must_use]
pub fn holds_things(tokens: &[Cow<'_, str>], node: &Node<'_>) -> bool {
    let Some(last) = tokens.last() else { return false };
    // Of one that has its servers a level below, the members are settings.
    let has_inner = || node.members().any(|member| member.key.as_str().is_some_and(|key| is_servers(&key)));
    (tokens.len() == 1 && last == PROJECTS) || is_servers(last) || (is_container(last) && !has_inner())
}

/// How many steps lead to the server that a place is in, by the names of what is above it; the outermost counts. The
/// place itself is not a server.
#[must_use]
pub fn server_ends(tokens: &[Cow<'_, str>]) -> Option<usize> {
    let is = |at: usize| tokens.get(at).is_some_and(|token| is_container(token));
    let parent = tokens.len().checked_sub(1)?;
    let container = (settings_begin(tokens)..parent).find(|at| is(*at))?;
    let has_inner = tokens.get(container).zip(tokens.get(container + 1));
    let has_inner = has_inner.is_some_and(|(outer, inner)| !is_servers(outer) && is_servers(inner));
    Some(container + if has_inner { 3 } else { 2 }).filter(|end| *end <= parent)
}

/// Whether a setting of this name and kind, beside or above a server, may lead its values elsewhere: an environment, a
/// proxy, a base URL, a helper. Names are taken word by word, so neither `database` nor `securityWarnings` does; and
/// what a host notes for itself does not either.
///
/// ```
/// use keystencil::document::Kind;
/// use keystencil::host::servers::may_lead;
/// assert!(may_lead("http.proxy", Kind::String) && may_lead("env", Kind::Object) && may_lead("inputs", Kind::Array));
/// assert!(!may_lead("tipsHistoryByCommand", Kind::Object) && !may_lead("lastVersionBase", Kind::String));
/// ```
#[must_use]
pub fn may_lead(name: &str, kind: Kind) -> bool {
    if always_leads(name) {
        return true;
    }
    let words = words(name);
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return false };
    if NOTED.contains(&first.as_str()) || TALLIES.contains(&last.as_str()) {
        return false;
    }
    let leads = |word: &String| is_leading(singular(word));
    match kind {
        Kind::String => words.iter().any(leads) || is_leading(&words.concat()),
        Kind::Object | Kind::Array => LISTED.iter().any(|listed| is_glued(singular(last), listed)),
        // Another port of it, or a certificate that nobody looks at.
        Kind::Number => words.iter().any(|word| ["proxy", "port"].contains(&singular(word))),
        Kind::Bool => words.iter().any(|word| singular(word) == "proxy"),
        Kind::Null => false,
    }
}

/// Whether a member of this name and kind says what is started: a program, its arguments, where it runs, a hook, a
/// helper, a plugin.
#[must_use]
pub fn starts(name: &str, kind: Kind) -> bool {
    if !matches!(kind, Kind::String | Kind::Array | Kind::Object) {
        return false;
    }
    let known = || STARTING.iter().any(|known| known.eq_ignore_ascii_case(name));
    let says = |word: &String| ["command", "helper", "hook", "wrapper"].contains(&singular(word));
    is_command(name) || is_arguments(name) || is_helper(name) || known() || words(name).iter().any(says)
}

/// Whether a setting of this name counts whatever it holds, also where a host keeps its own state.
#[must_use]
pub fn always_leads(name: &str) -> bool {
    is_environment(name) || is_headers(name) || is_helper(name) || any(name, |shape| shape.beside)
}

fn is_leading(word: &str) -> bool {
    LEADING.iter().any(|leading| is_glued(word, leading))
}

/// Whether a word is the other one, alone or after what is glued to it.
fn is_glued(word: &str, leading: &str) -> bool {
    word.strip_suffix(leading).is_some_and(|before| before.is_empty() || GLUED.contains(&before) || is_leading(before))
}

/// `proxies` → `proxy`, `urls2` → `url`.
fn singular(word: &str) -> &str {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    match word {
        "proxies" => "proxy",
        "addresses" => "address",
        "address" => word,
        _ => word.strip_suffix('s').unwrap_or(word),
    }
}

#[cfg(test)]
mod tests;
