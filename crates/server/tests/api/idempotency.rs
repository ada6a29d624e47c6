//! `Idempotency-Key` on creates.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Claviger, text};

async fn create(claviger: &Claviger, path: &str, key: &str, body: &Value) -> Answer {
    let request = claviger.request(Method::POST, path).bearer_auth(&claviger.root).header("idempotency-key", key).json(body);
    claviger.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_body_answer_the_same_object_without_its_secret() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let body = tenant.key(json!({}));
    let first = create(&claviger, "/v1/api-keys", "k-1", &body).await.expect(201);
    let again = create(&claviger, "/v1/api-keys", "k-1", &body).await.expect(200);
    assert_eq!((&first["code"], &again["code"]), (&json!("CREATED"), &json!("ALREADY_CREATED")));
    assert_eq!(first["id"], again["id"]);
    assert_eq!(again.get("secret"), None);
    assert_eq!(claviger.get("/v1/api-keys").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
    create(&claviger, "/v1/api-keys", "k-1", &tenant.key(json!({ "name": "Other" }))).await.refused(422, "IDEMPOTENCY_MISMATCH");
    // A day later the key is free again.
    claviger.clock.advance_seconds(24 * 60 * 60 + 1);
    let later = create(&claviger, "/v1/api-keys", "k-1", &body).await.expect(201);
    assert_ne!(later["id"], first["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_create_knows_it_and_callers_do_not_share_keys() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    for (path, body) in [
        ("/v1/organizations", json!({ "name": "B" })),
        ("/v1/owners", json!({ "name": "B", "email": "b@example.com", "type": "team" })),
        ("/v1/resources", json!({ "identifier": "urn:b:b", "name": "B", "permissions": [] })),
        ("/v1/operators", json!({ "name": "B", "email": "b@example.com", "role": "viewer" })),
        (
            "/v1/management-keys",
            json!({ "name": "B", "owner_id": claviger.post("/v1/owners", json!({ "name": "T", "email": "t@example.com", "type": "team" })).await.expect(201)["id"], "role": "viewer" }),
        ),
    ] {
        let first = create(&claviger, path, path, &body).await.expect(201);
        let again = create(&claviger, path, path, &body).await;
        assert_eq!(again.json["id"], first["id"], "{path}");
        assert_eq!(again.json.get("secret"), None, "{path}");
    }
    let other = claviger.management_key(&["keys:create"]).await;
    let body = tenant.key(json!({ "resource": "https://api.example.com" }));
    let mine = create(&claviger, "/v1/api-keys", "shared", &body).await.expect(201);
    let request = claviger.request(Method::POST, "/v1/api-keys").bearer_auth(other).header("idempotency-key", "shared").json(&body);
    assert_ne!(claviger.send(request).await.expect(201)["id"], mine["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_make_one_and_the_rest_are_told() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let body = tenant.key(json!({}));
    let answers = futures_util::future::join_all((0..16).map(|_| create(&claviger, "/v1/api-keys", "k", &body))).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(made.len(), 1, "exactly one makes the key");
    for answer in &answers {
        match answer.status {
            201 => (),
            200 => assert_eq!(answer.json["id"], made[0].json["id"]),
            409 => assert_eq!(answer.json["code"], "IDEMPOTENCY_IN_FLIGHT"),
            _ => panic!("{answer:?}"),
        }
    }
    assert_eq!(claviger.get("/v1/api-keys").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_refused() {
    let claviger = Claviger::start().await;
    let refused = create(&claviger, "/v1/organizations", &"x".repeat(256), &json!({ "name": "A" })).await.refused(422, "INVALID_VALUE");
    assert_eq!(text(&refused["errors"][0], "pointer"), "Idempotency-Key");
}
