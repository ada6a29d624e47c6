//! The proof that runs beside every other test (`support/canary.rs`), put to the test itself.

use http::Method;
use serde_json::json;

use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_found_wherever_it_was_left() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    assert_eq!(claviger.canary.count(), 1, "the first key");
    let secret = text(&claviger.key(&tenant, json!({})).await, "secret");
    assert_eq!(claviger.canary.count(), 2);
    assert_eq!(claviger.canary.places(), Vec::<String>::new());
    let found = |place: &str| claviger.canary.places().iter().any(|found| found.contains(place));

    // Half of it is as bad as all of it.
    let half = &secret[secret.len() - 49..secret.len() - 24];
    std::fs::write(claviger.config.data_dir.join("left"), format!("{{\"x\":\"{half}\"}}")).expect("it can be written");
    assert!(found("data/left"));
    std::fs::remove_file(claviger.config.data_dir.join("left")).expect("it can be removed");
    assert_eq!(claviger.canary.places(), Vec::<String>::new());

    claviger.server.metrics.request(&secret, &Method::GET, http::StatusCode::OK, std::time::Duration::ZERO);
    assert!(found("the metrics"));
    tracing::trace!(half, "left in the log");
    assert!(found("the log"));
    // A customer may do what the server may not: its text is kept, and told again.
    claviger.patch(&format!("/v1/organizations/{}", tenant.organization), json!({ "name": half })).await.expect(200);
    assert!(found(if claviger.config.database.expose().is_empty() { "claviger.db" } else { "a row of the database" }));
    claviger.patch(&format!("/v1/organizations/{}", tenant.organization), json!({ "name": secret })).await;
    claviger.get(&format!("/v1/organizations/{}", tenant.organization)).await;
    assert!(found("a later answer of /v1/organizations/"), "{:?}", claviger.canary.places());
    assert!(!claviger.canary.places().concat().contains(half), "a place is told without the secret");
    claviger.canary.forget();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_the_wrong_place_is_kept_and_repeated_nowhere() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({})).await;
    let id = text(&key, "id");
    let rotated = claviger.post(&format!("/v1/api-keys/{id}/rotate"), json!({ "overlap_seconds": 60 })).await.expect(200);
    for secret in [text(&key, "secret"), text(&rotated, "secret")] {
        claviger.get(&format!("/v1/api-keys/{secret}")).await.refused(404, "NOT_FOUND");
        claviger.post(&format!("/v1/api-keys/{secret}/revoke"), json!({ "reason": "superseded" })).await.refused(404, "NOT_FOUND");
        claviger.get(&format!("/v1/api-keys?search={secret}")).await.expect(200);
        for query in [format!("tag={secret}"), format!("cursor={secret}"), format!("organization_id={secret}"), format!("limit={secret}")] {
            claviger.get(&format!("/v1/api-keys?{query}")).await;
        }
        for body in [
            json!({ "credential": [secret] }),
            json!({ "credential": { "key": secret } }),
            json!({ "credential": "x", secret.as_str(): 1 }),
            json!({ "credential": "x", "permissions": [secret] }),
            json!({ "credential": "x", "ip": secret }),
            json!(secret),
        ] {
            claviger.post("/v1/verify", body).await;
        }
        claviger.send(claviger.request(Method::GET, "/v1/api-keys").header("authorization", &secret)).await;
    }
    for path in ["/v1/api-keys/export", "/v1/api-keys/export?format=csv", "/v1/journal?limit=200", "/metrics", "/openapi.json"] {
        claviger.get(path).await;
    }
}
