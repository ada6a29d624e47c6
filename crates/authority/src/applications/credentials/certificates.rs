//! Certificates of an application (RFC 8705): one it signed itself, known by its thumbprint, or any that an authority
//! issued to one subject.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Addition, Credential, MintingId, addresses};
use crate::access::{Caller, Permission};
use crate::authority::Authority;
use crate::db::Committed;
use crate::error::Result;
use crate::idempotency::Idempotency;
use crate::ids::{ApplicationId, CertificateId};
use crate::text::{self, Violations};

#[derive(Clone, Debug, Default)]
pub struct New {
    pub name: Option<String>,
    /// `self_signed` or `tls_client_auth`.
    pub method: String,
    pub certificate_pem: Option<String>,
    /// SHA-256 of the certificate's DER, as base64url.
    pub x5t_s256: Option<String>,
    pub subject_dn: Option<String>,
    pub san_dns: Option<String>,
    pub san_uri: Option<String>,
}

const MOST: usize = 10;

pub async fn create(
    authority: &Authority,
    caller: &Caller,
    application: ApplicationId,
    new: &New,
    idempotency: Option<&Idempotency>,
) -> Result<Committed<(Credential, bool)>> {
    caller.require(Permission::ApplicationsUpdate)?;
    let mut wrong = Violations::default();
    let name = wrong.take("/name", text::name(new.name.as_deref().unwrap_or("Certificate")));
    let (hint, material) = match new.method.as_str() {
        "self_signed" => self_signed(&mut wrong, new),
        "tls_client_auth" => subject(&mut wrong, new),
        _ => {
            wrong.add("/method", "must be self_signed or tls_client_auth");
            Default::default()
        }
    };
    wrong.done()?;
    let id = MintingId::Certificate(CertificateId::new(caller.context.now, authority.rng));
    let told = json!({ "method": material["method"] });
    let addition = Addition { id, name, hint, material, expires_at: None, told, most: MOST };
    super::add(authority, caller, application, &addition, idempotency).await
}

/// Hint and material of a certificate that is known by its thumbprint.
fn self_signed(wrong: &mut Violations, new: &New) -> (String, Value) {
    for (pointer, value) in [("/subject_dn", &new.subject_dn), ("/san_dns", &new.san_dns), ("/san_uri", &new.san_uri)] {
        if value.is_some() {
            wrong.add(pointer, "is only for tls_client_auth");
        }
    }
    let thumbprint = match (&new.certificate_pem, &new.x5t_s256) {
        (Some(pem), None) => wrong.take("/certificate_pem", thumbprint(pem)),
        (None, Some(thumbprint)) => wrong.take("/x5t_s256", check_thumbprint(thumbprint)),
        _ => {
            wrong.add("/certificate_pem", "give either the certificate (certificate_pem) or its thumbprint (x5t_s256)");
            String::new()
        }
    };
    (thumbprint.chars().take(8).collect(), json!({ "method": "self_signed", "x5t_s256": thumbprint }))
}

/// Hint and material of a certificate that is known by exactly one subject (RFC 8705 section 2.1.2).
fn subject(wrong: &mut Violations, new: &New) -> (String, Value) {
    for (pointer, value) in [("/certificate_pem", &new.certificate_pem), ("/x5t_s256", &new.x5t_s256)] {
        if value.is_some() {
            wrong.add(pointer, "is only for self_signed");
        }
    }
    let (field, value) = match (&new.subject_dn, &new.san_dns, &new.san_uri) {
        (Some(name), None, None) => ("subject_dn", wrong.take("/subject_dn", distinguished_name(name))),
        (None, Some(name), None) => {
            let checked = addresses::dns_name(name).map(|()| name.to_ascii_lowercase());
            ("san_dns", wrong.take("/san_dns", checked))
        }
        (None, None, Some(uri)) => ("san_uri", wrong.take("/san_uri", text::resource_identifier(uri))),
        _ => {
            wrong.add("/subject_dn", "give exactly one of subject_dn, san_dns and san_uri");
            Default::default()
        }
    };
    (value.chars().take(40).collect(), json!({ "method": "tls_client_auth", field: value }))
}

