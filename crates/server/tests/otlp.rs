//! Traces, as a collector receives them: a real server sends to one that speaks HTTP and protobuf.

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::net::TcpListener as Socket;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use http::Method;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value::{IntValue, StringValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;
use serde_json::json;
use support::{Claviger, text};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Takes every message that comes to `/v1/traces`.
struct Collector {
    endpoint: String,
    messages: Arc<Mutex<Vec<Bytes>>>,
}

async fn take(State(messages): State<Arc<Mutex<Vec<Bytes>>>>, headers: HeaderMap, body: Bytes) -> &'static [u8] {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    messages.lock().expect("no panic").push(body);
    b""
}

impl Collector {
    async fn start() -> Self {
        let messages = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}/v1/traces", listener.local_addr().expect("it is bound"));
        let router = axum::Router::new().route("/v1/traces", axum::routing::post(take)).with_state(messages.clone());
        #[allow(clippy::disallowed_methods, reason = "it ends with the runtime of its test")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, messages }
    }

    fn bytes(&self) -> Vec<Bytes> {
        self.messages.lock().expect("no panic").clone()
    }

    fn received(&self) -> Vec<ExportTraceServiceRequest> {
        self.bytes().into_iter().map(|body| ExportTraceServiceRequest::decode(body).expect("protobuf")).collect()
    }

    fn spans(&self) -> Vec<Span> {
        let resources = self.received().into_iter().flat_map(|message| message.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }
}

async fn server(endpoint: &str) -> Claviger {
    server_with(endpoint, |_| ()).await
}

async fn server_with(endpoint: &str, adjust: impl FnOnce(&mut claviger_server::host::config::Config)) -> Claviger {
    Claviger::start_with(|config| {
        config.telemetry.otlp_endpoint = endpoint.to_owned();
        config.public_url = "https://auth.example.com".to_owned();
        adjust(config);
        config.check().expect("a good configuration");
    })
    .await
}

/// A request that says where it comes from.
async fn traced(claviger: &Claviger, method: Method, path: &str, traceparent: &str) -> u16 {
    claviger.send(claviger.request(method, path).bearer_auth(&claviger.root).header("traceparent", traceparent)).await.status
}

fn attributes(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let value = |attribute: &KeyValue| match attribute.value.as_ref().and_then(|value| value.value.clone()) {
        Some(StringValue(text)) => text,
        Some(IntValue(number)) => number.to_string(),
        other => panic!("{other:?}"),
    };
    attributes.iter().map(|attribute| (attribute.key.clone(), value(attribute))).collect()
}

