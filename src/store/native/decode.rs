//! Values as other programs store them in the Keychain and the Credential Manager.
//!
//! Bytes that can't be decoded are wiped and never reported.

#[cfg(any(target_os = "macos", test))]
use zeroize::Zeroize;
use zeroize::Zeroizing;

/// A value of another program's in a Secret Service. go-keyring wraps none there, but one that was copied from a
/// Keychain has the prefix still; what is after it and can't be decoded is a value like any other.
#[cfg(not(any(target_os = "macos", windows)))]
pub(super) fn unwrapped(value: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let end = |rest: &[u8]| rest.trim_ascii_end().to_vec();
    let bytes = if let Some(rest) = value.strip_prefix(b"go-keyring-base64:") {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.decode(Zeroizing::new(end(rest))).ok()?
    } else {
        hex::decode(Zeroizing::new(end(value.strip_prefix(b"go-keyring-encoded:")?))).ok()?
    };
    Some(Zeroizing::new(bytes)).filter(|bytes| !bytes.is_empty() && std::str::from_utf8(bytes).is_ok())
}

/// A Keychain value. go-keyring stores base64 or hex after a prefix, to get around what `security` can't take; it reads
/// them without the space around. What is after a prefix and is neither is not a value.
#[cfg(any(target_os = "macos", test))]
pub(super) fn keychain(value: Vec<u8>) -> Option<String> {
    use base64::Engine;
    let value = Zeroizing::new(text(value)?);
    if let Some(rest) = value.strip_prefix("go-keyring-base64:") {
        return text(base64::engine::general_purpose::STANDARD.decode(rest.trim_ascii_end()).ok()?);
    }
    if let Some(rest) = value.strip_prefix("go-keyring-encoded:") {
        return text(hex::decode(rest.trim_ascii_end()).ok()?);
    }
    Some(String::clone(&value))
}

/// A Credential Manager value: UTF-16 as Windows programs write it, or UTF-8 as go-keyring does; either may end in a
/// NUL.
///
/// UTF-16 read as UTF-8 is full of control characters (of ASCII every second byte is a NUL, of Cyrillic a 4), which no
/// key has, or is not UTF-8 at all. The store's own `get_password` takes every value of even length for UTF-16.
#[cfg(any(windows, test))]
pub(super) fn credential(value: Vec<u8>) -> Option<String> {
    let value = Zeroizing::new(value);
    let is_text = |text: &&str| !text.contains(|c: char| c.is_control() && !"\t\r\n".contains(c));
    let utf8 = std::str::from_utf8(value.strip_suffix(b"\0").unwrap_or(&value)).ok().filter(is_text);
    if let Some(text) = utf8 {
        return Some(text.to_owned());
    }
    if !value.len().is_multiple_of(2) {
        return None;
    }
    let mut units = Zeroizing::new(Vec::with_capacity(value.len() / 2));
    units.extend(value.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)));
    String::from_utf16(units.strip_suffix(&[0]).unwrap_or(&units)).ok()
}

#[cfg(any(target_os = "macos", test))]
fn text(value: Vec<u8>) -> Option<String> {
    String::from_utf8(value).map_err(|error| error.into_bytes().zeroize()).ok()
}

#[cfg(test)]
mod tests {
    use super::{credential, keychain};

    #[test]
    fn a_value_of_go_keyring_is_unwrapped_on_macos() {
        assert_eq!(keychain(b"plain".to_vec()).as_deref(), Some("plain"));
        assert_eq!(keychain(b"go-keyring-base64:c2stMQ==".to_vec()).as_deref(), Some("sk-1"));
        assert_eq!(keychain(b"go-keyring-encoded:736b2d31".to_vec()).as_deref(), Some("sk-1"));
        assert_eq!(keychain(b"go-keyring-encoded:736B2D310a\n".to_vec()).as_deref(), Some("sk-1\n"));
        assert_eq!(keychain(b"go-keyring-base64:c2stMQ==\n".to_vec()).as_deref(), Some("sk-1"));
        assert_eq!(keychain(b"go-keyring-base64:".to_vec()).as_deref(), Some(""), "which is an empty entry");
        // Only go-keyring's own wrapping is taken off, once, and only at the start.
        assert_eq!(keychain(b" go-keyring-base64:c2stMQ==".to_vec()).as_deref(), Some(" go-keyring-base64:c2stMQ=="));
        assert_eq!(
            keychain(b"go-keyring-encoded:676f2d6b657972696e672d6261736536343a".to_vec()).as_deref(),
            Some("go-keyring-base64:")
        );
    }

    #[test]
    fn a_damaged_value_of_go_keyring_is_no_value() {
        for damaged in
            ["base64:*", "base64:c2stMQ", "base64:c2st MQ==", "base64:/w==", "encoded:736", "encoded:zz", "encoded:ff"]
        {
            assert_eq!(keychain(format!("go-keyring-{damaged}").into_bytes()), None, "{damaged}");
        }
        assert_eq!(keychain(vec![0xff]), None);
    }

    #[test]
    fn utf_16_and_utf_8_are_told_apart_on_windows() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for text in ["", "s", "sk-1", "sk-12", "\u{fc}", "ключ", "密码", "a\tb\r\nc\n", "\u{1f511}", "pa\u{df}wort-1"]
        {
            assert_eq!(credential(text.as_bytes().to_vec()).as_deref(), Some(text), "UTF-8");
            assert_eq!(credential(utf16(text)).as_deref(), Some(text), "UTF-16");
            assert_eq!(credential([text.as_bytes(), &[0]].concat()).as_deref(), Some(text), "UTF-8 and a NUL");
            assert_eq!(credential([utf16(text), vec![0, 0]].concat()).as_deref(), Some(text), "UTF-16 and a NUL");
        }
    }

    #[test]
    fn bytes_that_are_neither_are_no_value() {
        for bytes in [&[0xff][..], &[0, 0xd8], &[b'a', 0, b'b'], &[0xff, 0xfe, 0xfd]] {
            assert_eq!(credential(bytes.to_vec()), None, "{bytes:?}");
        }
    }
}
