//! The load generator: keep-alive connections that each send one request, read the whole answer, and go on.
//! It runs as a process of its own, so that what it takes is never counted as the server's.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Outcome;

const WARM_UP: Duration = Duration::from_millis(250);

/// What one round saw.
#[derive(Clone, Copy)]
pub struct Seen {
    pub per_second: f64,
    /// Microseconds.
    pub p50: f64,
    pub p99: f64,
    /// Requests answered, with those of the warm-up.
    pub total: f64,
}

/// Runs one round against a port, in a process of its own. Every first answer of a connection must hold `expected`.
pub fn round(port: u16, connections: usize, seconds: f64, requests: &Path, expected: &str) -> Outcome<Seen> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(own);
    command.args(["load", &port.to_string(), &connections.to_string(), &seconds.to_string()]).arg(requests).arg(expected);
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let values: Vec<f64> = text.split_whitespace().filter_map(|value| value.parse().ok()).collect();
    let &[per_second, p50, p99, total] = values.as_slice() else { return Err(format!("no figures in {text:?}")) };
    Ok(Seen { per_second, p50, p99, total })
}

/// The process: `load PORT CONNECTIONS SECONDS REQUESTS EXPECTED`.
pub fn run(arguments: &[&str]) -> Outcome<()> {
    let [port, connections, seconds, requests, expected] = arguments else { return Err("load takes five arguments".to_owned()) };
    let (port, connections): (u16, usize) = (parse(port)?, parse(connections)?);
    let lasts = Duration::from_secs_f64(parse(seconds)?);
    let text = std::fs::read_to_string(requests).map_err(|error| format!("{requests}: {error}"))?;
    let requests: Vec<Vec<u8>> =
        serde_json::from_str::<Vec<String>>(&text).map_err(|error| error.to_string())?.into_iter().map(String::into_bytes).collect();
    let requests: &'static [Vec<u8>] = requests.leak();
    let expected: &'static [u8] = expected.as_bytes().to_vec().leak();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    let (latencies, total) = runtime.block_on(async {
        let begin = Instant::now() + WARM_UP;
        let mut clients = JoinSet::new();
        for number in 0..connections {
            clients.spawn(client(port, number * requests.len() / connections, requests, expected, begin, begin + lasts));
        }
        let mut all = Latencies::new();
        let mut total = 0;
        while let Some(done) = clients.join_next().await {
            let (latencies, count) = done.map_err(|error| error.to_string())??;
            all.add(&latencies);
            total += count;
        }
        Ok::<_, String>((all, total))
    })?;
    println!("{} {} {} {total}", latencies.count as f64 / lasts.as_secs_f64(), latencies.quantile(0.5), latencies.quantile(0.99));
    Ok(())
}

fn parse<T: std::str::FromStr>(text: &str) -> Outcome<T> {
    text.parse().map_err(|_| format!("{text:?} is not a number"))
}

async fn client(port: u16, first: usize, requests: &[Vec<u8>], expected: &[u8], begin: Instant, end: Instant) -> Outcome<(Latencies, u64)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let mut latencies = Latencies::new();
    let mut answer = vec![0; 16 * 1024];
    let (mut place, mut count) = (first, 0_u64);
    loop {
        let sent = Instant::now();
        stream.write_all(&requests[place % requests.len()]).await.map_err(|error| error.to_string())?;
        let length = read(&mut stream, &mut answer).await?;
        let now = Instant::now();
        let is_right = answer[..length].get(9..12) == Some(b"200") && (count > 0 || holds(&answer[..length], expected));
        if !is_right {
            return Err(format!("not the answer expected: {}", String::from_utf8_lossy(&answer[..length])));
        }
        count += 1;
        if now >= end {
            return Ok((latencies, count));
        }
        if now >= begin {
            latencies.note(now - sent);
        }
        // A step that is far and odd: neighbours in the file are not neighbours in time.
        place += 7_919;
    }
}

/// Reads one whole answer; how long it is.
async fn read(stream: &mut TcpStream, answer: &mut [u8]) -> Outcome<usize> {
    let (mut length, mut wanted) = (0, usize::MAX);
    while length < wanted {
        match stream.read(&mut answer[length..]).await {
            Ok(0) => return Err("the connection ended, or the answer is too long".to_owned()),
            Ok(more) => length += more,
            Err(error) => return Err(error.to_string()),
        }
        if wanted == usize::MAX {
            wanted = whole(&answer[..length])?;
        }
    }
    Ok(length)
}

/// The length of the whole answer, or `usize::MAX` while its head is incomplete.
fn whole(answer: &[u8]) -> Outcome<usize> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(usize::MAX) };
    let name = b"content-length:";
    let lines = answer[..head].split(|byte| *byte == b'\n');
    let mut values = lines.filter_map(|line| line.split_at_checked(name.len()).filter(|(start, _)| start.eq_ignore_ascii_case(name)));
    let (_, value) = values.next().ok_or("an answer without Content-Length")?;
    let value = std::str::from_utf8(value).map_err(|error| error.to_string())?;
    Ok(head + 4 + parse::<usize>(value.trim())?)
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

/// A histogram of nanoseconds: 32 steps to each doubling, so every value is known to 3 %.
struct Latencies {
    counts: Vec<u32>,
    count: u64,
}

const STEPS: u32 = 5;

impl Latencies {
    fn new() -> Self {
        Self { counts: vec![0; (64 - STEPS as usize + 1) << STEPS], count: 0 }
    }

    fn note(&mut self, took: Duration) {
        let nanos = (took.as_nanos() as u64).max(1 << STEPS);
        let doubling = 63 - nanos.leading_zeros() - STEPS;
        let step = (nanos >> doubling) as usize - (1 << STEPS);
        self.counts[((doubling as usize) << STEPS) + step] += 1;
        self.count += 1;
    }

    fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.count += other.count;
    }

    /// Microseconds.
    fn quantile(&self, share: f64) -> f64 {
        let wanted = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted && *count > 0 {
                let (doubling, step) = (place >> STEPS, place & ((1 << STEPS) - 1));
                return (((1 << STEPS) + step) << doubling) as f64 / 1_000.0;
            }
        }
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_within_a_thirtieth_of_the_value() {
        let mut latencies = Latencies::new();
        for micros in 1..=1_000 {
            latencies.note(Duration::from_micros(micros));
        }
        for (share, right) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let found = latencies.quantile(share);
            assert!((found / right - 1.0).abs() < 0.033, "{share}: {found}");
        }
    }

    #[test]
    fn an_answer_is_whole_once_its_body_is_there() {
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\nContent-Le"), Ok(usize::MAX));
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"), Ok(40));
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
