//! Client assertions: good for one server, for a short while, and for nothing else.

use claviger_credential::jose::assertion::{Assertion, AssertionError, Expected, check};
use claviger_credential::jose::{ClaimError, Claims};
use serde_json::{Value, json};

use super::signer::Signer;

const NOW: i64 = 1_700_000_000;
const EXPECTED: Expected<'_> = Expected { issuer: "https://as.example", client_id: "client", now: NOW };

fn good() -> Value {
    json!({ "iss": "client", "sub": "client", "aud": "https://as.example", "exp": NOW + 60, "iat": NOW, "jti": "j" })
}

/// Good claims with these in place of theirs; `null` takes one away.
fn with(changes: Value) -> Claims {
    let mut claims = good();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    Signer::ed25519().claims(&claims.to_string())
}

fn checked(changes: Value) -> Result<Assertion, AssertionError> {
    check(&with(changes), None, &EXPECTED)
}

#[test]
fn a_good_assertion_is_taken() {
    assert_eq!(checked(json!({})), Ok(Assertion { jti: "j".to_owned(), exp: NOW + 60 }));
    for typ in ["JWT", "jwt", "application/jwt", "client-authentication+jwt", "application/client-authentication+JWT"] {
        assert!(check(&with(json!({})), Some(typ), &EXPECTED).is_ok(), "{typ}");
    }
}

#[test]
fn what_was_made_for_something_else_is_refused() {
    for typ in ["", "at+jwt", "dpop+jwt", "id_token", "client-authentication", "JWT;a=b"] {
        assert_eq!(check(&with(json!({})), Some(typ), &EXPECTED), Err(AssertionError::Type), "{typ}");
    }
    for client in [json!({ "iss": "other" }), json!({ "sub": "other" }), json!({ "iss": "Client" }), json!({ "iss": "o", "sub": "o" })] {
        assert_eq!(checked(client), Err(AssertionError::Client));
    }
    for aud in [
        json!(["https://as.example"]),
        json!(["https://as.example", "https://other.example"]),
        json!([]),
        json!("https://as.example/"),
        json!("https://as.example/token"),
        json!("https://other.example"),
        json!(""),
    ] {
        assert_eq!(checked(json!({ "aud": aud })), Err(AssertionError::Audience));
    }
}

#[test]
fn it_lives_for_five_minutes_at_most() {
    for (exp, iat, verdict) in [
        (NOW, NOW - 60, Err(AssertionError::Expired)),
        (NOW - 1, NOW - 60, Err(AssertionError::Expired)),
        (NOW + 1, NOW - 60, Ok(())),
        (NOW + 300, NOW, Ok(())),
        (NOW + 301, NOW, Err(AssertionError::TooLong)),
        (NOW + 100, NOW - 201, Err(AssertionError::TooLong)),
        (NOW + 1, 0, Err(AssertionError::TooLong)),
        (NOW + 310, NOW + 10, Ok(())),
        (NOW + 311, NOW + 10, Err(AssertionError::TooLong)),
        (NOW + 60, NOW + 11, Err(AssertionError::Ahead)),
        (NOW + 60, NOW + 61, Err(AssertionError::Ahead)),
    ] {
        assert_eq!(checked(json!({ "exp": exp, "iat": iat })).map(|_| ()), verdict, "exp {} iat {}", exp - NOW, iat - NOW);
    }
    for (exp, verdict) in [(NOW + 310, Ok(())), (NOW + 311, Err(AssertionError::TooLong)), (253_402_300_799, Err(AssertionError::TooLong))]
    {
        assert_eq!(checked(json!({ "exp": exp, "iat": null })).map(|_| ()), verdict, "exp {}", exp - NOW);
    }
    assert!(checked(json!({ "nbf": NOW + 10 })).is_ok());
    assert_eq!(checked(json!({ "nbf": NOW + 11 })), Err(AssertionError::Ahead));
}

#[test]
fn every_claim_but_iat_and_nbf_is_needed() {
    for name in ["iss", "sub", "aud", "exp", "jti"] {
        assert_eq!(checked(json!({ name: null })), Err(AssertionError::Claim(ClaimError::Absent(name))));
        assert_eq!(checked(json!({ name: { "a": 1 } })), Err(AssertionError::Claim(ClaimError::WrongType(name))));
    }
    for name in ["iat", "nbf"] {
        assert!(checked(json!({ name: null })).is_ok());
        assert_eq!(checked(json!({ name: "soon" })), Err(AssertionError::Claim(ClaimError::WrongType(name))));
    }
    assert!(checked(json!({ "jti": "ü".repeat(256) })).is_ok());
    for jti in [String::new(), "j".repeat(257)] {
        assert_eq!(checked(json!({ "jti": jti })), Err(AssertionError::Jti));
    }
}
