//! The release binary as a child process, in a folder of its own; and any other server that is measured beside it.

use std::io::BufRead as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Outcome;
use crate::client::{Client, request, text};

pub const IDENTIFIER: &str = "https://api.example.com";

/// A child process; it ends when this is dropped.
pub struct Process {
    child: Child,
    pub port: u16,
}

impl Process {
    /// The bare server, answering `body`.
    pub fn bare(body: &str) -> Outcome<Self> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut child = Command::new(own).args(["limit", body]).stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("no output of the bare server")?;
        std::io::BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        let port = line.trim().parse().map_err(|_| "the bare server named no port".to_owned())?;
        Ok(Self { child, port })
    }

    /// Seconds of processor time that it has taken so far.
    pub fn cpu(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/schedstat", self.child.id())).unwrap_or_default();
        let main: f64 = text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0.0);
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let all: f64 = threads
            .map(|threads| threads.flatten().map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default()))
            .map(|texts| texts.filter_map(|text| text.split_whitespace().next()?.parse::<f64>().ok()).sum())
            .unwrap_or(main);
        all / 1e9
    }

    /// Bytes of memory that it holds.
    pub fn resident_bytes(&self) -> f64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(f64::NAN) * 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Claviger {
    pub process: Process,
    pub folder: TempDir,
    pub key: String,
    database: Option<String>,
    /// An organization and an owner to create keys for.
    pub tenant: Value,
}

impl Claviger {
    /// A new server on SQLite, or on this database of PostgreSQL, with a tenant and a resource.
    pub fn start(database: Option<String>) -> Outcome<Self> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let (process, _) = spawn(folder.path(), database.as_deref())?;
        let key = std::fs::read_to_string(folder.path().join("bootstrap.key")).map_err(|error| error.to_string())?.trim().to_owned();
        let mut client = Client::connect(process.port, &key)?;
        let organization = client.post("/v1/organizations", &json!({ "name": "Acme" }))?;
        let owner = json!({ "name": "Ada", "email": "ada@example.com", "type": "person", "organization_id": organization["id"] });
        let owner = client.post("/v1/owners", &owner)?;
        let permissions = json!([{ "name": "posts:read", "risk": "low" }, { "name": "posts:write", "risk": "high" }]);
        client.post("/v1/resources", &json!({ "identifier": IDENTIFIER, "name": "Posts", "permissions": permissions }))?;
        let tenant = json!({ "organization_id": organization["id"], "owner_id": owner["id"] });
        Ok(Self { process, folder, key, database, tenant })
    }

    /// Ends it as a signal would and starts it again on what it wrote; seconds until it was ready.
    pub fn restart(&mut self) -> Outcome<f64> {
        terminate(&mut self.process)?;
        let (process, took) = spawn(self.folder.path(), self.database.as_deref())?;
        self.process = process;
        Ok(took)
    }

    pub fn client(&self) -> Outcome<Client> {
        Client::connect(self.process.port, &self.key)
    }

    /// The body that creates a key of the tenant.
    pub fn new_key(&self) -> Value {
        let mut body = self.tenant.clone();
        body["name"] = "CI".into();
        body["resource"] = IDENTIFIER.into();
        body["permissions"] = json!(["posts:read"]);
        body
    }

    /// Secret and id of a new key.
    pub fn create(&self, client: &mut Client) -> Outcome<(String, String)> {
        let made = client.post("/v1/api-keys", &self.new_key())?;
        Ok((text(&made, "secret"), text(&made, "id")))
    }

    /// A file of requests, each verifying one of the credentials.
    pub fn requests(&self, name: &str, credentials: impl Iterator<Item = String>) -> Outcome<PathBuf> {
        let body = |credential| json!({ "credential": credential, "permissions": ["posts:read"] });
        let requests: Vec<String> = credentials.map(|credential| request(&self.key, "/v1/verify", &body(credential))).collect();
        self.file(name, &requests)
    }

    /// A file of whole requests.
    pub fn file(&self, name: &str, requests: &[String]) -> Outcome<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, serde_json::to_vec(requests).map_err(|error| error.to_string())?).map_err(|error| error.to_string())?;
        Ok(path)
    }

    pub fn metric(&self, name: &str) -> Outcome<f64> {
        let (_, text) = self.client()?.get("/metrics")?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok());
        value.ok_or_else(|| format!("no metric {name}"))
    }
}

/// Asks it to stop, and waits until it has.
fn terminate(process: &mut Process) -> Outcome<()> {
    let pid = process.child.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().map_err(|error| error.to_string())?;
    let began = Instant::now();
    while process.child.try_wait().map_err(|error| error.to_string())?.is_none() {
        if began.elapsed() > Duration::from_secs(60) {
            return Err("the server does not stop".to_owned());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// The binary that is measured: beside this one, as `make bench` builds it.
fn binary() -> Outcome<PathBuf> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let path = std::env::var_os("CLAVIGER_BENCH_BINARY").map_or_else(|| own.with_file_name("claviger"), PathBuf::from);
    if path.exists() { Ok(path) } else { Err(format!("{} is not there: cargo build --release -p claviger-server", path.display())) }
}

fn spawn(folder: &Path, database: Option<&str>) -> Outcome<(Process, f64)> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(|error| error.to_string())?.port();
    let mut command = Command::new(binary()?);
    command.args(["serve", "--listen", &format!("127.0.0.1:{port}")]).arg("--data-dir").arg(folder.join("data"));
    command.arg("--bootstrap-key-file").arg(folder.join("bootstrap.key"));
    command.env_clear().env("CLAVIGER_LOG_LEVEL", "error").env("CLAVIGER_GATE_MEMORY_BUDGET_BYTES", (400 << 20).to_string());
    if let Some(database) = database {
        command.args(["--database", database]);
    }
    let began = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().map_err(|error| error.to_string())?;
    let mut process = Process { child, port };
    loop {
        let is_ready = Client::connect(port, "none").and_then(|mut client| client.get("/readyz")).is_ok_and(|(status, _)| status == 200);
        if is_ready {
            return Ok((process, began.elapsed().as_secs_f64()));
        }
        if process.child.try_wait().map_err(|error| error.to_string())?.is_some() {
            return Err("the server ended by itself".to_owned());
        }
        if began.elapsed() > Duration::from_secs(300) {
            return Err("the server does not become ready".to_owned());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
