//! The age format itself: text to a sealed file and back. Knows keys and bytes, neither paths nor what the bytes mean.
//!
//! Buffers that hold plain text are allocated in their full size at once, because one that grows leaves copies behind.

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::{DecryptError, Decryptor, EncryptError, Encryptor, Identity, Recipient};
use std::io::{Read, Write};
use zeroize::Zeroizing;

/// How an armored file begins.
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// How any other begins.
const MAGIC: &[u8] = b"age-encryption.org/";

/// Why a sealed file was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unopened {
    /// None of the keys is one that it was sealed to.
    WrongKey,
    /// An age plugin is missing, was refused something, or failed.
    Plugin,
    /// The passphrase is another.
    Passphrase,
    /// The file is not what was written.
    Damaged(&'static str),
}

/// Why a file could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsealed {
    /// An age plugin is missing, was refused something, or failed.
    Plugin,
    /// Two of the recipients can't be combined, or there is no recipient.
    Recipients,
}

/// The content of a sealed file, armored or not.
pub(super) fn open<'k>(
    sealed: &[u8],
    keys: impl Iterator<Item = &'k dyn Identity>,
) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    if sealed.starts_with(ARMOR) {
        return read(Decryptor::new_buffered(ArmoredReader::new(sealed)), sealed.len(), keys);
    }
    read(Decryptor::new_buffered(sealed), sealed.len(), keys)
}

fn read<'k, R: Read>(
    decryptor: Result<Decryptor<R>, DecryptError>,
    room: usize,
    keys: impl Iterator<Item = &'k dyn Identity>,
) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    let decryptor = decryptor.map_err(|_| Unopened::Damaged("it is not an age file"))?;
    let by_passphrase = decryptor.is_scrypt();
    let mut reader = decryptor.decrypt(keys).map_err(|error| match error {
        DecryptError::NoMatchingKeys => Unopened::WrongKey,
        // The file is in memory: what can't be read here is a plugin that died.
        DecryptError::Plugin(_) | DecryptError::PluginResolve(_) | DecryptError::Io(_) => Unopened::Plugin,
        DecryptError::ExcessiveWork { .. } => Unopened::Damaged("checking its passphrase takes too much work"),
        DecryptError::KeyDecryptionFailed => Unopened::Passphrase,
        DecryptError::DecryptionFailed if by_passphrase => Unopened::Passphrase,
        _ => Unopened::Damaged("its header was changed"),
    })?;
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    reader.read_to_end(&mut plain).map_err(|_| Unopened::Damaged("it was cut short or changed"))?;
    Ok(plain)
}

/// Seals to every one of the recipients.
pub(super) fn seal<'r>(plain: &[u8], recipients: impl Iterator<Item = &'r dyn Recipient>) -> Result<Vec<u8>, Unsealed> {
    let encryptor = Encryptor::with_recipients(recipients).map_err(|error| match error {
        EncryptError::Plugin(_) | EncryptError::PluginResolve(_) | EncryptError::Io(_) => Unsealed::Plugin,
        _ => Unsealed::Recipients,
    })?;
    let mut sealed = Vec::with_capacity(plain.len() + plain.len() / 4096 + 1024);
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(|_| Unsealed::Plugin)?;
    writer.write_all(plain).and_then(|()| writer.finish().map(drop)).map_err(|_| Unsealed::Recipients)?;
    Ok(sealed)
}

/// The same bytes as text, for a mail or a terminal.
pub(super) fn armor(sealed: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut writer = ArmoredWriter::wrap_output(Vec::with_capacity(sealed.len() * 3 / 2), Format::AsciiArmor)?;
    writer.write_all(sealed)?;
    writer.finish()
}

/// Whether this is a sealed file at all.
pub(super) fn is_age(bytes: &[u8]) -> bool {
    bytes.starts_with(ARMOR) || bytes.starts_with(MAGIC)
}

/// Whether it was sealed with a passphrase.
pub(super) fn is_by_passphrase(sealed: &[u8]) -> bool {
    if sealed.starts_with(ARMOR) {
        return Decryptor::new_buffered(ArmoredReader::new(sealed)).is_ok_and(|file| file.is_scrypt());
    }
    Decryptor::new_buffered(sealed).is_ok_and(|file| file.is_scrypt())
}
