//! `claviger operator`

use serde_json::json;

use crate::running::Server;

#[test]
fn an_operator_is_named_given_another_role_and_let_go() {
    let server = Server::start();
    let id = server.id(&["operator", "create", "Grace", "--email", "grace@example.com", "--role", "viewer"]);
    let listed = server.json(&["operator", "list"]);
    let row = &listed["data"][0];
    assert_eq!((&row["id"], &row["role"], &row["active"]), (&json!(id), &json!("viewer"), &json!(true)));
    let changed = server.json(&["operator", "update", &id, "--role", "security", "--name", "Grace H", "--active", "false"]);
    assert_eq!((&changed["role"], &changed["name"], &changed["active"]), (&json!("security"), &json!("Grace H"), &json!(false)));
    assert_eq!(server.json(&["operator", "update", &id, "--active", "true"])["active"], true);
    server.run(&["operator", "update", &id, "--active", "perhaps"]).refused(2, &["--active"]);
    server.run(&["operator", "update", &id, "--role", "king"]).refused(1, &["422 INVALID_VALUE"]);
}
