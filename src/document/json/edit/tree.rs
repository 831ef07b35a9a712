//! A document as a tree of untouched pieces of its text, of which only what a patch reaches is taken apart.
//!
//! Every byte belongs to exactly one piece, so writing the pieces gives the text back. Containers live in a list and
//! are meant by number: no box holds another, so nothing recurses, not even a drop.

use super::layout::{Style, slice};
use crate::document::edit::{EditError, trim};
use crate::document::json::locate::array_index;
use crate::document::json::scan::{
    byte, closing, first_element, member_value, next_element, skip_space, string_end, value_end,
};
use crate::document::json::string;
use crate::document::{Document, Pointer};
use std::borrow::Cow;

/// A document that is being edited.
pub(super) struct Tree<'a> {
    pub(super) style: Style,
    pub(super) containers: Vec<Container<'a>>,
    pub(super) root: Value<'a>,
    /// What stands before and after the root.
    pub(super) around: (&'a str, &'a str),
}

/// A value: as text, or taken apart.
#[derive(Clone)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Open(usize),
}

/// A container that was taken apart.
pub(super) struct Container<'a> {
    pub(super) object: bool,
    pub(super) elements: Vec<Element<'a>>,
    /// What stands between the brackets if there are no elements.
    pub(super) empty: Cow<'a, str>,
}

/// A member or item with the white space around it; key and colon are empty for an item.
pub(super) struct Element<'a> {
    pub(super) before: Cow<'a, str>,
    pub(super) key: Cow<'a, str>,
    pub(super) colon: Cow<'a, str>,
    pub(super) value: Value<'a>,
    pub(super) after: Cow<'a, str>,
}

/// A place in the tree: from the root down, the containers and the elements in them.
pub(super) type Steps = Vec<(usize, usize)>;

impl<'a> Tree<'a> {
    /// The tree of a document, nothing taken apart yet.
    pub(super) fn new(document: &Document<'a>) -> Self {
        let (text, root) = (document.text(), document.root());
        let around = (slice(text, 0, root.span().start), slice(text, root.span().end, text.len()));
        let style = Style::of(root.raw(), around);
        Self { style, containers: Vec::new(), root: Value::as_written(root.raw()), around }
    }

    /// The way to the value at a pointer.
    pub(super) fn locate(&mut self, pointer: &Pointer) -> Result<Steps, EditError> {
        let tokens: Vec<_> = pointer.tokens().collect();
        let mut steps = Steps::with_capacity(tokens.len());
        let mut rest = tokens.as_slice();
        while let Some((token, below)) = rest.split_first() {
            let found = self.open(&steps, rest).and_then(|id| Some((id, self.containers.get(id)?.find(token)?)));
            steps.push(found.ok_or_else(|| EditError::NotFound { path: pointer.clone() })?);
            rest = below;
        }
        Ok(steps)
    }

    /// The container at a place, taken apart; `None` if the value is none.
    pub(super) fn enter(&mut self, steps: &[(usize, usize)]) -> Option<usize> {
        self.open(steps, &[])
    }

    /// The container at a place, taken apart together with those on the way that `tokens` lead.
    fn open(&mut self, steps: &[(usize, usize)], tokens: &[Cow<'_, str>]) -> Option<usize> {
        let text = match self.value_mut(steps)? {
            Value::Open(id) => return Some(*id),
            Value::Text(text) => std::mem::take(text),
        };
        let id = match &text {
            Cow::Borrowed(text) => {
                open(&mut self.containers, text, tokens, |start, end| Cow::Borrowed(slice(text, start, end)))
            }
            Cow::Owned(text) => {
                open(&mut self.containers, text, tokens, |start, end| Cow::Owned(slice(text, start, end).to_owned()))
            }
        };
        *self.value_mut(steps)? = id.map_or(Value::Text(text), Value::Open);
        id
    }

    /// The element at a place; `None` for the root.
    pub(super) fn element(&self, steps: &[(usize, usize)]) -> Option<&Element<'a>> {
        let &(id, at) = steps.last()?;
        self.containers.get(id)?.elements.get(at)
    }

