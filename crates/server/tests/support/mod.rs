//! A real server on a free port, on SQLite or PostgreSQL (`CLAVIGER_TEST_ENGINE`), driven through its public door.
//! Time is the test's to move.
#![allow(dead_code, reason = "each test binary uses its part")]

mod canary;

use std::path::PathBuf;
use std::process::Command;

use claviger_authority::clock::{Clock, Timestamp};
use claviger_server::host::config::Config;
use claviger_server::serve::Server;
use http::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use canary::Canary;

/// 2026-11-24T08:00:00Z: when every test begins.
pub const START: i64 = 1_795_507_200_000_000;

pub struct Claviger {
    pub url: String,
    /// A management key of an administrator of the whole instance.
    pub root: String,
    pub clock: Clock,
    pub server: std::sync::Arc<claviger_server::app::App>,
    pub config: Config,
    /// Looks through what the server left behind; it is dropped before the folder is.
    pub canary: Canary,
    pub folder: tempfile::TempDir,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    running: Option<tokio::task::JoinHandle<Result<(), String>>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    /// The JSON body; the status must be this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json
    }

    /// A problem with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert!(self.json["request_id"].is_string(), "a problem names its request: {}", self.text);
        self.json
    }
}

/// The text of a field.
#[track_caller]
pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no text {field} in {value}")).to_owned()
}

