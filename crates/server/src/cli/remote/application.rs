//! `claviger application`

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{Page, Segment, body, text, texts};
use crate::cli::client::{Call, Connection};
use crate::cli::{Environment, Outcome};

#[derive(Subcommand)]
pub enum Application {
    /// Register an application; its id is the client_id.
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
        #[command(flatten)]
        access: Access,
        /// How long its tokens live, 60 to 86400; without it as the resource says.
        #[arg(long, value_name = "SECONDS")]
        token_lifetime_seconds: Option<i64>,
        /// Only tokens bound to a key (DPoP).
        #[arg(long)]
        require_dpop: bool,
        /// For searching; repeat for more.
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// List applications.
    List {
        /// active, disabled or revoked.
        #[arg(long)]
        status: Option<String>,
        #[arg(long = "in-organization", value_name = "ID")]
        organization_id: Option<String>,
        #[arg(long = "of-owner", value_name = "ID")]
        owner_id: Option<String>,
        #[arg(long = "for-resource", value_name = "URI")]
        resource: Option<String>,
        #[arg(long = "with-permission", value_name = "NAME")]
        permission: Option<String>,
        #[arg(long = "with-tag", value_name = "TAG")]
        tag: Option<String>,
        #[arg(long)]
        search: Option<String>,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        connection: Connection,
    },
    /// Show one application.
    Show {
        id: Segment,
        #[command(flatten)]
        connection: Connection,
    },
    /// Change an application; what is not given stays.
    Update {
        id: Segment,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        purpose: Option<String>,
        #[arg(long, value_name = "ID")]
        owner: Option<String>,
        /// Resources given here take the place of all that it has.
        #[command(flatten)]
        access: Access,
        #[arg(long, value_name = "SECONDS")]
        token_lifetime_seconds: Option<i64>,
        /// true or false.
        #[arg(long, value_name = "BOOL")]
        require_dpop: Option<bool>,
        /// Tags given here take the place of all that it has.
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Switch an application off for a while.
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
    /// End an application.
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
    /// Client secrets of an application.
    #[command(subcommand)]
    Secret(Secret),
    /// Public keys of an application.
    #[command(subcommand)]
    Key(Key),
}

/// What it may ask tokens for.
#[derive(clap::Args, Clone, Debug)]
pub struct Access {
    /// A resource and what may be asked for there, such as https://api.example.com=posts:read,posts:write; repeat for more.
    #[arg(long = "resource", value_name = "URI[=PERMISSIONS]", value_parser = resource)]
    resources: Vec<Value>,
}

/// An identifier has no comma-separated list behind its last `=`, unless it is meant.
fn resource(text: &str) -> Result<Value, String> {
    let (identifier, permissions) = text.rsplit_once('=').unwrap_or((text, ""));
    if identifier.is_empty() {
        return Err("want an identifier, such as https://api.example.com=posts:read".to_owned());
    }
    let permissions: Vec<&str> = permissions.split(',').filter(|name| !name.is_empty()).collect();
    Ok(json!({ "identifier": identifier, "permissions": permissions }))
}

impl Access {
    fn value(&self) -> Option<Value> {
        (!self.resources.is_empty()).then(|| self.resources.clone().into())
    }
}

#[derive(Subcommand)]
pub enum Secret {
    /// Issue a client secret; its text is printed this once.
    Create {
        application: Segment,
        #[arg(long)]
        name: Option<String>,
        /// Where the application keeps it, such as "vault kv/prod/billing".
        #[arg(long, value_name = "PLACE")]
        stored_in: Option<String>,
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// List client secrets: of one application, or of all with --all.
    List {
        #[arg(required_unless_present = "all")]
        application: Option<Segment>,
        /// Of every application: the inventory.
        #[arg(long, conflicts_with = "application")]
        all: bool,
        /// The one whose id stands in a text that was found somewhere.
        #[arg(long, conflicts_with = "application")]
        id: Option<Segment>,
        /// Made more than so many days ago.
        #[arg(long, value_name = "DAYS", conflicts_with = "application")]
        older_than_days: Option<i64>,
        /// Kept there, exactly as it was said.
        #[arg(long, value_name = "PLACE", conflicts_with = "application")]
        stored_in: Option<String>,
        /// Neither used nor made since.
        #[arg(long, value_name = "TIME", conflicts_with = "application")]
        unused_since: Option<String>,
        /// active, expired or revoked.
        #[arg(long, conflicts_with = "application")]
        status: Option<String>,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        connection: Connection,
    },
    /// A new secret; the old one ends when the overlap is over.
    Rotate {
        application: Segment,
        secret: Segment,
        /// For how long the old secret works on.
        #[arg(long, default_value_t = 0)]
        overlap_seconds: i64,
        #[arg(long)]
        name: Option<String>,
        #[arg(long, value_name = "PLACE")]
        stored_in: Option<String>,
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// End a client secret for good.
    Revoke {
        application: Segment,
        secret: Segment,
        #[command(flatten)]
        ending: Ending,
        #[command(flatten)]
        connection: Connection,
    },
    /// Somebody else has it: end it with every token that it obtained.
    Compromise {
        application: Segment,
        secret: Segment,
        #[arg(long)]
        comment: Option<String>,
        /// Issue a new one in the same change; its text is printed this once.
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        connection: Connection,
    },
}

#[derive(Subcommand)]
pub enum Key {
    /// Add a public key, or the address of public keys.
    Add {
        application: Segment,
        /// File with the public key as a JWK.
        #[arg(long, value_name = "FILE", required_unless_present = "jwks_uri", conflicts_with = "jwks_uri")]
        jwk: Option<PathBuf>,
        /// Where the application publishes its keys.
        #[arg(long, value_name = "URL")]
        jwks_uri: Option<String>,
        #[arg(long)]
        name: Option<String>,
        #[arg(long, value_name = "TIME")]
        expires_at: Option<String>,
        #[command(flatten)]
        connection: Connection,
    },
    /// List public keys of an application.
    List {
        application: Segment,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        connection: Connection,
    },
    /// End a public key for good.
    Revoke {
        application: Segment,
        key: Segment,
        #[command(flatten)]
        ending: Ending,
        #[command(flatten)]
        connection: Connection,
    },
}

/// How a credential ends.
#[derive(clap::Args, Clone, Debug)]
pub struct Ending {
    #[arg(long, default_value = "unspecified")]
    reason: String,
    #[arg(long)]
    comment: Option<String>,
    /// live or die: what becomes of the tokens it obtained. After a compromise or leak they always die.
    #[arg(long)]
    tokens: Option<String>,
}

impl Ending {
    fn body(&self) -> Value {
        body([("reason", Some(json!(self.reason))), ("comment", text(&self.comment)), ("tokens", text(&self.tokens))])
    }
}

const COLUMNS: &[&str] = &["id", "name", "status", "organization_id", "owner_id", "resources"];
const CREDENTIAL_COLUMNS: &[&str] = &["id", "name", "status", "hint", "expires_at", "last_used_at", "last_used_from"];
const SECRET_COLUMNS: &[&str] = &["id", "name", "status", "hint", "stored_in", "expires_at", "last_used_at", "last_used_from"];
const INVENTORY_COLUMNS: &[&str] =
    &["id", "application_id", "application_name", "status", "age_days", "stored_in", "last_used_at", "organization_id", "owner_id"];

const PATH: &str = "/v1/applications";

impl Application {
    pub async fn run(self, environment: &Environment) -> Outcome {
        let deed = |id: &Segment, deed: &str, body: Value| Call::post(format!("{PATH}/{id}/{deed}"), body);
        let (call, connection) = match self {
            Self::Create { name, organization, owner, purpose, access, token_lifetime_seconds, require_dpop, tags, connection } => {
                let fields = [
                    ("name", Some(json!(name))),
                    ("organization_id", Some(json!(organization))),
                    ("owner_id", Some(json!(owner))),
                    ("purpose", text(&purpose)),
                    ("resources", access.value()),
                    ("token_lifetime_seconds", token_lifetime_seconds.map(Value::from)),
                    ("require_dpop", Some(json!(require_dpop))),
                    ("tags", texts(&tags)),
                ];
                (Call::post(PATH, body(fields)), connection)
            }
            Self::List { status, organization_id, owner_id, resource, permission, tag, search, page, connection } => {
                let call = Call::get(PATH).query("status", &status).query("organization_id", &organization_id);
                let call = call.query("owner_id", &owner_id).query("resource", &resource).query("permission", &permission);
                (page.of(call.query("tag", &tag).query("search", &search)), connection)
            }
            Self::Show { id, connection } => (Call::get(format!("{PATH}/{id}")), connection),
            Self::Update { id, name, purpose, owner, access, token_lifetime_seconds, require_dpop, tags, connection } => {
                let fields = [
                    ("name", text(&name)),
                    ("purpose", text(&purpose)),
                    ("owner_id", text(&owner)),
                    ("resources", access.value()),
                    ("token_lifetime_seconds", token_lifetime_seconds.map(Value::from)),
                    ("require_dpop", require_dpop.map(Value::from)),
                    ("tags", texts(&tags)),
                ];
                (Call::patch(format!("{PATH}/{id}"), body(fields)), connection)
            }
            Self::Disable { id, connection } => (deed(&id, "disable", json!({})), connection),
            Self::Enable { id, connection } => (deed(&id, "enable", json!({})), connection),
            Self::Revoke { id, reason, comment, connection } => {
                (deed(&id, "revoke", body([("reason", Some(json!(reason))), ("comment", text(&comment))])), connection)
            }
            Self::UndoRevocation { id, connection } => (deed(&id, "undo-revocation", json!({})), connection),
            Self::Secret(command) => return command.run(environment).await,
            Self::Key(command) => return command.run(environment).await,
        };
        connection.print(environment, call, COLUMNS).await
    }
}

impl Secret {
    async fn run(self, environment: &Environment) -> Outcome {
        let path = |application: &Segment| format!("{PATH}/{application}/secrets");
        let (call, connection) = match self {
            Self::Create { application, name, stored_in, expires_at, connection } => {
                let fields = [("name", text(&name)), ("stored_in", text(&stored_in)), ("expires_at", text(&expires_at))];
                (Call::post(path(&application), body(fields)), connection)
            }
            Self::List { application: Some(application), page, connection, .. } => (page.of(Call::get(path(&application))), connection),
            Self::List { id, older_than_days, stored_in, unused_since, status, page, connection, .. } => {
                let days = older_than_days.map(|days| days.to_string());
                let call = Call::get("/v1/application-secrets").query("older_than_days", &days).query("stored_in", &stored_in);
                let call = call.query("id", &id.map(|id| id.to_string()));
                let call = page.of(call.query("unused_since", &unused_since).query("status", &status));
                return connection.print(environment, call, INVENTORY_COLUMNS).await;
            }
            Self::Rotate { application, secret, overlap_seconds, name, stored_in, expires_at, connection } => {
                let fields = [
                    ("overlap_seconds", Some(json!(overlap_seconds))),
                    ("name", text(&name)),
                    ("stored_in", text(&stored_in)),
                    ("expires_at", text(&expires_at)),
                ];
                (Call::post(format!("{}/{secret}/rotate", path(&application)), body(fields)), connection)
            }
            Self::Revoke { application, secret, ending, connection } => {
                (Call::post(format!("{}/{secret}/revoke", path(&application)), ending.body()), connection)
            }
            Self::Compromise { application, secret, comment, replace, connection } => {
                let fields = [("comment", text(&comment)), ("replace", Some(json!(replace)))];
                (Call::post(format!("{}/{secret}/compromise", path(&application)), body(fields)), connection)
            }
        };
        connection.print(environment, call, SECRET_COLUMNS).await
    }
}

impl Key {
    async fn run(self, environment: &Environment) -> Outcome {
        let path = |application: &Segment| format!("{PATH}/{application}/keys");
        let (call, connection) = match self {
            Self::Add { application, jwk, jwks_uri, name, expires_at, connection } => {
                let jwk = jwk.map(|file| read_jwk(&file)).transpose()?;
                let fields = [("jwk", jwk), ("jwks_uri", text(&jwks_uri)), ("name", text(&name)), ("expires_at", text(&expires_at))];
                (Call::post(path(&application), body(fields)), connection)
            }
            Self::List { application, page, connection } => (page.of(Call::get(path(&application))), connection),
            Self::Revoke { application, key, ending, connection } => {
                (Call::post(format!("{}/{key}/revoke", path(&application)), ending.body()), connection)
            }
        };
        connection.print(environment, call, CREDENTIAL_COLUMNS).await
    }
}

/// A private key never leaves this machine, not even to be refused.
fn read_jwk(file: &std::path::Path) -> Result<Value, String> {
    let told = |words: &str| format!("{}: {words}", file.display());
    let content = std::fs::read_to_string(file).map_err(|error| told(&error.to_string()))?;
    let jwk: Value = serde_json::from_str(&content).map_err(|_| told("not a JSON Web Key"))?;
    if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|member| jwk.get(member).is_some()) {
        return Err(told("holds a private key; it was not sent. Give the public half"));
    }
    Ok(jwk)
}
