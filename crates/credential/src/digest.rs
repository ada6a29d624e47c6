//! What is stored of a secret: a keyed digest that is useless without the pepper.
//! Nothing here is slow on purpose: against 256 random bits a slow hash buys nothing
//! (OWASP ASVS 6.5.2) and hands strangers a lever for denial of service.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::{Class, CredentialId};

/// The stored form of a secret: 32 bytes. Equality takes the same time wherever they differ.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// A digest as it was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(bytes)
    }

    /// The 32 bytes to store. Compare digests with `==`, not these bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The bytes as four big-endian words, for directories that keep them in atomics.
    pub fn words(&self) -> [u64; 4] {
        let mut words = [0; 4];
        for (word, chunk) in words.iter_mut().zip(self.0.chunks_exact(8)) {
            *word = u64::from_be_bytes(chunk.try_into().expect("chunks of eight"));
        }
        words
    }

    /// The digest whose [`words`](Self::words) are these.
    pub fn from_words(words: [u64; 4]) -> Digest {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        Digest(bytes)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Digest) -> bool {
        self.words().ct_eq(&other.words()).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    /// Redacted: whoever can write rows must not find digests in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest([redacted])")
    }
}

/// The server's secret half of every digest: whoever writes the database cannot forge a row
/// without it. Prepared once, wiped when dropped, shared freely between threads.
pub struct Pepper(Hmac<Sha256>);

impl Pepper {
    /// Prepares HMAC-SHA256 (RFC 2104) with a key of 256 random bits.
    pub fn new(key: &[u8; 32]) -> Pepper {
        Pepper(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    /// HMAC-SHA256 of `"<class>/v1" ‖ environment ‖ id_text ‖ secret`, without allocating.
    ///
    /// `environment` is the 16 bytes of its UUID and `id_text` the 17 characters of the
    /// [`CredentialId`]: every part but the last has a fixed width, so no two inputs run together.
    /// `secret` is [`Parsed::secret`](crate::Parsed::secret), without the checksum.
    pub fn digest(&self, class: Class, environment: &[u8; 16], id_text: &str, secret: &str) -> Digest {
        debug_assert_eq!(id_text.len(), CredentialId::TEXT_LEN, "an id has a fixed width");
        let mut mac = self.0.clone();
        mac.update(class.as_str().as_bytes());
        mac.update(b"/v1");
        mac.update(environment);
        mac.update(id_text.as_bytes());
        mac.update(secret.as_bytes());
        Digest(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper([redacted])")
    }
}

/// Plain SHA-256 of a secret that another system issued, for imported credentials.
///
/// Unkeyed because that is what other systems can export; keep such rows labelled, and import
/// only secrets of at least 128 random bits, since a short one can be guessed from its digest.
///
/// ```
/// let digest = claviger_credential::foreign_digest("abc");
/// assert_eq!(digest.as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf]);
/// ```
pub fn foreign_digest(secret: &str) -> Digest {
    Digest(Sha256::digest(secret.as_bytes()).into())
}
