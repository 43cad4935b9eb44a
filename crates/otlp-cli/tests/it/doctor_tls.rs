//! `otlp doctor` and TLS: certificates that are no good, and TLS where there is none.

use crate::doctor::{PATIENT, examine, findings, ill};
use crate::support::{finish, otlp};
use otlp_testkit::{Collector, Identity, Reply, ServerTls, TestCa};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::path::PathBuf;
use std::sync::mpsc;

const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// An authority and the file with its certificate, which is gone with it.
pub(crate) struct Authority {
    pub(crate) ca: TestCa,
    file: PathBuf,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let file = std::env::temp_dir().join(format!("otlp-cli-{}-{name}.pem", std::process::id()));
        let ca = TestCa::new(name).unwrap();
        std::fs::write(&file, ca.cert_pem()).unwrap();
        Self { ca, file }
    }

    pub(crate) fn flags(&self) -> [&str; 2] {
        ["--ca-file", self.file.to_str().unwrap()]
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}

pub(crate) fn collector(identity: &Identity) -> Collector {
    Collector::builder().tls(ServerTls::new(identity).unwrap()).start_blocking().unwrap()
}

#[test]
fn a_good_certificate_is_shown_with_names_end_and_root() {
    let authority = Authority::new("good");
    let collector = collector(&authority.ca.server(&NAMES).unwrap());
    for (endpoint, protocol) in
        [(collector.grpc_endpoint(), "grpc"), (collector.http_endpoint(), "http/protobuf")]
    {
        let said = examine(&endpoint, &[&["-p", protocol][..], &authority.flags()].concat());
        assert_eq!(said.code, Some(0), "{}", said.out);
        for text in [
            "✓ tls      TLS 1.3, ",
            "trusted by ",
            "(CN=good)",
            "for localhost, 127.0.0.1, issued by CN=good",
        ] {
            assert!(said.out.contains(text), "{text}: {}", said.out);
        }
    }
}

/// The root is the one that is trusted, wherever the chain that the server sends ends: here it sends its own certificate and one
/// between that and the root.
#[test]
fn the_root_is_the_certificate_here_that_the_chain_ends_in() {
    let authority = Authority::new("the-root");
    let between = authority.ca.intermediate("between").unwrap();
    let collector = collector(&between.server(&NAMES).unwrap());
    // Of another key, with the same name.
    let namesake = TestCa::new("the-root").unwrap();
    let other = TestCa::new("other").unwrap();
    let file = |name: &str, certificates: &[&TestCa]| {
        let file = authority.file.with_extension(name);
        let all: String = certificates.iter().map(|ca| ca.cert_pem()).collect();
        std::fs::write(&file, all).unwrap();
        file
    };
    let (all, middle) =
        (file("all", &[&other, &namesake, &authority.ca]), file("middle", &[&other, &between]));
    let endpoint = collector.grpc_endpoint();
    for (file, root) in [(&authority.file, "the-root"), (&all, "the-root"), (&middle, "between")] {
        let by_flag = otlp(&[
            "doctor",
            &endpoint,
            "-p",
            "grpc",
            "--timeout",
            PATIENT,
            "--ca-file",
            file.to_str().unwrap(),
        ]);
        let mut by_platform = otlp(&["doctor", &endpoint, "-p", "grpc", "--timeout", PATIENT]);
        by_platform.env("SSL_CERT_FILE", file).env_remove("SSL_CERT_DIR");
        for (mut command, from) in [
            (by_flag, file.display().to_string()),
            (by_platform, "the platform's authorities, of SSL_CERT_FILE".to_owned()),
        ] {
            // Elsewhere the platform has no such variable.
            if from.starts_with("the platform") && !cfg!(target_os = "linux") {
                continue;
            }
            let said = finish(&mut command, b"");
            let line = format!("✓ tls      TLS 1.3, h2, certificate trusted by {from} (CN={root})\n");
            assert!(said.code == Some(0) && said.out.contains(&line), "{line}: {}", said.out);
            let said = finish(command.arg("--json"), b"");
            let found = findings(&said, "tls");
            let of = |fact: &str| found.iter().map(|it| it["facts"][fact].clone()).collect::<Vec<_>>();
            assert_eq!(of("root")[0], format!("CN={root}"));
            assert_eq!(of("trusted_by")[0], from);
            // The chain as it is sent.
            assert_eq!(of("subject")[1..], ["CN=server", "CN=between"]);
            assert_eq!(of("issuer")[1..], ["CN=between", "CN=the-root"]);
        }
    }
    for file in [all, middle] {
        let _ = std::fs::remove_file(file);
    }
    // Where nothing is verified nothing is trusted.
    let line = ["doctor", &endpoint, "-p", "grpc", "--timeout", PATIENT, "--insecure-skip-verify", "--json"];
    let said = finish(otlp(&line).env("SSL_CERT_FILE", &authority.file), b"");
    let first = &findings(&said, "tls")[0];
    assert!(first["facts"]["root"].is_null() && first["facts"]["trusted_by"].is_null(), "{first:#}");
    assert_eq!(first["text"], "TLS 1.3, h2, certificate not verified (--insecure-skip-verify)");
}

