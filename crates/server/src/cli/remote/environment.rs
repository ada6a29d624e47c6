//! `claviger environment`

use clap::Subcommand;
use serde_json::json;

use super::{Segment, body, text};
use crate::cli::client::{Call, Connection};
use crate::cli::{self, Outcome};

#[derive(Subcommand)]
pub enum Environment {
    /// Make an environment.
    Create {
        slug: String,
        #[arg(long)]
        name: String,
        /// What its credentials begin with, such as acme_staging.
        #[arg(long)]
        key_prefix: String,
        #[arg(long)]
        issuer: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// List environments.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Change name or issuer.
    Update {
        slug: Segment,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        issuer: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
}

impl Environment {
    pub async fn run(self, environment: &cli::Environment) -> Outcome {
        let path = "/v1/environments";
        let (call, connection) = match self {
            Self::Create { slug, name, key_prefix, issuer, connection } => {
                let fields = [
                    ("slug", Some(json!(slug))),
                    ("name", Some(json!(name))),
                    ("key_prefix", Some(json!(key_prefix))),
                    ("issuer", text(&issuer)),
                ];
                (Call::post(path, body(fields)), connection)
            }
            Self::List { connection } => (Call::get(path), connection),
            Self::Update { slug, name, issuer, connection } => {
                (Call::patch(format!("{path}/{slug}"), body([("name", text(&name)), ("issuer", text(&issuer))])), connection)
            }
        };
        connection.print(environment, call, &["slug", "name", "key_prefix", "issuer", "id"]).await
    }
}
