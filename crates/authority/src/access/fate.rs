//! What a journal says became of management keys and operators after a backup, and bringing it back on the restored ones.
//! Only what takes access away is brought back.

use serde_json::{Value, json};

use super::{Role, operators, sql};
use crate::clock::Timestamp;
use crate::db::copy::Original;
use crate::db::{Error, Query as _, Select, Tx, params};
use crate::ids::EnvironmentId;
use crate::journal::Event;
use crate::keys::Status;
use crate::secrets::Retirement;

#[derive(Default)]
pub(crate) struct ManagementKeyFate {
    /// The reason, and the event that gave it.
    revoked: Option<(String, Original)>,
    retirement: Retirement,
    retired_by: Option<Original>,
}

impl ManagementKeyFate {
    /// Takes in an event; answers whether its kind is known.
    pub(crate) fn hear(&mut self, kind: &str, data: &Value, at: Timestamp, by: Original) -> bool {
        match kind {
            "management_key.revoked" => self.revoked = Some((data["reason"].as_str().unwrap_or("unspecified").to_owned(), by)),
            "management_key.rotated" => {
                self.retirement.rotated(at, time(&data["previous_secret_expires_at"]).unwrap_or(at));
                self.retired_by = Some(by);
            }
            "management_key.secrets_retired" => {
                self.retirement.retired(time(&data["current"]), time(&data["older"]));
                self.retired_by = Some(by);
            }
            _ => return false,
        }
        true
    }

    /// `None` when the key is not in the database.
    pub(crate) async fn apply(&self, tx: &Tx, environment: EnvironmentId, id: &str, at: Timestamp) -> Result<Option<Vec<Event>>, Error> {
        let Some(row) = tx.optional(sql::BY_ID, params![environment.to_string(), id]).await? else { return Ok(None) };
        let mut key = sql::management_key(&row);
        let mut events = Vec::new();
        if let Some(by) = &self.retired_by
            && self.retirement.apply(tx, id).await? > 0
        {
            let data = json!({ "current": self.retirement.current, "older": self.retirement.older });
            events.push(by.mark(Event::new("management_key.secrets_retired", id, data).of(key.organization_id)));
        }
        if let Some((reason, by)) = self.revoked.as_ref().filter(|_| key.status != Status::Revoked) {
            key.status = Status::Revoked;
            key.revoked_at = Some(at);
            key.revocation_reason = Some(reason.clone());
            events.push(by.mark(Event::new("management_key.revoked", id, json!({ "reason": reason })).of(key.organization_id)));
        }
        if !events.is_empty() {
            key.revision += 1;
            key.updated_at = at;
            sql::store(tx, &key).await?;
        }
        Ok(Some(events))
    }
}

#[derive(Default)]
pub(crate) struct OperatorFate {
    last: Option<(Value, Original)>,
}

impl OperatorFate {
    /// Takes in an event; answers whether its kind is known.
    pub(crate) fn hear(&mut self, kind: &str, data: &Value, by: Original) -> bool {
        self.last = Some((data["after"].clone(), by));
        kind == "operator.updated"
    }

    /// `None` when the operator is not in the database.
    pub(crate) async fn apply(&self, tx: &Tx, environment: EnvironmentId, id: &str, at: Timestamp) -> Result<Option<Vec<Event>>, Error> {
        let mut select = Select::new(sql::OPERATORS);
        select.and("environment_id = ?", params![environment.to_string()]).and("id = ?", params![id]);
        let Some(row) = select.optional(tx).await? else { return Ok(None) };
        let before = sql::operator(&row);
        let mut after = before.clone();
        let Some((said, by)) = &self.last else { return Ok(Some(Vec::new())) };
        let role: Option<Role> = said["role"].as_str().and_then(|role| role.parse().ok());
        if let Some(role) = role.filter(|role| before.role.permissions().beyond(role.permissions()).count() > 0) {
            after.role = role;
        }
        after.is_active = before.is_active && said["active"] != false;
        if (after.role, after.is_active) == (before.role, before.is_active) {
            return Ok(Some(Vec::new()));
        }
        after.revision += 1;
        after.updated_at = at;
        operators::store(tx, &after).await?;
        let data = json!({
            "before": { "role": before.role.as_str(), "active": before.is_active },
            "after": { "role": after.role.as_str(), "active": after.is_active },
        });
        Ok(Some(vec![by.mark(Event::new("operator.updated", id, data))]))
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(Timestamp::parse)
}
