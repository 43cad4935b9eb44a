//! `otlp doctor` and the way to the receiver: packets that vanish, and proxies, taken, passed by or working.

use crate::doctor::{PATIENT, ill};
use crate::doctor_tls::{self, Authority};
use crate::support::{Said, finish, otlp};
use otlp_testkit::Collector;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

fn examine(arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = otlp(&[&["doctor", "--timeout", PATIENT, "-p", "grpc"], arguments].concat());
    command.envs(variables.iter().copied());
    finish(&mut command, b"")
}

/// Nobody takes the one connection for which there is room, and the system drops what asks for another.
#[cfg(target_os = "linux")]
#[test]
fn packets_that_vanish_are_told_from_a_port_where_nothing_listens() {
    use socket2::{Domain, Socket, Type};
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let _only = TcpStream::connect(address).unwrap();

    let endpoint = format!("http://{address}");
    let said = finish(&mut otlp(&["doctor", &endpoint, "-p", "grpc", "--timeout", "1s"]), b"");
    ill(
        &said,
        &[
            &format!("✗ tcp {address}: no connection within 1s"),
            "– tcp not tried for that reason: grpc, traces",
            &format!("packets to {address} vanish: a firewall drops them, or there is no such host"),
            "open the port in firewalls",
            "#connect",
            "1 check failed.",
        ],
    );
}

/// The URL of a proxy that connects whoever asks to the receiver at `endpoint`, whatever name was asked for, and what was.
fn tunnel(endpoint: &str) -> (String, Receiver<String>) {
    let to = endpoint.split_once("://").unwrap().1.to_owned();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let (asked, all) = channel();
    let copy = |mut from: TcpStream, mut to: TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    };
    let serve = move |mut client: TcpStream| {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            if !matches!(client.read(&mut byte), Ok(1)) {
                return;
            }
            head.push(byte[0]);
        }
        let _ = asked.send(String::from_utf8(head).unwrap());
        let receiver = TcpStream::connect(&to).unwrap();
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let (back, forth) = (receiver.try_clone().unwrap(), client.try_clone().unwrap());
        std::thread::spawn(move || copy(back, forth));
        copy(client, receiver);
    };
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    (proxy, all)
}

#[test]
fn a_proxy_that_works_is_told_with_the_variable_that_names_it() {
    let authority = Authority::new("behind-a-proxy");
    let plain = Collector::builder().grpc().start_blocking().unwrap();
    let secure = doctor_tls::collector(&authority.ca.server(&["collector.invalid"]).unwrap());
    for (collector, scheme, variable) in
        [(&plain, "http", "HTTP_PROXY"), (&plain, "http", "all_proxy"), (&secure, "https", "HTTPS_PROXY")]
    {
        let (proxy, asked) = tunnel(&collector.grpc_endpoint());
        let variables = [(variable, &*proxy.replace("://", "://me:hunter2@")), ("NO_PROXY", "example.com")];
        let endpoint = format!("{scheme}://collector.invalid:4317");
        let trusting: &[&str] = if scheme == "https" { &authority.flags() } else { &[] };
        let said = examine(&[&[&*endpoint], trusting].concat(), &variables);
        assert_eq!(said.code, Some(0), "{}", said.out);
        let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in [
            &*format!("proxy {proxy} ({variable})"),
            &format!("✓ tcp {}", proxy.trim_start_matches("http://")),
            &format!("✓ proxy {proxy} opens a tunnel to collector.invalid:4317, "),
            "✓ logs grpc: a real request taken",
        ] {
            assert!(words.contains(text), "{text}: {}", said.out);
        }
        assert!(!said.out.contains("hunter2"), "{}", said.out);
        let asked: Vec<String> = asked.try_iter().collect();
        let is_right = |head: &String| {
            head.starts_with("CONNECT collector.invalid:4317 HTTP/1.1\r\n")
                && head.to_ascii_lowercase().contains("\r\nproxy-authorization: basic ")
        };
        assert!(asked.iter().all(is_right), "{asked:?}");
    }
    assert_eq!((plain.received().items(), secure.received().items()), (6, 3));
}

#[test]
fn a_proxy_that_does_not_count_is_told_with_what_goes_before_it() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    // Nobody connects to it.
    let proxy = ("HTTP_PROXY", "http://me:hunter2@proxy.invalid:3128");
    let said = examine(&[&collector.grpc_endpoint()], &[proxy]);
    assert_eq!(said.code, Some(0), "{}", said.out);
    let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = "proxy none, HTTP_PROXY does not count (127.0.0.1 is this machine)";
    assert!(words.contains(line), "{}", said.out);
    let said = examine(&["http://collector.invalid:4317"], &[proxy, ("no_proxy", "example.com, invalid")]);
    ill(&said, &["proxy none, HTTP_PROXY does not count (invalid in no_proxy)", "✗ dns collector.invalid"]);
    assert!(!said.out.contains("hunter2"), "{}", said.out);
}
