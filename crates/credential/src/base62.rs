//! Fixed-width, big-endian base62 over `0-9A-Za-z`, whose byte order is also its numeric order.
//! It never allocates and never accepts two spellings of one number.

use zeroize::{Zeroize, Zeroizing};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const INVALID: u8 = 0xFF;

static VALUE: [u8; 256] = {
    let mut table = [INVALID; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        table[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

/// The most digits whose value always fits a `u64`.
pub(crate) const CHUNK: usize = 10;
/// 62^10: what one chunk is worth to the digits on its left.
pub(crate) const CHUNK_BASE: u64 = 62u64.pow(CHUNK as u32);

/// Fills `out` with the digits of `value`; digits that do not fit are lost, so callers choose a
/// width that holds them.
pub(crate) fn encode(mut value: u64, out: &mut [u8]) {
    for digit in out.iter_mut().rev() {
        *digit = ALPHABET[(value % 62) as usize];
        value /= 62;
    }
    debug_assert_eq!(value, 0, "the width holds the value");
}

/// The value of up to [`CHUNK`] digits; `None` when a byte is not a digit.
pub(crate) fn decode(digits: &[u8]) -> Option<u64> {
    debug_assert!(digits.len() <= CHUNK);
    let mut value = 0;
    let mut seen = 0;
    for &byte in digits {
        let digit = VALUE[usize::from(byte)];
        seen |= digit;
        value = value * 62 + u64::from(digit & 63);
    }
    // Valid digits are below 64, so the top bit survives only from INVALID.
    (seen & 0x80 == 0).then_some(value)
}

/// 256 bits as 43 digits (62^43 is a little more than 2^256).
pub(crate) fn encode_256(bytes: &[u8; 32]) -> Zeroizing<[u8; 43]> {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = u64::from_be_bytes(chunk.try_into().expect("chunks of eight"));
    }
    let mut digits = Zeroizing::new([0; 43]);
    for chunk in digits.rchunks_mut(CHUNK) {
        let mut remainder = 0u128;
        for limb in &mut limbs {
            let dividend = remainder << 64 | u128::from(*limb);
            *limb = (dividend / u128::from(CHUNK_BASE)) as u64;
            remainder = dividend % u128::from(CHUNK_BASE);
        }
        encode(remainder as u64, chunk);
    }
    limbs.zeroize();
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_outside_the_alphabet_is_refused() {
        for byte in 0..=255u8 {
            assert_eq!(decode(&[b'1', byte]).is_some(), byte.is_ascii_alphanumeric());
        }
    }

    #[test]
    fn the_ends_of_the_range_fit_their_width() {
        let mut digits = [0; CHUNK];
        encode(CHUNK_BASE - 1, &mut digits);
        assert_eq!(&digits, b"zzzzzzzzzz");
        assert_eq!(decode(&digits), Some(CHUNK_BASE - 1));
        assert_eq!(*encode_256(&[0; 32]), [b'0'; 43]);
        // python3: 2**256 - 1 in base62
        assert_eq!(&*encode_256(&[0xFF; 32]), b"yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
    }
}
