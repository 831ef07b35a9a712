//! Which files a template may include, by name. Symlinks are the reader's business.

/// The folder rule: a relative path downwards, with `/`.
///
/// # Errors
/// Why the name is refused.
///
/// ```
/// use keystencil::template::check_include_name;
/// assert!(check_include_name("servers/github.json").is_ok());
/// assert!(check_include_name("../secrets.json").is_err());
/// ```
pub fn check_include_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.starts_with('/') {
        return Err("it is an absolute path");
    }
    if name.contains('\\') {
        return Err("it contains a backslash");
    }
    if name.contains(':') {
        return Err("it contains a colon, like a Windows drive or stream");
    }
    if name.chars().any(char::is_control) {
        return Err("it contains a control character");
    }
    if name.starts_with('~') {
        return Err("it starts with `~`, which is not expanded");
    }
    for part in name.split('/') {
        match part {
            ".." => return Err("it leads out of the folder"),
            "" | "." => return Err("it has an empty or `.` part"),
            _ => {}
        }
    }
    Ok(())
}

/// The round in a chain of includes, if there is one: from a name to where it comes again.
pub(crate) fn cycle(chain: &[String]) -> Option<Vec<String>> {
    let last = chain.last()?;
    let before = chain.iter().rev().skip(1).position(|name| name == last)?;
    Some(chain.iter().skip(chain.len().saturating_sub(before + 2)).cloned().collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_leave_the_folder_is_refused() {
        for name in ["", "/etc/passwd", "..", "a/../b", "./a", "a//b", "C:/x", "a\\b", "a\0", "~/x", "a/"] {
            assert!(check_include_name(name).is_err(), "{name:?}");
        }
        for name in ["a.json", "servers/a b.json", "..a/b..", "ü/x"] {
            assert!(check_include_name(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn a_cycle_is_named_once() {
        let chain = ["t", "a", "b", "a", "b"].map(str::to_owned);
        assert_eq!(cycle(&chain).unwrap(), ["b", "a", "b"]);
        assert_eq!(cycle(&chain[..3]), None);
    }
}
