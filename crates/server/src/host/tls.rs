//! TLS of the listener: certificate and key from files, read again without a restart.
//! A bad new certificate never replaces a good old one.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::{Stream, StreamExt as _};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at: `cert-manager`, certbot and others replace them without a signal.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The certificate in use, and where the next one will be.
#[derive(Clone, Debug)]
pub struct Certificates(Arc<Files>);

#[derive(Debug)]
struct Files {
    certificate_file: PathBuf,
    key_file: PathBuf,
    current: ArcSwap<CertifiedKey>,
    /// The files as they were last read, whether that went well or not.
    seen: Mutex<State>,
}

impl Certificates {
    /// Reads both files (PEM), which must fit together.
    pub fn load(certificate_file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Result<Self, String> {
        let (certificate_file, key_file) = (certificate_file.into(), key_file.into());
        // Looked at before they are read: a change in between is seen as a change later.
        let seen = Mutex::new(State::of(&certificate_file, &key_file));
        let current = ArcSwap::from_pointee(read(&certificate_file, &key_file)?);
        Ok(Self(Arc::new(Files { certificate_file, key_file, current, seen })))
    }

    /// Accepts TLS 1.2 and 1.3, for HTTP/2 and HTTP/1.1, always with the certificate of the moment.
    pub fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("the provider supports the default versions").with_no_client_auth();
        let mut config = builder.with_cert_resolver(self.0.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// Reads the files again at each hangup, and when they have changed. Runs until it is aborted.
    pub async fn watch(self, hangups: impl Stream<Item = ()> + Send) {
        let mut hangups = pin!(hangups.fuse());
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_asked = tokio::select! {
                Some(()) = hangups.next() => true,
                _ = looks.tick() => false,
            };
            let files = self.0.clone();
            // Files may be on a network that hangs; a worker thread must not.
            let _ = tokio::task::spawn_blocking(move || files.refresh(is_asked)).await;
        }
    }
}

impl Files {
    fn refresh(&self, is_asked: bool) {
        let now = State::of(&self.certificate_file, &self.key_file);
        let before = std::mem::replace(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner), now);
        if before == now && !is_asked {
            return;
        }
        match read(&self.certificate_file, &self.key_file) {
            Ok(certified) => {
                self.current.store(Arc::new(certified));
                tracing::info!(file = %self.certificate_file.display(), "TLS certificate read again");
            }
            Err(error) => tracing::error!(error, "TLS certificate not replaced; the old one stays in use"),
        }
    }
}

impl ResolvesServerCert for Files {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// What tells a replaced file from the same one. The inode is in it because a replacement may keep time and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State([Option<(u64, u64, i64, i64)>; 2]);

impl State {
    fn of(certificate_file: &Path, key_file: &Path) -> Self {
        let marks = |file: Metadata| (file.ino(), file.len(), file.mtime(), file.mtime_nsec());
        Self([certificate_file, key_file].map(|path| path.metadata().ok().map(marks)))
    }
}

fn read(certificate_file: &Path, key_file: &Path) -> Result<CertifiedKey, String> {
    let content = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content(certificate_file)?).collect();
    let certificates = certificates.map_err(|error| format!("{}: {error}", certificate_file.display()))?;
    if certificates.is_empty() {
        return Err(format!("{}: there is no certificate in it (PEM)", certificate_file.display()));
    }
    let key = zeroize::Zeroizing::new(content(key_file)?);
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| format!("{}: {error}", key_file.display()))?;
    CertifiedKey::from_der(certificates, key, &aws_lc_rs::default_provider())
        .map_err(|error| format!("{} and {}: {error}", certificate_file.display(), key_file.display()))
}

#[cfg(test)]
pub(super) mod tests;
