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

    /// The URL with `***` in place of its password.
    pub fn masked(&self) -> String {
        // A question mark before the last `@` belongs to a password, not to a query.
        let user_ends = self.0.rfind('@').unwrap_or(0);
        let (location, query) = match self.0[user_ends..].find('?') {
            Some(place) => (&self.0[..user_ends + place], Some(&self.0[user_ends + place + 1..])),
            None => (self.0.as_str(), None),
        };
        let mut masked = mask_userinfo(location);
        if let Some(query) = query {
            let fields: Vec<String> = query.split('&').map(mask_field).collect();
            masked.push('?');
            masked.push_str(&fields.join("&"));
        }
        masked
    }
}

/// Generous on purpose: a password with an unescaped `/`, `:` or `@` is masked whole.
fn mask_userinfo(location: &str) -> String {
    let Some((scheme, rest)) = location.split_once("://") else { return location.to_owned() };
    let Some((userinfo, host)) = rest.rsplit_once('@') else { return location.to_owned() };
    match userinfo.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:***@{host}"),
        None => location.to_owned(),
    }
}

fn mask_field(field: &str) -> String {
    match field.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("password") => format!("{name}=***"),
        _ => field.to_owned(),
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
            ("postgres://ada:hun/t@er:2@db/x", "postgres://ada:***@db/x"),
            ("postgres://db/x?user=ada&password=hunter2", "postgres://db/x?user=ada&password=***"),
            ("postgres://db/x?sslPassword=hunter2&a=b", "postgres://db/x?sslPassword=***&a=b"),
        ] {
            let database = DatabaseUrl(url.to_owned());
            assert_eq!(database.masked(), masked);
            assert_eq!(format!("{database:?}"), format!("{masked:?}"));
        }
    }
}
