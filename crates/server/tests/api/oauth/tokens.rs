//! What a token says, and what becomes of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use super::{Application, RESOURCE, part};
use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_says_who_for_whom_and_by_what_it_was_obtained() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({})).await;
    let metadata = claviger.get("/.well-known/oauth-authorization-server").await.expect(200);
    let basic = Some((application.id.as_str(), application.secret.as_str()));
    let answer = claviger.form("/oauth2/token", basic, "grant_type=client_credentials&scope=posts:read").await;
    assert_eq!((&answer.headers["cache-control"], &answer.headers["pragma"]), (&"no-store".parse().unwrap(), &"no-cache".parse().unwrap()));
    let body = answer.expect(200);
    assert_eq!((&body["token_type"], &body["expires_in"], &body["scope"]), (&json!("Bearer"), &json!(600), &json!("posts:read")));
    let token = text(&body, "access_token");
    let (head, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&head["alg"], &head["typ"]), (&json!("ES256"), &json!("at+jwt")));
    let keys = claviger.get("/oauth2/jwks").await.expect(200);
    assert!(keys["keys"].as_array().expect("keys").iter().any(|key| key["kid"] == head["kid"]));
    for (claim, value) in [
        ("iss", metadata["issuer"].clone()),
        ("sub", json!(application.id)),
        ("client_id", json!(application.id)),
        ("aud", json!(RESOURCE)),
        ("org_id", json!(tenant.organization)),
        ("scope", json!("posts:read")),
        ("minted_by", json!(application.secret_id)),
        ("iat", json!(1_795_507_200)),
        ("nbf", json!(1_795_507_200)),
        ("exp", json!(1_795_507_800)),
    ] {
        assert_eq!(claims[claim], value, "{claim}");
    }

    let verified = claviger.verify(json!({ "credential": token, "permissions": ["posts:read"], "resource": RESOURCE })).await;
    assert_eq!(
        (&verified["code"], &verified["kind"], &verified["lifecycle"], &verified["id"], &verified["owner_id"]),
        (&json!("VALID"), &json!("access_token"), &json!("ephemeral"), &claims["jti"], &json!(tenant.owner))
    );
    assert_eq!(claviger.verify(json!({ "credential": token, "permissions": ["posts:write"] })).await["code"], "INSUFFICIENT_PERMISSIONS");
    assert_eq!(
        claviger.verify(json!({ "credential": token, "resource": "https://other.example.com" })).await["code"],
        "INSUFFICIENT_PERMISSIONS"
    );
    let told = claviger.introspected(&token).await;
    assert_eq!((&told["active"], &told["scope"], &told["exp"]), (&json!(true), &json!("posts:read"), &claims["exp"]));

    claviger.clock.advance_seconds(601);
    assert_eq!(claviger.code(&token).await, "EXPIRED");
    assert_eq!(claviger.introspected(&token).await, json!({ "active": false }));
    claviger.authority().flush_usage().await.expect("it can be written");
    let secret = claviger.get(&format!("/v1/applications/{}/secrets/{}", application.id, application.secret_id)).await.expect(200);
    assert_eq!(secret["last_used_from"], "127.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_with_whatever_it_rests_on() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let post = async |path: String, body: Value| claviger.post(&path, body).await.expect(200);

    // By itself.
    let application = claviger.application(&tenant, json!({})).await;
    let (one, other) = (claviger.token(&application, "").await, claviger.token(&application, "").await);
    let basic = Some((application.id.as_str(), application.secret.as_str()));
    claviger.form("/oauth2/revoke", basic, &format!("token={one}")).await.expect(200);
    assert_eq!([claviger.code(&one).await, claviger.code(&other).await], ["REVOKED", "VALID"]);

    // By what a log says of it, or by itself, on behalf of whoever may.
    let (third, fourth) = (claviger.token(&application, "").await, claviger.token(&application, "").await);
    let named = json!({ "application_id": application.id, "jti": part(&third, 1)["jti"] });
    post("/v1/access-tokens/revoke".to_owned(), named).await;
    post("/v1/access-tokens/revoke".to_owned(), json!({ "token": fourth })).await;
    assert_eq!([claviger.code(&third).await, claviger.code(&fourth).await, claviger.code(&other).await], ["REVOKED", "REVOKED", "VALID"]);
    let foreign = claviger.tenant("B").await;
    let bound = claviger.management_key_with(json!({ "role": "administrator", "organization_id": foreign.organization })).await;
    let named = json!({ "application_id": application.id, "jti": "x" });
    claviger.ask(&bound, Method::POST, "/v1/access-tokens/revoke", Some(named)).await.refused(404, "NOT_FOUND");
    for nonsense in
        [json!({}), json!({ "token": other, "jti": "x" }), json!({ "token": "x" }), json!({ "application_id": application.id, "jti": "" })]
    {
        claviger.post("/v1/access-tokens/revoke", nonsense).await.refused(422, "INVALID_VALUE");
    }

    // With the compromise of the secret that obtained it, and not with that of its sibling.
    let sibling = claviger.post(&format!("/v1/applications/{}/secrets", application.id), json!({})).await.expect(201);
    let sibling = Application { id: application.id.clone(), secret_id: text(&sibling, "id"), secret: text(&sibling, "secret") };
    let of_sibling = claviger.token(&sibling, "").await;
    post(format!("/v1/applications/{}/secrets/{}/compromise", application.id, application.secret_id), json!({})).await;
    assert_eq!([claviger.code(&other).await, claviger.code(&of_sibling).await], ["REVOKED", "VALID"]);
    assert_eq!(claviger.introspected(&other).await, json!({ "active": false }));
    claviger.form("/oauth2/token", basic, "grant_type=client_credentials").await.expect(401);

    // With its application, disabled or revoked, and with its organization.
    let path = format!("/v1/applications/{}", application.id);
    post(format!("{path}/disable"), json!({})).await;
    assert_eq!(claviger.code(&of_sibling).await, "DISABLED");
    post(format!("{path}/enable"), json!({})).await;
    let organization = format!("/v1/organizations/{}", tenant.organization);
    post(format!("{organization}/suspend"), json!({})).await;
    assert_eq!(claviger.code(&of_sibling).await, "ORGANIZATION_SUSPENDED");
    post(format!("{organization}/resume"), json!({})).await;
    assert_eq!(claviger.code(&of_sibling).await, "VALID");
    post(format!("{path}/revoke"), json!({ "reason": "no_longer_needed" })).await;
    assert_eq!(claviger.code(&of_sibling).await, "REVOKED");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_one_environment_or_organization_mean_nothing_in_another() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let stranger = claviger.tenant("B").await;
    let application = claviger.application(&tenant, json!({})).await;
    let other = claviger.application(&stranger, json!({})).await;
    let token = claviger.token(&application, "").await;
    // An application sees tokens of its own organization only.
    for (asks, active) in [(&application, true), (&other, false)] {
        let told = claviger.form("/oauth2/introspect", Some((&asks.id, &asks.secret)), &format!("token={token}")).await.expect(200);
        assert_eq!(told["active"], active);
    }
    // And ends only its own.
    claviger.form("/oauth2/revoke", Some((&other.id, &other.secret)), &format!("token={token}")).await.expect(200);
    assert_eq!(claviger.code(&token).await, "VALID");
    let request = claviger.request(Method::POST, "/v1/verify").bearer_auth(&claviger.root).header("claviger-environment", "test");
    assert_eq!(claviger.send(request.json(&json!({ "credential": token }))).await.expect(200)["code"], "NOT_FOUND");
    // A signature of ours over something else is no access token.
    let forged = format!("{}.{}.{}", token.split('.').next().unwrap(), URL_SAFE_NO_PAD.encode("{}"), token.split('.').next_back().unwrap());
    assert_eq!(claviger.code(&forged).await, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_lets_tokens_through_as_it_does_keys() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({})).await;
    let token = claviger.token(&application, "&scope=posts:read").await;
    let ask = async |query: &str| {
        let request = claviger.request(Method::GET, &format!("/v1/gateway/auth-request{query}")).bearer_auth(&token);
        claviger.send(request).await
    };
    let passed = ask("?permissions=posts:read").await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    for (name, value) in [
        ("credential-id", application.secret_id.as_str()),
        ("organization-id", &tenant.organization),
        ("owner-id", &tenant.owner),
        ("permissions", "posts:read"),
        ("environment", "live"),
    ] {
        assert_eq!(passed.headers[format!("x-auth-request-{name}")], value);
    }
    assert_eq!(ask("?permissions=posts:write").await.status, 403);
    claviger.clock.advance_seconds(601);
    let refused = ask("").await;
    assert_eq!((refused.status, &refused.headers["x-auth-error"]), (401, &"EXPIRED".parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_of_tokens_is_kept() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({ "ratelimit": { "limit": 2, "window_seconds": 60 } })).await;
    let ask = async || claviger.form("/oauth2/token", Some((&application.id, &application.secret)), "grant_type=client_credentials").await;
    assert_eq!([ask().await.status, ask().await.status], [200, 200]);
    let refused = ask().await;
    assert_eq!((refused.status, refused.json["error"].as_str()), (429, Some("temporarily_unavailable")));
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<i64>().unwrap() > 0);
    claviger.clock.advance_seconds(60);
    assert_eq!(ask().await.status, 200);
}
