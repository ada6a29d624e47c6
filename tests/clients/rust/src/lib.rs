//! Answers cases, one JSON object a line, until standard input ends. `tests/clients/run.py` asks them.

use std::io::{BufRead as _, Write as _};

use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
pub struct Asked {
    pub auth: String,
    pub client_id: String,
    pub client_secret: String,
    pub resource: String,
    pub scope: String,
    pub api: Option<String>,
}

pub struct Token {
    pub token: String,
    pub scope: String,
    pub expires_in: u64,
}

pub enum Failed {
    /// The OAuth error that the library tells.
    Refused(String),
    Broken(String),
}

pub fn issuer() -> String {
    std::env::var("ISSUER").expect("ISSUER is set")
}

pub fn answer(get: impl Fn(Asked) -> Result<Token, Failed>) {
    for line in std::io::stdin().lock().lines() {
        let asked: Asked = serde_json::from_str(&line.expect("standard input can be read")).expect("a case");
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", one(asked, &get)).and_then(|()| out.flush()).expect("standard output can be written");
    }
}

fn one(asked: Asked, get: impl Fn(Asked) -> Result<Token, Failed>) -> Value {
    let api = asked.api.clone();
    let token = match get(asked) {
        Ok(token) => token,
        Err(Failed::Refused(error)) => return json!({ "error": error }),
        Err(Failed::Broken(why)) => return json!({ "broken": why }),
    };
    let mut answer = json!({ "token": token.token, "scope": token.scope, "expires_in": token.expires_in });
    if let Some(api) = &api {
        match call(api, &token.token) {
            Ok((status, body)) => {
                answer["status"] = status.into();
                answer["body"] = body;
            }
            Err(error) => return json!({ "broken": format!("{error:?}") }),
        }
    }
    answer
}

fn call(api: &str, token: &str) -> reqwest::Result<(u16, Value)> {
    let response = reqwest::blocking::Client::new().get(api).bearer_auth(token).send()?;
    Ok((response.status().as_u16(), response.json()?))
}
