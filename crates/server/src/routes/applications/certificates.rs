//! `/v1/applications/{id}/certificates`

use axum::extract::State;
use claviger_api::applications as wire;
use claviger_api::list::List;
use claviger_authority::applications::credentials::certificates::{self, New};
use claviger_authority::applications::credentials::{self, Kind, MintingId};
use claviger_authority::ids::{ApplicationId, CertificateId};
use http::StatusCode;

use super::secrets::tokens;
use super::{bind, reason, view};
use crate::edge::caller::permission::{ApplicationsRead, ApplicationsRevoke, ApplicationsUpdate};
use crate::edge::request::PageQuery;
use crate::edge::{Caller, Id, IdempotencyKey, Ids, Json, Query, Versioned};
use crate::routes::{Answer, Shared};

/// The certificates of an application, oldest first.
#[utoipa::path(get, path = "/v1/applications/{id}/certificates", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("cursor" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = List<wire::ClientCertificate>)))]
pub async fn list(
    caller: Caller<ApplicationsRead>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
    Query(page): Query<PageQuery>,
) -> Answer<Json<List<wire::ClientCertificate>>> {
    let page = credentials::list(&app.authority, &caller, id, Kind::Certificate, &page.paging()).await?;
    let now = caller.context.now;
    Ok(Json::answer(List::new(page.data.iter().map(|certificate| view::certificate(certificate, now)).collect(), page.next_cursor)))
}

/// Adds a certificate: a self-signed one by its thumbprint, or any of an authority by its one subject.
#[utoipa::path(post, path = "/v1/applications/{id}/certificates", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::CreateClientCertificate, responses(
    (status = 201, body = wire::Created<wire::ClientCertificate>),
    (status = 200, description = "Made before with the same `Idempotency-Key`", body = wire::Created<wire::ClientCertificate>),
    (status = 409, description = "The application is revoked, or its organization not active", body = claviger_api::problem::Problem),
))]
pub async fn create(
    caller: Caller<ApplicationsUpdate>,
    State(app): Shared,
    Id(id): Id<ApplicationId>,
    key: IdempotencyKey,
    body: Json<wire::CreateClientCertificate>,
) -> Answer<Versioned<wire::Created<wire::ClientCertificate>>> {
    let idempotency = bind(&key, "certificates.create", id, &body.raw)?;
    let wanted = body.value;
    let new = New {
        name: wanted.name,
        method: wanted.method,
        certificate_pem: wanted.certificate_pem,
        x5t_s256: wanted.x5t_s256,
        subject_dn: wanted.subject_dn,
        san_dns: wanted.san_dns,
        san_uri: wanted.san_uri,
    };
    let made = certificates::create(&app.authority, &caller, id, &new, idempotency.as_ref()).await?;
    Ok(view::created(made, view::certificate))
}

/// One certificate.
#[utoipa::path(get, path = "/v1/applications/{id}/certificates/{credential_id}", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("credential_id" = String, Path, example = "crt_01kaxq2n6gf5t8y4cqz3m7w9xb")), responses((status = 200, body = wire::ClientCertificate)))]
pub async fn read(
    caller: Caller<ApplicationsRead>,
    State(app): Shared,
    Ids(id, certificate): Ids<ApplicationId, CertificateId>,
) -> Answer<Versioned<wire::ClientCertificate>> {
    let found = credentials::read(&app.authority, &caller, id, MintingId::Certificate(certificate)).await?;
    Ok(Versioned { status: StatusCode::OK, revision: found.revision, value: view::certificate(&found, caller.context.now) })
}

/// Ends a certificate for good. Its tokens live until they expire, unless `tokens` is `die` or it was a compromise.
#[utoipa::path(post, path = "/v1/applications/{id}/certificates/{credential_id}/revoke", tag = "applications", params(("id" = String, Path, example = "app_01kaxq2n6gf5t8y4cqz3m7w9xb"), ("credential_id" = String, Path, example = "crt_01kaxq2n6gf5t8y4cqz3m7w9xb")), request_body = wire::RevokeCredential, responses((status = 200, body = wire::Changed<wire::ClientCertificate>)))]
pub async fn revoke(
    caller: Caller<ApplicationsRevoke>,
    State(app): Shared,
    Ids(id, certificate): Ids<ApplicationId, CertificateId>,
    body: Json<wire::RevokeCredential>,
) -> Answer<Versioned<wire::Changed<wire::ClientCertificate>>> {
    let ending = (reason(&body.value.reason)?, body.value.comment.as_deref(), tokens(body.value.tokens.as_deref())?);
    let revoked = credentials::revoke(&app.authority, &caller, id, MintingId::Certificate(certificate), ending).await?;
    Ok(view::changed_credential(&revoked, view::certificate))
}
