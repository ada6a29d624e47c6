//! `/v1/environments`

use http::Method;
use serde_json::json;

use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_new_server_has_live_and_test_and_nothing_crosses() {
    let claviger = Claviger::start().await;
    let list = claviger.get("/v1/environments").await.expect(200);
    let slugs: Vec<_> = list["data"].as_array().expect("a list").iter().map(|environment| text(environment, "slug")).collect();
    assert_eq!(slugs, ["live", "test"]);
    let tenant = claviger.tenant("A").await;
    let key = text(&claviger.key(&tenant, json!({})).await, "secret");
    let in_test = |method, path: &str| claviger.request(method, path).bearer_auth(&claviger.root).header("claviger-environment", "test");
    claviger.send(in_test(Method::GET, &format!("/v1/organizations/{}", tenant.organization))).await.refused(404, "NOT_FOUND");
    assert_eq!(claviger.send(in_test(Method::GET, "/v1/api-keys")).await.expect(200)["data"], json!([]));
    let verified = claviger.send(in_test(Method::POST, "/v1/verify").json(&json!({ "credential": key }))).await.expect(200);
    assert_eq!(verified["code"], "NOT_FOUND");
    // The same external id may live in both.
    let made =
        claviger.send(in_test(Method::POST, "/v1/organizations").json(&json!({ "name": "A", "external_id": "c" }))).await.expect(201);
    claviger.post("/v1/organizations", json!({ "name": "A", "external_id": "c" })).await.expect(201);
    claviger.get(&format!("/v1/organizations/{}", text(&made, "id"))).await.refused(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_is_made_with_a_prefix_of_its_own() {
    let claviger = Claviger::start().await;
    let body = json!({ "slug": "staging", "name": "Staging", "key_prefix": "acme_staging" });
    let made = claviger.post("/v1/environments", body.clone()).await.expect(201);
    claviger.post("/v1/environments", body).await.refused(409, "TAKEN");
    claviger.post("/v1/environments", json!({ "slug": "x", "name": "X", "key_prefix": "sk_live" })).await.refused(422, "INVALID_VALUE");
    let owner = claviger
        .send(
            claviger
                .request(Method::POST, "/v1/owners")
                .bearer_auth(&claviger.root)
                .header("claviger-environment", "staging")
                .json(&json!({ "name": "A", "email": "a@example.com", "type": "team" })),
        )
        .await
        .expect(201);
    let key = claviger
        .send(
            claviger
                .request(Method::POST, "/v1/management-keys")
                .bearer_auth(&claviger.root)
                .header("claviger-environment", "staging")
                .json(&json!({ "name": "B", "owner_id": owner["id"], "permissions": ["environments:read", "organizations:read"] })),
        )
        .await
        .expect(201);
    let secret = text(&key, "secret");
    assert!(secret.starts_with("acme_staging_mk_"), "{}", key["hint"]);
    let seen = claviger.ask(&secret, Method::GET, "/v1/environments", None).await.expect(200);
    assert_eq!(seen["data"][0]["id"], made["id"]);
    assert_eq!(seen["data"].as_array().map(Vec::len), Some(1), "only its own");
    let crossing = claviger.request(Method::GET, "/v1/organizations").bearer_auth(&secret).header("claviger-environment", "live");
    claviger.send(crossing).await.refused(403, "PERMISSION_MISSING");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_survives_a_restart() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = text(&claviger.key(&tenant, json!({})).await, "secret");
    claviger.patch("/v1/environments/live", json!({ "name": "Production" })).await.expect(200);
    let (folder, config, clock) = claviger.stop().await;
    let claviger = Claviger::start_in(folder, config, clock).await;
    assert_eq!(claviger.get("/v1/environments/live").await.expect(200)["name"], "Production");
    assert_eq!(claviger.code(&key).await, "VALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_may_start_at_once_on_one_empty_database() {
    use claviger_server::serve::Server;
    let claviger = Claviger::start().await;
    let (folder, mut config, clock) = claviger.stop().await;
    // The same place, emptied: both nodes find nothing.
    std::fs::remove_dir_all(&config.data_dir).expect("it can be removed");
    std::fs::create_dir(&config.data_dir).expect("it can be made");
    if let Some(address) = crate::support::fresh_database() {
        config = crate::support::with_database(config, &address);
    }
    let starts = (0..2).map(|_| Server::start(&config, clock.clone()));
    for server in futures_util::future::join_all(starts).await {
        let server = server.expect("it starts");
        assert_eq!(server.app.authority.gate.epochs().len(), 2, "live and test, once each");
    }
    let claviger = Claviger::start_in(folder, config, clock).await;
    assert_eq!(claviger.get("/v1/management-keys").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
}
