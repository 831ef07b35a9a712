//! The filters and tests a template may use, and how much of a value each of them looks at.

use super::book::Depth;

/// Adds a check to what it is applied to; templates can't name it.
pub(crate) const CHECK: &str = "_check";
/// Prints; templates can't name it.
pub(crate) const PRINT: &str = "_print";
/// The argument by which a call of `keyring` or `env` tells where it stands.
pub(crate) const AT: &str = "_at";

/// Filters that see only the outside of a list or map, so that its items may be references.
const SHAPE: [&str; 13] =
    ["items", "list", "first", "last", "reverse", "length", "count", "batch", "slice", "chain", "zip", "default", "d"];

/// Filters that look into what they are given.
const DEEP: [&str; 34] = [
    "safe",
    "lower",
    "upper",
    "title",
    "capitalize",
    "replace",
    "dictsort",
    "trim",
    "join",
    "split",
    "lines",
    "round",
    "abs",
    "int",
    "float",
    "attr",
    "min",
    "max",
    "sort",
    "string",
    "bool",
    "sum",
    "indent",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
    "map",
    "groupby",
    "unique",
    "format",
    "tojson",
    "b64encode",
    "urlencode",
];

/// Tests that see only the outside of a value.
const SHAPE_TESTS: [&str; 5] = ["mapping", "sequence", "iterable", "none", "string"];

/// Tests that look into what they are given.
const DEEP_TESTS: [&str; 33] = [
    "safe",
    "escaped",
    "boolean",
    "odd",
    "even",
    "divisibleby",
    "number",
    "integer",
    "int",
    "float",
    "startingwith",
    "endingwith",
    "lower",
    "upper",
    "sameas",
    "eq",
    "equalto",
    "==",
    "ne",
    "!=",
    "lt",
    "lessthan",
    "<",
    "le",
    "<=",
    "gt",
    "greaterthan",
    ">",
    "ge",
    ">=",
    "in",
    "true",
    "false",
];

/// What a filter or test may be given, or the most similar name if there is none of that name.
pub(crate) enum Known {
    /// How deep it looks, and whether undefined may be given to it.
    Yes(Depth, bool),
    No(Option<Box<str>>),
}

pub(crate) fn filter(name: &str) -> Known {
    match name {
        "default" | "d" => Known::Yes(Depth::Shallow, true),
        "attr" => Known::Yes(Depth::Shallow, false),
        _ if SHAPE.contains(&name) => Known::Yes(Depth::Shallow, false),
        _ if DEEP.contains(&name) => Known::Yes(Depth::Deep, false),
        _ => Known::No(similar(name, SHAPE.into_iter().chain(DEEP))),
    }
}

pub(crate) fn test(name: &str) -> Known {
    match name {
        "defined" | "undefined" => Known::Yes(Depth::Shallow, true),
        _ if SHAPE_TESTS.contains(&name) => Known::Yes(Depth::Shallow, false),
        _ if DEEP_TESTS.contains(&name) => Known::Yes(Depth::Deep, false),
        _ => Known::No(similar(name, SHAPE_TESTS.into_iter().chain(DEEP_TESTS).chain(["defined", "undefined"]))),
    }
}

/// The name that was probably meant.
pub(crate) fn similar<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<Box<str>> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.into())
}
