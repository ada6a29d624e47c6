//! `claviger config print`: every key with the value in effect, its words and where it came from.
//! A secret is masked by its own type, so this file cannot leak one.

use std::fmt::Write as _;

use super::keys::Config;
use super::section::environment_name;

impl Config {
    /// A TOML file that, read back, gives this configuration (but for masked secrets).
    pub fn print(&self) -> String {
        let values = toml::Table::try_from(self).expect("every key has a TOML value");
        let mut text = String::new();
        for section in Config::sections() {
            let table = match section.name {
                "" => &values,
                name => {
                    comment(&mut text, section.doc);
                    let _ = writeln!(text, "[{name}]\n");
                    values[name].as_table().expect("a section is a table")
                }
            };
            for key in section.keys {
                let dotted = section.dotted(key);
                comment(&mut text, key.doc);
                let file_variant = if key.is_secret { " (or …_FILE)" } else { "" };
                let _ = writeln!(text, "# {}{file_variant}; from {}", environment_name(&dotted), self.origin(&dotted));
                let _ = writeln!(text, "{} = {}\n", key.name, table[key.name]);
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

fn comment(text: &mut String, doc: &str) {
    for line in doc.lines() {
        let _ = writeln!(text, "#{}", line.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const DOCS: &str = include_str!("../../../../../docs/configuration.md");

    #[test]
    fn what_is_printed_reads_back_as_the_same_configuration() {
        let mut config = Config::default();
        config.http.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        config.master_key_file = Some("/run/credentials/master.key".into());
        let again: Config = toml::from_str(&config.print()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn a_database_password_is_not_printed() {
        let config: Config = toml::from_str("database = 'postgres://ada:hunter2@db/x'").unwrap();
        let text = config.print();
        assert!(text.contains("database = \"postgres://ada:***@db/x\""), "{text}");
        assert!(!text.contains("hunter2"));
        let odd: Config = toml::from_str("database = 'postgres://ada:hun?ter2@db/x?sslmode=require'").unwrap();
        assert!(odd.print().contains("database = \"postgres://***\""), "{}", odd.print());
    }

    /// One row for each key, as it must stand in docs/configuration.md.
    fn rows() -> Vec<String> {
        let defaults = toml::Table::try_from(Config::default()).unwrap();
        let mut rows = Vec::new();
        for section in Config::sections() {
            let table = if section.name.is_empty() { &defaults } else { defaults[section.name].as_table().unwrap() };
            for key in section.keys {
                let words: Vec<&str> = key.doc.lines().map(str::trim).collect();
                rows.push(format!("| `{}` | `{}` | {} |", section.dotted(key), table[key.name], words.join(" ")));
            }
        }
        rows
    }

    #[test]
    fn the_documentation_has_each_key_with_its_default_and_words_and_no_other() {
        let wanted = rows();
        let written: BTreeSet<&str> = DOCS.lines().filter(|line| line.starts_with("| `")).collect();
        let expected: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
        assert!(written == expected, "docs/configuration.md must have exactly these rows:\n{}", wanted.join("\n"));
    }
}
