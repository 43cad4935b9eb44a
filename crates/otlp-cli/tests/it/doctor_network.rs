//! `otlp doctor` and the way to the receiver: packets that vanish, and proxies, taken, passed by or working.

use crate::doctor::{PATIENT, findings, ill};
use crate::doctor_tls::{self, Authority};
use crate::support::{Said, finish, otlp};
use crate::tunnel::tunnel;
use otlp_testkit::{Collector, FaultProxy};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::Command;

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

#[test]
fn a_proxy_that_is_not_there_is_not_taken_for_the_receiver() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let gone = FaultProxy::to(collector.grpc_endpoint()).refusing().start_blocking().unwrap();
    let cure = "correct the proxy's address (--proxy, or the variable that names it)";
    for (proxy, step, cause) in [
        (&*gone.endpoint(), "✗ tcp", ", where the proxy should be"),
        ("http://proxy.invalid:3128", "✗ dns", "the proxy's name, proxy.invalid, is not known here"),
    ] {
        let endpoint = "http://collector.invalid:4317";
        for said in
            [examine(&[endpoint, "--proxy", proxy], &[]), examine(&[endpoint], &[("HTTP_PROXY", proxy)])]
        {
            ill(&said, &[step, cause, cure, "NO_PROXY, --no-proxy", "#proxy", "1 check failed."]);
            for other in ["usually port", "collector that", "start the", "check the spelling", "#connect"] {
                assert!(!said.out.contains(other), "{other}: {}", said.out);
            }
        }
    }
}

#[test]
fn a_variable_that_is_no_proxy_is_an_ailment_and_not_gone_around() {
    let file = std::env::temp_dir().join(format!("otlp-cli-{}-no-proxy.txt", std::process::id()));
    let path = file.display().to_string();
    let proxy = ("HTTP_PROXY", "socks5://me:hunter2@proxy.invalid:1");
    let line = ["http://collector.invalid:4317", "--report", &path, "--attach", "/nowhere/app.log"];
    let said = examine(&line, &[proxy]);
    let bundle = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let texts = [
        "✗ config the variable HTTP_PROXY has the unsupported scheme \"socks5\"",
        "a client that is configured so is not made",
        "correct the variable",
        "#proxy",
        "1 check failed.",
    ];
    ill(&said, &texts);
    assert!(!said.out.contains("dns") && !said.out.contains("hunter2"), "{}", said.out);
    assert!(
        bundle.contains(texts[0].split(' ').next_back().unwrap())
            && bundle.contains("=== /nowhere/app.log ===")
    );
    assert!(!bundle.contains("hunter2"), "{bundle}");
    let said = examine(&["http://collector.invalid:4317", "--json"], &[proxy]);
    assert_eq!((said.code, &findings(&said, "config")[0]["status"]), (Some(1), &"failed".into()));

    // Of a receiver for which it does not count there is something to say all the same.
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let variables = [
        proxy,
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.grpc_endpoint()),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://collector.invalid:4317"),
    ];
    let said = examine(&[], &variables);
    ill(&said, &["✗ config logs: the variable HTTP_PROXY", "✓ tcp traces, metrics: ", "1 check failed."]);
    // What the command line says is the command line's mistake.
    let said = examine(&["http://collector.invalid:4317", "--proxy", "socks5://proxy.invalid:1"], &[]);
    assert!(
        said.code == Some(2) && said.err.contains("--proxy: the URL has the unsupported scheme"),
        "{said:?}"
    );
}

/// The command where names have the addresses that `hosts` says, in a mount namespace; or why there is none.
fn with_hosts(hosts: &Path, arguments: &[&str]) -> Result<Said, String> {
    const SCRIPT: &str = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
    let apart = |program: &str, arguments: &[&str]| {
        let mut command = Command::new("unshare");
        // The environment that says nothing.
        for (name, _) in otlp(&[]).get_envs() {
            command.env_remove(name);
        }
        command.args(["--user", "--map-root-user", "--mount", "--", "sh", "-c", SCRIPT]);
        command.arg(hosts).arg(program).args(arguments);
        command
    };
    match apart("true", &[]).output() {
        Ok(output) if output.status.success() => {
            Ok(finish(&mut apart(env!("CARGO_BIN_EXE_otlp"), arguments), b""))
        }
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Err(format!("unshare: {error}")),
    }
}

#[test]
fn each_address_of_a_name_is_told_and_tried() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let endpoint = collector.grpc_endpoint().replace("127.0.0.1", "several.invalid");
    let port = endpoint.rsplit(':').next().unwrap();
    let hosts = std::env::temp_dir().join(format!("otlp-cli-{}-hosts", std::process::id()));
    std::fs::write(&hosts, "127.0.0.1 several.invalid\n127.0.0.2 several.invalid\n::1 several.invalid\n")
        .unwrap();
    let line = ["doctor", &endpoint, "-p", "grpc", "--timeout", PATIENT, "--json"];
    let said = with_hosts(&hosts, &line);
    std::fs::remove_file(&hosts).unwrap();
    let said = match said {
        Ok(said) => said,
        Err(why) => return otlp_testkit::skipped("doctor, a name with several addresses", why),
    };
    assert_eq!(said.code, Some(0), "{}", said.out);
    let dns = &findings(&said, "dns")[0];
    let mut addresses: Vec<&str> =
        dns["facts"]["addresses"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert!(dns["text"].as_str().unwrap().contains(&format!("is {}, ", addresses.join(", "))), "{dns:#}");
    addresses.sort_unstable();
    assert_eq!(addresses, ["127.0.0.1", "127.0.0.2", "::1"]);

    let mut tcp: Vec<(String, String)> = findings(&said, "tcp")
        .iter()
        .map(|it| (it["text"].as_str().unwrap().to_owned(), it["status"].as_str().unwrap().to_owned()))
        .collect();
    tcp.sort_unstable();
    let [(first, ok), second, third] = tcp.as_slice() else { panic!("{tcp:?}") };
    assert!(first.starts_with(&format!("127.0.0.1:{port} accepts connections, ")) && ok == "ok", "{tcp:?}");
    for ((text, status), address) in [(second, "127.0.0.2"), (third, "[::1]")] {
        // Where there is no IPv6 it is not for want of a listener.
        assert!(text.starts_with(&format!("{address}:{port}: ")) && status == "note", "{tcp:?}");
        assert!(text.ends_with("; connections go to another address"), "{tcp:?}");
    }
    assert_eq!(collector.received().items(), 3);
}

/// As every machine has it that has both, and none needs rights for.
#[test]
fn localhost_may_have_two_addresses() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let endpoint = collector.grpc_endpoint().replace("127.0.0.1", "localhost");
    let mut addresses: Vec<String> =
        ("localhost", 0).to_socket_addrs().unwrap().map(|address| address.ip().to_string()).collect();
    addresses.dedup();
    if addresses.len() < 2 {
        let why = format_args!("localhost is {addresses:?} alone here");
        return otlp_testkit::skipped("doctor, localhost over IPv4 and IPv6", why);
    }
    let said = examine(&[&endpoint], &[]);
    assert!(
        said.out.contains(&format!("✓ dns      localhost is {}, ", addresses.join(", "))),
        "{}",
        said.out
    );
    let tried = said.out.lines().filter(|line| line.contains(" tcp      ")).count();
    assert_eq!((said.code, tried), (Some(0), addresses.len()), "{}", said.out);
}
