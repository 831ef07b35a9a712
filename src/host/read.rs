//! Reads a file that somebody else may have put in its place: a template, an include, a config.
//!
//! What is not a regular file is not read: a device never ends, and a FIFO waits for a writer that may never come. What is
//! larger than anybody writes by hand is not read either.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

/// The size of the largest text, in bytes. Arbitrary: far more than anybody writes by hand.
pub const LARGEST: u64 = 16 << 20;

/// The bytes of a regular file of at most [`LARGEST`] bytes. Symlinks are followed.
///
/// # Errors
/// What the system says, [`io::ErrorKind::InvalidInput`] if it is not a regular file, and [`io::ErrorKind::FileTooLarge`].
///
/// ```
/// use keystencil::host::read;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("template.json");
/// std::fs::write(&path, "{}")?;
/// assert_eq!(read::regular(&path)?, b"{}");
/// assert!(read::regular(folder.path()).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn regular(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let too_large = || io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB");
    if about.len() > LARGEST {
        return Err(too_large());
    }
    // Files in /proc have no length, and others grow meanwhile.
    let mut bytes = Vec::with_capacity(usize::try_from(about.len()).unwrap_or_default() + 1);
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(too_large()) } else { Ok(bytes) }
}

/// The same as text.
///
/// # Errors
/// Those of [`regular`], and [`io::ErrorKind::InvalidData`] if it is not UTF-8.
pub fn text(path: &Path) -> io::Result<String> {
    into_text(regular(path)?)
}

/// Bytes as text.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] if they are not UTF-8.
pub fn into_text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Without waiting for the other end of a FIFO.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_or_never_begins_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        rustix::fs::mkfifoat(rustix::fs::CWD, path("fifo"), rustix::fs::Mode::RUSR).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("zero")).unwrap();
        File::create(path("large")).unwrap().set_len(LARGEST + 1).unwrap();
        File::create(path("largest")).unwrap().set_len(LARGEST).unwrap();
        for (name, kind) in [
            ("fifo", io::ErrorKind::InvalidInput),
            ("zero", io::ErrorKind::InvalidInput),
            ("large", io::ErrorKind::FileTooLarge),
            (".", io::ErrorKind::InvalidInput),
            ("none", io::ErrorKind::NotFound),
        ] {
            assert_eq!(regular(&path(name)).unwrap_err().kind(), kind, "{name}");
        }
        assert_eq!(regular(&path("largest")).unwrap().len() as u64, LARGEST);
    }
}
