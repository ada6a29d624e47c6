//! `claviger signing-keys`

use serde_json::{Value, json};

use crate::running::Server;
use crate::support::text;

fn of_status(answer: &Value, status: &str) -> Vec<String> {
    let keys = answer["data"].as_array().expect("a list");
    keys.iter().filter(|key| key["status"] == status).map(|key| text(key, "kid")).collect()
}

#[test]
fn keys_are_listed_rotated_in_time_and_ended_when_they_leaked() {
    let server = Server::start();
    let before = server.json(&["signing-keys", "list"]);
    let (active, standby) = (of_status(&before, "active"), of_status(&before, "standby"));
    assert_eq!((active.len(), standby.len()), (1, 1), "{before}");
    let table = server.run(&["signing-keys", "list"]).done();
    assert!(table.contains("KID") && table.contains(&active[0]) && table.contains("ES256"), "{table}");

    server.run(&["signing-keys", "rotate", "ES256"]).refused(1, &["409 STANDBY_TOO_NEW", "may sign from"]);
    server.run(&["signing-keys", "rotate", "HS256"]).refused(1, &["422 INVALID_VALUE", "/algorithm"]);
    server.run(&["signing-keys", "rotate", "PS256"]).refused(1, &["404 NOT_FOUND"]);

    let after = server.json(&["signing-keys", "compromise", &active[0], "--comment", "found in a bucket"]);
    assert!(after["journal_seq"].is_i64(), "{after}");
    assert_eq!(of_status(&after, "compromised"), active);
    assert_eq!(of_status(&after, "active"), standby);
    assert_eq!(of_status(&after, "standby").len(), 1);
    server.run(&["signing-keys", "compromise", "../rotate"]).refused(2, &["only letters"]);
    // An id may begin with a hyphen.
    server.run(&["signing-keys", "compromise", "-AbsLXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9X"]).refused(1, &["404 NOT_FOUND"]);
    let elsewhere = server.json(&["signing-keys", "list", "--environment", "test"]);
    assert_eq!(elsewhere["data"].as_array().map(Vec::len), Some(2), "{elsewhere}");
    assert_eq!(of_status(&elsewhere, "compromised"), Vec::<String>::new());
    assert_ne!(elsewhere["data"][0]["kid"], json!(standby[0]));
}
