//! `claviger resource`

use serde_json::json;

use crate::running::Server;
use crate::support::text;

#[test]
fn a_resource_is_described_changed_and_removed() {
    let server = Server::start();
    let tenant = server.tenant();
    let (_, _, id) = &tenant;
    let key = server.key(&tenant, "CI");
    let catalogue = server.json(&["resource", "show", id])["permissions"].clone();
    assert!(catalogue.as_array().expect("a list").contains(&json!({ "name": "posts:write", "risk": "high" })), "{catalogue}");
    assert_eq!(server.json(&["resource", "list", "--search", "posts"])["data"][0]["id"], json!(id));
    // The name alone: the catalogue stays.
    let renamed = server.json(&["resource", "update", id, "--name", "Articles"]);
    assert_eq!((&renamed["name"], renamed["permissions"].as_array().map(Vec::len)), (&json!("Articles"), Some(3)));
    let narrow = ["resource", "update", id, "--permission", "posts:write=high"];
    server.run(&narrow).refused(1, &["409 PERMISSIONS_IN_USE"]);
    let narrowed = server.json(&[&narrow[..], &["--cascade"]].concat());
    assert_eq!(narrowed["permissions"], json!([{ "name": "posts:write", "risk": "high" }]));
    assert_eq!(server.json(&["key", "show", &text(&key, "id")])["permissions"], json!([]));

    let other = server.id(&["resource", "create", "urn:example:other", "--name", "Other"]);
    assert_eq!(server.run(&["resource", "delete", &other]).done(), "");
    server.run(&["resource", "show", &other]).refused(1, &["404 NOT_FOUND"]);
    server.run(&["resource", "create", "urn:x:y", "--name", "X", "--permission", "posts"]).refused(1, &["\"posts\" is not NAME=RISK"]);
    server.run(&["resource", "create", "urn:x:y", "--name", "X", "--permission", "a=huge"]).refused(1, &["/permissions/0/risk"]);
}
