//! Identities that a passphrase protects: an age file as `age -p` makes it around an identity file, and an ssh key.
//!
//! Opening one takes a second of scrypt, or a tenth of bcrypt; what comes out is the text of a plain identity file.

use super::seal::{self, Unopened};
use age::secrecy::SecretString;
use age::{scrypt, ssh};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ssh_key::{Kdf, LineEnding, PrivateKey};
use zeroize::Zeroizing;

/// The work factor that `age -p` takes, so that both tools make equal files.
const WORK: u8 = 18;

/// Sixteen times that: what somebody may have chosen, a quarter of a minute, and no attack on our time.
const MOST_WORK: u8 = 22;

/// More rounds than anybody waits for: `ssh-keygen` takes 16 to 24.
const MOST_ROUNDS: u32 = 4096;

/// An identity file that a passphrase opens.
pub(super) enum Protected {
    Age(Zeroizing<Vec<u8>>),
    Ssh(Zeroizing<Vec<u8>>),
}

impl Protected {
    /// What the file needs a passphrase for; `None` if it is open.
    pub(super) fn find(bytes: &[u8]) -> Result<Option<Self>, &'static str> {
        if seal::is_age(bytes) {
            return if seal::is_by_passphrase(bytes) {
                Ok(Some(Self::Age(Zeroizing::new(bytes.to_vec()))))
            } else {
                Err("it is an age file that is not encrypted with a passphrase")
            };
        }
        if !is_ssh(bytes) {
            return Ok(None);
        }
        match ssh::Identity::from_buffer(bytes, None) {
            Ok(ssh::Identity::Encrypted(_)) => Ok(Some(Self::Ssh(Zeroizing::new(bytes.to_vec())))),
            _ => Ok(None),
        }
    }

    /// The open identity file inside.
    pub(super) fn open(&self, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        match self {
            Self::Age(sealed) => {
                let mut key = scrypt::Identity::new(SecretString::from(passphrase));
                key.set_max_work_factor(MOST_WORK);
                seal::open(sealed, std::iter::once(&key as &dyn age::Identity))
            }
            Self::Ssh(key) => open_ssh(key, passphrase),
        }
    }
}

/// An ssh key with a passphrase → the file that `ssh-keygen -p` makes of it with an empty one. age decrypts such keys
/// too, and keeps what it gets to itself; `unlock` needs the open file, because the derivation takes its time at each
/// use.
fn open_ssh(pem: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Unopened> {
    // age reads lines of any length, `PrivateKey::from_openssh` only those of `ssh-keygen`.
    let text = std::str::from_utf8(pem).map_err(|_| CHANGED)?;
    let body: String = text.lines().skip(1).take_while(|line| !line.starts_with('-')).collect();
    let sealed = BASE64_STANDARD.decode(body).map_err(|_| CHANGED)?;
    let sealed = PrivateKey::from_bytes(&sealed).map_err(|_| CHANGED)?;
    if matches!(sealed.kdf(), Kdf::Bcrypt { rounds, .. } if *rounds > MOST_ROUNDS) {
        return Err(Unopened::Damaged("checking its passphrase takes too much work"));
    }
    let open = sealed.decrypt(passphrase).map_err(|error| match error {
        // Two equal numbers, or a checksum, tell the right passphrase.
        ssh_key::Error::Crypto => Unopened::Passphrase,
        ssh_key::Error::Encoding(_) => Unopened::Damaged(
            "its ssh key was changed, or has a comment that is not UTF-8: `ssh-keygen -c` writes another",
        ),
        _ => CHANGED,
    })?;
    let mut text = open.to_openssh(LineEnding::LF).map_err(|_| CHANGED)?;
    Ok(Zeroizing::new(std::mem::take(&mut *text).into_bytes()))
}

const CHANGED: Unopened = Unopened::Damaged("its ssh key was cut short or changed");

/// Protects an identity file, as `age -p -a` does.
pub(super) fn protect(identity: &[u8], passphrase: &str) -> Result<Vec<u8>, seal::Unsealed> {
    let mut recipient = scrypt::Recipient::new(SecretString::from(passphrase));
    recipient.set_work_factor(WORK);
    let sealed = seal::seal(identity, std::iter::once(&recipient as &dyn age::Recipient))?;
    seal::armor(&sealed).map_err(|_| seal::Unsealed::Recipients)
}

/// Whether this is an ssh key.
pub(super) fn is_ssh(bytes: &[u8]) -> bool {
    bytes.starts_with(b"-----BEGIN") && !seal::is_age(bytes)
}
