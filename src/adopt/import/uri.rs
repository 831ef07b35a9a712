//! The secret parts of URLs: `user:password@`, `?key=`, a key in the path.

use super::recognise;
use std::ops::Range;

/// A secret part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Byte offsets.
    pub(super) range: Range<usize>,
    /// What it is called there; a password after a user name is called nothing.
    pub(super) label: Option<String>,
    /// Whether it is percent-encoded.
    pub(super) is_encoded: bool,
}

/// The secret parts of every URL in a text.
pub(super) fn secrets(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find("://")).map(|at| from + at) {
        let start = at + 3;
        let rest = text.get(start..).unwrap_or_default();
        let blank = rest.find([' ', '\n', '\t', '"', '\'', '|']).unwrap_or(rest.len());
        let end = start + next_url(rest.get(..blank).unwrap_or_default()).unwrap_or(blank);
        url(text, start, end, &mut found);
        from = end.max(start);
    }
    if found.is_empty() {
        found.extend(bare_login(text));
    }
    found
}

/// The password of `user:password@host:port` or `user:password@tcp(host)`, a URL without its scheme. `mailto:me@host`,
/// `image:tag@sha256:…` and `npm:package@1.2` look alike: so a port, or brackets, are asked for.
fn bare_login(text: &str) -> Option<Found> {
    const SCHEMES: [&str; 9] = ["mailto", "sip", "sips", "xmpp", "acct", "ssh", "npm", "jsr", "workspace"];
    let (user, rest) = text.split_once(':')?;
    let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "_.+%-".contains(c));
    let (password, host) = rest.rsplit_once('@')?;
    let is_password = !password.is_empty() && !password.contains(|c: char| c.is_whitespace() || "/:\"'".contains(c));
    let is_network = ["tcp(", "unix(", "tcp6("].iter().any(|network| host.starts_with(network));
    let port = host.split_once(':').filter(|(name, _)| is_name(name)).map(|(_, rest)| rest);
    let is_port = |rest: &str| {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        (1..=5).contains(&digits)
            && rest.get(digits..).is_some_and(|tail| tail.is_empty() || tail.starts_with(['/', '?']))
    };
    let is_login = is_name(user)
        && is_password
        && !SCHEMES.iter().any(|scheme| user.eq_ignore_ascii_case(scheme))
        && !recognise::is_reference(password)
        && (is_network || port.is_some_and(is_port));
    let start = user.len() + 1;
    is_login.then(|| Found { range: start..start + password.len(), label: None, is_encoded: false })
}

/// Where a URL ends because another one follows: `a://b,c://d`.
fn next_url(text: &str) -> Option<usize> {
    let before = text.get(..text.find("://")?)?;
    let scheme = before.trim_end_matches(|char: char| char.is_ascii_alphanumeric() || "+.-".contains(char));
    let is_scheme = before.get(scheme.len()..).is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
    (is_scheme && scheme.ends_with([',', ';'])).then(|| scheme.len() - 1)
}

/// One URL, from after its `://`.
fn url(text: &str, start: usize, end: usize, found: &mut Vec<Found>) {
    let rest = text.get(start..end).unwrap_or_default();
    // A password may hold a raw `/`, `?` or `#`; the `@` that ends it is the last before the path, and a host has no
    // such characters. So the authority ends at the first of them, unless what follows still has an `@` and a port or
    // path.
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = match rest.get(..authority).and_then(|authority| authority.rfind('@')) {
        Some(at) => Some(at),
        None if rest.get(..authority).is_some_and(opens_password) => {
            rest.get(authority..).and_then(|tail| tail.find('@')).map(|at| authority + at)
        }
        None => None,
    };
    let mut path = start + authority;
    if let Some(at) = host {
        let user = rest.get(..at).unwrap_or_default();
        if let Some((name, password)) = user.split_once(':') {
            let range = start + name.len() + 1..start + at;
            if !password.is_empty() && !recognise::is_reference(password) {
                found.push(Found { range, label: None, is_encoded: true });
            }
        } else if recognise::is_random(user) || !recognise::known(user, "").is_empty() {
            // `https://ghp_…@github.com/`
            found.push(Found { range: start..start + at, label: Some("token".to_owned()), is_encoded: true });
        }
        let tail = rest.get(at..).unwrap_or_default();
        path = start + at + tail.find(['/', '?', '#']).unwrap_or(tail.len());
    }
    let tail = text.get(path..end).unwrap_or_default();
    let query = tail.find(['?', '#']).unwrap_or(tail.len());
    segments(text, path, path + query, found);
    let mut at = path + query;
    while at < end {
        // After `?`, `&`, `;` or `#`.
        at += 1;
        let rest = text.get(at..end).unwrap_or_default();
        let length = rest.find(['&', ';', '#', '?']).unwrap_or(rest.len());
        if let Some((name, value)) = rest.get(..length).and_then(|pair| pair.split_once('=')) {
            let decoded = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
            let is_secret = recognise::is_secret_parameter(&decoded)
                || recognise::known(value, "").iter().any(|known| known.range.len() == value.len())
                || recognise::hides_key(value);
            if is_secret
                && !value.is_empty()
                && !recognise::is_reference(value)
                && recognise::is_value(value, &decoded, false)
            {
                let range = at + name.len() + 1..at + length;
                found.push(Found { range, label: Some(decoded), is_encoded: true });
            }
        }
        at += length;
    }
}

