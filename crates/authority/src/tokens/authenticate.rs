//! Who asks for a token: an application, by a secret (RFC 6749 section 2.3.1) or by an assertion that it signed (RFC 7523
//! section 2.2). Whatever is wrong before the proof held is told as one thing: a stranger learns nothing.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Refused, once, seconds};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::jose::{Compact, assertion};
use crate::credential::{self, Class};
use crate::error::Result;
use crate::gate::clients::{ClientCredential, ClientKey};
use crate::gate::{Client, ClientStatus, EnvironmentState};

/// An application that proved who it is, and with what.
pub struct Authenticated {
    pub client: Arc<Client>,
    /// Id of the minting credential: every token names it.
    pub credential: String,
}

/// What a stranger hears, whatever was wrong.
const UNKNOWN: Refused =
    Refused::InvalidClient("the client is not known, or it did not prove who it is: check client_id and its credential");

/// Checks a client secret in memory. An unknown client takes as long as a wrong secret.
pub fn authenticate(
    environment: &EnvironmentState,
    client_id: &str,
    secret: &str,
    from: Option<IpAddr>,
    now: Timestamp,
) -> Result<Authenticated, Refused> {
    let parsed = credential::parse(secret).map_err(|_| UNKNOWN)?;
    if parsed.class != Class::ClientSecret || parsed.prefix != environment.environment.load().key_prefix.as_str() {
        return Err(UNKNOWN);
    }
    loop {
        let epoch = environment.epoch();
        let client = environment.client(client_id);
        let client = client.as_ref();
        let known = client.and_then(|client| client.secrets.iter().find(|secret| secret.id == parsed.id));
        let is_right = environment.is_digest_of(&parsed, known.map(|known| (known.pepper, &known.digest)));
        let outcome = match (client.zip(known), is_right) {
            (Some((client, known)), true) => admit(client, &known.credential, from, now),
            _ => Err(UNKNOWN),
        };
        // What was read is from one state only if nothing was applied meanwhile.
        if environment.epoch() == epoch {
            return outcome;
        }
    }
}

/// Checks an assertion that the client signed, which works once. `client_id` is what the request says beside it.
pub async fn authenticate_by_assertion(
    authority: &Authority,
    environment: &EnvironmentState,
    client_id: Option<&str>,
    text: &str,
    from: Option<IpAddr>,
    now: Timestamp,
) -> Result<Result<Authenticated, Refused>> {
    let Ok(compact) = Compact::parse(text) else { return Ok(Err(UNKNOWN)) };
    let Some(subject) = compact.unverified_sub().filter(|subject| client_id.is_none_or(|named| named == subject)) else {
        return Ok(Err(UNKNOWN));
    };
    let Some(client) = environment.client(&subject) else { return Ok(Err(UNKNOWN)) };
    let verified = candidates(&client, &compact).find_map(|key| Some((key, compact.verified(&key.prepared).ok()?)));
    let Some((key, claims)) = verified else { return Ok(Err(UNKNOWN)) };
    let settings = environment.environment.load_full();
    let expected = assertion::Expected { issuer: &settings.issuer, client_id: &subject, now: seconds(now) };
    // The signature held, so the client may hear what is wrong with the rest.
    let good = match assertion::check(&claims, compact.typ(), &expected) {
        Ok(good) => good,
        Err(error) => return Ok(Err(Refused::InvalidAssertion(error.to_string()))),
    };
    let until = Timestamp::from_micros(good.exp.saturating_mul(1_000_000)).plus_seconds(1);
    if !once::first_use(&authority.db, environment.id, &format!("{subject}/{}", good.jti), until, now).await? {
        return Ok(Err(Refused::InvalidAssertion("its jti was used before: make a new assertion for every request".to_owned())));
    }
    let key = &key.credential.text;
    loop {
        // Once more from the beginning: all that took a while.
        let epoch = environment.epoch();
        let client = environment.client(&subject);
        let known = client.as_ref().and_then(|client| Some((client, client.keys.iter().find(|known| known.credential.text == *key)?)));
        let outcome = known.map_or(Err(UNKNOWN), |(client, known)| admit(client, &known.credential, from, now));
        if environment.epoch() == epoch {
            return Ok(outcome);
        }
    }
}

/// The keys that may have signed: the one that is named, or else every one of the algorithm.
fn candidates<'a>(client: &'a Client, compact: &'a Compact<'_>) -> impl Iterator<Item = &'a ClientKey> {
    let is_named = compact.kid().is_some_and(|kid| client.keys.iter().any(|key| key.is_named(kid)));
    let is_candidate = move |key: &&ClientKey| !is_named || compact.kid().is_some_and(|kid| key.is_named(kid));
    client.keys.iter().filter(is_candidate).filter(|key| key.prepared.algorithm() == compact.algorithm())
}

/// The proof held: is everything that it rests on in order?
fn admit(client: &Arc<Client>, credential: &ClientCredential, from: Option<IpAddr>, now: Timestamp) -> Result<Authenticated, Refused> {
    let why = if client.status == ClientStatus::Revoked {
        "the application is revoked"
    } else if credential.is_revoked {
        "this credential is revoked"
    } else if credential.expires_at.is_some_and(|end| end <= now) {
        "this credential has expired: use a newer one"
    } else if client.status == ClientStatus::Disabled {
        "the application is disabled"
    } else if !client.organization_is_active {
        "the organization is suspended"
    } else {
        credential.used.note(now, from);
        return Ok(Authenticated { client: client.clone(), credential: credential.text.clone() });
    };
    Err(Refused::InvalidClient(why))
}
