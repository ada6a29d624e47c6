//! Rate limits and quotas, with the clock in hand.

use serde_json::json;

use crate::support::{Claviger, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_is_exact_and_recovers() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({ "ratelimit": { "limit": 3, "window_seconds": 60 } })).await;
    let secret = text(&key, "secret");
    let answers = futures_util::future::join_all((0..12).map(|_| claviger.code(&secret))).await;
    assert_eq!(answers.iter().filter(|code| *code == "VALID").count(), 3, "{answers:?}");
    let refused = claviger.verify(json!({ "credential": secret })).await;
    assert_eq!(refused["code"], "RATE_LIMITED");
    assert_eq!(refused["ratelimit"], json!({ "limit": 3, "remaining": 0, "reset_seconds": 20 }));
    claviger.clock.advance_seconds(20);
    assert_eq!(claviger.verify(json!({ "credential": secret, "cost": 0 })).await["ratelimit"]["remaining"], 1, "a look takes nothing");
    assert_eq!([claviger.code(&secret).await, claviger.code(&secret).await], ["VALID", "RATE_LIMITED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_runs_on_through_a_change_that_does_not_touch_it() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({ "ratelimit": { "limit": 1, "window_seconds": 60 }, "quota": { "remaining": 5 } })).await;
    let secret = text(&key, "secret");
    assert_eq!(claviger.code(&secret).await, "VALID");
    let path = format!("/v1/api-keys/{}", text(&key, "id"));
    claviger.patch(&path, json!({ "name": "Renamed" })).await.expect(200);
    assert_eq!(claviger.code(&secret).await, "RATE_LIMITED");
    claviger.patch(&path, json!({ "ratelimit": null })).await.expect(200);
    assert_eq!(claviger.verify(json!({ "credential": secret })).await["quota"], json!({ "remaining": 3 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_runs_out_refills_and_survives_a_restart() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    let quota = json!({ "remaining": 4, "refill": { "amount": 2, "interval_seconds": 3600 } });
    let key = claviger.key(&tenant, json!({ "quota": quota })).await;
    let secret = text(&key, "secret");
    assert_eq!(claviger.verify(json!({ "credential": secret, "cost": 3 })).await["quota"], json!({ "remaining": 1 }));
    assert_eq!(claviger.verify(json!({ "credential": secret, "cost": 2 })).await["code"], "QUOTA_EXCEEDED", "all or nothing");
    let (folder, config, clock) = claviger.stop().await;
    let claviger = Claviger::start_in(folder, config, clock).await;
    assert_eq!([claviger.code(&secret).await, claviger.code(&secret).await], ["VALID", "QUOTA_EXCEEDED"]);
    claviger.clock.advance_seconds(3601);
    assert_eq!(claviger.verify(json!({ "credential": secret })).await["quota"], json!({ "remaining": 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_limits_are_refused() {
    let claviger = Claviger::start().await;
    let tenant = claviger.tenant("A").await;
    for (field, value) in [
        ("ratelimit", json!({ "limit": 0, "window_seconds": 1 })),
        ("ratelimit", json!({ "limit": 1, "window_seconds": -1 })),
        ("quota", json!({ "remaining": -1 })),
        ("quota", json!({ "remaining": 1, "refill": { "amount": 1, "interval_seconds": 0 } })),
    ] {
        let refused = claviger.post("/v1/api-keys", tenant.key(json!({ field: value }))).await.refused(422, "INVALID_VALUE");
        assert_eq!(refused["errors"][0]["pointer"], format!("/{field}"));
    }
}
