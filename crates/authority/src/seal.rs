//! The server's own secrets at rest: AES-256-GCM under a master key that lives outside the database.
//! Nothing here is ever printed.

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::rng::Rng;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the master key file {path} cannot be used: {why}")]
    MasterKeyFile { path: String, why: String },
    #[error("{0} does not open with this master key: it belongs to another server, or was changed")]
    WrongKey(String),
}

/// The key-encryption key: 32 bytes, kept as 64 hexadecimal digits in a file of mode 0600.
pub struct MasterKey(LessSafeKey);

impl MasterKey {
    fn new(bytes: &[u8; 32]) -> Self {
        Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).expect("32 bytes make an AES-256 key")))
    }

    /// Reads the key, or makes the file (0600) when there is none and `create` says so.
    pub fn load(path: &Path, create: bool, rng: Rng) -> Result<Self, Error> {
        let fail = |why: String| Error::MasterKeyFile { path: path.display().to_string(), why };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let text = Zeroizing::new(text);
                let bytes = from_hex(text.trim()).ok_or_else(|| fail("want 64 hexadecimal digits".to_owned()))?;
                Ok(Self::new(&bytes))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && create => {
                let bytes = rng.secret_bytes();
                let text = Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
                write_private(path, &text).map_err(|error| fail(error.to_string()))?;
                Ok(Self::new(&bytes))
            }
            Err(error) => Err(fail(error.to_string())),
        }
    }

    /// A key that exists only in memory, for tests.
    pub fn ephemeral(rng: Rng) -> Self {
        Self::new(&rng.secret_bytes())
    }

    /// Seals under a fresh nonce; `about` (id, type, environment, version) is authenticated with it.
    pub fn seal(&self, plaintext: &[u8], about: &str, rng: Rng) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = rng.bytes();
        let mut sealed = plaintext.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(about.as_bytes()), &mut sealed)
            .expect("AES-GCM seals any short text");
        [&nonce[..], &sealed].concat()
    }

    /// Opens what [`MasterKey::seal`] made for the same `about`.
    pub fn open(&self, sealed: &[u8], about: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let wrong = || Error::WrongKey(about.to_owned());
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or_else(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut text = Zeroizing::new(text.to_vec());
        let length = self.0.open_in_place(nonce, Aad::from(about.as_bytes()), &mut text).map_err(|_| wrong())?.len();
        text.truncate(length);
        Ok(text)
    }
}

/// Writes a new file that only its owner can read, whole or not at all; never over one that exists.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn from_hex(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_only_for_what_it_was_sealed_for() {
        let key = MasterKey::ephemeral(Rng);
        let mut sealed = key.seal(b"pepper", "pepper/live/1", Rng);
        assert_eq!(&key.open(&sealed, "pepper/live/1").expect("opens")[..], b"pepper");
        assert!(key.open(&sealed, "pepper/test/1").is_err());
        assert!(MasterKey::ephemeral(Rng).open(&sealed, "pepper/live/1").is_err());
        *sealed.last_mut().expect("not empty") ^= 1;
        assert!(key.open(&sealed, "pepper/live/1").is_err());
    }
}
