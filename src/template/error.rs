//! Why a template has no blueprint: what, where, and what to do. Built from names and places; a value of a
//! variable never enters, and a secret can't, because none enters the engine.

use super::reserved::is_provider_name;
use crate::error::{Explain, Place};
use crate::secret::NameError;

/// What a name in a template was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// `<< NAME >>`
    Variable,
    /// `<< x.NAME >>`
    Attribute,
    /// `<< NAME() >>`
    Function,
    /// `<< x | NAME >>`
    Filter,
    /// `<< x is NAME >>`
    Test,
    /// `keyring('x', NAME='y')`
    Argument,
}

impl NameKind {
    fn word(self) -> &'static str {
        match self {
            Self::Variable => "variable",
            Self::Attribute => "attribute",
            Self::Function => "function",
            Self::Filter => "filter",
            Self::Test => "test",
            Self::Argument => "argument",
        }
    }
}

/// What would have needed a secret's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Use {
    /// A filter that isn't one of the two that can wait.
    Filter(String),
    /// `is …`
    Test(String),
    /// `==`, `<` and so on.
    Comparison,
    /// `in`
    Membership,
    /// `+`, `*` and so on.
    Arithmetic,
    /// `if`, `elif`, `and`, `or`, `not`.
    Condition,
    /// `for … in`
    Loop,
    /// `x[…]`, `x.y`
    Lookup,
    /// The key of a map.
    Key,
    /// `~` with a list or map that holds a reference, or with what a macro printed.
    Join,
    /// The argument of a function.
    Argument,
    /// The name of an included file.
    Include,
    /// `b64encode` or `urlencode` over text that holds a reference.
    Encoding,
    /// Printing it in this way.
    Print,
}

impl Use {
    fn sentence(&self) -> String {
        match self {
            Self::Filter(name) => format!("the filter `{name}` would need the value of a secret"),
            Self::Test(name) => format!("the test `is {name}` would need the value of a secret"),
            Self::Comparison => "a comparison would need the value of a secret".to_owned(),
            Self::Membership => "`in` would need the value of a secret".to_owned(),
            Self::Arithmetic => "arithmetic would need the value of a secret".to_owned(),
            Self::Condition => "a condition would need the value of a secret".to_owned(),
            Self::Loop => "a loop would need the value of a secret".to_owned(),
            Self::Lookup => "a lookup or slice would need the value of a secret".to_owned(),
            Self::Key => "the key of a map would need the value of a secret".to_owned(),
            Self::Join => "`~` can't join a list, a map or a macro's output that holds a reference".to_owned(),
            Self::Argument => "an argument would need the value of a secret".to_owned(),
            Self::Include => "the name of an included file would need the value of a secret".to_owned(),
            Self::Encoding => {
                "`b64encode` and `urlencode` work on a reference itself, not on text around one".to_owned()
            }
            Self::Print => "a list or map that holds a reference can't be printed inside a string".to_owned(),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Filter(_) => {
                "print the reference itself: `<< keyring('x') >>`; of the filters, `b64encode` and `urlencode` work on one"
            }
            Self::Join => "print the parts one after the other: `<< a >><< b >>`",
            Self::Encoding => {
                "apply the filter to the reference, before `~`: `<< 'user:' ~ (keyring('x') | urlencode) >>`"
            }
            Self::Print => "print it outside of quotes, or print its items one by one",
            Self::Condition | Self::Comparison | Self::Test(_) | Self::Membership => {
                "decide by a variable instead, one of `[vars]` in config.toml or `os`, `arch`, `hostname`, `user`, `home`"
            }
            _ => "a reference can only be printed, joined with `~`, or passed on; its value is filled in later",
        }
    }
}

/// What a template exceeded. Templates are untrusted, so each limit is far above what a config needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Steps of the engine.
    Steps,
    /// Bytes of the rendered text.
    Output,
    /// Bytes or lines of a file.
    Size,
    /// Nested or long expressions.
    Expression,
    /// Branches of one file.
    Branches,
    /// Expressions and tags of one file.
    Constructs,
    /// Nested values.
    Value,
    /// Included files.
    Files,
    /// Levels of the JSON.
    Nesting,
}

impl Limit {
    fn sentence(self) -> &'static str {
        match self {
            Self::Steps => "the template takes too many steps",
            Self::Output => "the template renders to more than 32 MiB",
            Self::Size => "the template has more than 4 MiB or 50,000 lines",
            Self::Expression => "an expression is nested too deeply or has more than 4,000 parts",
            Self::Branches => "the template has more than 1,000 `elif`",
            Self::Constructs => "the template has more than 5,000 expressions and tags",
            Self::Value => "a list or map is nested too deeply or too large",
            Self::Files => "the template includes more than 128 files",
            Self::Nesting => "the JSON has more than 256 levels",
        }
    }
}

