//! Whose address a request comes from: the peer, or whom trusted proxies say they spoke for.
//! It never believes anybody but a trusted proxy, and never looks past an entry it cannot read.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

use super::config::ForwardedHeader;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address. Walks the header from the right, where the nearest proxy wrote, for as long as the one
/// who wrote is trusted; what a client put in on the left is never reached. Where a trusted proxy names nobody, or
/// nobody that can be read, its own address is the answer.
pub fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet], header: ForwardedHeader) -> IpAddr {
    let mut client = peer.to_canonical();
    if !is_trusted(client, trusted) {
        return client;
    }
    let (name, read): (HeaderName, fn(&str) -> Hops) = match header {
        ForwardedHeader::XForwardedFor => (X_FORWARDED_FOR, x_forwarded_for),
        ForwardedHeader::Forwarded => (header::FORWARDED, forwarded),
    };
    // Several lines are one list, in their order (RFC 9110 section 5.3).
    let hops: Hops = headers.get_all(name).iter().flat_map(|line| read(&text(line))).collect();
    for hop in hops.into_iter().rev() {
        let Some(hop) = hop else { break };
        client = hop;
        if !is_trusted(client, trusted) {
            break;
        }
    }
    client
}

/// From left to right; `None` for an entry that is no address.
type Hops = Vec<Option<IpAddr>>;

/// Bytes that are no text spoil their own entry only: with them a client must not hide what a proxy appended.
fn text(line: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(line.as_bytes())
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

fn x_forwarded_for(line: &str) -> Hops {
    line.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(address).collect()
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse().ok().map(IpAddr::V6),
        None => entry.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip())),
    };
    address.map(|address| address.to_canonical())
}

/// RFC 7239. A line with one mistake counts as unreadable whole: an open quotation mark that a client sent would
/// otherwise swallow what the proxy added behind it.
fn forwarded(line: &str) -> Hops {
    elements(line).unwrap_or_else(|| vec![None])
}

/// The `for` of each element.
fn elements(line: &str) -> Option<Hops> {
    let mut hops = Vec::new();
    let mut rest = line.trim_matches([' ', '\t']);
    let mut hop = None;
    let mut is_empty = true;
    loop {
        if !rest.starts_with([',', ';']) && !rest.is_empty() {
            let (name, value) = rest.split_once('=')?;
            let (value, after) = token_or_quoted(value)?;
            if !is_token(name) {
                return None;
            }
            if name.eq_ignore_ascii_case("for") && hop.replace(address(&value)).is_some() {
                return None; // named twice in one element
            }
            is_empty = false;
            rest = after;
        }
        rest = rest.trim_start_matches([' ', '\t']);
        match rest.chars().next() {
            Some(';') => {}
            // An empty element is allowed in a list and means nothing.
            Some(',') | None if is_empty => {}
            Some(',') | None => hops.push(hop.take().flatten()),
            Some(_) => return None,
        }
        match rest.strip_prefix(';') {
            Some(after) => rest = after.trim_start_matches([' ', '\t']),
            None if rest.is_empty() => return Some(hops),
            None => {
                rest = rest[1..].trim_start_matches([' ', '\t']);
                is_empty = true;
            }
        }
    }
}

