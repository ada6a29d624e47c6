//! `POST /v1/verify` and its batch.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_everything_once_the_secret_matched_and_nothing_before() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({ "expires_at": "2027-01-01T00:00:00Z" })).await;
    let mut valid =
        claviger.verify(json!({ "credential": key["secret"], "permissions": ["posts:read"], "resource": "https://api.example.com" })).await;
    let typed: claviger_api::verify::VerifyResponse = serde_json::from_value(valid.clone()).expect("the documented shape");
    assert_eq!(serde_json::to_value(&typed).expect("it can be written"), valid, "nothing but what is documented");
    assert!(text(&valid, "decision_id").starts_with("dec_"));
    for field in ["decision_id", "as_of"] {
        valid.as_object_mut().expect("an object").remove(field).expect("it is there");
    }
    assert_eq!(
        valid,
        json!({
            "valid": true, "code": "VALID", "kind": "api_key", "lifecycle": "standing", "id": key["id"], "environment": "live",
            "organization_id": tenant.organization, "owner_id": tenant.owner, "resource": "https://api.example.com",
            "permissions": ["posts:read"], "expires_at": "2027-01-01T00:00:00Z",
        })
    );
    // Another secret under the same public id, as a stranger could write it.
    let forged = claviger.key(&tenant, json!({})).await;
    let stranger = claviger.verify(json!({ "credential": graft(&text(&key, "secret"), &text(&forged, "secret")) })).await;
    assert_eq!(stranger["code"], "NOT_FOUND");
    assert_eq!(
        stranger.as_object().map(|answer| answer.keys().cloned().collect::<Vec<_>>()),
        Some(["as_of", "code", "decision_id", "valid"].map(str::to_owned).to_vec())
    );
}

/// The id of one key with the secret of another, and a checksum that fits.
fn graft(id_of: &str, secret_of: &str) -> String {
    use claviger_authority::credential;
    let (id, secret) = (credential::parse(id_of).expect("a key"), credential::parse(secret_of).expect("a key"));
    let body = format!("{}_{}_{}_{}", id.prefix, id.class.as_str(), id.id, secret.secret());
    let mut crc = crc32fast::hash(body.as_bytes());
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(crc % 62) as usize];
        crc /= 62;
    }
    let grafted = format!("{body}{}", std::str::from_utf8(&digits).expect("digits"));
    credential::parse(&grafted).expect("the grammar holds");
    grafted
}

