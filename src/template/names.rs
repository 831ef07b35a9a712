//! What looks at a value: the filters and tests a template may use, and everything else that has a check of its own.

use super::error::Use;

/// The filter after everything that is looked at: passes the value on, or ends the run; templates don't use it.
pub(crate) const CHECK: &str = "_check";
/// Prints; templates don't use it.
pub(crate) const PRINT: &str = "_print";
/// Tells a function of ours where it is called; templates don't use it.
pub(crate) const AT: &str = "_at";

/// How deep a check looks for references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Not at all: a reference may pass.
    None,
    /// At the value itself; a list or map may hold some.
    Shallow,
    /// Shallow for a map (only its keys count), deep for the rest.
    Keys,
    /// Through lists and maps.
    Deep,
    /// An operand of `~`: text with references may pass.
    Join,
}

/// What looks at a value.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) depth: Depth,
    pub(crate) what: Use,
    /// Whether undefined may pass (`x is defined`).
    pub(crate) undefined: bool,
}

impl Look {
    /// By the name that the check has: `checks` and `operands` write it.
    pub(crate) fn named(name: &str) -> Self {
        let (depth, what) = match name {
            "if" => (Depth::Shallow, Use::Condition),
            "for" => (Depth::Shallow, Use::Loop),
            "." => (Depth::Shallow, Use::Lookup),
            "[" => (Depth::Deep, Use::Lookup),
            "==" => (Depth::Deep, Use::Comparison),
            // What is looked for, and where.
            "of" => (Depth::Deep, Use::Membership),
            "in" => (Depth::Keys, Use::Membership),
            "+" => (Depth::Shallow, Use::Arithmetic),
            "~" => (Depth::Join, Use::Join),
            "{" => (Depth::Deep, Use::Key),
            "(" => (Depth::Deep, Use::Argument),
            "include" => (Depth::Deep, Use::Include),
            _ => match (name.strip_prefix('|'), name.strip_prefix("is ")) {
                (Some(filter), _) => match filter.strip_suffix('(') {
                    Some(filter) => (Depth::Deep, Use::Filter(filter.to_owned())),
                    None => (depth(filter, SHAPE), Use::Filter(filter.to_owned())),
                },
                (_, Some(test)) => match test.strip_suffix('(') {
                    Some(test) => (Depth::Deep, Use::Test(test.to_owned())),
                    None => (depth(test, SHAPE_TESTS), Use::Test(test.to_owned())),
                },
                _ => (Depth::None, Use::Print),
            },
        };
        let undefined = matches!(name, "|default" | "|d" | "is defined" | "is undefined");
        Self { depth, what, undefined }
    }
}

fn depth(name: &str, shape: &str) -> Depth {
    if shape.split(' ').any(|known| known == name) { Depth::Shallow } else { Depth::Deep }
}

/// Filters that see only the outside of a list or map, so that its items may be references.
const SHAPE: &str = "items list first last reverse length count batch slice chain zip default d attr";

/// Filters that look into what they are given.
const DEEP: &str = "safe lower upper title capitalize replace dictsort trim join split lines round abs int float min \
    max sort string bool sum indent select reject selectattr rejectattr map groupby unique format \
    tojson b64encode urlencode";

/// Tests that see only the outside of a value.
const SHAPE_TESTS: &str = "mapping sequence iterable none string defined undefined";

/// Tests that look into what they are given.
const DEEP_TESTS: &str = "safe escaped boolean odd even divisibleby number integer int float startingwith endingwith lower \
    upper sameas eq equalto == ne != lt lessthan < le <= gt greaterthan > ge >= in true false";

/// Whether there is such a filter; otherwise the most similar name.
pub(crate) fn filter(name: &str) -> Result<(), Option<Box<str>>> {
    known(name, SHAPE, DEEP)
}

/// The same for a test.
pub(crate) fn test(name: &str) -> Result<(), Option<Box<str>>> {
    known(name, SHAPE_TESTS, DEEP_TESTS)
}

fn known(name: &str, shape: &str, deep: &str) -> Result<(), Option<Box<str>>> {
    let mut all = shape.split(' ').chain(deep.split(' '));
    if all.clone().any(|known| known == name) { Ok(()) } else { Err(similar(name, &mut all)) }
}

/// The most similar name.
pub(crate) fn similar<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<Box<str>> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.into())
}