/// A value at the start of the text, without its quotation marks, and what follows it.
fn token_or_quoted(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ';', ' ', '\t']).unwrap_or(text.len());
        let (token, rest) = text.split_at(end);
        return is_token(token).then(|| (token.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROXY: &str = "10.0.0.1";

    fn client(peer: &str, header: ForwardedHeader, lines: &[(&'static str, &str)]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8", "192.0.2.7/32"].map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(*name, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        client_address(peer.parse().unwrap(), &headers, &trusted, header).to_string()
    }

    #[test]
    fn x_forwarded_for() {
        for (peer, lines, wanted) in [
            // Nobody is believed but a trusted proxy.
            ("203.0.113.9", &["1.1.1.1"][..], "203.0.113.9"),
            ("2001:db8::9", &["1.1.1.1"], "2001:db8::9"),
            (PROXY, &[], PROXY),
            (PROXY, &[""], PROXY),
            (PROXY, &["203.0.113.9"], "203.0.113.9"),
            // What the client sent stands on the left and is not reached.
            (PROXY, &["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
            (PROXY, &["10.0.0.5, 203.0.113.9"], "203.0.113.9"),
            (PROXY, &["garbage, 203.0.113.9"], "203.0.113.9"),
            (PROXY, &["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
            (PROXY, &["203.0.113.9, 1.1.1.1", "10.0.0.3"], "1.1.1.1"),
            // Through several proxies, also over IPv6.
            (PROXY, &["1.1.1.1, 203.0.113.9, 192.0.2.7, 10.2.3.4"], "203.0.113.9"),
            ("fd00::1", &["203.0.113.9, fd00::2"], "203.0.113.9"),
            // Nobody but proxies: the first of them began it.
            (PROXY, &["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
            // Ports and brackets.
            (PROXY, &["203.0.113.9:51312"], "203.0.113.9"),
            (PROXY, &["2001:db8::9"], "2001:db8::9"),
            (PROXY, &["[2001:db8::9]"], "2001:db8::9"),
            (PROXY, &["[2001:db8::9]:51312"], "2001:db8::9"),
            // IPv4 in IPv6 is IPv4, for the peer, a proxy and the client.
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:203.0.113.9", &["1.1.1.1"], "203.0.113.9"),
            (PROXY, &["1.1.1.1, ::ffff:203.0.113.9, ::ffff:10.0.0.2"], "203.0.113.9"),
            // An entry that cannot be read ends the walk: what lies behind it is nobody's word.
            (PROXY, &["1.1.1.1, unknown"], PROXY),
            (PROXY, &["1.1.1.1, 203.0.113.9:port"], PROXY),
            (PROXY, &["1.1.1.1, 203.0.113.999, 10.0.0.2"], "10.0.0.2"),
            (PROXY, &["1.1.1.1, fe80::1%eth0"], PROXY),
            (PROXY, &["1.1.1.1, [203.0.113.9]"], PROXY),
            (PROXY, &["1.1.1.1", "\u{fc}"], PROXY),
            (PROXY, &[" , ,203.0.113.9 ,, "], "203.0.113.9"),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            assert_eq!(client(peer, ForwardedHeader::XForwardedFor, &lines), wanted, "{peer} {lines:?}");
        }
    }

    #[test]
    fn forwarded() {
        for (peer, lines, wanted) in [
            ("203.0.113.9", &["for=1.1.1.1"][..], "203.0.113.9"),
            (PROXY, &["for=203.0.113.9"], "203.0.113.9"),
            (PROXY, &["For=\"203.0.113.9:80\";proto=https;by=10.0.0.1"], "203.0.113.9"),
            (PROXY, &["proto=http; for=\"[2001:db8::9]:4711\" ; host=\"a,b;c\""], "2001:db8::9"),
            (PROXY, &["for=\"[2001:db8::9]\""], "2001:db8::9"),
            (PROXY, &["for=\"203\\.0.113.9\""], "203.0.113.9"),
            (PROXY, &["for=1.1.1.1, for=203.0.113.9, for=10.0.0.2"], "203.0.113.9"),
            (PROXY, &["for=1.1.1.1", "for=203.0.113.9"], "203.0.113.9"),
            (PROXY, &[", for=203.0.113.9,,"], "203.0.113.9"),
            (PROXY, &["for=1.1.1.1, for=unknown"], PROXY),
            (PROXY, &["for=1.1.1.1, for=_hidden"], PROXY),
            (PROXY, &["for=1.1.1.1, proto=https"], PROXY),
            // Mistakes, among them those by which a client would swallow the proxy's part.
            (PROXY, &["for=1.1.1.1;host=\", for=203.0.113.9"], PROXY),
            (PROXY, &["for=1.1.1.1;host=\", for=\"203.0.113.9\""], PROXY),
            (PROXY, &["for=1.1.1.1;host=\"\\, for=\"203.0.113.9\""], PROXY),
            (PROXY, &["for=1.1.1.1;for=2.2.2.2"], PROXY),
            (PROXY, &["for=[2001:db8::9]"], PROXY),
            (PROXY, &["for"], PROXY),
            (PROXY, &["for="], PROXY),
            (PROXY, &["=1.1.1.1"], PROXY),
            (PROXY, &["for=1.1.1.1 proto=http"], PROXY),
            (PROXY, &["1.1.1.1"], PROXY),
            (PROXY, &["\u{fc}"], PROXY),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
            assert_eq!(client(peer, ForwardedHeader::Forwarded, &lines), wanted, "{peer} {lines:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_do_not_hide_what_a_proxy_appended() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", HeaderValue::from_bytes(b"\xff\xfe, 203.0.113.9").unwrap());
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let client = client_address(PROXY.parse().unwrap(), &headers, &trusted, ForwardedHeader::XForwardedFor);
        assert_eq!(client.to_string(), "203.0.113.9");
    }

    #[test]
    fn the_header_that_proxies_do_not_write_is_not_read() {
        let lines = [("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "203.0.113.9"), ("x-real-ip", "2.2.2.2")];
        assert_eq!(client(PROXY, ForwardedHeader::XForwardedFor, &lines), "203.0.113.9");
        assert_eq!(client(PROXY, ForwardedHeader::Forwarded, &lines), "1.1.1.1");
    }
}
