//! A small API: GET /<name>/posts of the resource https://api.example.com/<name>, for tokens that may read posts. A name begins
//! with the algorithm. Prints its address once it serves. One request a connection, and no TLS: something in front ends it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use claviger_clients::issuer;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Claims {
    client_id: String,
    scope: String,
}

type Error = Box<dyn std::error::Error>;

fn verify(token: &str, audience: &str, alg: &str) -> Result<Claims, Error> {
    let header = decode_header(token)?;
    if header.typ.as_deref() != Some("at+jwt") {
        return Err("not an access token".into());
    }
    let keys = keys()?;
    let jwk = header.kid.and_then(|kid| keys.find(&kid).cloned()).ok_or("signed with an unknown key")?;
    let mut validation = Validation::new(alg.parse::<Algorithm>()?);
    validation.set_issuer(&[issuer()]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.leeway = 2; // seconds; a minute by default
    Ok(decode::<Claims>(token, &DecodingKey::from_jwk(&jwk)?, &validation)?.claims)
}

/// The published keys, kept for as long as Cache-Control says: five minutes.
fn keys() -> Result<JwkSet, Error> {
    static KEPT: Mutex<Option<(Instant, JwkSet)>> = Mutex::new(None);
    let mut kept = KEPT.lock().expect("nobody panics while holding it");
    if let Some((since, keys)) = &*kept
        && since.elapsed() < Duration::from_secs(300)
    {
        return Ok(keys.clone());
    }
    let keys: JwkSet = reqwest::blocking::get(format!("{}/oauth2/jwks", issuer()))?.error_for_status()?.json()?;
    *kept = Some((Instant::now(), keys.clone()));
    Ok(keys)
}

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    for stream in listener.incoming() {
        let stream = stream.expect("a connection");
        std::thread::spawn(move || serve(stream));
    }
}

fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let mut authorization = String::new();
    for line in lines {
        let line = line?;
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => value.trim().clone_into(&mut authorization),
            Some(_) => {}
            None => break,
        }
    }
    let name = request.split('/').nth(1).unwrap_or_default();
    let (status, challenge, body) = answer(name, &authorization);
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nwww-authenticate: {challenge}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn answer(name: &str, authorization: &str) -> (&'static str, &'static str, String) {
    let Some((_, token)) = authorization.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        return ("401 Unauthorized", "Bearer", "{}".to_owned());
    };
    let alg = name.split('-').next().unwrap_or_default();
    match verify(token, &format!("https://api.example.com/{name}"), alg) {
        Err(why) => ("401 Unauthorized", "Bearer error=\"invalid_token\"", serde_json::json!({ "why": why.to_string() }).to_string()),
        Ok(claims) if !claims.scope.split(' ').any(|name| name == "posts:read") => {
            ("403 Forbidden", "Bearer error=\"insufficient_scope\", scope=\"posts:read\"", "{}".to_owned())
        }
        Ok(claims) => ("200 OK", "", serde_json::to_string(&claims).expect("claims can be written")),
    }
}
