//! Does a value look like a key, whatever name it is under?
//!
//! A guess, for showing only: a difference hides what it may hide, and nothing is decided by it. What keys look like is
//! known by [`scan`](super); here less is enough, since hiding one too many does no harm.

/// What is put aside under a telling name is shorter than that only if it is a word like `no`.
const SETTING: usize = 4;
/// A token with such a beginning is at least this long.
const PREFIXED: usize = 16;
/// A run of this many letters and digits is not a word; a UUID has 12, the date in a model's name 8.
const RUN: usize = 20;

/// Whether a text holds something that looks like a key: a service's token, a long run of letters and digits, what
/// follows `Bearer` or `Basic`, a password in a URL, a private key.
#[must_use]
pub fn looks_like_key(text: &str) -> bool {
    text.contains("-----BEGIN ")
        || has_scheme(text)
        || has_password(text)
        || words(text).any(is_token)
        || !super::find(text.as_bytes()).is_empty()
}

/// Whether a comment holds something that looks like a key, or a setting that was put aside and is called a key.
#[must_use]
pub fn comment_holds_key(comment: &str) -> bool {
    let is_name = |char: char| char.is_ascii_alphanumeric() || "_-".contains(char);
    let is_setting = |(at, _): (usize, &str)| {
        let (before, after) = comment.split_at_checked(at).unwrap_or_default();
        let before = before.trim_end_matches(['"', '\'', ' ']);
        let name = before.rsplit(|char| !is_name(char)).next().unwrap_or_default();
        let after = after.trim_start_matches([':', '=', ' ', '"', '\'']);
        let value = after.split(['"', '\'', ',', ' ', '\t']).next().unwrap_or_default();
        // Prose continues.
        let rest = after.get(value.len()..).unwrap_or_default().trim_start();
        let ends = rest.is_empty() || rest.starts_with(['"', '\'', ',']) || rest.starts_with("*/");
        super::names::is_secret_name(name) && ends && value.len() >= SETTING && !value.starts_with(['<', '$', '[', '/'])
    };
    looks_like_key(comment) || comment.match_indices([':', '=']).any(is_setting)
}

/// Whether a known beginning of a key is anywhere in a run of ASCII.
#[must_use]
pub(crate) fn holds_known_beginning(run: &str) -> bool {
    (0..run.len()).filter_map(|at| run.get(at..)).any(super::has_known_beginning)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
}

fn is_token(word: &str) -> bool {
    (word.len() >= PREFIXED && super::has_known_beginning(word))
        || word.split(['_', '-', '.']).any(|run| {
            run.len() >= RUN && run.bytes().any(|b| b.is_ascii_digit()) && run.bytes().any(|b| b.is_ascii_alphabetic())
        })
}

/// `Bearer abc…`, `Basic abc…`.
fn has_scheme(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace().peekable();
    while let Some(word) = words.next() {
        let is_scheme = ["bearer", "basic"].iter().any(|scheme| word.to_ascii_lowercase().ends_with(scheme));
        let is_value = |next: &&str| next.len() >= 8 && !next.starts_with(['<', '$', '[']);
        if is_scheme && words.peek().is_some_and(is_value) {
            return true;
        }
    }
    false
}

/// `scheme://user:password@host`.
fn has_password(text: &str) -> bool {
    text.match_indices("://").any(|(at, scheme)| {
        let rest = text.get(at + scheme.len()..).unwrap_or_default();
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::{comment_holds_key, looks_like_key};

    #[test]
    fn a_setting_that_was_put_aside_is_told_from_a_remark() {
        for key in ["// \"DB_PASSWORD\": \"hunter2\",", "/* API_KEY=abcdef */", "// ghp_usersownkey0123456789abcd"] {
            assert!(comment_holds_key(key), "{key}");
        }
        for comment in [
            "// get an API key: https://example.com/keys",
            "// \"TOKEN\": \"<< keyring('x') >>\"",
            "// password: check the wiki",
            "/* the token, and \"command\": \"npx\" */",
        ] {
            assert!(!comment_holds_key(comment), "{comment}");
        }
    }

    #[test]
    fn keys_are_told_from_what_configs_say_otherwise() {
        for key in [
            "ghp_usersownkey0123456789abcd",
            "--api-key=sk-not-a-real-one-at-all",
            "Authorization: Bearer abcdefghijklmnop",
            "https://user:hunter2@host/path",
            "AKIAIOSFODNN7EXAMPLE",
            "0123456789abcdef0123456789abcdef",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
        ] {
            assert!(looks_like_key(key), "{key}");
        }
        for plain in [
            "",
            "dark",
            "claude-sonnet-4-5-20250929",
            "@modelcontextprotocol/server-postgres@2024.11.5",
            "https://api.githubcopilot.com/mcp/",
            "mailto:me@example.com",
            "basic auth",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "/home/someone/projects/a-rather-long-name/with/parts",
            "2026-11-23T17:11:20.306866819Z",
        ] {
            assert!(!looks_like_key(plain), "{plain}");
        }
    }
}
