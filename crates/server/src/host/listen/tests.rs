//! The listener, met by good, slow, silent and too many clients. Waiting is done by the paused clock of the runtime.

use std::sync::Mutex;

use bytes::Bytes;
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::host::tls::tests::{Pair, connector, localhost};

const LIMITS: Limits = Limits {
    header_timeout: Duration::from_secs(10),
    idle_timeout: Duration::from_secs(75),
    answer_timeout: Duration::from_secs(30),
    max_connections: 100,
    max_headers: 100,
    max_header_bytes: 16 * 1024,
    drain: Duration::from_secs(15),
};

const GET: &[u8] = b"GET /path HTTP/1.1\r\nhost: x\r\n\r\n";

/// A listener whose answers are the path; `/wait` is answered only when `go` says so.
struct Served {
    address: SocketAddr,
    peers: Arc<Mutex<Vec<Peer>>>,
    arrived: Arc<Notify>,
    go: Arc<Notify>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Drained>,
}

async fn served(limits: Limits, certificates: Option<Certificates>) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (peers, arrived, go) = (Arc::<Mutex<Vec<Peer>>>::default(), Arc::<Notify>::default(), Arc::<Notify>::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let shared = (peers.clone(), arrived.clone(), go.clone());
    let handler = move |peer| {
        let shared = shared.clone();
        move |request: Request<Incoming>| {
            let (peers, arrived, go) = shared.clone();
            async move {
                peers.lock().unwrap().push(peer);
                if request.uri().path() == "/wait" {
                    arrived.notify_one();
                    go.notified().await;
                }
                Ok(Response::new(Full::new(Bytes::from(request.uri().path().to_owned()))))
            }
        }
    };
    let ended = spawn::task("listen", async move {
        let stop = async {
            let _ = stopped.await;
        };
        serve(listener, certificates, limits, handler, stop).await
    });
    Served { address, peers, arrived, go, stop, ended }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Reads until `end` of an answer has come, or the connection is closed.
async fn read_until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut text = Vec::new();
    let mut some = [0; 4096];
    loop {
        // A reset ends a connection as well as a close does.
        let count = stream.read(&mut some).await.unwrap_or(0);
        text.extend(&some[..count]);
        let so_far = String::from_utf8_lossy(&text);
        if count == 0 || so_far.ends_with(end) {
            return so_far.into_owned();
        }
    }
}

async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    read_until(stream, "\0never").await
}

#[tokio::test]
async fn a_connection_carries_one_request_after_another_also_all_at_once() {
    let served = served(LIMITS, None).await;
    let mut stream = served.connect().await;
    for _ in 0..2 {
        stream.write_all(GET).await.unwrap();
        assert!(read_until(&mut stream, "/path").await.starts_with("HTTP/1.1 200 OK"));
    }
    stream.write_all(&GET.replace_path("/a")).await.unwrap();
    stream.write_all(&[GET.replace_path("/b"), GET.replace_path("/last")].concat()).await.unwrap();
    assert_eq!(read_until(&mut stream, "/last").await.matches("200 OK").count(), 3);
    let expected = Peer { address: stream.local_addr().unwrap(), is_tls: false };
    assert_eq!(*served.peers.lock().unwrap(), [expected; 5]);
}

trait ReplacePath {
    fn replace_path(&self, path: &str) -> Vec<u8>;
}

