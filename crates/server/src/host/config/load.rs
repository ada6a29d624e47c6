//! Loading: defaults, then the TOML file, then the environment, then flags; the later wins.
//! It never stops at the first mistake and never guesses: what it does not know is an error.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::error::{ConfigError, Problem};
use super::keys::Config;
use super::nearest::nearest;
use super::origins::Origins;
use super::section::{Key, Section, environment_name};

/// Variables with our prefix that are no keys: they are for the command line and for test suites.
const NOT_KEYS: [&str; 5] =
    ["CLAVIGER_CONFIG", "CLAVIGER_URL", "CLAVIGER_MANAGEMENT_KEY", "CLAVIGER_MANAGEMENT_KEY_FILE", "CLAVIGER_ENVIRONMENT"];

impl Config {
    /// Reads every layer. `flags` are (dotted key, value). Only `check` looks at rules between keys.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(&str, String)],
    ) -> Result<Self, ConfigError> {
        let mut layers = Layers::new();
        if let Some(file) = file {
            layers.add_file(file);
        }
        layers.add_environment(environment.filter(|(name, _)| name.starts_with("CLAVIGER_")).collect());
        for (dotted, text) in flags {
            layers.add_text(dotted, text, format!("--{}", dotted.replace(['_', '.'], "-")));
        }
        layers.finish()
    }
}

struct Layers {
    /// Tells what kind of value each key takes.
    defaults: Table,
    merged: Table,
    origins: Origins,
    problems: Vec<Problem>,
}

impl Layers {
    fn new() -> Self {
        let defaults = Table::try_from(Config::default()).expect("every default has a TOML value");
        Self { defaults, merged: Table::new(), origins: Origins::default(), problems: Vec::new() }
    }

    fn finish(self) -> Result<Config, ConfigError> {
        if !self.problems.is_empty() {
            return Err(ConfigError { problems: self.problems });
        }
        let mut config: Config = self.merged.try_into().expect("each key was tried alone and none needs another");
        config.origins = self.origins;
        Ok(config)
    }

