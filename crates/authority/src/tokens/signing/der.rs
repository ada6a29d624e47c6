//! The few shapes of DER (X.690) that public keys need: RSA's read from the library, and all of them written as
//! SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7) for programs that want PEM.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::credential::jose::PublicJwk;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// AlgorithmIdentifiers, whole: id-ecPublicKey with prime256v1 (RFC 5480), id-Ed25519 (RFC 8410), rsaEncryption (RFC 3279).
const P256: &[u8] = b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
const ED25519: &[u8] = b"\x30\x05\x06\x03\x2b\x65\x70";
/// For RS256 and PS256 alike: what reads PEM rarely knows the identifier that allows PSS only.
const RSA: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// The key as a PEM block `PUBLIC KEY` (RFC 7468 section 13).
pub(super) fn pem(key: &PublicJwk) -> String {
    let text = STANDARD.encode(subject_public_key_info(key));
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    for place in (0..text.len()).step_by(64) {
        pem.push_str(&text[place..text.len().min(place + 64)]);
        pem.push('\n');
    }
    pem.push_str("-----END PUBLIC KEY-----\n");
    pem
}

fn subject_public_key_info(key: &PublicJwk) -> Vec<u8> {
    let members = key.published();
    let number = |name: &str| bytes(&members[name]);
    let (algorithm, key) = match members["kty"].as_str() {
        Some("EC") => (P256, [vec![4], number("x"), number("y")].concat()),
        Some("OKP") => (ED25519, number("x")),
        _ => (RSA, tagged(SEQUENCE, &[integer(&number("n")), integer(&number("e"))].concat())),
    };
    // No bit of the last byte is unused.
    let key = tagged(BIT_STRING, &[&[0], &key[..]].concat());
    tagged(SEQUENCE, &[algorithm, &key].concat())
}

fn bytes(member: &Value) -> Vec<u8> {
    let text = member.as_str().expect("a published key has the members of its type");
    URL_SAFE_NO_PAD.decode(text).expect("and they are base64url")
}

/// A positive number: a first bit that is set would make it negative.
fn integer(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number.first().is_some_and(|first| first & 0x80 != 0) { &[0] } else { &[] };
    tagged(INTEGER, &[sign, number].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length = &length[length.iter().position(|byte| *byte != 0).unwrap_or(length.len() - 1)..];
    let mut out = vec![tag];
    if content.len() >= 0x80 {
        out.push(0x80 | length.len() as u8);
    }
    out.extend_from_slice(length);
    out.extend_from_slice(content);
    out
}

/// Modulus and exponent of an RSAPublicKey (RFC 8017 appendix A.1.1).
pub(super) fn rsa_public_key(der: &[u8]) -> Option<[&[u8]; 2]> {
    let (content, rest) = read(SEQUENCE, der)?;
    let (n, after) = read(INTEGER, content)?;
    let (e, end) = read(INTEGER, after)?;
    (rest.is_empty() && end.is_empty()).then_some([n, e])
}

fn read(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let [found, first, rest @ ..] = der else { return None };
    let (length, rest) = match first {
        0..0x80 => (usize::from(*first), rest),
        _ => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
    };
    rest.split_at_checked(length).filter(|_| *found == tag)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
    };

    use super::*;
    use crate::credential::jose::Algorithm;
    use crate::tokens::signing::{LocalKey, Sign as _};

    #[test]
    fn the_pem_of_every_algorithm_verifies_what_its_key_signed() {
        for (algorithm, verification) in [
            (Algorithm::Es256, &ECDSA_P256_SHA256_FIXED as &'static dyn VerificationAlgorithm),
            (Algorithm::EdDsa, &ED25519),
            (Algorithm::Rs256, &RSA_PKCS1_2048_8192_SHA256),
            (Algorithm::Ps256, &RSA_PSS_2048_8192_SHA256),
        ] {
            let key = LocalKey::generate(algorithm).unwrap();
            let pem = pem(key.public_jwk());
            let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
            let der = STANDARD.decode(body).unwrap();
            let read = ParsedPublicKey::new(verification, &der).unwrap();
            read.verify_sig(b"message", &key.sign(b"message").unwrap()).unwrap();
            read.verify_sig(b"massage", &key.sign(b"message").unwrap()).unwrap_err();
            assert!(pem.lines().all(|line| line.len() <= 64), "{pem}");
        }
    }

    /// The library writes the same for RSA, the one with lengths and signs to get wrong.
    #[test]
    fn the_library_writes_the_same_subject_public_key_info() {
        use aws_lc_rs::rsa::PublicKey;
        let key = LocalKey::generate(Algorithm::Rs256).unwrap();
        let ours = subject_public_key_info(key.public_jwk());
        let theirs: aws_lc_rs::encoding::PublicKeyX509Der<'_> = PublicKey::from_der(&ours).unwrap().as_der().unwrap();
        assert_eq!(ours, theirs.as_ref());
    }

    #[test]
    fn what_is_not_an_rsa_public_key_is_none() {
        for der in [
            &b""[..],
            b"\x30",
            b"\x30\x03\x02\x01",
            b"\x30\x06\x02\x01\x05\x02\x01\x03\x00",
            b"\x30\x89\x01\x01\x01\x01\x01\x01\x01\x01\x01",
        ] {
            assert_eq!(rsa_public_key(der), None, "{der:x?}");
        }
        assert_eq!(rsa_public_key(b"\x30\x06\x02\x01\x05\x02\x01\x03"), Some([&[5][..], &[3]]));
    }
}
