//! The names that mean something in every template.

/// Names a template can't give to anything else, nor the config to a command.
const RESERVED: [&str; 30] = [
    "keyring",
    "env",
    "range",
    "dict",
    "namespace",
    "debug",
    "os",
    "arch",
    "hostname",
    "user",
    "home",
    "vars",
    "loop",
    "self",
    "super",
    "caller",
    "varargs",
    "kwargs",
    "not",
    "and",
    "or",
    "in",
    "is",
    "if",
    "else",
    "true",
    "false",
    "none",
    "import",
    "include",
];

/// Whether a command of the config can have this name: an identifier that means nothing else in a template.
///
/// ```
/// use keystencil::template::is_provider_name;
/// assert!(is_provider_name("op") && is_provider_name("aws_secret2"));
/// assert!(!is_provider_name("keyring") && !is_provider_name("1password") && !is_provider_name("a-b"));
/// ```
#[must_use]
pub fn is_provider_name(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(is_word)
        && !RESERVED.contains(&name.to_ascii_lowercase().as_str())
}
