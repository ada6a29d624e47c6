//! Starting, serving and stopping: the order of things from an empty folder to a drained process.

use std::future::Future;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use claviger_authority::access::keys;
use claviger_authority::clock::Clock;
use claviger_authority::credential::Secret;
use claviger_authority::db::{Location, PoolSizes};
use claviger_authority::gate::Code;
use claviger_authority::tokens::signing;
use claviger_authority::{Authority, Settings, seal};
use tokio::net::TcpListener;

use crate::app::App;
use crate::edge::service::{Conversation, Edge};
use crate::host::config::Config;
use crate::host::metrics::Metrics;
use crate::host::{listen, logs, notify, signals, spawn, tls};

/// How often the journal is looked at for changes of others.
const FOLLOW: Duration = Duration::from_millis(500);

/// How often it is looked whether a signing key has to be replaced.
const TEND: Duration = Duration::from_secs(60);

/// Serves until the process is told to stop.
pub fn run(mut config: Config) -> Result<(), String> {
    config.check().map_err(|error| error.to_string())?;
    logs::init(config.log.format, &config.log.level)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let listener = TcpListener::bind(config.listen).await.map_err(|error| format!("cannot listen on {}: {error}", config.listen))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        // Port 0 asks for any: from here on it is known which.
        config.listen = address;
        let server = Server::start(&config, Clock::System).await?;
        tracing::info!(%address, database = location(&config)?.engine(), version = env!("CARGO_PKG_VERSION"), "ready");
        server.serve(&config, listener, signals::terminate()).await
    })
}

/// A server that is open but does not serve yet.
pub struct Server {
    pub app: Arc<App>,
}

impl Server {
    /// Opens everything; at the very first start also hands out the first management key.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, String> {
        #[cfg(feature = "otlp")]
        let traces = crate::host::traces::Traces::start(config, clock.clone())?;
        let authority = open(config, clock).await?;
        let file = config.bootstrap_key_file.as_deref();
        keys::bootstrap(&authority, "live", true, |secret| hand_out(secret, file)).await.map_err(|error| error.to_string())?;
        let codes: Vec<&'static str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        let app = App {
            authority,
            metrics: Metrics::new(&codes),
            #[cfg(feature = "otlp")]
            traces,
            http: config.http.clone(),
            gateway: config.gateway.clone(),
        };
        Ok(Self { app: Arc::new(app) })
    }

    /// Serves until `stop`, then drains, writes what is counted, and closes.
    pub async fn serve(self, config: &Config, listener: TcpListener, stop: impl Future<Output = ()> + Send) -> Result<(), String> {
        let authority = self.app.authority.clone();
        let follower = spawn::task("follow the journal", follow(authority.clone()));
        let flusher = spawn::task("flush usage", flush(authority.clone(), Duration::from_secs(config.gate.flush_interval_seconds.get())));
        let tender = spawn::task("tend signing keys", tend(authority.clone()));
        let certificates = match (&config.tls.certificate_file, &config.tls.key_file) {
            (Some(certificate), Some(key)) => Some(tls::Certificates::load(certificate, key)?),
            _ => None,
        };
        // Also without TLS: a process that does not listen to SIGHUP is ended by it.
        let hangups = signals::hangups();
        let watcher = certificates.clone().map(|certificates| spawn::task("watch certificates", certificates.watch(hangups)));
        let watchdog = notify::watchdog().map(|watchdog| spawn::task("watchdog", watchdog));
        notify::ready();
        let edge = Arc::new(Edge::new(self.app.clone(), crate::router::router(self.app.clone())));
        let handler = move |peer| {
            let conversation = Arc::new(Conversation::new(edge.clone(), peer));
            move |request| conversation.clone().answer(request)
        };
        #[cfg(feature = "otlp")]
        let stopping_at = std::sync::atomic::AtomicU64::new(0);
        let stop = async {
            stop.await;
            #[cfg(feature = "otlp")]
            stopping_at.store(authority.clock.since_boot_nanos(), std::sync::atomic::Ordering::Relaxed);
            notify::stopping();
        };
        listen::serve(listener, certificates, limits(config), handler, stop).await;
        follower.abort();
        flusher.abort();
        tender.abort();
        for task in [watcher, watchdog].into_iter().flatten() {
            task.abort();
        }
        #[cfg(feature = "otlp")]
        if let Some(traces) = &self.app.traces {
            let drained = Duration::from_nanos(authority.clock.since_boot_nanos().saturating_sub(stopping_at.into_inner()));
            traces.finish(config.http.drain_time().saturating_sub(drained)).await;
        }
        authority.close().await.map_err(|error| format!("the last counters could not be written: {error}"))
    }
}

