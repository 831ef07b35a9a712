//! A list that the host changed: only the items that differ are edited, and of an item what differs in it, so that
//! comments between and in the others stay.

use super::place::{Edit, insert, remove, replace};
use super::place::{edited, means};
use crate::document::{Document, Kind, Node, Pointer};
use crate::template::Variables;
use crate::template::trace::Trace;

/// More changed items than this, or lists longer than [`LONG`], are replaced whole: each takes a run of the template.
const MANY: usize = 64;
const LONG: usize = 512;

/// What is done to a list, by indices of the old one; in order.
enum Step<'a> {
    Remove(usize),
    Replace(usize, Node<'a>),
    /// Before the item of that index.
    Insert(usize, Node<'a>),
}

/// The template with the list's items as wanted; `None` if it is not a list, or that can't be done item by item.
pub(super) fn edit(template: &Trace, at: &Pointer, live: &str, wanted: &str, variables: &Variables) -> Option<Trace> {
    let new = Document::parse(live.as_bytes()).ok()?;
    if new.root().kind() != Kind::Array {
        return None;
    }
    items(template, at, new.root(), variables).filter(|now| means(now, wanted))
}

/// The first edit that compiles at all; whether the whole is as wanted is asked at the end.
fn any(template: &Trace, edits: impl IntoIterator<Item = Edit>, variables: &Variables) -> Option<Trace> {
    edits.into_iter().find_map(|one| edited(template, one, variables))
}

/// Turns the value at a place into another, as deep as both are of a kind. As deep as the template, which is bounded.
fn turn(template: &Trace, at: &Pointer, live: Node<'_>, variables: &Variables) -> Option<Trace> {
    let document = Document::parse(template.blueprint.document.as_bytes()).ok()?;
    let old = document.find(at)?;
    let way = match (old.kind(), live.kind()) {
        _ if old.same_value(&live) => return Some(template.clone()),
        (Kind::Object, Kind::Object) => members(template, at, live, variables),
        (Kind::Array, Kind::Array) => items(template, at, live, variables),
        _ => None,
    };
    way.or_else(|| any(template, replace(template, at, live.raw()), variables))
}

fn items(template: &Trace, at: &Pointer, live: Node<'_>, variables: &Variables) -> Option<Trace> {
    let document = Document::parse(template.blueprint.document.as_bytes()).ok()?;
    let old: Vec<_> = document.find(at).filter(|node| node.kind() == Kind::Array)?.items().collect();
    let new: Vec<_> = live.items().collect();
    if old.len() > LONG || new.len() > LONG {
        return None;
    }
    let steps = steps(&old, &new);
    if steps.len() > MANY {
        return None;
    }
    let mut now = template.clone();
    // From the back, so that indices stay true.
    for step in steps.iter().rev() {
        let before = |index: usize| index.checked_sub(1).map(|index| at.index(index));
        now = match step {
            Step::Remove(index) => any(&now, remove(&now, &at.index(*index), before(*index).as_ref()), variables)?,
            Step::Replace(index, item) => turn(&now, &at.index(*index), *item, variables)?,
            Step::Insert(index, item) => {
                any(&now, insert(&now, at, before(*index).as_ref(), None, item.raw()), variables)?
            }
        };
    }
    Some(now)
}

fn members(template: &Trace, at: &Pointer, live: Node<'_>, variables: &Variables) -> Option<Trace> {
    let document = Document::parse(template.blueprint.document.as_bytes()).ok()?;
    let names = |node: Node<'_>| -> Vec<String> {
        node.members().filter_map(|member| Some(member.key.as_str()?.into_owned())).collect()
    };
    let (mut now, mut left) = (template.clone(), names(document.find(at)?));
    for name in left.clone() {
        let here = at.child(&name);
        now = match live.get(&name) {
            Some(value) => turn(&now, &here, value, variables)?,
            None => {
                let index = left.iter().position(|other| *other == name)?;
                let before = index.checked_sub(1).and_then(|index| left.get(index)).map(|name| at.child(name));
                left.remove(index);
                any(&now, remove(&now, &here, before.as_ref()), variables)?
            }
        };
    }
    for name in names(live) {
        if !left.contains(&name) {
            let behind = left.last().map(|name| at.child(name));
            now = any(&now, insert(&now, at, behind.as_ref(), Some(&name), live.get(&name)?.raw()), variables)?;
            left.push(name);
        }
    }
    Some(now)
}

/// The way from one list to the other over a longest common part.
fn steps<'a>(old: &[Node<'_>], new: &[Node<'a>]) -> Vec<Step<'a>> {
    let same = |i: usize, j: usize| matches!((old.get(i), new.get(j)), (Some(a), Some(b)) if a.same_value(b));
    let width = new.len() + 1;
    let mut longest = vec![0_u32; (old.len() + 1) * width];
    let at = |table: &[u32], i: usize, j: usize| table.get(i * width + j).copied().unwrap_or_default();
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let length = match same(i, j) {
                true => at(&longest, i + 1, j + 1) + 1,
                false => at(&longest, i + 1, j).max(at(&longest, i, j + 1)),
            };
            if let Some(cell) = longest.get_mut(i * width + j) {
                *cell = length;
            }
        }
    }
    let (mut steps, mut i, mut j) = (Vec::new(), 0, 0);
    while i < old.len() || j < new.len() {
        let (skip_old, skip_new) = (at(&longest, i + 1, j), at(&longest, i, j + 1));
        match (i < old.len(), new.get(j)) {
            (true, Some(_)) if same(i, j) => (i, j) = (i + 1, j + 1),
            (true, Some(item)) if skip_old == skip_new && at(&longest, i + 1, j + 1) == skip_old => {
                steps.push(Step::Replace(i, *item));
                (i, j) = (i + 1, j + 1);
            }
            (true, item) if item.is_none() || skip_old >= skip_new => {
                steps.push(Step::Remove(i));
                i += 1;
            }
            (_, Some(item)) => {
                steps.push(Step::Insert(i, *item));
                j += 1;
            }
            (_, None) => break,
        }
    }
    steps
}
