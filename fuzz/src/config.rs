//! A configuration from variables: loading never panics, and neither an error nor what is printed tells the password.

use claviger_server::host::config::Config;

const PASSWORD: &str = "hunter2-of-the-database";

pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let pairs = text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned()));
    let database = ("CLAVIGER_DATABASE".to_owned(), format!("postgres://user:{PASSWORD}@db/claviger"));
    let pairs = pairs.filter(|(name, _)| !name.ends_with("_FILE") && name != "CLAVIGER_DATABASE").chain([database]);
    match Config::load(None, pairs, &[]) {
        Ok(config) => {
            let printed = config.print();
            assert!(!printed.contains(PASSWORD), "a password was printed");
            if let Err(error) = config.check() {
                assert!(!error.to_string().contains(PASSWORD));
            }
        }
        Err(error) => assert!(!error.to_string().contains(PASSWORD), "an error tells the password"),
    }
}
