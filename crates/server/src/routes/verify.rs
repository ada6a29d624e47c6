//! `POST /v1/verify` and its batch: the path that everything is measured by.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Mutex;

use axum::extract::{Request, State};
use axum::response::IntoResponse;
use bytes::Bytes;
use claviger_api::verify::{AsOf, Confirmation, VerifyBatchRequest, VerifyBatchResponse, VerifyRequest, VerifyResponse};
use claviger_authority::clock::Timestamp;
use claviger_authority::gate::{Answer as Decision, Ask, CallerScope, Code, EnvironmentState, KnownCaller};
use claviger_authority::ids::OrganizationId;
use claviger_authority::{Authority, Refusal, tokens};
use http::{HeaderMap, HeaderValue, header};

use super::{Answer, Shared};
use crate::app::App;
use crate::edge::body::{parse, read};
use crate::edge::caller::{CLAVIGER_ENVIRONMENT, VERIFY, bearer, environment};
use crate::edge::{Json, Problem};

/// Says whether a credential is good and for what. Always 200 with a `code`; needs `credentials:verify`.
#[utoipa::path(post, path = "/v1/verify", tag = "verify", request_body = VerifyRequest<'_>, responses((status = 200, body = VerifyResponse)))]
pub async fn verify(State(app): Shared, mut request: Request) -> Answer<impl IntoResponse> {
    let body = hot(&app, &mut request, &Mutex::default(), app.authority.clock.now()).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body))
}

/// The same without a router around it, on a connection whose last caller is known.
pub async fn hot<B>(
    app: &App,
    request: &mut http::Request<B>,
    last_caller: &Mutex<Option<KnownCaller>>,
    now: Timestamp,
) -> Result<Bytes, Problem>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (environment, only) = match known_caller(app, request.headers(), last_caller, now) {
        Some(known) => known,
        None => caller(app, request.headers(), last_caller).await?,
    };
    let body = read(request, app.http.body_limit_bytes.get()).await?;
    let wanted: VerifyRequest<'_> = parse(&body)?;
    let decision = decide(app, &environment, only, &wanted, "").await?;
    let mut answer = String::with_capacity(512);
    decision.write(&environment, &mut answer);
    Ok(answer.into())
}

/// The caller of this connection's last request, if it asks again and nothing has changed.
fn known_caller(app: &App, headers: &HeaderMap, last_caller: &Mutex<Option<KnownCaller>>, now: Timestamp) -> Option<CallerScope> {
    let bearer = bearer(headers).ok()??;
    let last_caller = last_caller.lock().ok()?;
    let known = last_caller.as_ref()?;
    if headers.contains_key(CLAVIGER_ENVIRONMENT) { None } else { app.authority.gate.caller_again(known, bearer, now) }
}

async fn caller(app: &App, headers: &HeaderMap, last_caller: &Mutex<Option<KnownCaller>>) -> Result<CallerScope, Problem> {
    let bearer = bearer(headers)?.ok_or(Refusal::NoCredential)?;
    let authority: &Authority = &app.authority;
    let (scope, known) = authority.gate.caller(authority.db(), bearer, environment(headers)?, VERIFY).await?;
    if let Ok(mut last_caller) = last_caller.lock() {
        *last_caller = known;
    }
    Ok(scope)
}

async fn decide(
    app: &App,
    environment: &EnvironmentState,
    only: Option<OrganizationId>,
    wanted: &VerifyRequest<'_>,
    at: &str,
) -> Result<Said, Problem> {
    let client = match wanted.ip.as_deref() {
        Some(text) => {
            Some(text.parse::<IpAddr>().map_err(|_| Problem::invalid(format!("{at}/ip"), "is not an IP address such as 192.0.2.7"))?)
        }
        None => None,
    };
    let ask = Ask {
        resource: wanted.resource.as_deref().map(Cow::Borrowed),
        permissions: wanted.permissions.iter().map(|permission| Cow::Borrowed(&*permission.0)).collect(),
        client,
        cost: wanted.cost,
        min_seq: wanted.min_seq,
        only,
        management: false,
    };
    let authority: &Authority = &app.authority;
    if tokens::looks_like_token(&wanted.credential) {
        let verdict = Box::pin(tokens::verify(authority, environment, &wanted.credential, &ask)).await?;
        // What is no token after all may be an imported key of that form.
        if verdict.code != Code::Malformed {
            app.metrics.outcome(verdict.code as usize);
            return Ok(Said::Token(Box::new(verdict)));
        }
    }
    let decision = match authority.gate.verify_resident(environment, &wanted.credential, &ask) {
        Some(decision) => decision,
        None => Box::pin(authority.gate.verify(authority.db(), environment, &wanted.credential, &ask)).await?,
    };
    app.metrics.outcome(decision.code as usize);
    Ok(Said::Key(decision))
}

/// The answer, by the kind of credential that it is about.
enum Said {
    Key(Decision),
    Token(Box<tokens::Verdict>),
}

impl Said {
    fn write(&self, environment: &EnvironmentState, out: &mut String) {
        match self {
            Self::Key(decision) => write(decision, environment, out),
            Self::Token(verdict) => out.push_str(&of_token(verdict, environment)),
        }
    }
}

