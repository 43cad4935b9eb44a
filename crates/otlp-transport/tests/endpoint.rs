//! Endpoints: what texts are understood, how requests' paths come about, and what refusals say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_model::Signal;
use otlp_transport::{Endpoint, EndpointError, Target};
use proptest::prelude::*;

fn parse(text: &str) -> Endpoint {
    text.parse().unwrap_or_else(|error: EndpointError| panic!("{text}: {error}"))
}

fn refused(text: &str) -> EndpointError {
    text.parse::<Endpoint>().expect_err(text)
}

fn tcp(host: &str, port: u16) -> Target {
    Target::Tcp { host: host.to_owned(), port }
}

#[test]
fn a_base_gets_each_signals_path_appended() {
    // conf: URL-02, URL-05, URL-06, HTTP-02
    for (base, path) in [
        ("http://h:4318", "/v1/traces"),
        ("http://h:4318/", "/v1/traces"),
        ("http://h:4318/x", "/x/v1/traces"),
        ("http://h:4318/x/", "/x/v1/traces"),
        ("http://h:4318/x/y", "/x/y/v1/traces"),
        ("http://h:4318//", "//v1/traces"),
        ("http://h:4318/v1/traces", "/v1/traces/v1/traces"),
        ("unix:///run/otlp.sock", "/v1/traces"),
    ] {
        assert_eq!(parse(base).signal_path(Signal::Traces), path, "{base}");
    }
    let base = parse("http://h");
    assert_eq!(base.signal_path(Signal::Metrics), "/v1/metrics");
    assert_eq!(base.signal_path(Signal::Logs), "/v1/logs");
}

#[test]
fn a_per_signal_endpoint_is_used_as_given() {
    // conf: URL-01, URL-03, URL-07, URL-09, HTTP-02
    for (given, path) in [
        ("http://h:4318", "/"),
        ("http://h:4318/", "/"),
        ("http://h:4318/v1/metrics/", "/v1/metrics/"),
        ("http://h:4318/custom", "/custom"),
        ("http://h/a//b", "/a//b"),
    ] {
        for signal in Signal::ALL {
            assert_eq!(parse(given).per_signal().signal_path(signal), path, "{given}");
        }
    }
}

#[test]
fn ports_come_from_the_scheme_never_from_otlp() {
    // conf: URL-03, URL-04, HTTP-23
    assert_eq!(parse("http://collector").target(), &tcp("collector", 80));
    assert_eq!(parse("http://collector").authority(), "collector");
    assert_eq!(parse("http://collector:80/x").authority(), "collector:80");
    assert_eq!(parse("http://collector:4318").target(), &tcp("collector", 4318));
}

#[test]
fn defaults_are_local_and_in_clear_text() {
    // conf: GRPC-02, HTTP-03, URL-08
    assert_eq!(Endpoint::default_grpc(), parse("http://localhost:4317"));
    assert_eq!(Endpoint::default_http(), parse("http://localhost:4318"));
}

#[test]
fn ipv6_upper_case_and_grpcs_own_forms() {
    // conf: URL-12, GRPC-15, GRPC-16, GRPC-17
    assert_eq!(parse("http://[::1]:4317").target(), &tcp("::1", 4317));
    assert_eq!(parse("http://[::1]:4317").authority(), "[::1]:4317");
    assert_eq!(parse("http://[2001:db8::7]/x").target(), &tcp("2001:db8::7", 80));
    assert_eq!(parse("HTTP://h:1").target(), &tcp("h", 1));
    assert_eq!(parse("  http://h:1\n").target(), &tcp("h", 1));
    for (text, host) in [
        ("h:4317", "h"),
        ("dns:///h:4317", "h"),
        ("dns:h:4317", "h"),
        ("[::1]:4317", "::1"),
        ("DNS:///h:4317", "h"),
    ] {
        assert_eq!(parse(text).target(), &tcp(host, 4317), "{text}");
        assert!(!parse(text).is_scheme_given(), "{text}");
    }
    assert!(parse("http://h:1").is_scheme_given());
    for text in ["unix:///run/o.sock", "unix:/run/o.sock", "UNIX:///run/o.sock"] {
        assert_eq!(parse(text).target().unix_path(), Some("/run/o.sock".as_ref()), "{text}");
        assert_eq!(parse(text).authority(), "localhost");
        assert_eq!(parse(text).to_string(), "unix:///run/o.sock");
    }
    assert_eq!(parse("unix:o.sock").target().unix_path(), Some("o.sock".as_ref()));
}

#[test]
fn queries_are_kept_fragments_dropped_and_neither_is_shown() {
    // conf: HTTP-22, HDR-09
    let endpoint = parse("http://h:4318/x?api-key=hunter2#part");
    assert_eq!(endpoint.signal_path(Signal::Logs), "/x/v1/logs?api-key=hunter2");
    assert_eq!(endpoint.to_string(), "http://h:4318/x?…");
    assert_eq!(format!("{endpoint:?}"), "Endpoint(http://h:4318/x?…)");
    assert_eq!(parse("http://h?a=b").signal_path(Signal::Logs), "/v1/logs?a=b");
    assert_eq!(parse("http://h#f/x").signal_path(Signal::Logs), "/v1/logs");
}

