//! Tells random values from words: how surprising each letter is after its neighbour.
//!
//! Every pair of neighbours is evidence: the table has, in half bits, how much less often a pair of letters is in
//! the words of source code and manuals than chance would put it there (counted over 1,500 files of public crates);
//! changes between letters, digits and capitals count as well. Over 99 % of random texts of 20 characters and more are
//! told from 95 % of everything else that is in such files; what remains is a matter of the place.

use super::published::is_published;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Shorter values are not judged: chance says too little.
const SHORTEST: usize = 12;
/// Nor passwords shorter than this.
const PASSWORD: usize = 8;
/// So much evidence makes a value random.
const ENOUGH: i32 = 9;
/// A hexadecimal number of this many digits is not a word in any place.
const HEX: usize = 16;
/// Evidence of one pair of letters: `j` is none, `r` 4 bits for chance, `a` 4.5 bits for words.
const PAIRS: [&[u8; 26]; 26] = [
    b"ojhionirkqnhihrirhifkmnmlr",
    b"hljlhmnphjpfmoimrjjkgpqqiq",
    b"hmkmglohkrijlpflpikhknqqmr",
    b"hlliemlngqpjlnilqijlkmkpnr",
    b"inihlklpnrpijgnlmfhhojmjlr",
    b"hmlkhhnpfrrhmmgnriikkroomr",
    b"jnnmenmkhrpkmijlqhhkjppqnr",
    b"fomkfopnhrnnkngnqilijplqmo",
    b"klhikjjrnrqjjfgkrkihpkomrk",
    b"jompdoorjqmppoemqohojpppqr",
    b"jmkkdkkpgrqmlknmqnikkporor",
    b"gmnjfimpgoohnpgjrokjjoqrkr",
    b"fkmlfnnqhrqljnhhnnjljqqqor",
    b"ipihhihojrllnkilrnifklnroq",
    b"mlijpkmrlpliifkirgjjikjnor",
    b"gnllgmokjrmhnohirgjhjmnqnr",
    b"lnlmjpmqmprikmmmomlncpopqr",
    b"hokkflkqgrlmklgmrjiillopjr",
    b"jnjofnmjhrllmnjionifjonqjl",
    b"hlknfmpigrqlmohlrhjkkpnniq",
    b"ljkjhkmrirriignirhggnqrnrr",
    b"fnknemnofrmlllkmrnmirqrmrq",
    b"gnklhmpkfrpjmhhmpggmpqmprp",
    b"ilhjhjnoirqklplgpnmeooomkp",
    b"mlknknoplrqkjglermfhopmpop",
    b"ilkldmopjrpnnmjlrnlmlknrmm",
];
/// Parts of values that somebody is asked to replace, in small letters.
const PLACEHOLDERS: [&str; 34] = [
    "your",
    "example",
    "placeholder",
    "changeme",
    "change-me",
    "change_me",
    "replace",
    "insert",
    "dummy",
    "sample",
    "xxxx",
    "redacted",
    "secret-here",
    "key-here",
    "key_here",
    "token-here",
    "token_here",
    "keyhere",
    "tokenhere",
    "todo",
    "fixme",
    "****",
    "....",
    "____",
    "----",
    "not-a-real",
    "not_a_real",
    "notarealkey",
    "my-secret",
    "my_secret",
    "test-key",
    "test_key",
    "fake",
    "0000000000",
];
/// Passwords that manuals have in their URLs.
const SHOWN: [&str; 27] = [
    "password",
    "passwd",
    "pass",
    "pwd",
    "secret",
    "postgres",
    "root",
    "admin",
    "test",
    "guest",
    "user",
    "username",
    "mysql",
    "mongo",
    "redis",
    "foo",
    "bar",
    "token",
    "mypassword",
    "mysecretpassword",
    "dbpass",
    "hunter2",
    "rabbitmq",
    "minioadmin",
    "key",
    "anoncvs",
    "anonymous",
];

/// What people type who want something long.
const SEQUENCES: [&str; 4] = ["0123456789", "1234567890", "abcdefghijkl", "qwertyuiop"];

/// Whether a value that is in a key-like place is a random one: no word, path, version, URL, address, package,
/// model name or UUID, and no placeholder. A number in hexadecimal counts: only the place tells a hash from a key.
///
/// ```
/// use keystencil::scan::is_random;
/// assert!(is_random("q7Zk2Xv9Lw3Rt8Yb5Nc1"));
/// assert!(!is_random("claude-sonnet-4-5-20250929"));
/// assert!(!is_random("your-api-key-here"));
/// ```
#[must_use]
pub fn is_random(value: &str) -> bool {
    value.len() >= SHORTEST
        && value.bytes().all(|byte| byte.is_ascii_graphic())
        && !is_placeholder(value)
        && !is_ordinary(value)
        && (is_hex(value) || evidence(value.as_bytes()) >= ENOUGH)
}

