//! A document as a tree of untouched pieces of its text, of which only what a patch reaches is taken apart.
//!
//! Every byte belongs to exactly one piece, so writing the pieces gives the text back. Containers live in a list and
//! are meant by number: no box holds another, so nothing recurses, not even a drop.

use super::layout::{Style, slice};
use super::{EditError, trim};
use crate::json::locate::array_index;
use crate::json::scan::{byte, first_element, member_value, next_element, skip_space, string_end, value_end};
use crate::json::{Document, Pointer, string};
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
        Self {
            style: Style::of(text, root.span().start),
            containers: Vec::new(),
            root: Value::Text(Cow::Borrowed(root.raw())),
            around: (slice(text, 0, root.span().start), slice(text, root.span().end, text.len())),
        }
    }

    /// The way to the value at a pointer.
    pub(super) fn locate(&mut self, pointer: &Pointer) -> Result<Steps, EditError> {
        let mut steps = Steps::new();
        for token in pointer.tokens() {
            let found = self.enter(&steps).and_then(|id| Some((id, self.containers.get(id)?.find(&token)?)));
            steps.push(found.ok_or_else(|| EditError::NotFound { path: pointer.clone() })?);
        }
        Ok(steps)
    }

    /// The container at a place, taken apart; `None` if the value is none.
    pub(super) fn enter(&mut self, steps: &[(usize, usize)]) -> Option<usize> {
        let new = self.containers.len();
        let value = self.value_mut(steps)?;
        let container = match value {
            Value::Open(id) => return Some(*id),
            Value::Text(Cow::Borrowed(text)) => {
                let text = *text;
                Container::of(text, |start, end| Cow::Borrowed(slice(text, start, end)))?
            }
            Value::Text(Cow::Owned(text)) => {
                let text = &*text;
                Container::of(text, |start, end| Cow::Owned(slice(text, start, end).to_owned()))?
            }
        };
        *value = Value::Open(new);
        self.containers.push(container);
        Some(new)
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

impl<'a> Container<'a> {
    /// Takes a checked value apart, making its pieces with `piece`; `None` if it is no container.
    fn of(text: &str, piece: impl Fn(usize, usize) -> Cow<'a, str>) -> Option<Self> {
        let bytes = text.as_bytes();
        let object = match byte(bytes, 0) {
            b'{' => true,
            b'[' => false,
            _ => return None,
        };
        let mut elements = Vec::new();
        let mut gap = 1;
        let mut next = first_element(bytes, 0);
        while let Some(start) = next {
            let (key_end, value) = if object {
                let key_end = string_end(bytes, start);
                (key_end, member_value(bytes, key_end))
            } else {
                (start, start)
            };
            let end = value_end(bytes, value);
            let after = skip_space(bytes, end);
            elements.push(Element {
                before: piece(gap, start),
                key: piece(start, key_end),
                colon: piece(key_end, value),
                value: Value::Text(piece(value, end)),
                after: piece(end, after),
            });
            gap = after + 1;
            next = next_element(bytes, end);
        }
        let empty = if elements.is_empty() { piece(1, text.len() - 1) } else { Cow::Borrowed("") };
        Some(Self { object, elements, empty })
    }

    /// Which element a token means; of duplicate keys the last.
    pub(super) fn find(&self, token: &str) -> Option<usize> {
        if self.object {
            return self.elements.iter().rposition(|element| string::says(&element.key, token));
        }
        array_index(token).filter(|index| *index < self.elements.len())
    }
}

impl<'a> Value<'a> {
    /// A checked value as it is written.
    pub(super) fn as_written(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(trim(text)))
    }
}
