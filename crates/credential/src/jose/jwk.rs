//! Public keys as JSON Web Keys (RFC 7517), each for exactly one algorithm (RFC 8725 section 3.1).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::Algorithm;

/// A public key that verifies one algorithm. Its numbers have the right lengths; whether they are a point of the curve is
/// found out by [`VerifyingKey::new`](super::VerifyingKey::new).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicJwk {
    algorithm: Algorithm,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Material {
    /// Big-endian coordinates on P-256.
    Ec { x: [u8; 32], y: [u8; 32] },
    /// Ed25519.
    Okp { x: [u8; 32] },
    /// Big-endian modulus and exponent without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

/// Why a key is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwkError {
    /// Not a JSON object with the members of its `kty`, each as base64url without padding and of its exact length.
    Malformed,
    /// It holds private members: it must be considered leaked.
    Private,
    /// A key type, curve or algorithm that is not spoken here, or an `alg` that is not of its `kty`.
    Unsupported,
    /// An RSA key below 2048 or above 8192 bits, or with another exponent than 65537; an Ed25519 key with which anybody can sign.
    Weak,
    /// Coordinates that are no point of P-256.
    NotAPoint,
    /// Not for verifying signatures (`use` or `key_ops`).
    Use,
}

const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl PublicJwk {
    /// A P-256 key of its uncompressed point, `04 ‖ x ‖ y`.
    pub fn from_p256_point(point: &[u8]) -> Option<PublicJwk> {
        let [4, coordinates @ ..] = point else { return None };
        let (x, y) = coordinates.split_first_chunk::<32>()?;
        Some(PublicJwk { algorithm: Algorithm::Es256, material: Material::Ec { x: *x, y: y.try_into().ok()? } })
    }

    /// An Ed25519 key of its 32 bytes.
    pub fn from_ed25519(x: &[u8; 32]) -> PublicJwk {
        PublicJwk { algorithm: Algorithm::EdDsa, material: Material::Okp { x: *x } }
    }

    /// An RSA key of its big-endian modulus and exponent, for RS256 or PS256.
    ///
    /// # Errors
    /// [`JwkError::Weak`] and [`JwkError::Unsupported`].
    pub fn from_rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<PublicJwk, JwkError> {
        if !matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256) {
            return Err(JwkError::Unsupported);
        }
        let without_zeros = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
        let (n, e) = (without_zeros(n), without_zeros(e));
        let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
        if !(2048..=8192).contains(&bits) || n.last().is_some_and(|last| last % 2 == 0) || e != [1, 0, 1] {
            return Err(JwkError::Weak);
        }
        Ok(PublicJwk { algorithm, material: Material::Rsa { n, e } })
    }

    /// Reads a JWK. Without `alg` an RSA key is for `default_rsa`; other keys know their algorithm.
    ///
    /// # Errors
    /// Every [`JwkError`].
    pub fn parse(value: &Value, default_rsa: Algorithm) -> Result<PublicJwk, JwkError> {
        let members = value.as_object().ok_or(JwkError::Malformed)?;
        if PRIVATE_MEMBERS.iter().any(|member| members.contains_key(*member)) {
            return Err(JwkError::Private);
        }
        check_use(members)?;
        let alg = match members.get("alg") {
            None => None,
            Some(alg) => Some(Algorithm::of_others(alg.as_str().ok_or(JwkError::Malformed)?).map_err(|_| JwkError::Unsupported)?),
        };
        let key = match (text(members, "kty")?, members.get("crv").and_then(Value::as_str)) {
            ("EC", Some("P-256")) => {
                let material = Material::Ec { x: fixed(members, "x")?, y: fixed(members, "y")? };
                PublicJwk { algorithm: Algorithm::Es256, material }
            }
            ("OKP", Some("Ed25519")) => PublicJwk::from_ed25519(&fixed(members, "x")?),
            ("RSA", _) => PublicJwk::from_rsa(alg.unwrap_or(default_rsa), &bytes(members, "n")?, &bytes(members, "e")?)?,
            _ => return Err(JwkError::Unsupported),
        };
        if alg.is_some_and(|alg| alg != key.algorithm) { Err(JwkError::Unsupported) } else { Ok(key) }
    }

    /// The one algorithm that this key verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The RFC 7638 thumbprint with SHA-256, as base64url: 43 characters.
    pub fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.required().to_string()))
    }

    /// The key as it is published: with `kid` (the thumbprint), `use` and `alg`.
    pub fn published(&self) -> Value {
        let mut value = self.required();
        value["kid"] = self.thumbprint().into();
        value["use"] = "sig".into();
        value["alg"] = self.algorithm.as_str().into();
        value
    }

    /// The public key as verifiers of signatures take it: the uncompressed point, the 32 bytes, or modulus and exponent.
    pub(super) fn raw(&self) -> RawKey<'_> {
        match &self.material {
            Material::Ec { x, y } => {
                let mut point = vec![4];
                point.extend_from_slice(x);
                point.extend_from_slice(y);
                RawKey::Bytes(point)
            }
            Material::Okp { x } => RawKey::Bytes(x.to_vec()),
            Material::Rsa { n, e } => RawKey::Rsa { n, e },
        }
    }

    /// The required members only, which `serde_json` writes in lexicographic order.
    fn required(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.material {
            Material::Ec { x, y } => json!({ "crv": "P-256", "kty": "EC", "x": encode(x), "y": encode(y) }),
            Material::Okp { x } => json!({ "crv": "Ed25519", "kty": "OKP", "x": encode(x) }),
            Material::Rsa { n, e } => json!({ "e": encode(e), "kty": "RSA", "n": encode(n) }),
        }
    }
}

