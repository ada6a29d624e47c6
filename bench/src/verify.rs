//! A verification beside bare hyper, and refusals beside the valid answer.

use crate::claviger::{Claviger, Process};
use crate::client::text;
use crate::figures::{Report, Samples, Target, short};
use crate::load::{self, Seen};
use crate::{Outcome, Plan};

/// Refusals are "no slower" up to this: what rounds on one machine differ by.
const AS_FAST: f64 = 0.95;

struct Row {
    name: &'static str,
    port: u16,
    requests: std::path::PathBuf,
    expected: &'static str,
    seen: Vec<Seen>,
    /// Microseconds of the server's processor time per request.
    cpu: Vec<f64>,
}

impl Row {
    fn per_second(&self) -> Vec<f64> {
        self.seen.iter().map(|seen| seen.per_second).collect()
    }

    fn p99(&self) -> Vec<f64> {
        self.seen.iter().map(|seen| seen.p99).collect()
    }
}

pub fn measure(plan: &Plan, report: &mut Report) -> Outcome<()> {
    let server = Claviger::start(None)?;
    let stranger = Claviger::start(None)?;
    let mut client = server.client()?;
    let (valid, _) = server.create(&mut client)?;
    let (revoked, id) = server.create(&mut client)?;
    client.post(&format!("/v1/api-keys/{id}/revoke"), &serde_json::json!({ "reason": "key_compromise" }))?;
    let (unknown, _) = stranger.create(&mut stranger.client()?)?;
    drop(stranger);
    let malformed = valid.replace(&valid[valid.len() - 6..], "!!!!!!");
    let question = serde_json::json!({ "credential": valid, "permissions": ["posts:read"] });
    let answer = client.post("/v1/verify", &question)?;
    if text(&answer, "code") != "VALID" {
        return Err(format!("not valid: {answer}"));
    }
    let bare = Process::bare(&answer.to_string())?;
    let row = |name, port, credential: &str, expected| {
        let requests = server.requests(name, std::iter::once(credential.to_owned()))?;
        Ok::<_, String>(Row { name, port, requests, expected, seen: Vec::new(), cpu: Vec::new() })
    };
    let port = server.process.port;
    let mut rows = [
        row("bare", bare.port, &valid, "")?,
        row("valid", port, &valid, "\"code\":\"VALID\"")?,
        row("revoked", port, &revoked, "\"code\":\"REVOKED\"")?,
        row("unknown", port, &unknown, "\"code\":\"NOT_FOUND\"")?,
        row("malformed", port, &malformed, "\"code\":\"MALFORMED\"")?,
    ];
    for _ in 0..plan.rounds {
        for row in &mut rows {
            let process = if row.name == "bare" { &bare } else { &server.process };
            let before = process.cpu();
            let seen = load::round(row.port, plan.connections, plan.seconds, &row.requests, row.expected)?;
            row.cpu.push((process.cpu() - before) * 1e6 / seen.total);
            row.seen.push(seen);
        }
    }
    let [bare, valid, refusals @ ..] = &rows;
    report.add("bare hyper, requests per second", Samples::new(bare.per_second()), Target::None, p99(bare));
    report.add(
        "verify / bare hyper: throughput",
        Samples::ratios(&valid.per_second(), &bare.per_second()),
        Target::AtLeast(0.85),
        rate(valid),
    );
    report.add("verify / bare hyper: p99", Samples::ratios(&valid.p99(), &bare.p99()), Target::AtMost(1.5), p99(valid));
    report.add(
        "verify / bare hyper: server's processor time per request",
        Samples::ratios(&valid.cpu, &bare.cpu),
        Target::None,
        cpu(valid, bare),
    );
    for refusal in refusals {
        let throughput = Samples::ratios(&refusal.per_second(), &valid.per_second());
        report.add(format!("{} key / valid key: throughput", refusal.name), throughput, Target::AtLeast(AS_FAST), rate(refusal));
        let tail = Samples::ratios(&refusal.p99(), &valid.p99());
        report.add(format!("{} key / valid key: p99", refusal.name), tail, Target::None, p99(refusal));
    }
    Ok(())
}

fn rate(row: &Row) -> String {
    format!("{}/s", short(Samples::new(row.per_second()).median()))
}

fn p99(row: &Row) -> String {
    let middle = Samples::new(row.seen.iter().map(|seen| seen.p50).collect()).median();
    format!("p50 {} µs, p99 {} µs", short(middle), short(Samples::new(row.p99()).median()))
}

fn cpu(row: &Row, bare: &Row) -> String {
    let median = |row: &Row| short(Samples::new(row.cpu.clone()).median());
    format!("{} µs, bare {} µs", median(row), median(bare))
}
