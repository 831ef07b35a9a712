//! Everything in a text that may be a secret: keys of known formats, random values after telling names, passwords in
//! URLs. One pass for all three; what `check` asks.

use super::anchors::{NAME, URL};
use super::names::{is_password_name, is_secret_name, is_secret_parameter};
use super::random::{is_password_like, is_random, is_shown};
use super::{COMPILED, Formats, Rule, place};
use std::ops::Range;

/// Shorter values are not judged.
const SHORTEST: usize = 8;
/// Nor are longer ones.
const LONGEST: usize = 4096;
/// Bytes of values that end at the same place, times the number of them. Arbitrary: four of the longest.
const NESTED: usize = 4 * LONGEST;
/// The part of a URL before the host is no longer.
const USERINFO: usize = 256;
/// Why something may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspicion {
    /// It has the format of a provider's keys.
    Format(&'static Rule),
    /// It is random, and its name says that it is secret.
    Value,
    /// It is the password in a URL.
    UrlPassword,
}

/// Something that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// Where it is, in bytes: the value alone.
    pub range: Range<usize>,
    /// Why.
    pub why: Suspicion,
}

/// All suspects of a text, in order, none overlapping; a known format goes before the rest.
///
/// ```
/// use keystencil::scan::{Suspicion, suspects};
/// let found = suspects(b"DB_PASSWORD=q7Zk2Xv9Lw3Rt8Yb\nhash=q7Zk2Xv9Lw3Rt8Yb\n"); // keystencil: allow
/// assert_eq!((found.len(), found[0].range.clone(), found[0].why), (1, 12..28, Suspicion::Value));
/// ```
#[must_use]
pub fn suspects(text: &[u8]) -> Vec<Suspect> {
    let mut formats = Formats::default();
    let mut others: Vec<Suspect> = Vec::new();
    let mut values = Values::default();
    COMPILED.all.scan(text, |at, anchor| match anchor.rule {
        NAME => {
            let range = values.behind(text, at);
            others.extend(range.map(|range| Suspect { range, why: Suspicion::Value }));
        }
        URL => {
            let at = at.saturating_sub(anchor.before.0);
            others.extend(url_password(text, at).map(|range| Suspect { range, why: Suspicion::UrlPassword }));
        }
        _ => formats.look(text, at, anchor),
    });
    let hits = formats.hits();
    let clear = |range: &Range<usize>| {
        let next = hits.partition_point(|hit| hit.range.end <= range.start);
        hits.get(next).is_none_or(|hit| range.end <= hit.range.start)
    };
    others.retain(|other| clear(&other.range));
    others.extend(hits.iter().map(|hit| Suspect { range: hit.range.clone(), why: Suspicion::Format(hit.rule) }));
    others.sort_by_key(|suspect| (suspect.range.start, suspect.range.end));
    others.dedup_by(|later, first| later.range.start < first.range.end);
    others
}

/// The values after names.
#[derive(Default)]
struct Values {
    names: place::Names,
    ends: place::Ends,
    /// Where the last value ended that was judged, and how many with the same end were.
    judged: (usize, usize),
}

impl Values {
    /// The value after the name around `at`, if the name says it is secret and the value looks it.
    fn behind(&mut self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let name = self.names.go_to(text, at).then(|| self.names.name()).flatten()?;
        let start = place::value_after(text, &name)?;
        let range = self.ends.value_at(text, start)?;
        if range.len() < SHORTEST || range.len() > 2 * LONGEST {
            return None;
        }
        let in_query = name.start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(|byte| b"?&".contains(byte));
        let mut value = std::str::from_utf8(text.get(range.clone())?).ok()?;
        if in_query {
            value = value.split('#').next().unwrap_or(value);
        }
        if value.len() < SHORTEST || value.len() > LONGEST || !self.may_judge(range.end, value.len()) {
            return None;
        }
        let said = std::str::from_utf8(text.get(name.clone())?).ok()?;
        let told = if in_query { is_secret_parameter(said) } else { is_secret_name(said) };
        let is_secret = told && (is_random(value) || (is_password_name(said) && is_password_like(value)));
        is_secret.then(|| range.start..range.start + value.len())
    }

    /// Whether one more value with this end is judged. Of hundreds that are in one another the first few are, and the
    /// short ones at the end.
    fn may_judge(&mut self, end: usize, length: usize) -> bool {
        self.judged = if self.judged.0 == end { (end, self.judged.1 + 1) } else { (end, 1) };
        self.judged.1 * length <= NESTED
    }
}