/// What a signature is verified with.
pub(super) enum RawKey<'a> {
    Bytes(Vec<u8>),
    Rsa { n: &'a [u8], e: &'a [u8] },
}

fn check_use(members: &Map<String, Value>) -> Result<(), JwkError> {
    let is_for_signatures = members.get("use").is_none_or(|it| it == "sig");
    let may_verify = match members.get("key_ops") {
        None => true,
        Some(operations) => operations.as_array().is_some_and(|operations| operations.iter().any(|it| it == "verify")),
    };
    if is_for_signatures && may_verify { Ok(()) } else { Err(JwkError::Use) }
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, JwkError> {
    members.get(name).and_then(Value::as_str).ok_or(JwkError::Malformed)
}

fn bytes(members: &Map<String, Value>, name: &str) -> Result<Vec<u8>, JwkError> {
    URL_SAFE_NO_PAD.decode(text(members, name)?).map_err(|_| JwkError::Malformed)
}

fn fixed(members: &Map<String, Value>, name: &str) -> Result<[u8; 32], JwkError> {
    bytes(members, name)?.try_into().map_err(|_| JwkError::Malformed)
}

impl fmt::Display for JwkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            JwkError::Malformed => "not a JSON Web Key with the members of its kty in base64url without padding (RFC 7517)",
            JwkError::Private => "holds a private key: send the public half only, and consider this key leaked",
            JwkError::Unsupported => "not of an algorithm taken here: EC P-256 for ES256, Ed25519 for EdDSA, RSA for PS256 or RS256",
            JwkError::Weak => {
                "an RSA key of less than 2048 or more than 8192 bits or with another exponent than 65537, or an Ed25519 key of small order"
            }
            JwkError::NotAPoint => "not a point of the curve P-256",
            JwkError::Use => "not meant for verifying signatures (use, key_ops)",
        })
    }
}

impl std::error::Error for JwkError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_are_those_of_the_standards() {
        // RFC 7638 section 3.1 and RFC 8037 appendix A.3.
        let rsa = json!({
            "kty": "RSA", "alg": "RS256", "e": "AQAB", "kid": "2011-04-29",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        });
        let okp = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let thumbprint = |value: &Value| PublicJwk::parse(value, Algorithm::Ps256).unwrap().thumbprint();
        assert_eq!(thumbprint(&rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(thumbprint(&okp), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn what_is_published_reads_back() {
        for key in [
            PublicJwk::from_p256_point(&[&[4][..], &[1; 32], &[2; 32]].concat()).unwrap(),
            PublicJwk::from_ed25519(&[3; 32]),
            PublicJwk::from_rsa(Algorithm::Rs256, &[0xff; 384], &[0, 1, 0, 1]).unwrap(),
        ] {
            assert_eq!(PublicJwk::parse(&key.published(), Algorithm::Ps256), Ok(key));
        }
    }

    #[test]
    fn what_is_not_a_good_public_key_is_refused_for_its_reason() {
        let x = URL_SAFE_NO_PAD.encode([1; 32]);
        let n = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![0xff; bytes]);
        for (value, reason) in [
            (json!([]), JwkError::Malformed),
            (json!({ "kty": "OKP", "crv": "Ed25519" }), JwkError::Malformed),
            (json!({ "kty": "OKP", "crv": "Ed25519", "x": format!("{x}=") }), JwkError::Malformed),
            (json!({ "kty": "OKP", "crv": "Ed25519", "x": &x[..40] }), JwkError::Malformed),
            (json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "d": x }), JwkError::Private),
            (json!({ "kty": "oct", "k": x }), JwkError::Private),
            (json!({ "kty": "OKP", "crv": "X25519", "x": x }), JwkError::Unsupported),
            (json!({ "kty": "EC", "crv": "P-384", "x": x, "y": x }), JwkError::Unsupported),
            (json!({ "kty": "EC", "crv": "P-256", "x": x, "y": x, "alg": "RS256" }), JwkError::Unsupported),
            (json!({ "kty": "RSA", "n": n(256), "e": "AQAB", "alg": "HS256" }), JwkError::Unsupported),
            (json!({ "kty": "RSA", "n": n(255), "e": "AQAB" }), JwkError::Weak),
            (json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode([&[0x7f][..], &[0xff; 255]].concat()), "e": "AQAB" }), JwkError::Weak),
            (json!({ "kty": "RSA", "n": n(1025), "e": "AQAB" }), JwkError::Weak),
            (json!({ "kty": "RSA", "n": n(256), "e": "Aw" }), JwkError::Weak),
            (json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "use": "enc" }), JwkError::Use),
            (json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "key_ops": ["sign"] }), JwkError::Use),
        ] {
            assert_eq!(PublicJwk::parse(&value, Algorithm::Ps256), Err(reason), "{value}");
        }
    }
}
