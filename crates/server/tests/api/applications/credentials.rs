//! What an application proves itself with instead of a secret.

use http::Method;
use serde_json::{Value, json};

use super::{dead_tokens, events, path};
use crate::support::{Claviger, text};

const KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn jwk(more: Value) -> Value {
    let mut jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": KEY });
    for (field, value) in more.as_object().expect("an object") {
        jwk[field] = value.clone();
    }
    json!({ "jwk": jwk })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_key_is_taken_once_and_a_private_one_never() {
    let claviger = Claviger::start().await;
    let (a, b) = (claviger.tenant("A").await, claviger.tenant("B").await);
    let application = path(&claviger, &a).await;
    let path = format!("{application}/keys");
    let mut body = jwk(json!({ "kid": "mine" }));
    body["expires_at"] = json!("2026-12-01T00:00:00Z");
    let made = claviger.post(&path, body).await.expect(201);
    assert_eq!((&made["kind"], &made["hint"], &made["status"]), (&json!("public_key"), &json!("kPrK_qmx"), &json!("active")));
    let published = json!({
        "kty": "OKP", "crv": "Ed25519", "x": KEY, "alg": "EdDSA", "use": "sig", "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    });
    let read = claviger.get(&format!("{path}/{}", text(&made, "id"))).await.expect(200);
    assert_eq!((&read["jwk"], &read["expires_at"]), (&published, &json!("2026-12-01T00:00:00Z")));
    // The same key once more, however it is written, here or elsewhere, also when it is revoked.
    let other = self::path(&claviger, &b).await;
    claviger.post(&path, jwk(json!({}))).await.refused(409, "TAKEN");
    let revoked = claviger.post(&format!("{path}/{}/revoke", text(&made, "id")), json!({ "reason": "key_compromise" })).await.expect(200);
    assert_eq!(revoked["status"], "revoked");
    assert_eq!(dead_tokens(&claviger).await, [text(&made, "id")]);
    let bound = claviger.management_key_with(json!({ "role": "administrator", "organization_id": b.organization })).await;
    let refused = claviger.ask(&bound, Method::POST, &format!("{other}/keys"), Some(jwk(json!({})))).await.refused(409, "TAKEN");
    assert!(!refused.to_string().contains(&text(&made, "id")), "whose it is is nobody else's business: {refused}");
    let private = claviger.post(&path, jwk(json!({ "d": KEY }))).await.refused(422, "INVALID_VALUE");
    assert!(text(&private["errors"][0], "detail").contains("consider this key leaked"), "{private}");
    assert!(!private.to_string().contains(KEY));
    let rsa = |alg: &str| json!({ "jwk": { "kty": "RSA", "e": "AQAB", "n": format!("{}w", "_".repeat(341)), "alg": alg } });
    let refused = claviger.post(&path, rsa("RS256")).await.refused(422, "INVALID_VALUE");
    assert!(text(&refused["errors"][0], "detail").contains("RS256, which is not taken"), "{refused}");
    for body in [
        json!({}),
        json!({ "jwk": {} }),
        jwk(json!({ "use": "enc" })),
        json!({ "jwk": { "kty": "EC", "crv": "P-384", "x": KEY, "y": KEY } }),
        json!({ "jwks_uri": "http://keys.example.com" }),
        json!({ "jwks_uri": "https://user@keys.example.com/" }),
        json!({ "jwks_uri": "https://keys.example.com/#x" }),
        json!({ "jwks_uri": "https://169.254.169.254/" }),
        json!({ "jwks_uri": "https://keys.example.com/", "jwk": { "kty": "OKP", "crv": "Ed25519", "x": KEY } }),
    ] {
        claviger.post(&path, body).await.refused(422, "INVALID_VALUE");
    }
    let uri = claviger.post(&path, json!({ "jwks_uri": "https://keys.example.com/jwks.json", "name": "Ours" })).await.expect(201);
    assert_eq!((&uri["jwks_uri"], uri.get("jwk")), (&json!("https://keys.example.com/jwks.json"), None));
    let list = claviger.get(&path).await.expect(200);
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    for _ in 0..9 {
        claviger.post(&path, json!({ "jwks_uri": "https://keys.example.com/jwks.json" })).await.expect(201);
    }
    claviger.post(&path, json!({ "jwks_uri": "https://keys.example.com/jwks.json" })).await.refused(409, "TOO_MANY_CREDENTIALS");
    let kinds: Vec<String> = events(&claviger, &application).await.into_iter().map(|(kind, _)| kind).take(3).collect();
    assert_eq!(kinds, ["client_key.created", "client_key.revoked", "client_key.created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_known_by_its_thumbprint_or_by_one_subject() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = path(&claviger, &tenant).await;
    let path = format!("{application}/certificates");
    let (thumbprint, pem) = (THUMBPRINT, PEM);
    let made = claviger.post(&path, json!({ "method": "self_signed", "certificate_pem": pem })).await.expect(201);
    assert_eq!((&made["kind"], &made["x5t_s256"]), (&json!("certificate"), &json!(thumbprint)));
    let known = claviger.post(&path, json!({ "method": "self_signed", "x5t_s256": thumbprint })).await.expect(201);
    assert_eq!(known["x5t_s256"], json!(thumbprint));
    for (field, value) in
        [("subject_dn", "CN=billing,O=Example"), ("san_dns", "billing.example.com"), ("san_uri", "spiffe://example.com/billing")]
    {
        let made = claviger.post(&path, json!({ "method": "tls_client_auth", field: value })).await.expect(201);
        let read = claviger.get(&format!("{path}/{}", text(&made, "id"))).await.expect(200);
        assert_eq!((&read["method"], &read[field]), (&json!("tls_client_auth"), &json!(value)));
    }
    for body in [
        json!({}),
        json!({ "method": "self_signed" }),
        json!({ "method": "self_signed", "certificate_pem": pem, "x5t_s256": thumbprint }),
        json!({ "method": "self_signed", "certificate_pem": &pem[..pem.len() / 2] }),
        json!({ "method": "self_signed", "certificate_pem": "-----BEGIN PRIVATE KEY-----" }),
        json!({ "method": "self_signed", "x5t_s256": &thumbprint[1..] }),
        json!({ "method": "self_signed", "x5t_s256": thumbprint, "san_dns": "a.example.com" }),
        json!({ "method": "tls_client_auth" }),
        json!({ "method": "tls_client_auth", "san_dns": "a.example.com", "subject_dn": "CN=a" }),
        json!({ "method": "tls_client_auth", "san_dns": "a.example.com", "x5t_s256": thumbprint }),
        json!({ "method": "tls_client_auth", "san_dns": "*.example.com" }),
        json!({ "method": "tls_client_auth", "subject_dn": "billing" }),
        json!({ "method": "tls_client_auth", "san_uri": "billing" }),
    ] {
        claviger.post(&path, body).await.refused(422, "INVALID_VALUE");
    }
    let id = text(&made, "id");
    let revoked = claviger.post(&format!("{path}/{id}/revoke"), json!({ "reason": "superseded" })).await.expect(200);
    assert_eq!((&revoked["status"], &revoked["revocation"]["reason"]), (&json!("revoked"), &json!("superseded")));
    assert_eq!(claviger.get(&path).await.expect(200)["data"].as_array().map(Vec::len), Some(5));
    let kinds: Vec<String> = events(&claviger, &application).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!((kinds[0].as_str(), kinds[5].as_str()), ("certificate.created", "certificate.revoked"));
}

/// What OpenSSL tells of this certificate, and the certificate.
const THUMBPRINT: &str = "vB19M9q8QnJ-jjLRgbu8FC9kLbMM8khpvMzxRiuQwmU";
const PEM: &str = "-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUJVkeSC0i2ZFXkd8w39n8aJwZqdswCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHYmlsbGluZzAeFw0yNjExMjQxMzA2NTVaFw0zNjExMjExMzA2
NTVaMBIxEDAOBgNVBAMMB2JpbGxpbmcwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQ8EYFIlSfzIKdPrIAZHnuHLQahTMCXPu3BgBEIsTUNx15eN4CZNIKG8iXeVIoF
UlWtGOoIcqaMxAxNOIylMXdoo1MwUTAdBgNVHQ4EFgQUUM1FLeOddnxilFExWtHC
OBEz87MwHwYDVR0jBBgwFoAUUM1FLeOddnxilFExWtHCOBEz87MwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAtWoIRhxqADXksHke8oAd3YUZft3G
jeMndudRk1T/mxkCIFjJIAokAXiHF9KKvCSuTc0DJgGt5KpBfgL+R6Eumfaa
-----END CERTIFICATE-----";

#[tokio::test(flavor = "multi_thread")]
async fn a_trust_says_whose_tokens_stand_for_the_application() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = path(&claviger, &tenant).await;
    let path = format!("{application}/trusts");
    let trust = |more: Value| {
        let mut body = json!({ "issuer": "https://token.actions.githubusercontent.com", "audience": "https://auth.example.com" });
        for (field, value) in more.as_object().expect("an object") {
            body[field] = value.clone();
        }
        body
    };
    let wanted =
        json!({ "subject": "repo:example/shop:*", "claims": { "environment": "production" }, "jwks_uri": "https://keys.example.com/" });
    let made = claviger.post(&path, trust(wanted.clone())).await.expect(201);
    let read = claviger.get(&format!("{path}/{}", text(&made, "id"))).await.expect(200);
    for (field, value) in trust(wanted).as_object().expect("an object") {
        assert_eq!(&read[field], value, "{field}");
    }
    assert_eq!((&read["kind"], &read["hint"]), (&json!("trust"), &json!("token.actions.githubusercontent.com")));
    claviger.post(&path, trust(json!({ "claims": { "repository_id": "7" } }))).await.expect(201);
    for more in [
        json!({}),
        json!({ "subject": "*" }),
        json!({ "subject": "**", "claims": { "environment": "*" } }),
        json!({ "subject": "" }),
        json!({ "subject": "s", "claims": { "": "x" } }),
        json!({ "subject": "s", "claims": { "x": "" } }),
        json!({ "subject": "s", "audience": "" }),
        json!({ "subject": "s", "issuer": "http://issuer.example.com" }),
        json!({ "subject": "s", "issuer": "https://issuer.example.com?x=y" }),
        json!({ "subject": "s", "issuer": "https://127.0.0.1" }),
        json!({ "subject": "s", "jwks_uri": "https://[::1]/" }),
    ] {
        claviger.post(&path, trust(more)).await.refused(422, "INVALID_VALUE");
    }
    let id = text(&made, "id");
    claviger.post(&format!("{path}/{id}/revoke"), json!({ "reason": "policy", "tokens": "die" })).await.expect(200);
    assert_eq!(dead_tokens(&claviger).await, [id]);
    let told = events(&claviger, &application).await;
    assert_eq!((told[0].0.as_str(), told[2].0.as_str()), ("trust.created", "trust.revoked"));
    assert_eq!(told[0].1["subject"], Value::Null, "it may be a person's address");
}
