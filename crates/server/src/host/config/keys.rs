//! Every key of the configuration, with its default and its words; nothing else lists them.
//! The words are printed by `claviger config print` and checked against docs/configuration.md.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use claviger_authority::tokens::signing::Schedule;
use ipnet::IpNet;

use super::origins::Origins;
use super::section::{Section, section};
use super::values::{self, DatabaseUrl, ForwardedHeader, LogFormat};

section! {
    /// What a server runs with.
    Config {
        /// Folder for everything this node keeps on disk; created if missing.
        data_dir: PathBuf = PathBuf::from("./claviger-data");
        /// Address and port to serve on.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 7480));
        /// Database: `postgres://…`, `sqlite://…`, or empty for SQLite inside `data_dir`.
        database (secret): DatabaseUrl = DatabaseUrl::default();
        /// File that receives the first management key (mode 0600); empty prints it to the terminal, once.
        #[serde(with = "values::optional_path")]
        bootstrap_key_file: Option<PathBuf> = None;
        /// File with the key that seals signing keys and peppers; empty means `master.key` in `data_dir`.
        #[serde(with = "values::optional_path")]
        master_key_file: Option<PathBuf> = None;
        /// What credentials of the first environments begin with, 1 to 20 of `a-z 0-9 _`: `clv` makes `clv_live_…` and `clv_test_…`; used at the first start only.
        key_prefix: String = "clv".to_owned();
        /// URL by which clients reach this server, the base of every issuer; empty derives it from `listen`.
        public_url: String = String::new();
        [http] Http;
        [tls] TlsFiles;
        [log] Log;
        [gate] Gate;
        [gateway] Gateway;
        [signing] Signing;
        [sqlite] Sqlite;
        [postgres] Postgres;
        [telemetry] Telemetry;
        unlisted origins: Origins;
    }
}

section! {
    /// Limits of the HTTP edge.
    Http {
        /// Largest request body, in bytes.
        body_limit_bytes: NonZeroUsize = bytes(64 * 1024);
        /// Largest body of a batch request such as `/v1/verify/batch`, in bytes.
        batch_body_limit_bytes: NonZeroUsize = bytes(1024 * 1024);
        /// Largest body of an import, in bytes.
        import_body_limit_bytes: NonZeroUsize = bytes(4 * 1024 * 1024);
        /// How long a new connection may take for its TLS handshake and for its first request's headers.
        header_timeout_seconds: NonZeroU64 = seconds(10);
        /// How long a kept-alive connection may go without a complete request; longer than your gateway keeps idle connections.
        idle_timeout_seconds: NonZeroU64 = seconds(75);
        /// How long one request may take before it is answered with an error.
        request_timeout_seconds: NonZeroU64 = seconds(30);
        /// Open connections at once; one more is told to come back (503, `Retry-After: 1`).
        max_connections: NonZeroU32 = count(10_000);
        /// Requests being worked on at once; one more is told to come back (503, `Retry-After: 1`).
        max_in_flight: NonZeroU32 = count(1024);
        /// Header lines per HTTP/1 request; any value but 100 costs about 5 % of throughput.
        max_headers: NonZeroU32 = count(100);
        /// Size of a request's headers, in bytes; at least 8192.
        max_header_bytes: NonZeroU32 = count(16 * 1024);
        /// How long a stopping server waits for requests in flight before it cuts them off.
        drain_seconds: u64 = 15;
        /// Networks of proxies in front of this server (CIDR or address); only these are believed about the client's address.
        #[serde(with = "values::networks")]
        trusted_proxies: Vec<IpNet> = Vec::new();
        /// The one header your proxies write the client's address into: `x-forwarded-for` or `forwarded`.
        forwarded_header: ForwardedHeader = ForwardedHeader::XForwardedFor;
    }
}

section! {
    /// TLS in this process; leave both empty behind a gateway that ends TLS.
    TlsFiles {
        /// Certificate chain, PEM, leaf first; read again on SIGHUP and when the file changes.
        #[serde(with = "values::optional_path")]
        certificate_file: Option<PathBuf> = None;
        /// Private key of the certificate, PEM; read again together with it.
        #[serde(with = "values::optional_path")]
        key_file: Option<PathBuf> = None;
    }
}

section! {
    /// Logs, written to standard error with every credential redacted.
    Log {
        /// `text` for people, `json` for machines.
        format: LogFormat = LogFormat::Text;
        /// What to log: a level, or directives such as `info,claviger_authority=debug`.
        level: String = "info".to_owned();
    }
}

section! {
    /// The gate: the part that answers `verify` from memory.
    Gate {
        /// Memory for resident credentials, in bytes.
        memory_budget_bytes: NonZeroUsize = bytes(256 * 1024 * 1024);
        /// How often usage counters are written to the database.
        flush_interval_seconds: NonZeroU64 = seconds(10);
    }
}

