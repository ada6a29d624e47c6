//! DPoP proofs: of one key, for one request, for a minute.

use claviger_credential::jose::dpop::{DpopError, Expected, check};
use claviger_credential::jose::{ClaimError, JwkError, JwsError};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::signer::{Signer, encode};

const NOW: i64 = 1_700_000_000;
const EXPECTED: Expected<'_> = Expected { method: "POST", url: "https://as.example/token?x=y", now: NOW, access_token: None };

fn header(signer: &Signer) -> Value {
    let mut jwk = signer.jwk().published();
    for extra in ["kid", "use", "alg"] {
        jwk.as_object_mut().unwrap().remove(extra);
    }
    json!({ "typ": "dpop+jwt", "alg": signer.algorithm().as_str(), "jwk": jwk })
}

fn claims() -> Value {
    json!({ "jti": "j", "htm": "POST", "htu": "https://as.example/token", "iat": NOW })
}

/// These members in place of theirs; `null` takes one away.
fn with(mut object: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    object.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    object
}

fn with_header(changes: Value) -> Result<String, DpopError> {
    let signer = Signer::ed25519();
    let proof = signer.token(&with(header(&signer), &changes).to_string(), claims().to_string());
    check(&proof, &EXPECTED).map(|proof| proof.thumbprint)
}

fn with_claims(changes: Value, expected: &Expected<'_>) -> Result<String, DpopError> {
    let signer = Signer::ed25519();
    let proof = signer.token(&header(&signer).to_string(), with(claims(), &changes).to_string());
    check(&proof, expected).map(|proof| proof.jti)
}