    fn add_file(&mut self, file: &Path) {
        let name = file.display().to_string();
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => return self.refuse("configuration file", name, format!("cannot be read: {error}")),
        };
        let line_of = |offset: usize| text[..offset].matches('\n').count() + 1;
        let table: Table = match text.parse() {
            Ok(table) => table,
            // Only the message: the rest of the error quotes the line, which may hold a password.
            Err(error) => {
                let line = error.span().map_or(1, |span| line_of(span.start));
                let message = error.message().lines().collect::<Vec<_>>().join("; ");
                return self.refuse("configuration file", format!("{name}:{line}"), message);
            }
        };
        let lines: BTreeMap<String, usize> = offsets(&text).into_iter().map(|(dotted, offset)| (dotted, line_of(offset))).collect();
        let (leaves, dotted_names) = leaves(table);
        let origin = |dotted: &str| format!("{name}:{}", lines.get(dotted).copied().unwrap_or(1));
        for dotted in dotted_names {
            let shown = if is_shown(&dotted) { &dotted } else { "a key" };
            let message = "is no key of claviger: it is quoted, so it is one name; write the key below its [section]".to_owned();
            self.refuse(shown, origin(&dotted), message);
        }
        for (dotted, value) in leaves {
            self.add(&dotted, value, origin(&dotted));
        }
    }

    fn add_environment(&mut self, mut variables: BTreeMap<String, String>) {
        let mut known = Vec::new();
        for (section, key) in every_key() {
            let dotted = section.dotted(key);
            let name = environment_name(&dotted);
            let text = variables.remove(&name);
            if key.is_secret {
                let file_name = format!("{name}_FILE");
                let file = variables.remove(&file_name);
                match (&text, file) {
                    (Some(_), Some(_)) => self.refuse(&dotted, file_name.clone(), format!("{name} is set too; set one of the two")),
                    (None, Some(file)) => self.add_secret_file(&dotted, Path::new(&file), file_name.clone()),
                    (_, None) => {}
                }
                known.push(file_name);
            }
            if let Some(text) = text {
                self.add_text(&dotted, &text, name.clone());
            }
            known.push(name);
        }
        for (name, value) in variables {
            if !is_for_others(&name, &value) {
                let all = known.iter().map(String::as_str).chain(NOT_KEYS);
                let message = format!("is no variable of claviger; did you mean {}?", nearest(&name, all));
                self.refuse(&name, "environment".to_owned(), message);
            }
        }
    }

    fn add_secret_file(&mut self, dotted: &str, file: &Path, origin: String) {
        match std::fs::read_to_string(file) {
            Ok(text) => self.add_text(dotted, text.trim_end_matches(['\r', '\n']), origin),
            Err(error) => {
                // A URL is no path: it is the secret itself, in the wrong variable.
                let named = file.display().to_string();
                let named = if named.contains("://") { "a URL is named where a file should be; it".to_owned() } else { named };
                self.refuse(dotted, origin, format!("{named} cannot be read: {error}"));
            }
        }
    }

    /// A value as variables and flags write it; a list is separated by commas.
    fn add_text(&mut self, dotted: &str, text: &str, origin: String) {
        let value = match self.default(dotted) {
            Some(Value::Integer(_)) => match text.trim().parse() {
                Ok(number) => Value::Integer(number),
                Err(_) => return self.refuse(dotted, origin, "is not a whole number".to_owned()),
            },
            Some(Value::Float(_)) => match text.trim().parse() {
                Ok(number) => Value::Float(number),
                Err(_) => return self.refuse(dotted, origin, "is not a number".to_owned()),
            },
            Some(Value::Array(_)) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Value::Array(items.map(Value::from).collect())
            }
            _ => Value::from(text),
        };
        self.add(dotted, value, origin);
    }

    fn add(&mut self, dotted: &str, value: Value, origin: String) {
        let wanted = match self.default(dotted) {
            Some(Value::Table(_)) => {
                return self.refuse(dotted, origin, format!("is a section; write [{dotted}] and its keys below"));
            }
            Some(default) => default.type_str(),
            // The value, or a whole URL, may stand where a key should.
            None if !is_shown(dotted) => {
                return self.refuse("a key", origin, "is no key of claviger; it is not repeated, for it looks like a value".to_owned());
            }
            None => {
                let keys: Vec<String> = every_key().map(|(section, key)| section.dotted(key)).collect();
                let guess = nearest(dotted, keys.iter().map(String::as_str));
                return self.refuse(dotted, origin, format!("is no key of claviger; did you mean {guess}?"));
            }
        };
        let value = match value {
            // `1` is as good a share as `1.0`.
            Value::Integer(number) if wanted == "float" => Value::Float(number as f64),
            value => value,
        };
        // Before serde sees it, which would quote the value.
        if value.type_str() != wanted {
            return self.refuse(dotted, origin, format!("is of type {}; give a value of type {wanted}", value.type_str()));
        }
        // Tried alone, so that an error is about this key and every mistake is told.
        let mut alone = Table::new();
        insert(&mut alone, dotted, value.clone());
        if let Err(error) = alone.try_into::<Config>() {
            return self.refuse(dotted, origin, without_secrets(error.message(), &value));
        }
        insert(&mut self.merged, dotted, value);
        self.origins.note(dotted, origin);
    }

    fn default(&self, dotted: &str) -> Option<&Value> {
        match dotted.split_once('.') {
            Some((section, key)) => self.defaults.get(section)?.as_table()?.get(key),
            None => self.defaults.get(dotted),
        }
    }

    fn refuse(&mut self, key: &str, origin: String, message: String) {
        self.problems.push(Problem { key: key.to_owned(), origin, message });
    }
}

fn every_key() -> impl Iterator<Item = (&'static Section, &'static Key)> {
    Config::sections().flat_map(|section| section.keys.iter().map(move |key| (section, key)))
}

