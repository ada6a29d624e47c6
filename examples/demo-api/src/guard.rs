//! Who may call: what the gateway says, or what Claviger answers when there is no gateway.
//! Never admits a caller when neither could say.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Map, Value, json};

/// The identity headers that the gateway sets after a yes (deploy/gateways/nginx).
const IDENTITY: [&str; 5] = [
    "x-auth-request-credential-id",
    "x-auth-request-organization-id",
    "x-auth-request-owner-id",
    "x-auth-request-permissions",
    "x-auth-request-environment",
];

pub enum Guard {
    /// A gateway in front has asked already; its word is in the headers.
    Gateway,
    /// Nobody stands in front: ask Claviger at each call.
    Asking { http: reqwest::Client, verify_url: String, management_key: String, resource: String },
}

/// What is known of the caller, as it is shown in the answers of this API.
pub struct Caller(pub Map<String, Value>);

pub struct Refusal {
    pub status: StatusCode,
    pub detail: String,
    /// The WWW-Authenticate header (RFC 6750 section 3).
    pub challenge: Option<&'static str>,
}

impl Guard {
    pub fn asking(verify_url: String, management_key: String, resource: String) -> Result<Self, reqwest::Error> {
        // An error means that another part of the process chose a provider first: fine as well.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        Ok(Guard::Asking { http, verify_url, management_key, resource })
    }

    pub async fn admit(&self, headers: &HeaderMap, permission: &str) -> Result<Caller, Refusal> {
        match self {
            Guard::Gateway => from_gateway(headers),
            Guard::Asking { http, verify_url, management_key, resource } => {
                let credential = presented(headers)?;
                let question = json!({"credential": credential, "resource": resource, "permissions": [permission]});
                let answer = http.post(verify_url).bearer_auth(management_key).json(&question).send().await;
                let answer = answer.and_then(reqwest::Response::error_for_status).map_err(unavailable)?;
                judge(&answer.json().await.map_err(unavailable)?)
            }
        }
    }
}

fn from_gateway(headers: &HeaderMap) -> Result<Caller, Refusal> {
    let identity: Map<String, Value> =
        IDENTITY.iter().filter_map(|name| Some((name.to_string(), headers.get(*name)?.to_str().ok()?.into()))).collect();
    // The gateway names a credential with every yes: without one, this call came past it.
    if identity.contains_key(IDENTITY[0]) { Ok(Caller(identity)) } else { Err(unauthorized("not through the gateway")) }
}

fn presented(headers: &HeaderMap) -> Result<&str, Refusal> {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match authorization.and_then(|value| value.split_once(' ')) {
        Some((scheme, credential)) if scheme.eq_ignore_ascii_case("bearer") => Ok(credential.trim()),
        _ => Err(unauthorized("no credential")),
    }
}

/// An answer of /v1/verify is 200 with a code, whatever the outcome. Only `valid` admits.
fn judge(answer: &Value) -> Result<Caller, Refusal> {
    let code = answer["code"].as_str().unwrap_or_default();
    if answer["valid"] == true {
        let known = ["kind", "id", "organization_id", "owner_id", "permissions", "environment"];
        let caller = known.iter().filter_map(|name| Some((name.to_string(), answer.get(*name)?.clone())));
        return Ok(Caller(caller.collect()));
    }
    let (status, challenge) = match code {
        "INSUFFICIENT_PERMISSIONS" => (StatusCode::FORBIDDEN, Some("Bearer error=\"insufficient_scope\"")),
        "NETWORK_NOT_ALLOWED" | "POLICY_BLOCKED" | "ORGANIZATION_SUSPENDED" => (StatusCode::FORBIDDEN, None),
        "RATE_LIMITED" | "QUOTA_EXCEEDED" => (StatusCode::TOO_MANY_REQUESTS, None),
        "STALE" => (StatusCode::SERVICE_UNAVAILABLE, None),
        _ => (StatusCode::UNAUTHORIZED, Some("Bearer error=\"invalid_token\"")),
    };
    Err(Refusal { status, detail: code.to_owned(), challenge })
}

fn unauthorized(detail: &str) -> Refusal {
    Refusal { status: StatusCode::UNAUTHORIZED, detail: detail.to_owned(), challenge: Some("Bearer") }
}

fn unavailable(error: reqwest::Error) -> Refusal {
    eprintln!("verify: {error}");
    Refusal { status: StatusCode::SERVICE_UNAVAILABLE, detail: "cannot verify now".to_owned(), challenge: None }
}
