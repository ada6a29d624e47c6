//! `Idempotency-Key` on creates.

use std::pin::pin;
use std::sync::Arc;

use claviger_authority::access::authenticate;
use claviger_authority::access::caller::Request;
use claviger_authority::db::{self, Change, Db, PoolSizes};
use claviger_server::serve;
use futures_util::future;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{Answer, Claviger, text};

async fn create(claviger: &Claviger, path: &str, key: &str, body: &Value) -> Answer {
    let request = claviger.request(Method::POST, path).bearer_auth(&claviger.root).header("idempotency-key", key).json(body);
    claviger.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_and_body_answer_the_same_object_without_its_secret() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let body = tenant.key(json!({}));
    let first = create(&claviger, "/v1/api-keys", "k-1", &body).await.expect(201);
    let again = create(&claviger, "/v1/api-keys", "k-1", &body).await.expect(200);
    assert_eq!((&first["code"], &again["code"]), (&json!("CREATED"), &json!("ALREADY_CREATED")));
    assert_eq!(first["id"], again["id"]);
    assert_eq!(again.get("secret"), None);
    assert_eq!(claviger.get("/v1/api-keys").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
    create(&claviger, "/v1/api-keys", "k-1", &tenant.key(json!({ "name": "Other" }))).await.refused(422, "IDEMPOTENCY_MISMATCH");
    // A day later the key is free again.
    claviger.clock.advance_seconds(24 * 60 * 60 + 1);
    let later = create(&claviger, "/v1/api-keys", "k-1", &body).await.expect(201);
    assert_ne!(later["id"], first["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_create_knows_it_and_callers_do_not_share_keys() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = text(&claviger.post("/v1/applications", tenant.application(json!({}))).await.expect(201), "id");
    let within = |kind: &str| format!("/v1/applications/{application}/{kind}");
    let [secrets, keys, certificates, trusts] = ["secrets", "keys", "certificates", "trusts"].map(within);
    for (path, body) in [
        ("/v1/applications", tenant.application(json!({}))),
        (&*secrets, json!({})),
        (&*keys, json!({ "jwks_uri": "https://keys.example.com/" })),
        (&*certificates, json!({ "method": "tls_client_auth", "san_dns": "a.example.com" })),
        (&*trusts, json!({ "issuer": "https://issuer.example.com", "audience": "a", "subject": "s" })),
        ("/v1/organizations", json!({ "name": "B" })),
        ("/v1/owners", json!({ "name": "B", "email": "b@example.com", "type": "team" })),
        ("/v1/resources", json!({ "identifier": "urn:b:b", "name": "B", "permissions": [] })),
        ("/v1/operators", json!({ "name": "B", "email": "b@example.com", "role": "viewer" })),
        (
            "/v1/management-keys",
            json!({ "name": "B", "owner_id": claviger.post("/v1/owners", json!({ "name": "T", "email": "t@example.com", "type": "team" })).await.expect(201)["id"], "role": "viewer" }),
        ),
    ] {
        let first = create(&claviger, path, path, &body).await.expect(201);
        let again = create(&claviger, path, path, &body).await;
        assert_eq!(again.json["id"], first["id"], "{path}");
        assert_eq!(again.json.get("secret"), None, "{path}");
    }
    // The same words to another application are another request.
    let second = text(&claviger.post("/v1/applications", tenant.application(json!({}))).await.expect(201), "id");
    create(&claviger, &format!("/v1/applications/{second}/secrets"), &secrets, &json!({})).await.refused(422, "IDEMPOTENCY_MISMATCH");
    let other = claviger.management_key(&["keys:create"]).await;
    let body = tenant.key(json!({ "resource": "https://api.example.com" }));
    let mine = create(&claviger, "/v1/api-keys", "shared", &body).await.expect(201);
    let request = claviger.request(Method::POST, "/v1/api-keys").bearer_auth(other).header("idempotency-key", "shared").json(&body);
    assert_ne!(claviger.send(request).await.expect(201)["id"], mine["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_make_one_and_the_rest_are_told() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let body = tenant.key(json!({}));
    let answers = future::join_all((0..16).map(|_| create(&claviger, "/v1/api-keys", "k", &body))).await;
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(made.len(), 1, "exactly one makes the key");
    for answer in &answers {
        match answer.status {
            201 => (),
            200 => assert_eq!(answer.json["id"], made[0].json["id"]),
            409 => assert_eq!(answer.json["code"], "IDEMPOTENCY_IN_FLIGHT"),
            _ => panic!("{answer:?}"),
        }
    }
    assert_eq!(claviger.get("/v1/api-keys").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_is_told_while_the_first_is_under_way() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let body = tenant.key(json!({}));
    // Another node has a change open and holds the journal's head with it: here no create can come to its end.
    let (held, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let node = Db::open(&serve::location(&claviger.config).expect("an address"), PoolSizes::default(), false).await.expect("it opens");
    let request = Request { bearer: Some(&claviger.root), request_id: "req_other_node".to_owned(), environment: None, client: None };
    let caller = authenticate(claviger.authority(), request).await.expect("an administrator");
    let holding = node.change(&caller.context, |_, _| {
        let (held, release) = (held.clone(), release.clone());
        async move {
            held.notify_one();
            release.notified().await;
            Ok::<_, db::Error>(Change::Nothing(()))
        }
    });
    let asking = async {
        held.notified().await;
        let (one, other) = (pin!(create(&claviger, "/v1/api-keys", "k", &body)), pin!(create(&claviger, "/v1/api-keys", "k", &body)));
        // One of them waits for the journal. Whichever is answered now is the one that came second.
        let (told, waiting) = future::select(one, other).await.factor_first();
        told.refused(409, "IDEMPOTENCY_IN_FLIGHT");
        release.notify_one();
        let made = waiting.await.expect(201);
        assert!(made["secret"].is_string(), "{}", made["code"]);
        made
    };
    let (held, made) = tokio::join!(holding, asking);
    held.expect("nothing was changed by it");
    node.close().await;
    let again = create(&claviger, "/v1/api-keys", "k", &body).await.expect(200);
    assert_eq!((&again["id"], &again["code"]), (&made["id"], &json!("ALREADY_CREATED")), "the place is free again");
    assert_eq!(claviger.get("/v1/api-keys").await.expect(200)["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_refused() {
    let claviger = Claviger::start().await;
    let refused = create(&claviger, "/v1/organizations", &"x".repeat(256), &json!({ "name": "A" })).await.refused(422, "INVALID_VALUE");
    assert_eq!(text(&refused["errors"][0], "pointer"), "Idempotency-Key");
}
