//! Which findings the user wants: `--only` and `--skip`.

use super::{Finding, ImportPlan, Piece};
use crate::document::Pointer;

/// A choice of findings; without patterns it takes all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// If there are any, one of them must match.
    pub only: Vec<String>,
    /// None of them may.
    pub skip: Vec<String>,
}

impl Selection {
    /// Whether a finding is wanted. `name` is what its secret would be called.
    pub(crate) fn takes(&self, pointer: &Pointer, name: &str) -> bool {
        (self.only.is_empty() || self.only.iter().any(|pattern| matches(pattern, pointer, Some(name))))
            && !self.skip.iter().any(|pattern| matches(pattern, pointer, Some(name)))
    }

    /// A pattern of `only` that means nothing of what it selected.
    #[must_use]
    pub fn idle<'s>(&'s self, plan: &ImportPlan) -> Option<&'s str> {
        let is_of = |pattern: &str, finding: &Finding| {
            let mut names = finding.pieces.iter().filter_map(|piece| match piece {
                Piece::Secret(index, _) => plan.secrets.get(*index).map(|found| found.name.service()),
                Piece::Literal(_) => None,
            });
            names.any(|name| matches(pattern, &finding.pointer, Some(name)))
        };
        let means = |pattern: &&String| !plan.findings.iter().any(|finding| is_of(pattern, finding));
        self.only.iter().find(means).map(String::as_str)
    }

    /// Whether a pattern of `only` that is a pointer means this place.
    #[must_use]
    pub fn names(&self, pointer: &Pointer) -> bool {
        let is_meant = |pattern: &&String| pattern.starts_with('/') && matches(pattern, pointer, None);
        self.only.iter().any(|pattern| is_meant(&pattern)) && self.takes_text(pointer)
    }

    /// Whether a place that is not a setting is to be cleaned of what is imported elsewhere.
    pub(super) fn takes_text(&self, pointer: &Pointer) -> bool {
        !self.skip.iter().any(|pattern| matches(pattern, pointer, None))
    }
}

/// A pattern that starts with `/` is a pointer: `*` stands for any part of one step, and what lies below matches too.
/// Any other is the name of a secret or of a step: a server, a variable.
pub(super) fn matches(pattern: &str, pointer: &Pointer, name: Option<&str>) -> bool {
    if pattern.starts_with('/') {
        let mut steps = pointer.as_str().split('/').skip(1);
        return pattern.split('/').skip(1).all(|step| steps.next().is_some_and(|found| glob(step, found)));
    }
    name.is_some_and(|name| glob(pattern, name)) || pointer.tokens().any(|token| glob(pattern, &token))
}

/// `*` stands for any text; capitals count as small letters.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for piece in pieces {
        if let Some(before) = last.replace(piece) {
            let before: &str = before;
            let Some(at) = rest.find(before) else { return false };
            rest = rest.get(at + before.len()..).unwrap_or_default();
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in
            [("*", ""), ("a*", "abc"), ("*_TOKEN", "GITHUB_TOKEN"), ("a*b*c", "a-b-b-c"), ("abc", "ABC")]
        {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("*a", "ab"), ("ab*b", "ab"), ("", "a"), ("a*b*b", "ab")] {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_pointer_takes_what_lies_below_it() {
        let pointer = Pointer::root().child("mcpServers").child("hub").child("env").child("HUB_TOKEN");
        for pattern in ["/mcpServers", "/mcpServers/*/env", "hub", "hub_*", "/mcpServers/hub/env/HUB_TOKEN"] {
            assert!(matches(pattern, &pointer, None), "{pattern}");
        }
        for pattern in ["/mcp", "/mcpServers/github", "token", "/mcpServers/*/headers", "/a/b/c/d/e/f"] {
            assert!(!matches(pattern, &pointer, None), "{pattern}");
        }
    }
}
