//! `claviger management-key`

use serde_json::json;

use crate::running::{Server, run};
use crate::support::text;

#[test]
fn a_management_key_acts_within_its_grant_until_it_ends() {
    let server = Server::start();
    let owner = server.id(&["owner", "create", "Backend", "--email", "backend@example.com", "--type", "team"]);
    let permissions = ["--permission", "keys:create", "--permission", "organizations:read", "--grantable", "posts:read"];
    let made = server.json(&[&["management-key", "create", "Backend", "--owner", &owner], &permissions[..]].concat());
    let (id, secret) = (text(&made, "id"), text(&made, "secret"));
    assert_eq!((&made["permissions"], &made["grantable"]), (&json!(["organizations:read", "keys:create"]), &json!(["posts:read"])));
    let file = server.file("backend.key", &format!("{secret}\n"));
    server.run(&["org", "list", "--management-key-file", &file]).done();
    server.run(&["org", "create", "X", "--management-key-file", &file]).refused(1, &["403 PERMISSION_MISSING"]);
    let listed = server.run(&["management-key", "list"]).done();
    assert!(listed.contains(&id) && !listed.contains(&secret[secret.len() - 49..]), "the inventory shows no secret");

    let rotated = server.json(&["management-key", "rotate", &id, "--overlap-seconds", "60"]);
    let renewed = text(&rotated, "secret");
    assert_eq!([server.holder(&secret), server.holder(&renewed)], [Some(id.clone()), Some(id.clone())]);
    let again = text(&server.json(&["management-key", "rotate", &id]), "secret");
    assert_eq!([server.holder(&renewed), server.holder(&again)], [None, Some(id.clone())], "without an overlap the old one ends at once");
    assert_eq!(server.json(&["management-key", "revoke", &id, "--reason", "superseded"])["status"], "revoked");
    assert_eq!(server.holder(&again), None);
}

#[test]
fn it_is_bound_to_an_operator_an_organization_and_a_time() {
    let server = Server::start();
    let (organization, owner, _) = server.tenant();
    let operator = server.id(&["operator", "create", "Grace", "--email", "grace@example.com", "--role", "operator"]);
    let bound = ["--operator", &operator, "--organization", &organization, "--role", "viewer", "--expires-at", "2099-01-01T00:00:00Z"];
    let made = server.json(&[&["management-key", "create", "Grace", "--owner", &owner], &bound[..]].concat());
    assert_eq!(
        (&made["operator_id"], &made["organization_id"], &made["expires_at"]),
        (&json!(operator), &json!(organization), &json!("2099-01-01T00:00:00Z"))
    );
    server.id(&["org", "create", "Another"]);
    let mut command = server.command(&["org", "list", "-o", "json", "--management-key-file", "-"]);
    command.env_remove("CLAVIGER_MANAGEMENT_KEY_FILE");
    let seen: serde_json::Value = serde_json::from_str(&run(command, &text(&made, "secret")).done()).expect("JSON");
    assert_eq!((seen["data"].as_array().map(Vec::len), &seen["data"][0]["id"]), (Some(1), &json!(organization)));
    server
        .run(&["management-key", "create", "X", "--owner", &owner, "--role", "viewer", "--expires-at", "tomorrow"])
        .refused(1, &["422 INVALID_VALUE", "/expires_at"]);
}
