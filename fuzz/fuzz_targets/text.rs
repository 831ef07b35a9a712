//! Any bytes: accepted exactly when `serde_json` accepts them, and then every reading holds together.
//! Run with `cargo +nightly fuzz run text`.

#![no_main]

use keystencil::document::Document;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|bytes: &[u8]| {
    let json = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let accepted = std::str::from_utf8(json).is_ok_and(|text| serde_json::from_str::<&RawValue>(text).is_ok());
    match Document::parse(bytes) {
        Ok(document) => {
            assert!(accepted);
            assert!(document.root().same_value(&document.root()));
            document.strings(|token| {
                let pointer = token.pointer();
                if !token.is_key
                    && let Some(found) = document.find(&pointer)
                {
                    // An earlier duplicate leads to the last one; a lone surrogate may lead elsewhere.
                    assert!(!found.span().is_empty());
                }
            });
        }
        Err(error) => {
            assert!(!accepted);
            assert!(error.offset <= bytes.len() && error.line > 0 && error.column > 0);
        }
    }
});
