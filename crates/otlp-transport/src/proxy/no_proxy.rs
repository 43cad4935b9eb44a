//! Who is not reached through the proxy: the list form of `NO_PROXY`.
//!
//! Pure. The rules are those of Go's `net/http`, which other exporters of telemetry follow: the variable means the same
//! to all of them.

use std::net::IpAddr;

/// Hosts that are connected to without the proxy.
///
/// A list of members separated by commas; what is none of these forms matches nothing:
///
/// | member | matches |
/// |---|---|
/// | `example.com` | that name and all below it |
/// | `.example.com`, `*.example.com` | all names below it |
/// | `10.1.2.3`, `fd00::1` | that address |
/// | `10.0.0.0/8`, `fd00::/8` | the addresses of that network |
/// | `example.com:4317`, `10.1.2.3:4317`, `[fd00::1]:4317` | the same at that port only |
/// | `*` | everything |
///
/// Names are compared as they are written, in any case; nothing is resolved.
///
/// ```
/// use otlp_transport::NoProxy;
/// let except = NoProxy::parse("example.com, 10.0.0.0/8");
/// assert!(except.matches("collector.example.com", 4317));
/// assert!(except.matches("10.20.30.40", 4317));
/// assert!(!except.matches("notexample.com", 4317));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NoProxy {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    Address(IpAddr),
    Network {
        address: IpAddr,
        bits: u32,
    },
    /// `suffix` begins with a dot; `itself`: the name without it, too.
    Names {
        suffix: String,
        itself: bool,
    },
}

impl NoProxy {
    /// Reads the list.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        Self { rules: list.split(',').filter_map(|member| rule(member.trim())).collect() }
    }

    /// Whether `host`, a name or an address (IPv6 without brackets), is excepted at `port`.
    #[must_use]
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let address = host.parse().ok().map(|address: IpAddr| address.to_canonical());
        self.rules.iter().any(|rule| {
            rule.port.is_none_or(|only| only == port)
                && match (&rule.hosts, address) {
                    (Hosts::All, _) => true,
                    (Hosts::Address(listed), Some(address)) => *listed == address,
                    (Hosts::Network { address: listed, bits }, Some(address)) => {
                        same_network(*listed, address, *bits)
                    }
                    (Hosts::Names { suffix, itself }, None) => {
                        host.ends_with(suffix) || *itself && suffix.strip_prefix('.') == Some(&*host)
                    }
                    _ => false,
                }
        })
    }
}

fn rule(member: &str) -> Option<Rule> {
    let member = member.to_ascii_lowercase();
    if member == "*" {
        return Some(Rule { hosts: Hosts::All, port: None });
    }
    if let Some((address, bits)) = member.split_once('/') {
        let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse().ok()?);
        let most = if address.is_ipv4() { 32 } else { 128 };
        return (bits <= most).then_some(Rule { hosts: Hosts::Network { address, bits }, port: None });
    }
    let (host, port) = split_port(&member)?;
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(Rule { hosts: Hosts::Address(address.to_canonical()), port });
    }
    let below = host.strip_prefix('*').unwrap_or(host);
    let (suffix, itself) = match below.strip_prefix('.') {
        Some(name) => (name, false),
        None if below.len() == host.len() => (host, true),
        // A star in the middle of a word means nothing.
        None => return None,
    };
    let suffix = suffix.strip_suffix('.').unwrap_or(suffix);
    (!suffix.is_empty()).then(|| Rule { hosts: Hosts::Names { suffix: format!(".{suffix}"), itself }, port })
}

/// The host, without the brackets of an IPv6 address, and the port; nothing if there is a port that is none.
fn split_port(member: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = member.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match member.split_once(':') {
        // More than one colon and no brackets: an IPv6 address.
        Some((_, rest)) if rest.contains(':') => Some((member, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((member, None)),
    }
}

fn same_network(listed: IpAddr, address: IpAddr, bits: u32) -> bool {
    let differ = match (listed, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => u128::from(a.to_bits() ^ b.to_bits()) << 96,
        (IpAddr::V6(a), IpAddr::V6(b)) => a.to_bits() ^ b.to_bits(),
        _ => return false,
    };
    differ.leading_zeros() >= bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_members() {
        for (list, host, port, matches) in [
            ("example.com", "example.com", 1, true),
            ("example.com", "a.b.Example.COM", 1, true),
            ("example.com", "example.com.", 1, true),
            ("example.com", "notexample.com", 1, false),
            ("example.com", "example.com.evil", 1, false),
            (".example.com", "example.com", 1, false),
            (".example.com", "a.example.com", 1, true),
            ("*.example.com", "example.com", 1, false),
            ("*.example.com", "a.example.com", 1, true),
            ("EXAMPLE.com:4317", "a.example.com", 4317, true),
            ("example.com:4317", "example.com", 4318, false),
            ("example.com:x", "example.com", 4318, false),
            ("10.1.2.3", "10.1.2.3", 1, true),
            ("10.1.2.3", "10.1.2.30", 1, false),
            ("10.1.2.3", "::ffff:10.1.2.3", 1, true),
            ("10.1.2.3:80", "10.1.2.3", 81, false),
            ("fd00::1", "fd00:0::1", 1, true),
            ("[fd00::1]", "fd00::1", 1, true),
            ("[fd00::1]:80", "fd00::1", 80, true),
            ("[fd00::1]:80", "fd00::1", 81, false),
            ("10.0.0.0/8", "10.255.0.1", 1, true),
            ("10.0.0.0/8", "11.0.0.1", 1, false),
            ("0.0.0.0/0", "1.2.3.4", 1, true),
            ("0.0.0.0/0", "::1", 1, false),
            ("fd00::/8", "fdff::1", 1, true),
            ("fd00::/8", "fe00::1", 1, false),
            ("10.0.0.0/33", "10.0.0.0", 1, false),
            ("10.0.0.0/8", "ten.example", 1, false),
            ("*", "anything", 1, true),
            ("a, ,b,*", "10.0.0.1", 1, true),
            ("ex*mple.com", "example.com", 1, false),
            ("*example.com", "example.com", 1, false),
            ("", "", 1, false),
            (".", "a", 1, false),
        ] {
            assert_eq!(NoProxy::parse(list).matches(host, port), matches, "{list} {host}:{port}");
        }
    }

    proptest! {
        #[test]
        fn any_list_and_any_host(list in ".{0,60}", host in ".{0,30}", port in any::<u16>()) {
            let _ = NoProxy::parse(&list).matches(&host, port);
        }

        #[test]
        fn a_network_holds_what_shares_its_first_bits(a in any::<u32>(), b in any::<u32>(), bits in 0u32..=32) {
            let list = format!("{}/{bits}", std::net::Ipv4Addr::from(a));
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            let host = std::net::Ipv4Addr::from(b).to_string();
            prop_assert_eq!(NoProxy::parse(&list).matches(&host, 1), a & mask == b & mask);
        }

        #[test]
        fn a_name_excepts_itself_and_what_is_below(name in "[a-z]{1,8}(\\.[a-z]{1,8}){0,2}", sub in "[a-z]{1,8}") {
            let except = NoProxy::parse(&name);
            prop_assert!(except.matches(&name, 1));
            let below = format!("{sub}.{name}");
            prop_assert!(except.matches(&below, 1));
            let beside = format!("{sub}{name}");
            prop_assert!(!except.matches(&beside, 1));
        }
    }
}
