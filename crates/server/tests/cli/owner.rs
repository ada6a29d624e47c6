//! `claviger owner`

use serde_json::json;

use crate::running::Server;

#[test]
fn an_owner_departs_and_the_keys_change_hands() {
    let server = Server::start();
    let tenant = server.tenant();
    let (organization, ada, _) = &tenant;
    let key = server.key(&tenant, "CI");
    let changed = server.json(&["owner", "update", ada, "--name", "Ada Lovelace", "--email", "lovelace@example.com"]);
    assert_eq!((&changed["name"], &changed["email"]), (&json!("Ada Lovelace"), &json!("lovelace@example.com")));
    assert_eq!(server.json(&["owner", "show", ada]), changed);
    let team = server.id(&["owner", "create", "Platform", "--email", "platform@example.com", "--type", "team"]);
    let found = server.json(&["owner", "list", "--organization", organization, "--status", "active", "--search", "lovelace"]);
    assert_eq!((found["data"].as_array().map(Vec::len), &found["data"][0]["id"]), (Some(1), &json!(ada)));

    let gone = server.json(&["owner", "depart", ada]);
    assert_eq!((&gone["owner"]["status"], &gone["orphaned_api_keys"]), (&json!("departed"), &json!([key["id"]])));
    let given = server.json(&["owner", "transfer", ada, "--to", &team]);
    assert_eq!(given["api_keys"], json!([key["id"]]));
    let kept = server.json(&["key", "list", "--of-owner", &team]);
    assert_eq!(kept["data"][0]["id"], key["id"]);
    server.run(&["owner", "create", "R", "--email", "r@example.com", "--type", "robot"]).refused(1, &["422 INVALID_VALUE", "/type"]);
}
