//! Where the server and the management key come from, and what is said when either is not there.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::running::{Server, claviger, run};

#[test]
fn the_key_comes_from_a_file_a_variable_or_standard_input() {
    let server = Server::start();
    let key = server.file("key", &server.root());
    let listing = |variables: &[(&str, &str)], arguments: &[&str], stdin: &str| {
        let mut command = claviger();
        command.args(["org", "list", "--url", &format!("{}/", server.url)]).args(arguments);
        command.envs(variables.iter().copied());
        run(command, stdin)
    };
    listing(&[("CLAVIGER_MANAGEMENT_KEY", &server.root())], &[], "").done();
    listing(&[("CLAVIGER_MANAGEMENT_KEY_FILE", &key)], &[], "").done();
    listing(&[("CLAVIGER_MANAGEMENT_KEY_FILE", "-")], &[], &server.root()).done();
    listing(&[], &["--management-key-file", "-"], &format!("{}\n", server.root())).done();
    // The flag wins over both variables.
    listing(&[("CLAVIGER_MANAGEMENT_KEY", "x"), ("CLAVIGER_MANAGEMENT_KEY_FILE", "x")], &["--management-key-file", &key], "").done();

    listing(&[], &[], "").refused(1, &["no management key", "CLAVIGER_MANAGEMENT_KEY_FILE", "--management-key-file FILE"]);
    listing(&[], &["--management-key-file", "/nowhere/key"], "").refused(1, &["/nowhere/key: No such file"]);
    listing(&[], &["--management-key-file", "-"], "\n").refused(1, &["standard input: there is no management key in it"]);
    listing(&[("CLAVIGER_MANAGEMENT_KEY", "")], &[], "").refused(1, &["CLAVIGER_MANAGEMENT_KEY: there is no management key in it"]);
    let two = format!("{}\n{}\n", server.root(), server.root());
    let words = listing(&[], &["--management-key-file", "-"], &two).refused(1, &["standard input: there is more"]);
    assert!(!words.contains(&server.root()), "the key is not repeated");
    listing(&[("CLAVIGER_MANAGEMENT_KEY", "guessed")], &[], "").refused(1, &["401 BAD_CREDENTIAL", "request req_"]);
}

#[test]
fn no_key_is_taken_from_the_command_line() {
    let mut command = claviger();
    command.args(["org", "list", "--management-key", "clv_live_mk_x"]);
    run(command, "").refused(2, &["--management-key"]);
}

#[test]
fn an_id_is_one_piece_of_a_path() {
    let server = Server::start();
    server.id(&["org", "create", "Globex"]);
    for id in ["../organizations", "", ".", "..", "%2e%2e/organizations", "a?status=active", "a#b", "a/b"] {
        for command in
            [&["key", "show", id][..], &["key", "revoke", id], &["org", "offboard", id], &["environment", "update", id, "--name", "X"]]
        {
            server.run(command).refused(2, &["invalid value", "only letters, digits"]);
        }
    }
    server.run(&["key", "show", "--", "-h"]).refused(1, &["404 NOT_FOUND"]);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    for url in [format!("http://127.0.0.1:{port}"), "nonsense".to_owned()] {
        let mut command = claviger();
        command.args(["key", "list", "--url", &url]).env("CLAVIGER_MANAGEMENT_KEY", "x");
        run(command, "").refused(1, &[&format!("{url} cannot be reached: ")]);
    }
}

/// Something else at the server's address, such as a proxy before it, or another program.
pub fn something_else(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(answer.as_bytes());
    });
    url
}

#[test]
fn an_answer_that_is_not_clavigers_is_told_apart() {
    for (answer, words) in [
        (
            "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
            "answered 502 Bad Gateway, and not as Claviger does",
        ),
        (
            "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
            "answered 404 Not Found, and not as Claviger does",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: https://login.example.com\r\ncontent-length: 0\r\n\r\n",
            "answered 302 Found, and not as Claviger does",
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>", "answered something else than JSON"),
    ] {
        let url = something_else(answer);
        let mut command = claviger();
        command.args(["key", "list", "--url", &url]).env("CLAVIGER_MANAGEMENT_KEY", "x");
        run(command, "").refused(1, &[&format!("{url} {words}"), "--url"]);
    }
}
