//! Whether the process lives, whether it can serve, what it counts, and what it offers.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, Uri, header};

use super::{Answer, Shared};
use crate::edge::Problem;

/// The process runs.
#[utoipa::path(get, path = "/livez", tag = "process", security(()), responses((status = 200, description = "It runs", body = String, example = json!("ok"))))]
pub async fn livez() -> &'static str {
    "ok\n"
}

/// The database answers, so everything can be served.
#[utoipa::path(get, path = "/readyz", tag = "process", security(()), responses(
    (status = 200, description = "Everything can be served", body = String, example = json!("ok")),
    (status = 503, description = "The database does not answer", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
))]
pub async fn readyz(State(app): Shared) -> Answer<&'static str> {
    app.authority.ping().await?;
    Ok("ok\n")
}

/// Counters in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "process", security(()), responses((status = 200, description = "Prometheus text format", body = String)))]
pub async fn metrics(State(app): Shared) -> Response {
    let (entries, bytes) = app.authority.gate.residents();
    app.metrics.directory(entries, bytes);
    for (environment, seq) in app.authority.gate.epochs() {
        app.metrics.journal_seq(&environment, seq);
    }
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], app.metrics.encode()).into_response()
}

pub async fn openapi() -> Response {
    let document = crate::router::document().to_pretty_json().expect("the document can be written");
    ([(header::CONTENT_TYPE, "application/json")], document).into_response()
}

pub async fn no_such_route(uri: Uri) -> Problem {
    let detail = format!("nothing is served at {}; /openapi.json lists what is", uri.path().chars().take(200).collect::<String>());
    Problem::new(StatusCode::NOT_FOUND, "NO_SUCH_ROUTE", "There is no such route", detail)
}

pub async fn no_such_method(method: Method) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Not with this method", format!("{method} is not served here"))
}
