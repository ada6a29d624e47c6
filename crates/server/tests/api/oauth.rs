//! The authorization server: tokens from a client secret, what they say, what becomes of them, and what is refused.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{Method, header};
use serde_json::{Value, json};

use crate::support::{Answer, Claviger, Tenant, text};

const RESOURCE: &str = "https://api.example.com";

/// An application with one secret.
pub struct Application {
    pub id: String,
    pub secret_id: String,
    pub secret: String,
}

impl Claviger {
    pub async fn application(&self, tenant: &Tenant, more: Value) -> Application {
        let mut body = json!({
            "organization_id": tenant.organization, "owner_id": tenant.owner, "name": "CI",
            "resources": [{ "identifier": RESOURCE, "permissions": ["posts:read", "posts:write"] }],
        });
        crate::support::merge(&mut body, more);
        let id = text(&self.post("/v1/applications", body).await.expect(201), "id");
        let secret = self.post(&format!("/v1/applications/{id}/secrets"), json!({})).await.expect(201);
        Application { id, secret_id: text(&secret, "id"), secret: text(&secret, "secret") }
    }

    pub async fn form(&self, path: &str, basic: Option<(&str, &str)>, body: &str) -> Answer {
        let mut request = self.request(Method::POST, path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((id, secret)) = basic {
            request = request.basic_auth(id, Some(secret));
        }
        self.send(request.body(body.to_owned())).await
    }

    pub async fn token(&self, application: &Application, more: &str) -> String {
        let basic = Some((application.id.as_str(), application.secret.as_str()));
        text(&self.form("/oauth2/token", basic, &format!("grant_type=client_credentials{more}")).await.expect(200), "access_token")
    }

    async fn introspected(&self, token: &str) -> Value {
        let request = self.request(Method::POST, "/oauth2/introspect").bearer_auth(&self.root);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(format!("token={token}"))).await.expect(200)
    }
}

