//! `/v1/management-keys` and `/v1/operators`: nobody gives what he does not hold.

use http::Method;
use serde_json::json;

use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_key_is_in_its_file_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let claviger = Claviger::start().await;
    let file = claviger.config.bootstrap_key_file.clone().expect("it was named");
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    assert!(claviger.root.starts_with("clv_live_mk_"));
    let (folder, config, clock) = claviger.stop().await;
    std::fs::remove_file(&file).expect("it can be removed");
    std::fs::write(&file, "kept").expect("it can be written");
    let claviger = Claviger::start_in(folder, config, clock).await;
    assert_eq!(claviger.root, "kept", "a second start hands out nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_no_key_that_may_more_than_itself() {
    let claviger = Claviger::start().await;
    let owner = claviger.post("/v1/owners", json!({ "name": "T", "email": "t@example.com", "type": "team" })).await.expect(201);
    let limited = claviger
        .management_key_with(json!({ "permissions": ["management_keys:write", "keys:create", "keys:update"], "grantable": ["posts:read"] }))
        .await;
    let make = |more: serde_json::Value| {
        let mut body = json!({ "name": "N", "owner_id": owner["id"] });
        for (field, value) in more.as_object().expect("an object") {
            body[field] = value.clone();
        }
        claviger.ask(&limited, Method::POST, "/v1/management-keys", Some(body))
    };
    make(json!({ "permissions": ["keys:revoke"] })).await.refused(403, "BEYOND_OWN_GRANT");
    make(json!({ "role": "viewer" })).await.refused(403, "BEYOND_OWN_GRANT");
    make(json!({ "permissions": ["keys:create"], "grantable": ["posts:write"] })).await.refused(403, "BEYOND_OWN_GRANT");
    make(json!({ "permissions": [] })).await.refused(422, "INVALID_VALUE");
    make(json!({ "permissions": ["keys:eat"] })).await.refused(422, "INVALID_VALUE");
    let child = make(json!({ "permissions": ["keys:create"] })).await.expect(201);
    assert_eq!(child["grantable"], json!(["posts:read"]), "a child holds no more than its parent");
    // The same rule for the permissions of API keys, at create and at update.
    let tenant = claviger.tenant("A").await;
    let create = |permissions: &[&str]| {
        claviger.ask(&limited, Method::POST, "/v1/api-keys", Some(tenant.key(json!({ "permissions": permissions }))))
    };
    create(&["posts:read", "posts:write"]).await.refused(403, "BEYOND_OWN_GRANT");
    let key = create(&["posts:read"]).await.expect(201);
    let path = format!("/v1/api-keys/{}", text(&key, "id"));
    let widen = json!({ "permissions": ["posts:read", "posts:write"] });
    claviger.ask(&limited, Method::PATCH, &path, Some(widen)).await.refused(403, "BEYOND_OWN_GRANT");
    claviger.ask(&limited, Method::PATCH, &path, Some(json!({ "permissions": [] }))).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_one_organization_knows_of_no_other() {
    let claviger = Claviger::start().await;
    let (mine, foreign) = (claviger.tenant("A").await, claviger.tenant("B").await);
    let bound = claviger.management_key_with(json!({ "role": "administrator", "organization_id": mine.organization })).await;
    let foreign_key = claviger.key(&foreign, json!({})).await;
    let own_key = claviger.key(&mine, json!({})).await;
    for path in [
        format!("/v1/organizations/{}", foreign.organization),
        format!("/v1/owners/{}", foreign.owner),
        format!("/v1/api-keys/{}", text(&foreign_key, "id")),
    ] {
        claviger.ask(&bound, Method::GET, &path, None).await.refused(404, "NOT_FOUND");
    }
    let list = claviger.ask(&bound, Method::GET, "/v1/api-keys", None).await.expect(200);
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["data"][0]["id"], own_key["id"]);
    claviger.ask(&bound, Method::POST, "/v1/api-keys", Some(foreign.key(json!({})))).await.refused(404, "NOT_FOUND");
    claviger.ask(&bound, Method::POST, "/v1/organizations", Some(json!({ "name": "C" }))).await.refused(403, "BEYOND_OWN_GRANT");
    let verify = |key: &serde_json::Value| claviger.ask(&bound, Method::POST, "/v1/verify", Some(json!({ "credential": key["secret"] })));
    assert_eq!(verify(&own_key).await.expect(200)["code"], "VALID");
    assert_eq!(verify(&foreign_key).await.expect(200)["code"], "NOT_FOUND");
    let journal = claviger.ask(&bound, Method::GET, "/v1/journal?limit=200", None).await.expect(200);
    assert!(journal["data"].as_array().expect("a list").iter().all(|event| event["organization_id"] == mine.organization.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_role_caps_the_key_and_takes_effect_at_once() {
    let claviger = Claviger::start().await;
    let operator = claviger.post("/v1/operators", json!({ "name": "G", "email": "g@example.com", "role": "operator" })).await.expect(201);
    let path = format!("/v1/operators/{}", text(&operator, "id"));
    let key = claviger.management_key_with(json!({ "role": "operator", "operator_id": operator["id"] })).await;
    let act = |name: &'static str| claviger.ask(&key, Method::POST, "/v1/organizations", Some(json!({ "name": name })));
    let verify = || claviger.ask(&key, Method::POST, "/v1/verify", Some(json!({ "credential": "x" })));
    act("A").await.expect(201);
    verify().await.expect(200);
    claviger.patch(&path, json!({ "role": "viewer" })).await.expect(200);
    act("B").await.refused(403, "PERMISSION_MISSING");
    verify().await.refused(403, "PERMISSION_MISSING");
    claviger.patch(&path, json!({ "active": false })).await.expect(200);
    claviger.ask(&key, Method::GET, "/v1/organizations", None).await.refused(401, "BAD_CREDENTIAL");
    verify().await.refused(401, "BAD_CREDENTIAL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_management_key_rotates_expires_and_is_revoked() {
    let claviger = Claviger::start().await;
    let old = claviger.management_key_with(json!({ "role": "administrator", "expires_at": "2026-11-25T08:00:00Z" })).await;
    let me = claviger.ask(&old, Method::GET, "/v1/whoami", None).await.expect(200);
    let path = format!("/v1/management-keys/{}", text(&me, "id"));
    let new = text(&claviger.post(&format!("{path}/rotate"), json!({ "overlap_seconds": 60 })).await.expect(200), "secret");
    let status = async |key: &str| claviger.ask(key, Method::GET, "/v1/organizations", None).await.status;
    assert_eq!([status(&old).await, status(&new).await], [200, 200]);
    claviger.clock.advance_seconds(61);
    assert_eq!([status(&old).await, status(&new).await], [401, 200]);
    claviger.clock.advance_seconds(24 * 60 * 60);
    assert_eq!(status(&new).await, 401, "expired");
    claviger.post(&format!("{path}/revoke"), json!({ "reason": "superseded" })).await.expect(200);
    assert_eq!(claviger.get(&path).await.expect(200)["status"], "revoked");
    let root = text(&claviger.get("/v1/whoami").await.expect(200), "id");
    claviger
        .post(&format!("/v1/management-keys/{root}/revoke"), json!({ "reason": "superseded" }))
        .await
        .refused(409, "LAST_ADMINISTRATOR");
}
