//! Client secrets: shown once, few at a time, each with its own end.

use http::Method;
use serde_json::{Value, json};

use super::{dead_tokens, events, path};
use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_is_shown_once_and_no_more_than_five_live() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let path = format!("{}/secrets", path(&claviger, &tenant).await);
    let body = json!({ "name": "Production", "stored_in": "vault kv/prod/billing", "expires_at": "2026-12-01T00:00:00Z" });
    let made = claviger.post(&path, body).await.expect(201);
    let secret = text(&made, "secret");
    assert!(secret.starts_with("clv_live_cs_") && secret.contains(&text(&made, "id")[3..]));
    let read = claviger.get(&format!("{path}/{}", text(&made, "id"))).await;
    assert!(!read.text.contains(&secret[secret.len() - 49..]));
    let read = read.expect(200);
    assert_eq!((&read["kind"], &read["lifecycle"], &read["status"]), (&json!("client_secret"), &json!("minting"), &json!("active")));
    assert_eq!((&read["stored_in"], &read["expires_at"]), (&json!("vault kv/prod/billing"), &json!("2026-12-01T00:00:00Z")));
    // It opens nothing by itself: it is for the token endpoint.
    assert_eq!(claviger.code(&secret).await, "NOT_FOUND");
    for _ in 0..4 {
        claviger.post(&path, json!({})).await.expect(201);
    }
    let refused = claviger.post(&path, json!({})).await.refused(409, "TOO_MANY_SECRETS");
    assert!(text(&refused, "detail").contains(&text(&made, "id")), "it is said which could go: {refused}");
    let rotate = format!("{path}/{}/rotate", text(&made, "id"));
    claviger.post(&rotate, json!({ "overlap_seconds": 60 })).await.refused(409, "TOO_MANY_SECRETS");
    claviger.post(&rotate, json!({ "overlap_seconds": 0 })).await.expect(201);
    claviger.post(&path, json!({})).await.refused(409, "TOO_MANY_SECRETS");
    let list = claviger.get(&format!("{path}?limit=4")).await.expect(200);
    let rest = claviger.get(&format!("{path}?limit=4&cursor={}", text(&list, "next_cursor"))).await.expect(200);
    let count = |page: &Value| page["data"].as_array().map(Vec::len);
    assert_eq!((count(&list), count(&rest)), (Some(4), Some(2)), "also the one that ended");
    for body in [json!({ "name": "" }), json!({ "expires_at": "2020-01-01T00:00:00Z" }), json!({ "stored_in": " " })] {
        claviger.post(&path, body).await.refused(422, "INVALID_VALUE");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_leaves_the_old_secret_its_overlap_and_no_longer() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = path(&claviger, &tenant).await;
    let path = format!("{application}/secrets");
    let first = claviger.post(&path, json!({ "expires_at": "2026-11-24T08:10:00Z" })).await.expect(201);
    let old = format!("{path}/{}", text(&first, "id"));
    let body = json!({ "overlap_seconds": 3600, "name": "Next", "stored_in": "kms" });
    let rotated = claviger.post(&format!("{old}/rotate"), body).await.expect(201);
    assert_eq!((&rotated["name"], &rotated["stored_in"], &rotated["status"]), (&json!("Next"), &json!("kms"), &json!("active")));
    assert_ne!(text(&rotated, "secret"), text(&first, "secret"));
    assert_eq!(rotated["previous"]["expires_at"], "2026-11-24T08:10:00Z", "an end never moves later");
    let next = format!("{path}/{}", text(&rotated, "id"));
    let again = claviger.post(&format!("{next}/rotate"), json!({ "overlap_seconds": 60 })).await.expect(201);
    assert_eq!((&again["previous"]["id"], &again["previous"]["expires_at"]), (&rotated["id"], &json!("2026-11-24T08:01:00Z")));
    assert_eq!(claviger.get(&next).await.expect(200)["status"], "active");
    claviger.clock.advance_seconds(61);
    assert_eq!(claviger.get(&next).await.expect(200)["status"], "expired");
    claviger.post(&format!("{next}/rotate"), json!({ "overlap_seconds": 0 })).await.refused(409, "WRONG_STATUS");
    claviger.patch(&next, json!({ "expires_at": null })).await.refused(409, "WRONG_STATUS");
    let last = format!("{path}/{}", text(&again, "id"));
    let at_once = claviger.post(&format!("{last}/rotate"), json!({ "overlap_seconds": 0 })).await.expect(201);
    assert_eq!(at_once["previous"]["status"], "expired");
    for overlap in [-1, 90 * 24 * 60 * 60 + 1] {
        claviger.post(&format!("{old}/rotate"), json!({ "overlap_seconds": overlap })).await.refused(422, "INVALID_VALUE");
    }
    let (kind, data) = events(&claviger, &application).await.remove(1);
    assert_eq!((kind.as_str(), &data["id"], &data["previous"]["id"]), ("client_secret.rotated", &rotated["id"], &first["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_secret_is_changed_by_whoever_read_it_last() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = path(&claviger, &tenant).await;
    let made = claviger.post(&format!("{application}/secrets"), json!({})).await.expect(201);
    let path = format!("{application}/secrets/{}", text(&made, "id"));
    let changed =
        claviger.patch(&path, json!({ "name": "N", "stored_in": "vault", "expires_at": "2026-12-01T00:00:00Z" })).await.expect(200);
    assert_eq!((&changed["name"], &changed["stored_in"], &changed["revision"]), (&json!("N"), &json!("vault"), &json!(2)));
    let stale =
        claviger.request(Method::PATCH, &path).bearer_auth(&claviger.root).header("if-match", "\"1\"").json(&json!({ "name": "M" }));
    claviger.send(stale).await.refused(412, "REVISION_MISMATCH");
    let cleared = claviger.patch(&path, json!({ "stored_in": null, "expires_at": null })).await.expect(200);
    assert_eq!([&cleared["stored_in"], &cleared["expires_at"]], [&Value::Null; 2]);
    let told = events(&claviger, &application).await;
    assert_eq!(told[1].0, "client_secret.updated");
    assert_eq!(told[1].1["after"], json!({ "expires_at": "2026-12-01T00:00:00Z" }), "words of people stay out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_secret_is_gone_for_good_and_its_tokens_when_it_is_said() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = path(&claviger, &tenant).await;
    let path = format!("{application}/secrets");
    let secret = async || text(&claviger.post(&path, json!({})).await.expect(201), "id");
    let revoke = async |id: &str, body: Value| claviger.post(&format!("{path}/{id}/revoke"), body).await;
    let (lives, dies, leaked) = (secret().await, secret().await, secret().await);
    let revoked = revoke(&lives, json!({ "reason": "superseded", "comment": "replaced" })).await.expect(200);
    assert_eq!((&revoked["status"], &revoked["revocation"]["reason"]), (&json!("revoked"), &json!("superseded")));
    assert_eq!(dead_tokens(&claviger).await, Vec::<String>::new());
    revoke(&dies, json!({ "reason": "policy", "tokens": "die" })).await.expect(200);
    revoke(&leaked, json!({ "reason": "leak_report", "tokens": "live" })).await.expect(200);
    let mut dead = vec![dies.clone(), leaked.clone()];
    dead.sort();
    assert_eq!(dead_tokens(&claviger).await, dead, "after a leak always");
    // The same again changes nothing; a worse reason, or tokens that die after all, does.
    let seq = revoke(&lives, json!({ "reason": "policy" })).await.expect(200)["journal_seq"].clone();
    assert_eq!(revoke(&leaked, json!({ "reason": "leak_report" })).await.expect(200)["journal_seq"], seq);
    assert_ne!(revoke(&lives, json!({ "reason": "policy", "tokens": "die" })).await.expect(200)["journal_seq"], seq);
    assert_eq!(dead_tokens(&claviger).await.len(), 3);
    claviger.post(&format!("{path}/{lives}/rotate"), json!({ "overlap_seconds": 0 })).await.refused(409, "WRONG_STATUS");
    claviger.patch(&format!("{path}/{lives}"), json!({ "name": "x" })).await.refused(409, "WRONG_STATUS");
    revoke(&lives, json!({ "reason": "policy", "tokens": "maybe" })).await.refused(422, "INVALID_VALUE");
    let other = self::path(&claviger, &tenant).await;
    claviger.get(&format!("{other}/secrets/{lives}")).await.refused(404, "NOT_FOUND");
    claviger.post(&format!("{other}/secrets/{lives}/revoke"), json!({ "reason": "policy" })).await.refused(404, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compromised_secret_dies_with_its_tokens_and_is_replaced_in_one_change() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = path(&claviger, &tenant).await;
    let path = format!("{application}/secrets");
    // With all five in use there is room for the replacement: the old one ends first.
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(claviger.post(&path, json!({ "name": "Production", "stored_in": "vault" })).await.expect(201));
    }
    let leaked = format!("{path}/{}", text(&made[0], "id"));
    let done = claviger.post(&format!("{leaked}/compromise"), json!({ "comment": "on a forum", "replace": true })).await.expect(200);
    assert_eq!((&done["status"], &done["revocation"]["reason"]), (&json!("revoked"), &json!("key_compromise")));
    let replacement = &done["replacement"];
    assert!(text(replacement, "secret").starts_with("clv_live_cs_"));
    assert_ne!(replacement["id"], made[0]["id"]);
    assert_eq!((&replacement["name"], &replacement["stored_in"]), (&json!("Production"), &json!("vault")));
    assert_eq!(done["used_from"], json!([]), "never used");
    assert_eq!(dead_tokens(&claviger).await, [text(&made[0], "id")]);
    // A call repeated by a nervous hand issues no second replacement.
    claviger.post(&format!("{leaked}/compromise"), json!({ "replace": true })).await.refused(409, "WRONG_STATUS");
    let again = claviger.post(&format!("{leaked}/compromise"), json!({})).await.expect(200);
    assert_eq!(again["journal_seq"], done["journal_seq"]);
    let told = events(&claviger, &application).await.split_off(5);
    let (kinds, data): (Vec<_>, Vec<_>) = told.into_iter().unzip();
    assert_eq!(kinds, ["client_secret.compromised", "client_secret.created"]);
    assert_eq!((&data[0]["id"], &data[0]["replaced_by"]), (&made[0]["id"], &replacement["id"]));
    let journal = claviger.get("/v1/journal?kind=client_secret.compromised").await.expect(200);
    let change = text(&journal["data"][0], "change");
    let all = claviger.get("/v1/journal?limit=200").await.expect(200);
    let same = all["data"].as_array().expect("a list").iter().filter(|event| event["change"] == change.as_str()).count();
    assert_eq!(same, 2, "one change");
    // One who may only revoke ends it, and issues nothing.
    let revoker = claviger.management_key(&["applications:revoke"]).await;
    let next = format!("{path}/{}/compromise", text(&made[1], "id"));
    claviger.ask(&revoker, Method::POST, &next, Some(json!({ "replace": true }))).await.refused(403, "PERMISSION_MISSING");
    claviger.ask(&revoker, Method::POST, &next, Some(json!({}))).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inventory_of_secrets_finds_the_old_the_misplaced_and_the_unused() {
    let claviger = Claviger::start().await;
    let (a, b) = (claviger.tenant("A").await, claviger.tenant("B").await);
    let (mine, other) = (path(&claviger, &a).await, path(&claviger, &b).await);
    claviger.post(&format!("{mine}/secrets"), json!({ "name": "Old", "stored_in": "a file" })).await.expect(201);
    claviger.clock.advance_seconds(10 * 24 * 60 * 60);
    let soon = json!({ "name": "Soon", "stored_in": "vault", "expires_at": "2026-12-04T09:00:00Z" });
    claviger.post(&format!("{other}/secrets"), soon).await.expect(201);
    let gone = claviger.post(&format!("{mine}/secrets"), json!({ "name": "Gone", "stored_in": "vault" })).await.expect(201);
    claviger.post(&format!("{mine}/secrets/{}/revoke", text(&gone, "id")), json!({ "reason": "policy" })).await.expect(200);
    claviger.clock.advance_seconds(2 * 60 * 60);
    let bound = claviger.management_key_with(json!({ "role": "administrator", "organization_id": b.organization })).await;
    let names = async |key: &str, query: &str| -> Vec<String> {
        let page = claviger.ask(key, Method::GET, &format!("/v1/application-secrets?{query}"), None).await.expect(200);
        page["data"].as_array().expect("a list").iter().map(|secret| text(secret, "name")).collect()
    };
    for (query, expected) in [
        ("", vec!["Old", "Soon", "Gone"]),
        ("older_than_days=9", vec!["Old"]),
        ("older_than_days=0", vec!["Old", "Soon", "Gone"]),
        ("stored_in=vault", vec!["Soon", "Gone"]),
        ("unused_since=2026-12-01T00:00:00Z", vec!["Old"]),
        ("status=active", vec!["Old"]),
        ("status=expired", vec!["Soon"]),
        ("status=revoked", vec!["Gone"]),
        (&format!("organization_id={}", b.organization), vec!["Soon"]),
        (&format!("owner_id={}", a.owner), vec!["Old", "Gone"]),
        (&format!("id={}", text(&gone, "id")), vec!["Gone"]),
    ] {
        assert_eq!(names(&claviger.root, query).await, expected, "{query}");
    }
    assert_eq!(names(&bound, "").await, ["Soon"], "nothing of another organization");
    let first = claviger.get("/v1/application-secrets?limit=1").await.expect(200);
    let listed = &first["data"][0];
    assert_eq!((&listed["age_days"], &listed["organization_id"]), (&json!(10), &json!(a.organization)));
    assert_eq!((&listed["application_name"], &listed["application_status"]), (&json!("Billing sync"), &json!("active")));
    let next = names(&claviger.root, &format!("limit=1&cursor={}", text(&first, "next_cursor"))).await;
    assert_eq!(next, ["Soon"]);
    for query in ["older_than_days=-1", "status=disabled", "unused_since=yesterday", "owner_id=x", "id=x"] {
        claviger.get(&format!("/v1/application-secrets?{query}")).await.refused(422, "INVALID_VALUE");
    }
}

/// Whether the secret obtains a token; the token, if it does.
async fn obtains(claviger: &Claviger, application: &str, secret: &str) -> Option<String> {
    let id = application.trim_start_matches("/v1/applications/");
    let answer = claviger.form("/oauth2/token", Some((id, secret)), "grant_type=client_credentials").await;
    match answer.status {
        200 => Some(text(&answer.json, "access_token")),
        _ => {
            assert_eq!((answer.status, answer.json["error"].as_str()), (401, Some("invalid_client")), "{}", answer.text);
            None
        }
    }
}

async fn is_accepted(claviger: &Claviger, token: &str) -> bool {
    let request = claviger.request(Method::POST, "/oauth2/introspect").bearer_auth(&claviger.root);
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(format!("token={token}"));
    claviger.send(request).await.expect(200)["active"] == true
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_of_a_secret_holds_at_the_token_endpoint() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = path(&claviger, &tenant).await;
    let path = format!("{application}/secrets");
    let first = claviger.post(&path, json!({})).await.expect(201);
    let secret = |made: &Value| text(made, "secret");
    let deed = async |made: &Value, deed: &str, body: Value| claviger.post(&format!("{path}/{}/{deed}", text(made, "id")), body).await;
    let second = deed(&first, "rotate", json!({ "overlap_seconds": 60 })).await.expect(201);
    assert!(obtains(&claviger, &application, &secret(&first)).await.is_some(), "the overlap runs");
    assert!(obtains(&claviger, &application, &secret(&second)).await.is_some());
    claviger.clock.advance_seconds(61);
    assert_eq!(obtains(&claviger, &application, &secret(&first)).await, None, "it is over");

    let third = deed(&second, "rotate", json!({ "overlap_seconds": 0 })).await.expect(201);
    assert_eq!(obtains(&claviger, &application, &secret(&second)).await, None, "at once");
    let token = obtains(&claviger, &application, &secret(&third)).await.expect("it lives");
    deed(&third, "revoke", json!({ "reason": "superseded" })).await.expect(200);
    assert_eq!(obtains(&claviger, &application, &secret(&third)).await, None);
    assert!(is_accepted(&claviger, &token).await, "tokens live unless it is said otherwise");
    deed(&third, "revoke", json!({ "reason": "superseded", "tokens": "die" })).await.expect(200);
    assert!(!is_accepted(&claviger, &token).await);

    let fourth = claviger.post(&path, json!({})).await.expect(201);
    let token = obtains(&claviger, &application, &secret(&fourth)).await.expect("it lives");
    let done = deed(&fourth, "compromise", json!({ "replace": true })).await.expect(200);
    assert!(!is_accepted(&claviger, &token).await);
    assert_eq!(obtains(&claviger, &application, &secret(&fourth)).await, None);
    let token = obtains(&claviger, &application, &secret(&done["replacement"])).await.expect("it took the place");

    claviger.post(&format!("/v1/organizations/{}/offboard", tenant.organization), json!({})).await.expect(200);
    assert_eq!(obtains(&claviger, &application, &secret(&done["replacement"])).await, None);
    assert!(!is_accepted(&claviger, &token).await);
}
