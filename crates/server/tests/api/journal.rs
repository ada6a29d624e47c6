//! `/v1/journal`

use claviger_authority::journal;
use serde_json::json;

use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_gapless_chained_and_tells_who_did_what() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({})).await;
    claviger.post(&format!("/v1/api-keys/{}/revoke", text(&key, "id")), json!({ "reason": "superseded" })).await.expect(200);
    let page = claviger.get("/v1/journal?limit=200").await.expect(200);
    let events = page["data"].as_array().expect("a list");
    for (place, pair) in events.windows(2).enumerate() {
        assert_eq!(pair[1]["seq"].as_i64(), Some(place as i64 + 2));
        assert_eq!(pair[1]["previous"], pair[0]["hash"]);
    }
    let last = events.last().expect("there are events");
    assert_eq!(
        (last["kind"].as_str(), &last["subject"], &last["organization_id"]),
        (Some("api_key.revoked"), &key["id"], &json!(tenant.organization))
    );
    assert!(claviger.root.contains(&text(&last["actor"], "id")[3..]), "the actor is the caller's key");
    assert_eq!(
        journal::verify(claviger.authority().db()).await.expect("it can be read"),
        Ok(events.len() as i64 + 4),
        "with those of test: made, with a signing key that is active and one that waits"
    );
    let of_key = claviger.get(&format!("/v1/journal?subject={}", text(&key, "id"))).await.expect(200);
    assert_eq!(of_key["data"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_leaves_neither_row_nor_event() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let before = claviger.get("/v1/journal?limit=200").await.expect(200)["data"].as_array().map(Vec::len);
    claviger.post("/v1/api-keys", tenant.key(json!({ "permissions": ["nope"] }))).await.refused(422, "INVALID_VALUE");
    claviger.post("/v1/api-keys", tenant.key(json!({ "owner_id": "own_01kaxq2n6gf5t8y4cqz3m7w9xb" }))).await.refused(404, "NOT_FOUND");
    assert_eq!(claviger.get("/v1/journal?limit=200").await.expect(200)["data"].as_array().map(Vec::len), before);
    assert_eq!(claviger.get("/v1/api-keys").await.expect(200)["data"], json!([]));
}
