//! What a key's own digits say about it: checksums and encodings.

use super::rule::Check;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// How much of a header is decoded.
const HEADER: usize = 4096;

/// Whether a match is what its format says. A block of lines was asked for by [`super::block`].
pub(super) fn holds(check: Check, matched: &[u8]) -> bool {
    match check {
        Check::None | Check::Pem | Check::Putty => true,
        Check::Crc32Base62 => crc_base62(matched),
        Check::Crc32Hex => crc_hex(matched),
        Check::Bech32 => bech32(matched),
        Check::JsonHeader => json_header(matched),
        Check::Snowflake => snowflake(matched),
        Check::EncodedPem => encoded_pem(matched),
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

/// Base64 of the first line of a private key.
fn encoded_pem(text: &[u8]) -> bool {
    // The first line has at most 70 characters.
    let whole = text.get(..text.len().min(96) / 4 * 4).unwrap_or_default();
    STANDARD_NO_PAD.decode(whole).is_ok_and(|line| memchr::memmem::find(&line, b"PRIVATE KEY").is_some())
}

fn snowflake(token: &[u8]) -> bool {
    first_part(token).is_some_and(|number| (17..=20).contains(&number.len()) && number.iter().all(u8::is_ascii_digit))
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
    fn grafanas_checksum_has_the_low_byte_first() {
        // Computed with zlib: `crc32(b"glsa_…").to_bytes(4, "little").hex()`.
        let token = ["gls", "a_Zq3vT8kW5nB2xC9mD6fG1hJ4lP7rS0uY_", "2148fc5a"].concat();
        assert!(crc_hex(token.as_bytes()));
        assert!(!crc_hex(["gls", "a_Zq3vT8kW5nB2xC9mD6fG1hJ4lP7rS0uY_", "5afc4821"].concat().as_bytes()));
    }
}
