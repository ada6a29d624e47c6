//! What the real process tells systemd, and that the unit in deploy/ fits the program.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use claviger_server::host::config::Config;

const UNIT: &str = include_str!("../../../deploy/systemd/claviger.service");

#[test]
fn it_is_ready_when_it_answers_stays_alive_and_says_that_it_stops() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let socket = UnixDatagram::bind(folder.path().join("notify")).expect("a socket");
    // Only so that a server that tells nothing fails this test instead of hanging it.
    socket.set_read_timeout(Some(Duration::from_secs(120))).expect("a timeout");
    let told = || {
        let mut bytes = [0; 1024];
        let length = socket.recv(&mut bytes).expect("the server tells something");
        String::from_utf8_lossy(&bytes[..length]).trim().to_owned()
    };
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let mut server = Command::new(env!("CARGO_BIN_EXE_claviger"))
        .args(["serve", "--listen", &address.to_string(), "--data-dir"])
        .arg(folder.path().join("data"))
        .arg("--bootstrap-key-file")
        .arg(folder.path().join("bootstrap.key"))
        .env_clear()
        .env("NOTIFY_SOCKET", folder.path().join("notify"))
        .env("WATCHDOG_USEC", "100000")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the server starts");
    let mut first = told();
    while first == "WATCHDOG=1" {
        first = told();
    }
    assert_eq!(first, "READY=1");
    TcpStream::connect(address).expect("ready means that it answers");
    assert_eq!((told().as_str(), told().as_str()), ("WATCHDOG=1", "WATCHDOG=1"), "again and again");
    let pid = rustix::process::Pid::from_raw(server.id() as i32).expect("a process");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it can be told to end");
    let mut last = told();
    while last == "WATCHDOG=1" {
        last = told();
    }
    assert_eq!(last, "STOPPING=1");
    assert!(server.wait().expect("it ends").success(), "a clean end");
}

#[test]
fn the_unit_sets_keys_that_there_are_and_times_that_fit() {
    let settings: Vec<(&str, &str)> = UNIT.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')).collect();
    let environment: BTreeMap<&str, String> = settings
        .iter()
        .filter(|(name, _)| *name == "Environment")
        .map(|(_, variable)| variable.split_once('=').expect("NAME=value"))
        .map(|(name, value)| (name, value.replace("%S", "/var/lib")))
        .collect();
    assert!(environment.len() >= 3, "{environment:?}");
    let variables = environment.into_iter().map(|(name, value)| (name.to_owned(), value));
    let config = Config::load(None, variables, &[]).expect("every variable is one of ours");
    config.check().expect("a good configuration");
    assert_eq!(config.data_dir.to_str(), Some("/var/lib/claviger"));
    let number = |wanted: &str| -> u64 {
        let value = settings.iter().find(|(name, _)| *name == wanted).unwrap_or_else(|| panic!("{wanted} is not set")).1;
        value.parse().expect("a number")
    };
    assert!(number("TimeoutStopSec") > config.http.drain_seconds, "systemd would cut off what is under way");
    assert!(number("LimitNOFILE") > u64::from(config.http.max_connections.get()));
    assert!(settings.contains(&("Type", "notify")));
}
