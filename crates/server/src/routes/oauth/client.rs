//! How a client says who it is: a secret by HTTP Basic or in the body (RFC 6749 section 2.3.1), or an assertion (RFC 7523
//! section 2.2); one of them.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_authority::gate::EnvironmentRef;
use claviger_authority::tokens::{self, Authenticated};
use http::{HeaderMap, header};
use zeroize::Zeroizing;

use super::form::Form;
use super::refusal::Refusal;
use crate::app::App;

/// What a client presented.
pub enum Presented {
    Secret { client_id: String, secret: Zeroizing<String>, by_basic: bool },
    Assertion { client_id: Option<String>, assertion: Zeroizing<String> },
}

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Presented {
    /// # Errors
    /// `invalid_request` when there is more than one way, `invalid_client` when there is none.
    pub fn read(headers: &HeaderMap, form: &Form) -> Result<Self, Refusal> {
        let basic = basic(headers)?;
        if let Some(assertion) = form.get("client_assertion") {
            if basic.is_some() || form.get("client_secret").is_some() {
                return Err(two_ways());
            }
            if form.get("client_assertion_type") != Some(JWT_BEARER) {
                return Err(Refusal::invalid_request(format!("client_assertion_type must be {JWT_BEARER}")));
            }
            let client_id = form.get("client_id").map(str::to_owned);
            return Ok(Self::Assertion { client_id, assertion: Zeroizing::new(assertion.to_owned()) });
        }
        match (basic, form.get("client_id"), form.get("client_secret")) {
            (Some((basic, secret)), client_id, None) => {
                // Some clients repeat the id beside Basic; another one there is an attempt to confuse.
                if client_id.is_some_and(|client_id| client_id != basic) {
                    return Err(Refusal::invalid_request("client_id in the body is another than in Authorization").with_basic(true));
                }
                Ok(Self::Secret { client_id: basic, secret, by_basic: true })
            }
            (Some(_), _, Some(_)) => Err(two_ways()),
            (None, Some(client_id), Some(secret)) => {
                Ok(Self::Secret { client_id: client_id.to_owned(), secret: Zeroizing::new(secret.to_owned()), by_basic: false })
            }
            (None, _, _) => Err(Refusal::no_client()),
        }
    }
}

impl Presented {
    /// Finds out whether the client is who it says.
    pub async fn authenticate(&self, app: &App, environment: &EnvironmentRef, from: IpAddr) -> Result<Authenticated, Refusal> {
        let now = app.authority.clock.now();
        match self {
            Self::Secret { client_id, secret, by_basic } => tokens::authenticate(environment, client_id, secret, Some(from), now)
                .map_err(|refused| Refusal::from(refused).with_basic(*by_basic)),
            Self::Assertion { client_id, assertion } => {
                let client_id = client_id.as_deref();
                Ok(tokens::authenticate_by_assertion(&app.authority, environment, client_id, assertion, Some(from), now).await??)
            }
        }
    }
}

fn two_ways() -> Refusal {
    Refusal::invalid_request("two ways of authenticating at once: send one of HTTP Basic, client_secret and client_assertion")
}

/// Client id and secret.
fn basic(headers: &HeaderMap) -> Result<Option<(String, Zeroizing<String>)>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::invalid_request("the header Authorization came twice"));
    }
    let malformed =
        || Refusal::invalid_request("the header Authorization is not of the form Basic base64(client_id:client_secret)").with_basic(true);
    let value = value.to_str().map_err(|_| malformed())?;
    let encoded = match value.split_at_checked(6) {
        Some((scheme, encoded)) if scheme.eq_ignore_ascii_case("basic ") => encoded.trim(),
        _ => return Err(malformed()),
    };
    let decoded = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| malformed())?);
    let text = std::str::from_utf8(&decoded).map_err(|_| malformed())?;
    // At the first colon, then form-decoded: with our alphabet, encoded and raw values come out the same.
    let (client_id, secret) = text.split_once(':').ok_or_else(malformed)?;
    let (client_id, secret) = (decode(client_id).ok_or_else(malformed)?, decode(secret).ok_or_else(malformed)?);
    Ok(Some((client_id, Zeroizing::new(secret))))
}

/// Form-decoding of one value.
fn decode(text: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&format!("v={}", text.replace('&', "%26"))).ok()?;
    pairs.into_iter().next().map(|(_, value)| value)
}
