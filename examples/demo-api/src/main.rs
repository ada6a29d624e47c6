//! The small HTTP API of the demo: `GET /posts` and `POST /posts`, guarded by Claviger.
//! It never keeps a secret and never decides by itself who may call.
//!
//! Behind a gateway it reads the caller from the `X-Auth-Request-*` headers. Those are worth only as much as the
//! gateway is the one way in: hence loopback, and hence the gateway must drop copies that clients send.
//! With `--verify-url` it asks Claviger itself, as an API without a gateway would.

mod guard;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use guard::{Caller, Guard, Refusal};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const USAGE: &str = "usage: claviger-demo-api --listen ADDRESS \
                     [--verify-url URL --management-key-file FILE --resource IDENTIFIER]";
const MAX_BODY_BYTES: usize = 64 * 1024;

struct Api {
    guard: Guard,
    posts: Mutex<Vec<Value>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (listen, guard) = arguments()?;
    let posts = Mutex::new(vec![json!({"title": "Hello from behind the gate"})]);
    let api = Arc::new(Api { guard, posts });

    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        let api = api.clone();
        let service = service_fn(move |request| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(answer(&api, request).await) }
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new());
        connections.spawn(server.serve_connection(TokioIo::new(stream), service));
        while connections.try_join_next().is_some() {}
    }
}

fn arguments() -> Result<(SocketAddr, Guard), Box<dyn std::error::Error>> {
    let (mut listen, mut verify_url, mut key_file, mut resource) = (None, None, None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match name.as_str() {
            "--listen" => listen = Some(value.parse()?),
            "--verify-url" => verify_url = Some(value),
            "--management-key-file" => key_file = Some(value),
            "--resource" => resource = Some(value),
            _ => return Err(USAGE.into()),
        }
    }
    let guard = match (verify_url, key_file, resource) {
        (None, None, None) => Guard::Gateway,
        (Some(url), Some(file), Some(resource)) => {
            let management_key = std::fs::read_to_string(file)?.trim().to_owned();
            Guard::asking(url, management_key, resource)?
        }
        _ => return Err(USAGE.into()),
    };
    Ok((listen.ok_or(USAGE)?, guard))
}

async fn answer(api: &Api, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() != "/posts" {
        return problem(StatusCode::NOT_FOUND, "there is only /posts");
    }
    let permission = match *request.method() {
        Method::GET | Method::HEAD => "posts:read",
        Method::POST => "posts:write",
        _ => {
            let mut refused = problem(StatusCode::METHOD_NOT_ALLOWED, "only GET, HEAD and POST");
            refused.headers_mut().insert(ALLOW, "GET, HEAD, POST".parse().expect("visible ASCII"));
            return refused;
        }
    };
    let caller = match api.guard.admit(request.headers(), permission).await {
        Ok(caller) => caller,
        Err(refusal) => return refuse(&refusal),
    };
    if request.method() == Method::POST { create(api, &caller, request).await } else { list(api, &caller) }
}

fn list(api: &Api, caller: &Caller) -> Response<Full<Bytes>> {
    let posts = api.posts.lock().unwrap_or_else(PoisonError::into_inner);
    respond(StatusCode::OK, "application/json", &json!({"caller": caller.0, "posts": *posts}))
}

async fn create(api: &Api, caller: &Caller, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let Ok(body) = Limited::new(request.into_body(), MAX_BODY_BYTES).collect().await else {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "at most 64 KiB");
    };
    let Ok(post) = serde_json::from_slice::<Value>(&body.to_bytes()) else {
        return problem(StatusCode::BAD_REQUEST, "the body is not JSON");
    };
    let mut posts = api.posts.lock().unwrap_or_else(PoisonError::into_inner);
    posts.push(post);
    respond(StatusCode::CREATED, "application/json", &json!({"caller": caller.0, "posts": *posts}))
}

fn refuse(refusal: &Refusal) -> Response<Full<Bytes>> {
    let mut refused = problem(refusal.status, &refusal.detail);
    if let Some(challenge) = refusal.challenge {
        refused.headers_mut().insert(WWW_AUTHENTICATE, challenge.parse().expect("visible ASCII"));
    }
    refused
}

fn problem(status: StatusCode, detail: &str) -> Response<Full<Bytes>> {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
    });
    respond(status, "application/problem+json", &body)
}

fn respond(status: StatusCode, content_type: &str, body: &Value) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, content_type)
        .body(Full::from(format!("{body}\n")))
        .expect("the parts are valid")
}