/// Why a template has no blueprint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields say what the message names
pub enum TemplateError {
    /// The engine doesn't understand the text between the delimiters.
    #[error("{what}")]
    Syntax { what: String, in_string: bool, place: Place },
    /// Between the delimiters is nothing but a number or a word: an expression, or text with a `<<` in it.
    #[error("ambiguous: this is either an expression, or text that contains `<<` and `>>`")]
    Ambiguous { place: Place },
    /// `<<`, `<%`, `<#`, `/*` or `<% raw %>` without its end.
    #[error("`{open}` is not closed")]
    Unclosed { open: &'static str, close: &'static str, in_string: bool, place: Place },
    /// A part of the template language that keystencil leaves out.
    #[error("`{tag}` is not supported in a template")]
    Unsupported { tag: &'static str, place: Place },
    /// A name that means nothing.
    #[error("unknown {} `{}`", .kind.word(), .name.escape_debug())]
    Unknown { kind: NameKind, name: String, similar: Option<Box<str>>, place: Place },
    /// Something that would need a secret's value.
    #[error("{}", .what.sentence())]
    NeedsValue { what: Use, place: Place },
    /// A reference whose name no store may be asked for.
    #[error("{source}")]
    BadName { source: NameError, place: Place },
    /// `env()` with a name that no environment variable has.
    #[error("an environment variable's name can't be empty or hold `=` or a NUL byte")]
    BadVariableName { place: Place },
    /// A function with something other than what it takes.
    #[error("`{function}` takes {expected}")]
    BadArguments { function: String, expected: &'static str, place: Place },
    /// A value of a kind that has no JSON form.
    #[error("{what} can't be printed")]
    Unprintable { what: &'static str, place: Place },
    /// A character that keystencil uses for itself.
    #[error("the character U+10FF01 is reserved and can't be printed by an expression")]
    Reserved { place: Place },
    /// The engine gave up; its own words.
    #[error("{what}")]
    Engine { what: String, place: Place },
    /// A limit.
    #[error("{}", .limit.sentence())]
    Exceeded { limit: Limit, place: Place },
    /// An include by a name that may lead out of the template's folder.
    #[error("an include can't be named `{}`: {why}", .name.escape_debug())]
    IncludeName { name: String, why: &'static str, place: Place },
    /// An included file that can't be read.
    #[error("cannot read the included file `{}`: {source}", .name.escape_debug())]
    IncludeRead { name: String, source: std::io::Error, place: Place },
    /// Includes that go round.
    #[error("include cycle: {}", .cycle.join(" → "))]
    IncludeCycle { cycle: Vec<String>, place: Place },
    /// The outcome is empty.
    #[error("the template renders to nothing")]
    Empty { place: Place },
    /// The outcome is JSON, but no object.
    #[error("the template renders to {found}, not to an object")]
    NotObject { found: &'static str, place: Place },
    /// The outcome is not JSON.
    #[error("not JSON: {what}")]
    NotJson { what: &'static str, printed: bool, place: Place },
    /// A reference in the name of a member.
    #[error("a reference can't be (part of) the name of a member")]
    ReferenceInKey { place: Place },
    /// The same name twice in one object.
    #[error("the member `{}` appears twice in the same object", .key.escape_debug())]
    DuplicateKey { key: String, place: Place },
    /// A literal that could not be told from a placeholder once it is in the target.
    #[error("this text looks like a reference but is not one")]
    LooksLikeReference { place: Place },
    /// Half of a surrogate pair beside a reference.
    #[error("a string with a reference can't hold half of a surrogate pair")]
    LoneSurrogate { place: Place },
    /// The operating system gave no random bytes.
    #[error("cannot get random numbers from the system: {0}")]
    Random(getrandom::Error),
    /// No thread to render in.
    #[error("can't start a thread to render the template: {0}")]
    Thread(std::io::Error),
}

const WRITE_LITERALLY: &str =
    "to write the characters themselves, print them: `<< '<<' >>`, `<< '<%' >>`, `<< '<#' >>`";

impl Explain for TemplateError {
    fn place(&self) -> Option<Place> {
        match self {
            Self::Syntax { place, .. }
            | Self::Unclosed { place, .. }
            | Self::Unsupported { place, .. }
            | Self::Unknown { place, .. }
            | Self::NeedsValue { place, .. }
            | Self::BadName { place, .. }
            | Self::BadVariableName { place }
            | Self::BadArguments { place, .. }
            | Self::Unprintable { place, .. }
            | Self::Reserved { place }
            | Self::Engine { place, .. }
            | Self::Exceeded { place, .. }
            | Self::IncludeName { place, .. }
            | Self::IncludeRead { place, .. }
            | Self::IncludeCycle { place, .. }
            | Self::Empty { place }
            | Self::NotObject { place, .. }
            | Self::NotJson { place, .. }
            | Self::ReferenceInKey { place }
            | Self::DuplicateKey { place, .. }
            | Self::LooksLikeReference { place }
            | Self::Ambiguous { place }
            | Self::LoneSurrogate { place } => Some(place.clone()),
            Self::Random(_) | Self::Thread(_) => None,
        }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Ambiguous { .. } | Self::Syntax { in_string: true, .. } => WRITE_LITERALLY,
            Self::Syntax { .. } => {
                "a reference is written `<< keyring('x') >>`; the language is that of Jinja with `<< >>`, `<% %>`, `<# #>`"
            }
            Self::Unclosed { open, close, in_string, .. } => {
                let literally = if *in_string { format!("; {WRITE_LITERALLY}") } else { String::new() };
                return Some(format!("close it with `{close}`, as in `{open} … {close}`{literally}"));
            }
            Self::Unsupported { .. } => "share text with `<% include \"file.json\" %>` or a macro instead",
            Self::Unknown { similar: Some(name), .. } => return Some(format!("did you mean `{name}`?")),
            Self::Unknown { kind: NameKind::Variable, .. } => {
                "there are `os`, `arch`, `hostname`, `user`, `home` and what `[vars]` in config.toml sets; to write `<<` itself, print it: `<< '<<' >>`"
            }
            Self::Unknown { kind: NameKind::Attribute, .. } => {
                "set it under `[vars]` in config.toml, or test it with `is defined`"
            }
            Self::Unknown { kind: NameKind::Function, name, .. } if is_provider_name(name) => {
                return Some(format!(
                    "secrets come from `keyring('name')` and `env('NAME')`, or from a command that config.toml declares \
                     under `[providers.{name}]`"
                ));
            }
            Self::Unknown { kind: NameKind::Function, .. } => "secrets come from `keyring('name')` and `env('NAME')`",
            Self::Unknown { kind: NameKind::Argument, .. } => {
                "write `keyring('github')` or `keyring('github', account='work')`"
            }
            Self::Unknown { .. } => {
                "the filters and tests are those of Jinja; on a reference `b64encode` and `urlencode` work"
            }
            Self::NeedsValue { what, .. } => what.hint(),
            Self::BadName { source, .. } => return source.hint(),
            Self::BadVariableName { .. } => "name it as in `env('GITHUB_TOKEN')`",
            Self::BadArguments { expected: "no arguments", .. } => "write the filter without parentheses",
            Self::BadArguments { function, expected, .. } if function == "keyring" && expected.contains('`') => {
                "write `keyring(attributes={'Title': 'OpenAI'}, collection='login')` or `keyring('x', store='vault')`"
            }
            Self::BadArguments { function, .. } if is_provider_name(function) => {
                return Some(format!("write `{function}('what to look up')`"));
            }
            Self::BadArguments { .. } => {
                "write `keyring('github')`, `keyring('github', account='work')` or `env('GITHUB_TOKEN')`"
            }
            Self::Unprintable { .. } => "print one of its items, or give it a value first",
            Self::Reserved { .. } => "write it in the template's own text, or as the JSON escape `\\udbff\\udf01`",
            Self::Engine { .. } => "see the place; the language is that of Jinja with `<< >>`, `<% %>`, `<# #>`",
            Self::Exceeded { limit: Limit::Files | Limit::Size, .. } => "split the template, or include less",
            Self::Exceeded { .. } => "make it smaller; a config template needs far less",
            Self::IncludeName { .. } => {
                "name a file in or below the template's folder, with `/`: `<% include \"servers/github.json\" %>`"
            }
            Self::IncludeRead { .. } => {
                "the name counts from the template's folder; `ignore missing` makes an include optional"
            }
            Self::IncludeCycle { .. } => "remove one of these includes",
            Self::Empty { .. } => "write at least `{}`",
            Self::NotObject { .. } => "put it in `{ … }`",
            Self::NotJson { printed: true, .. } => {
                "an expression outside of quotes prints its value as it is: put it in quotes, or use the filter `tojson`"
            }
            Self::NotJson { .. } => "the rendered text is JSON with comments and trailing commas allowed",
            Self::ReferenceInKey { .. } => "put the secret in a value; names of members are not secret",
            Self::DuplicateKey { .. } => "remove one of the two",
            Self::LooksLikeReference { .. } => "write a reference as an expression of its own, or the text differently",
            Self::LoneSurrogate { .. } => "write both halves, or move the reference to another string",
            Self::Random(_) | Self::Thread(_) => "try again; if it keeps failing, the system is short of resources",
        };
        Some(text.to_owned())
    }
}