fn part(token: &str, place: usize) -> Value {
    let part = token.split('.').nth(place).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_says_who_for_whom_and_by_what_it_was_obtained() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({})).await;
    let metadata = claviger.get("/.well-known/oauth-authorization-server").await.expect(200);
    let basic = Some((application.id.as_str(), application.secret.as_str()));
    let answer = claviger.form("/oauth2/token", basic, "grant_type=client_credentials&scope=posts:read").await;
    assert_eq!((&answer.headers["cache-control"], &answer.headers["pragma"]), (&"no-store".parse().unwrap(), &"no-cache".parse().unwrap()));
    let body = answer.expect(200);
    assert_eq!((&body["token_type"], &body["expires_in"], &body["scope"]), (&json!("Bearer"), &json!(600), &json!("posts:read")));
    let token = text(&body, "access_token");
    let (head, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&head["alg"], &head["typ"]), (&json!("ES256"), &json!("at+jwt")));
    let keys = claviger.get("/oauth2/jwks").await.expect(200);
    assert!(keys["keys"].as_array().expect("keys").iter().any(|key| key["kid"] == head["kid"]));
    for (claim, value) in [
        ("iss", metadata["issuer"].clone()),
        ("sub", json!(application.id)),
        ("client_id", json!(application.id)),
        ("aud", json!(RESOURCE)),
        ("org_id", json!(tenant.organization)),
        ("scope", json!("posts:read")),
        ("minted_by", json!(application.secret_id)),
        ("iat", json!(1_795_507_200)),
        ("nbf", json!(1_795_507_200)),
        ("exp", json!(1_795_507_800)),
    ] {
        assert_eq!(claims[claim], value, "{claim}");
    }

    let verified = claviger.verify(json!({ "credential": token, "permissions": ["posts:read"], "resource": RESOURCE })).await;
    assert_eq!(
        (&verified["code"], &verified["kind"], &verified["lifecycle"], &verified["id"], &verified["owner_id"]),
        (&json!("VALID"), &json!("access_token"), &json!("ephemeral"), &claims["jti"], &json!(tenant.owner))
    );
    assert_eq!(claviger.verify(json!({ "credential": token, "permissions": ["posts:write"] })).await["code"], "INSUFFICIENT_PERMISSIONS");
    assert_eq!(
        claviger.verify(json!({ "credential": token, "resource": "https://other.example.com" })).await["code"],
        "INSUFFICIENT_PERMISSIONS"
    );
    let told = claviger.introspected(&token).await;
    assert_eq!((&told["active"], &told["scope"], &told["exp"]), (&json!(true), &json!("posts:read"), &claims["exp"]));

    claviger.clock.advance_seconds(601);
    assert_eq!(claviger.code(&token).await, "EXPIRED");
    assert_eq!(claviger.introspected(&token).await, json!({ "active": false }));
    claviger.authority().flush_usage().await.expect("it can be written");
    let secret = claviger.get(&format!("/v1/applications/{}/secrets/{}", application.id, application.secret_id)).await.expect(200);
    assert_eq!(secret["last_used_from"], "127.0.0.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_ends_with_whatever_it_rests_on() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let post = async |path: String, body: Value| claviger.post(&path, body).await.expect(200);

    // By itself.
    let application = claviger.application(&tenant, json!({})).await;
    let (one, other) = (claviger.token(&application, "").await, claviger.token(&application, "").await);
    let basic = Some((application.id.as_str(), application.secret.as_str()));
    claviger.form("/oauth2/revoke", basic, &format!("token={one}")).await.expect(200);
    assert_eq!([claviger.code(&one).await, claviger.code(&other).await], ["REVOKED", "VALID"]);

    // By what a log says of it, or by itself, on behalf of whoever may.
    let (third, fourth) = (claviger.token(&application, "").await, claviger.token(&application, "").await);
    let named = json!({ "application_id": application.id, "jti": part(&third, 1)["jti"] });
    post("/v1/access-tokens/revoke".to_owned(), named).await;
    post("/v1/access-tokens/revoke".to_owned(), json!({ "token": fourth })).await;
    assert_eq!([claviger.code(&third).await, claviger.code(&fourth).await, claviger.code(&other).await], ["REVOKED", "REVOKED", "VALID"]);
    let foreign = claviger.tenant("B").await;
    let bound = claviger.management_key_with(json!({ "role": "administrator", "organization_id": foreign.organization })).await;
    let named = json!({ "application_id": application.id, "jti": "x" });
    claviger.ask(&bound, Method::POST, "/v1/access-tokens/revoke", Some(named)).await.refused(404, "NOT_FOUND");
    for nonsense in
        [json!({}), json!({ "token": other, "jti": "x" }), json!({ "token": "x" }), json!({ "application_id": application.id, "jti": "" })]
    {
        claviger.post("/v1/access-tokens/revoke", nonsense).await.refused(422, "INVALID_VALUE");
    }

    // With the compromise of the secret that obtained it, and not with that of its sibling.
    let sibling = claviger.post(&format!("/v1/applications/{}/secrets", application.id), json!({})).await.expect(201);
    let sibling = Application { id: application.id.clone(), secret_id: text(&sibling, "id"), secret: text(&sibling, "secret") };
    let of_sibling = claviger.token(&sibling, "").await;
    post(format!("/v1/applications/{}/secrets/{}/compromise", application.id, application.secret_id), json!({})).await;
    assert_eq!([claviger.code(&other).await, claviger.code(&of_sibling).await], ["REVOKED", "VALID"]);
    assert_eq!(claviger.introspected(&other).await, json!({ "active": false }));
    claviger.form("/oauth2/token", basic, "grant_type=client_credentials").await.expect(401);

    // With its application, disabled or revoked, and with its organization.
    let path = format!("/v1/applications/{}", application.id);
    post(format!("{path}/disable"), json!({})).await;
    assert_eq!(claviger.code(&of_sibling).await, "DISABLED");
    post(format!("{path}/enable"), json!({})).await;
    let organization = format!("/v1/organizations/{}", tenant.organization);
    post(format!("{organization}/suspend"), json!({})).await;
    assert_eq!(claviger.code(&of_sibling).await, "ORGANIZATION_SUSPENDED");
    post(format!("{organization}/resume"), json!({})).await;
    assert_eq!(claviger.code(&of_sibling).await, "VALID");
    post(format!("{path}/revoke"), json!({ "reason": "no_longer_needed" })).await;
    assert_eq!(claviger.code(&of_sibling).await, "REVOKED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_refused_as_the_standard_says() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({})).await;
    let other = claviger.application(&tenant, json!({})).await;
    let (id, secret) = (application.id.as_str(), application.secret.as_str());
    let good = Some((id, secret));
    let in_body = format!("&client_id={id}&client_secret={secret}");
    let cc = "grant_type=client_credentials";
    type Case<'a> = (Option<(&'a str, &'a str)>, String, u16, &'a str);
    let cases: &[Case<'_>] = &[
        (good, cc.to_owned(), 200, ""),
        (None, format!("{cc}{in_body}"), 200, ""),
        (good, format!("{cc}&client_id={id}"), 200, ""),
        (good, format!("{cc}&client_id={}", other.id), 400, "invalid_request"),
        (good, format!("{cc}{in_body}"), 400, "invalid_request"),
        (None, cc.to_owned(), 401, "invalid_client"),
        (None, format!("{cc}&client_id={id}"), 401, "invalid_client"),
        (Some((id, &other.secret)), cc.to_owned(), 401, "invalid_client"),
        (Some((&other.id, secret)), cc.to_owned(), 401, "invalid_client"),
        (Some((id, "wrong")), cc.to_owned(), 401, "invalid_client"),
        (Some((id, "")), cc.to_owned(), 401, "invalid_client"),
        (Some(("app_01kaxq2n6gf5t8y4cqz3m7w9xb", secret)), cc.to_owned(), 401, "invalid_client"),
        (Some(("' OR 1=1 --", secret)), cc.to_owned(), 401, "invalid_client"),
        (Some((id, &claviger.root)), cc.to_owned(), 401, "invalid_client"),
        (good, String::new(), 400, "invalid_request"),
        (good, "grant_type=".to_owned(), 400, "invalid_request"),
        (good, "grant_type=password&username=a&password=b".to_owned(), 400, "unsupported_grant_type"),
        (good, "grant_type=refresh_token&refresh_token=x".to_owned(), 400, "unsupported_grant_type"),
        (good, "grant_type=authorization_code&code=x".to_owned(), 400, "unsupported_grant_type"),
        (good, "grant_type=CLIENT_CREDENTIALS".to_owned(), 400, "unsupported_grant_type"),
        (good, format!("{cc}&{cc}"), 400, "invalid_request"),
        (good, format!("{cc}&scope=posts:read&scope=posts:read"), 400, "invalid_request"),
        (good, format!("{cc}&scope="), 200, ""),
        (good, format!("{cc}&scope=posts:read+posts:write"), 200, ""),
        (good, format!("{cc}&scope=posts:read%20posts:read"), 200, ""),
        (good, format!("{cc}&scope=posts:delete"), 400, "invalid_scope"),
        (good, format!("{cc}&scope=posts:read++posts:write"), 400, "invalid_scope"),
        (good, format!("{cc}&scope=%22"), 400, "invalid_scope"),
        (good, format!("{cc}&scope=%00"), 400, "invalid_scope"),
        (good, format!("{cc}&scope=%C3%A9"), 400, "invalid_scope"),
        (good, format!("{cc}&resource={RESOURCE}"), 200, ""),
        (good, format!("{cc}&resource={RESOURCE}&resource={RESOURCE}"), 200, ""),
        (good, format!("{cc}&resource=https://other.example.com"), 400, "invalid_target"),
        (good, format!("{cc}&resource=nonsense"), 400, "invalid_target"),
        (good, format!("{cc}&resource={RESOURCE}%23fragment"), 400, "invalid_target"),
        (good, format!("{cc}&unknown=parameter"), 200, ""),
        (good, format!("{cc}&%FF=%FF"), 200, ""),
        (good, format!("{cc}&{}", "a=b&".repeat(70)), 400, "invalid_request"),
        (good, format!("{cc}&pad={}", "x".repeat(70_000)), 413, "invalid_request"),
    ];
    for (place, (basic, body, status, error)) in cases.iter().enumerate() {
        let answer = claviger.form("/oauth2/token", *basic, body).await;
        assert_eq!(answer.status, *status, "case {place}: {body:.60}: {}", answer.text);
        assert_eq!(answer.headers["cache-control"], "no-store", "case {place}");
        if *status == 401 {
            assert_eq!(answer.headers.contains_key("www-authenticate"), basic.is_some(), "case {place}");
        }
        if *status >= 400 {
            assert_eq!(answer.json["error"], *error, "case {place}: {}", answer.text);
            assert!(answer.json["error_description"].as_str().is_some_and(|words| words.len() > 10), "case {place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_methods_that_are_not_of_the_endpoint_are_refused() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({})).await;
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let good = basic(&format!("{}:{}", application.id, application.secret));
    let post = |path: &str| claviger.request(Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
    let cc = "grant_type=client_credentials";
    let refused = [
        (post("/oauth2/token").header("authorization", "Basic !!!").body(cc), 400, "invalid_request"),
        (post("/oauth2/token").header("authorization", "Digest x").body(cc), 400, "invalid_request"),
        (post("/oauth2/token").header("authorization", basic("no-colon")).body(cc), 400, "invalid_request"),
        (post("/oauth2/token").header("authorization", &good).header("authorization", &good).body(cc), 400, "invalid_request"),
        (post("/oauth2/token?grant_type=client_credentials").header("authorization", &good).body(cc), 400, "invalid_request"),
        (
            claviger
                .request(Method::POST, "/oauth2/token")
                .header("authorization", &good)
                .json(&json!({ "grant_type": "client_credentials" })),
            400,
            "invalid_request",
        ),
        (claviger.request(Method::POST, "/oauth2/token").header("authorization", &good).body(cc), 400, "invalid_request"),
        (post("/nowhere/oauth2/token").header("authorization", &good).body(cc), 404, "invalid_request"),
        (post("/test/oauth2/token").header("authorization", &good).body(cc), 401, "invalid_client"),
        (post("/oauth2/introspect").body("token=x"), 401, "invalid_client"),
        (post("/oauth2/introspect").header("authorization", "Bearer nonsense").body("token=x"), 401, "invalid_client"),
        (post("/oauth2/introspect").header("authorization", &good).body("x=y"), 400, "invalid_request"),
        (post("/oauth2/revoke").header("authorization", &good).body("x=y"), 400, "invalid_request"),
    ];
    for (place, (request, status, error)) in refused.into_iter().enumerate() {
        let answer = claviger.send(request).await;
        assert_eq!((answer.status, answer.json["error"].as_str()), (status, Some(error)), "case {place}: {}", answer.text);
    }
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = claviger.send(claviger.request(method.clone(), "/oauth2/token")).await;
        assert_eq!(answer.status, 405, "{method}");
    }
    // Encoded more than needed, as some clients do, and with the scheme in any case.
    let encoded: String = application.secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let request = post("/oauth2/token").header("authorization", basic(&format!("{}:{encoded}", application.id)).replace("Basic", "bAsIc"));
    claviger.send(request.body(cc)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_one_environment_or_organization_mean_nothing_in_another() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let stranger = claviger.tenant("B").await;
    let application = claviger.application(&tenant, json!({})).await;
    let other = claviger.application(&stranger, json!({})).await;
    let token = claviger.token(&application, "").await;
    // An application sees tokens of its own organization only.
    for (asks, active) in [(&application, true), (&other, false)] {
        let told = claviger.form("/oauth2/introspect", Some((&asks.id, &asks.secret)), &format!("token={token}")).await.expect(200);
        assert_eq!(told["active"], active);
    }
    // And ends only its own.
    claviger.form("/oauth2/revoke", Some((&other.id, &other.secret)), &format!("token={token}")).await.expect(200);
    assert_eq!(claviger.code(&token).await, "VALID");
    let request = claviger.request(Method::POST, "/v1/verify").bearer_auth(&claviger.root).header("claviger-environment", "test");
    assert_eq!(claviger.send(request.json(&json!({ "credential": token }))).await.expect(200)["code"], "NOT_FOUND");
    // A signature of ours over something else is no access token.
    let forged = format!("{}.{}.{}", token.split('.').next().unwrap(), URL_SAFE_NO_PAD.encode("{}"), token.split('.').next_back().unwrap());
    assert_eq!(claviger.code(&forged).await, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_and_revocation_take_api_keys_too() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({ "permissions": ["posts:read"] })).await;
    let secret = text(&key, "secret");
    let told = claviger.introspected(&secret).await;
    assert_eq!((&told["active"], &told["sub"], &told["scope"]), (&json!(true), &key["id"], &json!("posts:read")));
    for unknown in ["nonsense", "a.b.c", "eyJh.eyJh.x", ""] {
        if unknown.is_empty() {
            continue;
        }
        assert_eq!(claviger.introspected(unknown).await, json!({ "active": false }));
        claviger.form("/oauth2/revoke", None, &format!("token={unknown}")).await;
    }
    claviger.form("/oauth2/revoke", None, &format!("token={secret}")).await.expect(200);
    assert_eq!(claviger.code(&secret).await, "REVOKED");
    assert_eq!(claviger.introspected(&secret).await, json!({ "active": false }));
    claviger.form("/oauth2/revoke", None, &format!("token={secret}")).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_lets_tokens_through_as_it_does_keys() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({})).await;
    let token = claviger.token(&application, "&scope=posts:read").await;
    let ask = async |query: &str| {
        let request = claviger.request(Method::GET, &format!("/v1/gateway/auth-request{query}")).bearer_auth(&token);
        claviger.send(request).await
    };
    let passed = ask("?permissions=posts:read").await;
    assert_eq!(passed.status, 200, "{}", passed.text);
    for (name, value) in [
        ("credential-id", application.secret_id.as_str()),
        ("organization-id", &tenant.organization),
        ("owner-id", &tenant.owner),
        ("permissions", "posts:read"),
        ("environment", "live"),
    ] {
        assert_eq!(passed.headers[format!("x-auth-request-{name}")], value);
    }
    assert_eq!(ask("?permissions=posts:write").await.status, 403);
    claviger.clock.advance_seconds(601);
    let refused = ask("").await;
    assert_eq!((refused.status, &refused.headers["x-auth-error"]), (401, &"EXPIRED".parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_of_tokens_is_kept() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({ "ratelimit": { "limit": 2, "window_seconds": 60 } })).await;
    let ask = async || claviger.form("/oauth2/token", Some((&application.id, &application.secret)), "grant_type=client_credentials").await;
    assert_eq!([ask().await.status, ask().await.status], [200, 200]);
    let refused = ask().await;
    assert_eq!((refused.status, refused.json["error"].as_str()), (429, Some("temporarily_unavailable")));
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<i64>().unwrap() > 0);
    claviger.clock.advance_seconds(60);
    assert_eq!(ask().await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_names_what_is_served_and_nothing_else() {
    let claviger = Claviger::start().await;
    for (environment, inserted) in [("", ""), ("/test", "/test")] {
        let mut seen = Vec::new();
        for path in [
            format!("/.well-known/oauth-authorization-server{inserted}"),
            format!("/.well-known/openid-configuration{inserted}"),
            format!("{environment}/.well-known/oauth-authorization-server"),
            format!("{environment}/.well-known/openid-configuration"),
        ] {
            let metadata = claviger.get(&path).await.expect(200);
            seen.push(text(&metadata, "issuer"));
            for endpoint in ["token_endpoint", "introspection_endpoint", "revocation_endpoint", "jwks_uri"] {
                let address = text(&metadata, endpoint);
                let path = address.strip_prefix(&claviger.url).unwrap_or_else(|| panic!("{endpoint} is at {address}"));
                let method = if endpoint == "jwks_uri" { Method::GET } else { Method::POST };
                let status = claviger.send(claviger.request(method, path)).await.status;
                assert!(!matches!(status, 404 | 405), "{endpoint} of {path}: {status}");
            }
        }
        assert!(seen.iter().all(|issuer| *issuer == format!("{}{environment}", claviger.url)), "{seen:?}");
    }
    claviger.get("/.well-known/oauth-authorization-server/nowhere").await.expect(404);
}

/// A key pair of a client, as it would make one itself.
struct ClientKey {
    pair: aws_lc_rs::signature::EcdsaKeyPair,
    jwk: Value,
}

impl ClientKey {
    fn new() -> Self {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key pair");
        let point = pair.public_key().as_ref();
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]), "kid": "mine" });
        Self { pair, jwk }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(&aws_lc_rs::rand::SystemRandom::new(), input.as_bytes()).expect("a signature");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_may_prove_itself_by_a_signature_that_works_once() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({})).await;
    let (key, stranger) = (ClientKey::new(), ClientKey::new());
    let path = format!("/v1/applications/{}/keys", application.id);
    let registered = claviger.post(&path, json!({ "jwk": key.jwk })).await.expect(201);
    let issuer = claviger.url.clone();
    let id = application.id.clone();
    let number = std::cell::Cell::new(0);
    let claims = |change: &dyn Fn(&mut Value)| {
        number.set(number.get() + 1);
        let jti = format!("jti-{}", number.get());
        let mut claims = json!({ "iss": id, "sub": id, "aud": issuer, "jti": jti, "iat": 1_795_507_200, "exp": 1_795_507_260 });
        change(&mut claims);
        claims
    };
    let header = json!({ "alg": "ES256", "kid": "mine" });
    let send = async |assertion: &str, more: &str| {
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        let body = format!("grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}{more}");
        claviger.form("/oauth2/token", None, &body).await
    };
    let good = key.sign(&header, &claims(&|_| ()));
    let token = text(&send(&good, "").await.expect(200), "access_token");
    assert_eq!(part(&token, 1)["minted_by"], registered["id"]);
    let replayed = send(&good, "").await.expect(401);
    assert!(text(&replayed, "error_description").contains("jti"), "{replayed}");
    // Without a name for the key, and with the client named beside it.
    send(&key.sign(&json!({ "alg": "ES256" }), &claims(&|_| ())), &format!("&client_id={id}")).await.expect(200);

    let with = |change: &dyn Fn(&mut Value)| key.sign(&header, &claims(change));
    let refused = [
        stranger.sign(&header, &claims(&|_| ())),
        with(&|claims| claims["aud"] = json!([issuer])),
        with(&|claims| claims["aud"] = format!("{issuer}/oauth2/token").into()),
        with(&|claims| claims["iss"] = "another".into()),
        with(&|claims| claims["exp"] = 1_795_507_200.into()),
        with(&|claims| claims["exp"] = 1_795_510_000.into()),
        with(&|claims| claims["iat"] = 1_795_507_261.into()),
        with(&|claims| drop(claims.as_object_mut().unwrap().remove("jti"))),
        with(&|claims| drop(claims.as_object_mut().unwrap().remove("exp"))),
        key.sign(&json!({ "alg": "ES256", "typ": "at+jwt" }), &claims(&|_| ())),
        key.sign(&json!({ "alg": "RS256" }), &claims(&|_| ())),
        key.sign(&json!({ "alg": "none" }), &claims(&|_| ())),
        key.sign(&json!({ "alg": "ES256", "jwk": stranger.jwk }), &claims(&|_| ())),
        format!("{}x", with(&|_| ())),
        "nonsense".to_owned(),
    ];
    for (place, assertion) in refused.iter().enumerate() {
        let answer = send(assertion, "").await;
        assert_eq!((answer.status, answer.json["error"].as_str()), (401, Some("invalid_client")), "case {place}: {}", answer.text);
    }
    send(&with(&|_| ()), "&client_id=app_01kaxq2n6gf5t8y4cqz3m7w9xb").await.expect(401);
    send(&with(&|_| ()), &format!("&client_id={id}&client_secret={}", application.secret)).await.expect(400);

    let revoke = format!("{path}/{}/revoke", text(&registered, "id"));
    claviger.post(&revoke, json!({ "reason": "superseded" })).await.expect(200);
    let answer = send(&with(&|_| ()), "").await.expect(401);
    assert_eq!(answer["error_description"], "this credential is revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_bound_to_the_key_of_a_proof_that_works_once() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let application = claviger.application(&tenant, json!({ "require_dpop": true })).await;
    let (key, stranger) = (ClientKey::new(), ClientKey::new());
    let public = |key: &ClientKey| {
        let mut jwk = key.jwk.clone();
        jwk.as_object_mut().expect("a key").remove("kid");
        jwk
    };
    let url = format!("{}/oauth2/token", claviger.url);
    let number = std::cell::Cell::new(0);
    let proof = |header: &dyn Fn(&mut Value), claims: &dyn Fn(&mut Value)| {
        number.set(number.get() + 1);
        let mut head = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": public(&key) });
        let mut body = json!({ "htm": "POST", "htu": url, "iat": 1_795_507_200, "jti": format!("proof-{}", number.get()) });
        header(&mut head);
        claims(&mut body);
        key.sign(&head, &body)
    };
    let send = async |proofs: &[&str]| {
        let mut request = claviger
            .request(Method::POST, "/oauth2/token")
            .basic_auth(&application.id, Some(&application.secret))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for proof in proofs {
            request = request.header("dpop", *proof);
        }
        claviger.send(request.body("grant_type=client_credentials")).await
    };
    let good = proof(&|_| (), &|_| ());
    let answer = send(&[&good]).await.expect(200);
    assert_eq!(answer["token_type"], "DPoP");
    let token = text(&answer, "access_token");
    let thumbprint = part(&token, 1)["cnf"]["jkt"].clone();
    assert_eq!(thumbprint.as_str().map(str::len), Some(43));
    let told = claviger.introspected(&token).await;
    assert_eq!((&told["token_type"], &told["cnf"]["jkt"]), (&json!("DPoP"), &thumbprint));
    assert_eq!(claviger.verify(json!({ "credential": token })).await["cnf"]["jkt"], thumbprint);

    let refused = [
        good,
        proof(&|head| head["typ"] = "JWT".into(), &|_| ()),
        proof(&|head| head["jwk"] = public(&stranger), &|_| ()),
        proof(&|head| drop(head.as_object_mut().unwrap().remove("jwk")), &|_| ()),
        proof(&|_| (), &|claims| claims["htm"] = "GET".into()),
        proof(&|_| (), &|claims| claims["htu"] = "https://other.example.com/oauth2/token".into()),
        proof(&|_| (), &|claims| claims["iat"] = 1_795_507_100.into()),
        proof(&|_| (), &|claims| claims["iat"] = 1_795_507_300.into()),
        proof(&|_| (), &|claims| drop(claims.as_object_mut().unwrap().remove("jti"))),
        "nonsense".to_owned(),
    ];
    for (place, proof) in refused.iter().enumerate() {
        let answer = send(&[proof]).await;
        assert_eq!((answer.status, answer.json["error"].as_str()), (400, Some("invalid_dpop_proof")), "case {place}: {}", answer.text);
    }
    assert_eq!(send(&[]).await.expect(400)["error"], "invalid_dpop_proof");
    let (one, two) = (proof(&|_| (), &|_| ()), proof(&|_| (), &|_| ()));
    assert_eq!(send(&[&one, &two]).await.expect(400)["error"], "invalid_request");
}