#[test]
fn the_example_of_the_standard_is_good_for_its_minute() {
    // RFC 9449 section 4.1 (figure 2); the thumbprint stands in section 6.1.
    let proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
    let at = |now| check(proof, &Expected { method: "POST", url: "https://server.example.com/token", now, access_token: None });
    let iat = 1_562_262_616;
    let good = at(iat).unwrap();
    assert_eq!(good.thumbprint, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!((good.jti.as_str(), good.iat, good.nonce), ("-BwC3ESc6acc2lTc", iat, None));
    assert_eq!([iat - 10, iat + 60].map(|now| at(now).is_ok()), [true, true]);
    assert_eq!([iat - 11, iat + 61].map(|now| at(now).unwrap_err()), [DpopError::Time, DpopError::Time]);
}

#[test]
fn a_proof_of_each_algorithm_names_its_key() {
    for signer in Signer::of_each_algorithm() {
        let proof = signer.token(&header(&signer).to_string(), with(claims(), &json!({ "nonce": "n" })).to_string());
        let good = check(&proof, &EXPECTED).unwrap();
        assert_eq!((good.thumbprint, good.nonce.as_deref()), (signer.jwk().thumbprint(), Some("n")));
    }
}

#[test]
fn the_header_is_that_of_a_proof() {
    assert!(with_header(json!({ "typ": "application/DPoP+JWT" })).is_ok());
    for typ in [json!(null), json!("JWT"), json!("at+jwt"), json!("dpop")] {
        assert_eq!(with_header(json!({ "typ": typ })), Err(DpopError::Type));
    }
    let [es256, _, rsa, _] = Signer::of_each_algorithm();
    let jwk = Signer::ed25519().jwk().published();
    for (changes, error) in [
        (json!({ "jwk": null }), DpopError::Token(JwsError::Malformed)),
        (json!({ "jwk": "x" }), DpopError::Key(JwkError::Malformed)),
        (json!({ "jwk": [jwk] }), DpopError::Key(JwkError::Malformed)),
        (json!({ "jwk": with(jwk.clone(), &json!({ "d": "AA" })) }), DpopError::Key(JwkError::Private)),
        (json!({ "jwk": { "kty": "oct", "k": "AA" } }), DpopError::Key(JwkError::Private)),
        (json!({ "jwk": { "kty": "oct" } }), DpopError::Key(JwkError::Unsupported)),
        (json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": encode([0; 32]) } }), DpopError::Key(JwkError::Weak)),
        (json!({ "jwk": with(jwk.clone(), &json!({ "alg": "ES256" })) }), DpopError::Key(JwkError::Unsupported)),
        (json!({ "jwk": jwk }), DpopError::Token(JwsError::BadSignature)),
        (json!({ "jwk": es256.jwk().published() }), DpopError::Token(JwsError::WrongAlgorithm)),
        (json!({ "jwk": rsa.jwk().published() }), DpopError::Token(JwsError::WrongAlgorithm)),
        (json!({ "alg": "none" }), DpopError::Token(JwsError::Unsupported)),
        (json!({ "alg": "HS256" }), DpopError::Token(JwsError::Unsupported)),
        (json!({ "jku": "https://evil.example" }), DpopError::Token(JwsError::KeyInHeader)),
        (json!({ "crit": ["jwk"] }), DpopError::Token(JwsError::Unsupported)),
    ] {
        assert_eq!(with_header(changes.clone()), Err(error), "{changes}");
    }
}

#[test]
fn a_proof_is_for_one_request() {
    let checked = |changes: Value| with_claims(changes, &EXPECTED);
    for htm in ["GET", "post", "POST ", ""] {
        assert_eq!(checked(json!({ "htm": htm })), Err(DpopError::Method), "{htm}");
    }
    assert!(checked(json!({ "htu": "HTTPS://AS.example:443/token#f" })).is_ok());
    for htu in
        ["http://as.example/token", "https://as.example/token/", "https://as.example/other", "https://evil.example/token", "/token", ""]
    {
        assert_eq!(checked(json!({ "htu": htu })), Err(DpopError::Url), "{htu}");
    }
    let nowhere = Expected { url: "not a URL", ..EXPECTED };
    assert_eq!(with_claims(json!({ "htu": "not a URL" }), &nowhere), Err(DpopError::Url));
}

#[test]
fn a_proof_is_good_for_a_minute() {
    let checked = |changes: Value| with_claims(changes, &EXPECTED);
    for (iat, is_good) in [(NOW - 61, false), (NOW - 60, true), (NOW + 10, true), (NOW + 11, false), (0, false), (253_402_300_799, false)] {
        assert_eq!(checked(json!({ "iat": iat })).is_ok(), is_good, "iat {}", iat - NOW);
    }
    assert!(checked(json!({ "exp": NOW + 1, "nbf": NOW + 10 })).is_ok());
    assert_eq!([json!({ "exp": NOW }), json!({ "nbf": NOW + 11 })].map(checked), [Err(DpopError::Time), Err(DpopError::Time)]);
}

#[test]
fn a_proof_with_a_token_is_for_that_token() {
    // The token and its digest are those of RFC 9449 section 7.1.
    let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    let ath = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";
    let expected = Expected { access_token: Some(token), ..EXPECTED };
    assert!(with_claims(json!({ "ath": ath }), &expected).is_ok());
    for other in [ath.to_lowercase(), format!("{ath}="), encode(Sha256::digest("other")), encode(token), String::new()] {
        assert_eq!(with_claims(json!({ "ath": other }), &expected), Err(DpopError::AccessToken), "{other}");
    }
    assert_eq!(with_claims(json!({}), &expected), Err(DpopError::Claim(ClaimError::Absent("ath"))));
    assert!(with_claims(json!({ "ath": "of a token that was not sent" }), &EXPECTED).is_ok());
}

#[test]
fn every_claim_of_a_proof_is_of_its_type() {
    let checked = |changes: Value| with_claims(changes, &EXPECTED);
    for name in ["jti", "htm", "htu", "iat"] {
        assert_eq!(checked(json!({ name: null })), Err(DpopError::Claim(ClaimError::Absent(name))));
        assert_eq!(checked(json!({ name: [] })), Err(DpopError::Claim(ClaimError::WrongType(name))));
    }
    for name in ["nonce", "exp", "nbf"] {
        assert_eq!(checked(json!({ name: [] })), Err(DpopError::Claim(ClaimError::WrongType(name))));
    }
    assert_eq!(checked(json!({ "jti": "ü".repeat(256) })), Ok("ü".repeat(256)));
    assert_eq!(["".to_owned(), "j".repeat(257)].map(|jti| checked(json!({ "jti": jti }))), [Err(DpopError::Jti), Err(DpopError::Jti)]);
}

#[test]
fn a_proof_with_a_bit_flipped_is_no_proof() {
    for signer in Signer::of_each_algorithm() {
        let proof = signer.token(&header(&signer).to_string(), claims().to_string());
        assert!(check(&proof, &EXPECTED).is_ok());
        for (at, bit) in (0..proof.len()).flat_map(|at| (0..7).map(move |bit| (at, bit))) {
            let mut flipped = proof.clone().into_bytes();
            flipped[at] ^= 1 << bit;
            let flipped = String::from_utf8(flipped).expect("ASCII");
            assert!(check(&flipped, &EXPECTED).is_err(), "bit {bit} of byte {at}: {flipped}");
        }
    }
}