impl Claviger {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub async fn start_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut config = Config::load(None, std::iter::empty(), &[]).expect("the defaults are good");
        config.data_dir = folder.path().join("data");
        config.bootstrap_key_file = Some(folder.path().join("bootstrap.key"));
        config.listen = "127.0.0.1:0".parse().expect("an address");
        if let Some(address) = fresh_database() {
            config = with_database(config, &address);
        }
        adjust(&mut config);
        Self::start_in(folder, config, Clock::manual(Timestamp::from_micros(START))).await
    }

    /// Starts on what is in the folder already.
    pub async fn start_in(folder: tempfile::TempDir, config: Config, clock: Clock) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind(config.listen).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        // As the process does it: the issuer names the port that it got.
        let mut served = config.clone();
        served.listen = listener.local_addr().expect("it is bound");
        let server = Server::start(&served, clock.clone()).await.expect("it starts");
        let root = std::fs::read_to_string(config.bootstrap_key_file.as_ref().expect("set above")).expect("the first key was handed out");
        let (stop, stopped) = oneshot::channel::<()>();
        let app = server.app.clone();
        #[allow(clippy::disallowed_methods, reason = "joined in `stop`, or ended with the runtime of its test")]
        let running = tokio::spawn(async move {
            server
                .serve(&served, listener, async {
                    let _ = stopped.await;
                })
                .await
        });
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        let root = root.trim().to_owned();
        let canary = Canary::new(folder.path().to_owned(), config.clone(), app.clone(), &root);
        Self { url, root, clock, server: app, config, canary, folder, http, stop: Some(stop), running: Some(running) }
    }

    /// Stops as a signal would, and hands back the folder to start in again.
    pub async fn stop(mut self) -> (tempfile::TempDir, Config, Clock) {
        let _ = self.stop.take().expect("it runs").send(());
        self.running.take().expect("it runs").await.expect("no panic").expect("a clean end");
        (self.folder, self.config, self.clock)
    }

    pub fn authority(&self) -> &claviger_authority::Authority {
        &self.server.authority
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.expect("the server answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let path = answer.url().path().to_owned();
        let text = answer.text().await.expect("a whole body");
        self.canary.hear(&path, &text);
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, text, json }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn ask(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.request(method, path).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(&self.root, Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(&self.root, Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask(&self.root, Method::PATCH, path, Some(body)).await
    }

    pub async fn verify(&self, body: Value) -> Value {
        self.post("/v1/verify", body).await.expect(200)
    }

    /// The code that a verification of the credential answers.
    pub async fn code(&self, credential: &str) -> String {
        text(&self.verify(json!({ "credential": credential })).await, "code")
    }

    /// An organization, an owner in it, and a resource with three permissions.
    pub async fn tenant(&self, name: &str) -> Tenant {
        let organization = self.post("/v1/organizations", json!({ "name": name })).await.expect(201);
        let organization = text(&organization, "id");
        let owner = json!({ "name": "Ada", "email": "ada@example.com", "type": "person", "organization_id": organization });
        let owner = text(&self.post("/v1/owners", owner).await.expect(201), "id");
        let identifier = "https://api.example.com";
        if self.get(&format!("/v1/resources?identifier={identifier}")).await.expect(200)["data"].as_array().is_some_and(Vec::is_empty) {
            self.post("/v1/resources", json!({ "identifier": identifier, "name": "Posts", "permissions": [
                { "name": "posts:read", "risk": "low" }, { "name": "posts:write", "risk": "high" }, { "name": "posts:delete", "risk": "critical" },
            ] }))
            .await
            .expect(201);
        }
        Tenant { organization, owner }
    }

    /// A key of the tenant; `more` overrides and adds fields.
    pub async fn key(&self, tenant: &Tenant, more: Value) -> Value {
        self.post("/v1/api-keys", tenant.key(more)).await.expect(201)
    }

    /// A management key with just these permissions.
    pub async fn management_key(&self, permissions: &[&str]) -> String {
        self.management_key_with(json!({ "permissions": permissions })).await
    }

    pub async fn management_key_with(&self, more: Value) -> String {
        let owner = self.post("/v1/owners", json!({ "name": "Backend", "email": "backend@example.com", "type": "team" })).await.expect(201);
        let mut body = json!({ "name": "Backend", "owner_id": owner["id"] });
        merge(&mut body, more);
        text(&self.post("/v1/management-keys", body).await.expect(201), "secret")
    }
}

pub struct Tenant {
    pub organization: String,
    pub owner: String,
}

impl Tenant {
    pub fn key(&self, more: Value) -> Value {
        let mut body = json!({ "organization_id": self.organization, "owner_id": self.owner, "name": "CI", "permissions": ["posts:read"] });
        merge(&mut body, more);
        body
    }

    /// An application that may ask for reading posts; `more` overrides and adds fields.
    pub fn application(&self, more: Value) -> Value {
        let resources = json!([{ "identifier": "https://api.example.com", "permissions": ["posts:read"] }]);
        let mut body =
            json!({ "organization_id": self.organization, "owner_id": self.owner, "name": "Billing sync", "resources": resources });
        merge(&mut body, more);
        body
    }
}

pub fn merge(into: &mut Value, more: Value) {
    for (field, value) in more.as_object().expect("an object") {
        into[field] = value.clone();
    }
}

pub fn with_database(config: Config, address: &str) -> Config {
    let data_dir = config.data_dir.display().to_string();
    let bootstrap = config.bootstrap_key_file.as_ref().expect("set before").display().to_string();
    let flags =
        [("data_dir", data_dir), ("bootstrap_key_file", bootstrap), ("database", address.to_owned()), ("listen", "127.0.0.1:0".to_owned())];
    Config::load(None, std::iter::empty(), &flags).expect("the flags are good")
}

/// The address of a new PostgreSQL database, when the tests run on that engine.
#[allow(clippy::disallowed_methods, reason = "tests are told by the environment which engine to run on")]
pub fn fresh_database() -> Option<String> {
    if std::env::var("CLAVIGER_TEST_ENGINE").as_deref() != Ok("postgres") {
        return None;
    }
    let admin = std::env::var("CLAVIGER_TEST_POSTGRES").expect("CLAVIGER_TEST_POSTGRES is the address of a PostgreSQL server");
    let name = format!("claviger_{:032x}", u128::from_le_bytes(claviger_authority::rng::Rng.bytes()));
    let made = Command::new("psql").args([&admin, "-q", "-c", &format!("CREATE DATABASE {name}")]).status().expect("psql runs");
    assert!(made.success(), "the database could not be made");
    let (server, _) = admin.rsplit_once('/').expect("an address with a database");
    Some(format!("{server}/{name}"))
}

/// Every file below a folder, with its bytes.
pub fn files(folder: &std::path::Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path, bytes));
        }
    }
    found
}
