//! Addresses on the web that an application names: of its keys, of an issuer that it trusts.
//! What they resolve to is looked at when they are fetched; here is refused what can be told from the text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An `https` address without user, password and fragment, and not of this machine or a private network.
pub(super) fn https(text: &str) -> Result<String, String> {
    if text.len() > 500 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must be at most 500 visible ASCII characters".to_owned());
    }
    let rest = text.strip_prefix("https://").ok_or("must begin with https://")?;
    if text.contains('#') {
        return Err("must not have a fragment (#)".to_owned());
    }
    // Parsers of addresses differ about it.
    if text.contains('\\') {
        return Err("must not hold a backslash".to_owned());
    }
    let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
    if authority.contains('@') {
        return Err("must not hold a user or password".to_owned());
    }
    check_host(host(authority)?)?;
    Ok(text.to_owned())
}

/// The host of `host`, `host:port`, `[v6]` or `[v6]:port`.
fn host(authority: &str) -> Result<&str, String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (_, after) = rest.split_once(']').ok_or("has an address in brackets that do not close")?;
            (&authority[..authority.len() - after.len()], after)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port_is_good = port.is_empty() || port.strip_prefix(':').and_then(|port| port.parse::<u16>().ok()).is_some_and(|port| port > 0);
    if port_is_good { Ok(host) } else { Err("has a port that is none".to_owned()) }
}

fn check_host(host: &str) -> Result<(), String> {
    if let Some(address) = host.strip_prefix('[') {
        let address: Ipv6Addr = address.trim_end_matches(']').parse().map_err(|_| "has an address in brackets that is none")?;
        return refuse_private(address.into());
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    // `127.1`, `0x7f.0.0.1` and `2130706433` are addresses too, to some.
    if last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x") {
        let address: Ipv4Addr = name.parse().map_err(|_| "does not name a host")?;
        return refuse_private(address.into());
    }
    dns_name(&name)?;
    if last == "localhost" { Err("is of this machine".to_owned()) } else { Ok(()) }
}

/// A host name as DNS has it: labels of letters, digits and hyphens.
pub(super) fn dns_name(name: &str) -> Result<(), String> {
    let good = |label: &str| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(word) && !label.starts_with('-') && !label.ends_with('-')
    };
    if name.len() <= 253 && name.split('.').all(good) { Ok(()) } else { Err("does not name a host".to_owned()) }
}

fn refuse_private(address: IpAddr) -> Result<(), String> {
    let is_private = match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => {
            let [first, ..] = v6.segments();
            let embedded = v6.to_ipv4().or_else(|| embedded_v4(v6));
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_multicast()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80
                || embedded.is_some_and(is_private_v4)
        }
    };
    if is_private { Err("is of this machine or a private network".to_owned()) } else { Ok(()) }
}

fn is_private_v4(v4: Ipv4Addr) -> bool {
    let [a, b, ..] = v4.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast() || v4.is_multicast() || is_shared || a == 0
}

/// IPv4 inside NAT64 (RFC 6052) and 6to4 (RFC 3056).
fn embedded_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match v6.segments() {
        [0x64, 0xff9b, _, _, _, _, high, low] | [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::https;

    #[test]
    fn addresses_of_the_web_are_taken_and_those_of_this_network_are_not() {
        for good in [
            "https://keys.example.com/jwks.json",
            "https://example.com:8443/a?b=c",
            "https://93.184.215.14/jwks",
            "https://[2606:2800:21f:cb07::1]/jwks",
            "https://example.com.",
        ] {
            assert_eq!(https(good), Ok(good.to_owned()));
        }
        for bad in [
            "http://example.com",
            "HTTPS://example.com",
            "https://",
            "https:///jwks",
            "https://user@example.com",
            "https://user:pass@example.com",
            "https://example.com#x",
            "https://example.com\\@127.0.0.1/",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://exa mple.com",
            "https://-a.example.com",
            "https://localhost/jwks",
            "https://a.localhost./",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://0.0.0.0/",
            "https://10.0.0.1/",
            "https://172.16.0.1/",
            "https://192.168.1.1./",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://[::1/",
        ] {
            assert!(https(bad).is_err(), "{bad}");
        }
    }
}