    /// The value at a place.
    pub(super) fn value(&self, steps: &[(usize, usize)]) -> &Value<'a> {
        self.element(steps).map_or(&self.root, |element| &element.value)
    }

    /// The value at a place, to be changed.
    pub(super) fn value_mut(&mut self, steps: &[(usize, usize)]) -> Option<&mut Value<'a>> {
        match steps.last() {
            None => Some(&mut self.root),
            Some(&(id, at)) => Some(&mut self.containers.get_mut(id)?.elements.get_mut(at)?.value),
        }
    }

    /// The text of a value.
    pub(super) fn text(&self, value: &Value<'a>) -> Cow<'a, str> {
        match value {
            Value::Text(text) => text.clone(),
            Value::Open(_) => {
                let mut out = String::new();
                self.write(value, &mut out);
                Cow::Owned(out)
            }
        }
    }

    /// The whole document.
    pub(super) fn into_text(self, capacity: usize) -> String {
        let mut out = String::with_capacity(capacity);
        out.push_str(self.around.0);
        self.write(&self.root, &mut out);
        out.push_str(self.around.1);
        out
    }

    fn write(&self, value: &Value<'a>, out: &mut String) {
        let mut open: Vec<(&Container<'a>, usize)> = Vec::new();
        let mut next = Some(value);
        loop {
            match next.take() {
                Some(Value::Text(text)) => out.push_str(text),
                Some(Value::Open(id)) => {
                    if let Some(container) = self.containers.get(*id) {
                        out.push(if container.object { '{' } else { '[' });
                        open.push((container, 0));
                    }
                }
                None => {}
            }
            let Some((container, at)) = open.last_mut() else { return };
            if let Some(done) = at.checked_sub(1).and_then(|before| container.elements.get(before)) {
                out.push_str(&done.after);
            }
            match container.elements.get(*at) {
                Some(element) => {
                    if *at > 0 {
                        out.push(',');
                    }
                    *at += 1;
                    out.push_str(&element.before);
                    out.push_str(&element.key);
                    out.push_str(&element.colon);
                    next = Some(&element.value);
                }
                None => {
                    if *at == 0 {
                        out.push_str(&container.empty);
                    }
                    out.push(if container.object { '}' } else { ']' });
                    open.pop();
                }
            }
        }
    }
}

impl Container<'_> {
    /// Which element a token means; of duplicate keys the last.
    pub(super) fn find(&self, token: &str) -> Option<usize> {
        if self.object {
            return self.elements.iter().rposition(|element| string::says(&element.key, token));
        }
        array_index(token).filter(|index| *index < self.elements.len())
    }
}

/// Takes a checked value apart, and in the same pass the containers in it that `tokens` lead to; `piece` makes the
/// pieces. Returns its number; `None` if it is no container.
fn open<'a>(
    containers: &mut Vec<Container<'a>>,
    text: &str,
    tokens: &[Cow<'_, str>],
    piece: impl Fn(usize, usize) -> Cow<'a, str>,
) -> Option<usize> {
    let bytes = text.as_bytes();
    let start =
        |at: usize| matches!(byte(bytes, at), b'{' | b'[').then(|| Opening::new(byte(bytes, at) == b'{', at + 1));
    let mut stack = vec![start(0)?];
    let mut next = first_element(bytes, 0);
    loop {
        let below = stack.len() < tokens.len();
        let token = stack.len().checked_sub(1).and_then(|level| tokens.get(level));
        let top = stack.last_mut()?;
        let (value, end) = match next {
            Some(at) => {
                let key_end = if top.object { string_end(bytes, at) } else { at };
                let value = if top.object { member_value(bytes, key_end) } else { at };
                let wanted = below && token.is_some_and(|token| top.wants(token, slice(text, at, key_end)));
                let (before, key, colon) = (piece(top.gap, at), piece(at, key_end), piece(key_end, value));
                top.elements.push(Element {
                    before,
                    key,
                    colon,
                    value: Value::as_written(""),
                    after: Cow::Borrowed(""),
                });
                if wanted && let Some(inner) = start(value) {
                    stack.push(inner);
                    next = first_element(bytes, value);
                    continue;
                }
                let end = value_end(bytes, value);
                (Value::Text(piece(value, end)), end)
            }
            None => {
                let Opening { object, elements, gap } = stack.pop()?;
                let close = if elements.is_empty() { skip_space(bytes, gap) } else { gap - 1 };
                containers.push(Container { object, elements, empty: piece(gap, close) });
                let id = containers.len() - 1;
                if stack.is_empty() {
                    return Some(id);
                }
                (Value::Open(id), close + 1)
            }
        };
        let top = stack.last_mut()?;
        next = next_element(bytes, end);
        // A comma before the closing bracket is part of what stands before it.
        let after = if next.is_some() { skip_space(bytes, end) } else { closing(bytes, end) };
        if let Some(element) = top.elements.last_mut() {
            (element.value, element.after) = (value, piece(end, after));
        }
        top.gap = after + 1;
    }
}

/// A container that is being taken apart.
struct Opening<'a> {
    object: bool,
    elements: Vec<Element<'a>>,
    /// Where the space before the next element starts.
    gap: usize,
}

impl Opening<'_> {
    fn new(object: bool, gap: usize) -> Self {
        Self { object, elements: Vec::new(), gap }
    }

    /// Whether a token means the element that comes next; of duplicate keys each.
    fn wants(&self, token: &str, key: &str) -> bool {
        if self.object { string::says(key, token) } else { array_index(token) == Some(self.elements.len()) }
    }
}

impl<'a> Value<'a> {
    /// A checked value as it is written.
    pub(super) fn as_written(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(trim(text)))
    }
}