section! {
    /// What gateways are told about an accepted caller.
    Gateway {
        /// What the names of identity headers begin with; the gateway must strip these from incoming requests.
        header_prefix: String = "X-Auth-Request-".to_owned();
    }
}

section! {
    /// The keys that sign access tokens.
    Signing {
        /// How long a key is published before it may sign, in seconds; at least 3600. A key keeps what it was published with.
        publish_before_use_seconds: NonZeroU64 = seconds(86_400);
        /// How long a key signs before the next takes over, in days.
        rotation_days: NonZeroU32 = count(90);
    }
}

section! {
    /// SQLite, when `database` is empty or `sqlite://…`.
    Sqlite {
        /// Connections that read; there is always exactly one that writes.
        max_connections: NonZeroU32 = count(4);
    }
}

section! {
    /// PostgreSQL, when `database` is `postgres://…`.
    Postgres {
        /// Connections of this node; nodes times this must fit into the server's `max_connections`.
        max_connections: NonZeroU32 = count(16);
    }
}

section! {
    /// Traces for an OpenTelemetry collector; needs a binary built with `--features otlp`.
    Telemetry {
        /// URL that takes spans as OTLP protobuf over HTTP, such as `http://127.0.0.1:4318/v1/traces`; empty sends none.
        #[serde(deserialize_with = "values::collector_url")]
        otlp_endpoint: String = String::new();
        /// Share of traces that begin here and are sent, 0.0 to 1.0; for a request with a `traceparent` its caller has decided.
        sampling_ratio: f64 = 1.0;
        /// What traces call this server (`service.name`).
        service_name: String = "claviger".to_owned();
    }
}

impl Config {
    /// Every section, the top of the file first.
    pub(super) fn sections() -> impl Iterator<Item = &'static Section> {
        const TOP: Section = Section { name: "", doc: Config::DOC, keys: Config::KEYS };
        std::iter::once(&TOP).chain(Config::TABLES)
    }

    /// The file of the key that seals the others, default applied.
    pub fn master_key_path(&self) -> PathBuf {
        match &self.master_key_file {
            Some(file) => file.clone(),
            None => self.data_dir.join("master.key"),
        }
    }

    /// The base of every issuer, default applied, without a slash at the end.
    pub fn issuer_base(&self) -> String {
        if !self.public_url.is_empty() {
            return self.public_url.trim_end_matches('/').to_owned();
        }
        let scheme = if self.tls.files().is_some() { "https" } else { "http" };
        let mut reachable = self.listen;
        if reachable.ip().is_unspecified() {
            // "Every address" is not one a client can call.
            reachable.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        format!("{scheme}://{reachable}")
    }
}

impl TlsFiles {
    /// Certificate and key, where both are named.
    pub fn files(&self) -> Option<(&PathBuf, &PathBuf)> {
        self.certificate_file.as_ref().zip(self.key_file.as_ref())
    }
}

fn bytes(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).expect("a default of zero bytes would be a typing error here")
}

fn seconds(n: u64) -> NonZeroU64 {
    NonZeroU64::new(n).expect("a default of zero seconds would be a typing error here")
}

fn count(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("a default of none would be a typing error here")
}

macro_rules! durations {
    ($section:ident: $($method:ident from $key:ident),+) => {
        impl $section {
            $(pub fn $method(&self) -> std::time::Duration {
                std::time::Duration::from_secs(u64::from(self.$key))
            })+
        }
    };
}
durations!(Http:
    header_timeout from header_timeout_seconds,
    idle_timeout from idle_timeout_seconds,
    request_timeout from request_timeout_seconds,
    drain_time from drain_seconds
);
impl Signing {
    /// The same for the platform.
    pub fn schedule(&self) -> Schedule {
        Schedule {
            publish_before_use_seconds: i64::try_from(self.publish_before_use_seconds.get()).unwrap_or(i64::MAX),
            rotation_seconds: i64::from(self.rotation_days.get()) * 86_400,
        }
    }
}

durations!(Gate: flush_interval from flush_interval_seconds);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_base_is_an_address_a_client_can_call() {
        let mut config = Config::default();
        assert_eq!(config.issuer_base(), "http://127.0.0.1:7480");
        config.listen = "[::]:80".parse().unwrap();
        assert_eq!(config.issuer_base(), "http://127.0.0.1:80");
        config.tls.certificate_file = Some("c".into());
        config.tls.key_file = Some("k".into());
        assert_eq!(config.issuer_base(), "https://127.0.0.1:80");
        config.public_url = "https://auth.example.com/".into();
        assert_eq!(config.issuer_base(), "https://auth.example.com");
    }
}
