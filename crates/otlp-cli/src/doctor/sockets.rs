//! The TCP sockets of a port, from the tables that Linux has of them.
//!
//! Used for the bundle, in the place of `netstat`. Pure: reads a table's text. Elsewhere there is none, and the bundle says so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The states of a socket, by their numbers from 1 on.
const STATES: [&str; 11] = [
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
];

/// A line for each socket of `table` (`/proc/net/tcp` or `tcp6`) that has `port` on either side.
pub(super) fn of_port(table: &str, port: u16) -> Vec<String> {
    table
        .lines()
        .filter_map(read)
        .filter(|(local, remote, _)| [local.port(), remote.port()].contains(&port))
        .map(|(local, remote, state)| format!("{local} - {remote} {state}"))
        .collect()
}

fn read(line: &str) -> Option<(SocketAddr, SocketAddr, &'static str)> {
    let mut columns = line.split_whitespace().skip(1);
    let (local, remote) = (address(columns.next()?)?, address(columns.next()?)?);
    let state = usize::from_str_radix(columns.next()?, 16).ok()?;
    Some((local, remote, STATES.get(state.checked_sub(1)?)?))
}

/// `0100007F:10DD`: words of four bytes as this machine keeps them, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let words = (0..host.len()).step_by(8).map(|at| {
        let word = u32::from_str_radix(host.get(at..at + 8)?, 16).ok()?;
        Some(word.to_ne_bytes())
    });
    let bytes = words.collect::<Option<Vec<_>>>()?.concat();
    let host = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(v4) => IpAddr::V4(Ipv4Addr::from(v4)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?)),
    };
    Some(SocketAddr::new(host, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_a_port_are_found_on_either_side() {
        let table = "  sl  local_address rem_address   st tx_queue\n\
            \x20  0: 0100007F:10DD 00000000:0000 0A 00000000:00000000\n\
            \x20  1: 0100007F:A1B2 0100007F:10DD 01 00000000:00000000\n\
            \x20  2: 0100007F:0016 00000000:0000 0A 00000000:00000000\n\
            \x20  3: 00000000000000000000000001000000:10DD 00000000000000000000000000000000:0000 0A 0\n\
            nonsense\n";
        assert_eq!(
            of_port(table, 4317),
            [
                "127.0.0.1:4317 - 0.0.0.0:0 LISTEN",
                "127.0.0.1:41394 - 127.0.0.1:4317 ESTABLISHED",
                "[::1]:4317 - [::]:0 LISTEN"
            ]
        );
    }
}