/// Whether the start of an authority is `user:` and part of a password, not `host:port`.
fn opens_password(authority: &str) -> bool {
    authority.split_once(':').is_some_and(|(_, port)| !port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Keys among the segments of a path.
fn segments(text: &str, start: usize, end: usize, found: &mut Vec<Found>) {
    let path = text.get(start..end).unwrap_or_default();
    let mut at = start;
    for segment in path.split('/') {
        let is_key = recognise::known(segment, "").iter().any(|known| known.range.len() * 4 >= segment.len() * 3)
            || (segment.len() >= 24 && recognise::is_random(segment))
            || recognise::hides_key(segment);
        if is_key {
            found.push(Found { range: at..at + segment.len(), label: Some("url".to_owned()), is_encoded: true });
        }
        at += segment.len() + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::secrets;

    fn parts(text: &str) -> Vec<&str> {
        secrets(text).into_iter().map(|found| &text[found.range]).collect()
    }

    #[test]
    fn only_the_secret_part_of_a_url_is_taken() {
        assert_eq!(parts("postgresql://app:hunter2@db:5432/app?sslmode=require"), ["hunter2"]);
        assert_eq!(parts("redis://:p%40ss@cache/0"), ["p%40ss"]); // keystencil: allow
        assert_eq!(parts("postgres://u:pa/ss?w#rd@db/app"), ["pa/ss?w#rd"]);
        assert_eq!(parts("https://mcp.example.com/mcp?api_key=abc123def&profile=me"), ["abc123def"]);
        assert_eq!(parts("mongodb+srv://u:secretpw@c0.example.net/?retryWrites=true&w=majority"), ["secretpw"]);
    }

    #[test]
    fn of_several_urls_in_one_text_each_is_read() {
        for text in
            ["postgres://u:P1x@h/d,postgres://v:P2x@h/e", "amqp://u:P1x@h;amqps://v:P2x@h/e", "a://u:P1x@h b://u:P2x@h"]
        {
            assert_eq!(parts(text), ["P1x", "P2x"], "{text}"); // keystencil: allow
        }
        assert_eq!(parts("mongodb://u:P1x@h1:1,h2:2/d?x=y,z"), ["P1x"]);
        assert_eq!(parts("redis://u:P1x,http//@h/d"), ["P1x,http//"]);
    }

    #[test]
    fn a_login_without_a_scheme_is_read_where_a_port_or_a_network_follows() {
        assert_eq!(parts("root:hunter2@tcp(127.0.0.1:3306)/shop"), ["hunter2"]);
        assert_eq!(parts("admin:hun@ter2@db.example.com:5432/app"), ["hun@ter2"]);
        let no_login =
            ["mailto:me@example.com:25", "image:tag@sha256:0123456789", "npm:x@1.2.3", "git@h:22", "a:${B}@h:1"];
        for text in no_login {
            assert_eq!(parts(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for plain in [
            "http://localhost:8080/mcp",
            "https://api.example.com/v1?page=2&sort_key=name&limit=10",
            "https://user@example.com/path",
            "mailto:me@example.com",
            "postgres://u:${DB_PASSWORD}@db/app",
            "a=b",
            "https://example.com/3f2504e0-4f89-11d3-9a0c-0305e82c3301/mcp",
        ] {
            assert_eq!(parts(plain), [""; 0], "{plain}");
        }
    }
}
