//! A blocking HTTP client on one keep-alive connection: for setting up, and for changes, which wait on a disk anyway.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::Outcome;

pub struct Client {
    stream: BufReader<TcpStream>,
    key: String,
}

impl Client {
    pub fn connect(port: u16, key: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(Duration::from_secs(120))).map_err(|error| error.to_string())?;
        Ok(Self { stream: BufReader::new(stream), key: key.to_owned() })
    }

    /// The JSON of a successful answer.
    pub fn post(&mut self, path: &str, body: &Value) -> Outcome<Value> {
        let request = request(&self.key, path, body);
        let (status, text) = self.send(request.as_bytes())?;
        if !(200..300).contains(&status) {
            return Err(format!("POST {path}: {status} {text}"));
        }
        serde_json::from_str(&text).map_err(|error| format!("POST {path}: {error}"))
    }

    /// The JSON of the answer to a request that is written out whole.
    pub fn raw(&mut self, request: &str) -> Outcome<Value> {
        let (status, text) = self.send(request.as_bytes())?;
        if status != 200 {
            return Err(format!("{status} {text}"));
        }
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }

    pub fn get(&mut self, path: &str) -> Outcome<(u16, String)> {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\r\n", self.key).as_bytes())
    }

    /// The `code` of a verification.
    pub fn code(&mut self, credential: &str) -> Outcome<String> {
        Ok(text(&self.post("/v1/verify", &serde_json::json!({ "credential": credential }))?, "code"))
    }

    fn send(&mut self, request: &[u8]) -> Outcome<(u16, String)> {
        self.exchange(request).map_err(|error| error.to_string())
    }

    fn exchange(&mut self, request: &[u8]) -> std::io::Result<(u16, String)> {
        self.stream.get_mut().write_all(request)?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        let mut length = 0;
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(std::io::Error::other("the connection ended"));
            }
            match line.trim_end().split_once(':') {
                None => break,
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse().unwrap_or(0),
                Some(_) => {}
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

/// A whole request as it goes over the wire.
pub fn request(key: &str, path: &str, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// The text of a field; empty if there is none.
pub fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
