//! Identities that a passphrase protects: an age file as `age -p` makes it around an identity file, and an ssh key.
//!
//! Opening one takes a second of scrypt, or a tenth of bcrypt; what comes out is the text of a plain identity file.

use super::seal::{self, Unopened};
use super::ssh_key;
use age::secrecy::SecretString;
use age::{scrypt, ssh};
use zeroize::Zeroizing;

/// The work factor that `age -p` takes, so that both tools make equal files.
const WORK: u8 = 18;

/// Sixteen times that: what somebody may have chosen, a quarter of a minute, and no attack on our time.
const MOST_WORK: u8 = 22;

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
                Err("it is an age file, and no passphrase opens it")
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
            Self::Ssh(key) => ssh_key::open(key, passphrase),
        }
    }
}

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
