//! `/v1/signing-keys`, `/oauth2/jwks` and the PEM of each key; and a year of their life.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use claviger_authority::clock::Timestamp;
use claviger_authority::credential::jose::Algorithm;
use claviger_authority::db::Query as _;
use claviger_authority::ids::EnvironmentId;
use claviger_authority::tokens::signing::{self, RETIRED_SECONDS, SignError};
use claviger_server::serve::Server;
use http::{Method, header};
use serde_json::{Value, json};

use crate::support::{Answer, Claviger, files, text};

const DAY: i64 = 86_400;

fn environment(claviger: &Claviger, slug: &str) -> EnvironmentId {
    claviger.authority().gate.environment_named(slug).expect("it is there").id
}

async fn public(claviger: &Claviger, path: &str) -> Answer {
    claviger.send(claviger.request(Method::GET, path)).await
}

/// The published keys by their id.
async fn published(claviger: &Claviger, path: &str) -> BTreeMap<String, Value> {
    let set = public(claviger, path).await.expect(200);
    set["keys"].as_array().expect("a key set").iter().map(|key| (text(key, "kid"), key.clone())).collect()
}

/// Kids of that algorithm and status, as the management plane tells them.
async fn with_status(claviger: &Claviger, algorithm: &str, status: &str) -> Vec<String> {
    let list = claviger.get("/v1/signing-keys").await.expect(200);
    let keys = list["data"].as_array().expect("a list").clone();
    keys.iter().filter(|key| key["algorithm"] == algorithm && key["status"] == status).map(|key| text(key, "kid")).collect()
}

/// Resources that ask for tokens of every algorithm.
async fn ask_for_all_algorithms(claviger: &Claviger) {
    for alg in ["EdDSA", "PS256"] {
        let token = json!({ "alg": alg, "typ": "at+jwt", "lifetime_seconds": 600 });
        let body = json!({ "identifier": format!("https://{alg}.example.com"), "name": alg, "permissions": [], "token": token });
        claviger.post("/v1/resources", body).await.expect(201);
    }
    let body = json!({ "identifier": "https://rs.example.com", "name": "RS", "permissions": [] });
    let made = claviger.post("/v1/resources", body).await.expect(201);
    let token = json!({ "token": { "alg": "RS256", "typ": "JWT", "lifetime_seconds": 600 } });
    claviger.patch(&format!("/v1/resources/{}", text(&made, "id")), token).await.expect(200);
}

/// Verifies with nothing but the JWK.
fn verifies(jwk: &Value, message: &[u8], signature: &[u8]) -> bool {
    let bytes = |member: &str| URL_SAFE_NO_PAD.decode(text(jwk, member)).expect("base64url");
    let check = |algorithm: &'static dyn VerificationAlgorithm, key: Vec<u8>| {
        UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
    };
    let rsa = || RsaPublicKeyComponents { n: bytes("n"), e: bytes("e") };
    match jwk["alg"].as_str() {
        Some("ES256") => check(&ECDSA_P256_SHA256_FIXED, [vec![4], bytes("x"), bytes("y")].concat()),
        Some("EdDSA") => check(&ED25519, bytes("x")),
        Some("RS256") => rsa().verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok(),
        Some("PS256") => rsa().verify(&RSA_PSS_2048_8192_SHA256, message, signature).is_ok(),
        other => panic!("{other:?}"),
    }
}

