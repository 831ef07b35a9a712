//! A document and a patch, divided by a NUL: the edited text parses to what `json_patch` makes of the value.
//! Run with `cargo +nightly fuzz run edit`.

#![no_main]

use keystencil::document::{Document, Patch, edit::apply};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = std::str::from_utf8(bytes) else { return };
    let Some((text, patch)) = input.split_once('\0') else { return };
    let Ok(ours) = serde_json::from_str::<Patch>(patch) else { return };
    let Ok(edited) = apply(text, &ours) else { return };
    assert!(Document::parse(edited.as_bytes()).is_ok());
    // Lone surrogates and deep nesting are beyond `Value`; numbers compare as written there, so tests may differ.
    let value = |text: &str| serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')).ok();
    let (Some(mut expected), Some(found)) = (value(text), value(&edited)) else { return };
    let Ok(theirs) = serde_json::from_str::<json_patch::Patch>(patch) else { return };
    if json_patch::patch_unsafe(&mut expected, &theirs).is_ok() {
        assert_eq!(found, expected);
    }
});