/// Whether a value looks like a password that somebody chose well: three kinds of characters and no plain word.
pub(super) fn is_password_like(value: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| usize::from(value.bytes().any(|byte| kind(&byte)));
    let kinds = has(u8::is_ascii_lowercase)
        + has(u8::is_ascii_uppercase)
        + has(u8::is_ascii_digit)
        + has(|byte| byte.is_ascii_punctuation() && !b"_-./".contains(byte));
    value.len() >= PASSWORD
        && value.len() < 64
        && value.bytes().all(|byte| byte.is_ascii_graphic())
        && kinds >= 3
        && has(u8::is_ascii_digit) == 1
        && !is_placeholder(value)
        && !is_ordinary(value)
        && evidence(value.as_bytes()) + odd(value) >= 0
}

/// Signs that passwords have and words, paths and versions do not: each makes good what it cost as evidence.
fn odd(value: &str) -> i32 {
    i32::try_from(2 * value.bytes().filter(|byte| b"!#%*+^~?=&$".contains(byte)).count()).unwrap_or(0)
}

/// Whether a value asks to be replaced: `your-api-key-here`, `xxxx`, `<token>`, `${VAR}`, `$VAR`, `%VAR%`, `{{ var }}`.
///
/// ```
/// use keystencil::scan::is_placeholder;
/// assert!(is_placeholder("${OPENAI_API_KEY}"));
/// assert!(!is_placeholder("q7Zk2Xv9Lw3Rt8Yb5Nc1"));
/// ```
#[must_use]
pub fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    value.starts_with(['$', '<', '{', '[', '('])
        || is_marked(value)
        || value.contains("<<")
        || value.contains("${")
        || value.contains("$(")
        || value.contains("{{")
        || PLACEHOLDERS.iter().any(|part| lower.contains(part))
        || SEQUENCES.iter().any(|part| lower.contains(part))
        || is_monotonous(lower.as_bytes())
}

/// Whether a password is one that manuals have: a word that is anywhere, and opens nothing that is worth it.
#[must_use]
pub fn is_shown(value: &str) -> bool {
    SHOWN.iter().any(|shown| value.eq_ignore_ascii_case(shown))
}

/// `%VAR%`, `*alias`, `@var@`, `&anchor`, `!tag`: a sign before a name. Before what looks like chance it is a part of
/// it.
fn is_marked(value: &str) -> bool {
    let Some((sign, rest)) = value.split_at_checked(1).filter(|(sign, _)| "%*@&!".contains(sign)) else { return false };
    (rest.ends_with(sign) && "%@".contains(sign)) || evidence(rest.as_bytes()) + odd(rest) < ENOUGH
}

/// Few different characters, or the same few again and again.
pub(super) fn is_monotonous(value: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in value {
        if let Some(entry) = seen.get_mut(usize::from(*byte)) {
            *entry = true;
        }
    }
    let different = seen.iter().filter(|seen| **seen).count();
    different < 4
        || (value.len() >= SHORTEST && different < 6)
        || (1..=value.len() / 3)
            .any(|period| period <= 12 && value.iter().zip(value.iter().skip(period)).all(|(a, b)| a == b))
}

/// Forms that are not secrets wherever they are.
fn is_ordinary(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    is_uuid(value.as_bytes())
        || value.contains("://")
        || value.starts_with(['/', '.', '~'])
        || value.starts_with("--")
        || (value.starts_with('#') && evidence(value.as_bytes()) + odd(value) < ENOUGH)
        || is_prose_in_base64(value)
        || is_published(value)
        || value.get(1..3) == Some(":\\")
        || (value.contains('@') && value.contains('.'))
        || value.contains("::")
        || ["sha1-", "sha256-", "sha384-", "sha512-", "sha256:", "sha512:", "md5:", "data:", "ssh-", "arn:", "urn:"]
            .iter()
            .any(|start| lower.starts_with(start))
        || (value.contains(['(', ')', ';', '<', '>', '{', '}', '"', '\'', '`', '|', '\\']))
        || value.bytes().all(|byte| byte.is_ascii_digit() || b".:-_/+TZ".contains(&byte))
}

/// `bm90IG15IHJlYWwgcGFzc3dvcmQ=`: words in base64 are what manuals have for a password.
fn is_prose_in_base64(value: &str) -> bool {
    value.len() < 256
        && STANDARD_NO_PAD.decode(value.trim_end_matches('=')).is_ok_and(|text| {
            text.contains(&b' ')
                && text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
                && text.split(|byte| *byte == b' ').all(|word| evidence(word) < ENOUGH)
        })
}

