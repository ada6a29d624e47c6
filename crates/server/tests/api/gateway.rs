//! `/v1/gateway/auth-request` and `/v1/whoami`.

use claviger_authority::access::Permission;
use http::Method;
use serde_json::json;

use crate::support::{Claviger, text};

const QUESTION: &str = "/v1/gateway/auth-request?resource=https%3A%2F%2Fapi.example.com&permissions=posts%3Aread";

#[tokio::test(flavor = "multi_thread")]
async fn a_good_key_passes_in_every_dress_with_its_identity() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({})).await;
    let secret = text(&key, "secret");
    let dressed = [
        claviger.request(Method::GET, QUESTION).bearer_auth(&secret),
        claviger.request(Method::POST, QUESTION).header("x-api-key", &secret),
        claviger.request(Method::DELETE, QUESTION).basic_auth(&secret, None::<&str>),
    ];
    for request in dressed {
        let answer = claviger.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        for (name, value) in [
            ("credential-id", text(&key, "id")),
            ("organization-id", tenant.organization.clone()),
            ("owner-id", tenant.owner.clone()),
            ("permissions", "posts:read".into()),
            ("environment", "live".into()),
        ] {
            assert_eq!(answer.headers[format!("x-auth-request-{name}").as_str()], value);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_speaks_rfc_6750() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({ "ratelimit": { "limit": 1, "window_seconds": 60 } })).await;
    let secret = text(&key, "secret");
    let ask = |path: &str, key: Option<&str>| {
        let request = claviger.request(Method::GET, path);
        claviger.send(match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        })
    };
    let missing = ask(QUESTION, None).await;
    assert_eq!(missing.headers["www-authenticate"], "Bearer realm=\"claviger\"");
    missing.refused(401, "NO_CREDENTIAL");
    let narrow = ask("/v1/gateway/auth-request?permissions=posts:write", Some(&secret)).await;
    assert_eq!(narrow.headers["www-authenticate"], "Bearer realm=\"claviger\", error=\"insufficient_scope\", scope=\"posts:write\"");
    narrow.refused(403, "INSUFFICIENT_PERMISSIONS");
    assert_eq!(ask(QUESTION, Some(&secret)).await.status, 200);
    let limited = ask(QUESTION, Some(&secret)).await;
    assert_eq!(
        (&limited.headers["retry-after"], &limited.headers["ratelimit-limit"]),
        (&"60".parse().expect("a value"), &"1".parse().expect("a value"))
    );
    limited.refused(429, "RATE_LIMITED");
    let for_nginx = ask(&format!("{QUESTION}&rate_limited=403"), Some(&secret)).await;
    assert_eq!(for_nginx.headers["x-auth-error"], "RATE_LIMITED");
    for_nginx.refused(403, "RATE_LIMITED");
    claviger.post(&format!("/v1/api-keys/{}/revoke", text(&key, "id")), json!({ "reason": "key_compromise" })).await.expect(200);
    let revoked = ask(QUESTION, Some(&secret)).await;
    assert_eq!(revoked.headers["www-authenticate"], "Bearer realm=\"claviger\", error=\"invalid_token\"");
    revoked.refused(401, "REVOKED");
    ask(QUESTION, Some(&claviger.root)).await.refused(401, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_query_string_is_refused_even_when_it_is_good() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let secret = text(&claviger.key(&tenant, json!({})).await, "secret");
    let request =
        claviger.request(Method::GET, QUESTION).bearer_auth(&secret).header("x-original-uri", format!("/posts?a=b&api_key={secret}"));
    let refused = claviger.send(request).await;
    assert!(!refused.text.contains(&secret));
    refused.refused(401, "CREDENTIAL_IN_QUERY");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_proxy_is_believed_about_the_client() {
    for (trusted, status) in [(vec![], 403), (vec!["127.0.0.0/8".parse().expect("a network")], 200)] {
        let claviger = Claviger::start_with(|config| config.http.trusted_proxies = trusted).await;
        let tenant = claviger.tenant("A").await;
        let secret = text(&claviger.key(&tenant, json!({ "allowed_cidrs": ["192.0.2.0/24"] })).await, "secret");
        let request = claviger.request(Method::GET, QUESTION).bearer_auth(&secret).header("x-forwarded-for", "192.0.2.9");
        assert_eq!(claviger.send(request).await.status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_tells_a_holder_who_it_is() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({})).await;
    let me = claviger.ask(&text(&key, "secret"), Method::GET, "/v1/whoami", None).await.expect(200);
    assert_eq!((&me["id"], &me["kind"], &me["permissions"]), (&key["id"], &json!("api_key"), &json!(["posts:read"])));
    let root = claviger.get("/v1/whoami").await.expect(200);
    assert_eq!(
        (root["kind"].as_str(), root["permissions"].as_array().map(Vec::len)),
        (Some("management_key"), Some(Permission::ALL.len()))
    );
    claviger.ask("x", Method::GET, "/v1/whoami", None).await.refused(401, "BAD_CREDENTIAL");
}
