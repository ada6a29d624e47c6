//! `/v1/api-keys`: the life of a key.

use http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_verifies() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let made = claviger.key(&tenant, json!({ "purpose": "deploys", "tags": ["ci", "a"], "metadata": { "team": 7 } })).await;
    let secret = text(&made, "secret");
    assert!(secret.starts_with("clv_live_ak_") && secret.contains(&text(&made, "id")[3..]));
    let read = claviger.get(&format!("/v1/api-keys/{}", text(&made, "id"))).await;
    assert!(!read.text.contains(&secret));
    let read = read.expect(200);
    assert_eq!(
        (&read["tags"], &read["metadata"], read["secrets"].as_array().map(Vec::len)),
        (&json!(["a", "ci"]), &json!({ "team": 7 }), Some(1))
    );
    assert_eq!(claviger.code(&secret).await, "VALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_owner_or_beyond_the_catalogue_is_refused_with_every_mistake() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let body = json!({ "name": "a\u{202e}b", "permissions": ["a b"], "expires_at": "2020-01-01T00:00:00Z", "allowed_cidrs": ["10.0.0.1/8"], "tags": ["a,b"], "metadata": { "x": {} } });
    let refused = claviger.post("/v1/api-keys", body).await.refused(422, "INVALID_VALUE");
    let pointers: Vec<_> = refused["errors"].as_array().expect("errors").iter().map(|error| text(error, "pointer")).collect();
    assert_eq!(pointers, ["/name", "/permissions", "/expires_at", "/allowed_cidrs", "/metadata", "/tags", "/organization_id", "/owner_id"]);
    let unknown = claviger.post("/v1/api-keys", tenant.key(json!({ "permissions": ["posts:eat"] }))).await.refused(422, "INVALID_VALUE");
    assert_eq!(unknown["errors"][0]["pointer"], "/permissions");
    claviger.post("/v1/api-keys", tenant.key(json!({ "resource": "urn:no:such" }))).await.refused(422, "INVALID_VALUE");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_verify_while_a_rotation_overlaps_and_it_is_known_which_was_used() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let made = claviger.key(&tenant, json!({})).await;
    let path = format!("/v1/api-keys/{}", text(&made, "id"));
    let rotate = async |overlap: i64| {
        text(&claviger.post(&format!("{path}/rotate"), json!({ "overlap_seconds": overlap })).await.expect(200), "secret")
    };
    let (first, second) = (text(&made, "secret"), rotate(3600).await);
    assert_eq!([claviger.code(&first).await, claviger.code(&second).await], ["VALID", "VALID"]);
    claviger.verify(json!({ "credential": first, "ip": "192.0.2.1" })).await;
    claviger.clock.advance_seconds(5);
    claviger.verify(json!({ "credential": second, "ip": "192.0.2.2" })).await;
    claviger.authority().flush_usage().await.expect("it can be written");
    let read = claviger.get(&path).await.expect(200);
    let used: Vec<_> =
        read["secrets"].as_array().expect("a list").iter().map(|secret| (text(secret, "last_used_from"), secret["live"].clone())).collect();
    assert_eq!(used, [("192.0.2.2".to_owned(), json!(true)), ("192.0.2.1".to_owned(), json!(true))]);
    assert_eq!((read["id"].clone(), read["use_count"].as_i64()), (made["id"].clone(), Some(4)));
    // Again during the overlap: never do more than two verify.
    let third = rotate(3600).await;
    assert_eq!([claviger.code(&first).await, claviger.code(&second).await, claviger.code(&third).await], ["NOT_FOUND", "VALID", "VALID"]);
    claviger.clock.advance_seconds(3601);
    assert_eq!([claviger.code(&second).await, claviger.code(&third).await], ["NOT_FOUND", "VALID"], "the overlap ended");
    let fourth = rotate(0).await;
    assert_eq!([claviger.code(&third).await, claviger.code(&fourth).await], ["NOT_FOUND", "VALID"]);
    let fifth = rotate(3600).await;
    claviger.post(&format!("{path}/drop-previous-secrets"), json!({})).await.expect(200);
    assert_eq!([claviger.code(&fourth).await, claviger.code(&fifth).await], ["NOT_FOUND", "VALID"]);
    for overlap in [-1, 90 * 24 * 60 * 60 + 1] {
        claviger.post(&format!("{path}/rotate"), json!({ "overlap_seconds": overlap })).await.refused(422, "INVALID_VALUE");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_is_set_moved_and_cleared() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let made = claviger.key(&tenant, json!({})).await;
    let (path, secret) = (format!("/v1/api-keys/{}", text(&made, "id")), text(&made, "secret"));
    claviger.patch(&path, json!({ "expires_at": "2026-11-24T09:00:00Z" })).await.expect(200);
    claviger.clock.advance_seconds(3600);
    assert_eq!(claviger.code(&secret).await, "EXPIRED");
    assert_eq!(claviger.get(&path).await.expect(200)["status"], "expired");
    claviger.post(&format!("{path}/rotate"), json!({ "overlap_seconds": 0 })).await.refused(409, "WRONG_STATUS");
    claviger.patch(&path, json!({ "expires_at": "2026-11-24T10:00:00Z" })).await.expect(200);
    assert_eq!(claviger.code(&secret).await, "VALID");
    claviger.patch(&path, json!({ "expires_at": null })).await.expect(200);
    claviger.clock.advance_seconds(365 * 24 * 3600);
    assert_eq!(claviger.code(&secret).await, "VALID");
    claviger.patch(&path, json!({ "expires_at": "yesterday" })).await.refused(422, "INVALID_VALUE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_disabled_and_enabled() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let made = claviger.key(&tenant, json!({})).await;
    let (path, secret) = (format!("/v1/api-keys/{}", text(&made, "id")), text(&made, "secret"));
    claviger.post(&format!("{path}/disable"), json!({})).await.expect(200);
    assert_eq!(claviger.code(&secret).await, "DISABLED");
    claviger.post(&format!("{path}/enable"), json!({})).await.expect(200);
    assert_eq!(claviger.code(&secret).await, "VALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_acts_at_once_and_only_an_accident_is_undone() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let made = claviger.key(&tenant, json!({})).await;
    let (path, secret) = (format!("/v1/api-keys/{}", text(&made, "id")), text(&made, "secret"));
    let revoke = async |reason: &str| claviger.post(&format!("{path}/revoke"), json!({ "reason": reason, "comment": "oops" })).await;
    claviger.post(&format!("{path}/undo-revocation"), json!({})).await.refused(409, "WRONG_STATUS");
    let revoked = revoke("no_longer_needed").await.expect(200);
    assert_eq!(revoked["nodes"], json!({ "confirmed": 1, "expired": 0 }));
    assert!(text(&revoked["revocation"], "undo_until").starts_with("2026-11-24T08:30:00"), "half an hour");
    assert_eq!(claviger.code(&secret).await, "REVOKED");
    claviger.post(&format!("{path}/enable"), json!({})).await.refused(409, "WRONG_STATUS");
    claviger.patch(&path, json!({ "name": "x" })).await.refused(409, "WRONG_STATUS");
    claviger.clock.advance_seconds(29 * 60);
    claviger.post(&format!("{path}/undo-revocation"), json!({})).await.expect(200);
    assert_eq!(claviger.code(&secret).await, "VALID");
    revoke("superseded").await.expect(200);
    claviger.clock.advance_seconds(30 * 60 + 1);
    claviger.post(&format!("{path}/undo-revocation"), json!({})).await.refused(409, "UNDO_EXPIRED");
    for reason in ["key_compromise", "leak_report"] {
        let made = claviger.key(&tenant, json!({})).await;
        let path = format!("/v1/api-keys/{}", text(&made, "id"));
        claviger.post(&format!("{path}/revoke"), json!({ "reason": "superseded" })).await.expect(200);
        claviger.post(&format!("{path}/revoke"), json!({ "reason": reason })).await.expect(200);
        claviger.post(&format!("{path}/undo-revocation"), json!({})).await.refused(409, "UNDO_FORBIDDEN");
    }
    claviger.post(&format!("{path}/revoke"), json!({ "reason": "because" })).await.refused(422, "INVALID_VALUE");
    assert_eq!(claviger.post(&format!("{path}/revoke"), json!({ "reason": "superseded", "wait": false })).await.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn narrowing_is_free_and_widening_is_its_own_event() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let made = claviger.key(&tenant, json!({ "permissions": ["posts:read", "posts:write"] })).await;
    let path = format!("/v1/api-keys/{}", text(&made, "id"));
    let updater = claviger.management_key(&["keys:update"]).await;
    let update = |permissions: &[&str]| claviger.ask(&updater, Method::PATCH, &path, Some(json!({ "permissions": permissions })));
    update(&["posts:write"]).await.expect(200);
    let asked = json!({ "credential": made["secret"], "permissions": ["posts:read"] });
    assert_eq!(claviger.verify(asked.clone()).await["code"], "INSUFFICIENT_PERMISSIONS");
    update(&["posts:read", "posts:write"]).await.refused(403, "PERMISSION_MISSING");
    claviger.patch(&path, json!({ "permissions": ["posts:read", "posts:delete"] })).await.expect(200);
    assert_eq!(claviger.verify(asked).await["code"], "VALID");
    let events = claviger.get(&format!("/v1/journal?subject={}", text(&made, "id"))).await.expect(200);
    let kinds: Vec<_> =
        events["data"].as_array().expect("a list").iter().map(|event| (text(event, "kind"), event["data"].clone())).skip(1).collect();
    assert_eq!(
        kinds,
        [
            ("api_key.narrowed".to_owned(), json!({ "removed": ["posts:read"] })),
            ("api_key.narrowed".to_owned(), json!({ "removed": ["posts:write"] })),
            ("api_key.widened".to_owned(), json!({ "added": ["posts:delete", "posts:read"] })),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inventory_answers_every_question_of_a_review() {
    let claviger = Claviger::start().await;
    let (a, b) = (claviger.tenant("A").await, claviger.tenant("B").await);
    let one = claviger.key(&a, json!({ "name": "One", "tags": ["ci"], "expires_at": "2026-12-01T00:00:00Z" })).await;
    let two = claviger.key(&b, json!({ "name": "Two", "permissions": ["posts:write"] })).await;
    claviger.clock.advance_seconds(3600);
    claviger.verify(json!({ "credential": two["secret"] })).await;
    claviger.authority().flush_usage().await.expect("it can be written");
    claviger.post(&format!("/v1/api-keys/{}/disable", text(&two, "id")), json!({})).await.expect(200);
    let ids = async |query: &str| {
        let page = claviger.get(&format!("/v1/api-keys?{query}")).await.expect(200);
        page["data"].as_array().expect("a list").iter().map(|key| text(key, "name")).collect::<Vec<_>>()
    };
    for (query, names) in [
        ("", vec!["One", "Two"]),
        ("status=active", vec!["One"]),
        ("status=disabled", vec!["Two"]),
        ("status=expired", vec![]),
        (&format!("organization_id={}", a.organization), vec!["One"]),
        (&format!("owner_id={}", b.owner), vec!["Two"]),
        ("permission=posts:write", vec!["Two"]),
        ("tag=ci", vec!["One"]),
        ("expiring_before=2026-12-02T00:00:00Z", vec!["One"]),
        ("unused_since=2026-11-24T08:30:00Z", vec!["One"]),
        ("search=tw", vec!["Two"]),
        ("resource=https://api.example.com&limit=1", vec!["One"]),
    ] {
        assert_eq!(ids(query).await, names, "{query}");
    }
    claviger.clock.advance_seconds(8 * 24 * 3600);
    assert_eq!(ids("status=expired").await, ["One"]);
    assert_eq!(claviger.code(&text(&one, "secret")).await, "EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_revokes_all_it_finds_and_a_dry_run_tells_first() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let hit = [claviger.key(&tenant, json!({ "tags": ["old"] })).await, claviger.key(&tenant, json!({ "tags": ["old"] })).await];
    let spared = claviger.key(&tenant, json!({})).await;
    let body = |dry_run: bool| json!({ "filter": { "tag": "old" }, "reason": "policy", "dry_run": dry_run });
    let told = claviger.post("/v1/api-keys/revoke", body(true)).await.expect(200);
    assert_eq!((told["revoked"].as_i64(), &told["ids"]), (Some(2), &json!([hit[0]["id"], hit[1]["id"]])));
    assert_eq!(claviger.code(&text(&hit[0], "secret")).await, "VALID");
    assert_eq!(claviger.post("/v1/api-keys/revoke", body(false)).await.expect(200)["revoked"], 2);
    assert_eq!([claviger.code(&text(&hit[0], "secret")).await, claviger.code(&text(&spared, "secret")).await], ["REVOKED", "VALID"]);
    assert_eq!(claviger.post("/v1/api-keys/revoke", body(false)).await.expect(200)["revoked"], 0);
    claviger.post("/v1/api-keys/revoke", json!({ "filter": {}, "reason": "policy" })).await.refused(422, "INVALID_VALUE");
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_keys_are_taken_over_by_their_digests_row_by_row() {
    use base64::Engine as _;
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let digest = |key: &str| Sha256::digest(key.as_bytes());
    let row = |sha256: String| {
        let mut row = tenant.key(json!({ "hint": "sk_…01" }));
        row["sha256"] = json!(sha256);
        row
    };
    let hex: String = digest("sk_old_1").iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = base64::engine::general_purpose::STANDARD.encode(digest("sk_old_2"));
    let mut ownerless = row("00".repeat(32));
    ownerless["owner_id"] = Value::Null;
    let rows = json!({ "keys": [row(hex.clone()), row(base64), row(hex), row("not a digest".into()), ownerless] });
    assert_eq!(claviger.code("sk_old_1").await, "MALFORMED");
    let outcome = claviger.post("/v1/api-keys/import", rows).await.expect(200);
    let codes: Vec<_> = outcome["rows"].as_array().expect("a list").iter().map(|row| text(row, "code")).collect();
    assert_eq!(codes, ["IMPORTED", "IMPORTED", "ALREADY_PRESENT", "INVALID_VALUE", "INVALID_VALUE"]);
    assert_eq!(outcome["rows"][4]["errors"][0]["pointer"], "/owner_id");
    for key in ["sk_old_1", "sk_old_2"] {
        let verified = claviger.verify(json!({ "credential": key, "permissions": ["posts:read"] })).await;
        assert_eq!((verified["code"].as_str(), verified["organization_id"].as_str()), (Some("VALID"), Some(tenant.organization.as_str())));
    }
    assert_eq!(claviger.code("sk_old_3").await, "MALFORMED");
    let path = format!("/v1/api-keys/{}", text(&outcome["rows"][0], "id"));
    assert_eq!(claviger.get(&path).await.expect(200)["origin"], "imported");
    claviger.post(&format!("{path}/rotate"), json!({ "overlap_seconds": 0 })).await.refused(409, "IMPORTED_SECRET");
    claviger.post(&format!("{path}/revoke"), json!({ "reason": "superseded" })).await.expect(200);
    assert_eq!([claviger.code("sk_old_1").await, claviger.code("sk_old_2").await], ["REVOKED", "VALID"]);
    claviger.post("/v1/api-keys/import", json!({ "keys": [] })).await.refused(422, "INVALID_VALUE");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_export_has_every_key_and_never_a_secret() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let mut secrets = Vec::new();
    for number in 0..250 {
        secrets.push(text(&claviger.key(&tenant, json!({ "name": format!("=Key {number}") })).await, "secret"));
    }
    let ndjson = claviger.get("/v1/api-keys/export").await;
    assert_eq!(ndjson.text.lines().count(), 250);
    let csv = claviger.get("/v1/api-keys/export?format=csv&status=active").await;
    assert_eq!((csv.text.lines().count(), csv.text.lines().next().map(|line| line.starts_with("id,hint,status"))), (251, Some(true)));
    assert!(csv.text.contains("'=Key 0"), "a formula stays a text");
    for secret in &secrets {
        assert!(!ndjson.text.contains(secret.as_str()) && !csv.text.contains(secret.as_str()));
    }
    claviger.get("/v1/api-keys/export?format=xml").await.refused(422, "INVALID_VALUE");
}

/// Every way to narrow a set of three permissions, exhaustively: what is left is exactly what was asked to be left.
#[tokio::test(flavor = "multi_thread")]
async fn narrowing_never_widens() {
    const ALL: [&str; 3] = ["posts:delete", "posts:read", "posts:write"];
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let subset =
        |bits: usize| ALL.iter().enumerate().filter(|(place, _)| bits & 1 << place != 0).map(|(_, name)| *name).collect::<Vec<_>>();
    let narrower = claviger.management_key(&["keys:update"]).await;
    for before in 0..8usize {
        for after in 0..8usize {
            let made = claviger.key(&tenant, json!({ "permissions": subset(before) })).await;
            let path = format!("/v1/api-keys/{}", text(&made, "id"));
            let answer = claviger.ask(&narrower, Method::PATCH, &path, Some(json!({ "permissions": subset(after) }))).await;
            let is_narrowing = after & !before == 0;
            assert_eq!(answer.status, if is_narrowing { 200 } else { 403 }, "{before:03b} to {after:03b}");
            let left = if is_narrowing { after } else { before };
            for (place, permission) in ALL.iter().enumerate() {
                let verified = claviger.verify(json!({ "credential": made["secret"], "permissions": [permission] })).await;
                assert_eq!(verified["valid"], left & 1 << place != 0, "{permission} after {before:03b} to {after:03b}");
            }
        }
    }
}
