//! An application from its making to its end.

use http::Method;
use serde_json::{Value, json};

use super::{API, application, dead_tokens, events, path};
use crate::support::{Claviger, text};

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
