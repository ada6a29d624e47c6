//! The rules between keys, and those a type cannot carry.
//! It never touches the file system: a configuration may be checked on another machine.

use claviger_authority::credential::Prefix;
use claviger_authority::tokens::signing::LEAST_PUBLISHED_SECONDS;
use http::{HeaderName, Uri};
use tracing_subscriber::EnvFilter;

use super::error::{ConfigError, Problem};
use super::keys::{Config, Telemetry};

/// hyper refuses a smaller buffer by panicking.
const SMALLEST_HEADER_BUFFER: u32 = 8192;
const LONGEST_KEY_PREFIX: usize = 20;

impl Config {
    /// Every broken rule, each told with where the key was set.
    pub fn check(&self) -> Result<(), ConfigError> {
        let broken = [
            ("data_dir", self.data_dir_rule()),
            ("key_prefix", self.key_prefix_rule()),
            ("public_url", self.public_url_rule()),
            ("http.max_header_bytes", self.header_buffer_rule()),
            ("http.trusted_proxies", self.trusted_proxies_rule()),
            ("tls.certificate_file", self.tls_rule()),
            ("log.level", self.log_level_rule()),
            ("gateway.header_prefix", self.header_prefix_rule()),
            ("signing.publish_before_use_seconds", self.publish_before_use_rule()),
            ("signing.rotation_days", self.rotation_rule()),
            ("telemetry.otlp_endpoint", built_with_traces(self.telemetry.otlp_endpoint.is_empty())),
            ("telemetry.sampling_ratio", self.sampling_ratio_rule()),
            ("telemetry.service_name", self.service_name_rule()),
        ];
        let problems: Vec<Problem> = broken
            .into_iter()
            .filter_map(|(key, broken)| {
                let origin = self.origin(key).to_string();
                broken.map(|message| Problem { key: key.to_owned(), origin, message })
            })
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(ConfigError { problems }) }
    }

    fn data_dir_rule(&self) -> Option<String> {
        self.data_dir.as_os_str().is_empty().then(|| "is empty; name a folder, or leave the key out for ./claviger-data".to_owned())
    }

    fn key_prefix_rule(&self) -> Option<String> {
        if self.key_prefix.len() > LONGEST_KEY_PREFIX {
            return Some(format!("is too long; give at most {LONGEST_KEY_PREFIX} characters"));
        }
        let error = ["live", "test"].iter().find_map(|slug| Prefix::parse(&format!("{}_{slug}", self.key_prefix)).err())?;
        Some(format!("{error}; write a short name of your product, such as `acme`"))
    }

    fn public_url_rule(&self) -> Option<String> {
        if self.public_url.is_empty() {
            return None;
        }
        // RFC 8414 section 2: an issuer has no query and no fragment. `Uri` drops a fragment, so look first.
        let uri = self.public_url.parse::<Uri>().ok().filter(|_| !self.public_url.contains('#'));
        let is_issuer = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.query().is_none()
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        });
        (!is_issuer).then(|| "is not an http or https URL without user, query and fragment".to_owned())
    }

    fn header_buffer_rule(&self) -> Option<String> {
        (self.http.max_header_bytes.get() < SMALLEST_HEADER_BUFFER).then(|| format!("is too small; give at least {SMALLEST_HEADER_BUFFER}"))
    }

    fn trusted_proxies_rule(&self) -> Option<String> {
        let everyone = self.http.trusted_proxies.iter().find(|network| network.prefix_len() == 0)?;
        Some(format!("{everyone} trusts every caller to name its own address; list your proxies' networks"))
    }

    fn tls_rule(&self) -> Option<String> {
        (self.tls.certificate_file.is_some() != self.tls.key_file.is_some())
            .then(|| "certificate_file and key_file belong together; set both or neither".to_owned())
    }

    fn log_level_rule(&self) -> Option<String> {
        let error = EnvFilter::try_new(&self.log.level).err()?;
        Some(format!("{error}; write a level (error, warn, info, debug, trace) or directives"))
    }

    fn header_prefix_rule(&self) -> Option<String> {
        let is_name = HeaderName::from_bytes(format!("{}User", self.gateway.header_prefix).as_bytes()).is_ok();
        (self.gateway.header_prefix.is_empty() || !is_name).then(|| "cannot begin a header name; use letters, digits and dashes".to_owned())
    }

    fn publish_before_use_rule(&self) -> Option<String> {
        let is_short = self.signing.schedule().publish_before_use_seconds < LEAST_PUBLISHED_SECONDS;
        is_short.then(|| format!("is too short for verifiers that keep what they fetched; give at least {LEAST_PUBLISHED_SECONDS}"))
    }

    fn rotation_rule(&self) -> Option<String> {
        let schedule = self.signing.schedule();
        (schedule.rotation_seconds < schedule.publish_before_use_seconds)
            .then(|| "is shorter than publish_before_use_seconds; the next key would never be ready in time".to_owned())
    }

    fn sampling_ratio_rule(&self) -> Option<String> {
        let ratio = self.telemetry.sampling_ratio;
        if !(0.0..=1.0).contains(&ratio) {
            return Some("is not between 0.0 and 1.0".to_owned());
        }
        built_with_traces(ratio == Telemetry::default().sampling_ratio)
    }

    fn service_name_rule(&self) -> Option<String> {
        if self.telemetry.service_name.trim().is_empty() {
            return Some("is empty; name this server, or leave the key out for claviger".to_owned());
        }
        built_with_traces(self.telemetry.service_name == Telemetry::default().service_name)
    }
}