impl ReplacePath for [u8] {
    fn replace_path(&self, path: &str) -> Vec<u8> {
        String::from_utf8_lossy(self).replace("/path", path).into_bytes()
    }
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_rest_of_the_next_request() {
    let served = served(LIMITS, None).await;
    let mut stream = served.connect().await;
    stream.write_all(&[GET, &GET[..9]].concat()).await.unwrap();
    assert!(read_until(&mut stream, "/path").await.starts_with("HTTP/1.1 200 OK"));
    stream.write_all(&GET[9..]).await.unwrap();
    assert!(read_until(&mut stream, "/path").await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn http_2_is_spoken_without_tls_to_those_who_begin_with_it() {
    let served = served(LIMITS, None).await;
    let mut stream = served.connect().await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "the first frame is SETTINGS");
}

#[tokio::test]
async fn one_connection_too_many_is_told_to_come_back_and_may() {
    let served = served(Limits { max_connections: 1, ..LIMITS }, None).await;
    let mut first = served.connect().await;
    first.write_all(GET).await.unwrap();
    read_until(&mut first, "/path").await;

    let mut second = served.connect().await;
    second.write_all(GET).await.unwrap();
    let refusal = rest(&mut second).await;
    assert!(refusal.starts_with("HTTP/1.1 503 ") && refusal.contains("\r\nretry-after: 1\r\n"), "{refusal}");
    assert_eq!(served.peers.lock().unwrap().len(), 1, "no handler saw it");

    first.write_all(b"GET /path HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    rest(&mut first).await;
    drop((first, second));
    // The place is free once the server has noticed, which nothing outside can await.
    loop {
        let mut again = served.connect().await;
        again.write_all(GET).await.unwrap();
        if read_until(&mut again, "/path").await.starts_with("HTTP/1.1 200") {
            break;
        }
    }
}

#[tokio::test]
async fn headers_too_large_or_too_many_are_refused() {
    let served = served(Limits { max_headers: 10, max_header_bytes: 8192, ..LIMITS }, None).await;
    let large = format!("GET / HTTP/1.1\r\nhost: x\r\nlarge: {}\r\n\r\n", "x".repeat(8192));
    let many = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(10));
    let mut stream = served.connect().await;
    stream.write_all(many.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    // What the server leaves unread resets the connection, so this answer may be lost on its way.
    let mut stream = served.connect().await;
    stream.write_all(large.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(*served.peers.lock().unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_no_whole_request_is_dropped() {
    for start in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\nhost: "] {
        let served = served(LIMITS, None).await;
        let mut stream = served.connect().await;
        stream.write_all(start).await.unwrap();
        rest(&mut stream).await;
        assert_eq!(*served.peers.lock().unwrap(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_as_long_as_promised_and_no_longer() {
    let served = served(LIMITS, None).await;
    let mut stream = served.connect().await;
    stream.write_all(GET).await.unwrap();
    read_until(&mut stream, "/path").await;
    let early = timeout(LIMITS.idle_timeout - Duration::from_secs(2), rest(&mut stream)).await;
    assert!(early.is_err(), "it is still there");
    assert_eq!(rest(&mut stream).await, "");
}

/// Preface, SETTINGS, and `GET / HTTP/2` as stream 1 (RFC 9113 sections 3.4, 6.2, 6.5).
const HTTP_2_GET: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01x";

#[tokio::test(start_paused = true)]
async fn an_idle_connection_of_http_2_is_closed_too() {
    let served = served(LIMITS, None).await;
    let mut stream = served.connect().await;
    stream.write_all(HTTP_2_GET).await.unwrap();
    let early = timeout(LIMITS.idle_timeout - Duration::from_secs(2), rest(&mut stream)).await;
    assert!(early.is_err(), "it is still there");
    rest(&mut stream).await;
    assert_eq!(served.peers.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_answer_loses_its_place() {
    let served = served(Limits { max_connections: 1, ..LIMITS }, None).await;
    let mut stream = served.connect().await;
    let path = GET.replace_path(&format!("/{}", "x".repeat(8_000)));
    // Until the server, whose answers nobody reads, reads no further request either.
    while let Ok(written) = timeout(Duration::from_secs(1), stream.write_all(&path)).await {
        written.unwrap();
    }
    loop {
        sleep(Duration::from_secs(10)).await;
        let mut other = served.connect().await;
        other.write_all(GET).await.unwrap();
        if read_until(&mut other, "/path").await.starts_with("HTTP/1.1 200") {
            break;
        }
    }
}

#[tokio::test]
async fn a_stop_refuses_newcomers_closes_the_idle_and_lets_requests_finish() {
    let served = served(LIMITS, None).await;
    let mut idle = served.connect().await;
    idle.write_all(GET).await.unwrap();
    read_until(&mut idle, "/path").await;
    let mut busy = served.connect().await;
    busy.write_all(&GET.replace_path("/wait")).await.unwrap();
    served.arrived.notified().await;

    served.stop.send(()).unwrap();
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(served.address).await.is_err());
    assert!(!served.ended.is_finished());
    served.go.notify_one();
    let answer = rest(&mut busy).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("connection: close"), "{answer}");
    assert_eq!(served.ended.await.unwrap(), Drained::All);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_outlasts_the_drain_is_cut_off() {
    let served = served(LIMITS, None).await;
    let mut busy = served.connect().await;
    busy.write_all(&GET.replace_path("/wait")).await.unwrap();
    served.arrived.notified().await;
    served.stop.send(()).unwrap();
    assert_eq!(served.ended.await.unwrap(), Drained::CutOff);
    assert_eq!(rest(&mut busy).await, "");
}

#[tokio::test]
async fn tls_speaks_the_protocol_that_was_agreed() {
    let served = served(LIMITS, Some(Pair::new().load())).await;
    for (offered, agreed) in [(&["h2", "http/1.1"][..], Some("h2")), (&["http/1.1"], Some("http/1.1")), (&[], None)] {
        let mut stream = connector(offered).connect(localhost(), served.connect().await).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed.map(str::as_bytes));
        if agreed != Some("h2") {
            stream.write_all(GET).await.unwrap();
            assert!(read_until(&mut stream, "/path").await.starts_with("HTTP/1.1 200 OK"));
        }
    }
    assert!(served.peers.lock().unwrap().iter().all(|peer| peer.is_tls));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let served = served(LIMITS, Some(Pair::new().load())).await;
    for start in [&b""[..], b"\x16\x03\x01\x02\x00"] {
        let mut stream = served.connect().await;
        stream.write_all(start).await.unwrap();
        assert_eq!(rest(&mut stream).await, "");
    }
}

#[tokio::test]
async fn plain_http_to_a_tls_port_harms_nobody_else() {
    let served = served(LIMITS, Some(Pair::new().load())).await;
    let mut plain = served.connect().await;
    plain.write_all(GET).await.unwrap();
    assert!(!rest(&mut plain).await.contains("200 OK"));
    assert!(connector(&[]).connect(localhost(), served.connect().await).await.is_ok());
}

#[test]
fn accepting_pauses_when_the_process_lacks_something_and_only_then() {
    let aborted = io::Error::from(io::ErrorKind::ConnectionAborted);
    assert_eq!(pause_after(&aborted, 9), None);
    let too_many_files = io::Error::from_raw_os_error(24);
    let pauses = [1, 2, 5, 6, 1000].map(|failures| pause_after(&too_many_files, failures).unwrap().as_millis());
    assert_eq!(pauses, [50, 100, 800, 1000, 1000]);
}
