//! Claims, each of its type or refused.

use claviger_credential::jose::{Audience, ClaimError, MAX_NUMERIC_DATE, if_present};
use proptest::prelude::*;
use serde_json::json;

use super::signer::Signer;

#[test]
fn each_claim_is_there_of_its_type_or_refused_by_its_name() {
    let signer = Signer::ed25519();
    let nothing = signer.claims("{}");
    for (name, claim) in [("iss", nothing.iss()), ("sub", nothing.sub()), ("jti", nothing.jti()), ("client_id", nothing.client_id())] {
        assert_eq!(claim, Err(ClaimError::Absent(name)));
    }
    for (name, claim) in [("exp", nothing.exp()), ("nbf", nothing.nbf()), ("iat", nothing.iat())] {
        assert_eq!(claim, Err(ClaimError::Absent(name)));
    }
    assert_eq!(nothing.aud(), Err(ClaimError::Absent("aud")));

    for value in ["null", "1", "true", "[]", "[\"x\"]", "{}"] {
        let wrong = signer.claims(&format!(r#"{{"iss":{value},"sub":{value},"jti":{value},"client_id":{value}}}"#));
        for (name, claim) in [("iss", wrong.iss()), ("sub", wrong.sub()), ("jti", wrong.jti()), ("client_id", wrong.client_id())] {
            assert_eq!(claim, Err(ClaimError::WrongType(name)), "{value}");
        }
    }
    for value in
        ["null", "\"1\"", "true", "[1]", "{}", "-1", "-0.1", "253402300800", "253402300800.0", "18446744073709551615", "1e300", "9e99"]
    {
        let wrong = signer.claims(&format!(r#"{{"exp":{value},"nbf":{value},"iat":{value}}}"#));
        for (name, claim) in [("exp", wrong.exp()), ("nbf", wrong.nbf()), ("iat", wrong.iat())] {
            assert_eq!(claim, Err(ClaimError::WrongType(name)), "{value}");
            assert_eq!(if_present(claim), Err(ClaimError::WrongType(name)));
        }
    }
    for value in ["null", "1", "true", "{}", "[1]", "[\"a\",null]", "[[\"a\"]]"] {
        assert_eq!(signer.claims(&format!(r#"{{"aud":{value}}}"#)).aud(), Err(ClaimError::WrongType("aud")), "{value}");
    }

    let good = signer.claims(r#"{"iss":"i","sub":"s","jti":"j","client_id":"c","exp":3,"nbf":0,"iat":1.0e9,"x":[1]}"#);
    assert_eq!((good.iss(), good.sub(), good.jti(), good.client_id()), (Ok("i"), Ok("s"), Ok("j"), Ok("c")));
    assert_eq!((good.exp(), good.nbf(), good.iat()), (Ok(3), Ok(0), Ok(1_000_000_000)));
    assert_eq!((good.get("x"), good.get("y")), (Some(&json!([1])), None));
    assert_eq!((if_present(good.exp()), if_present(nothing.exp())), (Ok(Some(3)), Ok(None)));
}

#[test]
fn an_audience_is_one_or_many() {
    let signer = Signer::ed25519();
    let claims = [r#""a""#, r#"["a"]"#, r#"["b","a"]"#, "[]"].map(|aud| signer.claims(&format!(r#"{{"aud":{aud}}}"#)));
    let audiences = claims.each_ref().map(|claims| claims.aud().unwrap());
    assert_eq!(audiences, [Audience::One("a"), Audience::Many(vec!["a"]), Audience::Many(vec!["b", "a"]), Audience::Many(vec![])]);
    assert_eq!(audiences.each_ref().map(|audience| audience.contains("a")), [true, true, true, false]);
    assert!(!audiences[0].contains("A") && !audiences[0].contains("") && !audiences[2].contains("ba"));
}

proptest! {
    #[test]
    fn a_time_is_the_whole_seconds_of_its_number(seconds in 0..=MAX_NUMERIC_DATE, thousandths in 0..1000u32) {
        let signer = Signer::ed25519();
        let time = |number: String| signer.claims(&format!(r#"{{"exp":{number}}}"#)).exp();
        prop_assert_eq!(time(seconds.to_string()), Ok(seconds));
        prop_assert_eq!(time(format!("{seconds}.{thousandths:03}")), Ok(seconds));
        prop_assert_eq!(time(format!("{seconds}e0")), Ok(seconds));
        prop_assert_eq!(time(format!("\"{seconds}\"")), Err(ClaimError::WrongType("exp")));
        prop_assert_eq!(time(format!("-{}", seconds + 1)), Err(ClaimError::WrongType("exp")));
        prop_assert_eq!(time((i128::from(seconds) + i128::from(MAX_NUMERIC_DATE) + 1).to_string()), Err(ClaimError::WrongType("exp")));
        prop_assert_eq!(time(format!("{seconds}000000000000.5")), if seconds == 0 { Ok(0) } else { Err(ClaimError::WrongType("exp")) });
    }

    #[test]
    fn any_number_is_a_time_within_range_or_none(number in any::<f64>().prop_filter("JSON knows no other", |it| it.is_finite())) {
        let time = Signer::ed25519().claims(&format!(r#"{{"exp":{}}}"#, json!(number))).exp();
        let is_within = number >= 0.0 && number < MAX_NUMERIC_DATE as f64 + 1.0;
        prop_assert_eq!(time, if is_within { Ok(number.floor() as i64) } else { Err(ClaimError::WrongType("exp")) });
    }
}