/// SHA-256 of the DER in the one certificate of a PEM text (RFC 7468), as base64url.
fn thumbprint(pem: &str) -> Result<String, String> {
    if pem.contains("PRIVATE KEY") {
        return Err("holds a private key: send the certificate only, and consider this key leaked".to_owned());
    }
    let one = "must be one certificate, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----";
    let body = pem.trim().strip_prefix("-----BEGIN CERTIFICATE-----").and_then(|rest| rest.strip_suffix("-----END CERTIFICATE-----"));
    let body: String = body.ok_or(one)?.split_ascii_whitespace().collect();
    let der = STANDARD.decode(body).map_err(|_| one)?;
    if !is_certificate(&der) {
        return Err("is not a certificate in DER (RFC 5280)".to_owned());
    }
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(&der)))
}

fn check_thumbprint(text: &str) -> Result<String, String> {
    match URL_SAFE_NO_PAD.decode(text) {
        Ok(bytes) if bytes.len() == 32 => Ok(text.to_owned()),
        _ => Err("must be a SHA-256 as base64url without padding: 43 characters".to_owned()),
    }
}

/// The outer shape, to its last byte: a sequence of what is signed, the algorithm, and the signature's bits.
fn is_certificate(der: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    const BIT_STRING: u8 = 0x03;
    let certificate = || {
        let (content, rest) = element(der, SEQUENCE)?;
        let (signed, tail) = element(content, SEQUENCE)?;
        let (_, tail) = element(tail, SEQUENCE)?;
        let (signature, tail) = element(tail, BIT_STRING)?;
        Some(rest.is_empty() && tail.is_empty() && !signed.is_empty() && signature.len() > 1)
    };
    certificate().unwrap_or(false)
}

/// The content of an element with this tag, and what follows it. Lengths are the shortest there are (X.690 section 10.1).
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [first, length, rest @ ..] = der else { return None };
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let long = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            (Some(long).filter(|long| bytes[0] != 0 && *long > 0x7f)?, rest)
        }
        _ => return None,
    };
    if *first == tag { rest.split_at_checked(length) } else { None }
}

/// A distinguished name in the form of RFC 4514: attributes with values, separated by commas.
fn distinguished_name(text: &str) -> Result<String, String> {
    let text = text::external_id(text)?;
    let is_type = |name: &str| {
        let name = name.trim();
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
    };
    // An escaped comma or plus belongs to its value.
    let plain = text.replace("\\\\", "__").replace("\\,", "__").replace("\\+", "__").replace("\\=", "__");
    let good =
        plain.split([',', '+']).all(|part| part.split_once('=').is_some_and(|(name, value)| is_type(name) && !value.trim().is_empty()));
    if good { Ok(text) } else { Err("is not a distinguished name such as CN=billing,O=Example (RFC 4514)".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_known_by_its_der_and_nothing_else_is_taken_for_one() {
        // SEQUENCE { SEQUENCE { NULL }, SEQUENCE {}, BIT STRING 0 bits unused, one byte }
        let der = [0x30, 0x0a, 0x30, 0x02, 0x05, 0x00, 0x30, 0x00, 0x03, 0x02, 0x00, 0xff];
        assert!(is_certificate(&der));
        for end in 0..der.len() {
            assert!(!is_certificate(&der[..end]), "cut off at {end}");
        }
        assert!(!is_certificate(&[&der[..], &[0]].concat()), "something behind it");
        // The same length in a longer form.
        assert!(!is_certificate(&[&[0x30, 0x81, 0x0a], &der[2..]].concat()));
        let pem = |der: &[u8]| format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der));
        assert_eq!(thumbprint(&pem(&der)), Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(der))));
        assert!(thumbprint(&pem(&der[1..])).is_err());
        assert!(thumbprint(&[pem(&der), pem(&der)].concat()).is_err(), "one, not two");
        assert!(thumbprint("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----").is_err_and(|words| words.contains("leaked")));
    }

    #[test]
    fn distinguished_names_are_attributes_with_values() {
        for good in ["CN=billing", "CN=billing,O=Example", "CN=Doe\\, John,O=Example", "2.5.4.3=x+OU=y"] {
            assert_eq!(distinguished_name(good), Ok(good.to_owned()));
        }
        for bad in ["", "billing", "CN=", "CN=a,,O=b", "CN=a,", "=a", "C N=a"] {
            assert!(distinguished_name(bad).is_err(), "{bad}");
        }
    }
}
