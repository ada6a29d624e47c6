//! The types of configuration values, each parsed into what cannot be wrong.
//! A database URL carries a password, so it never shows it: not in Debug, not in TOML, not in an error.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// Which header proxies write the client's address into. It is a choice, not a guess: a proxy that
/// writes one of the two passes the other through as the client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    XForwardedFor,
    Forwarded,
}

/// Where the database is; empty for the embedded one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The URL with its password, to connect with; empty means SQLite inside `data_dir`.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn is_postgres(&self) -> bool {
        self.0.starts_with("postgres://") || self.0.starts_with("postgresql://")
    }

    /// The URL with `***` in place of its password. Only what is known to be harmless is shown: a URL that cannot
    /// be taken apart without doubt is `***` from its scheme on.
    pub fn masked(&self) -> String {
        let (scheme, rest) = match self.0.split_once("://") {
            Some((scheme, _)) => self.0.split_at(scheme.len() + "://".len()),
            None => self.0.split_at(self.0.find(':').map_or(0, |colon| colon + 1)),
        };
        match mask(rest) {
            Some(masked) => format!("{scheme}{masked}"),
            None => format!("{scheme}***"),
        }
    }
}

/// Query fields whose values say nothing secret. Any other is masked, however its name is written (`pass%77ord`).
const HARMLESS_FIELDS: [&str; 9] =
    ["application_name", "connect_timeout", "dbname", "host", "port", "sslmode", "sslrootcert", "statement-cache-capacity", "user"];

/// What follows the scheme (RFC 3986 section 3): `user:password@host:port/path?query`. `None` where a part may belong to
/// a password that was not percent-encoded, or an `@` was that should not have been.
fn mask(rest: &str) -> Option<String> {
    let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let holds_at = |text: &str| text.contains('@') || text.contains("%40");
    if holds_at(tail) || tail.contains('#') {
        return None;
    }
    let mut masked = match authority.rsplit_once('@') {
        Some((userinfo, host)) => format!("{}@{}", mask_userinfo(userinfo), shown_host(host)?),
        None => shown_host(authority)?.to_owned(),
    };
    let (path, query) = tail.split_once('?').map_or((tail, None), |(path, query)| (path, Some(query)));
    masked.push_str(path);
    if let Some(query) = query {
        let fields: Vec<String> = query.split('&').map(mask_field).collect();
        masked.push('?');
        masked.push_str(&fields.join("&"));
    }
    Some(masked)
}

fn mask_userinfo(userinfo: &str) -> String {
    match userinfo.split_once(':') {
        Some((user, _)) => format!("{}:***", shown_user(user)),
        None => shown_user(userinfo).to_owned(),
    }
}

/// A `:` that was percent-encoded makes user and password one.
fn shown_user(user: &str) -> &str {
    if user.contains('%') { "***" } else { user }
}

/// `host`, `host:5432` or `[::1]:5432`. With anything else behind a colon the `@` may be missing.
fn shown_host(host: &str) -> Option<&str> {
    let port = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.1.strip_prefix(':').unwrap_or(""),
        None => host.split_once(':').map_or("", |(_, port)| port),
    };
    let is_port = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    (is_port && !host.contains('%')).then_some(host)
}

fn mask_field(field: &str) -> String {
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    match field.split_once('=') {
        Some((name, value)) if HARMLESS_FIELDS.contains(&name) && is_plain(value) => field.to_owned(),
        Some((name, _)) => format!("{name}=***"),
        None if is_plain(field) && field.len() <= 20 => field.to_owned(),
        None => "***".to_owned(),
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.masked())
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.masked())
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const SCHEMES: [&str; 3] = ["postgres://", "postgresql://", "sqlite:"];
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || SCHEMES.iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(Self(text));
        }
        // The value stays out of the message: it may be a password in the wrong place.
        Err(de::Error::custom("not a database URL; write postgres://…, sqlite://… or leave it empty"))
    }
}

/// The URL of a collector. It has no user, so nothing in it must be hidden; one that has is refused without being repeated.
pub fn collector_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    // `Uri` drops a fragment, so look first.
    let uri = text.parse::<http::Uri>().ok().filter(|_| !text.contains('#'));
    let is_good = uri.is_some_and(|uri| {
        let is_plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@')) && uri.query().is_none();
        is_plain && matches!(uri.scheme_str(), Some("http" | "https"))
    });
    match text.is_empty() || is_good {
        true => Ok(text),
        false => Err(de::Error::custom("is not an http or https URL without user, query and fragment")),
    }
}

