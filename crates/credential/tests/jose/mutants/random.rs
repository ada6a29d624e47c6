//! Changes that nobody thought of.

use super::{Mutant, Token, World, encode};

/// One to four small changes of a token's text, or of the bytes in one of its parts.
pub fn mutant(world: &World, random: &mut SplitMix) -> Mutant {
    let token = &world.tokens[random.below(world.tokens.len())];
    if random.below(4) == 0 {
        let text = edited(token.text.as_bytes(), world, |other| other.text.as_bytes(), random);
        return ("random: text edited", String::from_utf8_lossy(&text).into_owned());
    }
    // The signature is left alone as often as not: a changed payload under a right signature is what counts.
    let changed = match random.below(4) {
        0 => token.with(Some(&edited(token.header.as_bytes(), world, |other| other.header.as_bytes(), random)), None, None),
        1 | 2 => token.with(None, Some(&edited(token.payload.as_bytes(), world, |other| other.payload.as_bytes(), random)), None),
        _ => token.with(None, None, Some(&edited(&token.signature, world, |other| &other.signature, random))),
    };
    ("random: part edited", changed)
}

fn edited(bytes: &[u8], world: &World, same_of: impl Fn(&Token) -> &[u8], random: &mut SplitMix) -> Vec<u8> {
    let mut data = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(data.len() + 1);
        let end = at + random.below((data.len() - at).min(24) + 1);
        match random.below(9) {
            0 if at < data.len() => data[at] ^= 1 << random.below(8),
            1 if at < data.len() => data[at] = random.below(256) as u8,
            2 => data.insert(at, b"{}[]\":,.=0e-_ \\\n\0aZ\xFF"[random.below(20)]),
            3 => drop(data.drain(at..end)),
            4 => data.truncate(at),
            5 => drop(data.splice(at..at, data[at..end].to_vec())),
            6 => drop(data.splice(at..at, "\"sub\":\"admin\",".bytes())),
            7 => data.rotate_left(at),
            _ => {
                let other = same_of(&world.tokens[random.below(world.tokens.len())]);
                let from = random.below(other.len() + 1);
                let until = from + random.below(other.len() - from + 1);
                drop(data.splice(at..end, other[from..until].iter().copied()));
            }
        }
    }
    // Nothing at all is one mutant, not thousands.
    if data.is_empty() { encode(random.below(usize::MAX).to_be_bytes()).into_bytes() } else { data }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, good enough to choose mutations.
pub struct SplitMix(pub u64);

impl SplitMix {
    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}
