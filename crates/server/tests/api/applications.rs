//! `/v1/applications`: the life of an application and of its credentials.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Claviger, Tenant, text};

const API: &str = "https://api.example.com";

async fn application(claviger: &Claviger, tenant: &Tenant, more: Value) -> Value {
    claviger.post("/v1/applications", tenant.application(more)).await.expect(201)
}

/// The address of a new application that may read posts.
async fn path(claviger: &Claviger, tenant: &Tenant) -> String {
    format!("/v1/applications/{}", text(&application(claviger, tenant, json!({})).await, "id"))
}

/// Kind and data of every event of the application, but the first.
async fn events(claviger: &Claviger, path: &str) -> Vec<(String, Value)> {
    let id = path.trim_start_matches("/v1/applications/");
    let events = claviger.get(&format!("/v1/journal?subject={id}")).await.expect(200);
    events["data"].as_array().expect("a list").iter().skip(1).map(|event| (text(event, "kind"), event["data"].clone())).collect()
}

/// Subjects whose tokens are refused, from the database: what introspection will ask.
async fn dead_tokens(claviger: &Claviger) -> Vec<String> {
    use claviger_authority::db::Query as _;
    let rows = claviger.authority().db().all("SELECT subject FROM token_revocations ORDER BY subject", vec![]).await.expect("rows");
    rows.iter().map(|row| row.text("subject")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_what_was_asked_for() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    claviger.post("/v1/resources", json!({ "identifier": "urn:b:b", "name": "B", "permissions": [] })).await.expect(201);
    let wanted = json!({
        "purpose": "sync", "token_lifetime_seconds": 600, "require_dpop": true, "ratelimit": { "limit": 10, "window_seconds": 60 },
        "resources": [{ "identifier": "urn:b:b" }, { "identifier": API, "permissions": ["posts:write", "posts:read", "posts:read"] }],
        "metadata": { "team": 7 }, "tags": ["erp", "a"],
    });
    let made = application(&claviger, &tenant, wanted).await;
    assert!(text(&made, "id").starts_with("app_"));
    let read = claviger.get(&format!("/v1/applications/{}", text(&made, "id"))).await.expect(200);
    for (field, value) in [
        ("purpose", json!("sync")),
        ("status", json!("active")),
        ("token_lifetime_seconds", json!(600)),
        ("require_dpop", json!(true)),
        ("ratelimit", json!({ "limit": 10, "window_seconds": 60 })),
        (
            "resources",
            json!([{ "identifier": API, "permissions": ["posts:read", "posts:write"] }, { "identifier": "urn:b:b", "permissions": [] }]),
        ),
        ("metadata", json!({ "team": 7 })),
        ("tags", json!(["a", "erp"])),
        ("organization_id", json!(tenant.organization)),
        ("owner_id", json!(tenant.owner)),
    ] {
        assert_eq!((&made[field], &read[field]), (&value, &value), "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_in_an_application_is_told_by_its_place() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let pointers = |refused: &Value| -> Vec<String> {
        refused["errors"].as_array().expect("errors").iter().map(|error| text(error, "pointer")).collect()
    };
    let body = json!({
        "name": "", "token_lifetime_seconds": 59, "ratelimit": { "limit": 0, "window_seconds": 1 }, "metadata": { "x": {} },
        "tags": ["a,b"], "resources": [{ "identifier": API, "permissions": ["a b"] }, { "identifier": API }],
    });
    let refused = claviger.post("/v1/applications", body).await.refused(422, "INVALID_VALUE");
    let expected = [
        "/name",
        "/resources/0/permissions",
        "/resources/1/identifier",
        "/token_lifetime_seconds",
        "/ratelimit",
        "/metadata",
        "/tags",
        "/organization_id",
        "/owner_id",
    ];
    assert_eq!(pointers(&refused), expected);
    let resources = json!([{ "identifier": "urn:no:such" }, { "identifier": API, "permissions": ["posts:eat"] }]);
    let refused =
        claviger.post("/v1/applications", tenant.application(json!({ "resources": resources }))).await.refused(422, "INVALID_VALUE");
    assert_eq!(pointers(&refused), ["/resources/0/identifier", "/resources/1/permissions"]);
    for seconds in [59, 86_401] {
        let body = tenant.application(json!({ "token_lifetime_seconds": seconds }));
        claviger.post("/v1/applications", body).await.refused(422, "INVALID_VALUE");
    }
    let foreign = claviger.tenant("B").await;
    let body = tenant.application(json!({ "owner_id": foreign.owner }));
    claviger.post("/v1/applications", body).await.refused(409, "OWNER_OF_OTHER_ORGANIZATION");
    claviger.post(&format!("/v1/organizations/{}/suspend", tenant.organization), json!({})).await.expect(200);
    claviger.post("/v1/applications", tenant.application(json!({}))).await.refused(409, "ORGANIZATION_NOT_ACTIVE");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_an_application_or_its_credentials_more_than_he_may_grant() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let permissions = ["applications:create", "applications:update", "applications:revoke"];
    let limited = claviger.management_key_with(json!({ "permissions": permissions, "grantable": ["posts:read"] })).await;
    let grants = |permissions: &[&str]| json!({ "resources": [{ "identifier": API, "permissions": permissions }] });
    let ask = |method: Method, path: String, body: Value| {
        let claviger = &claviger;
        let limited = &limited;
        async move { claviger.ask(limited, method, &path, Some(body)).await }
    };
    let create = tenant.application(grants(&["posts:write"]));
    ask(Method::POST, "/v1/applications".to_owned(), create).await.refused(403, "BEYOND_OWN_GRANT");
    let create = tenant.application(grants(&["posts:read"]));
    let own = ask(Method::POST, "/v1/applications".to_owned(), create).await.expect(201);
    let own = format!("/v1/applications/{}", text(&own, "id"));
    ask(Method::PATCH, own.clone(), grants(&["posts:read", "posts:write"])).await.refused(403, "BEYOND_OWN_GRANT");
    ask(Method::POST, format!("{own}/secrets"), json!({})).await.expect(201);
    // A secret of an application that may more is as good as the permission.
    let strong = format!("/v1/applications/{}", text(&application(&claviger, &tenant, grants(&["posts:write"])).await, "id"));
    let secret = claviger.post(&format!("{strong}/secrets"), json!({ "expires_at": "2026-12-01T00:00:00Z" })).await.expect(201);
    let secret = format!("{strong}/secrets/{}", text(&secret, "id"));
    let uri = json!({ "jwks_uri": "https://keys.example.com/jwks" });
    for (path, body) in [
        (format!("{strong}/secrets"), json!({})),
        (format!("{strong}/keys"), uri),
        (format!("{strong}/certificates"), json!({ "method": "tls_client_auth", "san_dns": "a.example.com" })),
        (format!("{strong}/trusts"), json!({ "issuer": "https://i.example.com", "audience": "a", "subject": "s" })),
        (format!("{secret}/rotate"), json!({ "overlap_seconds": 0 })),
        (format!("{secret}/compromise"), json!({ "replace": true })),
    ] {
        ask(Method::POST, path, body).await.refused(403, "BEYOND_OWN_GRANT");
    }
    ask(Method::PATCH, secret.clone(), json!({ "expires_at": null })).await.refused(403, "BEYOND_OWN_GRANT");
    ask(Method::PATCH, secret.clone(), json!({ "expires_at": "2026-11-30T00:00:00Z" })).await.expect(200);
    assert_eq!(claviger.get(&secret).await.expect(200)["status"], "active", "what was refused changed nothing");
    ask(Method::POST, format!("{secret}/compromise"), json!({})).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn narrowing_is_free_and_widening_is_its_own_event() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let other = claviger.post("/v1/resources", json!({ "identifier": "urn:b:b", "name": "B", "permissions": [] })).await.expect(201);
    let path = path(&claviger, &tenant).await;
    let updater = claviger.management_key(&["applications:update"]).await;
    let grants = |permissions: &[&str], more: &[&str]| {
        let more = more.iter().map(|identifier| json!({ "identifier": identifier }));
        let all: Vec<Value> = std::iter::once(json!({ "identifier": API, "permissions": permissions })).chain(more).collect();
        json!({ "resources": all })
    };
    claviger.ask(&updater, Method::PATCH, &path, Some(grants(&[], &[]))).await.expect(200);
    claviger.ask(&updater, Method::PATCH, &path, Some(grants(&["posts:read"], &[]))).await.refused(403, "PERMISSION_MISSING");
    claviger.ask(&updater, Method::PATCH, &path, Some(grants(&[], &["urn:b:b"]))).await.refused(403, "PERMISSION_MISSING");
    claviger.patch(&path, grants(&["posts:write"], &["urn:b:b"])).await.expect(200);
    claviger.patch(&path, grants(&["posts:read"], &[])).await.expect(200);
    let same = claviger.patch(&path, grants(&["posts:read"], &[])).await.expect(200);
    assert_eq!(same["revision"], 4, "what is so already is no change");
    let api = text(&claviger.get(&format!("/v1/resources?identifier={API}")).await.expect(200)["data"][0], "id");
    let part = |permission: &str| json!({ "resource_id": api, "permissions": [permission], "resource": false });
    let whole = json!({ "resource_id": other["id"], "permissions": [], "resource": true });
    assert_eq!(
        events(&claviger, &path).await,
        [
            ("application.narrowed".to_owned(), json!({ "removed": [part("posts:read")] })),
            ("application.widened".to_owned(), json!({ "added": [part("posts:write"), whole] })),
            ("application.narrowed".to_owned(), json!({ "removed": [part("posts:write"), whole] })),
            ("application.widened".to_owned(), json!({ "added": [part("posts:read")] })),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_sets_and_clears_and_heeds_the_revision() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let path = path(&claviger, &tenant).await;
    let set = json!({
        "name": "Renamed", "purpose": "p", "token_lifetime_seconds": 60, "require_dpop": true,
        "ratelimit": { "limit": 1, "window_seconds": 1 }, "metadata": { "a": 1 }, "tags": ["x"],
    });
    let changed = claviger.patch(&path, set.clone()).await.expect(200);
    for (field, value) in set.as_object().expect("an object") {
        assert_eq!(&changed[field], value, "{field}");
    }
    let cleared = claviger.patch(&path, json!({ "purpose": null, "token_lifetime_seconds": null, "ratelimit": null })).await.expect(200);
    assert_eq!([&cleared["purpose"], &cleared["token_lifetime_seconds"], &cleared["ratelimit"]], [&Value::Null; 3]);
    let patch = |revision: &'static str| {
        let request = claviger.request(Method::PATCH, &path).bearer_auth(&claviger.root).header("if-match", revision);
        claviger.send(request.json(&json!({ "name": "Again" })))
    };
    patch("\"1\"").await.refused(412, "REVISION_MISMATCH");
    assert_eq!(patch("\"3\"").await.expect(200)["name"], "Again");
    claviger.patch(&path, json!({ "token_lifetime_seconds": 1 })).await.refused(422, "INVALID_VALUE");
    let (kind, data) = events(&claviger, &path).await.remove(0);
    assert_eq!(kind, "application.updated");
    assert_eq!(data["after"]["token_lifetime_seconds"], 60);
    assert!(!data.to_string().contains("Renamed"), "no names in the journal");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_switched_off_and_ended_and_only_an_accident_is_undone() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let path = path(&claviger, &tenant).await;
    let deed = async |deed: &str, body: Value| claviger.post(&format!("{path}/{deed}"), body).await;
    assert_eq!(deed("disable", json!({})).await.expect(200)["status"], "disabled");
    deed("undo-revocation", json!({})).await.refused(409, "WRONG_STATUS");
    let revoked = deed("revoke", json!({ "reason": "superseded", "comment": "oops" })).await.expect(200);
    assert_eq!((&revoked["status"], &revoked["revocation"]["comment"]), (&json!("revoked"), &json!("oops")));
    assert_eq!(revoked["nodes"], json!({ "confirmed": 1, "expired": 0 }));
    deed("enable", json!({})).await.refused(409, "WRONG_STATUS");
    deed("secrets", json!({})).await.refused(409, "WRONG_STATUS");
    claviger.patch(&path, json!({ "name": "x" })).await.refused(409, "WRONG_STATUS");
    assert_eq!(deed("undo-revocation", json!({})).await.expect(200)["status"], "disabled", "as it was before");
    assert_eq!(deed("enable", json!({})).await.expect(200)["status"], "active");
    assert_eq!(dead_tokens(&claviger).await, Vec::<String>::new(), "an accident ends no token");
    deed("revoke", json!({ "reason": "superseded" })).await.expect(200);
    claviger.clock.advance_seconds(30 * 60 + 1);
    deed("undo-revocation", json!({})).await.refused(409, "UNDO_EXPIRED");
    deed("revoke", json!({ "reason": "leak_report" })).await.expect(200);
    deed("undo-revocation", json!({})).await.refused(409, "UNDO_FORBIDDEN");
    deed("revoke", json!({ "reason": "because" })).await.refused(422, "INVALID_VALUE");
    assert_eq!(dead_tokens(&claviger).await, [path.trim_start_matches("/v1/applications/")], "a leak ends them all");
    let kinds: Vec<String> = events(&claviger, &path).await.into_iter().map(|(kind, _)| kind).collect();
    let expected = ["disabled", "revoked", "revocation_undone", "enabled", "revoked", "revoked"];
    assert_eq!(kinds, expected.map(|verb| format!("application.{verb}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_are_found_by_every_filter_page_by_page() {
    let claviger = Claviger::start().await;
    let (a, b) = (claviger.tenant("A").await, claviger.tenant("B").await);
    claviger.post("/v1/resources", json!({ "identifier": "urn:b:b", "name": "B", "permissions": [] })).await.expect(201);
    application(&claviger, &a, json!({ "name": "One", "tags": ["erp"] })).await;
    let two = application(&claviger, &b, json!({ "name": "Two", "resources": [{ "identifier": "urn:b:b" }], "tags": ["ERP"] })).await;
    application(&claviger, &a, json!({ "name": "Three" })).await;
    claviger.post(&format!("/v1/applications/{}/disable", text(&two, "id")), json!({})).await.expect(200);
    let names = async |query: &str| -> Vec<String> {
        let page = claviger.get(&format!("/v1/applications?{query}")).await.expect(200);
        page["data"].as_array().expect("a list").iter().map(|application| text(application, "name")).collect()
    };
    for (query, expected) in [
        ("", vec!["One", "Two", "Three"]),
        ("status=disabled", vec!["Two"]),
        ("status=active", vec!["One", "Three"]),
        ("status=revoked", vec![]),
        (&format!("organization_id={}", a.organization), vec!["One", "Three"]),
        (&format!("owner_id={}", b.owner), vec!["Two"]),
        ("permission=posts:read", vec!["One", "Three"]),
        ("resource=urn:b:b", vec!["Two"]),
        ("tag=erp", vec!["One"]),
        ("search=tw", vec!["Two"]),
    ] {
        assert_eq!(names(query).await, expected, "{query}");
    }
    let first = claviger.get("/v1/applications?limit=2").await.expect(200);
    assert_eq!(first["has_more"], true);
    assert_eq!(names(&format!("limit=2&cursor={}", text(&first, "next_cursor"))).await, ["Three"]);
    claviger.get("/v1/applications?status=expired").await.refused(422, "INVALID_VALUE");
}

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

const KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn jwk(more: Value) -> Value {
    let mut jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": KEY });
    for (field, value) in more.as_object().expect("an object") {
        jwk[field] = value.clone();
    }
    json!({ "jwk": jwk })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_key_is_taken_once_and_a_private_one_never() {
    let claviger = Claviger::start().await;
    let (a, b) = (claviger.tenant("A").await, claviger.tenant("B").await);
    let application = path(&claviger, &a).await;
    let path = format!("{application}/keys");
    let mut body = jwk(json!({ "kid": "mine" }));
    body["expires_at"] = json!("2026-12-01T00:00:00Z");
    let made = claviger.post(&path, body).await.expect(201);
    assert_eq!((&made["kind"], &made["hint"], &made["status"]), (&json!("public_key"), &json!("kPrK_qmx"), &json!("active")));
    let published = json!({
        "kty": "OKP", "crv": "Ed25519", "x": KEY, "alg": "EdDSA", "use": "sig", "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    });
    let read = claviger.get(&format!("{path}/{}", text(&made, "id"))).await.expect(200);
    assert_eq!((&read["jwk"], &read["expires_at"]), (&published, &json!("2026-12-01T00:00:00Z")));
    // The same key once more, however it is written, here or elsewhere, also when it is revoked.
    let other = self::path(&claviger, &b).await;
    claviger.post(&path, jwk(json!({}))).await.refused(409, "TAKEN");
    let revoked = claviger.post(&format!("{path}/{}/revoke", text(&made, "id")), json!({ "reason": "key_compromise" })).await.expect(200);
    assert_eq!(revoked["status"], "revoked");
    assert_eq!(dead_tokens(&claviger).await, [text(&made, "id")]);
    let bound = claviger.management_key_with(json!({ "role": "administrator", "organization_id": b.organization })).await;
    let refused = claviger.ask(&bound, Method::POST, &format!("{other}/keys"), Some(jwk(json!({})))).await.refused(409, "TAKEN");
    assert!(!refused.to_string().contains(&text(&made, "id")), "whose it is is nobody else's business: {refused}");
    let private = claviger.post(&path, jwk(json!({ "d": KEY }))).await.refused(422, "INVALID_VALUE");
    assert!(text(&private["errors"][0], "detail").contains("consider this key leaked"), "{private}");
    assert!(!private.to_string().contains(KEY));
    let rsa = |alg: &str| json!({ "jwk": { "kty": "RSA", "e": "AQAB", "n": format!("{}w", "_".repeat(341)), "alg": alg } });
    let refused = claviger.post(&path, rsa("RS256")).await.refused(422, "INVALID_VALUE");
    assert!(text(&refused["errors"][0], "detail").contains("RS256, which is not taken"), "{refused}");
    for body in [
        json!({}),
        json!({ "jwk": {} }),
        jwk(json!({ "use": "enc" })),
        json!({ "jwk": { "kty": "EC", "crv": "P-384", "x": KEY, "y": KEY } }),
        json!({ "jwks_uri": "http://keys.example.com" }),
        json!({ "jwks_uri": "https://user@keys.example.com/" }),
        json!({ "jwks_uri": "https://keys.example.com/#x" }),
        json!({ "jwks_uri": "https://169.254.169.254/" }),
        json!({ "jwks_uri": "https://keys.example.com/", "jwk": { "kty": "OKP", "crv": "Ed25519", "x": KEY } }),
    ] {
        claviger.post(&path, body).await.refused(422, "INVALID_VALUE");
    }
    let uri = claviger.post(&path, json!({ "jwks_uri": "https://keys.example.com/jwks.json", "name": "Ours" })).await.expect(201);
    assert_eq!((&uri["jwks_uri"], uri.get("jwk")), (&json!("https://keys.example.com/jwks.json"), None));
    let list = claviger.get(&path).await.expect(200);
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
    for _ in 0..9 {
        claviger.post(&path, json!({ "jwks_uri": "https://keys.example.com/jwks.json" })).await.expect(201);
    }
    claviger.post(&path, json!({ "jwks_uri": "https://keys.example.com/jwks.json" })).await.refused(409, "TOO_MANY_CREDENTIALS");
    let kinds: Vec<String> = events(&claviger, &application).await.into_iter().map(|(kind, _)| kind).take(3).collect();
    assert_eq!(kinds, ["client_key.created", "client_key.revoked", "client_key.created"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_known_by_its_thumbprint_or_by_one_subject() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = path(&claviger, &tenant).await;
    let path = format!("{application}/certificates");
    let (thumbprint, pem) = (THUMBPRINT, PEM);
    let made = claviger.post(&path, json!({ "method": "self_signed", "certificate_pem": pem })).await.expect(201);
    assert_eq!((&made["kind"], &made["x5t_s256"]), (&json!("certificate"), &json!(thumbprint)));
    let known = claviger.post(&path, json!({ "method": "self_signed", "x5t_s256": thumbprint })).await.expect(201);
    assert_eq!(known["x5t_s256"], json!(thumbprint));
    for (field, value) in
        [("subject_dn", "CN=billing,O=Example"), ("san_dns", "billing.example.com"), ("san_uri", "spiffe://example.com/billing")]
    {
        let made = claviger.post(&path, json!({ "method": "tls_client_auth", field: value })).await.expect(201);
        let read = claviger.get(&format!("{path}/{}", text(&made, "id"))).await.expect(200);
        assert_eq!((&read["method"], &read[field]), (&json!("tls_client_auth"), &json!(value)));
    }
    for body in [
        json!({}),
        json!({ "method": "self_signed" }),
        json!({ "method": "self_signed", "certificate_pem": pem, "x5t_s256": thumbprint }),
        json!({ "method": "self_signed", "certificate_pem": &pem[..pem.len() / 2] }),
        json!({ "method": "self_signed", "certificate_pem": "-----BEGIN PRIVATE KEY-----" }),
        json!({ "method": "self_signed", "x5t_s256": &thumbprint[1..] }),
        json!({ "method": "self_signed", "x5t_s256": thumbprint, "san_dns": "a.example.com" }),
        json!({ "method": "tls_client_auth" }),
        json!({ "method": "tls_client_auth", "san_dns": "a.example.com", "subject_dn": "CN=a" }),
        json!({ "method": "tls_client_auth", "san_dns": "a.example.com", "x5t_s256": thumbprint }),
        json!({ "method": "tls_client_auth", "san_dns": "*.example.com" }),
        json!({ "method": "tls_client_auth", "subject_dn": "billing" }),
        json!({ "method": "tls_client_auth", "san_uri": "billing" }),
    ] {
        claviger.post(&path, body).await.refused(422, "INVALID_VALUE");
    }
    let id = text(&made, "id");
    let revoked = claviger.post(&format!("{path}/{id}/revoke"), json!({ "reason": "superseded" })).await.expect(200);
    assert_eq!((&revoked["status"], &revoked["revocation"]["reason"]), (&json!("revoked"), &json!("superseded")));
    assert_eq!(claviger.get(&path).await.expect(200)["data"].as_array().map(Vec::len), Some(5));
    let kinds: Vec<String> = events(&claviger, &application).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!((kinds[0].as_str(), kinds[5].as_str()), ("certificate.created", "certificate.revoked"));
}

/// What OpenSSL tells of this certificate, and the certificate.
const THUMBPRINT: &str = "vB19M9q8QnJ-jjLRgbu8FC9kLbMM8khpvMzxRiuQwmU";
const PEM: &str = "-----BEGIN CERTIFICATE-----
MIIBeTCCAR+gAwIBAgIUJVkeSC0i2ZFXkd8w39n8aJwZqdswCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHYmlsbGluZzAeFw0yNjExMjQxMzA2NTVaFw0zNjExMjExMzA2
NTVaMBIxEDAOBgNVBAMMB2JpbGxpbmcwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQ8EYFIlSfzIKdPrIAZHnuHLQahTMCXPu3BgBEIsTUNx15eN4CZNIKG8iXeVIoF
UlWtGOoIcqaMxAxNOIylMXdoo1MwUTAdBgNVHQ4EFgQUUM1FLeOddnxilFExWtHC
OBEz87MwHwYDVR0jBBgwFoAUUM1FLeOddnxilFExWtHCOBEz87MwDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAtWoIRhxqADXksHke8oAd3YUZft3G
jeMndudRk1T/mxkCIFjJIAokAXiHF9KKvCSuTc0DJgGt5KpBfgL+R6Eumfaa
-----END CERTIFICATE-----";

#[tokio::test(flavor = "multi_thread")]
async fn a_trust_says_whose_tokens_stand_for_the_application() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = path(&claviger, &tenant).await;
    let path = format!("{application}/trusts");
    let trust = |more: Value| {
        let mut body = json!({ "issuer": "https://token.actions.githubusercontent.com", "audience": "https://auth.example.com" });
        for (field, value) in more.as_object().expect("an object") {
            body[field] = value.clone();
        }
        body
    };
    let wanted =
        json!({ "subject": "repo:example/shop:*", "claims": { "environment": "production" }, "jwks_uri": "https://keys.example.com/" });
    let made = claviger.post(&path, trust(wanted.clone())).await.expect(201);
    let read = claviger.get(&format!("{path}/{}", text(&made, "id"))).await.expect(200);
    for (field, value) in trust(wanted).as_object().expect("an object") {
        assert_eq!(&read[field], value, "{field}");
    }
    assert_eq!((&read["kind"], &read["hint"]), (&json!("trust"), &json!("token.actions.githubusercontent.com")));
    claviger.post(&path, trust(json!({ "claims": { "repository_id": "7" } }))).await.expect(201);
    for more in [
        json!({}),
        json!({ "subject": "*" }),
        json!({ "subject": "**", "claims": { "environment": "*" } }),
        json!({ "subject": "" }),
        json!({ "subject": "s", "claims": { "": "x" } }),
        json!({ "subject": "s", "claims": { "x": "" } }),
        json!({ "subject": "s", "audience": "" }),
        json!({ "subject": "s", "issuer": "http://issuer.example.com" }),
        json!({ "subject": "s", "issuer": "https://issuer.example.com?x=y" }),
        json!({ "subject": "s", "issuer": "https://127.0.0.1" }),
        json!({ "subject": "s", "jwks_uri": "https://[::1]/" }),
    ] {
        claviger.post(&path, trust(more)).await.refused(422, "INVALID_VALUE");
    }
    let id = text(&made, "id");
    claviger.post(&format!("{path}/{id}/revoke"), json!({ "reason": "policy", "tokens": "die" })).await.expect(200);
    assert_eq!(dead_tokens(&claviger).await, [id]);
    let told = events(&claviger, &application).await;
    assert_eq!((told[0].0.as_str(), told[2].0.as_str()), ("trust.created", "trust.revoked"));
    assert_eq!(told[0].1["subject"], Value::Null, "it may be a person's address");
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
