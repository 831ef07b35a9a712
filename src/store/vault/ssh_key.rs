//! An ssh key with a passphrase → the file that `ssh-keygen -p` makes of it with an empty one.
//!
//! The format is OpenSSH's PROTOCOL.key. age decrypts such keys too, and keeps what it gets to itself; `unlock` needs
//! the open file, because the derivation takes a tenth of a second or more each time.

use super::seal::Unopened;
use aes::Aes256;
use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"openssh-key-v1\0";
const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----"; // keystencil: allow
const END: &str = "-----END OPENSSH PRIVATE KEY-----";

/// More rounds than anybody waits for: `ssh-keygen` takes 16 to 24.
const MOST_ROUNDS: u32 = 4096;

/// Opens the key.
pub(super) fn open(pem: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    let sealed = decode(pem).ok_or(DAMAGED)?;
    let mut rest = sealed.strip_prefix(MAGIC).ok_or(DAMAGED)?;
    let mut field = || string(&mut rest);
    let (cipher, kdf, options) = (field().ok_or(DAMAGED)?, field().ok_or(DAMAGED)?, field().ok_or(DAMAGED)?);
    if (cipher, kdf) != (b"aes256-ctr", b"bcrypt") {
        return Err(Unopened::Damaged("its ssh key has a rare cipher; `ssh-keygen -p` writes it with the usual one"));
    }
    let (salt, rounds) =
        kdf_options(options).filter(|(_, rounds)| (1..=MOST_ROUNDS).contains(rounds)).ok_or(DAMAGED)?;
    let public = rest.strip_prefix(&1_u32.to_be_bytes()).and_then(|keys| {
        rest = keys;
        string(&mut rest)
    });
    let public = public.ok_or(DAMAGED)?;
    let mut secret = Zeroizing::new(string(&mut rest).ok_or(DAMAGED)?.to_vec());
    let mut derived = Zeroizing::new([0; 48]);
    bcrypt_pbkdf::bcrypt_pbkdf(passphrase, salt, rounds, &mut *derived).map_err(|_| Unopened::Passphrase)?;
    let (key, counter) = derived.split_at(32);
    let mut stream = ctr::Ctr128BE::<Aes256>::new_from_slices(key, counter).map_err(|_| DAMAGED)?;
    stream.apply_keystream(&mut secret);
    // Two equal numbers stand there to tell the right passphrase.
    let mut start = secret.as_slice();
    if number(&mut start).ok_or(DAMAGED)? != number(&mut start).ok_or(DAMAGED)? {
        return Err(Unopened::Passphrase);
    }
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
    plain.extend(MAGIC);
    for field in [b"none" as &[u8], b"none", b""] {
        put(&mut plain, field);
    }
    plain.extend(1_u32.to_be_bytes());
    put(&mut plain, public);
    put(&mut plain, &secret);
    Ok(encode(&plain))
}

const DAMAGED: Unopened = Unopened::Damaged("its ssh key was cut short or changed");

fn kdf_options(mut options: &[u8]) -> Option<(&[u8], u32)> {
    Some((string(&mut options)?, number(&mut options)?))
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (number, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(u32::from_be_bytes(*number))
}

fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (string, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(string)
}

/// No string here is longer than the file.
fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend(bytes);
}

fn decode(pem: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (_, body) = std::str::from_utf8(pem).ok()?.split_once(BEGIN)?;
    let (body, _) = body.split_once(END)?;
    let mut text = Zeroizing::new(String::with_capacity(body.len()));
    text.extend(body.split_whitespace());
    BASE64_STANDARD.decode(text.as_bytes()).ok().map(Zeroizing::new)
}

fn encode(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let text = Zeroizing::new(BASE64_STANDARD.encode(bytes));
    let mut pem = Zeroizing::new(Vec::with_capacity(text.len() + text.len() / 64 + 128));
    pem.extend(BEGIN.as_bytes());
    for line in text.as_bytes().chunks(64) {
        pem.push(b'\n');
        pem.extend(line);
    }
    pem.extend(format!("\n{END}\n").as_bytes());
    pem
}
