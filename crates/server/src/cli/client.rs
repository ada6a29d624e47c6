//! One call of a running server. The management key comes from a file, the environment or standard input, never from
//! the command line, where every process could read it.

use std::path::PathBuf;

use http::Method;
use serde_json::Value;

use super::output::Format;
use super::{Environment, Outcome};

/// How to reach the server, and how to print what it says.
#[derive(clap::Args, Clone, Debug)]
pub struct Connection {
    /// Address of the server.
    #[arg(long, env = "CLAVIGER_URL", default_value = "http://127.0.0.1:7480", value_name = "URL", global = true)]
    url: String,
    /// File with the management key; `-` reads standard input. Without it CLAVIGER_MANAGEMENT_KEY or CLAVIGER_MANAGEMENT_KEY_FILE.
    #[arg(long, value_name = "FILE", global = true)]
    management_key_file: Option<PathBuf>,
    /// Environment to act in, for instance administrators.
    #[arg(long, env = "CLAVIGER_ENVIRONMENT", value_name = "SLUG", global = true)]
    environment: Option<String>,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t = Format::Table, global = true)]
    output: Format,
}

/// What to ask.
pub struct Call {
    pub method: Method,
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Value>,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), query: Vec::new(), body: None }
    }

    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), query: Vec::new(), body: Some(body) }
    }

    pub fn patch(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::PATCH, path: path.into(), query: Vec::new(), body: Some(body) }
    }

    pub fn query(mut self, name: &'static str, value: &Option<String>) -> Self {
        self.query.extend(value.as_ref().map(|value| (name, value.clone())));
        self
    }
}

/// A server that was reached.
pub struct Client {
    http: reqwest::Client,
    url: String,
    key: zeroize::Zeroizing<String>,
    environment: Option<String>,
    pub output: Format,
}

impl Connection {
    pub fn open(&self, environment: &Environment) -> Result<Client, String> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        Ok(Client {
            http: http.map_err(|error| format!("the HTTP client does not start: {error}"))?,
            url: self.url.trim_end_matches('/').to_owned(),
            key: zeroize::Zeroizing::new(self.key(environment)?),
            environment: self.environment.clone(),
            output: self.output,
        })
    }

    fn key(&self, environment: &Environment) -> Result<String, String> {
        let (origin, text) = self.key_text(environment)?;
        match text.trim() {
            "" => Err(format!("{origin}: there is no management key in it")),
            key if key.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(key.to_owned()),
            _ => Err(format!("{origin}: there is more or something else in it than one management key")),
        }
    }

    /// Where the key stands, and what stands there.
    fn key_text(&self, environment: &Environment) -> Result<(String, String), String> {
        let variable = |name: &str| environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        if self.management_key_file.is_none()
            && let Some(key) = variable("CLAVIGER_MANAGEMENT_KEY")
        {
            return Ok(("CLAVIGER_MANAGEMENT_KEY".to_owned(), key));
        }
        let file = self.management_key_file.clone().or_else(|| variable("CLAVIGER_MANAGEMENT_KEY_FILE").map(PathBuf::from));
        let (origin, text) = match file {
            Some(file) if file.as_os_str() == "-" => ("standard input".to_owned(), std::io::read_to_string(std::io::stdin())),
            Some(file) => (file.display().to_string(), std::fs::read_to_string(&file)),
            None => return Err("no management key: set CLAVIGER_MANAGEMENT_KEY_FILE, or give --management-key-file FILE".to_owned()),
        };
        match text {
            Ok(text) => Ok((origin, text)),
            Err(error) => Err(format!("{origin}: {error}")),
        }
    }

    /// Asks, and prints the answer with these columns when it is a table.
    pub async fn print(&self, environment: &Environment, call: Call, columns: &[&str]) -> Outcome {
        let client = self.open(environment)?;
        let answer = client.ask(&call).await?;
        client.output.print(&answer, columns)?;
        Ok(std::process::ExitCode::SUCCESS)
    }
}

impl Client {
    async fn send(&self, call: &Call) -> Result<reqwest::Response, String> {
        let query: String = serde_urlencoded::to_string(&call.query).map_err(|error| error.to_string())?;
        let separator = if query.is_empty() { "" } else { "?" };
        let address = format!("{}{}{separator}{query}", self.url, call.path);
        let mut request = self.http.request(call.method.clone(), address).bearer_auth(self.key.as_str());
        if let Some(environment) = &self.environment {
            request = request.header("claviger-environment", environment);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| format!("{} cannot be reached: {}", self.url, root_cause(&error)))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let problem: Value = answer.json().await.unwrap_or_default();
        if problem["code"].is_null() {
            return Err(format!("{} answered {status}, and not as Claviger does: is --url its address?", self.url));
        }
        Err(words(status.as_u16(), &problem))
    }

    pub async fn ask(&self, call: &Call) -> Result<Value, String> {
        let text = self.send(call).await?.text().await.map_err(|error| error.to_string())?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|_| format!("{} answered something else than JSON: is --url its address?", self.url))
    }

    /// Hands the answer to `take` as it arrives.
    pub async fn stream(&self, call: &Call, mut take: impl FnMut(&[u8]) -> Result<(), String>) -> Result<(), String> {
        let mut answer = self.send(call).await?;
        while let Some(chunk) = answer.chunk().await.map_err(|error| error.to_string())? {
            take(&chunk)?;
        }
        Ok(())
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// A problem document in words, with every field it names.
fn words(status: u16, problem: &Value) -> String {
    let text = |field: &str| problem[field].as_str().unwrap_or_default();
    let mut words = format!("{} ({status} {})", text("detail"), text("code"));
    for error in problem["errors"].as_array().into_iter().flatten() {
        words.push_str(&format!("\n  {} {}", error["pointer"].as_str().unwrap_or_default(), error["detail"].as_str().unwrap_or_default()));
    }
    if !text("request_id").is_empty() {
        words.push_str(&format!("\n  request {}", text("request_id")));
    }
    words
}
