//! The questions that import asks about a text: is it a key of a known format, is it random, does its name say it is
//! secret, is it a value at all.

pub(super) use crate::scan::is_random;
pub(super) use crate::scan::names::{is_secret_name, is_secret_parameter};

use crate::journal::escape::unescape;
use crate::scan;
use base64::Engine as _;
use std::ops::Range;
use zeroize::Zeroizing;

/// Shorter words of base64 hold no key.
const ENCODED: usize = 24;
/// So often a text is decoded.
const LAYERS: usize = 4;

/// A key of a known format inside a text.
pub(super) struct Known {
    pub(super) range: Range<usize>,
    /// The provider, as a secret would be named.
    pub(super) provider: String,
    /// What the provider calls such a key.
    pub(super) name: String,
}

/// The keys of known formats in a text, in order. Some formats are told by the name as well, where there is one.
pub(super) fn known(text: &str, name: &str) -> Vec<Known> {
    let mut said = Zeroizing::new(String::with_capacity(name.len() + 1 + text.len()));
    if !name.is_empty() {
        said.push_str(name);
        said.push('=');
    }
    let before = said.len();
    said.push_str(text);
    // Of a block that is cut off all that follows may be part.
    let end = |hit: &scan::Hit| if hit.is_cut { said.len() } else { hit.range.end };
    let known = |hit: scan::Hit| {
        let range = hit.range.start.checked_sub(before)?..end(&hit).checked_sub(before)?;
        Some(Known { range, provider: hit.rule.name.to_owned(), name: hit.rule.id.replace('-', " ") })
    };
    let mut all: Vec<Known> = scan::find(said.as_bytes()).into_iter().filter_map(known).collect();
    let mut until = 0;
    all.retain(|known| {
        let is_free = known.range.start >= until;
        until = until.max(known.range.end);
        is_free
    });
    all
}

/// Whether a key can be seen in what a text means: after escapes of JSON, percent signs, base64.
pub(super) fn hides_key(text: &str) -> bool {
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    let is_base64 = |char: char| char.is_ascii_alphanumeric() || "+/-_".contains(char);
    let decoded = |word: &str| {
        let word = Zeroizing::new(word.replace('-', "+").replace('_', "/"));
        engine.decode(word.as_bytes()).ok().map(Zeroizing::new)
    };
    let words = text.split(|char| !is_base64(char)).filter(|word| word.len() >= ENCODED);
    if words.filter_map(decoded).any(|text| !scan::suspects(&text).is_empty()) {
        return true;
    }
    let mut layers: Vec<Zeroizing<Vec<u8>>> = Vec::new();
    if text.contains('%') {
        layers.push(Zeroizing::new(percent_encoding::percent_decode_str(text).collect()));
    }
    let mut layer = Zeroizing::new(text.as_bytes().to_vec());
    while layer.contains(&b'\\') && layers.len() < LAYERS {
        layer = Zeroizing::new(unescape(&layer));
        layers.push(layer.clone());
    }
    layers.iter().any(|layer| !scan::suspects(layer).is_empty())
}

/// Whether a name says that its value is an identifier for everybody to see.
pub(super) fn is_public_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "id", "hash", "sha", "digest", "commit", "version", "checksum", "uuid", "revision", "model", "image", "path",
        "url", "uri", "name", "file", "dir",
    ]
    .iter()
    .any(|word| name.ends_with(word))
}

/// Whether a text stands for a value that is elsewhere, or for none: `${TOKEN}`, `<your key>`, `your-api-key`.
pub(super) fn is_reference(text: &str) -> bool {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    text.contains("${")
        || text.contains("{{")
        || (text.starts_with('$')
            && text.len() > 1
            && text.chars().skip(1).all(|c| c.is_ascii_alphanumeric() || c == '_'))
        || (text.starts_with('<') && text.ends_with('>'))
        || (text.starts_with('%') && text.ends_with('%') && text.len() > 2)
        || text.starts_with("op://")
        || ["your-", "your_", "insert-", "insert_", "replace-", "replace_"].iter().any(|start| lower.starts_with(start))
        || (!text.is_empty() && text.chars().all(|c| "xX*.-_•".contains(c)))
}

/// Whether a text under a telling name may be a secret: no switch, no path, no address. Where the name may mean another
/// thing (`"key": "ctrl+k"`), the text has to look made up.
pub(super) fn is_value(text: &str, name: &str, weak: bool) -> bool {
    let lower = text.trim().to_ascii_lowercase();
    if ["", "true", "false", "null", "none", "yes", "no", "on", "off", "undefined", "auto", "default"]
        .contains(&lower.as_str())
    {
        return false;
    }
    if is_path(text) || is_address(text) {
        return false;
    }
    let folded: String = name.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number && folded.contains("token") && text.len() < 12 {
        return false;
    }
    let strong = ["password", "passwd", "passphrase", "pwd", "secret"].iter().any(|word| folded.contains(word));
    !weak || strong || looks_made_up(text)
}

/// Whether a text looks drawn by a machine.
pub(super) fn looks_made_up(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.split(|char: char| !(char.is_ascii_alphanumeric() || "+/_-".contains(char))).any(is_random)
        || is_random(text)
        || !known(text, "").is_empty()
        || (text.len() >= 12 && digits >= 2 && !text.contains(char::is_whitespace))
}

/// Whether a text is one word, as keys are.
pub(super) fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/_-=~".contains(&byte)) && !is_path(text)
}

fn is_path(text: &str) -> bool {
    let starts = ["/", "~/", "./", "../"].iter().any(|start| text.starts_with(start));
    let drive = text.as_bytes().get(1..3).is_some_and(|bytes| bytes == b":\\" || bytes == b":/");
    let plain = text.chars().all(|c| c.is_alphanumeric() || "/\\._-~ @:".contains(c));
    let steps = text.split(['/', '\\']).filter(|step| !step.is_empty());
    drive || (starts && plain && text.len() > 2 && !steps.clone().any(|step| step.len() >= 20 && is_random(step)))
}

/// Whether all of a text is an address.
fn is_address(text: &str) -> bool {
    let is_scheme = |scheme: &str| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-:".contains(&byte));
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| !scheme.is_empty() && is_scheme(scheme)) && !text.contains(char::is_whitespace)
}