#[test]
fn credentials_are_refused_without_being_repeated() {
    // conf: HTTP-22, HDR-09
    for text in [
        "http://user:hunter2@h:4318/",
        "http://hunter2@h",
        "http://a@b:hunter2@h:1/x",
        "hunter2@h:4317",
        "http://user:hunter2/x@h:4318",
        "http://user:hunter2?x@h",
        "http://user:hunter2#x@h",
    ] {
        let error = refused(text);
        assert_eq!(error, EndpointError::Credentials, "{text}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[test]
#[cfg(not(feature = "_tls"))]
fn https_is_refused_rather_than_sent_in_clear_text() {
    // conf: HTTP-21, TLS-09, GRPC-15
    for text in ["https://h:4317", "HTTPS://h", "https://user@h"] {
        assert_eq!(refused(text), EndpointError::TlsUnsupported);
    }
    assert!(refused("https://h").to_string().contains("enable the feature `tls-ring` or `tls-aws-lc`"));
}

#[test]
#[cfg(feature = "_tls")]
fn the_scheme_decides_on_tls() {
    // conf: HTTP-21, GRPC-15, GRPC-17, URL-04, URL-12
    assert_eq!(parse("https://collector/base").target(), &tcp("collector", 443));
    assert_eq!(parse("https://collector/base").authority(), "collector");
    assert_eq!(parse("https://collector:4317").target(), &tcp("collector", 4317));
    assert_eq!(parse("HTTPS://[::1]:4317").target(), &tcp("::1", 4317));
    for text in ["https://h:4317/x", "HTTPS://h:4317/x"] {
        assert!(parse(text).is_secure() && parse(text).is_scheme_given());
        assert_eq!(parse(text).to_string(), "https://h:4317/x");
        assert_eq!(parse(text).signal_path(Signal::Traces), "/x/v1/traces");
    }
    for text in ["http://h:443", "unix:///run/o.sock", "h:443"] {
        assert!(!parse(text).is_secure(), "{text}");
    }
    let secured = parse("h:4317").secured();
    assert!(secured.is_secure() && !secured.is_scheme_given());
    assert_eq!(secured.to_string(), "https://h:4317");
    assert_eq!(refused("https://user:hunter2@h"), EndpointError::Credentials);
    assert_eq!(refused("https://"), EndpointError::MissingHost);
}

#[test]
fn what_cannot_be_an_endpoint_is_refused_at_once_and_by_name() {
    // conf: URL-11, URL-12
    for (text, part) in [
        ("", "is empty"),
        ("   ", "is empty"),
        ("localhost", "neither a URL nor host:port"),
        ("localhost:4318/v1/traces", "neither a URL nor host:port"),
        ("/v1/traces", "neither a URL nor host:port"),
        ("ftp://h:21", "unsupported scheme \"ftp\""),
        ("grpc://h:4317", "unsupported scheme \"grpc\""),
        ("dns://8.8.8.8/h:4317", "unsupported scheme"),
        ("http://", "has no host"),
        ("http://:4317", "has no host"),
        ("http:///x", "has no host"),
        (":4317", "has no host"),
        ("http://h:", "invalid port \"\""),
        ("http://h:0", "invalid port \"0\""),
        ("http://h:65536", "invalid port \"65536\""),
        ("http://h:+80", "invalid port \"+80\""),
        ("http://h:4317:1", "invalid port \"4317:1\""),
        ("http://h h:1", "invalid host \"h h\""),
        ("http://h%20h", "invalid host"),
        ("http://b\u{fc}cher", "invalid host"),
        ("http://[::1", "invalid host"),
        ("http://[::1]x", "invalid host"),
        ("http://[1.2.3.4]:1", "invalid host"),
        ("http://[fe80::1%25eth0]:1", "invalid host"),
        ("http://::1:4317", "has no host"),
        ("http://h/a b", "character ' '"),
        ("http://h/\u{fc}", "character 'ü'"),
        ("http://h/?a=\u{7f}", "character"),
        ("unix://", "does not name a socket"),
        ("unix:///", "does not name a socket"),
        ("unix://host/x.sock", "does not name a socket"),
        ("unix:", "does not name a socket"),
    ] {
        let message = refused(text).to_string();
        assert!(message.contains(part), "{text:?}: {message}");
    }
}

proptest! {
    #[test]
    fn any_text_parses_or_is_refused_and_paths_are_sendable(text in "(http://|HTTP://|unix:|dns:///)?[ -~é]{0,40}") {
        // conf: URL-11
        if let Ok(endpoint) = text.parse::<Endpoint>() {
            for endpoint in [endpoint.clone(), endpoint.per_signal()] {
                let uri = http::Uri::builder()
                    .scheme("http")
                    .authority(endpoint.authority())
                    .path_and_query(endpoint.signal_path(Signal::Traces))
                    .build();
                prop_assert!(uri.is_ok(), "{text:?}: {uri:?}");
            }
        }
    }

    #[test]
    fn what_is_shown_parses_to_the_same_target(host in "[a-z][a-z0-9.-]{0,10}", port in 1u16.., path in "(/[a-z]{0,5}){0,3}") {
        let endpoint = parse(&format!("http://{host}:{port}{path}"));
        prop_assert_eq!(&parse(&endpoint.to_string()), &endpoint);
    }
}
