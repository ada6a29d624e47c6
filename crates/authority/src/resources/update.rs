//! Changing a resource. A permission that keys or applications still hold does not vanish under them unasked.

use serde_json::json;

use super::{Permission, Resource, TokenDialect, create, find, sql};
use crate::access::{Caller, Permission as ManagementPermission};
use crate::authority::Authority;
use crate::db::{Change, Committed, params};
use crate::error::{Refusal, Result};
use crate::ids::ResourceId;
use crate::journal::Event;
use crate::page::check_revision;
use crate::text::{self, Violations};
use crate::{applications, keys};

/// What shall change; `permissions` replaces the whole catalogue.
#[derive(Clone, Debug, Default)]
pub struct Update {
    pub name: Option<String>,
    pub permissions: Option<Vec<Permission>>,
    pub token: Option<Option<TokenDialect>>,
    /// Take removed permissions from the keys and applications that hold them.
    pub cascade: bool,
}

pub async fn update(
    authority: &Authority,
    caller: &Caller,
    id: ResourceId,
    expected: Option<i64>,
    update: &Update,
) -> Result<Committed<Resource>> {
    caller.require(ManagementPermission::ResourcesWrite)?;
    let mut wrong = Violations::default();
    wrong.take("/name", text::optional(update.name.as_deref(), text::name));
    let permissions = update.permissions.as_ref().map(|permissions| create::check_permissions(&mut wrong, permissions));
    create::check_token(&mut wrong, update.token.as_ref().and_then(Option::as_ref));
    wrong.done()?;
    if update.cascade {
        caller.require(ManagementPermission::KeysUpdate)?;
        caller.require(ManagementPermission::ApplicationsUpdate)?;
    }
    let permissions = &permissions;
    let committed = authority
        .change(&caller.context, |tx, at| async move {
            let before = find(&tx, caller, id).await?;
            check_revision(expected, before.revision)?;
            let mut events = Vec::new();
            let mut narrowed = (0, 0);
            if let Some(permissions) = permissions {
                let kept = |name: &str| permissions.iter().any(|permission| permission.name == name);
                let removed: Vec<String> =
                    before.permissions.iter().map(|permission| permission.name.clone()).filter(|name| !kept(name)).collect();
                let keys = keys::holders(&tx, id, &removed).await?;
                let applications = applications::holders(&tx, id, &removed).await?;
                if !(update.cascade || keys.is_empty() && applications.is_empty()) {
                    let (keys, applications) = (keys.len() as i64, applications.len() as i64);
                    return Err(Refusal::PermissionsInUse { permissions: removed, keys, applications }.into());
                }
                narrowed = (keys.len(), applications.len());
                events = keys::take_away(&tx, &keys, &removed, at).await?;
                events.extend(applications::take_away(&tx, &applications, id, &removed, at).await?);
                sql::replace_permissions(&tx, id, permissions).await?;
            }
            let token = update.token.clone().unwrap_or_else(|| before.token.clone());
            tx.execute(
                "UPDATE resources SET name = $2, token = $3, revision = $4, updated_at = $5 WHERE id = $1",
                params![
                    id.to_string(),
                    update.name.as_ref().unwrap_or(&before.name),
                    token.map(|token| json!(token).to_string()),
                    before.revision + 1,
                    at,
                ],
            )
            .await?;
            let resource = find(&tx, caller, id).await?;
            let data = json!({
                "before": create::catalogue(&before.permissions),
                "after": create::catalogue(&resource.permissions),
                "narrowed_keys": narrowed.0,
                "narrowed_applications": narrowed.1,
            });
            events.push(Event::new("resource.updated", id, data));
            Ok(Change::Made(resource, events))
        })
        .await?;
    create::ensure_signer(authority, caller, committed.value.token.as_ref()).await;
    Ok(committed)
}

/// Removes a resource that no key and no application refers to any more.
pub async fn remove(authority: &Authority, caller: &Caller, id: ResourceId, expected: Option<i64>) -> Result<Committed<()>> {
    caller.require(ManagementPermission::ResourcesWrite)?;
    authority
        .change(&caller.context, |tx, _| async move {
            let resource = find(&tx, caller, id).await?;
            check_revision(expected, resource.revision)?;
            let (keys, applications) = (keys::of_resource(&tx, id).await?, applications::of_resource(&tx, id).await?);
            if keys + applications > 0 {
                let permissions = resource.permissions.into_iter().map(|permission| permission.name).collect();
                return Err(Refusal::PermissionsInUse { permissions, keys, applications }.into());
            }
            tx.execute("DELETE FROM resource_permissions WHERE resource_id = $1", params![id.to_string()]).await?;
            tx.execute("DELETE FROM resources WHERE id = $1", params![id.to_string()]).await?;
            Ok(Change::Made((), vec![Event::new("resource.deleted", id, json!({ "identifier": resource.identifier }))]))
        })
        .await
}
