//! The options of TLS: when the client speaks it, with whose certificates, and what can't work.

use crate::support::{PATIENCE, Warnings, all_delivered, builder, endpoint};
use otlp::core::EnhancedOtlpClient;
use otlp::{Client, ClientBuilder, ErrorKind, Protocol, Signal, SignalConfig, TlsConfig};
use otlp_testkit::{Collector, Identity, ServerTls, TestCa};

const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

fn ca() -> TestCa {
    TestCa::new("authority").unwrap()
}

async fn collector(identity: &Identity) -> Collector {
    Collector::builder().tls(ServerTls::new(identity).unwrap()).start().await.unwrap()
}

/// One span over each protocol.
async fn works(collector: &Collector, options: impl Fn(ClientBuilder) -> ClientBuilder) {
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let builder = builder(endpoint(collector, protocol)).with_protocol(protocol);
        let client = options(builder).build().await.unwrap();
        client.tracer("t").start("s").end();
        collector.clear();
        client.health_check().await.unwrap();
        all_delivered(&client, collector, 1).await;
    }
}

async fn refused(option: &str, problem: &str, build: impl FnOnce(ClientBuilder) -> ClientBuilder) {
    let error = build(Client::builder()).build().await.expect_err(option);
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("{option}: ")), "{option}: {text}");
    assert!(text.contains(problem), "{problem}: {text}");
    assert!(text.ends_with("(see docs/troubleshooting.md#tls)"), "{text}");
}

#[tokio::test]
async fn certificates_may_come_from_memory() {
    // conf: TLS-02, TLS-04
    let ca = ca();
    let client = ca.intermediate("below").unwrap().client("shop").unwrap();
    let tls = ServerTls::mutual(&ca.server(&["collector.internal"]).unwrap(), &ca).unwrap();
    let collector = Collector::builder().tls(tls).start().await.unwrap();
    works(&collector, |builder| {
        builder
            .with_tls_ca_pem(ca.cert_pem())
            .with_tls_identity_pem(client.cert_pem(), client.key_pem())
            .with_tls_server_name("collector.internal")
    })
    .await;
}

#[tokio::test]
async fn the_scheme_decides_and_without_one_the_option() {
    // conf: GRPC-15, GRPC-17, HTTP-21, TLS-05, TLS-09
    let ca = ca();
    let secure = collector(&ca.server(&NAMES).unwrap()).await;
    let off = TlsConfig { enabled: false, ca_file: "/nowhere/ca.pem".to_string(), ..TlsConfig::default() };
    // `https` is TLS, whatever the option says.
    let disabled = TlsConfig { enabled: false, ..TlsConfig::default() };
    works(&secure, |builder| builder.with_tls_ca_pem(ca.cert_pem()).with_tls_config(disabled.clone())).await;
    // A bare address is TLS if asked for, by either option.
    let bare = |endpoint: String| endpoint.split_once("://").unwrap().1.to_owned();
    for config in [None, Some(TlsConfig::default())] {
        let builder =
            Client::builder().with_endpoint(bare(secure.grpc_endpoint())).with_tls_ca_pem(ca.cert_pem());
        let builder = match config {
            Some(config) => builder.with_tls_config(config),
            None => builder,
        };
        builder.build().await.unwrap().health_check().await.unwrap();
    }
    // And clear text if not; files that do not matter are not read.
    let clear = Collector::builder().start().await.unwrap();
    works(&clear, |builder| builder.with_tls_config(off.clone())).await;
    let builder = Client::builder().with_endpoint(bare(clear.grpc_endpoint())).with_tls_config(off.clone());
    builder.build().await.unwrap().health_check().await.unwrap();
    // Both at once is a contradiction.
    for endpoint in ["http://localhost:4317", "unix:///run/otlp.sock"] {
        let problem = format!("asks for TLS, and with_endpoint says {endpoint}, which is clear text");
        refused("with_tls_config: enabled", &problem, |builder| {
            builder.with_endpoint(endpoint).with_tls_config(TlsConfig::default())
        })
        .await;
        refused("with_tls_ca_pem", &problem, |builder| {
            builder.with_endpoint(endpoint).with_tls_ca_pem(ca.cert_pem())
        })
        .await;
    }
}

#[tokio::test]
async fn without_an_endpoint_the_default_one_is_reached_over_tls_if_asked_for() {
    // conf: TLS-09, URL-08
    let builder = Client::builder().with_tls_ca_pem(ca().cert_pem());
    let client = builder.with_drop_timeout(std::time::Duration::ZERO).build().await.unwrap();
    assert!(format!("{client:?}").contains("https://localhost:4317"), "{client:?}");
    assert_eq!(client.tls_status().unwrap().reloads, 0);
}