#[test]
fn an_expired_certificate() {
    let authority = Authority::new("expired");
    let collector = collector(&authority.ca.expired_server(&NAMES).unwrap());
    let said = examine(&collector.grpc_endpoint(), &authority.flags());
    ill(
        &said,
        &[
            "✗ tls",
            "the server's certificate has expired",
            "renew the certificate of the receiver",
            "to Wed, 01 Jan 2020",
            "#tls",
        ],
    );
    assert!(!said.out.contains("port     "), "a certificate is no wrong protocol: {}", said.out);
}

#[test]
fn an_unknown_authority() {
    let (authority, other) = (Authority::new("ours"), Authority::new("other"));
    let collector = collector(&authority.ca.server(&NAMES).unwrap());
    let said = examine(&collector.http_endpoint(), &[&["-p", "http/json"][..], &other.flags()].concat());
    ill(&said, &["from an authority that is not trusted here", "--ca-file", "issued by CN=ours", "#tls"]);
}

#[test]
fn a_certificate_for_another_name() {
    let authority = Authority::new("names");
    let collector = collector(&authority.ca.server(&["collector.internal"]).unwrap());
    let said = examine(&collector.grpc_endpoint(), &authority.flags());
    ill(
        &said,
        &[
            "is for collector.internal, not for 127.0.0.1",
            "the server's certificate is not for 127.0.0.1",
            "--server-name",
            "#tls",
        ],
    );
    let right = [&authority.flags()[..], &["--server-name", "collector.internal"]].concat();
    assert_eq!(examine(&collector.grpc_endpoint(), &right).code, Some(0));
}

#[test]
fn a_certificate_that_the_client_does_not_show() {
    let authority = Authority::new("mutual");
    let tls = ServerTls::mutual(&authority.ca.server(&NAMES).unwrap(), &authority.ca).unwrap();
    let collector = Collector::builder().tls(tls).start_blocking().unwrap();
    let said = examine(&collector.grpc_endpoint(), &authority.flags());
    ill(&said, &["the server wants a certificate of the client", "--cert-file and --key-file", "#tls"]);
    assert!(!said.out.contains("✗ port"), "{}", said.out);
}

#[test]
fn a_certificate_of_the_client_is_blamed_only_if_it_is_refused() {
    let (authority, other) = (Authority::new("asking"), Authority::new("unasked"));
    let tls = ServerTls::mutual(&authority.ca.server(&NAMES).unwrap(), &authority.ca).unwrap();
    let collector = Collector::builder().tls(tls).reply(Reply::close()).start_blocking().unwrap();
    let (good, bad) = (authority.ca.client("app").unwrap(), other.ca.client("app").unwrap());
    let file = |kind: &str| authority.file.with_extension(kind);
    let (cert, key) = (file("cert"), file("key"));
    for (identity, is_refused) in [(good, false), (bad, true)] {
        std::fs::write(&cert, identity.cert_pem()).unwrap();
        std::fs::write(&key, identity.key_pem()).unwrap();
        let files = ["--cert-file", cert.to_str().unwrap(), "--key-file", key.to_str().unwrap()];
        for (endpoint, protocol, step) in [
            (collector.grpc_endpoint(), "grpc", "grpc"),
            (collector.http_endpoint(), "http/protobuf", "http"),
        ] {
            let line = [&["-p", protocol][..], &authority.flags(), &files].concat();
            let said = examine(&endpoint, &line);
            ill(&said, &["✓ tls", &format!("✗ {step}")]);
            let is_blamed = said.out.contains("the server wants a certificate of the client, or another one");
            assert_eq!((is_blamed, !said.out.contains("✗ port")), (is_refused, is_refused), "{}", said.out);
        }
    }
    let _ = (std::fs::remove_file(cert), std::fs::remove_file(key));
}

#[test]
fn a_signal_has_the_authority_that_is_named_for_it() {
    // conf: ENV-10
    let (ours, others) = (Authority::new("traces"), Authority::new("logs"));
    let traces = collector(&ours.ca.server(&NAMES).unwrap());
    let logs = collector(&others.ca.server(&NAMES).unwrap());
    let mut command = otlp(&["doctor", "--timeout", PATIENT]);
    command
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", traces.grpc_endpoint())
        .env("OTEL_EXPORTER_OTLP_CERTIFICATE", &ours.file)
        .env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", logs.grpc_endpoint())
        .env("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", &others.file);
    let said = finish(&mut command, b"");
    assert_eq!(said.code, Some(0), "{}", said.out);
    for (signals, file, ca) in [("traces, metrics", &ours.file, "traces"), ("logs", &others.file, "logs")] {
        let line =
            format!("✓ tls      {signals}: TLS 1.3, h2, certificate trusted by {} (CN={ca})", file.display());
        assert!(said.out.contains(&line), "{line}: {}", said.out);
    }

    // The authority for all is none for logs.
    let said = finish(command.env_remove("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE"), b"");
    ill(
        &said,
        &[
            "✓ tls traces, metrics: ",
            "✗ tls logs: ",
            "✗ tls logs: the server's certificate is from an authority that is not trusted here",
            "#tls",
            "1 check failed.",
        ],
    );
}