/// `8-4-4-4-12` hexadecimal digits.
pub(super) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_hex(value: &str) -> bool {
    let one_case = !(value.bytes().any(|b| b.is_ascii_lowercase()) && value.bytes().any(|b| b.is_ascii_uppercase()));
    value.len() >= HEX
        && one_case
        && value.bytes().all(|byte| byte.is_ascii_hexdigit())
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Half bits of evidence for chance.
fn evidence(value: &[u8]) -> i32 {
    let mut before = None;
    let mut sum = 0;
    for pair in value.windows(2) {
        let [a, b] = pair else { continue };
        let letters = a.is_ascii_alphabetic() && b.is_ascii_alphabetic();
        sum += if letters && !(a.is_ascii_lowercase() && b.is_ascii_uppercase()) {
            let late =
                a.is_ascii_uppercase() && b.is_ascii_lowercase() && before.is_some_and(|c: u8| c.is_ascii_uppercase());
            pair_evidence(*a, *b) + i32::from(late)
        } else if letters {
            2
        } else if !a.is_ascii_alphanumeric() || !b.is_ascii_alphanumeric() {
            -1
        } else if a.is_ascii_digit() != b.is_ascii_digit() {
            3
        } else {
            0
        };
        before = Some(*a);
    }
    sum
}

fn pair_evidence(a: u8, b: u8) -> i32 {
    let index = |letter: u8| usize::from(letter.to_ascii_lowercase().wrapping_sub(b'a'));
    let half_bits = PAIRS.get(index(a)).and_then(|row| row.get(index(b))).copied().unwrap_or(b'j');
    i32::from(half_bits) - i32::from(b'j')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fixed sequence that looks like chance.
    fn random(alphabet: &[u8], length: usize, seed: u64) -> String {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        (0..length)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                char::from(alphabet[(state >> 33) as usize % alphabet.len()])
            })
            .collect()
    }

    #[test]
    fn nearly_all_random_values_are_known_as_such() {
        for alphabet in [
            "0123456789abcdef",
            "0123456789abcdefghijklmnopqrstuvwxyz",
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        ] {
            for length in [20, 24, 32, 40, 64] {
                let known = (1..=1000).filter(|seed| is_random(&random(alphabet.as_bytes(), length, *seed))).count();
                assert!(known >= 960, "{known} of 1000 with {length} of {alphabet}");
            }
        }
    }

    #[test]
    fn what_configs_say_otherwise_is_not_random() {
        for value in [
            "claude-sonnet-4-5-20250929",
            "gpt-4o-mini-2024-07-18",
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
            "meta-llama/Llama-3.3-70B-Instruct-Turbo",
            "@modelcontextprotocol/server-postgres@2024.11.5",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "/home/someone/.config/keys/a1b2c3d4e5f6.pem",
            "C:\\Users\\me\\keys\\x9y8z7",
            "https://api.githubcopilot.com/mcp/",
            "me+a1b2c3d4@example.com",
            "2026-11-23T17:11:20.306866819Z",
            "sha512-Xq2V9kTz3b7Wc1Rf5Yh8Lp0Nd4Ms6Jg",
            "your-api-key-here",
            "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
            "<your-token>",
            "${GITHUB_TOKEN}",
            "$GITHUB_TOKEN",
            "process.env.OPENAI_API_KEY",
            "<< keyring('openai') >>",
            "correct-horse-battery-staple",
            "ConfigurationManager.AppSettings",
            "0123456789abcdef0123456789abcdef",
            "deadbeefdeadbeefdeadbeef",
            "bm90IG15IHJlYWwgcGFzc3dvcmQ=",
            "2YotnFZFEjr1zCsicMWpAA",
            "%OPENAI_API_KEY%",
            "@API_TOKEN_FROM_CMAKE@",
            "*defaultApiKeyFromAnchor",
            "!isPasswordResetTokenValid",
            "#/components/schemas/ApiKeyAuth",
            "--api-key-from-stdin",
        ] {
            assert!(!is_random(value), "{value}");
        }
    }

    #[test]
    fn a_sign_in_front_makes_no_password_a_placeholder() {
        for value in
            ["*VK6#B4fFb5N1xM*", "#zd3uZNqx7cWt#0l", "!YvoCLR3rzpp1*dA", "%CkGPbIq0W3JxhC4", "jJLz#V!9EALPQhLP"]
        {
            assert!(is_password_like(value), "{value}"); // keystencil: allow
        }
        assert!(is_random("-XH3UtpIEvU_nD_Gs-0x9jFVfVxyikEWf_duAkqc")); // keystencil: allow
        for value in ["*password2Ptr", "!isValid1st", "&Config2.key", "%PASSW0RD%", "#password1", "@Password1"] {
            assert!(!is_password_like(value), "{value}");
        }
    }
}
