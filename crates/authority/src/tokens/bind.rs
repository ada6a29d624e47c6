//! Binding a token to a key of its holder (DPoP, RFC 9449): who steals the token alone has nothing.

use super::{Refused, once, seconds};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::jose::dpop;
use crate::error::Result;
use crate::gate::{Client, EnvironmentState};

/// The thumbprint of the key that the token shall be bound to (`cnf.jkt`), from the proof that came with the request to `url`.
pub async fn bind(
    authority: &Authority,
    environment: &EnvironmentState,
    client: &Client,
    proof: Option<&str>,
    url: &str,
    now: Timestamp,
) -> Result<Result<Option<String>, Refused>> {
    let Some(proof) = proof else {
        let is_needed = client.require_dpop;
        let why = "this application gets bound tokens only: send a DPoP proof in the header DPoP";
        return Ok(if is_needed { Err(Refused::InvalidProof(why.to_owned())) } else { Ok(None) });
    };
    let expected = dpop::Expected { method: "POST", url, now: seconds(now), access_token: None };
    let proof = match dpop::check(proof, &expected) {
        Ok(proof) => proof,
        Err(error) => return Ok(Err(Refused::InvalidProof(error.to_string()))),
    };
    // As long as another look at its time could still find it good.
    let until = Timestamp::from_micros(proof.iat.saturating_mul(1_000_000)).plus_seconds(dpop::MAX_AGE + dpop::MAX_AHEAD + 1);
    let id = format!("dpop/{}/{}", proof.thumbprint, proof.jti);
    if !once::first_use(&authority.db, environment.id, &id, until, now).await? {
        return Ok(Err(Refused::InvalidProof("its jti was used before: make a new proof for every request".to_owned())));
    }
    Ok(Ok(Some(proof.thumbprint)))
}
