//! Values as other programs store them in the Keychain and the Credential Manager.
//!
//! Bytes that can't be decoded are wiped and never reported.

use zeroize::{Zeroize, Zeroizing};

/// A Keychain value. go-keyring stores base64 or hex behind a prefix, to get around what `security` can't take.
#[cfg(any(target_os = "macos", test))]
pub(super) fn keychain(value: Vec<u8>) -> Option<String> {
    use base64::Engine;
    let value = Zeroizing::new(text(value)?);
    if let Some(rest) = value.strip_prefix("go-keyring-base64:") {
        return text(base64::engine::general_purpose::STANDARD.decode(rest).ok()?);
    }
    if let Some(rest) = value.strip_prefix("go-keyring-encoded:") {
        return text(hex::decode(rest).ok()?);
    }
    Some(String::clone(&value))
}

/// A Credential Manager value: UTF-16 as Windows programs write it, or UTF-8 as go-keyring does.
///
/// ASCII as UTF-16 has a zero byte for every character, which no key as UTF-8 has; `get_password` of the store returns
/// mojibake for UTF-8 of even length, so it is not used.
#[cfg(any(windows, test))]
pub(super) fn credential(value: Vec<u8>) -> Option<String> {
    if value.len().is_multiple_of(2) && (value.contains(&0) || std::str::from_utf8(&value).is_err()) {
        let value = Zeroizing::new(value);
        let units: Zeroizing<Vec<u16>> = Zeroizing::new(
            value.chunks_exact(2).filter_map(|c| Some(u16::from_le_bytes(c.try_into().ok()?))).collect(),
        );
        return String::from_utf16(&units).ok();
    }
    text(value)
}

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
        assert_eq!(keychain(b"go-keyring-base64:*".to_vec()), None);
        assert_eq!(keychain(vec![0xff]), None);
    }

    #[test]
    fn utf_16_and_utf_8_are_told_apart_on_windows() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for text in ["sk-1", "sk-12", "\u{fc}", "ключ"] {
            assert_eq!(credential(text.as_bytes().to_vec()).as_deref(), Some(text));
        }
        for text in ["sk-1", "sk-12", "pa\u{df}wort-1"] {
            assert_eq!(credential(utf16(text)).as_deref(), Some(text));
        }
        assert_eq!(credential(vec![0xff]), None);
    }
}
