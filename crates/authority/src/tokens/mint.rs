//! Signing an access token. Nothing is stored: what it may do stands in it, and who minted it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::claims::{self, About};
use super::{Ask, Authenticated, Refused, grant};
use crate::authority::Authority;
use crate::clock::Timestamp;
use crate::credential::jose::Algorithm;
use crate::gate::EnvironmentState;

/// A new access token.
pub struct Minted {
    /// The JWT in compact form.
    pub token: String,
    pub jti: String,
    pub expires_in_seconds: i64,
    /// The permissions, separated by spaces.
    pub scope: String,
}

/// Grants and signs. `bound_to` is the thumbprint of the holder's key, if the token shall be bound; `now` is when the request came.
pub async fn mint(
    authority: &Authority,
    environment: &EnvironmentState,
    authenticated: &Authenticated,
    ask: &Ask<'_>,
    bound_to: Option<&str>,
    now: Timestamp,
) -> Result<Minted, Refused> {
    let client = &authenticated.client;
    let granted = grant(client, ask)?;
    client.take_token(now).map_err(Refused::TooMany)?;
    let algorithm: Algorithm =
        granted.alg.parse().map_err(|_| Refused::Unavailable("the resource wants an algorithm that is not known"))?;
    let key = authority.signing_keys.signer(environment.id, algorithm).ok_or(Refused::Unavailable("no key can sign at the moment"))?;
    let jti = URL_SAFE_NO_PAD.encode(authority.rng.bytes::<16>());
    let settings = environment.environment.load();
    let about = About {
        issuer: &settings.issuer,
        client_id: &client.text,
        organization: &client.organization_text,
        credential: &authenticated.credential,
        jti: &jti,
        bound_to,
        now,
    };
    let header = format!("{{\"alg\":\"{algorithm}\",\"typ\":\"{}\",\"kid\":\"{}\"}}", granted.typ, key.kid());
    let claims = claims::write(&about, &granted);
    let signature_bytes = match algorithm {
        Algorithm::Es256 | Algorithm::EdDsa => 64,
        Algorithm::Rs256 | Algorithm::Ps256 => 384,
    };
    // In one piece: what grows is copied on the way.
    let mut token = String::with_capacity((header.len() + claims.len() + signature_bytes + 3 * 3) * 4 / 3);
    URL_SAFE_NO_PAD.encode_string(header, &mut token);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(claims, &mut token);
    let signature = key.sign(now, token.as_bytes()).await.map_err(|error| {
        tracing::error!(%error, "no access token can be signed");
        Refused::Unavailable("the signature could not be made")
    })?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(Minted { token, jti, expires_in_seconds: granted.lifetime_seconds, scope: granted.permissions.join(" ") })
}
