//! How a client says who it is: HTTP Basic or parameters in the body (RFC 6749 section 2.3.1), one of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use zeroize::Zeroizing;

use super::form::Form;
use super::refusal::Refusal;

/// What a client presented.
pub struct Presented {
    pub client_id: String,
    pub secret: Zeroizing<String>,
    pub by_basic: bool,
}

impl Presented {
    /// # Errors
    /// `invalid_request` when there is more than one way, `invalid_client` when there is none.
    pub fn read(headers: &HeaderMap, form: &Form) -> Result<Self, Refusal> {
        let basic = basic(headers)?;
        match (basic, form.get("client_id"), form.get("client_secret")) {
            (Some(basic), client_id, None) => {
                // Some clients repeat the id beside Basic; another one there is an attempt to confuse.
                if client_id.is_some_and(|client_id| client_id != basic.client_id) {
                    return Err(Refusal::invalid_request("client_id in the body is another than in Authorization").with_basic(true));
                }
                Ok(basic)
            }
            (Some(_), _, Some(_)) => {
                Err(Refusal::invalid_request("two ways of authenticating at once: send the secret by HTTP Basic or in the body")
                    .with_basic(true))
            }
            (None, Some(client_id), Some(secret)) => {
                Ok(Self { client_id: client_id.to_owned(), secret: Zeroizing::new(secret.to_owned()), by_basic: false })
            }
            (None, _, _) => Err(Refusal::no_client()),
        }
    }
}

fn basic(headers: &HeaderMap) -> Result<Option<Presented>, Refusal> {
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
    Ok(Some(Presented { client_id, secret: Zeroizing::new(secret), by_basic: true }))
}

/// Form-decoding of one value.
fn decode(text: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&format!("v={}", text.replace('&', "%26"))).ok()?;
    pairs.into_iter().next().map(|(_, value)| value)
}
