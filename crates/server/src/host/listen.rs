//! Sockets: accepting, TLS, the connection's limits, and draining at the end. It knows no route.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{spawn, tls};

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    pub is_tls: bool,
}

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub header_timeout: Duration,
    pub max_connections: usize,
    pub max_headers: usize,
    pub max_header_bytes: usize,
    /// How long requests under way may still take when the server stops.
    pub drain: Duration,
}

/// The one value of `max_headers` for which hyper needs no allocation of its own.
const HYPERS_OWN_MAX_HEADERS: usize = 100;
/// After an error of `accept`, such as too many open files.
const PAUSE: Duration = Duration::from_millis(50);

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Serves connections until `stop`, then lets requests under way finish.
pub async fn serve<H, F, B>(
    listener: TcpListener,
    certificates: Option<tls::Certificates>,
    limits: Limits,
    handler: H,
    stop: impl Future<Output = ()>,
) where
    H: Fn(Request<Incoming>, Peer) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.max_header_bytes)
        .pipeline_flush(true);
    if limits.max_headers != HYPERS_OWN_MAX_HEADERS {
        builder.http1().max_headers(limits.max_headers);
    }
    builder.http2().timer(TokioTimer::new()).max_header_list_size(limits.max_header_bytes as u32);
    let builder = Arc::new(builder);
    let acceptor = certificates.map(|certificates| certificates.acceptor());
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, address) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            turn_away(stream);
            continue;
        };
        let _ = stream.set_nodelay(true);
        let peer = Peer { address, is_tls: acceptor.is_some() };
        let (builder, handler, watcher) = (builder.clone(), handler.clone(), graceful.watcher());
        let acceptor = acceptor.clone();
        spawn::task("connection", async move {
            let _place = place;
            match acceptor {
                None => connection(stream, &builder, peer, handler, watcher).await,
                Some(acceptor) => {
                    let handshake = acceptor.accept(stream);
                    match tokio::time::timeout(limits.header_timeout, handshake).await {
                        Ok(Ok(stream)) => connection(stream, &builder, peer, handler, watcher).await,
                        Ok(Err(error)) => tracing::debug!(%error, %address, "the TLS handshake failed"),
                        Err(_) => tracing::debug!(%address, "the TLS handshake took too long"),
                    }
                }
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(limits.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!(seconds = limits.drain.as_secs(), "requests were still under way and are cut off");
    }
}

async fn connection<S, H, F, B>(
    stream: S,
    builder: &auto::Builder<TokioExecutor>,
    peer: Peer,
    handler: H,
    watcher: hyper_util::server::graceful::Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    H: Fn(Request<Incoming>, Peer) -> F,
    F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = service_fn(move |request| handler(request, peer));
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, address = %peer.address, "a connection ended early");
    }
}

/// Says so and closes, without waiting for anything the client might send.
fn turn_away(mut stream: TcpStream) {
    spawn::task("turn away", async move {
        let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(FULL)).await;
    });
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use tokio::io::AsyncReadExt as _;
    use tokio::sync::oneshot;

    use super::*;

    fn limits() -> Limits {
        Limits {
            header_timeout: Duration::from_secs(10),
            max_connections: 1,
            max_headers: 100,
            max_header_bytes: 16_384,
            drain: Duration::from_secs(10),
        }
    }

    async fn ask(address: SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(text.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    #[tokio::test]
    async fn one_connection_too_many_is_told_to_come_back_and_a_request_under_way_is_drained() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (stop, stopped) = oneshot::channel::<()>();
        let (begun, has_begun) = tokio::sync::watch::channel(false);
        let release = Arc::new(tokio::sync::Notify::new());
        let gate = release.clone();
        let handler = move |_: Request<Incoming>, _: Peer| {
            let (begun, gate) = (begun.clone(), gate.clone());
            async move {
                let _ = begun.send(true);
                gate.notified().await;
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"done"))))
            }
        };
        let server = spawn::task(
            "server",
            serve(listener, None, limits(), handler, async {
                let _ = stopped.await;
            }),
        );
        let slow = spawn::task("client", async move { ask(address, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await });
        has_begun.clone().wait_for(|begun| *begun).await.expect("the request arrives");
        assert!(ask(address, "").await.starts_with("HTTP/1.1 503"), "there is no second place");
        stop.send(()).expect("the server runs");
        release.notify_one();
        assert!(slow.await.expect("no panic").ends_with("done"), "the request under way is answered");
        server.await.expect("no panic");
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }
}