/// Signs as the token endpoint would.
async fn sign(claviger: &Claviger, slug: &str, algorithm: Algorithm, message: &[u8]) -> (String, Vec<u8>) {
    let signer = claviger.authority().signing_keys.signer(environment(claviger, slug), algorithm).expect("something signs");
    (signer.kid().to_owned(), signer.sign(claviger.clock.now(), message).await.expect("it signs"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_signed_verifies_with_what_is_published_in_every_algorithm() {
    let claviger = Claviger::start().await;
    ask_for_all_algorithms(&claviger).await;
    let published = published(&claviger, "/oauth2/jwks").await;
    assert_eq!(published.len(), 8, "one that signs and one that waits for each algorithm");
    for algorithm in Algorithm::ALL {
        let (kid, signature) = sign(&claviger, "live", algorithm, b"header.payload").await;
        let jwk = &published[&kid];
        assert_eq!((text(jwk, "alg"), text(jwk, "use")), (algorithm.to_string(), "sig".to_owned()));
        assert!(verifies(jwk, b"header.payload", &signature), "{algorithm}");
        assert!(!verifies(jwk, b"header.payloae", &signature), "{algorithm}");
        assert!(["d", "p", "q", "dp", "dq", "qi"].iter().all(|private| jwk.get(private).is_none()), "{jwk}");
        let known = claviger.authority().signing_keys.verifying(environment(&claviger, "live"), &kid).expect("it verifies");
        assert_eq!((known.jwk.published(), known.status, known.min_iat), (jwk.clone(), signing::Status::Active, None));

        let pem = public(&claviger, &format!("/oauth2/keys/{kid}.pem")).await;
        assert_eq!((pem.status, pem.headers[header::CACHE_CONTROL].to_str().ok()), (200, Some("public, max-age=300")));
        let body = pem.text.strip_prefix("-----BEGIN PUBLIC KEY-----\n").and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----\n"));
        let der = STANDARD.decode(body.expect("one PEM block").replace('\n', "")).expect("base64");
        let verification: &'static dyn VerificationAlgorithm = match algorithm {
            Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::EdDsa => &ED25519,
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        };
        let read = ParsedPublicKey::new(verification, &der).expect("a SubjectPublicKeyInfo");
        read.verify_sig(b"header.payload", &signature).expect("it verifies");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_environment_publishes_its_own_keys_for_five_minutes_below_its_issuer() {
    let claviger = Claviger::start().await;
    claviger.post("/v1/environments", json!({ "slug": "staging", "name": "S", "key_prefix": "acme_staging" })).await.expect(201);
    let mut seen = BTreeSet::new();
    for slug in ["live", "test", "staging"] {
        let environment = claviger.get(&format!("/v1/environments/{slug}")).await.expect(200);
        let issuer = text(&environment, "issuer");
        let path = issuer.strip_prefix(&claviger.url).expect("an issuer of this server");
        let keys = published(&claviger, &format!("{path}/oauth2/jwks")).await;
        assert_eq!(keys.len(), 2, "{slug}");
        let kid = keys.keys().next().expect("two");
        assert_eq!(public(&claviger, &format!("/{slug}/oauth2/keys/{kid}.pem")).await.status, 200);
        public(&claviger, &format!("/{slug}/oauth2/keys/{kid}")).await.refused(404, "NOT_FOUND");
        seen.extend(keys.into_keys());
        // By its slug alone.
        public(&claviger, &format!("/{}/oauth2/jwks", text(&environment, "id"))).await.refused(404, "NOT_FOUND");
    }
    assert_eq!(seen.len(), 6, "no key is shared");
    public(&claviger, "/nowhere/oauth2/jwks").await.refused(404, "NOT_FOUND");
    let of_test = published(&claviger, "/test/oauth2/jwks").await.into_keys().next().expect("two");
    public(&claviger, &format!("/oauth2/keys/{of_test}.pem")).await.refused(404, "NOT_FOUND");

    let first = public(&claviger, "/oauth2/jwks").await;
    assert_eq!(first.text, public(&claviger, "/live/oauth2/jwks").await.text);
    assert_eq!(first.headers[header::CACHE_CONTROL], "public, max-age=300");
    assert_eq!(first.headers[header::CONTENT_TYPE], "application/json");
    let etag = first.headers[header::ETAG].to_str().expect("text").to_owned();
    for condition in [etag.clone(), format!("W/{etag}"), format!("\"other\", {etag}"), "*".to_owned()] {
        let again = claviger.send(claviger.request(Method::GET, "/oauth2/jwks").header(header::IF_NONE_MATCH, &condition)).await;
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{condition}");
        assert_eq!(again.headers[header::ETAG], etag);
    }
    let standby = with_status(&claviger, "ES256", "standby").await.remove(0);
    claviger.post(&format!("/v1/signing-keys/{standby}/compromise"), json!({})).await.expect(200);
    let changed = claviger.send(claviger.request(Method::GET, "/oauth2/jwks").header(header::IF_NONE_MATCH, &etag)).await;
    assert_eq!(changed.status, 200, "what changed is sent");
}

/// Six hours a step, with whatever the published set and the signer say: never what the implementation thinks of itself.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_year_there_is_always_one_key_that_signs_and_one_that_verifiers_know_already() {
    #[derive(Clone, Copy)]
    struct Life {
        published: i64,
        first_signed: Option<i64>,
        last_signed: Option<i64>,
        last_published: i64,
    }
    const STEP: i64 = DAY / 4;
    let claviger = Claviger::start().await;
    ask_for_all_algorithms(&claviger).await;
    for (slug, path, algorithms) in [("live", "/oauth2/jwks", &Algorithm::ALL[..]), ("test", "/test/oauth2/jwks", &[Algorithm::Es256])] {
        claviger.clock.advance_seconds(1);
        let mut lives: BTreeMap<(Algorithm, String), Life> = BTreeMap::new();
        let begin = claviger.clock.now().micros() / 1_000_000;
        for step in 0..365 * 4 {
            let now = begin + step * STEP;
            let set = published(&claviger, path).await;
            for algorithm in algorithms {
                let shown: Vec<&String> = set.iter().filter(|(_, key)| key["alg"] == algorithm.as_str()).map(|(kid, _)| kid).collect();
                for kid in &shown {
                    let new = Life { published: now, first_signed: None, last_signed: None, last_published: now };
                    lives.entry((*algorithm, (*kid).clone())).or_insert(new).last_published = now;
                }
                let (kid, signature) = sign(&claviger, slug, *algorithm, b"m").await;
                assert!(verifies(&set[&kid], b"m", &signature), "{algorithm} on day {}", step / 4);
                let life = lives.get_mut(&(*algorithm, kid.clone())).expect("what signs is published");
                life.first_signed.get_or_insert(now);
                life.last_signed = Some(now);
                let waits = shown.iter().filter(|shown| lives[&(*algorithm, (**shown).clone())].first_signed.is_none());
                assert_eq!(waits.count(), 1, "one of {algorithm} is published and waits on day {}", step / 4);
            }
            claviger.clock.advance_seconds(STEP);
            signing::tick(claviger.authority(), claviger.clock.now()).await.expect("keys are tended");
            if step % 97 == 0 {
                // To tend them twice is to tend them once.
                let before = public(&claviger, path).await.text;
                signing::tick(claviger.authority(), claviger.clock.now()).await.expect("keys are tended");
                assert_eq!(public(&claviger, path).await.text, before);
            }
        }
        let end = begin + 365 * DAY;
        for algorithm in algorithms {
            let signed: Vec<Life> =
                lives.iter().filter(|((of, _), life)| of == algorithm && life.first_signed.is_some()).map(|(_, life)| *life).collect();
            assert_eq!(signed.len(), 5, "{algorithm}: a new key signs every 90 days");
            for life in signed {
                let (first, last) = life.first_signed.zip(life.last_signed).expect("it signed");
                assert!(first == begin || first - life.published >= DAY, "{algorithm}: published a day before it signs");
                assert!(last - first <= 90 * DAY, "{algorithm}: no key signs for longer");
                let is_over = last + STEP + RETIRED_SECONDS + STEP < end;
                // The longest token, the clocks' minute, and a cache.
                assert!(!is_over || life.last_published - last >= DAY + 60 + 300, "{algorithm}: its last token can be verified");
                assert!(!is_over || life.last_published < end - STEP, "{algorithm}: it goes in the end");
            }
        }
    }
    let gone = with_status(&claviger, "ES256", "gone").await;
    assert!(!gone.is_empty());
    let events = claviger.get(&format!("/v1/journal?subject=sig_{}", gone[0])).await.expect(200);
    let kinds: Vec<_> = events["data"].as_array().expect("a list").iter().map(|event| text(event, "kind")).collect();
    assert_eq!(kinds, ["created", "activated", "retired", "gone"].map(|verb| format!("signing_key.{verb}")));
    assert!(claviger_authority::journal::verify(claviger.authority().db()).await.expect("it can be read").is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_takes_over_when_verifiers_can_know_it_and_not_before() {
    let claviger = Claviger::start().await;
    let rotate = || claviger.post("/v1/signing-keys/rotate", json!({ "algorithm": "ES256" }));
    let (active, standby) = (with_status(&claviger, "ES256", "active").await, with_status(&claviger, "ES256", "standby").await);
    claviger.clock.advance_seconds(DAY - 60);
    let refused = rotate().await.refused(409, "STANDBY_TOO_NEW");
    let read = claviger.get(&format!("/v1/signing-keys/{}", standby[0])).await.expect(200);
    assert!(text(&refused, "detail").contains(&text(&read, "usable_from")), "{refused} says from when: {read}");
    // A minute, and the microseconds by which the journal is ahead of a clock that stands still.
    claviger.clock.advance_seconds(61);
    let done = rotate().await.expect(200);
    assert!(done["journal_seq"].as_i64() <= Some(claviger.authority().gate.environment_named("live").expect("it is there").epoch()));
    assert_eq!(with_status(&claviger, "ES256", "active").await, standby);
    assert_eq!(with_status(&claviger, "ES256", "retired").await, active);
    assert_eq!(published(&claviger, "/oauth2/jwks").await.len(), 3, "what the retired one signed is still good");
    assert_eq!(sign(&claviger, "live", Algorithm::Es256, b"m").await.0, standby[0]);
    rotate().await.refused(409, "STANDBY_TOO_NEW");

    // A clock that went back: the signer itself refuses.
    let signer = claviger.authority().signing_keys.signer(environment(&claviger, "live"), Algorithm::Es256).expect("it signs");
    let usable_from = Timestamp::parse(&text(&read, "usable_from")).expect("a time");
    let early = signer.sign(usable_from.plus_seconds(-1), b"m").await.expect_err("too early");
    assert_eq!(early, SignError::TooEarly { kid: standby[0].clone(), usable_from });
    signer.sign_blocking(usable_from, b"m").expect("on time");

    claviger.post("/v1/signing-keys/rotate", json!({ "algorithm": "RS256" })).await.refused(404, "NOT_FOUND");
    claviger.post("/v1/signing-keys/rotate", json!({ "algorithm": "none" })).await.refused(422, "INVALID_VALUE");
    claviger.get("/v1/signing-keys/nobody").await.refused(404, "NOT_FOUND");
    let tenant = claviger.tenant("A").await;
    let bound = claviger.management_key_with(json!({ "role": "administrator", "organization_id": tenant.organization })).await;
    let body = Some(json!({ "algorithm": "ES256" }));
    claviger.ask(&bound, Method::POST, "/v1/signing-keys/rotate", body).await.refused(403, "BEYOND_OWN_GRANT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_signs_for_longer_when_its_successor_is_too_new() {
    let claviger = Claviger::start().await;
    let tick = || signing::tick(claviger.authority(), claviger.clock.now());
    let active = with_status(&claviger, "ES256", "active").await;
    claviger.clock.advance_seconds(90 * DAY - DAY / 2);
    let standby = with_status(&claviger, "ES256", "standby").await.remove(0);
    compromise(&claviger, &standby, &json!({})).await;
    let successor = with_status(&claviger, "ES256", "standby").await;
    claviger.clock.advance_seconds(DAY / 2 + 1);
    tick().await.expect("keys are tended");
    assert_eq!(with_status(&claviger, "ES256", "active").await, active, "its time is over, and yet");
    claviger.clock.advance_seconds(DAY / 2);
    tick().await.expect("keys are tended");
    assert_eq!(with_status(&claviger, "ES256", "active").await, successor);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compromised_key_is_worth_nothing_at_once() {
    let claviger = Claviger::start().await;
    let live = environment(&claviger, "live");
    let keys = &claviger.authority().signing_keys;
    let (active, standby) = (with_status(&claviger, "ES256", "active").await, with_status(&claviger, "ES256", "standby").await);
    claviger.clock.advance_seconds(100);
    let comment = json!({ "comment": "found in a bucket" });
    // Not yet usable, and yet it takes over: better a key that must be fetched than one that others have.
    let kid = active[0].clone();
    let done = compromise(&claviger, &kid, &comment).await;
    assert_eq!(done["data"].as_array().map(Vec::len), Some(3));
    assert!(keys.verifying(live, &kid).is_none());
    assert!(!published(&claviger, "/oauth2/jwks").await.contains_key(&kid));
    public(&claviger, &format!("/oauth2/keys/{kid}.pem")).await.refused(404, "NOT_FOUND");
    let now = claviger.clock.now().micros();
    let min_iat = Some(Timestamp::from_micros(now - now % 1_000_000));
    assert_eq!(keys.min_iat(live, Algorithm::Es256), min_iat, "what it signed before is not good");
    assert_eq!(keys.min_iat(live, Algorithm::EdDsa), None);
    let (signs, signature) = sign(&claviger, "live", Algorithm::Es256, b"m").await;
    assert_eq!(signs, standby[0]);
    let read = claviger.get(&format!("/v1/signing-keys/{signs}")).await.expect(200);
    assert!(read["usable_from"].is_null(), "it need not wait: {read}");
    assert_eq!(keys.verifying(live, &signs).expect("it verifies").min_iat, min_iat);
    assert!(verifies(&published(&claviger, "/oauth2/jwks").await[&signs], b"m", &signature));

    // Twice is once.
    let seq = done["journal_seq"].clone();
    assert_eq!(compromise(&claviger, &kid, &comment).await["journal_seq"], seq);
    let events = claviger.get(&format!("/v1/journal?subject=sig_{kid}&kind=signing_key.compromised")).await.expect(200);
    assert_eq!(events["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(events["data"][0]["data"]["comment"], "found in a bucket");

    // One that signed nothing yet: nothing that others signed suffers.
    claviger.clock.advance_seconds(100);
    let waiting = with_status(&claviger, "ES256", "standby").await.remove(0);
    compromise(&claviger, &waiting, &comment).await;
    assert_eq!(keys.min_iat(live, Algorithm::Es256), min_iat);
    assert_eq!(sign(&claviger, "live", Algorithm::Es256, b"m").await.0, signs);
    let next = with_status(&claviger, "ES256", "standby").await;
    assert!(next.len() == 1 && next[0] != waiting, "another waits");

    // One that signed until an hour ago: what was signed since is good.
    claviger.clock.advance_seconds(DAY + 1);
    claviger.post("/v1/signing-keys/rotate", json!({ "algorithm": "ES256" })).await.expect(200);
    let retired = claviger.clock.now();
    claviger.clock.advance_seconds(3_600);
    compromise(&claviger, &signs, &comment).await;
    let floor = keys.min_iat(live, Algorithm::Es256).expect("there is one");
    assert!(floor <= retired && retired.micros() - floor.micros() < 1_000_000, "{floor} {retired}");
    assert!(keys.verifying(live, &signs).is_none());
    claviger.post("/v1/signing-keys/nobody/compromise", json!({})).await.refused(404, "NOT_FOUND");

    // The key ends in a change of its own, before a new one is made.
    let events = claviger.get(&format!("/v1/journal?subject=sig_{}", standby[0])).await.expect(200);
    let events = events["data"].as_array().expect("a list");
    let activated = events.iter().find(|event| event["kind"] == "signing_key.activated").expect("it took over");
    let first = claviger.get(&format!("/v1/journal?subject=sig_{kid}&kind=signing_key.compromised")).await.expect(200);
    assert_eq!(activated["change"], first["data"][0]["change"], "what ends and what begins is one change");
    assert_eq!(activated["data"]["before_usable"], true);
    let made = claviger.get(&format!("/v1/journal?subject=sig_{waiting}&kind=signing_key.created")).await.expect(200);
    assert_ne!(made["data"][0]["change"], first["data"][0]["change"]);
}

async fn compromise(claviger: &Claviger, kid: &str, body: &Value) -> Value {
    claviger.post(&format!("/v1/signing-keys/{kid}/compromise"), body.clone()).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_outlive_a_restart_and_lie_sealed_until_they_are_wiped() {
    /// Of id-ecPublicKey, id-Ed25519 and rsaEncryption: one stands in every private key as PKCS#8.
    const IDENTIFIERS: [&[u8]; 3] = [b"\x2a\x86\x48\xce\x3d\x02\x01", b"\x06\x03\x2b\x65\x70", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"];
    let claviger = Claviger::start().await;
    ask_for_all_algorithms(&claviger).await;
    claviger.clock.advance_seconds(DAY + 1);
    claviger.post("/v1/signing-keys/rotate", json!({ "algorithm": "EdDSA" })).await.expect(200);
    let active = with_status(&claviger, "PS256", "active").await.remove(0);
    compromise(&claviger, &active, &json!({})).await;
    let before = public(&claviger, "/oauth2/jwks").await.text;
    let (folder, config, clock) = claviger.stop().await;
    let in_files = files(folder.path());
    let claviger = Claviger::start_in(folder, config, clock).await;
    assert_eq!(public(&claviger, "/oauth2/jwks").await.text, before);
    let now = published(&claviger, "/oauth2/jwks").await;
    for algorithm in Algorithm::ALL {
        let (kid, signature) = sign(&claviger, "live", algorithm, b"m").await;
        assert!(verifies(&now[&kid], b"m", &signature), "{algorithm}");
    }
    let rows = claviger.authority().db().all("SELECT status, sealed FROM signing_keys", vec![]).await.expect("it can be read");
    assert!(rows.len() >= 12, "{}", rows.len());
    let holds = |bytes: &[u8]| IDENTIFIERS.iter().any(|id| bytes.windows(id.len()).any(|window| window == *id));
    for row in rows {
        let (status, sealed) = (row.text("status"), row.opt_bytes("sealed"));
        assert_eq!(sealed.is_some(), ["active", "standby"].contains(&status.as_str()), "{status}");
        assert!(!sealed.is_some_and(|sealed| holds(&sealed)), "a private key lies open in a row");
    }
    for (path, bytes) in in_files {
        assert!(!holds(&bytes), "a private key lies open in {}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_replaces_the_key_and_both_know() {
    let claviger = Claviger::start().await;
    let other = Server::start(&claviger.config, claviger.clock.clone()).await.expect("it starts").app;
    let (one, two) = (claviger.authority(), &other.authority);
    let live = environment(&claviger, "live");
    let jwks = |authority: &claviger_authority::Authority| authority.signing_keys.jwks(live).expect("it is published").text.clone();
    assert_eq!(jwks(one), jwks(two));
    let before = with_status(&claviger, "ES256", "active").await.remove(0);
    claviger.clock.advance_seconds(90 * DAY + 1);
    let now = claviger.clock.now();
    let (first, second) = tokio::join!(signing::tick(one, now), signing::tick(two, now));
    first.and(second).expect("both may try");
    assert_eq!(with_status(&claviger, "ES256", "active").await.len(), 1);
    assert_eq!(with_status(&claviger, "ES256", "standby").await.len(), 1);
    assert_eq!(with_status(&claviger, "ES256", "retired").await, [before]);
    one.follow_journal().await.expect("it follows");
    two.follow_journal().await.expect("it follows");
    assert_eq!(jwks(one), jwks(two));

    let active = with_status(&claviger, "ES256", "active").await.remove(0);
    assert!(two.signing_keys.verifying(live, &active).is_some());
    compromise(&claviger, &active, &json!({})).await;
    two.follow_journal().await.expect("it follows");
    assert!(two.signing_keys.verifying(live, &active).is_none(), "the other node hears of it");
    assert!(two.signing_keys.signer(live, Algorithm::Es256).is_some_and(|signer| signer.kid() != active));

    // An environment made on one node has its keys on the other.
    claviger.post("/v1/environments", json!({ "slug": "staging", "name": "S", "key_prefix": "acme_staging" })).await.expect(201);
    two.follow_journal().await.expect("it follows");
    let staging = two.gate.environment_named("staging").expect("it is known").id;
    assert!(two.signing_keys.signer(staging, Algorithm::Es256).is_some());
    two.close().await.expect("it closes");
}
