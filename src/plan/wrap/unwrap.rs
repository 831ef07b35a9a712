//! From the wrapped form back to the plain one, by the text alone: also of a server that somebody has edited, moved,
//! renamed or laid out anew since.

use super::call::{Before, For, is_ours, read_before, read_helper};
use crate::document::edit::splice;
use crate::document::{Document, Member, Node, Pointer, Splice};
use crate::host::servers::{is_arguments, is_command, is_helper};
use memchr::memmem;
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

/// A server in its wrapped form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// The object that the call of keystencil stands in: the server, or the one in it that says what is started.
    pub pointer: Pointer,
    /// The path of keystencil, as it is written there.
    pub program: String,
    /// Which server it was wrapped for.
    pub server: For,
    /// What makes it plain.
    pub splices: Vec<Splice>,
}

/// Every wrapped server of a document.
///
/// ```
/// use keystencil::document::Document;
/// use keystencil::plan::wrap::wrapped;
/// let text = br#"{"a": {"command": "/bin/keystencil", "args": ["run", "--for", "t:/a", "--", "npx", "-y"]}}"#;
/// let found = wrapped(&Document::parse(text)?);
/// assert_eq!((found[0].pointer.as_str(), found[0].server.target.as_str()), ("/a", "t"));
/// # Ok::<(), keystencil::document::SyntaxError>(())
/// ```
#[must_use]
pub fn wrapped(document: &Document<'_>) -> Vec<Wrapped> {
    // Every call names its server, plainly or in escapes: without the word there is none, and no walk.
    if !may_name_a_server(document.text().as_bytes()) {
        return Vec::new();
    }
    let mut places: Vec<(Pointer, bool)> = Vec::new();
    let mut seen = HashSet::new();
    document.strings(|token| {
        if token.is_key {
            return;
        }
        let is_item = token.key().is_none();
        let may_be_call = token.node.as_str().is_some_and(|text| match is_item {
            true => text == "--for" || text.starts_with("--for="),
            false => text.contains("--for "),
        });
        if may_be_call
            && let Some(holder) = token.pointer().parent()
            && seen.insert(holder.clone())
        {
            places.push((holder, is_item));
        }
    });
    // In one pass, for a file may have megabytes and a hundred servers.
    let above = |holder: &Pointer| holder.parent().unwrap_or_default();
    let pointers: Vec<Pointer> = places.iter().flat_map(|(holder, _)| [holder.clone(), above(holder)]).collect();
    let nodes = document.find_all(&pointers);
    let pairs = places.into_iter().zip(nodes.chunks(2));
    let read = |((holder, is_item), nodes): ((Pointer, bool), &[Option<Node<'_>>])| match nodes {
        [Some(node), _] if !is_item => read_helper_of(document, holder, *node),
        [Some(node), Some(object)] => read_list(document, &holder, *node, *object),
        _ => None,
    };
    pairs.filter_map(read).collect()
}

/// Whether `--for` can stand in a text: as it is, or with one of its letters as an escape.
fn may_name_a_server(text: &[u8]) -> bool {
    let is_letter = |at: usize| {
        let code = text.get(at + 4..at + 6).and_then(|code| std::str::from_utf8(code).ok());
        matches!(code.and_then(|code| u8::from_str_radix(code, 16).ok()), Some(b'-' | b'f' | b'o' | b'r'))
    };
    memmem::find(text, b"--for").is_some() || memmem::find_iter(text, br"\u00").any(is_letter)
}

/// The document with every server in its plain form.
///
/// ```
/// use keystencil::document::Document;
/// use keystencil::plan::wrap::unwrap;
/// let text = br#"{"a": {"command": "/bin/keystencil", "args": ["run", "--for", "t:/a", "--", "npx", "-y"]}}"#;
/// assert_eq!(unwrap(&Document::parse(text)?), r#"{"a": {"command": "npx", "args": ["-y"]}}"#);
/// # Ok::<(), keystencil::document::SyntaxError>(())
/// ```
#[must_use]
pub fn unwrap<'a>(document: &Document<'a>) -> Cow<'a, str> {
    let splices: Vec<Splice> = wrapped(document).into_iter().flat_map(|server| server.splices).collect();
    if splices.is_empty() { Cow::Borrowed(document.text()) } else { Cow::Owned(splice(document.text(), splices)) }
}

/// The same of a text; itself if it is no document, or has no wrapped server.
#[must_use]
pub fn plain(text: &[u8]) -> Cow<'_, [u8]> {
    let Ok(document) = Document::parse_relaxed(text) else { return Cow::Borrowed(text) };
    match unwrap(&document) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(plain) => Cow::Owned(plain.into_bytes()),
    }
}