/// The password of `scheme://user:password@host`.
fn url_password(text: &[u8], at: usize) -> Option<Range<usize>> {
    let scheme = at.checked_sub(1).and_then(|at| text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let ahead = text.get(at + 3..).filter(|_| scheme)?;
    let end = ahead.iter().take(USERINFO).position(|byte| b"@/ \t\r\n\"'`<>{}|\\^[]()$*".contains(byte))?;
    if ahead.get(end) != Some(&b'@') {
        return None;
    }
    let info = std::str::from_utf8(ahead.get(..end)?).ok()?;
    let (user, password) = info.split_once(':')?;
    let host: Vec<u8> = ahead
        .iter()
        .skip(end + 1)
        .take(60)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b".-".contains(byte))
        .copied()
        .collect();
    let lower = password.to_ascii_lowercase();
    // `he%2F%2Fo` has five characters, `secret_1234` is a word, and `:pserver:anoncvs` is how CVS says who nobody is.
    let length = password.len() - 2 * password.matches('%').count().min(password.len() / 3);
    let word = lower.strip_suffix("123").or_else(|| lower.strip_suffix("1234")).map(|word| word.trim_end_matches('_'));
    let is_shown = length < 6
        || password == user
        || user.is_empty() && password.starts_with("pserver:")
        || is_shown(&lower)
        || word.is_some_and(is_shown)
        || super::is_placeholder(password)
        || lower.contains("password")
        || host.is_empty()
        || host.windows(7).any(|window| window == b"example");
    let start = at + 3 + user.len() + 1;
    (!is_shown && password.bytes().all(|byte| byte.is_ascii_graphic())).then(|| start..start + password.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, Suspicion)> {
        suspects(text.as_bytes()).into_iter().map(|suspect| (&text[suspect.range], suspect.why)).collect()
    }

    #[test]
    fn a_random_value_behind_a_telling_name_is_found_in_every_syntax() {
        let value = ["q7Zk2Xv9", "Lw3Rt8Yb"].concat();
        for text in [
            "API_KEY=VALUE",
            "export API_KEY='VALUE'",
            "\"apiKey\": \"VALUE\",",
            "api_key: VALUE # x",
            "api_key = \"VALUE\"",
            "'api-key' => 'VALUE',",
            "{\\\"api_key\\\":\\\"VALUE\\\"}",
            "--api-key VALUE",
            "[\"--api-key\", \"VALUE\"]",
            "curl -H 'X-Api-Key: VALUE'",
            "Authorization: Bearer VALUE",
            "https://host/?a=b&token=VALUE&c=d",
            "https://host/?key=VALUE",
            "client_secret: `VALUE`",
            "<add key=\"x\" apiKey=\"VALUE\"/>",
            "self.secret_key='VALUE'",
            "https://host/?token=VALUE#part",
            "DB_PASSWORD=VALUE#x1Z",
        ] {
            let value = if text.ends_with("#x1Z") { format!("{value}#x1Z") } else { value.clone() };
            let text = text.replace("VALUE#x1Z", &value).replace("VALUE", &value);
            assert_eq!(found(&text), [(&*value, Suspicion::Value)], "{text}");
        }
    }

    #[test]
    fn false_friends_are_left_alone() {
        for text in [
            "token = getToken(config.accessTokenProvider)",
            "key: 3f2504e04f8911d39a0c0305e82c3301",
            "\"integrity\": \"sha512-q7Zk2Xv9Lw3Rt8Ybq7Zk2Xv9Lw3Rt8Yb==\"",
            "MAX_TOKENS=12345678901234",
            "API_KEY=${OPENAI_API_KEY}",
            "API_KEY: << keyring('openai') >>",
            "api_key = os.environ['OPENAI_API_KEY_PRODUCTION']",
            "apiKey: process.env.NEXT_PUBLIC_API_KEY,",
            "token: \"your-token-goes-here-123\"",
            "PASSWORD=changeme",
            "KEY_FILE=/etc/ssl/a8f7q7Zk2Xv9Lw3.pem",
            "postgres://user:password@localhost/db",
            "postgres://me:${PASSWORD}@host/db",
            "https://host:8080/path@2",
            "https://user:he%2F%2Fo@pypi.company.com/simple",
            "cvs://:pserver:anoncvs@sources.redhat.com:/cvs/src",
            "dotenv://:key_1234@dotenv.org/vault",
            "password: #q7Zk2Xv9Lw3Rt8Yb5 is the one",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_found_alone() {
        let text = ["postgres://app:S3cr", "3tPw@db.host/x"].concat();
        assert_eq!(found(&text), [("S3cr3tPw", Suspicion::UrlPassword)]);
    }
}
