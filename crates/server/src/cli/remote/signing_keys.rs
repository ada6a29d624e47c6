//! `claviger signing-keys`

use clap::Subcommand;
use serde_json::json;

use super::{Segment, body, text};
use crate::cli::client::{Call, Connection};
use crate::cli::{Environment, Outcome};

#[derive(Subcommand)]
pub enum SigningKeys {
    /// List signing keys, the active one of each algorithm first.
    List {
        #[command(flatten)]
        connection: Connection,
    },
    /// Let the standby sign from now on.
    Rotate {
        /// ES256, EdDSA, RS256 or PS256.
        algorithm: String,
        #[command(flatten)]
        connection: Connection,
    },
    /// End a key whose private half somebody else may have, and all that it signed.
    Compromise {
        // One in 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: Segment,
        /// Kept in the journal for ever.
        #[arg(long)]
        comment: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
}

impl SigningKeys {
    pub async fn run(self, environment: &Environment) -> Outcome {
        let path = "/v1/signing-keys";
        let (call, connection) = match self {
            Self::List { connection } => (Call::get(path), connection),
            Self::Rotate { algorithm, connection } => (Call::post(format!("{path}/rotate"), json!({ "algorithm": algorithm })), connection),
            Self::Compromise { kid, comment, connection } => {
                (Call::post(format!("{path}/{kid}/compromise"), body([("comment", text(&comment))])), connection)
            }
        };
        connection.print(environment, call, &["kid", "algorithm", "status", "usable_from", "activated_at", "retired_at"]).await
    }
}
