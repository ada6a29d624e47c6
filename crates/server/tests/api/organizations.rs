//! `/v1/organizations`

use serde_json::json;

use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_made_read_changed_and_found() {
    let claviger = Claviger::start().await;
    let made = claviger
        .post("/v1/organizations", json!({ "name": "Initech", "external_id": "c-1", "metadata": { "plan": "pro" } }))
        .await
        .expect(201);
    let path = format!("/v1/organizations/{}", text(&made, "id"));
    let read = claviger.get(&path).await;
    assert_eq!(read.headers["etag"], "\"1\"");
    assert_eq!(read.expect(200), made);
    let changed = claviger.patch(&path, json!({ "name": "Initech Ltd", "external_id": null })).await.expect(200);
    assert_eq!((changed["name"].as_str(), changed.get("external_id"), changed["revision"].as_i64()), (Some("Initech Ltd"), None, Some(2)));
    for query in ["?search=TECH", "?status=active", "?limit=1"] {
        let found = claviger.get(&format!("/v1/organizations{query}")).await.expect(200);
        assert_eq!(found["data"].as_array().map(Vec::len), Some(1), "{query}");
    }
    assert_eq!(claviger.get("/v1/organizations?search=100%25").await.expect(200)["data"], json!([]), "a percent sign is a character");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_id_names_one_organization() {
    let claviger = Claviger::start().await;
    claviger.post("/v1/organizations", json!({ "name": "A", "external_id": "c-1" })).await.expect(201);
    let other = claviger.post("/v1/organizations", json!({ "name": "B" })).await.expect(201);
    claviger.post("/v1/organizations", json!({ "name": "C", "external_id": "c-1" })).await.refused(409, "TAKEN");
    let path = format!("/v1/organizations/{}", text(&other, "id"));
    claviger.patch(&path, json!({ "external_id": "c-1" })).await.refused(409, "TAKEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_update_is_refused() {
    let claviger = Claviger::start().await;
    let made = claviger.post("/v1/organizations", json!({ "name": "A" })).await.expect(201);
    let path = format!("/v1/organizations/{}", text(&made, "id"));
    claviger.patch(&path, json!({ "name": "B" })).await.expect(200);
    let stale =
        claviger.request(http::Method::PATCH, &path).bearer_auth(&claviger.root).header("if-match", "\"1\"").json(&json!({ "name": "C" }));
    claviger.send(stale).await.refused(412, "REVISION_MISMATCH");
    let fresh =
        claviger.request(http::Method::PATCH, &path).bearer_auth(&claviger.root).header("if-match", "\"2\"").json(&json!({ "name": "C" }));
    assert_eq!(claviger.send(fresh).await.expect(200)["name"], "C");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_organization_is_silenced_at_once_and_resumes() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let other = claviger.tenant("B").await;
    let (key, bystander) = (claviger.key(&tenant, json!({})).await, claviger.key(&other, json!({})).await);
    let path = format!("/v1/organizations/{}", tenant.organization);
    assert_eq!(claviger.code(&text(&key, "secret")).await, "VALID");
    claviger.post(&format!("{path}/suspend"), json!({})).await.expect(200);
    assert_eq!(claviger.code(&text(&key, "secret")).await, "ORGANIZATION_SUSPENDED");
    assert_eq!(claviger.code(&text(&bystander, "secret")).await, "VALID");
    claviger.post("/v1/api-keys", tenant.key(json!({}))).await.refused(409, "ORGANIZATION_NOT_ACTIVE");
    claviger.post(&format!("{path}/resume"), json!({})).await.expect(200);
    assert_eq!(claviger.code(&text(&key, "secret")).await, "VALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn offboarding_revokes_everything_in_one_change_and_a_dry_run_tells_first() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let mut secrets = Vec::new();
    for _ in 0..3 {
        secrets.push(text(&claviger.key(&tenant, json!({})).await, "secret"));
    }
    let path = format!("/v1/organizations/{}/offboard", tenant.organization);
    let told = claviger.post(&path, json!({ "dry_run": true })).await.expect(200);
    assert_eq!((told["revoked_api_keys"].as_i64(), told["organization"]["status"].as_str()), (Some(3), Some("active")));
    assert_eq!(claviger.code(&secrets[0]).await, "VALID");
    let done = claviger.post(&path, json!({})).await.expect(200);
    assert_eq!((done["revoked_api_keys"].as_i64(), done["organization"]["status"].as_str()), (Some(3), Some("offboarded")));
    for secret in &secrets {
        assert_eq!(claviger.code(secret).await, "REVOKED");
    }
    claviger.post(&format!("/v1/organizations/{}/resume", tenant.organization), json!({})).await.refused(409, "ORGANIZATION_OFFBOARDED");
    let events = claviger.get("/v1/journal?kind=api_key.revoked").await.expect(200);
    let changes: Vec<_> = events["data"].as_array().expect("a list").iter().map(|event| event["change"].clone()).collect();
    assert_eq!(changes.len(), 3);
    assert!(changes.iter().all(|change| *change == changes[0]), "one change: {changes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn offboarding_ends_applications_with_all_their_credentials() {
    let claviger = Claviger::start().await;
    let (tenant, other) = (claviger.tenant("A").await, claviger.tenant("B").await);
    claviger.key(&tenant, json!({})).await;
    let make = async |tenant| {
        let made = claviger.post("/v1/applications", crate::support::Tenant::application(tenant, json!({}))).await.expect(201);
        format!("/v1/applications/{}", text(&made, "id"))
    };
    let (one, two, spared) = (make(&tenant).await, make(&tenant).await, make(&other).await);
    let secret = claviger.post(&format!("{one}/secrets"), json!({})).await.expect(201);
    let key = claviger.post(&format!("{one}/keys"), json!({ "jwks_uri": "https://keys.example.com/" })).await.expect(201);
    let path = format!("/v1/organizations/{}/offboard", tenant.organization);
    // Who may end keys alone may not end applications.
    let limited = claviger.management_key(&["organizations:write", "keys:revoke"]).await;
    claviger.ask(&limited, http::Method::POST, &path, Some(json!({}))).await.refused(403, "PERMISSION_MISSING");
    let told = claviger.post(&path, json!({ "dry_run": true })).await.expect(200);
    assert_eq!((&told["revoked_api_keys"], &told["revoked_applications"]), (&json!(1), &json!(2)));
    assert_eq!(claviger.get(&one).await.expect(200)["status"], "active");
    let done = claviger.post(&path, json!({})).await.expect(200);
    assert_eq!((&done["revoked_api_keys"], &done["revoked_applications"]), (&json!(1), &json!(2)));
    for (path, status) in [
        (one.clone(), "revoked"),
        (two, "revoked"),
        (format!("{one}/secrets/{}", text(&secret, "id")), "revoked"),
        (format!("{one}/keys/{}", text(&key, "id")), "revoked"),
        (spared, "active"),
    ] {
        assert_eq!(claviger.get(&path).await.expect(200)["status"], status, "{path}");
    }
    claviger.post(&format!("{one}/undo-revocation"), json!({})).await.refused(409, "ORGANIZATION_OFFBOARDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_gap_and_their_cursors_are_good_nowhere_else() {
    let claviger = Claviger::start().await;
    for number in 0..5 {
        claviger.post("/v1/organizations", json!({ "name": format!("Org {number}") })).await.expect(201);
    }
    let mut names = Vec::new();
    let mut address = "/v1/organizations?limit=2".to_owned();
    let mut cursor = String::new();
    loop {
        let page = claviger.get(&address).await.expect(200);
        names.extend(page["data"].as_array().expect("a list").iter().map(|organization| text(organization, "name")));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = next.to_owned();
        address = format!("/v1/organizations?limit=2&cursor={next}");
    }
    assert_eq!(names, ["Org 0", "Org 1", "Org 2", "Org 3", "Org 4"]);
    claviger.get(&format!("/v1/owners?cursor={cursor}")).await.refused(400, "BAD_CURSOR");
    claviger.get(&format!("/v1/organizations?status=active&cursor={cursor}")).await.refused(400, "BAD_CURSOR");
    claviger.get("/v1/organizations?cursor=forged").await.refused(400, "BAD_CURSOR");
    claviger.get("/v1/organizations?limit=0").await.refused(422, "INVALID_VALUE");
    claviger.get("/v1/organizations?order=name").await.refused(400, "INVALID_QUERY");
}
