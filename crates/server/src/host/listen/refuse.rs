//! Sends away connections beyond the limit, for as little as that can cost.
//! It never parses a request or shakes hands: whoever comes on top of too many gets a fixed text, or nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::host::spawn;

const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    retry-after: 1\r\n\
    connection: close\r\n\
    cache-control: no-store\r\n\
    content-type: application/problem+json\r\n\
    content-length: 74\r\n\
    \r\n\
    {\"title\":\"Too many connections at once\",\"status\":503,\"code\":\"OVERLOADED\"}\n";

/// Refusals being spoken at once; beyond them a connection is closed without a word.
const AT_ONCE: usize = 256;
const TAKES_AT_MOST: Duration = Duration::from_secs(1);

pub struct Refusals {
    places: Arc<Semaphore>,
    is_tls: bool,
}

impl Refusals {
    pub fn new(is_tls: bool) -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), is_tls }
    }

    pub fn refuse(&self, stream: TcpStream) {
        // A handshake is the very cost that is to be avoided, and without one nothing can be said.
        if self.is_tls {
            return;
        }
        let Ok(place) = self.places.clone().try_acquire_owned() else { return };
        spawn::task("refusal", async move {
            let _place = place;
            let _ = timeout(TAKES_AT_MOST, answer(stream)).await;
        });
    }
}

/// Writes the answer, then waits for the client to close: closing first, with its request unread, would reset the
/// connection and may take the answer with it.
async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(ANSWER).await?;
    stream.shutdown().await?;
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_as_long_as_it_says() {
        let text = std::str::from_utf8(ANSWER).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "it is {}", body.len());
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok());
    }
}
