//! `kill -9` at random moments under load: nothing acknowledged is lost, nothing revoked verifies again, and the journal is
//! gapless and whole. `CLAVIGER_TEST_CRASH_ROUNDS` says how many rounds (`make crash` runs hundreds).

#[path = "support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use claviger_authority::db::{Db, Location, PoolSizes};
use claviger_authority::journal;
use claviger_authority::rng::Rng;
use serde_json::{Value, json};

/// What the server has acknowledged, and what was asked of it without an answer.
#[derive(Default)]
struct Ledger {
    /// Secret and id of keys whose creation was acknowledged.
    created: Vec<(String, String)>,
    /// The last acknowledged deed on a key; `None` while one is under way: then either outcome is right.
    revoked: HashMap<String, Option<bool>>,
}

struct Running {
    child: Child,
    url: String,
}

/// Starts the real binary; it listens on a free port of this moment.
fn start(folder: &Path, database: Option<&str>) -> Running {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_claviger"));
    command
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .arg("--data-dir")
        .arg(folder.join("data"))
        .arg("--bootstrap-key-file")
        .arg(folder.join("bootstrap.key"))
        .env_clear()
        .env("CLAVIGER_LOG_LEVEL", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if let Some(database) = database {
        command.args(["--database", database]);
    }
    Running { child: command.spawn().expect("the server starts"), url: format!("http://127.0.0.1:{port}") }
}

async fn ready(running: &mut Running, http: &reqwest::Client) {
    for _ in 0..600 {
        if http.get(format!("{}/readyz", running.url)).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        assert!(running.child.try_wait().expect("its state can be asked").is_none(), "the server ended by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server does not become ready");
}

#[derive(Clone)]
struct Caller {
    http: reqwest::Client,
    url: String,
    key: String,
}

impl Caller {
    /// The answer, or `None` when the server died before it came.
    async fn post(&self, path: &str, body: Value) -> Option<Value> {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.key).json(&body);
        let answer = request.send().await.ok().filter(|answer| answer.status().is_success())?;
        answer.json().await.ok()
    }

    async fn code(&self, secret: &str) -> Option<String> {
        let answer = self.post("/v1/verify", json!({ "credential": secret })).await?;
        answer["code"].as_str().map(str::to_owned)
    }
}

/// Creates keys and revokes half of them until the server is gone.
async fn load(caller: Caller, body: Value, ledger: Arc<Mutex<Ledger>>) {
    loop {
        let Some(made) = caller.post("/v1/api-keys", body.clone()).await else { return };
        let (secret, id) = (made["secret"].as_str().expect("a secret").to_owned(), made["id"].as_str().expect("an id").to_owned());
        ledger.lock().expect("no panic").created.push((secret, id.clone()));
        if !id.as_bytes()[5].is_multiple_of(2) {
            continue;
        }
        ledger.lock().expect("no panic").revoked.insert(id.clone(), None);
        let revoked = caller.post(&format!("/v1/api-keys/{id}/revoke"), json!({ "reason": "key_compromise" })).await;
        if revoked.is_none() {
            return;
        }
        ledger.lock().expect("no panic").revoked.insert(id, Some(true));
    }
}

async fn check(caller: &Caller, ledger: &Ledger) {
    for (secret, id) in &ledger.created {
        let code = caller.code(secret).await.expect("it answers");
        match ledger.revoked.get(id) {
            Some(Some(true)) => assert_eq!(code, "REVOKED", "{id}: its revocation was acknowledged"),
            Some(None) => assert!(code == "REVOKED" || code == "VALID", "{id}: {code}"),
            _ => assert_eq!(code, "VALID", "{id}: its creation was acknowledged"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::disallowed_methods, reason = "tests are told by the environment how often to kill; the tasks end with the server")]
async fn nothing_acknowledged_is_lost_to_kill_9() {
    let rounds: usize = std::env::var("CLAVIGER_TEST_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(5);
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = support::fresh_database();
    let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut body = Value::Null;
    let (mut created, mut revoked) = (0, 0);
    // The round after the last only looks.
    for round in 0..=rounds {
        let mut running = start(folder.path(), database.as_deref());
        ready(&mut running, &http).await;
        let key = std::fs::read_to_string(folder.path().join("bootstrap.key")).expect("the first key").trim().to_owned();
        let caller = Caller { http: http.clone(), url: running.url.clone(), key };
        if round == 0 {
            let organization = caller.post("/v1/organizations", json!({ "name": "A" })).await.expect("it answers");
            let owner =
                caller.post("/v1/owners", json!({ "name": "O", "email": "o@example.com", "type": "team" })).await.expect("it answers");
            body = json!({ "organization_id": organization["id"], "owner_id": owner["id"], "name": "K" });
        }
        // Everything that was acknowledged before the last kill, as the new process sees it.
        let before = std::mem::take(&mut *ledger.lock().expect("no panic"));
        check(&caller, &before).await;
        created += before.created.len();
        revoked += before.revoked.values().filter(|revoked| revoked.is_some()).count();
        let load: Vec<_> = (0..8).map(|_| tokio::spawn(load(caller.clone(), body.clone(), ledger.clone()))).collect();
        let [moment]: [u8; 1] = Rng.bytes();
        tokio::time::sleep(Duration::from_millis(20 + u64::from(moment))).await;
        running.child.kill().expect("it can be killed");
        running.child.wait().expect("it ends");
        for task in load {
            task.await.expect("no panic");
        }
        let location = match &database {
            Some(address) => Location::parse(address).expect("an address"),
            None => Location::Sqlite(folder.path().join("data/claviger.db")),
        };
        let db = Db::open(&location, PoolSizes::default(), false).await.expect("it opens");
        let events = journal::verify(&db).await.expect("it can be read").unwrap_or_else(|broken| panic!("round {round}: {broken:?}"));
        db.close().await;
        assert!(events as usize > created + revoked, "round {round}: {events} events");
    }
    assert!(created > rounds && revoked > rounds / 4, "the load did its work: {created} created, {revoked} revoked");
}
