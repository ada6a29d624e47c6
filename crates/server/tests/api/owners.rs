//! `/v1/owners`

use serde_json::json;

use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_departs_and_what_is_orphaned_is_named() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({})).await;
    let application = claviger.post("/v1/applications", tenant.application(json!({}))).await.expect(201);
    let ended = claviger.post("/v1/applications", tenant.application(json!({}))).await.expect(201);
    claviger.post(&format!("/v1/applications/{}/revoke", text(&ended, "id")), json!({ "reason": "policy" })).await.expect(200);
    let gone = claviger.post(&format!("/v1/owners/{}/depart", tenant.owner), json!({})).await.expect(200);
    assert_eq!(gone["orphaned_api_keys"], json!([key["id"]]));
    assert_eq!(gone["orphaned_applications"], json!([application["id"]]));
    assert_eq!(gone["owner"]["status"], "departed");
    assert_eq!(claviger.code(&text(&key, "secret")).await, "VALID", "what it owned works on");
    claviger.post("/v1/api-keys", tenant.key(json!({}))).await.refused(409, "OWNER_DEPARTED");
    claviger.post("/v1/applications", tenant.application(json!({}))).await.refused(409, "OWNER_DEPARTED");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_credentials_of_an_owner_change_hands_or_none_does() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let stranger = claviger.tenant("B").await;
    let keys = [claviger.key(&tenant, json!({})).await, claviger.key(&tenant, json!({})).await];
    let path = format!("/v1/owners/{}/transfer", tenant.owner);
    claviger.post(&path, json!({ "to_owner_id": stranger.owner })).await.refused(409, "OWNER_OF_OTHER_ORGANIZATION");
    claviger.post(&path, json!({ "to_owner_id": tenant.owner })).await.refused(422, "INVALID_VALUE");
    let heir =
        claviger.post("/v1/owners", json!({ "name": "Platform", "email": "platform@example.com", "type": "team" })).await.expect(201);
    let done = claviger.post(&path, json!({ "to_owner_id": heir["id"] })).await.expect(200);
    assert_eq!(done["api_keys"], json!([keys[0]["id"], keys[1]["id"]]));
    let verified = claviger.verify(json!({ "credential": keys[0]["secret"] })).await;
    assert_eq!(verified["owner_id"], heir["id"], "the gate tells the new owner at once");
    let found = claviger.get(&format!("/v1/api-keys?owner_id={}", text(&heir, "id"))).await.expect(200);
    assert_eq!(found["data"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_change_hands_with_the_rest() {
    let claviger = Claviger::start().await;
    let (tenant, stranger) = (claviger.tenant("A").await, claviger.tenant("B").await);
    let made = claviger.post("/v1/applications", tenant.application(json!({}))).await.expect(201);
    let path = format!("/v1/owners/{}/transfer", tenant.owner);
    claviger.post(&path, json!({ "to_owner_id": stranger.owner })).await.refused(409, "OWNER_OF_OTHER_ORGANIZATION");
    let heir =
        claviger.post("/v1/owners", json!({ "name": "Platform", "email": "platform@example.com", "type": "team" })).await.expect(201);
    let done = claviger.post(&path, json!({ "to_owner_id": heir["id"] })).await.expect(200);
    assert_eq!((&done["applications"], &done["api_keys"]), (&json!([made["id"]]), &json!([])));
    let read = claviger.get(&format!("/v1/applications/{}", text(&made, "id"))).await.expect(200);
    assert_eq!((&read["owner_id"], &read["revision"]), (&heir["id"], &json!(2)));
    let events = claviger.get(&format!("/v1/journal?kind=application.owner_changed&subject={}", text(&made, "id"))).await.expect(200);
    assert_eq!(events["data"][0]["data"], json!({ "before": tenant.owner, "after": heir["id"] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_found_by_status_organization_email_and_text() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    claviger.patch(&format!("/v1/owners/{}", tenant.owner), json!({ "name": "Ada Lovelace", "external_id": "hr-7" })).await.expect(200);
    for query in
        [format!("organization_id={}&status=active", tenant.organization), "email=ADA@example.com".to_owned(), "search=lovelace".to_owned()]
    {
        let found = claviger.get(&format!("/v1/owners?{query}")).await.expect(200);
        assert_eq!(found["data"][0]["id"], tenant.owner, "{query}");
        assert_eq!(found["data"].as_array().map(Vec::len), Some(1), "{query}");
    }
    claviger.get("/v1/owners?status=asleep").await.refused(422, "INVALID_VALUE");
    claviger.post("/v1/owners", json!({ "name": "B", "email": "nobody", "type": "person" })).await.refused(422, "INVALID_VALUE");
    claviger.post("/v1/owners", json!({ "name": "B", "email": "b@example.com", "type": "robot" })).await.refused(422, "INVALID_VALUE");
}
