//! The search for what must not be there: a secret in any form it could have taken, in any file.
//!
//! A form is what a program makes of a string when it writes it down: as it is, inside JSON (once, twice, ASCII only),
//! in base64 (at each of the three alignments, in both alphabets), in a URL. Compressed or encrypted copies are not
//! found. `lint/own.rs` knows nearly the same forms; the list here is written apart, so that a form forgotten there is
//! found here.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::poll;

/// What JavaScript's `encodeURIComponent` leaves alone.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// No file that a client writes in a test is that big; anything bigger is listed as unsearched.
const MOST: u64 = 256 << 20;

/// One place where a secret was found.
pub(crate) struct Found {
    path: PathBuf,
    offset: usize,
    form: &'static str,
}

impl fmt::Display for Found {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}:{} ({})", self.path.display(), self.offset, self.form)
    }
}

/// Every form of the secret, named.
pub(crate) fn forms(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let json = |text: &str| {
        let quoted = serde_json::to_string(text).expect("a string is JSON");
        quoted[1..quoted.len() - 1].to_owned()
    };
    let once = json(secret);
    let ascii: String = once
        .chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
            }
        })
        .collect();
    let mut forms = vec![
        ("plain", secret.into()),
        ("JSON", once.clone().into()),
        ("JSON, slashes escaped", once.replace('/', "\\/").into()),
        ("JSON, ASCII only", ascii.into()),
        ("JSON in JSON", json(&once).into()),
        ("UTF-16", secret.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ];
    for shift in 0..3 {
        let shifted = [vec![0; shift], secret.into()].concat();
        for (name, engine) in [("base64", STANDARD_NO_PAD), ("base64, URL alphabet", URL_SAFE_NO_PAD)] {
            // A digit that also carries bits of a neighbour says nothing about the secret alone.
            let digits = engine.encode(&shifted);
            let own = (shift * 8).div_ceil(6)..shifted.len() * 8 / 6;
            forms.push((name, digits[own].into()));
        }
    }
    for set in [NON_ALPHANUMERIC, COMPONENT] {
        let upper = utf8_percent_encode(secret, set).to_string();
        let lower = upper.split('%').enumerate().map(|(index, part)| {
            if index == 0 { part.to_owned() } else { format!("%{}{}", part[..2].to_lowercase(), &part[2..]) }
        });
        forms.push(("URL", lower.collect::<String>().into()));
        forms.push(("URL", upper.into()));
    }
    forms
}

/// Where the secret is in these bytes: offset and form.
pub(crate) fn in_bytes(bytes: &[u8], secret: &str) -> Vec<(usize, &'static str)> {
    let mut found: Vec<(usize, &'static str)> = forms(secret)
        .iter()
        .flat_map(|(name, form)| {
            memchr::memmem::find_iter(bytes, form).map(|offset| (offset, *name)).collect::<Vec<_>>()
        })
        .collect();
    found.sort_unstable();
    found.dedup_by_key(|(offset, _)| *offset);
    found
}

/// Every place under these folders where one of the secrets is, in a file or in a name.
pub(crate) fn find(roots: &[PathBuf], secrets: &[&str]) -> Vec<Found> {
    find_since(0, roots, secrets)
}

/// The same, in files that have changed at or after `since` (seconds of the epoch, by the kernel's change time).
fn find_since(since: i64, roots: &[PathBuf], secrets: &[&str]) -> Vec<Found> {
    let mut found = Vec::new();
    for root in roots {
        walk(root, since, &mut |path, bytes| {
            for secret in secrets {
                found.extend(in_bytes(bytes, secret).into_iter().map(|(offset, form)| Found {
                    path: path.into(),
                    offset,
                    form,
                }));
                if !in_bytes(path.as_os_str().as_encoded_bytes(), secret).is_empty() {
                    found.push(Found { path: path.into(), offset: 0, form: "in the name" });
                }
            }
        });
    }
    found
}

/// Waits until nothing is found any more; what is still there when the time is over fails the test, place by place.
/// Files that have not changed since `since` are older than the secret.
pub(crate) fn gone_within(limit: Duration, since: i64, roots: &[PathBuf], secrets: &[&str]) {
    if !poll::comes_true(limit, || find_since(since, roots, secrets).is_empty()) {
        let list: String = find_since(since, roots, secrets).iter().map(|found| format!("\n  {found}")).collect();
        panic!("a secret is still there {limit:?} after the end:{list}");
    }
}

/// The entries of the system's temporary folders that a client or keystencil made for themselves.
pub(crate) fn shared_temporary_folders() -> Vec<PathBuf> {
    ["/tmp", "/var/tmp", "/dev/shm"]
        .into_iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name().is_some_and(|name| {
                ["claude", "keystencil", "cc-daemon"].iter().any(|word| name.to_string_lossy().contains(word))
            })
        })
        .collect()
}

/// Every regular file under `path`; links are not followed. A file that vanishes meanwhile is not there.
fn walk(path: &Path, since: i64, see: &mut impl FnMut(&Path, &[u8])) {
    let Ok(meta) = std::fs::symlink_metadata(path) else { return };
    if meta.is_dir() {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            walk(&entry.path(), since, see);
        }
    } else if meta.is_file() && meta.ctime() >= since {
        assert!(meta.len() <= MOST, "{} is too big to search", path.display());
        if let Ok(bytes) = std::fs::read(path) {
            see(path, &bytes);
        }
    }
}

#[test]
fn the_search_finds_a_secret_in_every_form_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "kst-0a1b/\"q\"\\é+=~z";
    for (number, (name, form)) in forms(secret).into_iter().enumerate() {
        let file = folder.path().join(number.to_string());
        std::fs::write(&file, [b"12345".as_slice(), &form, b"67890"].concat()).unwrap();
        let found = find(std::slice::from_ref(&file), &[secret]);
        assert!(found.iter().any(|found| found.offset == 5), "{name} is not found at its place");
        std::fs::remove_file(&file).unwrap();
    }
    let base64 = folder.path().join("inside longer base64");
    for before in ["", "a", "ab"] {
        std::fs::write(&base64, STANDARD_NO_PAD.encode(format!("{before}{secret}and more"))).unwrap();
        assert!(!find(&[folder.path().into()], &[secret]).is_empty(), "not found {} bytes into base64", before.len());
    }
    std::fs::write(&base64, "kst-0a1b and not the rest").unwrap();
    assert!(find(&[folder.path().into()], &[secret]).is_empty());
}