fn limits(config: &Config) -> listen::Limits {
    let http = &config.http;
    listen::Limits {
        header_timeout: Duration::from_secs(http.header_timeout_seconds.get()),
        idle_timeout: Duration::from_secs(http.idle_timeout_seconds.get()),
        answer_timeout: Duration::from_secs(http.request_timeout_seconds.get()),
        max_connections: http.max_connections.get() as usize,
        max_headers: http.max_headers.get() as usize,
        max_header_bytes: http.max_header_bytes.get() as usize,
        drain: Duration::from_secs(http.drain_seconds),
    }
}

async fn follow(authority: Arc<Authority>) {
    loop {
        tokio::time::sleep(FOLLOW).await;
        if let Err(error) = authority.follow_journal().await {
            tracing::warn!(%error, "the journal cannot be followed at the moment");
        }
    }
}

async fn tend(authority: Arc<Authority>) {
    loop {
        tokio::time::sleep(TEND).await;
        if let Err(error) = signing::tick(&authority, authority.clock.now()).await {
            tracing::warn!(%error, "signing keys could not be tended; it is tried again");
        }
    }
}

async fn flush(authority: Arc<Authority>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if let Err(error) = authority.flush_usage().await {
            tracing::warn!(%error, "usage could not be written; it is kept and tried again");
        }
    }
}

/// Opens the platform as the configuration says.
pub async fn open(config: &Config, clock: Clock) -> Result<Arc<Authority>, String> {
    let settings = Settings {
        location: location(config)?,
        pools: PoolSizes { sqlite_readers: config.sqlite.max_connections.get(), postgres: config.postgres.max_connections.get() },
        master_key_file: master_key_file(config),
        key_prefix: config.key_prefix.clone(),
        public_url: public_url(config),
        gate_memory_bytes: config.gate.memory_budget_bytes.get(),
        signing: config.signing.schedule(),
        clock,
    };
    Authority::open(settings).await.map_err(|error| error.to_string())
}

pub fn location(config: &Config) -> Result<Location, String> {
    match config.database.expose() {
        "" => Ok(Location::Sqlite(config.data_dir.join("claviger.db"))),
        address => Location::parse(address).map_err(|error| error.to_string()),
    }
}

pub fn master_key_file(config: &Config) -> PathBuf {
    config.master_key_path()
}

pub fn public_url(config: &Config) -> String {
    config.issuer_base()
}

/// Shows a management key once: in the file named, which must not be there yet, or else on the terminal. Never in a log.
pub fn hand_out(secret: &Secret, file: Option<&Path>) -> std::io::Result<()> {
    match file {
        // A start that failed after this point leaves a file whose key was never stored: it is replaced.
        Some(file) => {
            if file.exists() {
                std::fs::remove_file(file)?;
            }
            seal::write_private(file, secret.expose())
        }
        None => {
            // Whoever does not get to see it must not be left with a key that nobody has.
            let mut terminal = std::io::stdout().lock();
            writeln!(terminal, "The first management key, shown only this once:\n\n    {}\n", secret.expose())?;
            terminal.flush()
        }
    }
}
