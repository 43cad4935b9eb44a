//! Whether a request names this machine: the defence against DNS rebinding.
//!
//! A web site can have its own name resolve to 127.0.0.1, and its scripts are of the same origin as our answers then. They
//! can't choose the `Host` header, which is their name. Pure.

use std::net::IpAddr;

/// Whether the `Host` of a request is localhost, a loopback address, or `local`, where it came to. The port may be any: a
/// tunnel or a container shows another one than ours.
pub(super) fn is_ours(host: &str, local: IpAddr) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => address,
        Some((address, port)) if is_port(port) => address,
        Some(_) => return false,
        None => match host.rfind(':') {
            Some(colon) if is_port(&host[colon..]) => &host[..colon],
            Some(_) => return false,
            None => host,
        },
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    name.parse::<IpAddr>().is_ok_and(|address| {
        address.to_canonical().is_loopback() || address.to_canonical() == local.to_canonical()
    })
}

fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_the_bound_address_are_ours_and_names_are_not() {
        let local: IpAddr = "192.0.2.7".parse().unwrap();
        for host in [
            "localhost",
            "LocalHost:4319",
            "127.0.0.1:80",
            "127.9.9.9",
            "[::1]:4319",
            "[::1]",
            "192.0.2.7:1",
            "[::ffff:192.0.2.7]:1",
        ] {
            assert!(is_ours(host, local), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:4319",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.0.2.8:4319",
            "localhost:x",
            "localhost:",
            "[::1]x",
            "[::1",
            "::1",
            "user@localhost",
            "0.0.0.0:4319",
        ] {
            assert!(!is_ours(host, local), "{host}");
        }
    }
}
