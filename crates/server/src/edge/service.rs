//! Every request passes here first and last: overload, request id, client address, the hot path, problem bodies,
//! metrics. It knows no route but the one that must not pay for a router.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use claviger_authority::gate::KnownCaller;
use futures_util::future::poll_immediate;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use super::Problem;
use crate::app::App;
use crate::host::client_address::client_address;
use crate::host::listen::Peer;
use crate::host::metrics::{InFlight, Route, method_label};
use crate::host::request_id::{RequestId, TraceParent};
#[cfg(feature = "otlp")]
use crate::host::traces::Exchange;
use crate::routes::oauth::{self, token};
use crate::routes::verify;

/// Most answers are a few bytes that are there already; only some come as a stream.
pub type AnswerBody = Either<Full<Bytes>, Body>;

/// What is known of a request before any handler sees it.
#[derive(Clone)]
pub struct Arrival {
    pub request_id: RequestId,
    pub client: IpAddr,
    pub is_tls: bool,
}

/// How many bytes of body the route reads.
#[derive(Clone, Copy)]
pub struct BodyLimit(pub usize);

/// What one connection talks to. It remembers who asked last, for that is who asks next.
pub struct Conversation {
    edge: Arc<Edge>,
    peer: Peer,
    last_caller: Mutex<Option<KnownCaller>>,
}

impl Conversation {
    pub fn new(edge: Arc<Edge>, peer: Peer) -> Self {
        Self { edge, peer, last_caller: Mutex::new(None) }
    }

    pub async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<AnswerBody>, Infallible> {
        // The routes that are measured against a server without any.
        if request.method() == Method::POST && request.uri().path() == "/v1/verify" {
            return Ok(self.edge.verify(request, &self.last_caller).await);
        }
        if request.method() == Method::POST && request.uri().path() == "/oauth2/token" {
            return Ok(self.edge.token(request, self.peer).await);
        }
        // In a box, so that what every request moves about is no larger than a verification.
        Ok(Box::pin(self.edge.route(request, self.peer)).await)
    }
}

/// What all connections talk to.
pub struct Edge {
    app: Arc<App>,
    router: axum::Router,
    verifications: Route,
    tokens: Route,
}

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

impl Edge {
    pub fn new(app: Arc<App>, router: axum::Router) -> Self {
        let verifications = app.metrics.route("/v1/verify", &Method::POST);
        let tokens = app.metrics.route("/oauth2/token", &Method::POST);
        Self { app, router, verifications, tokens }
    }

