//! What the process counts, in the OpenMetrics text format.
//! No id, key, address or other unbounded text is ever a label; the hot path adds to atomics and takes no lock.

mod durations;
mod sharded;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use self::durations::Durations;
use self::sharded::HotCounter;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EnvironmentLabels {
    environment: String,
}

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, HotCounter>,
    durations: Family<RouteLabels, Durations>,
    outcomes: Vec<HotCounter>,
    in_flight: Gauge,
    shed: Counter,
    journal_seq: Family<EnvironmentLabels, Gauge>,
    directory_entries: Gauge<u64, AtomicU64>,
    directory_bytes: Gauge<u64, AtomicU64>,
}

impl Metrics {
    /// `codes` are the outcomes of a verification, in the order by which [`Metrics::outcome`] counts them.
    pub fn new(codes: &[&'static str]) -> Self {
        let requests = Family::default();
        let durations = Family::default();
        let outcomes: Family<OutcomeLabels, HotCounter> = Family::default();
        let (in_flight, shed) = (Gauge::default(), Counter::default());
        let journal_seq = Family::default();
        let (directory_entries, directory_bytes) = (Gauge::default(), Gauge::default());

        let mut registry = Registry::with_prefix("claviger");
        registry.register("build", "The release that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register("http_requests", "Requests answered, by route and class of status", Family::clone(&requests));
        registry.register("http_request_duration_seconds", "Time from a request's headers to its answer", Family::clone(&durations));
        registry.register("http_requests_in_flight", "Requests being worked on", Gauge::clone(&in_flight));
        registry.register("http_requests_shed", "Requests refused because too many were in flight", Counter::clone(&shed));
        registry.register("verify_outcomes", "Verifications, by the code they were answered with", outcomes.clone());
        registry.register("journal_seq", "The last change that this node has applied", Family::clone(&journal_seq));
        registry.register("gate_directory_entries", "Credentials resident in memory", Gauge::clone(&directory_entries));
        registry.register("gate_directory_bytes", "Memory that resident credentials take", Gauge::clone(&directory_bytes));

        // Made once, so that an outcome is counted without looking its counter up, and is 0 before its first time.
        let outcomes = codes.iter().map(|code| outcomes.get_or_create_owned(&OutcomeLabels { code })).collect();
        Self { registry, requests, durations, outcomes, in_flight, shed, journal_seq, directory_entries, directory_bytes }
    }

    /// Counts a request. `route` is the template (`/v1/owners/{id}`), never the path that was asked for.
    pub fn request(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let (method, status) = (method_label(method), status_class(status));
        self.requests.get_or_create(&RequestLabels { method, route: route.to_owned(), status }).inc();
        self.durations.get_or_create(&RouteLabels { method, route: route.to_owned() }).observe(took);
    }

    /// The counters of one route, to keep: what it counts afterwards takes no lock and looks nothing up.
    pub fn route(&self, route: &str, method: &Method) -> Route {
        let method = method_label(method);
        let class = |status| self.requests.get_or_create_owned(&RequestLabels { method, route: route.to_owned(), status });
        Route {
            by_class: STATUS_CLASSES.map(class),
            durations: self.durations.get_or_create_owned(&RouteLabels { method, route: route.to_owned() }),
        }
    }

    /// Counts a verification: one relaxed addition.
    pub fn outcome(&self, code: usize) {
        if let Some(outcome) = self.outcomes.get(code) {
            outcome.inc();
        }
    }

    /// A request is worked on until what this returns is dropped.
    pub fn enter(&self) -> (InFlight<'_>, i64) {
        let before = self.in_flight.inc();
        (InFlight(&self.in_flight), before)
    }

    pub fn shed(&self) {
        self.shed.inc();
    }

    pub fn journal_seq(&self, environment: &str, seq: i64) {
        self.journal_seq.get_or_create(&EnvironmentLabels { environment: environment.to_owned() }).set(seq);
    }

    pub fn directory(&self, entries: usize, bytes: usize) {
        self.directory_entries.set(entries as u64);
        self.directory_bytes.set(bytes as u64);
    }

    /// Everything, as `application/openmetrics-text; version=1.0.0; charset=utf-8`.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}

/// The counters of one route and method.
#[derive(Clone, Debug)]
pub struct Route {
    by_class: [HotCounter; 5],
    durations: Durations,
}

impl Route {
    pub fn observe(&self, status: StatusCode, took: Duration) {
        self.by_class[class_index(status)].inc();
        self.durations.observe(took);
    }
}

/// A request being worked on.
#[derive(Debug)]
pub struct InFlight<'a>(&'a Gauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

const STATUS_CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

fn status_class(status: StatusCode) -> &'static str {
    STATUS_CLASSES[class_index(status)]
}

/// `http` allows statuses up to 999; those beyond the classes are errors of ours.
fn class_index(status: StatusCode) -> usize {
    usize::from(status.as_u16() / 100).clamp(1, 5) - 1
}

/// A client may invent methods, so only known ones are labels.
pub fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(metrics: &Metrics, line: &str) {
        let text = metrics.encode();
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }

    #[test]
    fn requests_are_counted_by_template_method_and_class() {
        let metrics = Metrics::new(&[]);
        let invented = Method::from_bytes(b"ACME").unwrap();
        metrics.request("/v1/owners/{id}", &Method::GET, StatusCode::OK, Duration::from_millis(3));
        metrics.request("/v1/owners/{id}", &Method::GET, StatusCode::NO_CONTENT, Duration::from_secs(60));
        metrics.request("unmatched", &invented, StatusCode::from_u16(999).unwrap(), Duration::ZERO);
        has(&metrics, r#"claviger_http_requests_total{method="GET",route="/v1/owners/{id}",status="2xx"} 2"#);
        has(&metrics, r#"claviger_http_requests_total{method="other",route="unmatched",status="5xx"} 1"#);
        has(&metrics, r#"claviger_http_request_duration_seconds_count{method="GET",route="/v1/owners/{id}"} 2"#);
        has(&metrics, r#"claviger_http_request_duration_seconds_sum{method="GET",route="/v1/owners/{id}"} 60.003"#);
        has(&metrics, r#"claviger_http_request_duration_seconds_bucket{le="0.0025",method="GET",route="/v1/owners/{id}"} 0"#);
        has(&metrics, r#"claviger_http_request_duration_seconds_bucket{le="0.005",method="GET",route="/v1/owners/{id}"} 1"#);
        has(&metrics, r#"claviger_http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/v1/owners/{id}"} 2"#);
    }

    #[test]
    fn a_kept_route_counts_into_the_same_lines() {
        let metrics = Metrics::new(&[]);
        let route = metrics.route("/v1/verify", &Method::POST);
        route.observe(StatusCode::OK, Duration::from_micros(50));
        metrics.request("/v1/verify", &Method::POST, StatusCode::OK, Duration::from_micros(50));
        has(&metrics, r#"claviger_http_requests_total{method="POST",route="/v1/verify",status="2xx"} 2"#);
        has(&metrics, r#"claviger_http_requests_total{method="POST",route="/v1/verify",status="4xx"} 0"#);
        has(&metrics, r#"claviger_http_request_duration_seconds_count{method="POST",route="/v1/verify"} 2"#);
    }

    #[test]
    fn every_outcome_is_there_before_it_happens() {
        let metrics = Metrics::new(&["VALID", "REVOKED"]);
        metrics.outcome(1);
        metrics.outcome(1);
        metrics.outcome(7);
        has(&metrics, r#"claviger_verify_outcomes_total{code="VALID"} 0"#);
        has(&metrics, r#"claviger_verify_outcomes_total{code="REVOKED"} 2"#);
    }

    #[test]
    fn gauges_say_what_is_now() {
        let metrics = Metrics::new(&[]);
        let first = metrics.enter();
        let second = metrics.enter();
        drop(first);
        metrics.shed();
        metrics.journal_seq("live", 41);
        metrics.journal_seq("live", 42);
        metrics.directory(10, 4096);
        has(&metrics, "claviger_http_requests_in_flight 1");
        has(&metrics, "claviger_http_requests_shed_total 1");
        has(&metrics, r#"claviger_journal_seq{environment="live"} 42"#);
        has(&metrics, "claviger_gate_directory_entries 10");
        has(&metrics, "claviger_gate_directory_bytes 4096");
        has(&metrics, concat!("claviger_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"));
        drop(second);
        has(&metrics, "claviger_http_requests_in_flight 0");
        assert!(metrics.encode().ends_with("# EOF\n"));
    }
}
