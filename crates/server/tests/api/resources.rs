//! `/v1/resources`

use http::Method;
use serde_json::json;

use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_in_use_is_removed_only_with_cascade() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({ "permissions": ["posts:read", "posts:write"] })).await;
    let both = json!([{ "identifier": "https://api.example.com", "permissions": ["posts:read", "posts:write"] }]);
    let application = claviger.post("/v1/applications", tenant.application(json!({ "resources": both }))).await.expect(201);
    let only = json!([{ "identifier": "https://api.example.com", "permissions": ["posts:write"] }]);
    let emptied = claviger.post("/v1/applications", tenant.application(json!({ "resources": only }))).await.expect(201);
    let resource = claviger.get("/v1/resources").await.expect(200)["data"][0].clone();
    let path = format!("/v1/resources/{}", text(&resource, "id"));
    let without = json!({ "permissions": [{ "name": "posts:read", "risk": "low" }] });
    let refused = claviger.patch(&path, without.clone()).await.refused(409, "PERMISSIONS_IN_USE");
    assert!(text(&refused, "detail").starts_with("1 keys and 2 applications"), "the count is told: {refused}");
    let wanted = json!({ "credential": key["secret"], "permissions": ["posts:write"] });
    assert_eq!(claviger.verify(wanted.clone()).await["code"], "VALID");
    let mut cascade = without;
    cascade["cascade"] = json!(true);
    let limited = claviger.management_key(&["resources:write", "keys:update"]).await;
    claviger.ask(&limited, Method::PATCH, &path, Some(cascade.clone())).await.refused(403, "PERMISSION_MISSING");
    claviger.patch(&path, cascade).await.expect(200);
    assert_eq!(claviger.verify(wanted).await["code"], "INSUFFICIENT_PERMISSIONS");
    assert_eq!(claviger.code(&text(&key, "secret")).await, "VALID");
    let events = claviger.get(&format!("/v1/journal?subject={}&kind=api_key.narrowed", text(&key, "id"))).await.expect(200);
    assert_eq!(events["data"][0]["data"]["removed"], json!(["posts:write"]));
    for (application, left) in [(&application, json!(["posts:read"])), (&emptied, json!([]))] {
        let read = claviger.get(&format!("/v1/applications/{}", text(application, "id"))).await.expect(200);
        assert_eq!(read["resources"], json!([{ "identifier": "https://api.example.com", "permissions": left }]));
        let told = claviger.get(&format!("/v1/journal?subject={}&kind=application.narrowed", text(application, "id"))).await.expect(200);
        assert_eq!(told["data"][0]["data"]["removed"][0]["permissions"], json!(["posts:write"]));
    }
    claviger.ask(&claviger.root, Method::DELETE, &path, None).await.refused(409, "PERMISSIONS_IN_USE");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unused_resource_can_be_removed() {
    let claviger = Claviger::start().await;
    let made = claviger.post("/v1/resources", json!({ "identifier": "urn:x:y", "name": "X", "permissions": [] })).await.expect(201);
    claviger.post("/v1/resources", json!({ "identifier": "urn:x:y", "name": "X", "permissions": [] })).await.refused(409, "TAKEN");
    let path = format!("/v1/resources/{}", text(&made, "id"));
    assert_eq!(claviger.ask(&claviger.root, Method::DELETE, &path, None).await.status, 204);
    claviger.get(&path).await.refused(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_in_a_catalogue_is_named_by_its_place() {
    let claviger = Claviger::start().await;
    let body = json!({ "identifier": "no-uri", "name": "", "permissions": [
        { "name": "a b", "risk": "low" }, { "name": "x", "risk": "low" }, { "name": "x", "risk": "high" },
    ], "token": { "alg": "none", "typ": "at+jwt", "lifetime_seconds": 1 } });
    let refused = claviger.post("/v1/resources", body).await.refused(422, "INVALID_VALUE");
    let pointers: Vec<_> = refused["errors"].as_array().expect("errors").iter().map(|error| text(error, "pointer")).collect();
    assert_eq!(pointers, ["/identifier", "/name", "/permissions/0/name", "/permissions/2/name", "/token/alg", "/token/lifetime_seconds"]);
}