fn of_token(verdict: &tokens::Verdict, environment: &EnvironmentState) -> String {
    let mut answer = VerifyResponse {
        valid: verdict.code == Code::Valid,
        code: verdict.code.as_str().to_owned(),
        decision_id: format!("dec_{:016x}", verdict.decision),
        as_of: AsOf { journal_seq: verdict.journal_seq },
        ..VerifyResponse::default()
    };
    if let Some(told) = &verdict.token {
        let token = &told.token;
        answer.kind = Some("access_token".to_owned());
        answer.lifecycle = Some("ephemeral".to_owned());
        answer.id = Some(token.jti.clone());
        answer.organization_id = Some(token.organization.clone());
        answer.environment = Some(environment.environment.load().slug.clone());
        answer.owner_id = Some(told.client.owner.to_string());
        answer.client_id = Some(token.client_id.clone());
        answer.minted_by = Some(token.minted_by.clone());
        answer.cnf = token.bound_to.clone().map(|jkt| Confirmation { jkt });
        answer.resource = token.audiences.first().cloned();
        answer.permissions = Some(told.permissions.clone());
        answer.expires_at = Some(Timestamp::from_micros(token.expires_at * 1_000_000).to_string());
    }
    serde_json::to_string(&answer).expect("an answer can be written")
}

/// Up to 100 verifications in one request; each is answered for itself.
#[utoipa::path(post, path = "/v1/verify/batch", tag = "verify", request_body = VerifyBatchRequest<'_>, responses((status = 200, body = VerifyBatchResponse)))]
pub async fn batch(State(app): Shared, mut request: Request) -> Answer<Json<serde_json::Value>> {
    let (environment, only) = caller(&app, request.headers(), &Mutex::default()).await?;
    let body = read(&mut request, app.http.batch_body_limit_bytes.get()).await?;
    let wanted: VerifyBatchRequest<'_> = parse(&body)?;
    if wanted.requests.is_empty() || wanted.requests.len() > 100 {
        return Err(Problem::invalid("/requests", format!("has {} requests; 1 to 100 are allowed", wanted.requests.len())));
    }
    let mut results = Vec::with_capacity(wanted.requests.len());
    for (place, wanted) in wanted.requests.iter().enumerate() {
        let decision = decide(&app, &environment, only, wanted, &format!("/requests/{place}")).await?;
        let mut answer = String::with_capacity(512);
        decision.write(&environment, &mut answer);
        results.push(serde_json::from_str::<serde_json::Value>(&answer).expect("what was just written is JSON"));
    }
    Ok(Json::answer(serde_json::json!({ "results": results })))
}

/// Writes a `VerifyResponse`. By hand, for it is most of what a verification costs; a test compares it with the type.
fn write(decision: &Decision, environment: &EnvironmentState, out: &mut String) {
    use std::fmt::Write as _;
    out.push_str(if decision.code == Code::Valid { "{\"valid\":true,\"code\":\"" } else { "{\"valid\":false,\"code\":\"" });
    out.push_str(decision.code.as_str());
    if let Some(holder) = &decision.holder {
        out.push_str("\",\"kind\":\"api_key\",\"lifecycle\":\"standing\",\"id\":\"");
        holder.write_public_id(out);
        if let Some(organization) = holder.organization() {
            out.push_str("\",\"organization_id\":\"");
            out.push_str(&organization.text);
        }
        out.push_str("\",\"environment\":\"");
        out.push_str(&environment.environment.load().slug);
        out.push_str("\",\"owner_id\":\"");
        holder.owner.write_to(out);
        out.push('"');
        if let Some(grants) = holder.grants() {
            if let Some(resource) = &grants.resource {
                out.push_str(",\"resource\":");
                // A URI may hold a quotation mark's worth of trouble; let the library quote it.
                out.push_str(&serde_json::to_string(resource).expect("a text can be written"));
            }
            out.push_str(",\"permissions\":");
            out.push_str(&grants.json);
        }
        if let Some(expires_at) = holder.expiry() {
            let _ = write!(out, ",\"expires_at\":\"{expires_at}\"");
        }
        if let Some(rate) = &decision.rate {
            let (limit, remaining, reset) = (rate.limit, rate.remaining, rate.reset_seconds);
            let _ = write!(out, ",\"ratelimit\":{{\"limit\":{limit},\"remaining\":{remaining},\"reset_seconds\":{reset}}}");
        }
        if let Some(remaining) = decision.quota_remaining {
            let _ = write!(out, ",\"quota\":{{\"remaining\":{remaining}}}");
        }
    } else {
        out.push('"');
    }
    out.push_str(",\"decision_id\":\"dec_");
    out.extend((0..16).rev().map(|place| char::from(b"0123456789abcdef"[(decision.decision >> (4 * place)) as usize & 15])));
    out.push_str("\",\"as_of\":{\"journal_seq\":");
    out.push_str(itoa::Buffer::new().format(decision.journal_seq));
    out.push_str("}}");
}
