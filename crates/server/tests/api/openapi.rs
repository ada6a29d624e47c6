//! The published document, walked: every operation refuses whom it must, and the file in the repository is current.

use http::Method;
use serde_json::{Value, json};

use crate::support::Claviger;

/// Operations that answer without a management key, each with its reason. This list may only shrink.
const OPEN: [(&str, &str); 15] = [
    ("/livez", "a probe has no credential"),
    ("/readyz", "a probe has no credential"),
    ("/metrics", "scraped on a private address; holds no ids"),
    ("/v1/gateway/auth-request", "judges the caller's own credential"),
    ("/v1/whoami", "tells any valid credential of itself"),
    ("/oauth2/token", "a client authenticates with its own credential; oauth.rs"),
    ("/oauth2/introspect", "a client or a management key, refused in OAuth's own words; oauth.rs"),
    ("/oauth2/revoke", "a client, or the holder of the key; oauth.rs"),
    ("/.well-known/oauth-authorization-server", "metadata is for everybody"),
    ("/.well-known/openid-configuration", "metadata is for everybody"),
    ("/oauth2/jwks", "public keys are for everybody"),
    ("/{environment}/oauth2/jwks", "public keys are for everybody"),
    ("/oauth2/keys/{file}", "public keys are for everybody"),
    ("/{environment}/oauth2/keys/{file}", "public keys are for everybody"),
    ("/v1/verify", "needs its own permission, checked in verify.rs"),
];

fn operations() -> Vec<(Method, String, Value)> {
    let document = serde_json::to_value(claviger_server::router::document()).expect("it can be written");
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if let Ok(method) = method.to_uppercase().parse::<Method>()
                && ["GET", "POST", "PATCH", "DELETE", "PUT"].contains(&method.as_str())
            {
                operations.push((method, path.clone(), operation.clone()));
            }
        }
    }
    operations
}

fn is_open(path: &str) -> bool {
    OPEN.iter().any(|(open, _)| *open == path)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_refuses_strangers_and_the_powerless_before_it_reads_the_body() {
    let claviger = Claviger::start().await;
    // Holds a permission that opens nothing of the management plane.
    let powerless = claviger.management_key(&["credentials:verify"]).await;
    let mut walked = 0;
    for (method, path, _) in operations().into_iter().filter(|(_, path, _)| !is_open(path) && path != "/v1/verify/batch") {
        let address = path.replace("{id}", "org_01kaxq2n6gf5t8y4cqz3m7w9xb").replace("{credential_id}", "cs_06kD3vZ8yT1mXqP5w");
        // Not JSON at all: whoever is not let in must not learn that.
        let stranger = claviger.request(method.clone(), &address).header("content-type", "application/json").body("{broken");
        claviger.send(stranger).await.refused(401, "NO_CREDENTIAL");
        let forged = claviger.request(method.clone(), &address).bearer_auth("clv_live_mk_x").body("{broken");
        claviger.send(forged).await.refused(401, "BAD_CREDENTIAL");
        let powerless =
            claviger.request(method.clone(), &address).bearer_auth(&powerless).header("content-type", "application/json").body("{broken");
        claviger.send(powerless).await.refused(403, "PERMISSION_MISSING");
        walked += 1;
    }
    assert!(walked >= 58, "the document has shrunk: {walked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_another_organization_does_not_exist() {
    let claviger = Claviger::start().await;
    let (mine, foreign) = (claviger.tenant("A").await, claviger.tenant("B").await);
    let bound = claviger.management_key_with(json!({ "role": "administrator", "organization_id": mine.organization })).await;
    let key = claviger.key(&foreign, json!({})).await;
    let operator = claviger.post("/v1/operators", json!({ "name": "O", "email": "o@example.com", "role": "viewer" })).await.expect(201);
    let root = claviger.get("/v1/whoami").await.expect(200);
    let application = claviger.post("/v1/applications", foreign.application(json!({}))).await.expect(201);
    let application = crate::support::text(&application, "id");
    let uri = json!({ "jwks_uri": "https://keys.example.com/" });
    let certificate = json!({ "method": "tls_client_auth", "san_dns": "a.example.com" });
    let trust = json!({ "issuer": "https://issuer.example.com", "audience": "a", "subject": "s" });
    let credential = async |kind: &str, body: &Value| {
        crate::support::text(&claviger.post(&format!("/v1/applications/{application}/{kind}"), body.clone()).await.expect(201), "id")
    };
    let credentials = [
        ("/secrets/", credential("secrets", &json!({})).await),
        ("/keys/", credential("keys", &uri).await),
        ("/certificates/", credential("certificates", &certificate).await),
        ("/trusts/", credential("trusts", &trust).await),
    ];
    let ids = [
        ("/v1/applications/", application.clone()),
        ("/v1/organizations/", foreign.organization.clone()),
        ("/v1/owners/", foreign.owner.clone()),
        ("/v1/api-keys/", crate::support::text(&key, "id")),
        ("/v1/operators/", crate::support::text(&operator, "id")),
        ("/v1/management-keys/", crate::support::text(&root, "id")),
    ];
    let bodies = [
        ("/rotate", json!({ "overlap_seconds": 0 })),
        ("/revoke", json!({ "reason": "unspecified" })),
        ("/keys", uri),
        ("/certificates", certificate),
        ("/trusts", trust),
        ("/transfer", json!({ "to_owner_id": mine.owner })),
    ];
    let mut walked = 0;
    for (method, path, _) in operations().into_iter().filter(|(_, path, _)| path.contains("{id}")) {
        let Some((_, id)) = ids.iter().find(|(start, _)| path.starts_with(start)) else { continue };
        let body = bodies.iter().find(|(end, _)| path.ends_with(end)).map_or(json!({}), |(_, body)| body.clone());
        let credential = credentials.iter().find(|(within, _)| path.contains(within)).map_or("", |(_, id)| id);
        let address = path.replace("{id}", id).replace("{credential_id}", credential);
        let answer = claviger.ask(&bound, method.clone(), &address, Some(body)).await;
        // Operators are nobody's but the environment's: a bound key may not even try.
        let expected =
            if path.starts_with("/v1/operators/") && method == Method::PATCH { (403, "BEYOND_OWN_GRANT") } else { (404, "NOT_FOUND") };
        assert_eq!((answer.status, answer.json["code"].as_str()), (expected.0, Some(expected.1)), "{method} {path}: {}", answer.text);
        walked += 1;
    }
    assert!(walked >= 42, "{walked}");
}

#[test]
fn every_operation_has_words_and_every_body_an_example() {
    let document = serde_json::to_value(claviger_server::router::document()).expect("it can be written");
    for (method, path, operation) in operations() {
        let name = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|words| !words.is_empty()), "{name} has no words");
        if let Some(schema) = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str() {
            let schema = &document["components"]["schemas"][schema.rsplit('/').next().expect("a name")];
            assert!(!schema["example"].is_null() || !schema["examples"].is_null(), "{name}: its body has no example");
        }
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the test is told by the environment to write the file anew")]
fn the_document_in_the_repository_is_current() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    let current = format!("{}\n", claviger_server::router::document().to_pretty_json().expect("it can be written"));
    if std::env::var_os("CLAVIGER_TEST_WRITE_OPENAPI").is_some() {
        std::fs::write(file, &current).expect("it can be written");
    }
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(committed == current, "openapi.json is old: run the test with CLAVIGER_TEST_WRITE_OPENAPI=1 and commit the file");
}
