//! `claviger resource`

use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use super::{Page, Segment, body, text};
use crate::cli::client::{Call, Connection};
use crate::cli::{Environment, Outcome};

#[derive(Subcommand)]
pub enum Resource {
    /// Describe a protected API.
    Create {
        /// Its absolute URI, such as https://api.example.com.
        identifier: String,
        #[arg(long)]
        name: String,
        /// NAME=RISK, such as posts:write=high; repeat for more.
        #[arg(long = "permission", value_name = "NAME=RISK")]
        permissions: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// List resources.
    List {
        #[arg(long)]
        search: Option<String>,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show one resource.
    Show {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
    /// Change its name or its whole catalogue of permissions.
    Update {
        id: Segment,
        #[arg(long)]
        name: Option<String>,
        /// NAME=RISK; what is not listed is removed.
        #[arg(long = "permission", value_name = "NAME=RISK")]
        permissions: Vec<String>,
        /// Take removed permissions from the keys that hold them.
        #[arg(long)]
        cascade: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Remove a resource that no key belongs to.
    Delete {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
}

const COLUMNS: &[&str] = &["id", "identifier", "name", "revision"];

impl Resource {
    pub async fn run(self, environment: &Environment) -> Outcome {
        let path = "/v1/resources";
        let (call, connection) = match self {
            Self::Create { identifier, name, permissions, connection } => {
                let permissions = catalogue(&permissions)?;
                (Call::post(path, json!({ "identifier": identifier, "name": name, "permissions": permissions })), connection)
            }
            Self::List { search, page, connection } => (page.of(Call::get(path).query("search", &search)), connection),
            Self::Show { id, connection } => (Call::get(format!("{path}/{id}")), connection),
            Self::Update { id, name, permissions, cascade, connection } => {
                let permissions = if permissions.is_empty() { None } else { Some(catalogue(&permissions)?) };
                let fields = [("name", text(&name)), ("permissions", permissions), ("cascade", Some(json!(cascade)))];
                (Call::patch(format!("{path}/{id}"), body(fields)), connection)
            }
            Self::Delete { id, connection } => {
                (Call { method: Method::DELETE, path: format!("{path}/{id}"), query: Vec::new(), body: None }, connection)
            }
        };
        connection.print(environment, call, COLUMNS).await
    }
}

fn catalogue(permissions: &[String]) -> Result<Value, String> {
    let permission = |text: &String| {
        let (name, risk) = text.rsplit_once('=').ok_or_else(|| format!("{text:?} is not NAME=RISK: say low, medium, high or critical"))?;
        Ok::<_, String>(json!({ "name": name, "risk": risk }))
    };
    permissions.iter().map(permission).collect::<Result<Vec<_>, _>>().map(Value::from)
}
