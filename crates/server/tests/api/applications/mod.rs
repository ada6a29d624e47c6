//! `/v1/applications`: the life of an application and of its credentials.

mod credentials;
mod life;
mod secrets;

use serde_json::{Value, json};

use crate::support::{Claviger, Tenant, text};

pub const API: &str = "https://api.example.com";

pub async fn application(claviger: &Claviger, tenant: &Tenant, more: Value) -> Value {
    claviger.post("/v1/applications", tenant.application(more)).await.expect(201)
}

/// The address of a new application that may read posts.
pub async fn path(claviger: &Claviger, tenant: &Tenant) -> String {
    format!("/v1/applications/{}", text(&application(claviger, tenant, json!({})).await, "id"))
}

/// Kind and data of every event of the application, but the first.
pub async fn events(claviger: &Claviger, path: &str) -> Vec<(String, Value)> {
    let id = path.trim_start_matches("/v1/applications/");
    let events = claviger.get(&format!("/v1/journal?subject={id}")).await.expect(200);
    events["data"].as_array().expect("a list").iter().skip(1).map(|event| (text(event, "kind"), event["data"].clone())).collect()
}

/// Subjects whose tokens are refused, from the database: what introspection will ask.
pub async fn dead_tokens(claviger: &Claviger) -> Vec<String> {
    use claviger_authority::db::Query as _;
    let rows = claviger.authority().db().all("SELECT subject FROM token_revocations ORDER BY subject", vec![]).await.expect("rows");
    rows.iter().map(|row| row.text("subject")).collect()
}
