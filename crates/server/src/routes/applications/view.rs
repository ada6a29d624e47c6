//! Applications and their credentials as they go over the wire.

use claviger_api::applications as wire;
use claviger_authority::applications::Application;
use claviger_authority::applications::credentials::Credential;
use claviger_authority::clock::Timestamp;
use claviger_authority::db::Committed;
use http::StatusCode;
use serde_json::Value;

use super::text;
use crate::edge::Versioned;
use crate::routes::api_keys::view::{effect, revocation};

pub fn application(application: Application) -> wire::Application {
    wire::Application {
        id: text(application.id),
        status: text(application.status.as_str()),
        organization_id: text(application.organization_id),
        owner_id: text(application.owner_id),
        name: application.name,
        purpose: application.purpose,
        resources: application
            .grants
            .into_iter()
            .map(|grant| wire::ApplicationResource { identifier: grant.identifier, permissions: grant.permissions })
            .collect(),
        token_lifetime_seconds: application.token_lifetime_seconds,
        require_dpop: application.require_dpop,
        ratelimit: application
            .ratelimit
            .map(|rate| claviger_api::api_keys::RateLimit { limit: rate.limit, window_seconds: rate.window_seconds }),
        metadata: application.metadata,
        tags: application.tags,
        revocation: application.revocation.map(revocation),
        created_by: application.created_by,
        revision: application.revision,
        created_at: text(application.created_at),
        updated_at: text(application.updated_at),
    }
}

/// A change of an application that is in force.
pub fn changed(committed: Committed<Application>) -> Versioned<wire::ChangedApplication> {
    let (effect, revision) = (effect(&committed), committed.value.revision);
    Versioned { status: StatusCode::OK, revision, value: wire::ChangedApplication { application: application(committed.value), effect } }
}

/// What every credential is.
fn credential(credential: &Credential, now: Timestamp) -> wire::ApplicationCredential {
    wire::ApplicationCredential {
        id: text(credential.id),
        kind: text(credential.id.kind().as_str()),
        lifecycle: "minting".to_owned(),
        status: text(credential.status_at(now).as_str()),
        application_id: text(credential.application_id),
        name: credential.name.clone(),
        hint: credential.hint.clone(),
        expires_at: credential.expires_at.map(text),
        revocation: credential.revocation.as_ref().map(|revocation| wire::CredentialRevocation {
            revoked_at: text(revocation.at),
            reason: text(revocation.reason.as_str()),
            comment: revocation.comment.clone(),
        }),
        created_by: credential.created_by.clone(),
        last_used_at: credential.last_used_at.map(text),
        last_used_from: credential.last_used_from.clone(),
        use_count: credential.use_count,
        revision: credential.revision,
        created_at: text(credential.created_at),
        updated_at: text(credential.updated_at),
    }
}

pub fn client_secret(secret: &Credential, now: Timestamp) -> wire::ClientSecret {
    wire::ClientSecret { credential: credential(secret, now), stored_in: secret.stored_in.clone() }
}

pub fn client_key(key: &Credential, now: Timestamp) -> wire::ClientKey {
    wire::ClientKey { credential: credential(key, now), jwk: key.material.get("jwk").cloned(), jwks_uri: part(&key.material, "jwks_uri") }
}

pub fn certificate(certificate: &Credential, now: Timestamp) -> wire::ClientCertificate {
    let material = &certificate.material;
    wire::ClientCertificate {
        credential: credential(certificate, now),
        method: part(material, "method").unwrap_or_default(),
        x5t_s256: part(material, "x5t_s256"),
        subject_dn: part(material, "subject_dn"),
        san_dns: part(material, "san_dns"),
        san_uri: part(material, "san_uri"),
    }
}

pub fn trust(trust: &Credential, now: Timestamp) -> wire::Trust {
    let material = &trust.material;
    let claims = material["claims"].as_object().into_iter().flatten();
    wire::Trust {
        credential: credential(trust, now),
        issuer: part(material, "issuer").unwrap_or_default(),
        audience: part(material, "audience").unwrap_or_default(),
        subject: part(material, "subject"),
        claims: claims.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
        jwks_uri: part(material, "jwks_uri"),
    }
}

fn part(material: &Value, field: &str) -> Option<String> {
    material[field].as_str().map(str::to_owned)
}

/// Status and code of a create.
pub fn made(is_new: bool) -> (StatusCode, &'static str) {
    if is_new { (StatusCode::CREATED, "CREATED") } else { (StatusCode::OK, "ALREADY_CREATED") }
}

/// A credential just made, as `view` shows it.
pub fn created<T>(committed: Committed<(Credential, bool)>, view: impl FnOnce(&Credential, Timestamp) -> T) -> Versioned<wire::Created<T>> {
    let (credential, is_new) = committed.value;
    let (status, code) = made(is_new);
    let value = wire::Created { credential: view(&credential, committed.at), code: code.to_owned(), journal_seq: committed.journal_seq };
    Versioned { status, revision: credential.revision, value }
}

/// A change of a credential that is in force, as `view` shows it.
pub fn changed_credential<T>(
    committed: &Committed<Credential>,
    view: impl FnOnce(&Credential, Timestamp) -> T,
) -> Versioned<wire::Changed<T>> {
    let value = wire::Changed { credential: view(&committed.value, committed.at), effect: effect(committed) };
    Versioned { status: StatusCode::OK, revision: committed.value.revision, value }
}
