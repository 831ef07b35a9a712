//! Each rule finds a key made to its pattern and not one that is a character short. The keys are made here: the source
//! holds none, so no scanner trips over it.

use super::rule::Check;
use super::shape::{Piece, Shape};
use super::*;
use std::collections::HashSet;

/// A fixed sequence that looks like chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % end
    }
}

/// A text of the pattern; the longest run is `short` characters shorter than it may be.
fn text_of(shape: &Shape, chance: &mut Chance, short: usize) -> Vec<u8> {
    let longest = (0..shape.pieces.len())
        .max_by_key(|at| shape.pieces[*at].length().0 * usize::from(matches!(shape.pieces[*at], Piece::Run { .. })));
    let mut text = Vec::new();
    for (at, piece) in shape.pieces.iter().enumerate() {
        match piece {
            Piece::Text(texts) => text.extend_from_slice(&texts[chance.below(texts.len())]),
            Piece::Run { class, min, .. } => {
                let from: Vec<u8> = (0..128).filter(|byte| class.has(*byte)).collect();
                let letters: Vec<u8> = from.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
                let from = if letters.is_empty() { from } else { letters };
                let short = if Some(at) == longest { short } else { 0 };
                text.extend((0..min - short).map(|_| from[chance.below(from.len())]));
            }
        }
    }
    text
}