fn expected(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let common =
        [("network.protocol.version", "1.1"), ("server.address", "auth.example.com"), ("server.port", "443"), ("url.scheme", "http")];
    common.iter().chain(pairs).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_a_server_span_below_its_callers() {
    let collector = Collector::start().await;
    let claviger = server(&collector.endpoint).await;
    let request = claviger.request(Method::GET, "/v1/owners/own_1?x=1").bearer_auth(&claviger.root);
    let request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-01")).header("x-request-id", "mine-1");
    assert_eq!(claviger.send(request.header("tracestate", "vendor=state")).await.status, 404);
    claviger.stop().await;

    let [message] = collector.received().try_into().expect("one message");
    let [resource] = message.resource_spans.try_into().expect("one resource");
    let about = attributes(&resource.resource.expect("it is named").attributes);
    assert_eq!((about["service.name"].as_str(), about["service.version"].as_str()), ("claviger", env!("CARGO_PKG_VERSION")));
    let [span] = collector.spans().try_into().expect("one span");
    assert_eq!((hex(&span.trace_id).as_str(), hex(&span.parent_span_id).as_str()), (TRACE, PARENT));
    assert!(span.span_id.len() == 8 && hex(&span.span_id) != PARENT, "an id of its own");
    assert_eq!(span.flags & 0x301, 0x301, "sampled, and its parent is remote");
    assert_eq!(span.name, "GET /v1/owners/{id}");
    assert_eq!(span.kind, SpanKind::Server as i32);
    assert_eq!(span.trace_state, "", "any text of the client");
    assert_eq!(span.status.clone().unwrap_or_default().code, StatusCode::Unset as i32, "the caller's mistake is no error of a server");
    let wanted = [
        ("http.request.method", "GET"),
        ("http.route", "/v1/owners/{id}"),
        ("http.response.status_code", "404"),
        ("claviger.request_id", "mine-1"),
    ];
    assert_eq!(attributes(&span.attributes), expected(&wanted));
    assert_eq!(span.end_time_unix_nano, support::START as u64 * 1_000, "by the clock of the server");
    assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_traceparent_a_trace_begins_here() {
    let collector = Collector::start().await;
    let claviger = server(&collector.endpoint).await;
    assert_eq!(claviger.get("/v1/owners").await.status, 200);
    assert_eq!(traced(&claviger, Method::GET, "/v1/owners", &format!("ff-{TRACE}-{PARENT}-01")).await, 200);
    claviger.stop().await;
    let spans = collector.spans();
    assert_eq!(spans.len(), 2);
    for span in &spans {
        assert!(span.parent_span_id.is_empty() && hex(&span.trace_id) != TRACE, "{span:?}");
        assert!(span.trace_id.len() == 16 && span.trace_id.iter().any(|byte| *byte != 0));
    }
    assert_ne!(spans[0].trace_id, spans[1].trace_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_decides_for_its_trace_and_the_ratio_for_others() {
    let collector = Collector::start().await;
    let claviger = server_with(&collector.endpoint, |config| config.telemetry.sampling_ratio = 0.0).await;
    assert_eq!(claviger.get("/v1/owners").await.status, 200);
    assert_eq!(traced(&claviger, Method::GET, "/v1/owners", &format!("00-{TRACE}-{PARENT}-00")).await, 200);
    assert_eq!(traced(&claviger, Method::GET, "/v1/resources", &format!("00-{TRACE}-{PARENT}-01")).await, 200);
    claviger.stop().await;
    let names: Vec<String> = collector.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["GET /v1/resources"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_is_not_sampled_is_not_whatever_the_ratio() {
    let collector = Collector::start().await;
    let claviger = server(&collector.endpoint).await;
    assert_eq!(traced(&claviger, Method::GET, "/v1/owners", &format!("00-{TRACE}-{PARENT}-00")).await, 200);
    // Its own path, past the router: no span.
    claviger.verify(json!({ "credential": "x" })).await;
    assert_eq!(claviger.get("/v1/nowhere").await.status, 404);
    claviger.stop().await;
    let [span] = collector.spans().try_into().expect("one span");
    assert_eq!(span.name, "GET", "a path that matched nothing is the client's text");
    assert!(!attributes(&span.attributes).contains_key("http.route"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_is_the_servers_fault_is_an_error() {
    let collector = Collector::start().await;
    let claviger = server_with(&collector.endpoint, |config| config.http.request_timeout_seconds = 1.try_into().expect("one")).await;
    let mut slow = TcpStream::connect(claviger.url.trim_start_matches("http://")).await.expect("it listens");
    let head = format!(
        "POST /v1/organizations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n",
        claviger.root
    );
    slow.write_all(head.as_bytes()).await.expect("it is sent");
    let mut answer = [0; 12];
    slow.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 503");
    drop(slow);
    claviger.stop().await;
    let [span] = collector.spans().try_into().expect("one span");
    assert_eq!(span.name, "POST", "the time ran out before the route was noted");
    assert_eq!(span.status.clone().unwrap_or_default().code, StatusCode::Error as i32);
    let known = attributes(&span.attributes);
    assert_eq!((known["error.type"].as_str(), known["http.response.status_code"].as_str()), ("TIMEOUT", "503"));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_id_of_a_credential_is_sent_to_the_collector() {
    let collector = Collector::start().await;
    let claviger = server(&collector.endpoint).await;
    let tenant = claviger.tenant("A").await;
    let key = claviger.key(&tenant, json!({})).await;
    let (id, secret) = (text(&key, "id"), text(&key, "secret"));
    claviger.get(&format!("/v1/api-keys/{id}")).await.expect(200);
    let rotated = claviger.post(&format!("/v1/api-keys/{id}/rotate"), json!({ "overlap_seconds": 60 })).await.expect(200);
    let secrets = [secret.clone(), text(&rotated, "secret"), claviger.root.clone()];
    for secret in &secrets {
        // By mistake, in every place where a key could end up.
        claviger.get(&format!("/v1/api-keys/{secret}")).await;
        claviger.get(&format!("/v1/nowhere/{secret}")).await;
        claviger.get(&format!("/v1/api-keys?search={secret}")).await;
        claviger.ask(secret, Method::GET, "/v1/whoami", None).await;
        for header in ["x-request-id", "tracestate", "baggage", "user-agent", "x-forwarded-for", "traceparent", "host", "referer"] {
            let request = claviger.request(Method::GET, "/v1/owners").bearer_auth(&claviger.root);
            claviger.send(request.header(header, secret)).await;
        }
        let made_up = Method::from_bytes(secret.as_bytes()).expect("a token");
        claviger.send(claviger.request(made_up, "/v1/owners")).await;
    }
    claviger.stop().await;

    let sent = collector.spans();
    let request_ids: Vec<String> = sent.iter().filter_map(|span| attributes(&span.attributes).remove("claviger.request_id")).collect();
    assert_eq!(request_ids.len(), sent.len(), "each names its request: {request_ids:?}");
    let names: std::collections::BTreeSet<&str> = sent.iter().map(|span| span.name.as_str()).collect();
    assert!(names.contains("HTTP /v1/owners"), "a method that nobody knows: {names:?}");
    assert!(names.contains("GET /v1/api-keys/{id}"), "{names:?}");
    for message in collector.bytes() {
        let holds = |wanted: &str| message.windows(wanted.len()).any(|window| window == wanted.as_bytes());
        assert!(secrets.iter().all(|secret| !holds(&secret[secret.len() - 30..])), "a secret was sent");
        assert!(!holds(id.rsplit('_').next().expect("a part")), "the id of a credential was sent");
        assert!(holds("/v1/api-keys/{id}"), "what is looked at is what was sent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_slows_nothing_and_keeps_nobody_from_stopping() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}/v1/traces", silent.local_addr().expect("it is bound"));
    let claviger = server_with(&endpoint, |config| config.http.drain_seconds = 1).await;
    let mut held = None;
    // More than the queue and a message under way hold.
    for _ in 0..3000 {
        assert_eq!(claviger.send(claviger.request(Method::GET, "/livez")).await.status, 200);
        if held.is_none() {
            held = tokio::time::timeout(Duration::ZERO, silent.accept()).await.ok();
        }
    }
    assert!(held.is_some(), "it was tried");
    claviger.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_leaves_a_message_under_way_when_the_drain_is_over() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}/v1/traces", silent.local_addr().expect("it is bound"));
    let claviger = server_with(&endpoint, |config| config.http.drain_seconds = 1).await;
    claviger.get("/v1/owners").await.expect(200);
    claviger.stop().await;
    let (held, _) = silent.accept().await.expect("the last span was being sent");
    let mut sent = Vec::new();
    held.readable().await.expect("a connection");
    while let Ok(read) = held.try_read_buf(&mut sent) {
        assert_ne!(read, 0, "the stop has waited until the message was given up");
    }
    assert!(sent.starts_with(b"POST /v1/traces HTTP/1.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_not_there_is_told_once_and_costs_only_its_spans() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log");
    let free = || Socket::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let (port, nobody) = (free(), free());
    let mut server = Command::new(env!("CARGO_BIN_EXE_claviger"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .arg("--bootstrap-key-file")
        .arg(folder.path().join("bootstrap.key"))
        .env_clear()
        .env("CLAVIGER_TELEMETRY_OTLP_ENDPOINT", format!("http://127.0.0.1:{nobody}/v1/traces"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).expect("a file"))
        .spawn()
        .expect("the server starts");
    let http = reqwest::Client::new();
    let livez = format!("http://127.0.0.1:{port}/livez");
    while !http.get(&livez).send().await.is_ok_and(|answer| answer.status().is_success()) {
        assert!(server.try_wait().expect("its state can be asked").is_none(), "the server ended by itself");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told = || std::fs::read_to_string(&log).expect("a log").matches("the trace collector does not take spans").count();
    // A full message goes out at once: this many make at least two.
    let mut asked = 0;
    while asked < 1200 || told() == 0 {
        assert_eq!(http.get(&livez).send().await.expect("it answers").status(), 200);
        asked += 1;
    }
    let pid = rustix::process::Pid::from_raw(server.id() as i32).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it can be told to end");
    assert!(server.wait().expect("it ends").success(), "a clean end");
    assert_eq!(told(), 1, "{}", std::fs::read_to_string(&log).expect("a log"));
}
