//! A server as a process, and commands as processes against it. Every process starts with an empty environment.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support;

pub fn claviger() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_claviger"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// What a command left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// It must be done, without a word on standard error.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{}", self.stdout);
        self.stdout
    }

    /// It must be refused with this exit code, say so on standard error alone, and use these words.
    #[track_caller]
    pub fn refused(self, code: i32, words: &[&str]) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{}", self.stderr);
        assert!(self.stderr.starts_with("error: "), "{}", self.stderr);
        for words in words {
            assert!(self.stderr.contains(words), "{words:?} is not said: {}", self.stderr);
        }
        self.stderr
    }
}

pub fn run(mut command: Command, stdin: &str) -> Ran {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    // A command that does not read its standard input may be gone already.
    let _ = child.stdin.take().expect("it is piped").write_all(stdin.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("only UTF-8 is written");
    Ran { code: output.status.code().expect("no signal ended it"), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A running `claviger serve`.
pub struct Server {
    child: Child,
    pub url: String,
    pub folder: tempfile::TempDir,
    pub database: Option<String>,
}

impl Server {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::start_in(folder, support::fresh_database())
    }

    pub fn start_in(folder: tempfile::TempDir, database: Option<String>) -> Self {
        let mut command = claviger();
        command.args(["serve", "--listen", "127.0.0.1:0", "--bootstrap-key-file"]).arg(folder.path().join("root.key"));
        place(&mut command, &folder.path().join("data"), database.as_deref());
        command.env("CLAVIGER_LOG_FORMAT", "json").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server starts");
        let mut log = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert_ne!(log.read_line(&mut line).expect("a log"), 0, "the server ended by itself");
            let event: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not started: {line}"));
            if event["fields"]["message"] == "ready" {
                break event["fields"]["address"].as_str().expect("an address").to_owned();
            }
        };
        // The pipe must not fill up; it ends with the server.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, url: format!("http://{address}"), folder, database }
    }

    /// The command as an administrator calls it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = claviger();
        command.args(arguments).env("CLAVIGER_URL", &self.url).env("CLAVIGER_MANAGEMENT_KEY_FILE", self.path("root.key"));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        run(self.command(arguments), "")
    }

    /// What the command answers as JSON.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.run(&[arguments, &["-o", "json"]].concat()).done();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    #[track_caller]
    pub fn id(&self, arguments: &[&str]) -> String {
        support::text(&self.json(arguments), "id")
    }

    /// A command beside the server, on its store.
    pub fn beside(&self, arguments: &[&str]) -> Ran {
        let mut command = claviger();
        command.args(arguments);
        place(&mut command, &self.path("data"), self.database.as_deref());
        run(command, "")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file's path, after writing it.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("it can be written");
        path.to_str().expect("a readable path").to_owned()
    }

    pub fn root(&self) -> String {
        std::fs::read_to_string(self.path("root.key")).expect("the first key").trim().to_owned()
    }

    /// Ids of an organization, an owner in it, and a resource with three permissions.
    pub fn tenant(&self) -> (String, String, String) {
        let organization = self.id(&["org", "create", "Globex"]);
        let owner = self.id(&["owner", "create", "Ada", "--email", "ada@example.com", "--organization", &organization]);
        let permissions = ["--permission", "posts:read=low", "--permission", "posts:write=high", "--permission", "posts:delete=critical"];
        let resource = self.id(&[&["resource", "create", "https://api.example.com", "--name", "Posts"], &permissions[..]].concat());
        (organization, owner, resource)
    }

    /// A key of the tenant that may read, as it was answered.
    pub fn key(&self, (organization, owner, _): &(String, String, String), name: &str) -> Value {
        self.json(&["key", "create", name, "--organization", organization, "--owner", owner, "--permission", "posts:read"])
    }

    /// What a verification of the credential answers.
    pub fn code(&self, credential: &str) -> String {
        let body = serde_json::json!({ "credential": credential }).to_string();
        support::text(&self.http("POST", "/v1/verify", &self.root(), &body), "code")
    }

    /// Who the server says that the holder of this management key is: `None` if it is not let in.
    pub fn holder(&self, secret: &str) -> Option<String> {
        self.http("GET", "/v1/whoami", secret, "")["id"].as_str().map(str::to_owned)
    }

    fn http(&self, method: &str, path: &str, bearer: &str, body: &str) -> Value {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let method = method.parse().expect("a method");
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.url)).bearer_auth(bearer);
        let request = request.header("content-type", "application/json").body(body.to_owned());
        runtime.block_on(async { request.send().await.expect("it answers").json().await.expect("JSON") })
    }

    /// Ends it as an init system would, and hands back its place.
    pub fn stop(mut self) -> (tempfile::TempDir, Option<String>) {
        self.end();
        assert!(self.child.wait().expect("it ends").success(), "a clean end");
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().expect("a temporary folder"));
        (folder, self.database.take())
    }

    fn end(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).expect("a process");
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.end();
            let _ = self.child.wait();
        }
    }
}

/// Says where the store is.
pub fn place(command: &mut Command, data_dir: &Path, database: Option<&str>) {
    command.arg("--data-dir").arg(data_dir);
    if let Some(database) = database {
        command.args(["--database", database]);
    }
}