    fn enter(&self) -> Result<InFlight<'_>, Problem> {
        let (place, before) = self.app.metrics.enter();
        if before >= i64::from(self.app.http.max_in_flight.get()) {
            self.app.metrics.shed();
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", "Too much at once", "try again in a second"));
        }
        Ok(place)
    }

    async fn verify(&self, mut request: Request<Incoming>, last_caller: &Mutex<Option<KnownCaller>>) -> Response<AnswerBody> {
        let named = request.headers().get(&X_REQUEST_ID).cloned();
        let clock = &self.app.authority.clock;
        let arrived = clock.now();
        let mut answer = pin!(verify::hot(&self.app, &mut request, last_caller, arrived));
        let mut response = match self.in_time(answer.as_mut()).await {
            Ok(body) => {
                let mut response = Response::new(Either::Left(Full::new(body)));
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                response
            }
            Err(problem) => finish(problem.into_response(), self.request_id(named.as_ref()).as_str()),
        };
        let micros = clock.now().micros() - arrived.micros();
        self.verifications.observe(response.status(), Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
        if named.is_some() && response.status().is_success() {
            let id = self.request_id(named.as_ref());
            if let Ok(value) = HeaderValue::from_str(id.as_str()) {
                response.headers_mut().insert(X_REQUEST_ID, value);
            }
        }
        response
    }

    async fn token(&self, mut request: Request<Incoming>, peer: Peer) -> Response<AnswerBody> {
        let named = request.headers().get(&X_REQUEST_ID).cloned();
        let client = client_address(peer.address.ip(), request.headers(), &self.app.http.trusted_proxies, self.app.forwarded_header());
        let arrived = self.app.authority.clock.now();
        let mut answer = pin!(token::hot(&self.app, client, &mut request));
        let mut response = match self.in_time(answer.as_mut()).await {
            Ok(body) => {
                let mut response = Response::new(Either::Left(Full::new(body.into())));
                *response.headers_mut() = oauth::no_store();
                response
            }
            Err(refusal) => refusal.into_response().map(Either::Right),
        };
        // A good answer is named only if the client asked for it: an id of ours costs randomness.
        if (named.is_some() || !response.status().is_success())
            && let Ok(value) = HeaderValue::from_str(self.request_id(named.as_ref()).as_str())
        {
            response.headers_mut().insert(X_REQUEST_ID, value);
        }
        let micros = self.app.authority.clock.now().micros() - arrived.micros();
        self.tokens.observe(response.status(), Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
        response
    }

    /// The answer, for as long as a request may take, and only while there is room for one more. Nearly always the body is there
    /// and what is asked for resident: then nothing is in flight and nothing needs a timer.
    async fn in_time<T, E: From<Problem>>(&self, mut answer: Pin<&mut impl Future<Output = Result<T, E>>>) -> Result<T, E> {
        if let Some(answered) = poll_immediate(answer.as_mut()).await {
            return answered;
        }
        let _place = self.enter()?;
        tokio::time::timeout(self.timeout(), answer).await.unwrap_or_else(|_| Err(timed_out().into()))
    }

    fn request_id(&self, named: Option<&HeaderValue>) -> RequestId {
        RequestId::accept(named.and_then(|value| value.to_str().ok()), claviger_authority::rng::Rng.bytes())
    }

    async fn route(&self, mut request: Request<Incoming>, peer: Peer) -> Response<AnswerBody> {
        let _place = match self.enter() {
            Ok(place) => place,
            Err(overload) => return finish(overload.into_response(), "overload"),
        };
        let request_id = self.request_id(request.headers().get(&X_REQUEST_ID));
        let client = client_address(peer.address.ip(), request.headers(), &self.app.http.trusted_proxies, self.app.forwarded_header());
        let trace = request.headers().get("traceparent").and_then(|value| value.to_str().ok()).and_then(TraceParent::parse);
        request.extensions_mut().insert(Arrival { request_id: request_id.clone(), client, is_tls: peer.is_tls });
        let limit = self.body_limit(request.uri().path());
        request.extensions_mut().insert(BodyLimit(limit));
        let method = request.method().clone();
        #[cfg(feature = "otlp")]
        let version = request.version();
        let clock = &self.app.authority.clock;
        let began = clock.since_boot_nanos();
        let answered = tokio::time::timeout(self.timeout(), self.router.clone().oneshot(request.map(Body::new))).await;
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => timed_out().into_response(),
        };
        let took = Duration::from_nanos(clock.since_boot_nanos().saturating_sub(began));
        let route = response.extensions().get::<Matched>().map_or_else(|| "unmatched".to_owned(), |matched| matched.0.clone());
        self.app.metrics.request(&route, &method, response.status(), took);
        #[cfg(feature = "otlp")]
        if let Some(traces) = &self.app.traces {
            traces.record(&Exchange {
                method: &method,
                route: response.extensions().get::<Matched>().map(|matched| matched.0.as_str()),
                version,
                is_tls: peer.is_tls,
                status: response.status(),
                code: response.extensions().get::<Problem>().map(|problem| problem.code),
                request_id: request_id.as_str(),
                parent: trace,
                ended_at: clock.now(),
                took,
            });
        }
        let status = response.status().as_u16();
        let trace = trace.map(|trace| trace.to_string()).unwrap_or_default();
        // Whatever a client invents as a method stays out of the log.
        let method = method_label(&method);
        tracing::debug!(method, route, status, request_id = request_id.as_str(), trace, micros = took.as_micros() as u64, "answered");
        finish(response, request_id.as_str())
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(self.app.http.request_timeout_seconds.get())
    }

    fn body_limit(&self, path: &str) -> usize {
        match path {
            "/v1/api-keys/import" => self.app.http.import_body_limit_bytes.get(),
            _ => self.app.http.body_limit_bytes.get(),
        }
    }
}

fn timed_out() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "TIMEOUT",
        "It took too long",
        "a change may have been made all the same: look before you repeat it",
    )
}

/// Writes the body of a problem, now that the request id is known, and names that id.
fn finish(mut response: Response<Body>, request_id: &str) -> Response<AnswerBody> {
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response.map(Either::Right) };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.remove(header::CONTENT_LENGTH);
    response.map(|_| Either::Left(Full::new(problem.body(request_id).into())))
}

/// The route's template, noted for metrics: ids never become labels.
#[derive(Clone)]
struct Matched(String);

/// Notes the template of the matched route in the response.
pub async fn note_route(request: axum::extract::Request, next: axum::middleware::Next) -> axum::response::Response {
    let matched = request.extensions().get::<MatchedPath>().map(|path| Matched(path.as_str().to_owned()));
    let mut response = next.run(request).await;
    if let Some(matched) = matched {
        response.extensions_mut().insert(matched);
    }
    response
}
