//! `claviger org`

use clap::Subcommand;
use serde_json::json;

use super::{Page, Segment, body, text};
use crate::cli::client::{Call, Connection};
use crate::cli::{Environment, Outcome};

#[derive(Subcommand)]
pub enum Org {
    /// Make an organization.
    Create {
        name: String,
        /// Your own id of it.
        #[arg(long)]
        external_id: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// List organizations.
    List {
        #[arg(long)]
        status: Option<String>,
        #[arg(long)]
        search: Option<String>,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show one organization.
    Show {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
    /// Change its name or external id.
    Update {
        id: Segment,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        external_id: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Silence every credential of it until it is resumed.
    Suspend {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
    /// Let its credentials work again.
    Resume {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
    /// Revoke every credential of it and close it for good.
    Offboard {
        id: Segment,
        /// Only tell how many credentials would end.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        connection: Connection,
    },
}

const COLUMNS: &[&str] = &["id", "name", "status", "external_id", "created_at"];

impl Org {
    pub async fn run(self, environment: &Environment) -> Outcome {
        let path = "/v1/organizations";
        let (call, connection) = match self {
            Self::Create { name, external_id, connection } => {
                (Call::post(path, body([("name", Some(json!(name))), ("external_id", text(&external_id))])), connection)
            }
            Self::List { status, search, page, connection } => {
                (page.of(Call::get(path).query("status", &status).query("search", &search)), connection)
            }
            Self::Show { id, connection } => (Call::get(format!("{path}/{id}")), connection),
            Self::Update { id, name, external_id, connection } => {
                (Call::patch(format!("{path}/{id}"), body([("name", text(&name)), ("external_id", text(&external_id))])), connection)
            }
            Self::Suspend { id, connection } => (Call::post(format!("{path}/{id}/suspend"), json!({})), connection),
            Self::Resume { id, connection } => (Call::post(format!("{path}/{id}/resume"), json!({})), connection),
            Self::Offboard { id, dry_run, connection } => {
                (Call::post(format!("{path}/{id}/offboard"), json!({ "dry_run": dry_run })), connection)
            }
        };
        connection.print(environment, call, COLUMNS).await
    }
}
