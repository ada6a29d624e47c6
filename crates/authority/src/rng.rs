//! Randomness as a value that is handed in. The only place that asks the operating system for it.

use zeroize::Zeroizing;

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rng;

impl Rng {
    /// Fills an array with random bytes.
    #[allow(clippy::disallowed_methods, reason = "the one door through which randomness enters")]
    pub fn bytes<const N: usize>(self) -> [u8; N] {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).expect("the operating system has no randomness: nothing may go on");
        bytes
    }

    /// Random bytes of a secret, wiped when dropped.
    pub fn secret_bytes(self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.bytes())
    }
}
