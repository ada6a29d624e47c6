//! Requests that no good client sends: each gets a clear refusal with a stable code, and nothing changes.

use http::Method;
use serde_json::json;

use crate::support::{Answer, Claviger, text};

async fn raw(claviger: &Claviger, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = claviger.request(Method::POST, path).bearer_auth(&claviger.root).header("content-type", "application/json").body(body);
    claviger.send(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_is_one_that_stands_in_a_path_a_query_or_a_header() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let secret = crate::support::text(&claviger.key(&tenant, json!({})).await, "secret");
    let get = |path: String| claviger.request(Method::GET, &path).bearer_auth(&claviger.root);
    let post = |path: &str, body: serde_json::Value| claviger.request(Method::POST, path).bearer_auth(&claviger.root).json(&body);
    let owner = |kind: &str| json!({ "name": "O", "email": "o@example.com", "type": kind });
    let requests = [
        get(format!("/v1/api-keys?status={secret}")),
        get(format!("/v1/api-keys?{secret}=1")),
        get(format!("/v1/api-keys?cursor={secret}")),
        get(format!("/v1/environments/{secret}")),
        get(format!("/v1/api-keys/{secret}")),
        get(format!("/{secret}")),
        get("/v1/organizations".to_owned()).header("claviger-environment", &secret),
        post("/v1/owners", owner(&secret)),
        post("/v1/owners", json!({ (secret.as_str()): 1 })),
        post("/v1/api-keys", tenant.key(json!({ "permissions": [secret] }))),
        post("/v1/verify", json!({ "credential": "x", "ip": secret })),
    ];
    for (place, request) in requests.into_iter().enumerate() {
        let answer = claviger.send(request).await;
        assert!((400..500).contains(&answer.status), "{place}: {}", answer.status);
        assert!(!answer.text.contains(&secret[secret.len() - 40..]), "request {place} repeats it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_field_is_named_beside_those_that_are_known() {
    let claviger = Claviger::start().await;
    let refused = claviger.post("/v1/owners", json!({ "nmae": "O" })).await.refused(422, "INVALID_VALUE");
    let words = refused["errors"][0]["detail"].as_str().expect("words").to_owned();
    assert!(words.starts_with("unknown field `nmae`, expected one of `name`, "), "{words}");
    let long = "x".repeat(30);
    let refused = claviger.post("/v1/owners", json!({ (long.as_str()): 1 })).await.refused(422, "INVALID_VALUE");
    let words = refused["errors"][0]["detail"].as_str().expect("words").to_owned();
    assert!(words.starts_with("unknown field with a name of 30 characters, expected one of `name`, "), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_or_another_shape_is_refused_by_its_place() {
    let claviger = Claviger::start().await;
    let path = "/v1/organizations";
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    for (body, status, code) in [
        ("{", 400, "INVALID_JSON"),
        ("", 422, "INVALID_VALUE"),
        ("[]", 422, "INVALID_VALUE"),
        ("null", 422, "INVALID_VALUE"),
        ("{\"name\":\"A\"} trailing", 400, "INVALID_JSON"),
        ("{\"name\":7}", 422, "INVALID_VALUE"),
        ("{\"name\":\"A\",\"name\":\"B\"}", 422, "INVALID_VALUE"),
        ("{\"name\":\"A\",\"admin\":true}", 422, "INVALID_VALUE"),
        ("{\"name\":\"A\\u0000B\"}", 422, "INVALID_VALUE"),
        ("{\"name\":\"A\\u202eB\"}", 422, "INVALID_VALUE"),
        ("{\"name\":\"\\ud800\"}", 400, "INVALID_JSON"),
        ("{\"name\":\"A\",\"metadata\":{\"a\":{\"b\":1}}}", 422, "INVALID_VALUE"),
        ("\u{feff}{\"name\":\"A\"}", 400, "INVALID_JSON"),
        (&format!("{{\"name\":\"A\",\"metadata\":{{\"a\":{deep}}}}}"), 400, "INVALID_JSON"),
    ] {
        raw(&claviger, path, body.to_owned()).await.refused(status, code);
    }
    let unknown = raw(&claviger, path, "{\"name\":\"A\",\"admin\":true}").await.refused(422, "INVALID_VALUE");
    assert!(text(&unknown, "detail").contains("admin"), "the field is named: {unknown}");
    let typed = raw(&claviger, path, "{\"name\":\"A\",\"external_id\":[1]}").await.refused(422, "INVALID_VALUE");
    assert_eq!(typed["errors"][0]["pointer"], "/external_id");
    assert_eq!(claviger.get(path).await.expect(200)["data"], json!([]), "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_the_wrong_place_is_not_repeated() {
    let claviger = Claviger::start().await;
    let secret = "hunter2-hunter2-hunter2-hunter2";
    for body in [
        format!("{{\"x`{secret}\":1}}"),
        format!("{{\"{secret}\":1}}"),
        format!("{{\"credential\":{{\"{secret}\":1}}}}"),
        format!("{{\"credential\":\"x\",\"cost\":\"{secret}\"}}"),
        format!("\"{secret}\""),
    ] {
        let answer = raw(&claviger, "/v1/verify", body).await;
        assert!(answer.status >= 400 && !answer.text.contains(secret), "{}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_beyond_the_limit_are_refused_declared_or_not() {
    let claviger = Claviger::start().await;
    let big = vec![b' '; 10 * 1024 * 1024];
    for path in ["/v1/organizations", "/v1/verify"] {
        raw(&claviger, path, vec![b' '; 65_537]).await.refused(413, "BODY_TOO_LARGE");
        let chunks = futures_util::stream::iter(vec![Ok::<_, std::io::Error>(vec![b' '; 40_000]), Ok(vec![b' '; 40_000])]);
        raw(&claviger, path, reqwest::Body::wrap_stream(chunks)).await.refused(413, "BODY_TOO_LARGE");
        // The server may close before it has read ten megabytes that it said it would not read.
        let request =
            claviger.request(Method::POST, path).bearer_auth(&claviger.root).header("content-type", "application/json").body(big.clone());
        if let Ok(answer) = request.send().await {
            assert_eq!(answer.status(), 413);
        }
    }
    assert_eq!(claviger.get("/livez").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_media_type_method_or_address_is_told_so() {
    let claviger = Claviger::start().await;
    for path in ["/v1/organizations", "/v1/verify"] {
        let request = claviger.request(Method::POST, path).bearer_auth(&claviger.root).header("content-type", "text/plain").body("{}");
        claviger.send(request).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    claviger.ask(&claviger.root, Method::PUT, "/v1/organizations", None).await.refused(405, "METHOD_NOT_ALLOWED");
    claviger.get("/v1/verify").await.refused(405, "METHOD_NOT_ALLOWED");
    claviger.get("/v2/organizations").await.refused(404, "NO_SUCH_ROUTE");
    for id in ["org_1", "..%2f..", "%00", &"x".repeat(3_000), "own_01kaxq2n6gf5t8y4cqz3m7w9xb"] {
        claviger.get(&format!("/v1/organizations/{id}")).await.refused(404, "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_come_twice_or_are_nonsense_are_refused() {
    let claviger = Claviger::start().await;
    let get = || claviger.request(Method::GET, "/v1/organizations");
    let twice = get().bearer_auth(&claviger.root).header("authorization", "Bearer x");
    claviger.send(twice).await.refused(400, "DUPLICATE_HEADER");
    claviger.send(get().header("authorization", "Basic eDp5")).await.refused(401, "BAD_CREDENTIAL");
    claviger.send(get().bearer_auth(&claviger.root).header("claviger-environment", "nowhere")).await.refused(404, "NOT_FOUND");
    let patch =
        claviger.request(Method::PATCH, "/v1/environments/live").bearer_auth(&claviger.root).header("if-match", "seven").json(&json!({}));
    claviger.send(patch).await.refused(422, "INVALID_VALUE");
    let named = claviger.send(get().bearer_auth(&claviger.root).header("x-request-id", "mine-7")).await;
    assert_eq!(named.headers["x-request-id"], "mine-7");
    let invented = claviger.send(get().bearer_auth(&claviger.root).header("x-request-id", "not ok!")).await;
    assert!(invented.headers["x-request-id"].to_str().is_ok_and(|id| id.starts_with("req_")));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_at_once_than_the_limit_is_shed_and_the_rest_is_served() {
    let claviger = Claviger::start_with(|config| config.http.max_in_flight = 1.try_into().expect("not zero")).await;
    let answers = futures_util::future::join_all((0..40).map(|_| claviger.get("/v1/organizations"))).await;
    for answer in answers {
        match answer.status {
            200 => (),
            503 => {
                assert_eq!(answer.headers["retry-after"], "1");
                answer.refused(503, "OVERLOADED");
            }
            _ => panic!("{answer:?}"),
        }
    }
    assert_eq!(claviger.get("/v1/organizations").await.status, 200);
}
