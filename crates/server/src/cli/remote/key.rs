//! `claviger key`

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use super::{Page, Segment, body, text, texts};
use crate::cli::client::{Call, Client, Connection};
use crate::cli::output::{Format, say};
use crate::cli::{Environment, Outcome};

#[derive(Subcommand)]
pub enum Key {
    /// Issue a key; its secret is printed this once.
    Create {
        /// What people call it.
        name: String,
        /// The customer that it is for.
        #[arg(long, value_name = "ID")]
        organization: String,
        /// Who answers for it.
        #[arg(long, value_name = "ID")]
        owner: String,
        /// What it is used for.
        #[arg(long)]
        purpose: Option<String>,
        /// Identifier of the resource.
        #[arg(long, value_name = "URI")]
        resource: Option<String>,
        /// A permission of the resource, such as posts:read; repeat for more.
        #[arg(long = "permission", value_name = "NAME")]
        permissions: Vec<String>,
        /// When it ends by itself, such as 2027-01-01T00:00:00Z.
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        /// A network it may be used from; repeat for more.
        #[arg(long = "allow", value_name = "CIDR")]
        allowed_cidrs: Vec<String>,
        /// For searching; repeat for more.
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// The inventory.
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show one key, its secrets' last uses and its exercised permissions.
    Show {
        id: Segment,
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
    /// End a rotation's overlap now.
    DropPreviousSecrets {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
    /// Switch a key off for a while.
    Disable {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
    /// Switch it on again.
    Enable {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
    /// End a key.
    Revoke {
        id: Segment,
        #[arg(long, default_value = "unspecified")]
        reason: String,
        #[arg(long)]
        comment: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Take an accidental revocation back, within 30 minutes.
    UndoRevocation {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
    /// End every key that the filter finds.
    RevokeMatching {
        #[command(flatten)]
        filter: Filter,
        #[arg(long)]
        reason: String,
        #[arg(long)]
        comment: Option<String>,
        /// Only tell which.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Take over keys of another system by their digests: a file of one JSON object a line.
    Import {
        file: PathBuf,
        #[command(flatten)]
        connection: Connection,
    },
    /// Write the inventory, never a secret.
    Export {
        /// ndjson or csv.
        #[arg(long, default_value = "ndjson")]
        format: String,
        /// Without it standard output.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        connection: Connection,
    },
}

/// Which keys: every part that is given must hold.
#[derive(clap::Args, Clone, Debug)]
pub struct Filter {
    /// active, disabled, expired or revoked.
    #[arg(long)]
    status: Option<String>,
    #[arg(long = "in-organization", value_name = "ID")]
    organization_id: Option<String>,
    #[arg(long = "of-owner", value_name = "ID")]
    owner_id: Option<String>,
    #[arg(long = "with-permission", value_name = "NAME")]
    permission: Option<String>,
    #[arg(long = "with-tag", value_name = "TAG")]
    tag: Option<String>,
    /// Such as 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    expiring_before: Option<String>,
    /// Neither used nor made since, such as 2027-01-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    unused_since: Option<String>,
    #[arg(long)]
    search: Option<String>,
}

impl Filter {
    fn parts(&self) -> [(&'static str, &Option<String>); 8] {
        [
            ("status", &self.status),
            ("organization_id", &self.organization_id),
            ("owner_id", &self.owner_id),
            ("permission", &self.permission),
            ("tag", &self.tag),
            ("expiring_before", &self.expiring_before),
            ("unused_since", &self.unused_since),
            ("search", &self.search),
        ]
    }

    fn of(&self, call: Call) -> Call {
        self.parts().into_iter().fold(call, |call, (name, value)| call.query(name, value))
    }
}

const COLUMNS: &[&str] = &["id", "name", "status", "organization_id", "owner_id", "permissions", "expires_at", "last_used_at"];
const ROWS_AT_ONCE: usize = 1_000;

impl Key {
    pub async fn run(self, environment: &Environment) -> Outcome {
        let path = "/v1/api-keys";
        let deed = |id: &Segment, deed: &str, body: Value| Call::post(format!("{path}/{id}/{deed}"), body);
        let (call, connection) = match self {
            Self::Create { name, organization, owner, purpose, resource, permissions, expires_at, allowed_cidrs, tags, connection } => {
                let fields = [
                    ("name", Some(json!(name))),
                    ("organization_id", Some(json!(organization))),
                    ("owner_id", Some(json!(owner))),
                    ("purpose", text(&purpose)),
                    ("resource", text(&resource)),
                    ("permissions", texts(&permissions)),
                    ("expires_at", text(&expires_at)),
                    ("allowed_cidrs", texts(&allowed_cidrs)),
                    ("tags", texts(&tags)),
                ];
                (Call::post(path, body(fields)), connection)
            }
            Self::List { filter, page, connection } => (page.of(filter.of(Call::get(path))), connection),
            Self::Show { id, connection } => (Call::get(format!("{path}/{id}")), connection),
            Self::Rotate { id, overlap_seconds, connection } => {
                (deed(&id, "rotate", json!({ "overlap_seconds": overlap_seconds })), connection)
            }
            Self::DropPreviousSecrets { id, connection } => (deed(&id, "drop-previous-secrets", json!({})), connection),
            Self::Disable { id, connection } => (deed(&id, "disable", json!({})), connection),
            Self::Enable { id, connection } => (deed(&id, "enable", json!({})), connection),
            Self::Revoke { id, reason, comment, connection } => {
                (deed(&id, "revoke", body([("reason", Some(json!(reason))), ("comment", text(&comment))])), connection)
            }
            Self::UndoRevocation { id, connection } => (deed(&id, "undo-revocation", json!({})), connection),
            Self::RevokeMatching { filter, reason, comment, dry_run, connection } => {
                let filter = body(filter.parts().map(|(name, value)| (name, text(value))));
                let fields = [
                    ("filter", Some(filter)),
                    ("reason", Some(json!(reason))),
                    ("comment", text(&comment)),
                    ("dry_run", Some(json!(dry_run))),
                ];
                (Call::post(format!("{path}/revoke"), body(fields)), connection)
            }
            Self::Import { file, connection } => return import(environment, &connection, &file).await,
            Self::Export { format, to, filter, connection } => {
                return export(environment, &connection, filter.of(Call::get(format!("{path}/export")).query("format", &Some(format))), to)
                    .await;
            }
        };
        connection.print(environment, call, COLUMNS).await
    }
}

/// Sends a thousand rows at a time. Rows that are refused are printed with their line; the others are in.
async fn import(environment: &Environment, connection: &Connection, file: &Path) -> Outcome {
    let client = connection.open(environment)?;
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut rows = Vec::new();
    for (line, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        // The line may hold a whole key by mistake: only its number is told.
        let row: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| format!("{}:{}: not a JSON object", file.display(), line + 1))?;
        rows.push((line + 1, row));
    }
    let bar = progress(rows.len() as u64, "keys");
    let (mut imported, mut present, mut refused) = (0, 0, 0);
    for chunk in rows.chunks(ROWS_AT_ONCE) {
        let keys: Vec<_> = chunk.iter().map(|(_, row)| row).collect();
        let answer = client.ask(&Call::post("/v1/api-keys/import", json!({ "keys": keys }))).await;
        let answer = answer.map_err(|words| format!("{words}\n  /keys/0 is {}:{}", file.display(), chunk[0].0))?;
        for (row, (line, _)) in answer["rows"].as_array().into_iter().flatten().zip(chunk) {
            match row["code"].as_str() {
                Some("IMPORTED") => imported += 1,
                Some("ALREADY_PRESENT") => present += 1,
                code => {
                    refused += 1;
                    let errors: Vec<String> = row["errors"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .map(|error| {
                            format!("{} {}", error["pointer"].as_str().unwrap_or_default(), error["detail"].as_str().unwrap_or_default())
                        })
                        .collect();
                    let detail = if errors.is_empty() { row["detail"].as_str().unwrap_or_default().to_owned() } else { errors.join("; ") };
                    bar.suspend(|| eprintln!("line {line}: {} {detail}", code.unwrap_or_default()));
                }
            }
        }
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    match client.output {
        Format::Table => say(format!("{imported} imported, {present} present before, {refused} refused\n"))?,
        format => format.print(&json!({ "imported": imported, "present": present, "refused": refused }), &[])?,
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn export(environment: &Environment, connection: &Connection, call: Call, to: Option<PathBuf>) -> Outcome {
    let client = connection.open(environment)?;
    match to {
        Some(path) => {
            // Written whole or not at all.
            let mut partial = path.clone().into_os_string();
            partial.push(".partial");
            let written = download(&client, &call, Path::new(&partial)).await;
            let written = written.and_then(|()| std::fs::rename(&partial, &path).map_err(|error| format!("{}: {error}", path.display())));
            if written.is_err() {
                let _ = std::fs::remove_file(&partial);
            }
            written?;
        }
        None => client.stream(&call, |chunk| say(chunk)).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn download(client: &Client, call: &Call, path: &Path) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = File::create(path).map_err(told)?;
    let bar = progress(0, "bytes");
    client
        .stream(call, |chunk| {
            bar.inc(chunk.len() as u64);
            file.write_all(chunk).map_err(told)
        })
        .await?;
    bar.finish_and_clear();
    file.sync_all().map_err(told)
}

/// A bar where somebody watches; nothing where a program does.
fn progress(length: u64, unit: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = if length == 0 { ProgressBar::new_spinner() } else { ProgressBar::new(length) };
    let template = if length == 0 { format!("{{spinner}} {{pos}} {unit}") } else { format!("{{bar:40}} {{pos}}/{{len}} {unit}") };
    bar.with_style(ProgressStyle::with_template(&template).expect("the template is fixed"))
}