#[test]
fn clear_text_to_a_port_for_tls() {
    let authority = Authority::new("plain");
    let collector = collector(&authority.ca.server(&NAMES).unwrap());
    for (endpoint, protocol) in
        [(collector.grpc_endpoint(), "grpc"), (collector.http_endpoint(), "http/protobuf")]
    {
        let said = examine(&endpoint.replace("https://", "http://"), &["-p", protocol]);
        ill(
            &said,
            &[
                "this port speaks TLS, and it was spoken to in clear text",
                "write the endpoint with https://",
                "#tls",
            ],
        );
    }
}

/// The address of a port that ends each handshake with `alert`, and says `told` to whoever speaks clear text.
fn port_for_tls(alert: u8, told: &'static [u8]) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                let _ = stream.read(&mut bytes);
                // A record of the type handshake gets one of the type alert: fatal, for this reason.
                let alert = [21, 3, 3, 0, 2, 2, alert];
                let _ = stream.write_all(if bytes[0] == 22 { &alert } else { told });
                let _ = stream.shutdown(Shutdown::Write);
                // Closing over what the other side sent would be a reset, which overtakes the answer.
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            });
        }
    });
    address
}

#[test]
fn clear_text_to_a_port_for_tls_that_says_so_in_clear_text() {
    const NO_APPLICATION_PROTOCOL: u8 = 120;
    for told in [
        &b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"[..],
        b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<html",
    ] {
        let address = port_for_tls(NO_APPLICATION_PROTOCOL, told);
        let said = examine(&format!("http://{address}"), &["-p", "http/protobuf"]);
        ill(
            &said,
            &[
                "answered 400",
                "✗ port this port speaks TLS, and it was spoken to in clear text",
                "write the endpoint with https://",
                "#tls",
            ],
        );
        // It has found no sense in anything: that says nothing of a receiver.
        assert!(!said.out.contains("a correct request"), "{}", said.out);
    }
}

#[test]
fn a_server_that_ends_the_handshake_speaks_tls() {
    const HANDSHAKE_FAILURE: u8 = 40;
    const UNRECOGNISED_NAME: u8 = 112;
    for (alert, text) in [
        (HANDSHAKE_FAILURE, "the TLS handshake failed"),
        (UNRECOGNISED_NAME, "the server does not know the name it was asked for"),
    ] {
        let address = port_for_tls(alert, b"");
        for protocol in ["grpc", "http/protobuf"] {
            let said = examine(&format!("https://{address}"), &["-p", protocol]);
            ill(&said, &[&format!("✗ tls {text}"), "✗ tls the handshake fails", "--server-name", "#tls"]);
            assert!(!said.out.contains("✗ port") && !said.out.contains("http://"), "{}", said.out);
            let said = examine(&format!("http://{address}"), &["-p", protocol]);
            ill(&said, &["✗ port this port speaks TLS, and it was spoken to in clear text", "#tls"]);
        }
    }
}

#[test]
fn tls_to_a_port_for_clear_text() {
    let collector = Collector::builder().start_blocking().unwrap();
    for (endpoint, protocol) in
        [(collector.grpc_endpoint(), "grpc"), (collector.http_endpoint(), "http/protobuf")]
    {
        let said = examine(&endpoint.replace("http://", "https://"), &["-p", protocol]);
        ill(
            &said,
            &[
                "this port speaks clear text, and it was spoken to with TLS",
                "write the endpoint with http://",
                "#tls",
            ],
        );
    }
}

#[test]
fn what_is_not_the_receiver_hears_no_secret() {
    // conf: HDR-09, TLS-09
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let endpoint = format!("https://{}/in?key=hunter2", listener.local_addr().unwrap());
    let (heard, all) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, heard) = (stream.unwrap(), heard.clone());
            std::thread::spawn(move || {
                let mut bytes = [0; 4096];
                let read = stream.read(&mut bytes).unwrap_or_default();
                let _ = heard.send(String::from_utf8_lossy(&bytes[..read]).into_owned());
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            });
        }
    });
    let said = examine(&endpoint, &["-p", "http/protobuf", "--no-proxy", "-H", "api-key=hunter3"]);
    ill(&said, &["this port speaks clear text, and it was spoken to with TLS"]);
    let all: Vec<String> = all.try_iter().collect();
    assert!(all.iter().any(|text| text.starts_with("POST /in/v1/traces HTTP/1.1\r\n")), "{all:?}");
    assert!(!all.iter().any(|text| text.contains("hunter")), "{all:?}");
}
