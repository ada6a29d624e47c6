//! A configuration from a file and variables: loading never panics, nothing that is said about it
//! tells the password of the database, and what is accepted prints and loads again as the same.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use claviger_server::host::config::{Config, ConfigError};

const PASSWORD: &str = "hunter2";
const DATABASE: &str = "postgres://ada:hunter2@db/claviger?sslpassword=hunter2";

/// The input is a TOML file and, after a line `---`, variables as `NAME=value`. It is loaded with the
/// database named in the file and in a variable, and is itself a part of a password.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // The input must not hold by itself what is looked for.
    let text = text.replace(PASSWORD, "");
    let (file, variables) = text.split_once("\n---\n").unwrap_or((&text, ""));
    // A variable `…_FILE` names a file to read, and a fuzzer would name /dev/stdin.
    let variables: Vec<(String, String)> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| *name != "CLAVIGER_DATABASE_FILE")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();

    told(load(&format!("database = '{DATABASE}'\n{file}"), &variables));
    let database = ("CLAVIGER_DATABASE".to_owned(), DATABASE.to_owned());
    told(load(file, &variables.into_iter().chain([database]).collect::<Vec<_>>()));
    a_password_around(&text);
}

fn told(loaded: Result<Config, ConfigError>) {
    let config = match loaded {
        Ok(config) => config,
        Err(error) => return hides_it(&format!("{error} {error:?}")),
    };
    let printed = config.print();
    hides_it(&printed);
    hides_it(&format!("{config:?}"));
    if let Err(error) = config.check() {
        hides_it(&format!("{error} {error:?}"));
    }

    let mut again = load(&printed, &[]).unwrap_or_else(|error| panic!("{error}\n{printed}"));
    assert_eq!(again.database.expose(), config.database.masked());
    again.database = config.database.clone();
    assert_eq!(again, config, "{printed}");
}

/// Whatever stands around it in the place of the password. A bare `?` ends that place (RFC 3986).
fn a_password_around(text: &str) {
    let text = text.replace('?', "");
    let half = (0..=text.len() / 2).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let (before, after) = text.split_at(half);
    let url = format!("postgres://ada:{before}{PASSWORD}{after}@db/claviger");
    let config = Config::load(None, std::iter::empty(), &[("database", url.clone())]).expect("a URL");
    assert_eq!(config.database.expose(), url);
    hides_it(&config.database.masked());
    hides_it(&config.print());
}

fn hides_it(text: &str) {
    assert!(!text.contains(PASSWORD), "the password is told: {text}");
}

fn load(text: &str, variables: &[(String, String)]) -> Result<Config, ConfigError> {
    let file = Passing::new(text);
    Config::load(Some(&file.0), variables.iter().cloned(), &[])
}

/// A file for as long as it is read.
struct Passing(PathBuf);

impl Passing {
    fn new(text: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("claviger-fuzz-{}-{}.toml", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let file = Self(std::env::temp_dir().join(name));
        std::fs::write(&file.0, text).expect("a folder for temporary files");
        file
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