/// Paths where the empty string means "not set", so that every key has a value to print.
pub mod optional_path {
    use super::*;
    use std::path::PathBuf;

    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        path.clone().unwrap_or_default().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
        let path = PathBuf::deserialize(deserializer)?;
        Ok(Some(path).filter(|path| !path.as_os_str().is_empty()))
    }
}

/// Networks as CIDR, or a bare address for a network of one.
pub mod networks {
    use super::*;
    use ipnet::IpNet;
    use std::net::IpAddr;

    pub fn serialize<S: Serializer>(networks: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(networks.iter().map(IpNet::to_string))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
        Vec::<String>::deserialize(deserializer)?.iter().map(|text| parse(text)).collect()
    }

    fn parse<E: de::Error>(text: &str) -> Result<IpNet, E> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(IpNet::from(address.to_canonical()));
        }
        text.parse()
            .map(canonical)
            .map_err(|_| E::custom(format_args!("{text:?} is neither a network (10.0.0.0/8) nor an address (10.0.0.1)")))
    }

    /// An IPv4 network written as IPv6 (`::ffff:10.0.0.0/104`): addresses are compared in their IPv4 form.
    fn canonical(network: IpNet) -> IpNet {
        let (IpAddr::V4(address), Some(prefix)) = (network.addr().to_canonical(), network.prefix_len().checked_sub(96)) else {
            return network;
        };
        IpNet::new(IpAddr::V4(address), prefix).unwrap_or(network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_may_be_written_as_an_address_or_as_mapped_ipv6() {
        for (written, read) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::ffff:10.0.0.1", "10.0.0.1/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
        ] {
            let table: toml::Table = format!("trusted_proxies = ['{written}']").parse().unwrap();
            let http: crate::host::config::Http = table.try_into().unwrap();
            assert_eq!(http.trusted_proxies, [read.parse::<ipnet::IpNet>().unwrap()], "{written}");
        }
    }

    #[test]
    fn a_password_is_masked_wherever_it_stands() {
        for (url, masked) in [
            ("", ""),
            ("sqlite:///var/lib/claviger.db", "sqlite:///var/lib/claviger.db"),
            ("postgres://db/claviger", "postgres://db/claviger"),
            ("postgres://ada@db/claviger", "postgres://ada@db/claviger"),
            ("postgres://ada:hunter2@db/claviger", "postgres://ada:***@db/claviger"),
            ("postgres://ada:hunter2@[::1]:5432/x", "postgres://ada:***@[::1]:5432/x"),
            ("postgres://ada:hun%40ter2@db/x", "postgres://ada:***@db/x"),
            ("postgres://ada:hun@ter2@db/x", "postgres://ada:***@db/x"),
            ("postgres://ada%3Ahunter2@db/x", "postgres://***@db/x"),
            ("postgres://ada%3Ahun:ter2@db/x", "postgres://***:***@db/x"),
            // Wrongly encoded, or not encoded: where the password ends is anybody's guess.
            ("postgres://ada:hunter2%40db/x", "postgres://***"),
            ("postgres://ada:hunter2/x", "postgres://***"),
            ("postgres://ada:hun/t@er:2@db/x", "postgres://***"),
            ("postgres://ada:5/hunter2%40db/x", "postgres://***"),
            ("postgres://ada:hun?ter2@db/x?sslmode=require", "postgres://***"),
            ("postgres://ada@db/x#hunter2", "postgres://***"),
            ("postgres://ada:hunter2@[::1/x", "postgres://***"),
            ("sqlite:claviger.db", "sqlite:claviger.db"),
            ("sqlite://ada:hunter2@db", "sqlite://ada:***@db"),
            ("postgres://db/x?user=ada&password=hunter2", "postgres://db/x?user=ada&password=***"),
            ("postgres://db/x?sslPassword=hunter2&sslmode=require", "postgres://db/x?sslPassword=***&sslmode=require"),
            ("postgres://db/x?pass%77ord=hunter2&port=1", "postgres://db/x?pass%77ord=***&port=1"),
            ("postgres://db/x?user=ada;password=hunter2", "postgres://db/x?user=***"),
            ("postgres://db/x?options=-c%20a.b=hunter2", "postgres://db/x?options=***"),
            ("postgres://db:5432/x?user=ada&password=hun@ter2", "postgres://***"),
            ("postgres://db/x?hunter2-and-what-belongs-to-it", "postgres://db/x?***"),
        ] {
            let database = DatabaseUrl(url.to_owned());
            assert_eq!(database.masked(), masked);
            assert_eq!(format!("{database:?}"), format!("{masked:?}"));
            assert_eq!(DatabaseUrl(masked.to_owned()).masked(), masked, "masking twice is masking once");
        }
    }
}
