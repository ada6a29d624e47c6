//! Tokens of strangers are read without a panic, and never verify. Rightly signed ones say what was signed, are of one
//! algorithm, hold no member twice, and no claim out of its range.

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_credential::jose::{Algorithm, Claims, Compact, MAX_NUMERIC_DATE, MAX_TOKEN_LENGTH, PublicJwk, VerifyingKey, assertion, dpop};
use serde_json::{Map, Value, json};

static SIGNER: LazyLock<(Ed25519KeyPair, PublicJwk, VerifyingKey)> = LazyLock::new(|| {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("32 bytes");
    let jwk = PublicJwk::from_ed25519(pair.public_key().as_ref().try_into().expect("32 bytes"));
    let key = VerifyingKey::new(&jwk).expect("a key");
    (pair, jwk, key)
});

/// The input is a stranger's token, and then a header and a payload with a line break between, which get signed.
pub fn jws(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    stranger(&text);
    let (header, payload) = text.split_once('\n').unwrap_or((r#"{"alg":"EdDSA"}"#, &text));
    signed(header, payload);
    proof_for(payload);
}

fn stranger(text: &str) {
    let _ = dpop::check(text, &dpop::Expected { method: "POST", url: text, now: 1_562_262_616, access_token: Some(text) });
    let Ok(compact) = Compact::parse(text) else { return };
    assert!(text.len() <= MAX_TOKEN_LENGTH);
    assert!(compact.verified(&SIGNER.2).is_err(), "nobody else has the key");
    let parts: Vec<&str> = text.split('.').collect();
    assert_eq!((parts.len(), compact.signing_input()), (3, format!("{}.{}", parts[0], parts[1]).as_str()));
    for part in parts {
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("it was read");
        assert_eq!(URL_SAFE_NO_PAD.encode(&bytes), part, "bytes have one text");
        assert!(!bytes.is_empty());
    }
}

fn signed(header: &str, payload: &str) {
    let token = sign(header, payload);
    let Ok(compact) = Compact::parse(&token) else { return };
    let members = object(header);
    assert_eq!(members.get("alg").and_then(Value::as_str), Some(compact.algorithm().as_str()));
    assert_eq!(members.get("kid").and_then(Value::as_str), compact.kid());
    assert_eq!(members.get("typ").and_then(Value::as_str), compact.typ());
    for name in ["crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"] {
        assert!(!members.contains_key(name), "{name} in {header}");
    }
    let verified = compact.verified(&SIGNER.2);
    assert!(proof(&token, "https://as.example").is_err(), "without jwk it is no proof");
    let Ok(claims) = verified else { return };
    assert_eq!(compact.algorithm(), Algorithm::EdDsa);
    let said = object(payload);
    assert!(said.iter().all(|(name, value)| claims.get(name) == Some(value)), "{payload}");
    assert_eq!(said.get("iss").and_then(Value::as_str), claims.iss().ok());
    assert_eq!(compact.unverified_iss().as_deref(), claims.iss().ok());
    for time in [claims.exp(), claims.nbf(), claims.iat()].into_iter().flatten() {
        assert!((0..=MAX_NUMERIC_DATE).contains(&time));
    }
    asserted(&claims, compact.typ());
}

fn asserted(claims: &Claims, typ: Option<&str>) {
    let expected = assertion::Expected { issuer: "https://as.example", client_id: "client", now: 1_700_000_000 };
    if let Ok(assertion) = assertion::check(claims, typ, &expected) {
        assert_eq!((claims.iss(), claims.sub()), (Ok("client"), Ok("client")));
        assert_eq!(claims.get("aud"), Some(&json!("https://as.example")));
        assert!((1..=310).contains(&(assertion.exp - expected.now)) && !assertion.jti.is_empty());
    }
}

/// A proof for any URL is one for that URL only.
fn proof_for(url: &str) {
    let header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": SIGNER.1.published() }).to_string();
    let token = sign(&header, &json!({ "jti": "j", "htm": "GET", "htu": url, "iat": 0 }).to_string());
    let at = |url: &str| proof(&token, url);
    let Ok(good) = at(url) else { return };
    assert_eq!(good.thumbprint, SIGNER.1.thumbprint());
    assert!(at(&format!("{url}?query#fragment")).is_ok(), "{url}");
    let bare = url.split(['?', '#']).next().expect("the first");
    assert!(at(bare).is_ok(), "{url}");
    for other in [format!("{bare}/x"), format!("x{bare}"), bare.replacen("://", "://x.", 1), bare.replacen("://", "://u@", 1)] {
        assert!(at(&other).is_err(), "{url} is also {other}");
    }
}

fn proof(token: &str, url: &str) -> Result<dpop::Proof, dpop::DpopError> {
    dpop::check(token, &dpop::Expected { method: "GET", url, now: 0, access_token: None })
}

fn sign(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(SIGNER.0.sign(input.as_bytes())))
}

/// What was read as an object is one for everybody, and has no member twice. (Without escapes and whitespace, each `":` ends
/// the name of a member, and writing what was read loses none of them.)
fn object(text: &str) -> Map<String, Value> {
    let members: Map<String, Value> = serde_json::from_str(text).expect("a JSON object");
    if !text.contains(|it: char| it == '\\' || it.is_whitespace() || it.is_control()) {
        let count = |text: &str| text.matches("\":").count();
        assert_eq!(count(&Value::from(members.clone()).to_string()), count(text), "a member was lost: {text}");
    }
    members
}
