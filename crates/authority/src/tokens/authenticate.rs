//! Who asks for a token: an application, by a secret (RFC 6749 section 2.3.1).

use std::net::IpAddr;
use std::sync::Arc;

use super::Refused;
use crate::clock::Timestamp;
use crate::credential::{self, Class};
use crate::gate::{Client, ClientStatus, EnvironmentState};

/// An application that proved who it is, and with what.
pub struct Authenticated {
    pub client: Arc<Client>,
    /// Id of the minting credential: every token names it.
    pub credential: String,
}

/// What a stranger hears, whatever was wrong.
const UNKNOWN: Refused =
    Refused::InvalidClient("the client is not known, or it did not prove who it is: check client_id and client_secret");

/// Checks a client secret in memory. Whatever is wrong before the secret matched is told, and takes as long, as a wrong secret.
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
            (Some((client, known)), true) => refuse(client, known.is_revoked, known.expires_at, now).map(|()| {
                known.used.note(now, from);
                Authenticated { client: client.clone(), credential: known.text.clone() }
            }),
            _ => Err(UNKNOWN),
        };
        // What was read is from one state only if nothing was applied meanwhile.
        if environment.epoch() == epoch {
            return outcome;
        }
    }
}

fn refuse(client: &Client, is_revoked: bool, expires_at: Option<Timestamp>, now: Timestamp) -> Result<(), Refused> {
    let why = if client.status == ClientStatus::Revoked {
        "the application is revoked"
    } else if is_revoked {
        "the client secret is revoked"
    } else if expires_at.is_some_and(|end| end <= now) {
        "the client secret has expired: use a newer one"
    } else if client.status == ClientStatus::Disabled {
        "the application is disabled"
    } else if !client.organization_is_active {
        "the organization is suspended"
    } else {
        return Ok(());
    };
    Err(Refused::InvalidClient(why))
}
