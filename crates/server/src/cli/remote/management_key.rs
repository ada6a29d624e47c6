//! `claviger management-key`

use clap::Subcommand;
use serde_json::json;

use super::{Page, Segment, body, text, texts};
use crate::cli::client::{Call, Connection};
use crate::cli::{Environment, Outcome};

#[derive(Subcommand)]
pub enum ManagementKey {
    /// Make a management key; its secret is printed this once.
    Create {
        name: String,
        #[arg(long, value_name = "ID")]
        owner: String,
        #[arg(long, value_name = "ID")]
        operator: Option<String>,
        /// Bind it to one organization.
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
        /// A management permission such as keys:create; repeat for more.
        #[arg(long = "permission")]
        permissions: Vec<String>,
        /// viewer, operator, security or administrator: stands for its permissions.
        #[arg(long)]
        role: Option<String>,
        /// A permission that it may give to API keys; repeat for more. Without any, all.
        #[arg(long = "grantable")]
        grantable: Vec<String>,
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// List management keys.
    List {
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        connection: Connection,
    },
    /// A new secret for the same key.
    Rotate {
        id: Segment,
        /// For how long the old secret works on.
        #[arg(long, default_value_t = 0)]
        overlap_seconds: i64,
        #[command(flatten)]
        connection: Connection,
    },
    /// End a management key.
    Revoke {
        id: Segment,
        #[arg(long, default_value = "unspecified")]
        reason: String,
        #[command(flatten)]
        connection: Connection,
    },
}

impl ManagementKey {
    pub async fn run(self, environment: &Environment) -> Outcome {
        let path = "/v1/management-keys";
        let (call, connection) = match self {
            Self::Create { name, owner, operator, organization, permissions, role, grantable, expires_at, connection } => {
                let fields = [
                    ("name", Some(json!(name))),
                    ("owner_id", Some(json!(owner))),
                    ("operator_id", text(&operator)),
                    ("organization_id", text(&organization)),
                    ("permissions", texts(&permissions)),
                    ("role", text(&role)),
                    ("grantable", texts(&grantable)),
                    ("expires_at", text(&expires_at)),
                ];
                (Call::post(path, body(fields)), connection)
            }
            Self::List { page, connection } => (page.of(Call::get(path)), connection),
            Self::Rotate { id, overlap_seconds, connection } => {
                (Call::post(format!("{path}/{id}/rotate"), json!({ "overlap_seconds": overlap_seconds })), connection)
            }
            Self::Revoke { id, reason, connection } => (Call::post(format!("{path}/{id}/revoke"), json!({ "reason": reason })), connection),
        };
        connection.print(environment, call, &["id", "name", "status", "owner_id", "permissions", "last_used_at"]).await
    }
}
