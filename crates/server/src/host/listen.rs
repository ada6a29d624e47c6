//! The listener: accepts connections, speaks TLS, HTTP/1.1 and HTTP/2 on them, and drains them at the end.
//! It never looks at a request, and no client, however slow or many, keeps it from accepting or from stopping.

mod pulse;
mod refuse;
mod signals;

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::rt::bounds::Http2ServerConnExec;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::spawn;
use super::tls::Certificates;
use pulse::{Pulse, Pulsing};
use refuse::Refusals;
use signals::{Signal, Signals};

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
    /// For each further request to arrive, and for a client to take what it asked for; ends up to a sixteenth later.
    pub idle_timeout: Duration,
    /// What no handler takes longer than.
    pub answer_timeout: Duration,
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

/// Serves each connection with what `handler` makes for it, until `stop`, then drains. Dropping the future cuts everything off at once.
pub async fn serve<F, H, Fut, B>(
    listener: TcpListener,
    certificates: Option<Certificates>,
    limits: Limits,
    handler: F,
    stop: impl Future<Output = ()>,
) -> Drained
where
    F: Fn(Peer) -> H + Send + Sync + 'static,
    H: Fn(Request<Incoming>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let acceptor = certificates.as_ref().map(Certificates::acceptor);
    let refusals = Refusals::new(acceptor.is_some());
    let shared = Arc::new(Shared { http1: http1(&limits), http2: http2(&limits), acceptor, limits, handler });
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
                        spawn::task("connection", connection(shared.clone(), stream, address, phase.subscribe(), place));
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
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    acceptor: Option<TlsAcceptor>,
    limits: Limits,
    handler: F,
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // No timeout of hyper's own: it would cost every request a timer, where a look now and then is enough.
    builder.header_read_timeout(None);
    // Head and body in one piece: answers are small, and one buffer costs the kernel less than two.
    builder.writev(false);
    // Not `pipeline_flush`: while anything unread is buffered it sends nothing, so a 400 or 431 is lost, half of a next
    // request holds back the answer to the one before, and a client that does not read makes us buffer without a bound.
    builder.max_buf_size(limits.max_header_bytes);
    if limits.max_headers != HEADERS_ON_STACK {
        builder.max_headers(limits.max_headers);
    }
    builder
}

fn http2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX));
    builder
}

async fn connection<F, H, Fut, B>(
    shared: Arc<Shared<F>>,
    stream: TcpStream,
    address: SocketAddr,
    phases: watch::Receiver<Phase>,
    _place: OwnedSemaphorePermit,
) where
    F: Fn(Peer) -> H + Send + Sync + 'static,
    H: Fn(Request<Incoming>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // Answers are small and waited for; a socket that refuses the option works without it.
    let _ = stream.set_nodelay(true);
    let mut signals = Signals::new(&phases);
    let begun = {
        let begin = timeout(shared.limits.header_timeout, begin(shared.acceptor.as_ref(), stream));
        tokio::select! {
            begun = begin => begun,
            _ = signals.next() => return,
        }
    };
    match begun {
        Ok(Ok(Begun::Plain(stream, protocol))) => talk(&shared, stream, Peer { address, is_tls: false }, protocol, signals).await,
        Ok(Ok(Begun::Tls(stream, protocol))) => talk(&shared, *stream, Peer { address, is_tls: true }, protocol, signals).await,
        Ok(Err(error)) => tracing::debug!(%error, %address, "the connection did not begin"),
        Err(_) => tracing::debug!(%address, "the beginning of the connection took too long"),
    }
}

/// A stream of which it is known what is spoken on it.
enum Begun {
    Plain(TcpStream, Protocol),
    Tls(Box<TlsStream<TcpStream>>, Protocol),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

async fn begin(acceptor: Option<&TlsAcceptor>, stream: TcpStream) -> io::Result<Begun> {
    let Some(acceptor) = acceptor else {
        let protocol = protocol(&stream).await?;
        return Ok(Begun::Plain(stream, protocol));
    };
    let stream = acceptor.accept(stream).await?;
    let protocol = if stream.get_ref().1.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
    Ok(Begun::Tls(Box::new(stream), protocol))
}

/// Looks at the first bytes and leaves them where they are. No request of HTTP/1 begins like HTTP/2 does (RFC 9113 section 3.4).
async fn protocol(stream: &TcpStream) -> io::Result<Protocol> {
    const PREFACE: &[u8; 4] = b"PRI ";
    loop {
        let mut start = [0; PREFACE.len()];
        match stream.peek(&mut start).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count if start[..count] != PREFACE[..count] => return Ok(Protocol::Http1),
            count if count == PREFACE.len() => return Ok(Protocol::Http2),
            // The rest is nearly always there already; nothing tells when more has come than was seen.
            _ => sleep(Duration::from_millis(10)).await,
        }
    }
}

/// HTTP until either side is done.
async fn talk<F, H, Fut, B>(
    shared: &Shared<F>,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: Peer,
    protocol: Protocol,
    signals: Signals,
) where
    F: Fn(Peer) -> H + Send + Sync + 'static,
    H: Fn(Request<Incoming>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let pulse = Pulse::default();
    let io = TokioIo::new(Pulsing::new(stream, pulse.clone()));
    let handler = (shared.handler)(peer);
    let service = service_fn(|request| {
        pulse.request();
        handler(request)
    });
    let ended = match protocol {
        Protocol::Http1 => attend(shared.http1.serve_connection(io, service), &pulse, &shared.limits, signals).await,
        Protocol::Http2 => attend(shared.http2.serve_connection(io, service), &pulse, &shared.limits, signals).await,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, address = %peer.address, "the connection broke");
    }
}

/// A connection of either protocol.
trait Converse: Future<Output = hyper::Result<()>> {
    /// Takes no further request; ends once the present ones are answered.
    fn wind_up(self: Pin<&mut Self>);
}

impl<I, B, S> Converse for http1::Connection<I, S>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn wind_up(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, B, S, E> Converse for http2::Connection<I, S, E>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    E: Http2ServerConnExec<S::Future, B>,
{
    fn wind_up(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// How many looks make up the time that a connection may be idle.
const LOOKS: u32 = 16;

/// Lets the connection go on until it ends, is told to, or does nothing for too long.
async fn attend(connection: impl Converse, pulse: &Pulse, limits: &Limits, mut signals: Signals) -> hyper::Result<()> {
    let mut connection = pin!(connection);
    let between = limits.idle_timeout / LOOKS;
    signals.after(limits.header_timeout, Signal::FirstRequestDue);
    signals.after(between, Signal::Look);
    let (mut seen, mut quiet, mut is_ending) = (0, Duration::ZERO, false);
    loop {
        let signal = tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            signal = signals.next() => signal,
        };
        match signal {
            Signal::CutOff => return Ok(()),
            Signal::FirstRequestDue if !pulse.has_asked() => return Ok(()),
            Signal::FirstRequestDue => {}
            Signal::Draining => {
                is_ending = true;
                connection.as_mut().wind_up();
            }
            Signal::Look => {
                signals.after(between, Signal::Look);
                let beats = pulse.beats();
                quiet = if beats == seen { quiet + between } else { Duration::ZERO };
                seen = beats;
                if is_ending && quiet >= limits.answer_timeout.max(limits.idle_timeout) {
                    // Whoever still owes or is owed something has not moved for longer than anything here takes.
                    return Ok(());
                }
                if !is_ending && quiet >= limits.idle_timeout {
                    (is_ending, quiet) = (true, Duration::ZERO);
                    connection.as_mut().wind_up();
                }
            }
        }
    }
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
