//! Where each value came from, for messages and for `config print`.
//! It is no part of what a configuration is: two that differ only here are equal.

use std::collections::BTreeMap;

use super::keys::Config;

#[derive(Clone, Debug, Default)]
pub struct Origins(BTreeMap<String, String>);

impl Origins {
    pub fn note(&mut self, dotted: &str, origin: String) {
        self.0.insert(dotted.to_owned(), origin);
    }
}

impl PartialEq for Origins {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Config {
    /// `claviger.toml:3`, `CLAVIGER_LISTEN`, `--listen` or `default`.
    pub(super) fn origin(&self, dotted: &str) -> &str {
        self.origins.0.get(dotted).map_or("default", String::as_str)
    }
}