/// A key of `[telemetry]` that would do nothing is refused: somebody would wait for traces that never come.
fn built_with_traces(is_default: bool) -> Option<String> {
    (!is_default && !cfg!(feature = "otlp"))
        .then(|| "needs a binary that sends traces, and this one does not; build it with `--features otlp`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_of(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::default();
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_pass() {
        assert_eq!(Config::default().check(), Ok(()));
    }

    #[test]
    fn each_rule_names_its_key() {
        type Change = fn(&mut Config);
        let broken: [(&str, Change); 22] = [
            ("data_dir (", |c| c.data_dir = "".into()),
            ("key_prefix (", |c| c.key_prefix = String::new()),
            ("key_prefix (", |c| c.key_prefix = "Clv".into()),
            ("key_prefix (", |c| c.key_prefix = "1clv".into()),
            ("key_prefix (", |c| c.key_prefix = "clv-a".into()),
            ("key_prefix (", |c| c.key_prefix = "sk".into()),
            ("key_prefix (", |c| c.key_prefix = "a".repeat(21)),
            ("public_url (", |c| c.public_url = "auth.example.com".into()),
            ("public_url (", |c| c.public_url = "ftp://auth.example.com".into()),
            ("public_url (", |c| c.public_url = "https://a.example/?b".into()),
            ("public_url (", |c| c.public_url = "https://a.example/#b".into()),
            ("public_url (", |c| c.public_url = "https://ada:pw@a.example".into()),
            ("http.max_header_bytes (", |c| c.http.max_header_bytes = 8191.try_into().unwrap()),
            ("http.trusted_proxies (", |c| c.http.trusted_proxies = vec!["::/0".parse().unwrap()]),
            ("tls.certificate_file (", |c| c.tls.key_file = Some("key.pem".into())),
            ("log.level (", |c| c.log.level = "claviger=loud".into()),
            ("gateway.header_prefix (", |c| c.gateway.header_prefix = "X Auth ".into()),
            ("signing.publish_before_use_seconds (", |c| c.signing.publish_before_use_seconds = 3599.try_into().unwrap()),
            ("signing.rotation_days (", |c| c.signing.publish_before_use_seconds = 7_776_001.try_into().unwrap()),
            ("telemetry.sampling_ratio (", |c| c.telemetry.sampling_ratio = 1.1),
            ("telemetry.sampling_ratio (", |c| c.telemetry.sampling_ratio = f64::NAN),
            ("telemetry.service_name (", |c| c.telemetry.service_name = " ".into()),
        ];
        for (start, change) in broken {
            let text = problem_of(change);
            assert!(text.starts_with(start), "{text}");
            assert!(!text.contains('\n'), "one problem only: {text}");
        }
    }

    #[test]
    fn a_binary_without_traces_says_how_to_build_one_with_them() {
        type Change = fn(&mut Config);
        let set: [(&str, Change); 3] = [
            ("telemetry.otlp_endpoint (", |c| c.telemetry.otlp_endpoint = "http://127.0.0.1:4318/v1/traces".into()),
            ("telemetry.sampling_ratio (", |c| c.telemetry.sampling_ratio = 0.5),
            ("telemetry.service_name (", |c| c.telemetry.service_name = "keys".into()),
        ];
        for (start, change) in set {
            let mut config = Config::default();
            change(&mut config);
            let refused = config.check().err().map(|error| error.to_string());
            assert_eq!(refused.is_none(), cfg!(feature = "otlp"), "{refused:?}");
            assert!(refused.is_none_or(|text| text.starts_with(start) && text.contains("`--features otlp`")), "{start}");
        }
    }
}
