//! Many pointers found in one pass: a trie of their tokens walks along with the text.
//!
//! Only containers that lie on a pointer are opened; all others are stepped over. Of duplicate keys the last
//! counts with its whole subtree: each visit of a trie node gets a number and remembers its parent's, so finds below
//! an earlier duplicate go stale without being cleared.

use super::node::Node;
use super::text::Document;
use super::{scan, string};
use crate::document::place::Span;
use crate::document::pointer::Pointer;
use std::borrow::Cow;
use std::collections::HashMap;

/// From how many children on a map beats comparing with each; anything between 4 and 32 measures the same.
const MANY: usize = 8;

impl<'a> Document<'a> {
    /// The value at a pointer; of duplicate keys the last.
    ///
    /// One pass over the containers on the way.
    #[must_use]
    pub fn find(&self, pointer: &Pointer) -> Option<Node<'a>> {
        self.find_all(std::slice::from_ref(pointer)).pop().flatten()
    }

    /// The values at many pointers, in their order, in one pass over the text. Of duplicate keys the last counts,
    /// with all that is below it.
    ///
    /// ```
    /// use keystencil::document::{Document, Pointer};
    /// let document = Document::parse(br#"{"a": {"x": 1, "y": 2}, "a": {"x": 3}}"#)?;
    /// let pointers = ["/a/x", "/a/y"].map(|pointer| Pointer::parse(pointer).unwrap());
    /// let found = document.find_all(&pointers);
    /// assert_eq!(found[0].map(|node| node.raw()), Some("3"));
    /// assert!(found[1].is_none());
    /// # Ok::<(), keystencil::document::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn find_all(&self, pointers: &[Pointer]) -> Vec<Option<Node<'a>>> {
        let mut trie = Trie::default();
        let ids: Vec<_> = pointers.iter().map(|pointer| trie.insert(pointer)).collect();
        let found = trie.locate(self.text(), self.root().start);
        ids.into_iter()
            .map(|id| found.get(id))
            .map(|span| span.map(|span| Node::new(self.text(), span.start, span.end)))
            .collect()
    }
}

/// A place in the trie.
pub(super) type Id = usize;

/// The tokens of many pointers as a tree.
pub(super) struct Trie<'p> {
    nodes: Vec<TrieNode<'p>>,
}

#[derive(Default)]
struct TrieNode<'p> {
    parent: Id,
    members: Vec<(Cow<'p, str>, Id)>,
    index: HashMap<Cow<'p, str>, Id>,
    /// Those members whose token is an array index, in its order.
    items: Vec<(usize, Id)>,
    seen: Option<Seen>,
}

/// The latest visit of a trie node.
#[derive(Clone, Copy)]
struct Seen {
    start: usize,
    end: usize,
    visit: usize,
    parent_visit: usize,
}

/// A container that is open in the walk.
struct Open {
    id: Id,
    visit: usize,
    object: bool,
    /// Of an array: the next item's index, and how many of the trie's items are behind it.
    next: usize,
    passed: usize,
}

/// What a walk has found.
pub(super) struct Found(Vec<Option<Span>>);

impl Found {
    /// The span of the value at a trie node.
    pub(super) fn get(&self, id: Id) -> Option<Span> {
        self.0.get(id).cloned().flatten()
    }
}

impl Default for Trie<'_> {
    fn default() -> Self {
        Self { nodes: vec![TrieNode::default()] }
    }
}

impl<'p> TrieNode<'p> {
    fn get(&self, token: &str) -> Option<Id> {
        if self.members.len() > MANY {
            return self.index.get(token).copied();
        }
        self.members.iter().find(|(name, _)| name == token).map(|(_, id)| *id)
    }

    fn add(&mut self, token: Cow<'p, str>, id: Id) {
        if let Some(index) = array_index(&token) {
            let at = self.items.partition_point(|(other, _)| *other < index);
            self.items.insert(at, (index, id));
        }
        self.members.push((token, id));
        if self.members.len() > MANY + 1 {
            self.index.extend(self.members.last().cloned());
        } else if self.members.len() > MANY {
            self.index.extend(self.members.iter().cloned());
        }
    }
}

impl<'p> Trie<'p> {
    /// Adds a pointer; equal pointers get the same place.
    pub(super) fn insert(&mut self, pointer: &'p Pointer) -> Id {
        let mut at = 0;
        for token in pointer.tokens() {
            let new = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { break };
            at = match node.get(&token) {
                Some(child) => child,
                None => {
                    node.add(token, new);
                    self.nodes.push(TrieNode { parent: at, ..TrieNode::default() });
                    new
                }
            };
        }
        at
    }

