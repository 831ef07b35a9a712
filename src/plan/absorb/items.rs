//! A list that the host changed: only the items that differ are edited, so that comments between the others stay.

use super::place::{Edit, insert, remove, replace};
use super::{edited, means};
use crate::json::{Document, Kind, Node, Pointer};
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

/// The template with the list's items as wanted; `None` if it is no list, or that can't be done item by item.
pub(super) fn edit(template: &Trace, at: &Pointer, live: &str, wanted: &str, variables: &Variables) -> Option<Trace> {
    let old = Document::parse(template.blueprint.document.as_bytes()).ok()?;
    let new = Document::parse(live.as_bytes()).ok()?;
    let old = old.find(at).filter(|node| node.kind() == Kind::Array)?;
    if new.root().kind() != Kind::Array {
        return None;
    }
    let (old, new): (Vec<_>, Vec<_>) = (old.items().collect(), new.root().items().collect());
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
        let edits: Vec<Edit> = match step {
            Step::Remove(index) => remove(&now, &at.index(*index), before(*index).as_ref()),
            Step::Replace(index, item) => replace(&now, &at.index(*index), item.raw()).into_iter().collect(),
            Step::Insert(index, item) => insert(&now, at, before(*index).as_ref(), None, item.raw()),
        };
        now = edits.into_iter().find_map(|one| edited(&now, one, variables))?;
    }
    means(&now, wanted).then_some(now)
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
