//! What a journal says became of an organization after a backup, and bringing it back on the restored one.
//! Its keys have events of their own.

use serde_json::json;

use super::{Status, sql};
use crate::clock::Timestamp;
use crate::db::copy::Original;
use crate::db::{Error, Query as _, Tx, params};
use crate::ids::EnvironmentId;
use crate::journal::Event;

#[derive(Default)]
pub(crate) struct OrganizationFate {
    last: Option<(Status, Original)>,
}

impl OrganizationFate {
    /// Takes in an event; answers whether its kind is known.
    pub(crate) fn hear(&mut self, kind: &str, by: Original) -> bool {
        let status = match kind {
            "organization.suspended" => Status::Suspended,
            "organization.resumed" => Status::Active,
            "organization.offboarded" => Status::Offboarded,
            _ => return false,
        };
        self.last = Some((status, by));
        true
    }

    /// `None` when the organization is not in the database.
    pub(crate) async fn apply(&self, tx: &Tx, environment: EnvironmentId, id: &str, at: Timestamp) -> Result<Option<Vec<Event>>, Error> {
        let Some(row) = tx.optional(sql::BY_ID, params![environment.to_string(), id]).await? else { return Ok(None) };
        let mut organization = sql::organization(&row);
        let Some((status, by)) = &self.last else { return Ok(Some(Vec::new())) };
        let kind = match (organization.status, status) {
            (Status::Active, Status::Suspended) => "organization.suspended",
            (Status::Active | Status::Suspended, Status::Offboarded) => "organization.offboarded",
            _ => return Ok(Some(Vec::new())),
        };
        let data = json!({ "before": organization.status.as_str(), "after": status.as_str() });
        organization.status = *status;
        organization.status_changed_at = at;
        organization.updated_at = at;
        organization.revision += 1;
        sql::store(tx, &organization).await?;
        Ok(Some(vec![by.mark(Event::new(kind, id, data).of(organization.id))]))
    }
}
