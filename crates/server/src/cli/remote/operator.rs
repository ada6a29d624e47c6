//! `claviger operator`

use clap::Subcommand;
use serde_json::json;

use super::{Page, Segment, body, text};
use crate::cli::client::{Call, Connection};
use crate::cli::{Environment, Outcome};

#[derive(Subcommand)]
pub enum Operator {
    /// Name an operator.
    Create {
        name: String,
        #[arg(long)]
        email: String,
        /// viewer, operator, security or administrator.
        #[arg(long)]
        role: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// List operators.
    List {
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        connection: Connection,
    },
    /// Change role or name, or let the operator go or come back.
    Update {
        id: Segment,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        role: Option<String>,
        #[arg(long)]
        active: Option<bool>,
        #[command(flatten)]
        connection: Connection,
    },
}

impl Operator {
    pub async fn run(self, environment: &Environment) -> Outcome {
        let path = "/v1/operators";
        let (call, connection) = match self {
            Self::Create { name, email, role, connection } => {
                (Call::post(path, json!({ "name": name, "email": email, "role": role })), connection)
            }
            Self::List { page, connection } => (page.of(Call::get(path)), connection),
            Self::Update { id, name, role, active, connection } => {
                let fields = [("name", text(&name)), ("role", text(&role)), ("active", active.map(|active| json!(active)))];
                (Call::patch(format!("{path}/{id}"), body(fields)), connection)
            }
        };
        connection.print(environment, call, &["id", "name", "email", "role", "active"]).await
    }
}
