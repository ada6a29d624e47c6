//! No secret in what the real process writes, at the lowest level of its log. Its database, files, metrics and answers are
//! looked through after every test of `api` and `store` (`support/canary.rs`).

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_found_in_the_log_of_the_process() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (log, out) = (folder.path().join("log"), folder.path().join("out"));
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let bootstrap = folder.path().join("bootstrap.key");
    let mut server = Command::new(env!("CARGO_BIN_EXE_claviger"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .arg("--bootstrap-key-file")
        .arg(&bootstrap)
        .env_clear()
        .env("CLAVIGER_LOG_LEVEL", "trace")
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&out).expect("a file"))
        .stderr(std::fs::File::create(&log).expect("a file"))
        .spawn()
        .expect("the server starts");
    let http = reqwest::Client::new();
    let url = format!("http://127.0.0.1:{port}");
    while !http.get(format!("{url}/readyz")).send().await.is_ok_and(|answer| answer.status().is_success()) {
        assert!(server.try_wait().expect("its state can be asked").is_none(), "the server ended by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let root = std::fs::read_to_string(&bootstrap).expect("the first key").trim().to_owned();
    let ask = async |path: &str, body: Option<Value>| {
        let request = match body {
            Some(body) => http.post(format!("{url}{path}")).json(&body),
            None => http.get(format!("{url}{path}")),
        };
        let text = request.bearer_auth(&root).send().await.expect("it answers").text().await.expect("a body");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    };
    let organization = ask("/v1/organizations", Some(json!({ "name": "A" }))).await;
    let owner = ask("/v1/owners", Some(json!({ "name": "O", "email": "o@example.com", "type": "team" }))).await;
    let key = json!({ "organization_id": organization["id"], "owner_id": owner["id"], "name": "K" });
    let mut secrets = vec![root.clone()];
    for _ in 0..5 {
        let made = ask("/v1/api-keys", Some(key.clone())).await;
        let path = format!("/v1/api-keys/{}", made["id"].as_str().expect("an id"));
        let rotated = ask(&format!("{path}/rotate"), Some(json!({ "overlap_seconds": 60 }))).await;
        for secret in [&made["secret"], &rotated["secret"]] {
            let secret = secret.as_str().expect("a secret").to_owned();
            ask("/v1/verify", Some(json!({ "credential": secret }))).await;
            // By mistake, in every place where a key could end up.
            ask(&format!("/v1/api-keys/{secret}"), None).await;
            ask(&format!("/v1/api-keys?search={secret}"), None).await;
            ask(&format!("/v1/api-keys?status={secret}"), None).await;
            ask(&format!("/v1/api-keys?{secret}=1"), None).await;
            ask(&format!("/v1/environments/{secret}"), None).await;
            ask(&format!("/{secret}"), None).await;
            ask("/v1/verify", Some(json!({ "credential": [secret] }))).await;
            secrets.push(secret);
        }
    }
    let management = ask("/v1/management-keys", Some(json!({ "name": "M", "owner_id": owner["id"], "role": "viewer" }))).await;
    secrets.push(management["secret"].as_str().expect("a secret").to_owned());
    terminate(server.id());
    assert!(server.wait().expect("it ends").success(), "a clean end");
    let [log, out] = [log, out].map(|path| std::fs::read_to_string(path).expect("text"));
    assert!(log.lines().count() > 20, "at this level there is much in the log");
    for secret in &secrets {
        let tail = &secret[secret.len() - 49..];
        assert!(!log.contains(tail), "a secret stands in the log");
        assert!(!out.contains(tail), "a secret stands on standard output");
    }
}

fn terminate(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid as i32).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it can be told to end");
}