fn insert(table: &mut Table, dotted: &str, value: Value) {
    match dotted.split_once('.') {
        Some((section, key)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            inner.as_table_mut().expect("only tables are put under a section's name").insert(key.to_owned(), value);
        }
        None => {
            table.insert(dotted.to_owned(), value);
        }
    }
}

/// The file's values by dotted key, and the names at the top that hold a dot themselves: `"http.drain_seconds" = 5` is not
/// `drain_seconds` below `[http]`. An empty `[section]` sets nothing, but its name must be right.
fn leaves(table: Table) -> (Vec<(String, Value)>, Vec<String>) {
    let is_section = |name: &str| Config::TABLES.iter().any(|section| section.name == name);
    let (mut leaves, mut dotted_names) = (Vec::new(), Vec::new());
    for (name, value) in table {
        match value {
            _ if name.contains('.') => dotted_names.push(name),
            Value::Table(inner) if is_section(&name) || !inner.is_empty() => {
                leaves.extend(inner.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            value => leaves.push((name, value)),
        }
    }
    (leaves, dotted_names)
}

/// Longer than every key there is, shorter than every credential.
const LONGEST_SHOWN: usize = 48;

/// Whether a name that is no key may be repeated: only what could be a mistyped one.
fn is_shown(name: &str) -> bool {
    name.len() <= LONGEST_SHOWN && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// A message of serde without the texts that it quotes, where one looks like a URL with a password or like a credential.
fn without_secrets(message: &str, value: &Value) -> String {
    let is_harmless = |text: &str| text.len() <= LONGEST_SHOWN && !text.contains("://") && !text.contains('@');
    let is_quoted = |text: &str| message.contains(text) || message.contains(&text.escape_debug().to_string());
    let texts: Vec<&str> = match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    match texts.iter().all(|text| is_harmless(text) || !is_quoted(text)) {
        true => message.to_owned(),
        false => "is no value for this key; it is not repeated, for it looks like a secret".to_owned(),
    }
}

/// Where each key stands in the file, in bytes from its start.
fn offsets(text: &str) -> Vec<(String, usize)> {
    let Ok(table) = DeTable::parse(text) else { return Vec::new() };
    let mut offsets = Vec::new();
    for (name, value) in table.get_ref() {
        offsets.push((name.get_ref().to_string(), name.span().start));
        if let DeValue::Table(inner) = value.get_ref() {
            let dotted = |key: &str| format!("{}.{key}", name.get_ref());
            offsets.extend(inner.keys().map(|key| (dotted(key.get_ref()), key.span().start)));
        }
    }
    offsets
}

/// Kubernetes tells every container about each service of its namespace; one named `claviger` or
/// `claviger-…` appears as `CLAVIGER_SERVICE_HOST`, `CLAVIGER_PORT=tcp://…`, `CLAVIGER_PORT_80_TCP_ADDR`.
fn is_for_others(name: &str, value: &str) -> bool {
    let names_a_port = |rest: &str| rest.starts_with(|first: char| first.is_ascii_digit());
    NOT_KEYS.contains(&name)
        || name.starts_with("CLAVIGER_TEST_")
        || name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.ends_with("_PORT") && value.contains("://"))
        || name.split_once("_PORT_").is_some_and(|(_, rest)| names_a_port(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    struct TestFile(tempfile::TempDir);

    impl TestFile {
        fn new(text: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("claviger.toml"), text).unwrap();
            Self(folder)
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("claviger.toml")
        }
    }

    fn load(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let file = TestFile::new(file);
        let environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let flags: Vec<(&str, String)> = flags.iter().map(|(key, value)| (*key, value.to_string())).collect();
        Config::load(Some(&file.path()), environment, &flags)
    }

    fn refusal(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
        let text = load(file, environment, flags).unwrap_err().to_string();
        assert!(!text.contains("hunter2"), "a secret in a message: {text}");
        text
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        assert_eq!(Config::load(None, std::iter::empty(), &[]).unwrap(), Config::default());
    }

    #[test]
    fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
        let file = "listen = '127.0.0.1:1'\n[http]\ndrain_seconds = 1\nmax_headers = 1\n";
        let environment = [("CLAVIGER_LISTEN", "127.0.0.1:2"), ("CLAVIGER_HTTP_DRAIN_SECONDS", "2"), ("HOME", "/")];
        let config = load(file, &environment, &[("listen", "127.0.0.1:3")]).unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.http.drain_seconds, 2);
        assert_eq!(config.http.max_headers.get(), 1);
        assert_eq!(config.http.max_in_flight.get(), 1024);
        assert_eq!(config.origin("listen"), "--listen");
        assert_eq!(config.origin("http.drain_seconds"), "CLAVIGER_HTTP_DRAIN_SECONDS");
        assert!(config.origin("http.max_headers").ends_with("claviger.toml:4"), "{}", config.origin("http.max_headers"));
        assert_eq!(config.origin("http.max_in_flight"), "default");
    }

    #[test]
    fn every_key_can_be_set_by_its_own_variable() {
        let defaults = Layers::new();
        let mut names = BTreeSet::new();
        for (section, key) in every_key() {
            let dotted = section.dotted(key);
            let text = match defaults.default(&dotted).unwrap() {
                Value::String(text) => text.clone(),
                Value::Integer(number) => number.to_string(),
                Value::Float(number) => number.to_string(),
                Value::Array(items) if items.is_empty() => String::new(),
                other => panic!("{dotted} has a default no variable can write: {other}"),
            };
            let name = environment_name(&dotted);
            let config = load("", &[(&name, &text)], &[]).unwrap();
            assert_eq!(config, Config::default());
            assert_eq!(config.origin(&dotted), name);
            assert!(names.insert(name), "two keys share a variable");
            assert!(!key.is_secret || names.insert(format!("{}_FILE", environment_name(&dotted))));
        }
        assert!(NOT_KEYS.iter().all(|name| !names.contains(*name)));
    }

    #[test]
    fn a_list_in_a_variable_is_separated_by_commas() {
        let config = load("", &[("CLAVIGER_HTTP_TRUSTED_PROXIES", "10.0.0.0/8, ::1,")], &[]).unwrap();
        let proxies: Vec<String> = config.http.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest() {
        for (file, start) in [
            ("lisen = 1", "lisen ("),
            ("[http]\ndrain_second = 1", "http.drain_second ("),
            ("[htpp]\ndrain_seconds = 1", "htpp.drain_seconds ("),
            ("[htp]", "htp ("),
        ] {
            let text = refusal(file, &[], &[]);
            assert!(text.starts_with(start) && text.contains("did you mean "), "{text}");
        }
        assert!(refusal("\nlisen = 1", &[], &[]).ends_with("claviger.toml:2): is no key of claviger; did you mean listen?"));
        assert!(refusal("[htpp]\ndrain_seconds = 1", &[], &[]).ends_with("did you mean http.drain_seconds?"));
        assert!(refusal("", &[], &[("lissten", "")]).ends_with("(--lissten): is no key of claviger; did you mean listen?"));
    }

    #[test]
    fn a_url_or_a_credential_in_the_place_of_a_key_is_not_repeated() {
        for file in [
            "'postgres://ada:hunter2@db/x' = 1",
            "[http]\n'postgres://ada:hunter2@db/x' = 1",
            "['postgres://ada:hunter2@db/x']\na = 1",
            "['postgres://ada:hunter2@db.example.com/x']\na = 1",
            "'postgres://ada:hunter2@db.example.com/x' = 1",
            "'sqlite:hunter2' = {}",
            "clv_live_ak_00000000000000000000hunter200000000000000000 = 1",
        ] {
            let text = refusal(file, &[], &[]);
            assert!(text.starts_with("a key (") && text.contains("is no key of claviger"), "{text}");
            assert!(!text.contains("ada"), "{text}");
        }
        let text = refusal("\n\n'postgres://ada:hunter2@db/x' = 1", &[], &[]);
        assert!(text.contains("claviger.toml:3)"), "the line says which it is: {text}");
    }

    #[test]
    fn a_url_in_the_place_of_another_value_is_not_repeated() {
        for (key, value) in [
            ("listen", "'postgres://ada:hunter2@db/x'"),
            ("log.format", "'postgres://ada:hunter2@db/x'"),
            ("http.forwarded_header", "'postgres://ada:hunter2@db/x'"),
            ("http.trusted_proxies", "['10.0.0.0/8', 'postgres://ada:hunter2@db/x']"),
            ("http.trusted_proxies", "['clv_live_ak_00000000000000000000hunter200000000000000000']"),
        ] {
            let file = match key.split_once('.') {
                Some((section, key)) => format!("[{section}]\n{key} = {value}"),
                None => format!("{key} = {value}"),
            };
            assert!(refusal(&file, &[], &[]).starts_with(&format!("{key} (")));
        }
        assert!(refusal("[http]\ntrusted_proxies = ['10.0.0.0/33']", &[], &[]).contains("10.0.0.0/33"), "what is no secret is named");
    }

    #[test]
    fn a_share_is_written_with_or_without_a_point() {
        for (file, ratio) in [("1", 1.0), ("0", 0.0), ("0.25", 0.25)] {
            assert_eq!(load(&format!("[telemetry]\nsampling_ratio = {file}"), &[], &[]).unwrap().telemetry.sampling_ratio, ratio);
            assert_eq!(load("", &[("CLAVIGER_TELEMETRY_SAMPLING_RATIO", file)], &[]).unwrap().telemetry.sampling_ratio, ratio);
        }
        assert!(refusal("", &[("CLAVIGER_TELEMETRY_SAMPLING_RATIO", "half")], &[]).ends_with("is not a number"));
    }

    #[test]
    fn a_collector_with_a_password_in_its_url_is_refused_and_not_repeated() {
        for url in ["http://ada:hunter2@c/v1/traces", "http://c/v1/traces?key=hunter2", "http://c/#hunter2", "hunter2", "grpc://hunter2"] {
            let text = refusal(&format!("[telemetry]\notlp_endpoint = '{url}'"), &[], &[]);
            assert!(text.ends_with("is not an http or https URL without user, query and fragment"), "{text}");
        }
        load("[telemetry]\notlp_endpoint = 'https://c.example:4318/v1/traces'", &[], &[]).unwrap();
    }

    #[test]
    fn a_quoted_name_with_a_dot_is_not_a_key_of_a_section() {
        for file in [
            "\"http.drain_seconds\" = 5",
            "\"http.drain_seconds\" = 5\n[http]\ndrain_seconds = 6",
            "[\"http.drain_seconds\"]",
            "[\"http.drain_seconds\"]\na = 1",
        ] {
            let text = refusal(file, &[], &[]);
            assert!(text.starts_with("http.drain_seconds (") && text.contains("claviger.toml:1): is no key of claviger"), "{text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
        refusal("[http]\n\"http.drain_seconds\" = 5", &[], &[]);
        assert_eq!(load("http.drain_seconds = 5", &[], &[]).unwrap().http.drain_seconds, 5, "unquoted it is TOML for a section");
    }

    #[test]
    fn an_unknown_variable_is_refused_with_the_nearest_unless_it_is_for_others() {
        let text = refusal("", &[("CLAVIGER_DATABASE_FIEL", "postgres://a:hunter2@b/c")], &[]);
        let wanted = "CLAVIGER_DATABASE_FIEL (environment): is no variable of claviger; did you mean CLAVIGER_DATABASE_FILE?";
        assert_eq!(text, wanted);
        let others = NOT_KEYS.map(|name| (name, "x"));
        load("", &others, &[]).unwrap();
        load("", &[("CLAVIGER_TEST_POSTGRES", "x"), ("PATH", "/bin")], &[]).unwrap();
    }

    #[test]
    fn a_kubernetes_service_named_claviger_does_not_stop_the_server() {
        let injected = [
            ("CLAVIGER_SERVICE_HOST", "10.0.0.1"),
            ("CLAVIGER_SERVICE_PORT", "7480"),
            ("CLAVIGER_SERVICE_PORT_HTTP", "7480"),
            ("CLAVIGER_PORT", "tcp://10.0.0.1:7480"),
            ("CLAVIGER_PORT_7480_TCP", "tcp://10.0.0.1:7480"),
            ("CLAVIGER_PORT_7480_TCP_ADDR", "10.0.0.1"),
            ("CLAVIGER_POSTGRES_SERVICE_HOST", "10.0.0.2"),
            ("CLAVIGER_POSTGRES_PORT_5432_TCP_PORT", "5432"),
        ];
        load("", &injected, &[]).unwrap();
        refusal("", &[("CLAVIGER_PORT", "7480")], &[]);
    }

    #[test]
    fn a_secret_comes_from_its_file_without_the_line_end() {
        let secret = TestFile::new("postgres://ada:hunter2@db/x\n");
        let path = secret.path().display().to_string();
        let config = load("database = 'sqlite:a'", &[("CLAVIGER_DATABASE_FILE", &path)], &[]).unwrap();
        assert_eq!(config.database.expose(), "postgres://ada:hunter2@db/x");
        assert_eq!(config.origin("database"), "CLAVIGER_DATABASE_FILE");
        let both = refusal("", &[("CLAVIGER_DATABASE_FILE", &path), ("CLAVIGER_DATABASE", "sqlite:a")], &[]);
        assert!(both.ends_with("CLAVIGER_DATABASE is set too; set one of the two"), "{both}");
        let missing = refusal("", &[("CLAVIGER_DATABASE_FILE", "/nowhere/at/all")], &[]);
        assert!(missing.contains("/nowhere/at/all cannot be read"), "{missing}");
        let misplaced = refusal("", &[("CLAVIGER_DATABASE_FILE", "postgres://ada:hunter2@db/x")], &[]);
        assert!(!misplaced.contains("hunter2"), "{misplaced}");
    }

    #[test]
    fn every_mistake_is_told_at_once_and_none_quotes_a_secret() {
        let text = refusal(
            "listen = 7480\nhttp = 3\n[log]\nformat = 'xml'\n[gate]\nflush_interval_seconds = 0\n",
            &[("CLAVIGER_DATABASE", "hunter2"), ("CLAVIGER_HTTP_DRAIN_SECONDS", "soon")],
            &[],
        );
        let keys: BTreeSet<&str> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
        let wanted = ["listen", "http", "log.format", "gate.flush_interval_seconds", "database", "http.drain_seconds"];
        assert_eq!(keys, BTreeSet::from(wanted), "{text}");
    }

    #[test]
    fn a_file_that_cannot_be_read_or_parsed_says_where_without_quoting_it() {
        let text = refusal("listen = '127.0.0.1:1'\ndatabase = \"postgres://ada:hunter2@db\n", &[], &[]);
        assert!(text.contains("claviger.toml:2)"), "{text}");
        let text = refusal("database = postgres://ada:hunter2@db\n", &[], &[]);
        assert!(text.contains("claviger.toml:1)"), "{text}");
        let error = Config::load(Some(Path::new("/nowhere.toml")), std::iter::empty(), &[]).unwrap_err();
        assert!(error.to_string().starts_with("configuration file (/nowhere.toml): cannot be read"), "{error}");
    }

    #[test]
    fn what_is_printed_loads_as_the_same_configuration() {
        let environment = [("CLAVIGER_HTTP_TRUSTED_PROXIES", "10.0.0.0/8"), ("CLAVIGER_LOG_FORMAT", "json")];
        let config = load("master_key_file = '/run/master \"key\"'", &environment, &[("key_prefix", "acme")]).unwrap();
        assert_eq!(load(&config.print(), &[], &[]).unwrap(), config);
    }
}
