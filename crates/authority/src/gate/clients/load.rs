//! Rows of applications as clients.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Client, ClientCredential, ClientGrant, ClientKey, ClientSecret, ClientStatus, Clients};
use crate::credential::jose::{Algorithm, PublicJwk, VerifyingKey};
use crate::db::{Db, Error, Row, Select, params};
use crate::ids::{ApplicationId, ClientSecretId, OrganizationId, OwnerId};
use crate::limits::{Gcra, RateLimit};
use crate::secrets::stored_digest;

/// Which applications of an environment to read.
pub enum Which<'a> {
    All,
    Ids(&'a [String]),
    OfOrganizations(&'a [String]),
    OfResources(&'a [String]),
}

impl Which<'_> {
    pub fn is_empty(&self) -> bool {
        match self {
            Self::All => false,
            Self::Ids(ids) | Self::OfOrganizations(ids) | Self::OfResources(ids) => ids.is_empty(),
        }
    }
}

const APPLICATIONS: &str = "
    SELECT a.id, a.organization_id, g.status AS organization_status, a.owner_id, a.status, a.token_lifetime_seconds,
           a.require_dpop, a.ratelimit
    FROM applications a
    JOIN organizations g ON g.id = a.organization_id";

const GRANTS: &str = "
    SELECT a.id, r.identifier, r.token, p.permission
    FROM applications a
    JOIN application_permissions p ON p.application_id = a.id
    JOIN resources r ON r.id = p.resource_id";

const CREDENTIALS: &str = "
    SELECT a.id, c.id AS credential_id, c.kind, c.material, c.status, c.expires_at, s.digest, s.pepper_version
    FROM applications a
    JOIN application_credentials c ON c.application_id = a.id
    LEFT JOIN secrets s ON s.credential_id = c.id";

/// Reads applications; running limits and uses are taken over from `resident`.
pub async fn clients(db: &Db, environment: &str, which: &Which<'_>, resident: &Clients) -> Result<Vec<Arc<Client>>, Error> {
    let applications = select(db, APPLICATIONS, environment, which, "\nORDER BY a.id").await?;
    if applications.is_empty() {
        return Ok(Vec::new());
    }
    let grants = by_application(select(db, GRANTS, environment, which, "\nORDER BY a.id, r.identifier, p.permission").await?);
    let credentials = by_application(select(db, CREDENTIALS, environment, which, "\nORDER BY a.id, c.created_at DESC").await?);
    let none = Vec::new();
    Ok(applications
        .iter()
        .map(|row| {
            let id = row.text("id");
            let before = resident.pin().get(&ApplicationId::stored(&id)).cloned();
            Arc::new(client(row, grants.get(&id).unwrap_or(&none), credentials.get(&id).unwrap_or(&none), before.as_deref()))
        })
        .collect())
}

async fn select(db: &Db, base: &'static str, environment: &str, which: &Which<'_>, order: &'static str) -> Result<Vec<Row>, Error> {
    let ids = |ids: &[String]| ids.iter().map(|id| id.as_str().into()).collect();
    let mut select = Select::new(base);
    select.and("a.environment_id = ?", params![environment]);
    match which {
        Which::All => &mut select,
        Which::Ids(wanted) => select.and_in("a.id", ids(wanted)),
        Which::OfOrganizations(wanted) => select.and_in("a.organization_id", ids(wanted)),
        Which::OfResources(wanted) => {
            select.and("a.id IN (SELECT application_id FROM application_permissions WHERE", vec![]);
            select.push_in(" resource_id", ids(wanted)).push(")", vec![])
        }
    };
    select.push(order, vec![]);
    select.all(db).await
}

fn by_application(rows: Vec<Row>) -> HashMap<String, Vec<Row>> {
    let mut grouped: HashMap<String, Vec<Row>> = HashMap::new();
    for row in rows {
        grouped.entry(row.text("id")).or_default().push(row);
    }
    grouped
}

fn client(row: &Row, grants: &[Row], credentials: &[Row], before: Option<&Client>) -> Client {
    let text = row.text("id");
    let organization_text = row.text("organization_id");
    let rate = row.opt_json("ratelimit").map(|limit: RateLimit| {
        let running = before.and_then(|before| before.rate.clone()).filter(|gcra| gcra.limit() == limit);
        running.unwrap_or_else(|| Arc::new(Gcra::new(limit)))
    });
    Client {
        id: ApplicationId::stored(&text),
        text,
        organization: OrganizationId::stored(&organization_text),
        organization_text,
        organization_is_active: row.text("organization_status") == "active",
        owner: OwnerId::stored(&row.text("owner_id")),
        status: match row.text("status").as_str() {
            "active" => ClientStatus::Active,
            "disabled" => ClientStatus::Disabled,
            _ => ClientStatus::Revoked,
        },
        token_lifetime_seconds: row.opt_int("token_lifetime_seconds"),
        require_dpop: row.int("require_dpop") != 0,
        rate,
        grants: grants_of(grants),
        secrets: of_kind(credentials, "client_secret").filter_map(|row| secret(row, before)).collect(),
        keys: of_kind(credentials, "public_key").filter_map(|row| key(row, before)).collect(),
    }
}

/// Rows of one resource lie together, one per permission; an empty name stands for no permission at all.
fn grants_of(rows: &[Row]) -> Vec<ClientGrant> {
    let mut grants: Vec<ClientGrant> = Vec::new();
    for row in rows {
        let resource = row.text("identifier");
        if grants.last().is_none_or(|grant| grant.resource != resource) {
            grants.push(ClientGrant { resource, permissions: Vec::new(), dialect: row.opt_json("token") });
        }
        let permission = row.text("permission");
        if !permission.is_empty() {
            grants.last_mut().expect("pushed above").permissions.push(permission);
        }
    }
    grants
}

fn of_kind<'a>(rows: &'a [Row], kind: &'a str) -> impl Iterator<Item = &'a Row> {
    rows.iter().filter(move |row| row.text("kind") == kind)
}

fn credential(row: &Row, before: Option<&Client>) -> ClientCredential {
    let text = row.text("credential_id");
    let used = before.and_then(|before| before.credentials().find(|credential| credential.text == text));
    ClientCredential {
        used: used.map(|before| before.used.clone()).unwrap_or_default(),
        text,
        expires_at: row.opt_time("expires_at"),
        is_revoked: row.text("status") != "active",
    }
}

fn secret(row: &Row, before: Option<&Client>) -> Option<ClientSecret> {
    let pepper = row.opt_int("pepper_version")? as u16;
    let credential = credential(row, before);
    Some(ClientSecret { id: ClientSecretId::stored(&credential.text).0, digest: stored_digest(row), pepper, credential })
}

/// A key by its JWK; one by address is not read here.
fn key(row: &Row, before: Option<&Client>) -> Option<ClientKey> {
    let material: Value = row.json("material");
    let jwk = material.get("jwk")?;
    // Registered keys were checked; RSA keys are for PS256.
    let public = PublicJwk::parse(jwk, Algorithm::Ps256).ok()?;
    Some(ClientKey {
        prepared: VerifyingKey::new(&public).ok()?,
        thumbprint: public.thumbprint(),
        kid: jwk.get("kid").and_then(Value::as_str).map(str::to_owned),
        credential: credential(row, before),
    })
}