#[tokio::test(flavor = "multi_thread")]
async fn each_code_has_its_cause_in_the_documented_order() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger
        .key(&tenant, json!({ "expires_at": "2026-12-01T00:00:00Z", "allowed_cidrs": ["192.0.2.0/24", "2001:db8::/32"], "ratelimit": { "limit": 1, "window_seconds": 3600 }, "quota": { "remaining": 0 } }))
        .await;
    let path = format!("/v1/api-keys/{}", text(&key, "id"));
    let ask = |ip: &str, permission: &str| json!({ "credential": key["secret"], "ip": ip, "permissions": [permission] });
    let code = async |body: Value| text(&claviger.verify(body).await, "code");
    assert_eq!(code(json!({ "credential": "nonsense" })).await, "MALFORMED");
    // From the last check to the first: each cause hides those behind it.
    assert_eq!(code(ask("192.0.2.1", "posts:read")).await, "QUOTA_EXCEEDED");
    assert_eq!(code(ask("2001:db8::7", "posts:read")).await, "RATE_LIMITED");
    assert_eq!(code(ask("::ffff:192.0.2.1", "posts:write")).await, "INSUFFICIENT_PERMISSIONS");
    assert_eq!(code(ask("198.51.100.1", "posts:write")).await, "NETWORK_NOT_ALLOWED");
    assert_eq!(code(json!({ "credential": key["secret"] })).await, "NETWORK_NOT_ALLOWED", "no address is no allowed address");
    let organization = format!("/v1/organizations/{}", tenant.organization);
    claviger.post(&format!("{organization}/suspend"), json!({})).await.expect(200);
    assert_eq!(code(ask("198.51.100.1", "posts:write")).await, "ORGANIZATION_SUSPENDED");
    claviger.post(&format!("{path}/disable"), json!({})).await.expect(200);
    assert_eq!(code(ask("198.51.100.1", "posts:write")).await, "DISABLED");
    claviger.clock.advance_seconds(8 * 24 * 60 * 60);
    assert_eq!(code(ask("198.51.100.1", "posts:write")).await, "EXPIRED");
    claviger.post(&format!("{path}/revoke"), json!({ "reason": "unspecified" })).await.expect(200);
    assert_eq!(code(ask("198.51.100.1", "posts:write")).await, "REVOKED");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_resource_and_an_unknown_permission_are_insufficient() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({ "permissions": ["posts:read", "posts:write"] })).await;
    for (more, code) in [
        (json!({ "permissions": ["posts:read", "posts:write"] }), "VALID"),
        (json!({ "permissions": ["posts:read", "posts:delete"] }), "INSUFFICIENT_PERMISSIONS"),
        (json!({ "permissions": ["posts"] }), "INSUFFICIENT_PERMISSIONS"),
        (json!({ "resource": "https://other.example" }), "INSUFFICIENT_PERMISSIONS"),
    ] {
        let mut body = json!({ "credential": key["secret"] });
        for (field, value) in more.as_object().expect("an object") {
            body[field] = value.clone();
        }
        assert_eq!(claviger.verify(body).await["code"], code, "{more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_answers_each_for_itself() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({})).await;
    let batch = json!({ "requests": [{ "credential": key["secret"] }, { "credential": "x" }, { "credential": key["secret"], "permissions": ["posts:write"] }] });
    let answer = claviger.post("/v1/verify/batch", batch).await.expect(200);
    let codes: Vec<_> = answer["results"].as_array().expect("a list").iter().map(|result| text(result, "code")).collect();
    assert_eq!(codes, ["VALID", "MALFORMED", "INSUFFICIENT_PERMISSIONS"]);
    for count in [0, 101] {
        let requests: Vec<_> = (0..count).map(|_| json!({ "credential": "x" })).collect();
        claviger.post("/v1/verify/batch", json!({ "requests": requests })).await.refused(422, "INVALID_VALUE");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_number_from_the_future_is_stale_and_a_known_one_is_not() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({})).await;
    let seq = key["journal_seq"].as_i64().expect("a number");
    let known = claviger.verify(json!({ "credential": key["secret"], "min_seq": seq })).await;
    assert_eq!((known["code"].as_str(), known["as_of"]["journal_seq"].as_i64()), (Some("VALID"), Some(seq)));
    assert_eq!(claviger.verify(json!({ "credential": key["secret"], "min_seq": seq + 1 })).await["code"], "STALE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_management_key_is_no_answer_and_whoever_lacks_the_permission_no_caller() {
    let claviger = Claviger::start().await;
    assert_eq!(claviger.code(&claviger.root).await, "NOT_FOUND");
    let blind = claviger.management_key(&["keys:read"]).await;
    let body = json!({ "credential": "x" });
    claviger.ask(&blind, Method::POST, "/v1/verify", Some(body.clone())).await.refused(403, "PERMISSION_MISSING");
    claviger.send(claviger.request(Method::POST, "/v1/verify").json(&body)).await.refused(401, "NO_CREDENTIAL");
    claviger.ask("nonsense", Method::POST, "/v1/verify", Some(body)).await.refused(401, "BAD_CREDENTIAL");
}

#[tokio::test(flavor = "multi_thread")]
async fn uses_are_counted_and_kept_without_a_write_per_request() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({ "permissions": ["posts:read", "posts:write"] })).await;
    let path = format!("/v1/api-keys/{}", text(&key, "id"));
    for _ in 0..3 {
        claviger.verify(json!({ "credential": key["secret"], "permissions": ["posts:read"], "ip": "192.0.2.7" })).await;
    }
    claviger.verify(json!({ "credential": key["secret"], "permissions": ["posts:delete"], "ip": "198.51.100.1" })).await;
    assert_eq!(claviger.get(&path).await.expect(200).get("last_used_at"), None);
    claviger.authority().flush_usage().await.expect("it can be written");
    let used = claviger.get(&path).await.expect(200);
    assert_eq!(
        (used["use_count"].as_i64(), used["last_used_from"].as_str(), used["last_used_at"].as_str()),
        (Some(3), Some("192.0.2.7"), Some("2026-11-24T08:00:00Z"))
    );
    assert_eq!(
        used["exercised"],
        json!([{ "permission": "posts:read", "last_exercised_at": "2026-11-24T08:00:00Z" }, { "permission": "posts:write" }])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_known_to_its_connection_is_let_in_no_longer_than_any_other() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let credential = text(&claviger.key(&tenant, json!({})).await, "secret");
    // One connection for all that follows: the client keeps it, and asks for one thing at a time.
    let client = reqwest::Client::builder().pool_max_idle_per_host(1).build().expect("a client");
    let status = async |bearer: &str| {
        let request = client.post(format!("{}/v1/verify", claviger.url)).bearer_auth(bearer).json(&json!({ "credential": credential }));
        request.send().await.expect("it answers").status().as_u16()
    };
    let create = async |more: Value| {
        let key = claviger.management_key_with(more).await;
        let id = text(&claviger.ask(&key, Method::GET, "/v1/whoami", None).await.expect(200), "id");
        (key, format!("/v1/management-keys/{id}"))
    };
    let (first, path) = create(json!({ "permissions": ["credentials:verify"] })).await;
    let forged = format!("{}{}", &first[..first.len() - 1], if first.ends_with('a') { 'b' } else { 'a' });
    for _ in 0..3 {
        assert_eq!([status(&first).await, status(&forged).await, status(&first).await, status(&claviger.root).await], [200, 401, 200, 200]);
    }
    assert_eq!(status(&first).await, 200);
    claviger.post(&format!("{path}/revoke"), json!({ "reason": "superseded" })).await.expect(200);
    assert_eq!(status(&first).await, 401, "revoked");

    let (expiring, _) = create(json!({ "permissions": ["credentials:verify"], "expires_at": "2026-11-24T09:00:00Z" })).await;
    assert_eq!([status(&expiring).await, status(&expiring).await], [200, 200]);
    claviger.clock.advance_seconds(3_601);
    assert_eq!(status(&expiring).await, 401, "expired");

    let (bound, _) = create(json!({ "permissions": ["credentials:verify"], "organization_id": tenant.organization })).await;
    assert_eq!([status(&bound).await, status(&bound).await], [200, 200]);
    claviger.post(&format!("/v1/organizations/{}/suspend", tenant.organization), json!({})).await.expect(200);
    assert_eq!(status(&bound).await, 401, "suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_key_has_beside_its_slot_counts_into_the_budget() {
    const BUDGET: usize = 64 * 1024;
    let claviger = Claviger::start_with(|config| config.gate.memory_budget_bytes = BUDGET.try_into().expect("not zero")).await;
    let tenant = claviger.tenant("A").await;
    let networks: Vec<String> = (0..50).map(|network| format!("192.0.{network}.0/24")).collect();
    let mut secrets = Vec::new();
    for _ in 0..120 {
        secrets.push(text(&claviger.key(&tenant, json!({ "allowed_cidrs": networks })).await, "secret"));
    }
    let residents = claviger.authority().gate.residents().0;
    assert!((16..110).contains(&residents), "{residents} of 120 are resident, though without networks all would be");
    for secret in &secrets {
        assert_eq!(claviger.code(secret).await, "NETWORK_NOT_ALLOWED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_its_budget_the_gate_evicts_and_still_answers() {
    // Room for 16 entries, the bootstrap key among them.
    let claviger = Claviger::start_with(|config| config.gate.memory_budget_bytes = 2_560.try_into().expect("not zero")).await;
    let tenant = claviger.tenant("A").await;
    let mut secrets = Vec::new();
    for _ in 0..60 {
        secrets.push(text(&claviger.key(&tenant, json!({})).await, "secret"));
    }
    for round in 0..2 {
        for secret in &secrets {
            assert_eq!(claviger.code(secret).await, "VALID", "round {round}");
        }
    }
    assert!(claviger.authority().gate.residents().0 <= 16);
    let unknown = claviger_authority::credential::mint(
        &claviger_authority::credential::Prefix::parse("clv_live").expect("a prefix"),
        claviger_authority::credential::Class::ApiKey,
        claviger_authority::credential::CredentialId::from_bytes([7; 12]),
        &[7; 32],
    );
    for _ in 0..3 {
        assert_eq!(claviger.code(unknown.expose()).await, "NOT_FOUND");
    }
    claviger.authority().flush_usage().await.expect("it can be written");
    let counts: i64 = claviger.get("/v1/api-keys?limit=200").await.expect(200)["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|key| key["use_count"].as_i64().expect("a number"))
        .sum();
    assert_eq!(counts, 120, "no use is lost by an eviction");
}