/// Reads the call in the helper of a server.
fn read_helper_of(document: &Document<'_>, pointer: Pointer, server: Node<'_>) -> Option<Wrapped> {
    let members: Vec<Member<'_>> = server.members().collect();
    let helpers = members.iter().filter(|member| member.key.as_str().is_some_and(|key| is_helper(&key)));
    let mut calls = helpers.filter_map(|member| Some((member, read_helper(&member.value.as_str()?)?)));
    let (member, (program, of)) = calls.next()?;
    let splices = vec![without(document, server, &members, member)];
    Some(Wrapped { pointer, program, server: of, splices })
}

/// Reads the call in a list of arguments, or of a program and its arguments; `object` is what the list stands in.
fn read_list(document: &Document<'_>, at: &Pointer, node: Node<'_>, object: Node<'_>) -> Option<Wrapped> {
    let (pointer, name) = (at.parent()?, at.last()?);
    let items: Vec<Node<'_>> = node.items().collect();
    let words: Option<Vec<Cow<'_, str>>> = items.iter().map(Node::as_str).collect();
    let words = words?;
    if is_command(&name) {
        let (program, rest) = words.split_first().filter(|(program, _)| is_ours(program))?;
        let Before { server, count, .. } = read_before(rest.iter().map(AsRef::as_ref))?;
        let splices = vec![without_first(document, &items, count + 1, false)];
        return Some(Wrapped { pointer, program: program.clone().into_owned(), server, splices });
    }
    if !is_arguments(&name) {
        return None;
    }
    let members: Vec<Member<'_>> = object.members().collect();
    let is_program = |member: &&Member<'_>| {
        let named = |key: &str| is_command(key) || key == "path";
        member.key.as_str().is_some_and(|key| named(&key)) && member.value.as_str().is_some_and(|text| is_ours(&text))
    };
    let command = members.iter().find(is_program)?.value;
    let Before { server, is_bare, count } = read_before(words.iter().map(AsRef::as_ref))?;
    let moved = items.get(count)?.raw().to_owned();
    let arguments = members.iter().find(|member| member.value.span() == node.span())?;
    let has_none = items.len() == count + 1;
    let rest = match is_bare && has_none {
        true => without(document, object, &members, arguments),
        false => without_first(document, &items, count + 1, has_none),
    };
    let splices = vec![Splice { span: command.span(), text: moved }, rest];
    Some(Wrapped { pointer, program: command.as_str()?.into_owned(), server, splices })
}

/// Takes the first items of a list out; comments that somebody put between them stay.
fn without_first(document: &Document<'_>, items: &[Node<'_>], count: usize, are_all: bool) -> Splice {
    let start = items.first().map_or(0, |item| item.span().start);
    let end =
        items.get(count).map_or_else(|| items.last().map_or(start, |item| item.span().end), |item| item.span().start);
    let text = document.text();
    let kept = comments(document, start..end);
    // A comma behind the last one would be left alone.
    let end = if are_all { end + comma(text.get(end..).unwrap_or_default()) } else { end };
    Splice { span: start..end, text: kept }
}

/// Takes a member out with the comma between it and its neighbour; comments stay.
fn without(document: &Document<'_>, object: Node<'_>, members: &[Member<'_>], gone: &Member<'_>) -> Splice {
    let at = members.iter().position(|member| member.key.span() == gone.key.span()).unwrap_or_default();
    let own = gone.key.span().start..gone.value.span().end;
    let span = match (at.checked_sub(1).and_then(|before| members.get(before)), members.get(at + 1)) {
        (Some(before), _) => before.value.span().end..own.end,
        (None, Some(next)) => own.start..next.key.span().start,
        (None, None) => {
            let behind = document.text().get(own.end..object.span().end).unwrap_or_default();
            own.start..own.end + comma(behind)
        }
    };
    Splice { text: comments(document, span.clone()), span }
}

/// How much of a gap a comma takes with all before it; nothing if there is none, or a comment stands before it.
fn comma(gap: &str) -> usize {
    let rest = gap.trim_start_matches([' ', '\t', '\n', '\r']);
    if rest.starts_with(',') { gap.len() - rest.len() + 1 } else { 0 }
}

/// The comments in a span, so that text can follow them.
fn comments(document: &Document<'_>, span: Range<usize>) -> String {
    let text = document.text();
    if !text.get(span.clone()).is_some_and(|text| text.contains("//") || text.contains("/*")) {
        return String::new();
    }
    let inside = document.comments().filter(|comment| comment.start >= span.start && comment.end <= span.end);
    inside
        .filter_map(|comment| text.get(comment))
        .map(|comment| if comment.starts_with("//") { format!(" {comment}\n") } else { format!(" {comment} ") })
        .collect()
}
