//! The operations of RFC 6902 on a tree, and where the white space around a new element comes from.

use super::comments;
use super::layout::{Shape, has_newline, indent, one_line_end, reindent};
use super::tree::{Element, Steps, Tree, Value};
use crate::document::edit::{EditError, Operation, Patch, trim};
use crate::document::json::locate::array_index;
use crate::document::json::node::checked_value;
use crate::document::json::scan::{byte, plain, skip_space};
use crate::document::json::string;
use crate::document::{Document, Pointer};
use std::borrow::Cow;

/// A value that is to be put somewhere.
enum Incoming<'a> {
    /// It comes from the patch, and is laid out like the document.
    New(&'a str),
    /// It comes from a place of this indentation, and keeps its layout.
    Moved(Cow<'a, str>, String),
}

/// Applies any patch whose values were checked.
pub(super) fn apply<'a>(document: &Document<'a>, patch: &'a Patch) -> Result<String, EditError> {
    let mut tree = Tree::new(document);
    for operation in &patch.0 {
        tree.operate(operation)?;
    }
    let values: usize = patch.0.iter().filter_map(Operation::value).map(str::len).sum();
    Ok(tree.into_text(document.text().len() + values))
}

impl<'a> Tree<'a> {
    fn operate(&mut self, operation: &'a Operation) -> Result<(), EditError> {
        match operation {
            Operation::Add { path, value } => self.add(path, Incoming::New(value)),
            Operation::Remove { path } => self.remove(path).map(drop),
            Operation::Replace { path, value } => {
                let steps = self.locate(path)?;
                self.replace(&steps, Incoming::New(value));
                Ok(())
            }
            Operation::Move { from, path } if from == path && from.as_str().is_empty() => Err(EditError::WholeDocument),
            Operation::Move { from, path } if from == path => self.locate(path).map(drop),
            Operation::Move { from, path } if path.is_within(from) => {
                Err(EditError::IntoItself { from: from.clone(), path: path.clone() })
            }
            Operation::Move { from, path } => {
                let value = self.remove(from)?;
                self.add(path, value)
            }
            Operation::Copy { from, path } => {
                let steps = self.locate(from)?;
                let value = Incoming::Moved(self.text(self.value(&steps)), self.indent_at(&steps).to_owned());
                self.add(path, value)
            }
            Operation::Test { path, value } => {
                let steps = self.locate(path)?;
                let found = self.text(self.value(&steps));
                let same = checked_value(&found, 0).same_value(&checked_value(trim(value), 0));
                if same { Ok(()) } else { Err(EditError::TestFailed { path: path.clone() }) }
            }
        }
    }

    fn add(&mut self, path: &Pointer, value: Incoming<'a>) -> Result<(), EditError> {
        let (Some(parent), Some(token)) = (path.parent(), path.last()) else {
            self.replace(&[], value);
            return Ok(());
        };
        let steps = self.locate(&parent).map_err(|_| EditError::NotFound { path: path.clone() })?;
        let id = self.enter(&steps).ok_or_else(|| EditError::NoContainer { path: path.clone() })?;
        let Some(container) = self.containers.get(id) else { return Ok(()) };
        let length = container.elements.len();
        let at = match (container.object, container.find(&token)) {
            (true, Some(at)) => {
                let mut steps = steps;
                steps.push((id, at));
                self.replace(&steps, value);
                return Ok(());
            }
            (true, None) => length,
            (false, _) if token == "-" => length,
            (false, _) => array_index(&token)
                .filter(|index| *index <= length)
                .ok_or_else(|| EditError::BadIndex { path: path.clone() })?,
        };
        let key = if container.object { string::encode(&token) } else { String::new() };
        self.insert(steps, id, at, key, value);
        Ok(())
    }

