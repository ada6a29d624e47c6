//! What clients sign: assertions instead of a secret, and proofs that bind a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, header};
use serde_json::{Value, json};

use super::part;
use crate::support::{Claviger, text};

/// A key pair of a client, as it would make one itself.
struct ClientKey {
    pair: aws_lc_rs::signature::EcdsaKeyPair,
    jwk: Value,
}

impl ClientKey {
    fn new() -> Self {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key pair");
        let point = pair.public_key().as_ref();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]), "kid": "mine" });
        Self { pair, jwk }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&aws_lc_rs::rand::SystemRandom::new(), input.as_bytes()).expect("a signature");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_prove_itself_by_a_signature_that_works_once() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({})).await;
    let (key, stranger) = (ClientKey::new(), ClientKey::new());
    let path = format!("/v1/applications/{}/keys", application.id);
    let registered = claviger.post(&path, json!({ "jwk": key.jwk })).await.expect(201);
    let issuer = claviger.url.clone();
    let id = application.id.clone();
    let number = std::cell::Cell::new(0);
    let claims = |change: &dyn Fn(&mut Value)| {
        number.set(number.get() + 1);
        let jti = format!("jti-{}", number.get());
        let mut claims = json!({ "iss": id, "sub": id, "aud": issuer, "jti": jti, "iat": 1_795_507_200, "exp": 1_795_507_260 });
        change(&mut claims);
        claims
    };
    let header = json!({ "alg": "ES256", "kid": "mine" });
    let send = async |assertion: &str, more: &str| {
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        let body = format!("grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}{more}");
        claviger.form("/oauth2/token", None, &body).await
    };
    let good = key.sign(&header, &claims(&|_| ()));
    let token = text(&send(&good, "").await.expect(200), "access_token");
    assert_eq!(part(&token, 1)["minted_by"], registered["id"]);
    let replayed = send(&good, "").await.expect(401);
    assert!(text(&replayed, "error_description").contains("jti"), "{replayed}");
    // Without a name for the key, and with the client named beside it.
    send(&key.sign(&json!({ "alg": "ES256" }), &claims(&|_| ())), &format!("&client_id={id}")).await.expect(200);

    let with = |change: &dyn Fn(&mut Value)| key.sign(&header, &claims(change));
    let refused = [
        stranger.sign(&header, &claims(&|_| ())),
        with(&|claims| claims["aud"] = json!([issuer])),
        with(&|claims| claims["aud"] = format!("{issuer}/oauth2/token").into()),
        with(&|claims| claims["iss"] = "another".into()),
        with(&|claims| claims["exp"] = 1_795_507_200.into()),
        with(&|claims| claims["exp"] = 1_795_510_000.into()),
        with(&|claims| claims["iat"] = 1_795_507_261.into()),
        with(&|claims| drop(claims.as_object_mut().unwrap().remove("jti"))),
        with(&|claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
        key.sign(&json!({ "alg": "ES256", "typ": "at+jwt" }), &claims(&|_| ())),
        key.sign(&json!({ "alg": "RS256" }), &claims(&|_| ())),
        key.sign(&json!({ "alg": "none" }), &claims(&|_| ())),
        key.sign(&json!({ "alg": "ES256", "jwk": stranger.jwk }), &claims(&|_| ())),
        format!("{}x", with(&|_| ())),
        "nonsense".to_owned(),
    ];
    for (place, assertion) in refused.iter().enumerate() {
        let answer = send(assertion, "").await;
        assert_eq!((answer.status, answer.json["error"].as_str()), (401, Some("invalid_client")), "case {place}: {}", answer.text);
    }
    send(&with(&|_| ()), "&client_id=app_01kaxq2n6gf5t8y4cqz3m7w9xb").await.expect(401);
    send(&with(&|_| ()), &format!("&client_id={id}&client_secret={}", application.secret)).await.expect(400);

    let revoke = format!("{path}/{}/revoke", text(&registered, "id"));
    claviger.post(&revoke, json!({ "reason": "superseded" })).await.expect(200);
    let answer = send(&with(&|_| ()), "").await.expect(401);
    assert_eq!(answer["error_description"], "this credential is revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_bound_to_the_key_of_a_proof_that_works_once() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({ "require_dpop": true })).await;
    let (key, stranger) = (ClientKey::new(), ClientKey::new());
    let public = |key: &ClientKey| {
        let mut jwk = key.jwk.clone();
        jwk.as_object_mut().expect("a key").remove("kid");
        jwk
    };
    let url = format!("{}/oauth2/token", claviger.url);
    let number = std::cell::Cell::new(0);
    let proof = |header: &dyn Fn(&mut Value), claims: &dyn Fn(&mut Value)| {
        number.set(number.get() + 1);
        let mut head = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": public(&key) });
        let mut body = json!({ "htm": "POST", "htu": url, "iat": 1_795_507_200, "jti": format!("proof-{}", number.get()) });
        header(&mut head);
        claims(&mut body);
        key.sign(&head, &body)
    };
    let send = async |proofs: &[&str]| {
        let mut request = claviger
            .request(Method::POST, "/oauth2/token")
            .basic_auth(&application.id, Some(&application.secret))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        claviger.send(request.body("grant_type=client_credentials")).await
    };
    let good = proof(&|_| (), &|_| ());
    let answer = send(&[&good]).await.expect(200);
    assert_eq!(answer["token_type"], "DPoP");
    let token = text(&answer, "access_token");
    let thumbprint = part(&token, 1)["cnf"]["jkt"].clone();
    assert_eq!(thumbprint.as_str().map(str::len), Some(43));
    let told = claviger.introspected(&token).await;
    assert_eq!((&told["token_type"], &told["cnf"]["jkt"]), (&json!("DPoP"), &thumbprint));
    assert_eq!(claviger.verify(json!({ "credential": token })).await["cnf"]["jkt"], thumbprint);

    let refused = [
        good,
        proof(&|head| head["typ"] = "JWT".into(), &|_| ()),
        proof(&|head| head["jwk"] = public(&stranger), &|_| ()),
        proof(&|head| drop(head.as_object_mut().unwrap().remove("jwk")), &|_| ()),
        proof(&|_| (), &|claims| claims["htm"] = "GET".into()),
        proof(&|_| (), &|claims| claims["htu"] = "https://other.example.com/oauth2/token".into()),
        proof(&|_| (), &|claims| claims["iat"] = 1_795_507_100.into()),
        proof(&|_| (), &|claims| claims["iat"] = 1_795_507_300.into()),
        proof(&|_| (), &|claims| drop(claims.as_object_mut().unwrap().remove("jti"))),
        "nonsense".to_owned(),
    ];
    for (place, proof) in refused.iter().enumerate() {
        let answer = send(&[proof]).await;
        assert_eq!((answer.status, answer.json["error"].as_str()), (400, Some("invalid_dpop_proof")), "case {place}: {}", answer.text);
    }
    assert_eq!(send(&[]).await.expect(400)["error"], "invalid_dpop_proof");
    let (one, two) = (proof(&|_| (), &|_| ()), proof(&|_| (), &|_| ()));
    assert_eq!(send(&[&one, &two]).await.expect(400)["error"], "invalid_request");
}
