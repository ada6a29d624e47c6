//! Traces for an OpenTelemetry collector (OTLP, protobuf over HTTP): one server span for each sampled request.
//! No text of a client becomes part of a span but its request id, unless that holds a credential; and a collector that does not answer costs
//! its spans and nothing else.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use claviger_authority::clock::{Clock, Timestamp};
use claviger_authority::rng::Rng;
use http::{Method, StatusCode, Uri, Version, header};
use opentelemetry::trace::{
    Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator, Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanExporter, SpanLimits,
};
use prost::Message as _;

use super::config::Config;
use super::request_id::TraceParent;

/// Spans that wait for the collector; one more is dropped.
const QUEUE: usize = 2048;
/// How many go into one message, and how long the first of them waits for others.
const BATCH: usize = 512;
const DELAY: Duration = Duration::from_secs(5);
/// How long the collector may take for one message.
const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_COMPLAINTS: Duration = Duration::from_secs(60);

/// Where spans go.
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// What is the same in each span.
    common: Vec<KeyValue>,
}

/// A request and its answer, as far as a span tells of them.
pub struct Exchange<'a> {
    pub method: &'a Method,
    /// The template of the route, where one matched.
    pub route: Option<&'a str>,
    pub version: Version,
    pub is_tls: bool,
    pub status: StatusCode,
    /// The code of the refusal.
    pub code: Option<&'static str>,
    pub request_id: &'a str,
    pub parent: Option<TraceParent>,
    pub ended_at: Timestamp,
    pub took: Duration,
}

impl Traces {
    /// `None` where no collector is configured. Needs a runtime, which sends.
    pub fn start(config: &Config, clock: Clock) -> Result<Option<Self>, String> {
        let telemetry = &config.telemetry;
        if telemetry.otlp_endpoint.is_empty() {
            return Ok(None);
        }
        let resource = Resource::builder_empty()
            .with_detector(Box::new(TelemetryResourceDetector))
            .with_service_name(telemetry.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        // Everything is said here: what is not, the SDK reads from the environment.
        let batches =
            BatchConfigBuilder::default().with_max_queue_size(QUEUE).with_max_export_batch_size(BATCH).with_scheduled_delay(DELAY);
        let exporter = Exporter::new(&telemetry.otlp_endpoint, clock)?;
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(telemetry.sampling_ratio))))
            .with_id_generator(Ids)
            .with_span_limits(SpanLimits::default())
            .with_resource(resource)
            .build();
        let scope = InstrumentationScope::builder("claviger").with_version(env!("CARGO_PKG_VERSION")).build();
        let tracer = provider.tracer_with_scope(scope);
        Ok(Some(Self { provider, tracer, common: server(&config.issuer_base()) }))
    }

    /// Makes the span of an answered request, if it is sampled. It never waits.
    pub fn record(&self, exchange: &Exchange<'_>) {
        if exchange.parent.is_some_and(|parent| !parent.is_sampled()) {
            return;
        }
        let ended_at = SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(exchange.ended_at.micros()).unwrap_or(0));
        let method = known(exchange.method);
        let named = if method == OTHER { "HTTP" } else { method };
        let name = exchange.route.map_or_else(|| named.to_owned(), |route| format!("{named} {route}"));
        let builder = self
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Server)
            .with_start_time(ended_at.checked_sub(exchange.took).unwrap_or(ended_at));
        let mut span = self.tracer.build_with_context(builder, &exchange.parent.map_or_else(Context::new, remote));
        if !span.is_recording() {
            return;
        }
        span.set_attributes(self.common.iter().cloned());
        span.set_attribute(KeyValue::new("http.request.method", method));
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(exchange.status.as_u16())));
        span.set_attribute(KeyValue::new("url.scheme", if exchange.is_tls { "https" } else { "http" }));
        span.set_attribute(KeyValue::new("network.protocol.version", protocol_version(exchange.version)));
        span.set_attribute(KeyValue::new("claviger.request_id", exchange.request_id.to_owned()));
        if let Some(route) = exchange.route {
            span.set_attribute(KeyValue::new("http.route", route.to_owned()));
        }
        if exchange.status.is_server_error() {
            let kind = exchange.code.map_or_else(|| exchange.status.as_str().to_owned(), str::to_owned);
            span.set_attribute(KeyValue::new("error.type", kind));
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(ended_at);
    }

    /// Sends what waits, for at most this long.
    pub async fn finish(&self, within: Duration) {
        let provider = self.provider.clone();
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(within)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::warn!("there was no time to send the last spans");
        }
    }
}

