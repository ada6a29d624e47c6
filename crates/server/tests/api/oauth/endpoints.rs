//! The endpoints as OAuth libraries and their mistakes meet them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::json;

use super::RESOURCE;
use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_refused_as_the_standard_says() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({})).await;
    let other = claviger.application(&tenant, json!({})).await;
    let (id, secret) = (application.id.as_str(), application.secret.as_str());
    let good = Some((id, secret));
    let in_body = format!("&client_id={id}&client_secret={secret}");
    let cc = "grant_type=client_credentials";
    type Case<'a> = (Option<(&'a str, &'a str)>, String, u16, &'a str);
    let cases: &[Case<'_>] = &[
        (good, cc.to_owned(), 200, ""),
        (None, format!("{cc}{in_body}"), 200, ""),
        (good, format!("{cc}&client_id={id}"), 200, ""),
        (good, format!("{cc}&client_id={}", other.id), 400, "invalid_request"),
        (good, format!("{cc}{in_body}"), 400, "invalid_request"),
        (None, cc.to_owned(), 401, "invalid_client"),
        (None, format!("{cc}&client_id={id}"), 401, "invalid_client"),
        (Some((id, &other.secret)), cc.to_owned(), 401, "invalid_client"),
        (Some((&other.id, secret)), cc.to_owned(), 401, "invalid_client"),
        (Some((id, "wrong")), cc.to_owned(), 401, "invalid_client"),
        (Some((id, "")), cc.to_owned(), 401, "invalid_client"),
        (Some(("app_01kaxq2n6gf5t8y4cqz3m7w9xb", secret)), cc.to_owned(), 401, "invalid_client"),
        (Some(("' OR 1=1 --", secret)), cc.to_owned(), 401, "invalid_client"),
        (Some((id, &claviger.root)), cc.to_owned(), 401, "invalid_client"),
        (good, String::new(), 400, "invalid_request"),
        (good, "grant_type=".to_owned(), 400, "invalid_request"),
        (good, "grant_type=password&username=a&password=b".to_owned(), 400, "unsupported_grant_type"),
        (good, "grant_type=refresh_token&refresh_token=x".to_owned(), 400, "unsupported_grant_type"),
        (good, "grant_type=authorization_code&code=x".to_owned(), 400, "unsupported_grant_type"),
        (good, "grant_type=CLIENT_CREDENTIALS".to_owned(), 400, "unsupported_grant_type"),
        (good, format!("{cc}&{cc}"), 400, "invalid_request"),
        (good, format!("{cc}&scope=posts:read&scope=posts:read"), 400, "invalid_request"),
        (good, format!("{cc}&scope="), 200, ""),
        (good, format!("{cc}&scope=posts:read+posts:write"), 200, ""),
        (good, format!("{cc}&scope=posts:read%20posts:read"), 200, ""),
        (good, format!("{cc}&scope=posts:delete"), 400, "invalid_scope"),
        (good, format!("{cc}&scope=posts:read++posts:write"), 400, "invalid_scope"),
        (good, format!("{cc}&scope=%22"), 400, "invalid_scope"),
        (good, format!("{cc}&scope=%00"), 400, "invalid_scope"),
        (good, format!("{cc}&scope=%C3%A9"), 400, "invalid_scope"),
        (good, format!("{cc}&resource={RESOURCE}"), 200, ""),
        (good, format!("{cc}&resource={RESOURCE}&resource={RESOURCE}"), 200, ""),
        (good, format!("{cc}&resource=https://other.example.com"), 400, "invalid_target"),
        (good, format!("{cc}&resource=nonsense"), 400, "invalid_target"),
        (good, format!("{cc}&resource={RESOURCE}%23fragment"), 400, "invalid_target"),
        (good, format!("{cc}&unknown=parameter"), 200, ""),
        (good, format!("{cc}&%FF=%FF"), 200, ""),
        (good, format!("{cc}&{}", "a=b&".repeat(70)), 400, "invalid_request"),
        (good, format!("{cc}&pad={}", "x".repeat(70_000)), 413, "invalid_request"),
    ];
    for (place, (basic, body, status, error)) in cases.iter().enumerate() {
        let answer = claviger.form("/oauth2/token", *basic, body).await;
        assert_eq!(answer.status, *status, "case {place}: {body:.60}: {}", answer.text);
        assert_eq!(answer.headers["cache-control"], "no-store", "case {place}");
        if *status == 401 {
            assert_eq!(answer.headers.contains_key("www-authenticate"), basic.is_some(), "case {place}");
        }
        if *status >= 400 {
            assert_eq!(answer.json["error"], *error, "case {place}: {}", answer.text);
            assert!(answer.json["error_description"].as_str().is_some_and(|words| words.len() > 10), "case {place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_methods_that_are_not_of_the_endpoint_are_refused() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({})).await;
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let good = basic(&format!("{}:{}", application.id, application.secret));
    let post = |path: &str| claviger.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
    let cc = "grant_type=client_credentials";
    let refused = [
        (post("/oauth2/token").header("authorization", "Basic !!!").body(cc), 400, "invalid_request"),
        (post("/oauth2/token").header("authorization", "Digest x").body(cc), 400, "invalid_request"),
        (post("/oauth2/token").header("authorization", basic("no-colon")).body(cc), 400, "invalid_request"),
        (post("/oauth2/token").header("authorization", &good).header("authorization", &good).body(cc), 400, "invalid_request"),
        (post("/oauth2/token?grant_type=client_credentials").header("authorization", &good).body(cc), 400, "invalid_request"),
        (
            claviger
                .request(Method::POST, "/oauth2/token")
                .header("authorization", &good)
                .json(&json!({ "grant_type": "client_credentials" })),
            400,
            "invalid_request",
        ),
        (claviger.request(Method::POST, "/oauth2/token").header("authorization", &good).body(cc), 400, "invalid_request"),
        (post("/nowhere/oauth2/token").header("authorization", &good).body(cc), 404, "invalid_request"),
        (post("/test/oauth2/token").header("authorization", &good).body(cc), 401, "invalid_client"),
        (post("/oauth2/introspect").body("token=x"), 401, "invalid_client"),
        (post("/oauth2/introspect").header("authorization", "Bearer nonsense").body("token=x"), 401, "invalid_client"),
        (post("/oauth2/introspect").header("authorization", &good).body("x=y"), 400, "invalid_request"),
        (post("/oauth2/revoke").header("authorization", &good).body("x=y"), 400, "invalid_request"),
    ];
    for (place, (request, status, error)) in refused.into_iter().enumerate() {
        let answer = claviger.send(request).await;
        assert_eq!((answer.status, answer.json["error"].as_str()), (status, Some(error)), "case {place}: {}", answer.text);
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = claviger.send(claviger.request(method.clone(), "/oauth2/token")).await;
        assert_eq!(answer.status, 405, "{method}");
    }
    // Encoded more than needed, as some clients do, and with the scheme in any case.
    let encoded: String = application.secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let request = post("/oauth2/token").header("authorization", basic(&format!("{}:{encoded}", application.id)).replace("Basic", "bAsIc"));
    claviger.send(request.body(cc)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_and_revocation_take_api_keys_too() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({ "permissions": ["posts:read"] })).await;
    let secret = text(&key, "secret");
    let told = claviger.introspected(&secret).await;
    assert_eq!((&told["active"], &told["sub"], &told["scope"]), (&json!(true), &key["id"], &json!("posts:read")));
    // What has the form of a token belongs to a client, which has to say who it is; anything else is as unknown as it is harmless.
    for (unknown, status) in [("nonsense", 200), ("a.b.c", 200), ("eyJh.eyJh.x", 401)] {
        assert_eq!(claviger.introspected(unknown).await, json!({ "active": false }));
        assert_eq!(claviger.form("/oauth2/revoke", None, &format!("token={unknown}")).await.status, status, "{unknown}");
    }
    claviger.form("/oauth2/revoke", None, &format!("token={secret}")).await.expect(200);
    assert_eq!(claviger.code(&secret).await, "REVOKED");
    assert_eq!(claviger.introspected(&secret).await, json!({ "active": false }));
    claviger.form("/oauth2/revoke", None, &format!("token={secret}")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_names_what_is_served_and_nothing_else() {
    let claviger = Claviger::start().await;
    for (environment, inserted) in [("", ""), ("/test", "/test")] {
        let mut seen = Vec::new();
        for path in [
            format!("/.well-known/oauth-authorization-server{inserted}"),
            format!("/.well-known/openid-configuration{inserted}"),
            format!("{environment}/.well-known/oauth-authorization-server"),
            format!("{environment}/.well-known/openid-configuration"),
        ] {
            let metadata = claviger.get(&path).await.expect(200);
            seen.push(text(&metadata, "issuer"));
            for endpoint in ["token_endpoint", "introspection_endpoint", "revocation_endpoint", "jwks_uri"] {
                let address = text(&metadata, endpoint);
                let path = address.strip_prefix(&claviger.url).unwrap_or_else(|| panic!("{endpoint} is at {address}"));
                let method = if endpoint == "jwks_uri" { Method::GET } else { Method::POST };
                let status = claviger.send(claviger.request(method, path)).await.status;
                assert!(!matches!(status, 404 | 405), "{endpoint} of {path}: {status}");
            }
        }
        assert!(seen.iter().all(|issuer| *issuer == format!("{}{environment}", claviger.url)), "{seen:?}");
    }
    claviger.get("/.well-known/oauth-authorization-server/nowhere").await.expect(404);
}