#[tokio::test]
async fn what_cannot_work_is_refused_when_the_client_is_built() {
    // conf: TLS-03, TLS-11
    let config = |edit: fn(&mut TlsConfig)| {
        let mut config = TlsConfig::default();
        edit(&mut config);
        move |builder: ClientBuilder| {
            builder
                .with_endpoint("https://localhost:4317")
                .with_tls_ca_pem(ca().cert_pem())
                .with_tls_config(config)
        }
    };
    let absent = |config: &mut TlsConfig| {
        config.cert_file = "/nowhere/client.crt".to_string();
        config.key_file = "/nowhere/client.key".to_string();
    };
    refused("with_tls_config: cert_file", "/nowhere/client.crt: there is no such file", config(absent)).await;
    refused(
        "with_tls_config: key_file",
        "is missing, while cert_file is set",
        config(|config| config.cert_file = "x".to_string()),
    )
    .await;
    refused(
        "with_tls_config: cert_file",
        "is missing, while key_file is set",
        config(|config| config.key_file = "x".to_string()),
    )
    .await;
    refused(
        "with_tls_ca_pem",
        "the authorities are set by another option as well",
        config(|config| config.ca_file = "/nowhere/ca.pem".to_string()),
    )
    .await;
    refused("with_tls_identity_pem", "with_tls_config has cert_file and key_file as well", move |builder| {
        config(absent)(builder).with_tls_identity_pem("", "")
    })
    .await;
    let https = |builder: ClientBuilder| builder.with_endpoint("https://localhost:4317");
    refused("with_tls_ca_pem", "it is empty", |builder| https(builder).with_tls_ca_pem("")).await;
    refused("with_tls_server_name", "is neither a host name nor an address", |builder| {
        https(builder).with_tls_ca_pem(ca().cert_pem()).with_tls_server_name("a b")
    })
    .await;
    let (one, other) = (ca().client("one").unwrap(), ca().client("other").unwrap());
    refused("with_tls_identity_pem", "the key does not match the certificate", |builder| {
        https(builder).with_tls_ca_pem(ca().cert_pem()).with_tls_identity_pem(one.cert_pem(), other.key_pem())
    })
    .await;
}

#[tokio::test]
#[cfg(feature = "webpki-roots")]
async fn mozillas_authorities_stand_alone() {
    let roots = |builder: ClientBuilder| builder.with_endpoint("https://localhost:4317").with_webpki_roots();
    refused("with_webpki_roots", "the authorities are set by another option as well", |builder| {
        roots(builder).with_tls_ca_pem(ca().cert_pem())
    })
    .await;
    let client = roots(Client::builder()).with_drop_timeout(std::time::Duration::ZERO).build().await.unwrap();
    assert!(client.tls_status().is_some());
}

#[tokio::test]
async fn verification_can_be_turned_off_which_is_warned_of_once() {
    // conf: TLS-09
    let collector = collector(&ca().expired_server(&["elsewhere"]).unwrap()).await;
    let to = |endpoint: &str| SignalConfig { endpoint: Some(endpoint.to_owned()), ..SignalConfig::default() };
    let warnings = Warnings::default();
    // Kept, so that it hears the client's own thread, too.
    let heard = tracing::Dispatch::new(warnings.clone());
    let client = tracing::dispatcher::with_default(&heard, || {
        EnhancedOtlpClient::builder()
            .with_endpoint(collector.grpc_endpoint())
            .with_tls_config(TlsConfig { enabled: true, verify_server: false, ..Default::default() })
            .with_signal_config(Signal::Metrics, to("https://metrics.internal:4317"))
            .with_signal_config(Signal::Logs, to("https://logs.internal:4317"))
            .with_service_name("test")
            .build_blocking()
            .unwrap()
    });
    client.tracer("t").start("s").end();
    client.shutdown(PATIENCE).await.unwrap();
    let warnings = warnings.0.lock().unwrap().clone();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let said = format!(
        "the certificate of {}, https://metrics.internal:4317, https://logs.internal:4317 is not verified \
         (with_tls_config: verify_server is false)",
        collector.grpc_endpoint()
    );
    assert!(warnings[0].starts_with(&said), "{warnings:?}");
}

#[tokio::test]
async fn a_port_without_tls_and_a_collector_that_wants_a_certificate_are_told() {
    // conf: TLS-03, TLS-09
    let ca = ca();
    let clear = Collector::builder().start().await.unwrap();
    let wanting = ServerTls::mutual(&ca.server(&NAMES).unwrap(), &ca).unwrap();
    let wanting = Collector::builder().tls(wanting).start().await.unwrap();
    for protocol in [Protocol::Grpc, Protocol::Http] {
        let check = async |endpoint: String| {
            let builder = builder(endpoint).with_protocol(protocol).with_tls_ca_pem(ca.cert_pem());
            builder.build().await.unwrap().health_check().await.unwrap_err()
        };
        let error = check(endpoint(&clear, protocol).replace("http://", "https://")).await;
        assert!(error.is_connect() && error.to_string().contains("speak TLS"), "{error}");
        let error = check(endpoint(&wanting, protocol)).await;
        assert!(error.is_connect(), "{error:?}");
        assert!(error.to_string().contains("the server requires a certificate of the client"), "{error}");
    }
}
