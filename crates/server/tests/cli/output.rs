//! Tables for people, JSON and YAML for programs, and a standard output that cannot be written.

use std::fs::OpenOptions;
use std::process::Stdio;

use serde_json::Value;

use crate::connection::something_else;
use crate::running::{Server, claviger, run};
use crate::support::text;

#[test]
fn every_form_says_the_same() {
    let server = Server::start();
    let made = server.json(&["org", "create", "Globex: \"the\" 1", "--external-id", "no"]);
    let id = text(&made, "id");
    for arguments in [&["org", "show", &id][..], &["org", "list"], &["environment", "list"], &["management-key", "list"], &["key", "list"]]
    {
        let yaml = server.run(&[arguments, &["-o", "yaml"]].concat()).done();
        let json = server.json(arguments);
        assert_eq!(serde_norway::from_str::<Value>(&yaml).expect("YAML"), json, "{arguments:?}");
    }
    let table = server.run(&["org", "show", &id]).done();
    for (field, value) in made.as_object().expect("an object").iter().filter(|(_, value)| value.is_string()) {
        let row =
            table.lines().find(|line| line.split_whitespace().next() == Some(field)).unwrap_or_else(|| panic!("no {field} in {table}"));
        assert!(row.contains(value.as_str().expect("a text")), "{row}");
    }
    let list = server.run(&["org", "list", "--output", "table"]).done();
    let mut lines = list.lines();
    assert_eq!(
        lines.next().map(|header| header.split_whitespace().collect()),
        Some(vec!["ID", "NAME", "STATUS", "EXTERNAL_ID", "CREATED_AT"])
    );
    assert_eq!((lines.clone().count(), lines.next().is_some_and(|row| row.contains(&id))), (1, true), "{list}");
    server.run(&["org", "list", "-o", "xml"]).refused(2, &["'xml'", "table, json, yaml"]);
}

#[test]
fn a_table_keeps_control_characters_from_the_terminal() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 56\r\n\r\n{\"data\": [{\"id\": \"a\\u001b[31m\\u0007b\", \"name\": \"\\n\\r\"}]}";
    let listing = |form: &str| {
        let mut command = claviger();
        command.args(["org", "list", "-o", form, "--url", &something_else(answer)]).env("CLAVIGER_MANAGEMENT_KEY", "x");
        run(command, "").done()
    };
    let table = listing("table");
    assert!(table.contains("a[31mb") && !table.contains(|character: char| character.is_control() && character != '\n'), "{table:?}");
    assert_eq!(table.lines().count(), 2, "a row is a line: {table:?}");
    let json: Value = serde_json::from_str(&listing("json")).expect("JSON");
    assert_eq!(json["data"][0]["id"], "a\u{1b}[31m\u{7}b", "a program gets it as it is");
}

#[test]
fn a_full_disk_is_told_and_a_reader_that_left_is_no_failure() {
    let server = Server::start();
    let data = server.path("data").display().to_string();
    for arguments in [
        &["org", "list"][..],
        &["org", "list", "-o", "json"],
        &["key", "export"],
        &["openapi"],
        &["completions", "bash"],
        &["config", "print"],
        &["config", "check"],
        &["doctor", "--data-dir", &data],
    ] {
        // An export without a key writes nothing, so nothing can fail.
        if arguments == ["key", "export"] {
            let tenant = server.tenant();
            server.key(&tenant, "CI");
        }
        let mut command = command(&server, arguments);
        command.stdout(OpenOptions::new().write(true).open("/dev/full").expect("Linux has it")).stderr(Stdio::piped());
        let output = command.spawn().expect("it starts").wait_with_output().expect("it ends");
        let words = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(
            (output.status.code(), words.as_str()),
            (Some(1), "error: standard output: No space left on device (os error 28)\n"),
            "{arguments:?}"
        );

        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = self::command(&server, arguments);
        command.stdout(writer).stderr(Stdio::piped());
        let output = command.spawn().expect("it starts").wait_with_output().expect("it ends");
        let words = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!((output.status.code(), words.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

fn command(server: &Server, arguments: &[&str]) -> std::process::Command {
    if ["org", "key"].contains(&arguments[0]) {
        return server.command(arguments);
    }
    let mut command = claviger();
    command.args(arguments);
    if let (Some(database), "doctor") = (&server.database, arguments[0]) {
        command.args(["--database", database]);
    }
    command
}

#[test]
fn what_needs_no_server_is_printed_without_one() {
    let print = |arguments: &[&str]| {
        let mut command = claviger();
        command.args(arguments);
        run(command, "").done()
    };
    let document: Value = serde_json::from_str(&print(&["openapi"])).expect("JSON");
    assert!(document["openapi"].is_string() && document["paths"]["/v1/api-keys"].is_object());
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = print(&["completions", shell]);
        assert!(["revoke-matching", "management-key", "drop-previous-secrets"].iter().all(|word| script.contains(word)), "{shell}");
    }
}
