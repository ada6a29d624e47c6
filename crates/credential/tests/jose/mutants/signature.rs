//! Other signatures under the same header and payload.

use claviger_credential::jose::Algorithm;

use super::{Mutant, Token, World, encode};

/// The order of P-256's base point (SEC 2 section 2.4.2).
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
    0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of Ed25519's base point, little-endian (RFC 8032 section 5.1).
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0x10,
];

pub fn mutants(world: &World, token: &Token) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut add = |kind, signature: &[u8]| mutants.push((kind, token.with(None, None, Some(signature))));
    let own = &token.signature;

    for byte in 0..=255u8 {
        add("signature of fixed bytes", &vec![byte; own.len()]);
    }
    for length in 1..=600 {
        add("signature resized", &vec![0; length]);
        add("signature resized", &vec![0xff; length]);
        let mut resized = own.clone();
        resized.resize(length, 0);
        add("signature resized", &resized);
    }
    for zeros in 1..=4 {
        let zeros = vec![0; zeros];
        add("signature resized", &[&zeros[..], own].concat());
        add("signature resized", &[own, &zeros[..]].concat());
    }

    // CVE-2022-21449 (r = s = 0) and its neighbours, for both curves; for RSA, the numbers beside 0 and the modulus.
    let [one, minus_one] = [add_small(&[0; 32], 1), add_small(&N, -1)];
    let (r, s) = own.split_at(own.len() / 2);
    let numbers = [[0; 32], one, minus_one, N, add_small(&N, 1), [0xff; 32], L, [0x80; 32]];
    for left in numbers.iter().map(|it| &it[..]).chain([r, s]) {
        for right in numbers.iter().map(|it| &it[..]).chain([r, s]).filter(|right| *right != s || left != r) {
            add("signature of special numbers", &[left, right].concat());
        }
    }
    if let Some(n) = world.signer(token).jwk().published()["n"].as_str() {
        let n = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, n).unwrap();
        for small in -2..=2 {
            add("signature of special numbers", &add_small(&n, small));
            let zero = vec![0; n.len()];
            add("signature of special numbers", &add_small(&zero, small));
            add("signature of special numbers", &add_small(own, if small == 0 { 3 } else { small }));
        }
        // s + n is the same number modulo n, where it still fits.
        add("signature of special numbers", &sum(own.iter().rev(), n.iter().rev()).into_iter().rev().collect::<Vec<_>>());
    }
    match world.signer(token).algorithm() {
        Algorithm::Es256 => {
            add("signature malleated", &malleated(own));
            for number in [r, s] {
                // r + n and s + n, which overflow 32 bytes nearly always.
                let above: Vec<u8> = sum(number.iter().rev(), N.iter().rev()).into_iter().rev().collect();
                add("signature malleated", &[&above, s].concat());
                add("signature malleated", &[r, &above].concat());
            }
            let negated_r = malleated(&[s, r].concat());
            add("signature malleated", &[&negated_r[32..], s].concat());
            for der in der_encodings(r, s) {
                add("signature in DER", &der);
            }
        }
        Algorithm::EdDsa => {
            let mut multiple = L.to_vec();
            for _ in 1..=16 {
                // S + kL is the same number modulo L; RFC 8032 section 5.1.7 wants S below L.
                add("signature malleated", &[r, &sum(s.iter(), multiple.iter())].concat());
                multiple = sum(multiple.iter(), L.iter());
            }
            let mut other_sign = own.clone();
            other_sign[31] ^= 0x80;
            add("signature malleated", &other_sign);
        }
        Algorithm::Rs256 | Algorithm::Ps256 => {}
    }
    let mut reversed = own.clone();
    reversed.reverse();
    add("signature of fixed bytes", &reversed);

    for attacker in &world.attackers {
        add("signature of an attacker", &attacker.sign(token.signing_input().as_bytes()));
        add("signature of an attacker", &attacker.sign(token.payload.as_bytes()));
    }
    for other in world.tokens.iter().filter(|other| other.text != token.text) {
        add("signature of another token or algorithm", &other.signature);
    }
    for (at, signer) in world.signers.iter().enumerate() {
        if at != token.signer {
            add("signature of another token or algorithm", &signer.sign(token.signing_input().as_bytes()));
        }
        let [header, payload, signature] = token.parts();
        for message in [
            "",
            ".",
            header,
            payload,
            &format!("{header}."),
            &format!(".{payload}"),
            &format!("{payload}.{header}"),
            &format!("{header}{payload}"),
            &format!("{header}.{payload}."),
            &format!("{header}.{payload}.{signature}"),
            &format!("{header}=.{payload}="),
            &format!("{}.{}", token.header, token.payload),
            &format!("{header}.{}", token.payload),
            &token.header,
            &token.payload,
            &encode(token.signing_input()),
        ] {
            add("signature over something else", &signer.sign(message.as_bytes()));
        }
    }
    mutants
}

/// `(r, n − s)` for `(r, s)`: the other signature of the same message.
pub fn malleated(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    let mut borrow = 0;
    let mut negated: Vec<u8> = N
        .iter()
        .zip(s)
        .rev()
        .map(|(n, s)| {
            let difference = i16::from(*n) - i16::from(*s) - borrow;
            borrow = i16::from(difference < 0);
            difference.rem_euclid(256) as u8
        })
        .collect();
    negated.reverse();
    [r, &negated].concat()
}

/// The sum of two little-endian numbers in the length of the first, plus a byte where it does not fit.
fn sum<'a>(one: impl Iterator<Item = &'a u8>, other: impl Iterator<Item = &'a u8>) -> Vec<u8> {
    let mut carry = 0;
    let mut sum: Vec<u8> = one
        .zip(other.chain(std::iter::repeat(&0)))
        .map(|(one, other)| {
            let digit = u16::from(*one) + u16::from(*other) + carry;
            carry = digit >> 8;
            digit as u8
        })
        .collect();
    sum.extend((carry > 0).then_some(1));
    sum
}

/// A big-endian number and a small one, wrapping around.
fn add_small<T: AsRef<[u8]> + Clone + AsMut<[u8]>>(number: &T, small: i16) -> T {
    let mut number = number.clone();
    let mut carry = small;
    for byte in number.as_mut().iter_mut().rev() {
        let digit = i16::from(*byte) + carry;
        *byte = digit.rem_euclid(256) as u8;
        carry = digit.div_euclid(256);
    }
    number
}

/// ECDSA signatures as X.509 writes them, minimal and not.
fn der_encodings(r: &[u8], s: &[u8]) -> Vec<Vec<u8>> {
    let integer = |number: &[u8], zeros: usize| {
        let digits = number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
        let sign = usize::from(digits.first().is_some_and(|first| first & 0x80 != 0));
        let content = [vec![0; sign + zeros], digits].concat();
        [vec![2, content.len() as u8], content].concat()
    };
    let sequence = |content: Vec<u8>| [vec![0x30, content.len() as u8], content].concat();
    (0..3).map(|zeros| sequence([integer(r, zeros), integer(s, zeros)].concat())).collect()
}
