//! What a key's own digits say about it: checksums and encodings.

use super::rule::Check;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// How much of a header is decoded.
const HEADER: usize = 4096;
/// So much base64 makes a private key; the smallest, of an elliptic curve, has 160.
const PEM_BODY: usize = 40;
/// Shorter lines of base64 have only the ends of keys.
const PEM_LINE: usize = 16;
/// How far behind its first line the body of a key is looked for.
const PEM_LOOK: usize = 4096;

/// Whether a match is what its format says; `after` is what follows it in the text.
pub(super) fn holds(check: Check, matched: &[u8], after: &[u8]) -> bool {
    match check {
        Check::None => true,
        Check::Crc32Base62 => crc_base62(matched),
        Check::Crc32Hex => crc_hex(matched),
        Check::Bech32 => bech32(matched),
        Check::JsonHeader => json_header(matched),
        Check::Snowflake => snowflake(matched),
        Check::Pem => pem_body(after),
        Check::Putty => putty_body(after),
    }
}

/// CRC-32 as of zlib and Ethernet.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

/// Six digits of base 62: digits, capitals, small letters.
pub(super) fn base62(mut number: u32) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; 6];
    for place in text.iter_mut().rev() {
        *place = usize::try_from(number % 62).ok().and_then(|digit| DIGITS.get(digit)).copied().unwrap_or(b'0');
        number /= 62;
    }
    text
}

fn crc_base62(token: &[u8]) -> bool {
    let Some(at) = token.iter().position(|byte| *byte == b'_') else { return false };
    let secret = token.get(at + 1..).unwrap_or_default();
    secret.split_last_chunk::<6>().is_some_and(|(random, sum)| base62(crc32(random)) == *sum)
}

/// Grafana writes the low byte first (`CalculateChecksum` in its package `apikeygenprefix`).
fn crc_hex(token: &[u8]) -> bool {
    token.split_last_chunk::<9>().is_some_and(|(secret, sum)| {
        let [_, digits @ ..] = sum;
        hex::encode(crc32(secret).to_le_bytes()).as_bytes() == digits
    })
}

/// BIP 173, for upper or lower case; a data part of at most 90 characters is not asked for, as age does.
fn bech32(text: &[u8]) -> bool {
    const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let text = text.to_ascii_lowercase();
    let Some(at) = text.iter().rposition(|byte| *byte == b'1') else { return false };
    let (human, data) = (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default());
    let values = (human.iter().map(|byte| u32::from(byte >> 5)))
        .chain([0])
        .chain(human.iter().map(|byte| u32::from(byte & 31)))
        .chain(data.iter().map(|byte| DIGITS.iter().position(|digit| digit == byte).map_or(32, to_u32)));
    let sum = values.fold(1_u32, |sum, value| {
        let top = sum >> 25;
        let sum = (sum & 0x1ff_ffff) << 5 ^ value;
        GENERATOR.iter().enumerate().fold(sum, |sum, (bit, part)| if top >> bit & 1 == 1 { sum ^ part } else { sum })
    });
    sum == 1
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The first part decoded: base64 or base64url, with or without padding.
fn first_part(token: &[u8]) -> Option<Vec<u8>> {
    let part = token.split(|byte| *byte == b'.').next()?;
    let part: Vec<u8> = part
        .iter()
        .take(HEADER)
        .filter(|byte| **byte != b'=')
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    STANDARD_NO_PAD.decode(part).ok()
}

fn json_header(token: &[u8]) -> bool {
    first_part(token).is_some_and(|header| {
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&header)
            .is_ok_and(|header| ["alg", "typ", "enc", "kid"].iter().any(|member| header.contains_key(*member)))
    })
}

fn snowflake(token: &[u8]) -> bool {
    first_part(token).is_some_and(|number| (17..=20).contains(&number.len()) && number.iter().all(u8::is_ascii_digit))
}

/// Base64 behind the first line of a PEM block, whatever ends the lines: also `\n` as in JSON, quoted concatenation, and
/// comment marks. Code that asks for the line (`startsWith("-----BEGIN …")`) and manuals (`\nXXXX\n`) have no such body.
fn pem_body(after: &[u8]) -> bool {
    let mut rest = after.get(..after.len().min(PEM_LOOK)).unwrap_or_default();
    let mut body: Vec<u8> = Vec::with_capacity(2 * PEM_BODY);
    loop {
        rest = behind_line_end(rest);
        let run = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)).count();
        let (word, behind) = rest.split_at_checked(run).unwrap_or_default();
        // Headers such as `Proc-Type: 4,ENCRYPTED` are no base64, and no end.
        if body.is_empty()
            && let [b'-' | b':', ..] = behind
            && word.len() < PEM_LINE
            && !word.is_empty()
        {
            let end = header_end(behind);
            rest = behind.get(end..).unwrap_or_default();
            continue;
        }
        if word.len() < PEM_LINE && body.len() + word.len() < PEM_BODY {
            return false;
        }
        body.extend_from_slice(word);
        if body.len() >= PEM_BODY {
            let has = |kind: fn(&u8) -> bool| body.iter().any(kind);
            return has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
        }
        rest = behind;
    }
}