    /// How many places there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The place above; the root's is itself.
    pub(super) fn parent(&self, id: Id) -> Id {
        self.nodes.get(id).map_or(0, |node| node.parent)
    }

    /// Walks the checked value that starts at `start`, once.
    pub(super) fn locate(mut self, text: &str, start: usize) -> Found {
        let bytes = text.as_bytes();
        let mut stack: Vec<Open> = Vec::new();
        let mut visits = 0;
        let mut here = Some((0, start));
        let mut at = start;
        loop {
            // `here` is a value with a place in the trie; `at` ends up behind a finished value.
            if let Some((id, value)) = here.take() {
                visits += 1;
                let parent_visit = stack.last().map_or(0, |open| open.visit);
                let first = self.opens(id, bytes, value);
                at = if first.is_some() { value } else { scan::value_end(bytes, value) };
                if let Some(node) = self.nodes.get_mut(id) {
                    node.seen = Some(Seen { start: value, end: at, visit: visits, parent_visit });
                }
                if let Some(first) = first {
                    let object = scan::byte(bytes, value) == b'{';
                    stack.push(Open { id, visit: visits, object, next: 0, passed: 0 });
                    (here, at) = self.element(&mut stack, text, first);
                }
                continue;
            }
            match (stack.is_empty(), scan::next_element(bytes, at)) {
                (true, _) => return self.resolve(),
                (false, Some(next)) => (here, at) = self.element(&mut stack, text, next),
                (false, None) => {
                    at = scan::closing(bytes, at) + 1;
                    self.close(&mut stack, at);
                }
            }
        }
    }

    /// Where the first element of a value stands, if one of its elements can be wanted.
    fn opens(&self, id: Id, bytes: &[u8], value: usize) -> Option<usize> {
        let node = self.nodes.get(id)?;
        let wanted = match scan::byte(bytes, value) {
            b'{' => !node.members.is_empty(),
            b'[' => !node.items.is_empty(),
            _ => false,
        };
        if wanted { scan::first_element(bytes, value) } else { None }
    }

    /// Takes up the element that starts at `next`: as a wanted value, or by stepping over it.
    fn element(&mut self, stack: &mut Vec<Open>, text: &str, next: usize) -> (Option<(Id, usize)>, usize) {
        let bytes = text.as_bytes();
        let Some(open) = stack.last_mut() else { return (None, next) };
        let node = self.nodes.get(open.id);
        if open.object {
            let key_end = scan::string_end(bytes, next);
            let value = scan::member_value(bytes, key_end);
            let id = string::decode(text.get(next..key_end).unwrap_or("")).and_then(|key| node?.get(&key));
            return match id {
                Some(id) => (Some((id, value)), value),
                None => (None, scan::value_end(bytes, value)),
            };
        }
        let wanted = node.and_then(|node| node.items.get(open.passed));
        let index = open.next;
        open.next += 1;
        match wanted {
            Some((item, id)) if *item == index => {
                open.passed += 1;
                (Some((*id, next)), next)
            }
            Some(_) => (None, scan::value_end(bytes, next)),
            None => {
                let end = scan::rest_end(bytes, next);
                self.close(stack, end);
                (None, end)
            }
        }
    }

    fn close(&mut self, stack: &mut Vec<Open>, end: usize) {
        let seen = stack.pop().and_then(|open| self.nodes.get_mut(open.id)?.seen.as_mut());
        if let Some(seen) = seen {
            seen.end = end;
        }
    }

    /// Keeps the finds whose whole way up is from the latest visits. Parents come before their children.
    fn resolve(self) -> Found {
        let mut latest: Vec<Option<usize>> = Vec::with_capacity(self.nodes.len());
        let mut spans = Vec::with_capacity(self.nodes.len());
        for (id, node) in self.nodes.iter().enumerate() {
            let parent = if id == 0 { Some(0) } else { latest.get(node.parent).copied().flatten() };
            let seen = node.seen.filter(|seen| parent == Some(seen.parent_visit));
            latest.push(seen.map(|seen| seen.visit));
            spans.push(seen.map(|seen| seen.start..seen.end));
        }
        Found(spans)
    }
}

/// A token as an array index: digits without leading zeros (RFC 6901, section 4).
pub(super) fn array_index(token: &str) -> Option<usize> {
    let plain = token.bytes().all(|byte| byte.is_ascii_digit()) && (token == "0" || !token.starts_with('0'));
    if plain { token.parse().ok() } else { None }
}
