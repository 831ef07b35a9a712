//! What to do about what is refused, or not asked, below an AI tool.

/// What to do about a command that is for a person.
pub(in crate::cli) fn for_a_person() -> String {
    "run it in a terminal of your own; or let AI tools do it: `agents = \"allow\"` in config.toml, and then `keystencil allow` in \
     a terminal of your own"
        .to_owned()
}

/// What to do where nobody was asked.
pub(in crate::cli) fn not_asked() -> String {
    "allow it in a terminal of your own: `keystencil allow`".to_owned()
}

/// What to do about a config that lets AI tools do more, which nobody allowed.
pub(in crate::cli) fn not_let() -> String {
    "`keystencil allow` at a terminal asks; or take `agents` out of the config".to_owned()
}