/// The W3C context of the caller (Trace Context, level 2). Its `tracestate` is any text, and goes nowhere.
fn remote(parent: TraceParent) -> Context {
    let (trace_id, span_id) = parent.ids();
    let (trace_id, span_id) = (TraceId::from_bytes(trace_id), SpanId::from_bytes(span_id));
    Context::new().with_remote_span_context(SpanContext::new(trace_id, span_id, TraceFlags::SAMPLED, true, TraceState::default()))
}

/// What clients reach: from the configuration, for a `Host` header is any text.
fn server(base: &str) -> Vec<KeyValue> {
    let Ok(uri) = base.parse::<Uri>() else { return Vec::new() };
    let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let port = uri.port_u16().unwrap_or(default_port);
    uri.host().map_or_else(Vec::new, |host| {
        let host = host.trim_matches(['[', ']']).to_owned();
        vec![KeyValue::new("server.address", host), KeyValue::new("server.port", i64::from(port))]
    })
}

const OTHER: &str = "_OTHER";

/// The method in the words of the semantic conventions; any other is the client's own text.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or(OTHER)
}

fn protocol_version(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    }
}

/// Ids from the randomness of everything else here.
#[derive(Debug)]
struct Ids;

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from_bytes(Rng.bytes())
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from_bytes(Rng.bytes())
    }
}

/// Sends batches, from the SDK's own thread.
struct Exporter {
    runtime: tokio::runtime::Handle,
    http: reqwest::Client,
    endpoint: String,
    resource: ResourceAttributesWithSchema,
    complaints: Complaints,
}

impl Exporter {
    fn new(endpoint: &str, clock: Clock) -> Result<Self, String> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).no_proxy().build();
        Ok(Self {
            runtime: tokio::runtime::Handle::current(),
            http: http.map_err(|error| format!("the client of the trace collector does not start: {error}"))?,
            endpoint: endpoint.to_owned(),
            resource: ResourceAttributesWithSchema::default(),
            complaints: Complaints { clock, state: Mutex::default() },
        })
    }
}

impl std::fmt::Debug for Exporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let message = ExportTraceServiceRequest { resource_spans: group_spans_by_resource_and_scope(batch, &self.resource) };
        let request = self.http.post(&self.endpoint).header(header::CONTENT_TYPE, "application/x-protobuf").body(message.encode_to_vec());
        // On the runtime, for this thread has no reactor; joined right here.
        let sending = self.runtime.spawn(async move { request.send().await?.error_for_status().map(drop) });
        let error = match sending.await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => words(error),
            Err(_) => return Err(OTelSdkError::AlreadyShutdown),
        };
        self.complaints.tell(&error, spans);
        Err(OTelSdkError::InternalFailure(error))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

/// The error and what it came from, in one line.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        words.push_str(&format!(": {error}"));
        source = error.source();
    }
    words
}

/// Tells at most once a minute that spans were lost, and how many since it was told before.
struct Complaints {
    clock: Clock,
    state: Mutex<Lost>,
}

#[derive(Default)]
struct Lost {
    spans: usize,
    told_at: Option<Duration>,
}

impl Complaints {
    fn tell(&self, error: &str, spans: usize) {
        let now = Duration::from_nanos(self.clock.since_boot_nanos());
        let mut lost = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        lost.spans += spans;
        if lost.told_at.is_some_and(|told_at| now.saturating_sub(told_at) < BETWEEN_COMPLAINTS) {
            return;
        }
        tracing::warn!(error, lost_spans = lost.spans, "the trace collector does not take spans");
        *lost = Lost { spans: 0, told_at: Some(now) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::logs::tests::written_by;

    #[test]
    fn lost_spans_are_told_once_a_minute_and_none_is_forgotten() {
        let clock = Clock::manual(Timestamp::from_micros(1));
        let complaints = Complaints { clock: clock.clone(), state: Mutex::default() };
        let text = written_by(|| {
            for _ in 0..61 {
                complaints.tell("no route", 2);
                clock.advance_seconds(1);
            }
        });
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].contains("lost_spans=2") && lines[1].contains("lost_spans=120"), "{text}");
    }

    #[test]
    fn a_method_that_a_client_made_up_is_not_repeated() {
        assert_eq!(known(&Method::PATCH), "PATCH");
        assert_eq!(known(&Method::from_bytes(b"HUNTER2").unwrap()), OTHER);
    }

    #[test]
    fn the_server_is_named_by_its_configuration() {
        for (base, address, port) in [
            ("https://auth.example.com", "auth.example.com", 443),
            ("http://127.0.0.1:7480", "127.0.0.1", 7480),
            ("http://[::1]/keys", "::1", 80),
        ] {
            let wanted = [KeyValue::new("server.address", address), KeyValue::new("server.port", port)];
            assert_eq!(server(base), wanted);
        }
    }
}
