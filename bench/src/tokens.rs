//! Access tokens: minting beside bare hyper plus the raw signature, and verifying beside bare hyper plus the raw check.
//! The limit of both is what the two parts would do one after the other on the same processors: 1 / (1/a + 1/b).

use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    UnparsedPublicKey,
};
use serde_json::json;

use crate::claviger::{Claviger, Process};
use crate::client::{Client, text};
use crate::figures::{Report, Samples, Target, short};
use crate::load;
use crate::{Outcome, Plan};

/// About the length of a token without its signature.
const MESSAGE: &[u8] = &[b'x'; 480];

struct Row {
    name: &'static str,
    target: Target,
    requests: std::path::PathBuf,
    expected: &'static str,
    bare: Process,
    raw: Box<dyn Fn() + Send + Sync>,
}

pub fn measure(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let server = Claviger::start(None)?;
    let mut client = server.client()?;
    let mut rows = Vec::new();
    for (alg, target) in [("ES256", 0.8), ("EdDSA", 0.8), ("RS256", 0.95)] {
        let (form, token) = application(&server, &mut client, alg)?;
        let bare = Process::bare(&token.to_string())?;
        let requests = server.file(&format!("mint-{alg}"), &[form])?;
        let name = match alg {
            "ES256" => "mint ES256",
            "EdDSA" => "mint EdDSA",
            _ => "mint RS256 (3072)",
        };
        rows.push(Row { name, target: Target::AtLeast(target), requests, expected: "access_token", bare, raw: signer(alg)? });
        if alg == "ES256" {
            let question = json!({ "credential": token["access_token"], "permissions": ["posts:read"] });
            let answer = client.post("/v1/verify", &question)?;
            let requests = server.requests("verify-token", std::iter::once(text(&token, "access_token")))?;
            let bare = Process::bare(&answer.to_string())?;
            rows.push(Row {
                name: "verify a token (ES256)",
                target: Target::AtLeast(0.8),
                requests,
                expected: "\"code\":\"VALID\"",
                bare,
                raw: checker()?,
            });
        }
    }
    for row in &rows {
        let mut ratios = Vec::new();
        let mut rates = Vec::new();
        for _ in 0..plan.rounds {
            let bare = load::round(row.bare.port, plan.connections, plan.seconds, &row.requests, "")?.per_second;
            let raw = on_every_processor(&row.raw, Duration::from_secs_f64(plan.seconds / 2.0));
            let seen = load::round(server.process.port, plan.connections, plan.seconds, &row.requests, row.expected)?.per_second;
            ratios.push(seen * (1.0 / bare + 1.0 / raw));
            rates.push((seen, bare, raw));
        }
        let median = |pick: fn(&(f64, f64, f64)) -> f64| short(Samples::new(rates.iter().map(pick).collect()).median());
        let note = format!("{}/s; bare {}/s, raw {}/s", median(|rate| rate.0), median(|rate| rate.1), median(|rate| rate.2));
        report.add(format!("{} / (bare hyper + raw signature)", row.name), Samples::new(ratios), row.target, note);
    }
    Ok(())
}

/// An application of a resource with that algorithm: its request for a token, and the answer.
fn application(server: &Claviger, client: &mut Client, alg: &str) -> Outcome<(String, serde_json::Value)> {
    let identifier = format!("https://{}.example.com", alg.to_lowercase());
    let resource = json!({
        "identifier": identifier, "name": alg, "permissions": [{ "name": "posts:read", "risk": "low" }],
        "token": { "alg": alg, "typ": "at+jwt", "lifetime_seconds": 600 },
    });
    client.post("/v1/resources", &resource)?;
    let mut body = server.tenant.clone();
    body["name"] = "CI".into();
    body["resources"] = json!([{ "identifier": identifier, "permissions": ["posts:read"] }]);
    let id = text(&client.post("/v1/applications", &body)?, "id");
    let secret = text(&client.post(&format!("/v1/applications/{id}/secrets"), &json!({}))?, "secret");
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let length = form.len();
    let head = "POST /oauth2/token HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded";
    let request = format!("{head}\r\nContent-Length: {length}\r\n\r\n{form}");
    let answer = client.raw(&request)?;
    Ok((request, answer))
}

fn signer(alg: &str) -> Outcome<Box<dyn Fn() + Send + Sync>> {
    let broken = |_| format!("no {alg} key");
    let rng = SystemRandom::new();
    Ok(match alg {
        "ES256" => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(broken)?;
            Box::new(move || {
                let _ = std::hint::black_box(pair.sign(&rng, MESSAGE));
            })
        }
        "EdDSA" => {
            let pair = Ed25519KeyPair::generate().map_err(broken)?;
            Box::new(move || {
                std::hint::black_box(pair.sign(MESSAGE));
            })
        }
        _ => {
            let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa3072).map_err(broken)?;
            Box::new(move || {
                let mut signature = vec![0; pair.public_modulus_len()];
                let _ = std::hint::black_box(pair.sign(&RSA_PKCS1_SHA256, &rng, MESSAGE, &mut signature));
            })
        }
    })
}

fn checker() -> Outcome<Box<dyn Fn() + Send + Sync>> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| "no key".to_owned())?;
    let signature = pair.sign(&SystemRandom::new(), MESSAGE).map_err(|_| "no signature".to_owned())?;
    let public = pair.public_key().as_ref().to_vec();
    Ok(Box::new(move || {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public);
        let _ = std::hint::black_box(key.verify(MESSAGE, signature.as_ref()));
    }))
}

/// How often per second it is done by a thread on each processor together.
fn on_every_processor(work: &(dyn Fn() + Send + Sync), lasts: Duration) -> f64 {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let began = Instant::now();
    let counts: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(move || {
                    let mut count = 0_u64;
                    while began.elapsed() < lasts {
                        work();
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or(0)).sum()
    });
    counts as f64 / began.elapsed().as_secs_f64()
}
