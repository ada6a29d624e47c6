//! `claviger environment`, and `--environment` of every other command.

use serde_json::json;

use crate::running::Server;
use crate::support::text;

#[test]
fn an_environment_is_made_and_acted_in() {
    let server = Server::start();
    let made = server.json(&["environment", "create", "staging", "--name", "Staging", "--key-prefix", "acme_staging"]);
    assert_eq!((&made["slug"], &made["key_prefix"]), (&json!("staging"), &json!("acme_staging")));
    let changed = server.json(&["environment", "update", "staging", "--name", "Stage", "--issuer", "https://stage.example.com"]);
    assert_eq!((&changed["name"], &changed["issuer"]), (&json!("Stage"), &json!("https://stage.example.com")));
    let list = server.json(&["environment", "list"]);
    let slugs: Vec<_> = list["data"].as_array().expect("a list").iter().map(|row| text(row, "slug")).collect();
    assert_eq!(slugs, ["live", "test", "staging"]);

    let there = server.id(&["org", "create", "There", "--environment", "staging"]);
    server.run(&["org", "show", &there]).refused(1, &["404 NOT_FOUND"]);
    let mut command = server.command(&["org", "show", &there]);
    command.env("CLAVIGER_ENVIRONMENT", "staging");
    assert!(crate::running::run(command, "").done().contains("There"));
    let owner = server.id(&["owner", "create", "T", "--email", "t@example.com", "--type", "team", "--environment", "staging"]);
    let key = server.json(&["key", "create", "K", "--organization", &there, "--owner", &owner, "--environment", "staging"]);
    assert!(text(&key, "secret").starts_with("acme_staging_ak_"), "{}", key["hint"]);
    server.run(&["org", "list", "--environment", "nowhere"]).refused(1, &["404 NOT_FOUND", "nowhere"]);
}
