//! Names that look like one another: `githubl` and `github1`, `api.openai.com` and `api.openal.com`.
//!
//! Letters that are not ASCII are shown by their numbers, whatever they look like; these are all ASCII, and innocent
//! but beside one another.

/// The first of the known texts that is another one and looks the same.
///
/// ```
/// use keystencil::consent::look_alike;
/// assert_eq!(look_alike("keyring('githubl')", ["keyring('github1')"]), Some("keyring('github1')"));
/// assert_eq!(look_alike("keyring('github')", ["keyring('github')", "keyring('gitlab')"]), None);
/// ```
#[must_use]
pub fn look_alike<'k>(text: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let shape = shape(text);
    known.into_iter().find(|known| *known != text && self::shape(known) == shape)
}

/// The text with one letter for all that look like it.
fn shape(text: &str) -> String {
    let one = |c: char| match c.to_ascii_lowercase() {
        'i' | '1' | '|' | '!' => 'l',
        '0' => 'o',
        '5' => 's',
        '2' => 'z',
        '8' => 'b',
        '_' => '-',
        other => other,
    };
    text.chars().map(one).collect::<String>().replace("rn", "m").replace("vv", "w")
}

#[cfg(test)]
mod tests {
    use super::look_alike;

    #[test]
    fn what_looks_the_same_and_is_not_is_found() {
        for (a, b) in [("openai", "openal"), ("O0", "0O"), ("modem", "modern"), ("vvork", "work"), ("a_b", "a-b")] {
            assert_eq!((look_alike(a, [b]), look_alike(b, [a])), (Some(b), Some(a)));
        }
        for (a, b) in [("openai", "openai"), ("github", "gitlab"), ("work", "home"), ("key", "keys")] {
            assert_eq!(look_alike(a, [b]), None, "{a} {b}");
        }
    }
}
