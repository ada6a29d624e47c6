//! The listener: accepts connections, speaks TLS, HTTP/1.1 and HTTP/2 on them, and drains them at the end.
//! It never looks at a request, and no client, however slow or many, keeps it from accepting or from stopping.

mod refuse;

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::spawn;
use super::tls::Certificates;
use refuse::Refusals;

/// hyper keeps this many headers on the stack, and any other number on the heap.
const HEADERS_ON_STACK: usize = 100;

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub address: SocketAddr,
    pub is_tls: bool,
}

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the TLS handshake, and again for the headers of the first request.
    pub header_timeout: Duration,
    /// For each further request to arrive.
    pub idle_timeout: Duration,
    pub max_connections: usize,
    pub max_headers: usize,
    /// At least 8192.
    pub max_header_bytes: usize,
    /// From `stop` until connections are cut off.
    pub drain: Duration,
}

/// How the serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every request was answered.
    All,
    /// Some took longer than they were given.
    CutOff,
}

/// What every connection is in, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
enum Phase {
    Serving,
    Draining,
    CutOff,
}

/// Serves `handler` on each connection until `stop`, then drains. Dropping the future cuts everything off at once.
pub async fn serve<F, Fut, B>(
    listener: TcpListener,
    certificates: Option<Certificates>,
    limits: Limits,
    handler: F,
    stop: impl Future<Output = ()>,
) -> Drained
where
    F: Fn(Request<Incoming>, Peer) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let acceptor = certificates.as_ref().map(Certificates::acceptor);
    let refusals = Refusals::new(acceptor.is_some());
    let shared = Arc::new(Shared { protocol: protocol(&limits), acceptor, limits, handler });
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let (phase, _) = watch::channel(Phase::Serving);
    let mut stop = pin!(stop);
    let mut failures = 0;
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                failures = 0;
                match places.clone().try_acquire_owned() {
                    Ok(place) => {
                        let phases = (phase.subscribe(), phase.subscribe());
                        spawn::task("connection", connection(shared.clone(), stream, address, phases, place));
                    }
                    Err(_) => refusals.refuse(stream),
                }
            }
            Err(error) => {
                failures += 1;
                let Some(pause) = pause_after(&error, failures) else { continue };
                tracing::error!(%error, "connections cannot be accepted at the moment");
                tokio::select! {
                    biased;
                    () = &mut stop => break,
                    () = sleep(pause) => {}
                }
            }
        }
    }
    // From here on the kernel refuses connections, so a load balancer goes elsewhere.
    drop(listener);
    phase.send_replace(Phase::Draining);
    // A connection holds a receiver for as long as it lives.
    if timeout(limits.drain, phase.closed()).await.is_ok() {
        return Drained::All;
    }
    let connections = limits.max_connections - places.available_permits();
    tracing::warn!(connections, after = ?limits.drain, "connections are cut off with requests in flight");
    phase.send_replace(Phase::CutOff);
    phase.closed().await;
    Drained::CutOff
}

/// What connections have in common.
struct Shared<F> {
    protocol: auto::Builder<TokioExecutor>,
    acceptor: Option<TlsAcceptor>,
    limits: Limits,
    handler: F,
}

fn protocol(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let mut http1 = builder.http1();
    // For hyper, waiting for a further request and reading it are one wait; the first has its own deadline below.
    http1.timer(TokioTimer::new()).header_read_timeout(limits.idle_timeout);
    // Not `pipeline_flush`: while anything unread is buffered it sends nothing, so a 400 or 431 is lost, half of a next
    // request holds back the answer to the one before, and a client that does not read makes us buffer without a bound.
    http1.max_buf_size(limits.max_header_bytes);
    if limits.max_headers != HEADERS_ON_STACK {
        http1.max_headers(limits.max_headers);
    }
    let max_list = u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX);
    let mut http2 = builder.http2();
    // Pings find peers that are gone without a word.
    http2.timer(TokioTimer::new()).keep_alive_interval(limits.idle_timeout).max_header_list_size(max_list);
    builder
}

async fn connection<F, Fut, B>(
    shared: Arc<Shared<F>>,
    stream: TcpStream,
    address: SocketAddr,
    (draining, mut cut_off): (watch::Receiver<Phase>, watch::Receiver<Phase>),
    _place: OwnedSemaphorePermit,
) where
    F: Fn(Request<Incoming>, Peer) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // Answers are small and waited for; a socket that refuses the option works without it.
    let _ = stream.set_nodelay(true);
    let peer = Peer { address, is_tls: shared.acceptor.is_some() };
    let talked = async {
        let Some(acceptor) = &shared.acceptor else { return talk(&shared, stream, peer, draining).await };
        match timeout(shared.limits.header_timeout, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => talk(&shared, stream, peer, draining).await,
            Ok(Err(error)) => tracing::debug!(%error, %address, "no TLS handshake"),
            Err(_) => tracing::debug!(%address, "the TLS handshake took too long"),
        }
    };
    tokio::select! {
        biased;
        () = reached(&mut cut_off, Phase::CutOff) => {}
        () = talked => {}
    }
}

/// HTTP until either side is done.
async fn talk<F, Fut, B>(
    shared: &Shared<F>,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: Peer,
    mut draining: watch::Receiver<Phase>,
) where
    F: Fn(Request<Incoming>, Peer) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let has_asked = AtomicBool::new(false);
    let service = service_fn(|request| {
        has_asked.store(true, Ordering::Relaxed);
        (shared.handler)(request, peer)
    });
    let mut connection = pin!(shared.protocol.serve_connection(TokioIo::new(stream), service));
    // hyper-util finds out whether HTTP/2 is spoken before any timeout of hyper runs: a client that sends
    // nothing, or half of a preface, would stay for good.
    let mut first_request = pin!(sleep(shared.limits.header_timeout));
    let (mut is_draining, mut is_first) = (false, true);
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error, address = %peer.address, "the connection broke");
                }
                return;
            }
            () = reached(&mut draining, Phase::Draining), if !is_draining => {
                is_draining = true;
                connection.as_mut().graceful_shutdown();
            }
            () = first_request.as_mut(), if is_first => {
                is_first = false;
                if !has_asked.load(Ordering::Relaxed) {
                    tracing::debug!(address = %peer.address, "no request came");
                    return;
                }
            }
        }
    }
}

/// Waits for a phase, or for the end of the listener, which is later than any.
async fn reached(phases: &mut watch::Receiver<Phase>, phase: Phase) {
    let _ = phases.wait_for(|now| *now >= phase).await;
}

/// How long to wait after a failed accept; `None` where only the one connection failed.
fn pause_after(error: &io::Error, failures: u32) -> Option<Duration> {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
        return None;
    }
    // Out of files or memory: trying at once again would only burn the processor that could free some.
    Some(Duration::from_millis(50 << failures.saturating_sub(1).min(5)).min(Duration::from_secs(1)))
}

#[cfg(test)]
mod tests;