    /// Takes a value out; of an object all members of its name.
    fn remove(&mut self, path: &Pointer) -> Result<Incoming<'a>, EditError> {
        let token = path.last().ok_or(EditError::WholeDocument)?;
        let steps = self.locate(path)?;
        let value = Incoming::Moved(self.text(self.value(&steps)), self.indent_at(&steps).to_owned());
        if let Some(&(id, at)) = steps.last() {
            self.take_out(id, at);
            while let Some(at) =
                self.containers.get(id).filter(|container| container.object).and_then(|object| object.find(&token))
            {
                self.take_out(id, at);
            }
        }
        Ok(value)
    }

    fn take_out(&mut self, id: usize, at: usize) {
        let Some(container) = self.containers.get_mut(id).filter(|container| at < container.elements.len()) else {
            return;
        };
        let gone = container.elements.remove(at);
        if at == container.elements.len() {
            // The last one's space belongs to the closing bracket.
            match container.elements.last_mut() {
                Some(last) => last.after = comments::after_last(&gone.before, gone.after),
                None => container.empty = comments::of_emptied(&gone.before, &gone.after),
            }
        } else if let Some(next) = container.elements.get_mut(at) {
            next.before = comments::before_next(gone.before, std::mem::take(&mut next.before), at == 0);
        }
    }

    /// Puts a value in the place of another.
    fn replace(&mut self, steps: &[(usize, usize)], value: Incoming<'a>) {
        let value = match value {
            Incoming::New(text) if *self.text(self.value(steps)) == *trim(text) => return,
            Incoming::New(text) if steps.is_empty() && !self.style.known => Value::as_written(text),
            value => {
                let own = self.inner_gap(self.value(steps)).map(|(object, gap)| (object, gap.to_owned()));
                self.laid_out(steps, own, value)
            }
        };
        if let Some(place) = self.value_mut(steps) {
            *place = value;
        }
    }

    /// Puts a new element into the container `id`, which stands at `steps`.
    fn insert(&mut self, mut steps: Steps, id: usize, at: usize, key: String, value: Incoming<'a>) {
        let (before, after) = match self.containers.get(id).map(|container| container.elements.len()) {
            Some(0) | None => self.gaps_of_first(&steps, id),
            Some(_) => self.gaps_between(id, at),
        };
        let colon = self.colon(id, at);
        let new = Element { before, key: Cow::Owned(key), colon, value: Value::as_written("null"), after };
        if let Some(container) = self.containers.get_mut(id) {
            container.elements.insert(at, new);
        }
        steps.push((id, at));
        let value = self.laid_out(&steps, None, value);
        if let Some(place) = self.value_mut(&steps) {
            *place = value;
        }
    }

    /// The space around the only element of a container that was empty. Comments that were all there was in it (a
    /// server that somebody commented out) stay in front of the element.
    fn gaps_of_first(&self, steps: &[(usize, usize)], id: usize) -> (Cow<'a, str>, Cow<'a, str>) {
        let container = self.containers.get(id);
        let object = container.is_some_and(|container| container.object);
        let empty = container.map(|container| container.empty.as_ref()).filter(|empty| empty.contains('/'));
        let kept = empty.unwrap_or_default().trim_end_matches([' ', '\t', '\r', '\n']);
        let shape = match empty {
            Some(empty) if has_newline(empty) => Shape::Lines,
            _ => self.shape(steps, object, None),
        };
        match shape {
            Shape::Line(pad) => {
                let before = if kept.is_empty() { pad.clone() } else { format!("{kept} ") };
                (Cow::Owned(before), Cow::Owned(pad))
            }
            Shape::Lines => {
                let line = format!("{}{}", self.style.newline, self.indent_at(steps));
                (Cow::Owned(format!("{kept}{line}{}", self.style.unit)), Cow::Owned(line))
            }
        }
    }

    /// The space around a new element among others, whose own is put right.
    fn gaps_between(&mut self, id: usize, at: usize) -> (Cow<'a, str>, Cow<'a, str>) {
        let comma = self.style.comma.clone();
        let Some(container) = self.containers.get_mut(id) else { return Default::default() };
        let elements = &mut container.elements;
        let length = elements.len();
        // What stands before an element that follows a comma, and after one that a comma follows.
        let behind = match (elements.get(1), elements.first()) {
            (Some(second), _) if at < 2 => line_gap(&second.before),
            (Some(_), _) => elements.get(at.min(length - 1)).map(|next| line_gap(&next.before)).unwrap_or_default(),
            (None, Some(only)) if has_newline(&only.before) => line_gap(&only.before),
            (None, _) => Cow::Owned(comma),
        };
        let ahead = if length > 1 { elements.first().map(|first| blank(&first.after)) } else { None };
        let ahead = ahead.unwrap_or_default();
        if at == length {
            let last = elements.last_mut();
            comments::around_new(behind, last.map(|last| std::mem::replace(&mut last.after, ahead)).unwrap_or_default())
        } else if at == 0 {
            let first = elements.first_mut();
            (first.map(|first| std::mem::replace(&mut first.before, behind)).unwrap_or_default(), ahead)
        } else {
            (behind, ahead)
        }
    }

    /// The space and colon after a new key.
    fn colon(&self, id: usize, at: usize) -> Cow<'a, str> {
        let Some(container) = self.containers.get(id).filter(|container| container.object) else {
            return Cow::Borrowed("");
        };
        let neighbour = at.checked_sub(1).and_then(|before| container.elements.get(before));
        match neighbour {
            Some(neighbour) if !has_newline(&neighbour.colon) => blank(&neighbour.colon),
            _ => Cow::Owned(self.style.colon.clone()),
        }
    }

    /// The value as it will stand at a place, which had a container with the gap `own` before.
    fn laid_out(&self, steps: &[(usize, usize)], own: Option<(bool, String)>, value: Incoming<'a>) -> Value<'a> {
        let indent = self.indent_at(steps);
        let (text, from) = match value {
            Incoming::New(text) => (Cow::Borrowed(text), None),
            Incoming::Moved(text, from) => (text, Some(from)),
        };
        let object = match byte(trim(&text).as_bytes(), 0) {
            b'{' => true,
            b'[' => false,
            _ => return Value::Text(trimmed(text)),
        };
        let shape = self.shape(steps, object, own);
        Value::Text(match from {
            Some(_) if !has_newline(&text) => text,
            Some(from) if shape == Shape::Lines => reindent(text, &from, indent),
            _ => match text {
                Cow::Borrowed(text) => self.style.lay_out(text, &shape, indent),
                Cow::Owned(text) => Cow::Owned(self.style.lay_out(&text, &shape, indent).into_owned()),
            },
        })
    }

    /// How a container at a place should look: as the one that was there, else as its nearest neighbours of that
    /// kind, else on lines of its own if it starts on one.
    fn shape(&self, steps: &[(usize, usize)], object: bool, own: Option<(bool, String)>) -> Shape {
        let like = |(kind, gap): (bool, &str)| {
            (kind == object).then(|| if has_newline(gap) { Shape::Lines } else { Shape::Line(plain(gap).into_owned()) })
        };
        if let Some(shape) = own.and_then(|(kind, gap)| like((kind, &gap))) {
            return shape;
        }
        let Some(&(id, at)) = steps.last() else {
            return if self.style.lines { Shape::Lines } else { Shape::Line(String::new()) };
        };
        let element = |at: usize| self.containers.get(id)?.elements.get(at);
        let neighbours = [at.checked_sub(1), at.checked_add(1)];
        let mut shapes = neighbours.into_iter().flatten().filter_map(|at| like(self.inner_gap(&element(at)?.value)?));
        shapes.next().unwrap_or_else(|| {
            let starts_line = element(at).is_some_and(|element| has_newline(&element.before));
            if starts_line && self.style.lines { Shape::Lines } else { Shape::Line(String::new()) }
        })
    }

    /// Of a container that is not empty: whether it is an object, and the space after its opening bracket.
    fn inner_gap<'t>(&'t self, value: &'t Value<'a>) -> Option<(bool, &'t str)> {
        match value {
            Value::Open(id) => {
                let container = self.containers.get(*id)?;
                Some((container.object, &container.elements.first()?.before))
            }
            Value::Text(text) => {
                let bytes = text.as_bytes();
                let first = skip_space(bytes, 1);
                let filled = matches!(byte(bytes, 0), b'{' | b'[') && !matches!(byte(bytes, first), b'}' | b']');
                if filled { Some((byte(bytes, 0) == b'{', text.get(1..first)?)) } else { None }
            }
        }
    }

    /// The indentation of the line on which the element at a place starts.
    fn indent_at(&self, steps: &[(usize, usize)]) -> &str {
        let mut steps = steps;
        while let Some((_, above)) = steps.split_last() {
            if let Some(element) = self.element(steps).filter(|element| has_newline(&element.before)) {
                return indent(&element.before);
            }
            steps = above;
        }
        indent(self.around.0)
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
        Cow::Owned(text) => Cow::Owned(trim(&text).to_owned()),
    }
}

/// A gap without comments, which belong to where they stand.
fn blank<'a>(gap: &Cow<'a, str>) -> Cow<'a, str> {
    match gap {
        Cow::Borrowed(gap) => plain(gap),
        Cow::Owned(gap) => Cow::Owned(plain(gap).into_owned()),
    }
}

/// A gap that ends at most one line.
fn line_gap<'a>(gap: &Cow<'a, str>) -> Cow<'a, str> {
    match &blank(gap) {
        Cow::Borrowed(gap) => Cow::Borrowed(if has_newline(gap) { one_line_end(gap) } else { gap }),
        Cow::Owned(gap) => Cow::Owned(if has_newline(gap) { one_line_end(gap) } else { gap }.to_owned()),
    }
}
