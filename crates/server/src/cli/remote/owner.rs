//! `claviger owner`

use clap::Subcommand;
use serde_json::json;

use super::{Page, Segment, body, text};
use crate::cli::client::{Call, Connection};
use crate::cli::{Environment, Outcome};

#[derive(Subcommand)]
pub enum Owner {
    /// Name an owner.
    Create {
        name: String,
        #[arg(long)]
        email: String,
        /// `person` or `team`.
        #[arg(long, default_value = "person")]
        r#type: String,
        /// The customer it belongs to.
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// List owners.
    List {
        #[arg(long)]
        status: Option<String>,
        #[arg(long, value_name = "ID")]
        organization: Option<String>,
        #[arg(long)]
        search: Option<String>,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show one owner.
    Show {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
    /// Change name or e-mail.
    Update {
        id: Segment,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        email: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// The owner leaves; says which credentials are orphaned by it.
    Depart {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
    /// Give every credential of one owner to another.
    Transfer {
        id: Segment,
        /// Who gets them.
        #[arg(long, value_name = "ID")]
        to: String,
        #[command(flatten)]
        connection: Connection,
    },
}

const COLUMNS: &[&str] = &["id", "name", "type", "email", "status", "organization_id"];

impl Owner {
    pub async fn run(self, environment: &Environment) -> Outcome {
        let path = "/v1/owners";
        let (call, connection) = match self {
            Self::Create { name, email, r#type, organization, connection } => {
                let fields = [
                    ("name", Some(json!(name))),
                    ("email", Some(json!(email))),
                    ("type", Some(json!(r#type))),
                    ("organization_id", text(&organization)),
                ];
                (Call::post(path, body(fields)), connection)
            }
            Self::List { status, organization, search, page, connection } => {
                let call = Call::get(path).query("status", &status).query("organization_id", &organization).query("search", &search);
                (page.of(call), connection)
            }
            Self::Show { id, connection } => (Call::get(format!("{path}/{id}")), connection),
            Self::Update { id, name, email, connection } => {
                (Call::patch(format!("{path}/{id}"), body([("name", text(&name)), ("email", text(&email))])), connection)
            }
            Self::Depart { id, connection } => (Call::post(format!("{path}/{id}/depart"), json!({})), connection),
            Self::Transfer { id, to, connection } => {
                (Call::post(format!("{path}/{id}/transfer"), json!({ "to_owner_id": to })), connection)
            }
        };
        connection.print(environment, call, COLUMNS).await
    }
}
