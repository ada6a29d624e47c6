//! Certificates made here, served, replaced and spoiled.

use std::collections::BTreeSet;

use ::aws_lc_rs::rand::SystemRandom;
use ::aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{ServerName, UnixTime};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;

use super::*;
use crate::host::logs::tests::written_by;

/// DER, as far as a self-signed certificate needs it (RFC 5280 section 4.1).
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(len) if len < 0x80 => out.push(len),
        Ok(len) => out.extend([0x81, len]),
        Err(_) => {
            out.push(0x82);
            out.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        }
    }
    out.extend(content);
    out
}

/// A new self-signed certificate for localhost and its key, both PEM.
fn self_signed() -> (String, String) {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref()).unwrap();
    let ecdsa_with_sha256 = der(0x30, &[&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
    let p256 = der(0x30, &[&[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]]);
    let public_key = der(0x30, &[&p256, &der(3, &[&[0], pair.public_key().as_ref()])]);
    let validity = der(0x30, &[&der(0x17, &[b"200101000000Z"]), &der(0x17, &[b"491231235959Z"])]);
    let nobody = der(0x30, &[]);
    let names = der(4, &[&der(0x30, &[&der(0x82, &[b"localhost"])])]);
    let extensions = der(0xa3, &[&der(0x30, &[&der(0x30, &[&[6, 3, 0x55, 0x1d, 0x11], &names])])]);
    let version_3 = der(0xa0, &[&[2, 1, 2]]);
    let body = der(0x30, &[&version_3, &[2, 1, 1], &ecdsa_with_sha256, &nobody, &validity, &nobody, &public_key, &extensions]);
    let signature = pair.sign(&random, &body).unwrap();
    let certificate = der(0x30, &[&body, &ecdsa_with_sha256, &der(3, &[&[0], signature.as_ref()])]);
    (pem("CERTIFICATE", &certificate), pem("PRIVATE KEY", key.as_ref()))
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64::engine::general_purpose::STANDARD.encode(der))
}

/// A folder with certificate and key.
pub struct Pair(tempfile::TempDir);

impl Pair {
    pub fn new() -> Self {
        let pair = Self(tempfile::tempdir().unwrap());
        pair.replace();
        pair
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn replace(&self) {
        let (certificate, key) = self_signed();
        std::fs::write(self.path("cert.pem"), certificate).unwrap();
        std::fs::write(self.path("key.pem"), key).unwrap();
    }

    pub fn load(&self) -> Certificates {
        Certificates::load(self.path("cert.pem"), self.path("key.pem")).unwrap()
    }
}

/// Accepts any certificate: which one was served is what the tests ask.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A client that trusts anybody and offers these protocols.
pub fn connector(protocols: &[&str]) -> TlsConnector {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().dangerous();
    let mut config = builder.with_custom_certificate_verifier(Arc::new(Anybody)).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

pub fn localhost() -> ServerName<'static> {
    "localhost".try_into().unwrap()
}

/// The certificate that a new connection is served.
async fn served(certificates: &Certificates) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let server = listener.accept().await.unwrap().0;
    let (server, client) = tokio::join!(certificates.acceptor().accept(server), connector(&[]).connect(localhost(), client));
    server.unwrap();
    client.unwrap().get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn a_new_certificate_is_served_once_it_is_read() {
    let pair = Pair::new();
    let certificates = pair.load();
    let old = served(&certificates).await;
    pair.replace();
    assert_eq!(served(&certificates).await, old);
    certificates.0.refresh(false);
    assert_ne!(served(&certificates).await, old);
}

#[tokio::test]
async fn a_bad_new_certificate_keeps_the_old_one_and_is_told_once() {
    let pair = Pair::new();
    let certificates = pair.load();
    let old = served(&certificates).await;
    let good = std::fs::read(pair.path("cert.pem")).unwrap();
    let spoils: [(&str, Vec<u8>); 4] = [
        ("there is no certificate", Vec::new()),
        ("key.pem: keys", self_signed().0.into_bytes()),
        ("cert.pem", good[..good.len() / 2].to_vec()),
        ("key.pem: ", pem("CERTIFICATE", b"no certificate").into_bytes()),
    ];
    for (told, spoilt) in spoils {
        std::fs::write(pair.path("cert.pem"), spoilt).unwrap();
        let text = written_by(|| {
            certificates.0.refresh(false);
            certificates.0.refresh(false);
        });
        assert!(text.contains(told) && text.matches("not replaced").count() == 1, "{told}: {text}");
        assert_eq!(served(&certificates).await, old);
    }
    std::fs::remove_file(pair.path("cert.pem")).unwrap();
    certificates.0.refresh(true);
    assert_eq!(served(&certificates).await, old);
}

#[tokio::test]
async fn a_start_with_files_that_do_not_fit_is_refused() {
    let (one, other) = (Pair::new(), Pair::new());
    let error = Certificates::load(one.path("cert.pem"), other.path("key.pem")).unwrap_err();
    assert!(error.contains("cert.pem and ") && error.contains("key.pem: "), "{error}");
    let error = Certificates::load(one.path("cert.pem"), one.path("nothing.pem")).unwrap_err();
    assert!(error.contains("nothing.pem: No such file"), "{error}");
}

#[tokio::test]
async fn a_hangup_reads_the_files_again() {
    let pair = Pair::new();
    let certificates = pair.load();
    let mut all = BTreeSet::from([served(&certificates).await]);
    let (hang_up, hangups) = mpsc::channel(1);
    let hangups = futures_util::stream::unfold(hangups, async |mut hangups| hangups.recv().await.map(|()| ((), hangups)));
    let watching = crate::host::spawn::task("watch", certificates.clone().watch(hangups));
    for known in 2..4 {
        pair.replace();
        // The channel holds one: when the third is in, the first has been dealt with.
        for _ in 0..3 {
            hang_up.send(()).await.unwrap();
        }
        all.insert(served(&certificates).await);
        assert_eq!(all.len(), known);
    }
    watching.abort();
}

#[tokio::test(start_paused = true)]
async fn a_change_is_noticed_without_a_hangup() {
    let pair = Pair::new();
    let certificates = pair.load();
    let old = served(&certificates).await;
    let watching = crate::host::spawn::task("watch", certificates.clone().watch(futures_util::stream::empty()));
    tokio::time::sleep(LOOK_EVERY / 2).await; // of the test's clock
    pair.replace();
    tokio::time::sleep(LOOK_EVERY).await;
    assert_ne!(served(&certificates).await, old);
    watching.abort();
}
