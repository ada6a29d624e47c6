//! Keys that sign whatever a test wants signed, well-formed or not. They are new in every run.

use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claviger_credential::jose::{Algorithm, Claims, Compact, PublicJwk, VerifyingKey};

pub struct Signer {
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(Arc<RsaKeyPair>),
}

impl Signer {
    /// One signer of each algorithm. PS256 and RS256 share their key pair, which no real key may.
    pub fn of_each_algorithm() -> [Signer; 4] {
        let rsa = Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
        Algorithm::ALL.map(|algorithm| Signer {
            algorithm,
            pair: match algorithm {
                Algorithm::Es256 => Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
                Algorithm::EdDsa => Pair::Ed(Ed25519KeyPair::generate().unwrap()),
                Algorithm::Rs256 | Algorithm::Ps256 => Pair::Rsa(rsa.clone()),
            },
        })
    }

    pub fn ed25519() -> Signer {
        Signer { algorithm: Algorithm::EdDsa, pair: Pair::Ed(Ed25519KeyPair::generate().unwrap()) }
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub fn jwk(&self) -> PublicJwk {
        match &self.pair {
            Pair::Ec(pair) => PublicJwk::from_p256_point(pair.public_key().as_ref()).unwrap(),
            Pair::Ed(pair) => PublicJwk::from_ed25519(pair.public_key().as_ref().try_into().unwrap()),
            Pair::Rsa(pair) => {
                // PKCS #1: SEQUENCE { INTEGER of 257 bytes, INTEGER 65537 }.
                let n = &pair.public_key().as_ref()[8..265];
                PublicJwk::from_rsa(self.algorithm, n, &[1, 0, 1]).unwrap()
            }
        }
    }

    pub fn key(&self) -> VerifyingKey {
        VerifyingKey::new(&self.jwk()).unwrap()
    }

    /// The public key in the encodings with which libraries were tricked into HMAC.
    pub fn public_encodings(&self) -> Vec<Vec<u8>> {
        let (raw, der) = match &self.pair {
            Pair::Ec(pair) => (pair.public_key().as_ref().to_vec(), pair.public_key().as_der().unwrap().as_ref().to_vec()),
            Pair::Ed(pair) => (pair.public_key().as_ref().to_vec(), pair.public_key().as_der().unwrap().as_ref().to_vec()),
            Pair::Rsa(pair) => (pair.public_key().as_ref().to_vec(), pair.public_key().as_der().unwrap().as_ref().to_vec()),
        };
        let base64 = base64::engine::general_purpose::STANDARD.encode(&der);
        let lines: Vec<&str> = (0..base64.len()).step_by(64).map(|at| &base64[at..(at + 64).min(base64.len())]).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
        let jwk = self.jwk();
        vec![
            raw,
            der,
            pem.clone().into_bytes(),
            format!("{pem}\n").into_bytes(),
            jwk.published().to_string().into_bytes(),
            jwk.thumbprint().into_bytes(),
            Vec::new(),
        ]
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding = if self.algorithm == Algorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// A token of any two texts, rightly signed.
    pub fn token(&self, header: &str, payload: impl AsRef<[u8]>) -> String {
        self.signed(&format!("{}.{}", encode(header), encode(payload)))
    }

    /// A token of any first two parts, rightly signed.
    pub fn signed(&self, signing_input: &str) -> String {
        format!("{signing_input}.{}", encode(self.sign(signing_input.as_bytes())))
    }

    /// A header that names the algorithm and has these members besides.
    pub fn header(&self, members: &str) -> String {
        let comma = if members.is_empty() { "" } else { "," };
        format!("{{\"alg\":\"{}\"{comma}{members}}}", self.algorithm)
    }

    /// These claims, as whoever verified them sees them.
    pub fn claims(&self, payload: &str) -> Claims {
        Compact::parse(&self.token(&self.header(""), payload)).unwrap().verified(&self.key()).unwrap()
    }
}

pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