fn with_checksum(rule: &Rule, mut text: Vec<u8>) -> Vec<u8> {
    let length = text.len();
    match rule.check {
        Check::Crc32Base62 => {
            let at = text.iter().position(|byte| *byte == b'_').unwrap() + 1;
            let sum = checksum::base62(checksum::crc32(&text[at..length - 6]));
            text[length - 6..].copy_from_slice(&sum);
        }
        Check::Crc32Hex => {
            let sum = format!("{:08x}", checksum::crc32(&text[..length - 9]).swap_bytes());
            text[length - 8..].copy_from_slice(sum.as_bytes());
        }
        // Six characters in front of the last ones can always be chosen so that the sum is right; trying is simpler.
        Check::Bech32 => text = bech32_key(rule),
        Check::JsonHeader => {
            use base64::Engine as _;
            let encode = |part: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(part);
            text = format!(
                "{}.{}.{}",
                encode("{\"alg\":\"HS256\"}"),
                encode("{\"sub\":\"1234\",\"n\":1}"),
                "Zq3vT8".repeat(7)
            )
            .into_bytes();
        }
        Check::Snowflake => {
            use base64::Engine as _;
            let id = base64::engine::general_purpose::STANDARD_NO_PAD.encode("918273645546372819");
            text = format!("{id}.{}.{}", "GyX7kP", "q7Zk2Xv9Lw3Rt8Yb5Nc1Hd6Mf4Js0").into_bytes();
        }
        Check::Pem => text
            .extend_from_slice(["\n", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj", "AgEAAoIBAQ\n"].concat().as_bytes()),
        Check::Putty => text.extend_from_slice(b"ssh-ed25519\r\nEncryption: none\r\nPrivate-Lines: 1\r\n"),
        Check::EncodedPem => {
            use base64::Engine as _;
            let lines = ["-----BEGIN ", "PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC"].concat();
            text = base64::engine::general_purpose::STANDARD.encode(lines).into_bytes();
        }
        Check::None => {}
    }
    text
}

/// The data of these two are the same 32 bytes; the checksums were computed with the reference implementation.
fn bech32_key(rule: &Rule) -> Vec<u8> {
    const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let human = if rule.id == "nostr-secret-key" { "nsec" } else { "age-secret-key-" };
    let mut values: Vec<u32> =
        human.bytes().map(|b| u32::from(b >> 5)).chain([0]).chain(human.bytes().map(|b| u32::from(b & 31))).collect();
    let data: Vec<u32> = (0..52).map(|n| (n * 7 + 3) % 32).collect();
    values.extend(&data);
    values.extend([0; 6]);
    let mut sum: u32 = 1;
    for value in values {
        let top = sum >> 25;
        sum = (sum & 0x1ff_ffff) << 5 ^ value;
        for (bit, part) in [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3].into_iter().enumerate() {
            if top >> bit & 1 == 1 {
                sum ^= part;
            }
        }
    }
    let sum = (0..6).map(|at| ((sum ^ 1) >> (5 * (5 - at))) & 31);
    let text =
        format!("{human}1{}", data.into_iter().chain(sum).map(|v| char::from(DIGITS[v as usize])).collect::<String>());
    if rule.id == "nostr-secret-key" { text.into_bytes() } else { text.to_ascii_uppercase().into_bytes() }
}

/// A place in which the rule applies.
fn placed(rule: &Rule, key: &[u8]) -> Vec<u8> {
    let name = rule.near.first().map_or("x".to_owned(), |word| {
        let word = word.trim_end_matches(['_', '-']).to_ascii_uppercase();
        if names::is_secret_name(&word) { word } else { format!("{word}_API_KEY") }
    });
    let name = if rule.near.contains(&"exa_") { "EXA_API_KEY".to_owned() } else { name };
    [name.as_bytes(), b" = \"", key, b"\"\n"].concat()
}

#[test]
fn every_rule_finds_a_key_of_its_form_and_none_that_is_a_character_short() {
    let mut faults = Vec::new();
    for rule in rules() {
        let shape = Shape::new(rule.pattern);
        let mut chance = Chance(0x5EED_0000 + rule.pattern.len() as u64);
        for _ in 0..20 {
            let key = with_checksum(rule, text_of(&shape, &mut chance, 0));
            let text = placed(rule, &key);
            let hits = find(&text);
            let known = hits
                .iter()
                .any(|hit| hit.rule.provider == rule.provider || hit.range.start <= text.len() - key.len() - 2);
            if !known {
                faults.push(format!("{} in {}: {hits:?}", rule.id, String::from_utf8_lossy(&text)));
            }
        }
        let near = text_of(&shape, &mut chance, 1);
        if shape.pieces.iter().any(|piece| matches!(piece, Piece::Run { min, .. } if *min > 0)) {
            let hits = find(&placed(rule, &near));
            if hits.iter().any(|hit| hit.rule.id == rule.id) {
                faults.push(format!("{}: {}", rule.id, String::from_utf8_lossy(&near)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_is_large_and_each_rule_has_a_name_of_its_own() {
    assert!(rules().len() >= 120, "{}", rules().len());
    let mut seen = HashSet::new();
    for rule in rules() {
        assert!(seen.insert(rule.id), "{} twice", rule.id);
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", rule.id);
        assert!(!rule.provider.is_empty() && !rule.name.is_empty() && !rule.revoke_url.is_empty(), "{}", rule.id);
        assert!(rule.near.iter().all(|word| word.len() >= 3 && word.to_ascii_lowercase() == *word), "{}", rule.id);
        let shape = Shape::new(rule.pattern);
        assert!(
            !rule.near.is_empty() || !filter::of_shape(0, &shape).is_empty(),
            "{} has nothing to look for",
            rule.id
        );
    }
}

#[test]
fn published_examples_are_read_as_their_providers_say() {
    let b = "q7Zk2Xv9Lw3Rt8Yb5Nc1Hd6Mf4Js0Pg".repeat(8);
    for (key, id) in [
        (["sk-ant", "-api03-", &b[..93], "AA"].concat(), "anthropic-api-key"),
        (["sk-proj", "-", &b[..74], "T3Blbk", "FJ", &b[..74]].concat(), "openai-project-key"),
        (["sk-", &b[..20], "T3Blbk", "FJ", &b[..20]].concat(), "openai-api-key"),
        (["gh", "p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"].concat(), "github-pat"),
        (["AIza", "Sy", &b[..33]].concat(), "google-api-key"),
        (["hf", "_", &b[..34]].concat(), "huggingface-token"),
        (["xox", "b-917263545182-8172635445361-", &b[..24]].concat(), "slack-bot-token"),
        (
            ["gh", "s_1234567_eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjE3NDU2MDB9.", &b[..200]].concat(),
            "github-app-stateless-token",
        ),
        (["cf", "ut_", &b[..32], "b7Nq3vZ8", "0fe13ba9"].concat(), "cloudflare-token"),
        (["AKIA", "Q3EGR6LDN7SZYB2T"].concat(), "aws-access-key-id"),
        (["npg", "_", &b[..12]].concat(), "neon-password"),
        (["712345678", ":AA", &b[..33]].concat(), "telegram-bot-token"),
    ] {
        for text in [format!("x: '{key}'"), format!("a\\n{key}\\n"), format!("?k%3D{key}&b"), key.clone()] {
            let hits = find(text.as_bytes());
            assert_eq!(hits.len(), 1, "{id} in {text}: {hits:?}");
            assert_eq!((hits[0].rule.id, &text[hits[0].range.clone()]), (id, &*key));
        }
        let longer = format!("{key}x7");
        assert!(
            find(longer.as_bytes())
                .iter()
                .all(|hit| hit.rule.id != id || id == "google-api-key" || hit.range.end == longer.len()),
            "{longer}"
        );
    }
}

#[test]
fn a_wrong_checksum_and_a_placeholder_are_no_key() {
    for text in [
        ["gh", "p_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18"].concat(),
        ["gh", "p_", &"x".repeat(36)].concat(),
        ["AKIA", "IOSFODNN7", "EXAMPLE"].concat(),
        ["sk-ant", "-api03-", &"your_key_".repeat(11)].concat(),
        ["-----BEGIN ", "PRIVATE KEY-----", "\\n...\\n"].concat(),
        "OPENAI_API_KEY=<< keyring('openai') >>".to_owned(),
    ] {
        assert!(find(text.as_bytes()).is_empty(), "{text}");
    }
}

#[test]
fn a_form_without_a_beginning_counts_only_behind_the_name_of_its_provider() {
    let value = "q7Zk2Xv9Lw3Rt8Yb5Nc1Hd6Mf4Js0PgZ";
    let id = |text: &str| find(text.as_bytes()).first().map(|hit| hit.rule.id);
    assert_eq!(id(&format!("MISTRAL_API_KEY={value}")), Some("mistral-api-key"));
    assert_eq!(id(&format!("{{\"mistralApiKey\": \"{value}\"}}")), Some("mistral-api-key"));
    assert_eq!(id(&format!("--mistral-api-key {value}")), Some("mistral-api-key"));
    assert_eq!(id(&format!("MISTRAL_MODEL={value}")), None);
    assert_eq!(id(&format!("OTHER_API_KEY={value}")), None);
}

#[test]
fn an_adversarial_text_takes_no_quadratic_time() {
    for piece in [
        "eyJ-",
        "eyJ.",
        "sk-proj-T3Blbk",
        "AKIA",
        "xoxb-1-",
        "ghp_",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----a:",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\n", // keystencil: allow
        "PuTTY-User-Key-File-2: ",
        "PuTTY-User-Key-File-2: \nPrivate-Lines: 1\n", // keystencil: allow
        "LS0tLS1CRUdJTi",
        "=",
        "MISTRAL_KEY=",
        "hooks.slack.com/",
    ] {
        let text = piece.repeat(2_000_000 / piece.len());
        let _ = find(text.as_bytes());
    }
}