/// What follows the end of a line, in any of the ways in which texts write one.
fn behind_line_end(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b'\\', b'n' | b'r' | b't', rest @ ..] => rest,
            [
                b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'\\' | b'*' | b'#' | b'!' | b',' | b';' | b'>' | b'|',
                rest @ ..,
            ] => rest,
            // Comments and concatenation; a line of base64 that begins with one of them loses a byte, which does no harm.
            [b'/' | b'+', rest @ ..] => rest,
            _ => return text,
        };
    }
}

/// Where the line of a header ends.
fn header_end(text: &[u8]) -> usize {
    text.windows(2).position(|pair| pair == b"\\n" || pair.first() == Some(&b'\n')).unwrap_or(text.len())
}

/// The line that says how long the private part is, which only a key file has.
fn putty_body(after: &[u8]) -> bool {
    const LINE: &[u8] = b"Private-Lines: ";
    let ahead = after.get(..after.len().min(PEM_LOOK)).unwrap_or_default();
    memchr::memmem::find(ahead, LINE).is_some_and(|at| ahead.get(at + LINE.len()).is_some_and(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_zlib_and_of_githubs_published_example() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(base62(crc32(b"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ")), *b"0mLq17");
    }

    #[test]
    fn bech32_takes_the_test_vectors_of_its_standard() {
        assert!(bech32(b"A12UEL5L"));
        assert!(bech32(b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw"));
        assert!(!bech32(b"abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxq"));
    }

    #[test]
    fn a_private_key_has_a_body() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7".to_owned();
        for newline in ["\n", "\r\n", "\\n", "\" +\n  \""] {
            assert!(pem_body(format!("{newline}{body}").as_bytes()), "{newline:?}");
        }
        assert!(pem_body(format!("\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0102\n\n{body}").as_bytes()));
        for comment in ["\n//! ", "\n * ", "\n# ", "\n> "] {
            let (first, second) = body.split_at(32);
            assert!(pem_body(format!("{comment}{first}{comment}{second}{comment}").as_bytes()), "{comment:?}");
        }
        for none in [
            "",
            "\n...\n",
            "\n-----END PRIVATE KEY-----",
            "\n<your key>\n",
            "\") {",
            "\"))throw TypeError('\"pkcs8\" must be PKCS#8 formatted string');let b=e.replace(/a/g,\"\")",
            "\"), line_ending),\n        map_res(take_until(\"-----END RSA PRIVATE KEY-----\"), decode)",
            "this is not a private key-----END PRIVATE KEY-----",
            "\\nXXXX\\nXXXX\\n-----END PRIVATE KEY-----",
            "\"\n// click-0.3.3: r\"-----END PRIVATE KEY-----\"\nconsumeClickOneTwoThree",
            "\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC...\n",
            "\n: : : : : : :",
        ] {
            assert!(!pem_body(none.as_bytes()), "{none:?}");
        }
        assert!(!pem_body(&b":".repeat(1 << 20)) && !pem_body(&b"a:".repeat(1 << 20)));
    }

    #[test]
    fn grafanas_checksum_has_the_low_byte_first() {
        // Computed with zlib: `crc32(b"glsa_…").to_bytes(4, "little").hex()`.
        let token = ["gls", "a_Zq3vT8kW5nB2xC9mD6fG1hJ4lP7rS0uY_", "2148fc5a"].concat();
        assert!(crc_hex(token.as_bytes()));
        assert!(!crc_hex(["gls", "a_Zq3vT8kW5nB2xC9mD6fG1hJ4lP7rS0uY_", "5afc4821"].concat().as_bytes()));
    }

    #[test]
    fn a_putty_key_has_private_lines() {
        assert!(putty_body(b"ssh-ed25519\r\nEncryption: none\r\nPublic-Lines: 2\r\nAAAA\r\nPrivate-Lines: 1\r\nAAAA"));
        assert!(!putty_body(b"\", \"-----BEGIN \","));
    }
}
