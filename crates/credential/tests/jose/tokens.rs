//! Compact tokens: what is read, what is refused and for which reason, and the examples of the standards.

use claviger_credential::jose::{Algorithm, Compact, JwsError, MAX_TOKEN_LENGTH, PublicJwk, VerifyingKey, typ_is};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::signer::{Signer, encode};

fn key(jwk: &Value) -> VerifyingKey {
    VerifyingKey::new(&PublicJwk::parse(jwk, Algorithm::Rs256).unwrap()).unwrap()
}

#[test]
fn the_examples_of_the_standards_verify() {
    let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    // RFC 7515 appendix A.2 and A.3.
    let rs256 = key(&json!({
        "kty": "RSA", "e": "AQAB",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    }));
    let es256 = key(&json!({
        "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }));
    for (key, header, signature) in [
        (
            rs256,
            "eyJhbGciOiJSUzI1NiJ9",
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        (es256, "eyJhbGciOiJFUzI1NiJ9", "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"),
    ] {
        let token = format!("{header}.{payload}.{signature}");
        let claims = Compact::parse(&token).unwrap().verified(&key).unwrap();
        assert_eq!((claims.iss(), claims.exp()), (Ok("joe"), Ok(1_300_819_380)));
        assert_eq!(claims.get("http://example.com/is_root"), Some(&json!(true)));
    }
    // RFC 8037 appendix A.4: the signature is good, the payload no object of claims.
    let eddsa = key(&json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }));
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(Compact::parse(token).unwrap().verified(&eddsa), Err(JwsError::Payload));
}

#[test]
fn a_token_of_each_algorithm_says_what_was_signed() {
    for signer in Signer::of_each_algorithm() {
        let token = signer.token(&signer.header(r#""kid":"k","typ":"at+jwt""#), r#"{"iss":"i","sub":"s"}"#);
        let compact = Compact::parse(&token).unwrap();
        assert_eq!((compact.algorithm(), compact.kid(), compact.typ()), (signer.algorithm(), Some("k"), Some("at+jwt")));
        assert_eq!(compact.signing_input(), token.rsplit_once('.').unwrap().0);
        assert_eq!((compact.unverified_iss().as_deref(), compact.unverified_sub().as_deref()), (Some("i"), Some("s")));
        let claims = compact.verified(&signer.key()).unwrap();
        assert_eq!((claims.iss(), claims.sub()), (Ok("i"), Ok("s")));
    }
}

#[test]
fn without_the_members_there_is_nothing_to_say() {
    let signer = Signer::ed25519();
    for payload in [r#"{"iss":1,"sub":null}"#, r#"{"iss":"i","sub":"s","iss":"i"}"#, "[]", "x"] {
        let token = signer.token(&signer.header(""), payload);
        let compact = Compact::parse(&token).unwrap();
        assert_eq!((compact.kid(), compact.typ(), compact.unverified_iss(), compact.unverified_sub()), (None, None, None, None));
    }
}

#[test]
fn each_refusal_has_its_reason() {
    let signer = Signer::ed25519();
    let good = signer.token(&signer.header(""), "{}");
    let (input, signature) = good.rsplit_once('.').unwrap();
    let refused = |text: &str| Compact::parse(text).unwrap_err();

    for text in ["", ".", "..", "...", "a.b", "AA.AA.AA", &good[1..], &format!("{good}."), &format!("{good}="), &format!("{input}.")] {
        assert_eq!(refused(text), JwsError::Malformed, "{text}");
    }
    for (members, reason) in [
        (r#""alg":"EdDSA""#, JwsError::Malformed),
        (r#""kid":"""#, JwsError::Malformed),
        (r#""kid":7"#, JwsError::Malformed),
        (r#""typ":null"#, JwsError::Malformed),
        (r#""cty":[]"#, JwsError::Malformed),
        (r#""x":{"a":1,"a":1}"#, JwsError::Malformed),
        (r#""crit":["exp"]"#, JwsError::Unsupported),
        (r#""b64":true"#, JwsError::Unsupported),
        (r#""zip":"DEF""#, JwsError::Unsupported),
        (r#""enc":"A128GCM""#, JwsError::Unsupported),
        (r#""jku":"https://as.example""#, JwsError::KeyInHeader),
        (r#""jwk":null"#, JwsError::KeyInHeader),
        (r#""x5u":"""#, JwsError::KeyInHeader),
        (r#""x5c":[]"#, JwsError::KeyInHeader),
    ] {
        assert_eq!(refused(&signer.token(&signer.header(members), "{}")), reason, "{members}");
    }
    for alg in ["none", "HS256", "RS384", "ES256K", "eddsa"] {
        assert_eq!(refused(&signer.token(&json!({ "alg": alg }).to_string(), "{}")), JwsError::Unsupported, "{alg}");
    }
    assert_eq!(refused(&signer.token("{}", "{}")), JwsError::Malformed);

    let compact = Compact::parse(&good).unwrap();
    let [es256, ..] = Signer::of_each_algorithm();
    assert_eq!(compact.verified(&es256.key()), Err(JwsError::WrongAlgorithm));
    assert_eq!(compact.verified(&Signer::ed25519().key()), Err(JwsError::BadSignature));
    let other = format!("{}.{signature}", input.replace(&encode("{}"), &encode("{ }")));
    assert_eq!(Compact::parse(&other).unwrap().verified(&signer.key()), Err(JwsError::BadSignature));
    let twice = signer.token(&signer.header(""), r#"{"sub":"a","sub":"b"}"#);
    assert_eq!(Compact::parse(&twice).unwrap().verified(&signer.key()), Err(JwsError::Payload));
}

#[test]
fn lengths_end_where_they_say() {
    let signer = Signer::ed25519();
    let kid = |length: usize| signer.token(&signer.header(&format!(r#""kid":"{}""#, "ü".repeat(length))), "{}");
    assert_eq!(Compact::parse(&kid(256)).unwrap().kid().map(|kid| kid.chars().count()), Some(256));
    assert_eq!(Compact::parse(&kid(257)).unwrap_err(), JwsError::Malformed);

    let rest = signer.token(&signer.header(""), "{}").len() - 3;
    let token = |length: usize| {
        let payload = "A".repeat(length - rest);
        signer.signed(&format!("{}.{payload}", encode(signer.header(""))))
    };
    // A payload's text is never of 4n + 1 characters.
    let longest = (MAX_TOKEN_LENGTH - 1..=MAX_TOKEN_LENGTH).rfind(|length| (length - rest) % 4 != 1).unwrap();
    assert!(Compact::parse(&token(longest)).is_ok());
    assert_eq!(Compact::parse(&token(MAX_TOKEN_LENGTH + 1)).unwrap_err(), JwsError::TooLong);
}

#[test]
fn types_are_the_same_in_any_case_and_with_or_without_application() {
    for (one, other) in [("at+jwt", "AT+JWT"), ("Application/At+jwt", "at+jwt"), ("JWT", "application/jwt"), ("a/b", "A/b")] {
        assert!(typ_is(one, other) && typ_is(other, one), "{one} {other}");
    }
    for other in ["", "jwt", "at+jwt ", "at+jwt;a=b", "text/at+jwt", "application/x/at+jwt", "application/application/at+jwt", "at+jẃt"] {
        assert!(!typ_is(other, "at+jwt") && !typ_is("at+jwt", other), "{other}");
    }
}

/// Base64url by hand (RFC 4648 section 5): whether it is the one text of some bytes.
fn is_canonical(text: &str) -> bool {
    let value = |letter: u8| b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".iter().position(|it| *it == letter);
    let Some(values) = text.bytes().map(value).collect::<Option<Vec<_>>>() else { return false };
    let stray = match values.len() % 4 {
        0 => 0,
        2 => values[values.len() - 1] & 0b1111,
        3 => values[values.len() - 1] & 0b11,
        _ => return false,
    };
    !values.is_empty() && stray == 0
}

proptest! {
    #[test]
    fn bytes_have_one_text(part in "[A-Za-z0-9_-]{0,9}|[A-Za-z0-9_=+/ -]{1,6}|\\PC{1,4}") {
        let header = encode(r#"{"alg":"EdDSA"}"#);
        for token in [format!("{header}.{part}.AA"), format!("{header}.AA.{part}")] {
            prop_assert_eq!(Compact::parse(&token).is_ok(), is_canonical(&part), "{}", token);
        }
    }

    #[test]
    fn no_text_is_too_strange_to_refuse(text in "\\PC{0,60}|[A-Za-z0-9_.-]{0,80}", header in "\\PC{0,60}", payload in any::<Vec<u8>>()) {
        let built = format!("{}.{}.AA", encode(header), encode(payload));
        for text in [text, built] {
            if let Ok(compact) = Compact::parse(&text) {
                prop_assert!(text.starts_with(compact.signing_input()));
            }
        }
    }
}
