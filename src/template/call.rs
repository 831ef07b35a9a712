//! A call as it is in a placeholder: `op('a', b={'c': 'd'})`. The engine reads more than this; what a placeholder
//! is written with, it reads the same.

use super::arguments::{Argument, Arguments};
use crate::document::escape::Escape;
use std::collections::BTreeMap;

/// A function and its arguments.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) function: &'a str,
    pub(super) arguments: Arguments,
}

/// Reads the call that a text starts with, and what follows it.
pub(super) fn read(text: &str) -> Option<(Call<'_>, &str)> {
    let (function, text) = word(text)?;
    let mut text = text.strip_prefix('(')?.trim_start();
    let mut arguments = Arguments::default();
    while !text.starts_with(')') {
        let (value, rest) = match word(text).and_then(|(name, rest)| Some((name, rest.strip_prefix('=')?))) {
            Some((name, rest)) => {
                let (value, rest) = value(rest)?;
                if arguments.named.insert(name.to_owned(), value).is_some() {
                    return None;
                }
                (None, rest)
            }
            None => value(text).map(|(value, rest)| (Some(value), rest))?,
        };
        if value.is_some() && !arguments.named.is_empty() {
            return None;
        }
        arguments.positional.extend(value);
        text = separator(rest, ')')?;
    }
    Some((Call { function, arguments }, text.strip_prefix(')')?))
}

/// A name, and what follows it without white space.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    (!word.is_empty()).then(|| (word, rest.trim_start()))
}

/// After an item: a comma or the end.
fn separator(text: &str, close: char) -> Option<&str> {
    let text = text.trim_start();
    match text.strip_prefix(',') {
        Some(rest) => Some(rest.trim_start()),
        None => text.starts_with(close).then_some(text),
    }
}

fn value(text: &str) -> Option<(Argument, &str)> {
    let text = text.trim_start();
    let Some(mut text) = text.strip_prefix('{').map(str::trim_start) else {
        return literal(text).map(|(text, rest)| (Argument::Text(text), rest));
    };
    let mut map = BTreeMap::new();
    loop {
        if let Some(rest) = text.strip_prefix('}') {
            return Some((Argument::Map(map), rest));
        }
        let (key, rest) = literal(text)?;
        let (value, rest) = literal(rest.trim_start().strip_prefix(':')?.trim_start())?;
        if map.insert(key, value).is_some() {
            return None;
        }
        text = separator(rest, '}')?;
    }
}

/// A string literal of the template language, and what follows it. Its escapes are JSON's and `\'`.
fn literal(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|char| matches!(char, '\'' | '"'))?;
    let mut literal = String::new();
    let mut rest = text.get(1..)?;
    loop {
        let char = rest.chars().next()?;
        let (char, length) = match char {
            char if char == quote => return Some((literal, rest.get(1..)?)),
            '\\' if rest.starts_with("\\'") => ('\'', 2),
            '\\' => {
                let escape = Escape::at(rest.as_bytes())?;
                (escape.character()?, escape.length)
            }
            char => (char, char.len_utf8()),
        };
        literal.push(char);
        rest = rest.get(length..)?;
    }
}
