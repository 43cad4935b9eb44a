//! Handshakes: those that succeed, and what those that fail say.

use super::*;
use otlp_transport::{Connection, ConnectionLost, Disposition, ErrorType, Target, TlsErrorKind, classify};
use std::time::Duration;

#[tokio::test]
async fn servers_are_verified_by_the_given_authority_and_speak_each_terminals_protocol() {
    // conf: TLS-01, TLS-07, TLS-08, TLS-10, GRPC-24, GRPC-15, HTTP-21
    let ca = ca();
    // Through an authority in between: the server sends its whole chain.
    let server = ca.intermediate("below").unwrap().server(&NAMES).unwrap();
    let collector = showing(&server).await;
    for result in both(&collector, |alpn| trusting(&ca, alpn)).await {
        assert_eq!(result.unwrap(), ExportResponse::success());
    }
    let calls = collector.received();
    let protocols: Vec<_> = calls.calls().map(|call| call.protocol).collect();
    assert_eq!(protocols, [otlp_testkit::Protocol::Grpc, otlp_testkit::Protocol::Http]);
}

#[tokio::test]
async fn a_certificate_of_the_client_goes_with_its_chain() {
    // conf: TLS-03, TLS-04
    let ca = ca();
    let client = ca.intermediate("below").unwrap().client("shop").unwrap();
    let collector = collector(ServerTls::mutual(&ca.server(&NAMES).unwrap(), &ca).unwrap()).await;
    let identified =
        |alpn| trusting(&ca, alpn).identity(Pem::memory(client.cert_pem()), Pem::memory(client.key_pem()));
    for result in both(&collector, identified).await {
        assert_eq!(result.unwrap(), ExportResponse::success());
    }
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_of_the_client_says_so() {
    // conf: TLS-03
    let ca = ca();
    let collector = collector(ServerTls::mutual(&ca.server(&NAMES).unwrap(), &ca).unwrap()).await;
    let expired = ca.expired_client("shop").unwrap();
    let identified =
        |alpn| trusting(&ca, alpn).identity(Pem::memory(expired.cert_pem()), Pem::memory(expired.key_pem()));
    let none = both(&collector, |alpn| trusting(&ca, alpn)).await;
    let late = both(&collector, identified).await;
    let texts =
        ["the server requires a certificate of the client", "the server refused the client's certificate"];
    for (results, text) in [none, late].into_iter().zip(texts) {
        for result in results {
            // In TLS 1.3 the client's part is done by then: the connection stands, and breaks.
            assert!(matches!(classify(&result), Disposition::Retryable { .. }));
            let error = result.unwrap_err();
            assert!(error.is::<ConnectionLost>() || error.is::<ConnectError>(), "{error:?}");
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}

#[tokio::test]
async fn servers_of_tls_1_2_are_served_and_say_the_same() {
    // conf: TLS-07, TLS-03
    let ca = ca();
    let server = ca.server(&NAMES).unwrap();
    let old = collector(ServerTls::tls12(&server, None).unwrap()).await;
    for result in both(&old, |alpn| trusting(&ca, alpn)).await {
        assert_eq!(result.unwrap(), ExportResponse::success());
    }
    old.set_tls(Some(ServerTls::tls12(&server, Some(&ca)).unwrap()));
    for result in both(&old, |alpn| trusting(&ca, alpn)).await {
        let (kind, text) = told(result);
        assert_eq!(kind, TlsErrorKind::ClientCertificate, "{text}");
        assert!(text.contains("the server requires a certificate of the client"), "{text}");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_date() {
    // conf: TLS-01, RETRY-18, TLS-09
    let ca = ca();
    let collector = showing(&ca.expired_server(&NAMES).unwrap()).await;
    for result in both(&collector, |alpn| trusting(&ca, alpn)).await {
        let retryable = Disposition::Retryable { error_type: ErrorType::Network, after: None };
        assert_eq!(classify(&result), retryable, "the certificate may be renewed");
        let (kind, text) = told(result);
        assert_eq!(kind, TlsErrorKind::Verification);
        assert!(text.starts_with("failed to connect to https://127.0.0.1:"), "{text}");
        assert!(
            text.ends_with(
                ": certificate verification failed: the server's certificate expired on \
                 Wed, 01 Jan 2020 00:00:00 GMT; renew it, or set this machine's clock"
            ),
            "{text}"
        );
    }
    assert_eq!(collector.attempts().len(), 0);
}

#[tokio::test]
async fn a_certificate_for_another_host_is_told_with_the_names_it_has() {
    // conf: TLS-01
    let ca = ca();
    let collector = showing(&ca.server(&["collector.internal", "10.1.2.3"]).unwrap()).await;
    for result in both(&collector, |alpn| trusting(&ca, alpn)).await {
        let (kind, text) = told(result);
        assert_eq!(kind, TlsErrorKind::Verification);
        assert!(
            text.contains(
                "certificate verification failed: the server's certificate is for collector.internal, 10.1.2.3, \
                 not for 127.0.0.1; "
            ),
            "{text}"
        );
    }
    let named = |alpn| trusting(&ca, alpn).server_name("collector.internal");
    for result in both(&collector, named).await {
        assert_eq!(result.unwrap(), ExportResponse::success());
    }
}

#[tokio::test]
async fn an_unknown_authority_is_told_as_such() {
    // conf: TLS-01, TLS-08
    let collector = showing(&ca().server(&NAMES).unwrap()).await;
    let stranger = TestCa::new("another").unwrap();
    for result in both(&collector, |alpn| trusting(&stranger, alpn)).await {
        let (kind, text) = told(result);
        assert_eq!(kind, TlsErrorKind::Verification);
        assert!(
            text.contains("certificate verification failed: the server's certificate is from an"),
            "{text}"
        );
        assert!(text.contains("not trusted here; name the certificate of that authority as CA"), "{text}");
    }
}

#[tokio::test]
async fn without_a_given_authority_the_platforms_decide() {
    // conf: TLS-01
    if let Err(error) = TlsLayer::builder(Alpn::H2).build() {
        assert_eq!(error.field(), "roots");
        assert!(error.problem().contains("install them (ca-certificates)"), "{error}");
        otlp_testkit::skipped("the platform's authorities", error);
        return;
    }
    let collector = showing(&ca().server(&NAMES).unwrap()).await;
    for result in both(&collector, TlsLayer::builder).await {
        let (_, text) = told(result);
        assert!(text.contains("is from an authority that is not trusted here"), "{text}");
    }
}

/// In a process of its own, since the environment belongs to all tests: there the platform's roots are an authority of ours.
#[tokio::test]
#[cfg(all(unix, not(target_vendor = "apple")))]
async fn whom_the_platform_trusts_is_trusted() {
    // conf: TLS-01
    const ENDPOINT: &str = "OTLP_TEST_ENDPOINT";
    if let Ok(endpoint) = std::env::var(ENDPOINT) {
        let tls = TlsLayer::builder(Alpn::H2).build().unwrap();
        assert_eq!(grpc(&endpoint, &tls).oneshot(request()).await.unwrap(), ExportResponse::success());
        return;
    }
    let (ca, files) = (ca(), options::Files::new("platform"));
    let collector = showing(&ca.server(&NAMES).unwrap()).await;
    files.write("roots.pem", ca.cert_pem());
    let mut program = std::process::Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "handshake::whom_the_platform_trusts_is_trusted"]);
    program.env(ENDPOINT, collector.grpc_endpoint());
    program.env("SSL_CERT_FILE", files.path("roots.pem")).env_remove("SSL_CERT_DIR");
    let output = tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(collector.received().calls().count(), 1);
}

#[tokio::test]
#[cfg(feature = "webpki-roots")]
async fn mozillas_authorities_can_be_asked_for() {
    // conf: TLS-01
    let collector = showing(&ca().server(&NAMES).unwrap()).await;
    for result in both(&collector, |alpn| TlsLayer::builder(alpn).webpki_roots()).await {
        let (_, text) = told(result);
        assert!(text.contains("is from an authority that is not trusted here"), "{text}");
    }
}

#[tokio::test]
async fn authorities_that_do_not_fit_the_servers_certificate_are_told() {
    // conf: TLS-01
    let (ca, namesake) = (ca(), ca());
    let collector = showing(&ca.server(&NAMES).unwrap()).await;
    for result in both(&collector, |alpn| trusting(&namesake, alpn)).await {
        assert!(
            told(result)
                .1
                .contains("certificate verification failed: the server's certificate names a trusted")
        );
    }
    collector.set_tls(Some(ServerTls::new(&ca.identity()).unwrap()));
    for result in both(&collector, |alpn| trusting(&ca, alpn)).await {
        let (_, text) = told(result);
        assert!(text.contains("uses the certificate of an authority (CA:TRUE) as its own"), "{text}");
    }
}

#[tokio::test]
async fn whoever_asks_for_it_gets_any_certificate_accepted() {
    // conf: TLS-09
    let collector = showing(&ca().expired_server(&["elsewhere"]).unwrap()).await;
    for result in both(&collector, |alpn| TlsLayer::builder(alpn).dangerous_accept_any_server()).await {
        assert_eq!(result.unwrap(), ExportResponse::success());
    }
}

#[tokio::test]
async fn grpc_insists_on_h2_and_http_takes_what_speaks_http() {
    // conf: GRPC-24, TLS-10
    let ca = ca();
    let server = || ServerTls::new(&ca.server(&NAMES).unwrap()).unwrap();
    let trusting = |alpn| trusting(&ca, alpn);
    // A server that negotiates nothing, and one that negotiates something else.
    for (alpn, http_works) in [(&[][..], true), (&["http/1.1"][..], true), (&["h3"][..], false)] {
        let collector = collector(server().with_alpn(alpn)).await;
        let [over_grpc, over_http] = both(&collector, trusting).await;
        let (kind, text) = told(over_grpc);
        assert_eq!(kind, TlsErrorKind::NoProtocol);
        assert!(text.contains("did not agree to h2 (ALPN); is this a port for OTLP/gRPC?"), "{text}");
        if http_works {
            assert_eq!(over_http.unwrap(), ExportResponse::success());
        } else {
            assert_eq!(told(over_http).0, TlsErrorKind::NoProtocol);
        }
    }
}

#[tokio::test]
async fn a_port_without_tls_is_told_as_such() {
    // conf: TLS-09
    let collector = Collector::builder().start().await.unwrap();
    let ca = ca();
    let secured = |endpoint: String| endpoint.replace("http://", "https://");
    let tls = |alpn| trusting(&ca, alpn).build().unwrap();
    let over_http = http(&secured(collector.http_endpoint()), &tls(Alpn::Http1));
    let (kind, text) = told(over_http.oneshot(request()).await);
    assert_eq!(kind, TlsErrorKind::NoTls, "{text}");
    assert!(text.contains("does not speak TLS; is it the port for clear text (http://)?"), "{text}");
    let over_grpc = grpc(&secured(collector.grpc_endpoint()), &tls(Alpn::H2));
    let (_, text) = told(over_grpc.oneshot(request()).await);
    assert!(text.contains("speak TLS"), "{text}");
}

#[tokio::test]
async fn a_secure_endpoint_is_never_sent_to_in_clear_text() {
    // conf: TLS-09, HTTP-21
    let collector = Collector::builder().start().await.unwrap();
    let endpoint = |text: String| parse(&text.replace("http://", "https://"));
    let over_grpc = Grpc::new(endpoint(collector.grpc_endpoint())).oneshot(request()).await;
    let over_http = Http::new(endpoint(collector.http_endpoint())).oneshot(request()).await;
    for result in [over_grpc, over_http] {
        let text = result.unwrap_err().to_string();
        assert!(text.contains("makes connections in clear text, which are not used"), "{text}");
    }
    assert_eq!((collector.attempts().len(), collector.malformed().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_handshake_counts_into_the_time_to_connect() {
    // conf: TIME-03
    let mute = tower::service_fn(|_: Target| async {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        // Kept open, and silent, for longer than anyone waits.
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            drop(theirs);
        });
        Ok::<_, BoxError>(Connection::new(ours))
    });
    let started = tokio::time::Instant::now();
    let tls = trusting(&ca(), Alpn::H2).timeout(Duration::from_secs(3)).build().unwrap();
    let silent = Grpc::with_connector(parse("https://collector"), tls.layer(mute));
    let text = silent.oneshot(request()).await.unwrap_err().to_string();
    assert!(text.contains("no connection, TLS handshake included, within 3s"), "{text}");
    assert_eq!(started.elapsed(), Duration::from_secs(3));
}
