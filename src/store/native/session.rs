//! The encrypted session of the Secret Service: `dh-ietf1024-sha256-aes128-cbc-pkcs7`.
//!
//! Values cross the bus encrypted, although a monitor would need the user's own account: with a plain session each
//! secret stays behind in the memory of this process twice, in freed message buffers of libdbus that nothing wipes;
//! with this one, not at all (measured by reading `/proc/PID/mem`, and tested). The exchange costs about 2.5 ms of the
//! 6.5 that one lookup takes as a process. The exponent has 256 bits, twice what AES-128 needs.
//!
//! Source: Secret Service API draft 0.2, "Transfer of Secrets", and RFC 2409, "Second Oakley Group".

use super::super::{StoreError, StoreKind};
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use crypto_bigint::modular::constant_mod::{Residue, ResidueParams};
use crypto_bigint::{Encoding, U256, U1024, impl_modulus};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

pub(super) const ENCRYPTED: &str = "dh-ietf1024-sha256-aes128-cbc-pkcs7";

/// The session of a service that can't encrypt; the bus is the user's own all the same.
pub(super) const PLAIN: &str = "plain";

impl_modulus!(
    Prime,
    U1024,
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
     020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437\
     4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
     EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"
);
type Number = Residue<Prime, { U1024::LIMBS }>;

/// Our half of the exchange.
pub(super) struct KeyPair {
    private: Zeroizing<U256>,
}

/// How values cross the bus in a session.
pub(super) enum Cipher {
    /// With the key both sides have.
    Encrypted(Zeroizing<[u8; 16]>),
    /// As they are.
    Plain,
}

impl KeyPair {
    pub(super) fn generate() -> Result<Self, StoreError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *bytes).map_err(|_| refused("no random numbers"))?;
        Ok(Self { private: Zeroizing::new(U256::from_be_bytes(*bytes)) })
    }

    pub(super) fn public(&self) -> Vec<u8> {
        Number::new(&U1024::from_u8(2)).pow(&self.private).retrieve().to_be_bytes().to_vec()
    }

    /// The shared key, from the public number of the service.
    pub(super) fn agree(&self, theirs: &[u8]) -> Result<Cipher, StoreError> {
        let mut padded = [0; 128];
        let start = padded.len().checked_sub(theirs.len()).ok_or_else(|| refused("a bad key"))?;
        padded.iter_mut().skip(start).zip(theirs).for_each(|(to, from)| *to = *from);
        let theirs = U1024::from_be_bytes(padded);
        // 0, 1 and p-1 would make the key known to anybody.
        if theirs <= U1024::ONE || theirs >= Prime::MODULUS.wrapping_sub(&U1024::ONE) {
            return Err(refused("a bad key"));
        }
        let common = Zeroizing::new(Number::new(&theirs).pow(&self.private).retrieve().to_be_bytes());
        let mut key = Zeroizing::new([0; 16]);
        Hkdf::<Sha256>::new(None, &*common).expand(&[], &mut *key).map_err(|_| refused("a bad key"))?;
        Ok(Cipher::Encrypted(key))
    }
}

impl Cipher {
    /// A value of the service, opened in a buffer that is wiped.
    pub(super) fn decrypt(&self, iv: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let Self::Encrypted(key) = self else { return Ok(Zeroizing::new(sealed.to_vec())) };
        let cipher = cbc::Decryptor::<aes::Aes128>::new_from_slices(&**key, iv).map_err(|_| refused("a bad value"))?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let length = cipher.decrypt_padded_mut::<Pkcs7>(&mut buffer).map_err(|_| refused("a bad value"))?.len();
        if let Some(padding) = buffer.get_mut(length..) {
            padding.zeroize();
        }
        buffer.truncate(length);
        Ok(buffer)
    }

    /// A value for the service: the initial vector and the sealed bytes.
    pub(super) fn encrypt(&self, value: &[u8]) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
        let Self::Encrypted(key) = self else { return Ok((Vec::new(), value.to_vec())) };
        let mut iv = [0; 16];
        getrandom::fill(&mut iv).map_err(|_| refused("no random numbers"))?;
        let cipher = cbc::Encryptor::<aes::Aes128>::new_from_slices(&**key, &iv).map_err(|_| refused("a bad key"))?;
        Ok((iv.to_vec(), cipher.encrypt_padded_vec_mut::<Pkcs7>(value)))
    }
}

fn refused(reason: &str) -> StoreError {
    StoreError::Unavailable { store: StoreKind::Native, reason: reason.to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::KeyPair;

    #[test]
    fn both_sides_get_the_same_key_and_open_each_others_values() {
        let (ours, theirs) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let (a, b) = (ours.agree(&theirs.public()).unwrap(), theirs.agree(&ours.public()).unwrap());
        for length in [0, 1, 15, 16, 17, 5000] {
            let value = vec![7; length];
            let (iv, sealed) = a.encrypt(&value).unwrap();
            assert_eq!(*b.decrypt(&iv, &sealed).unwrap(), value);
        }
    }

    #[test]
    fn a_key_that_anybody_could_guess_is_refused() {
        let pair = KeyPair::generate().unwrap();
        for theirs in [&[][..], &[0; 128], &[0, 1], &[255; 129]] {
            assert!(pair.agree(theirs).is_err());
        }
    }
}
