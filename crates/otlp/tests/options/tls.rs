//! Options of TLS. They count for `https` only.

use super::Row;
use otlp::{ClientBuilder, TlsConfig};
use otlp_testkit::{Identity, TestCa};
use std::sync::LazyLock;

static CA: LazyLock<TestCa> = LazyLock::new(|| TestCa::new("authority").unwrap());
static SHOP: LazyLock<Identity> = LazyLock::new(|| CA.client("shop").unwrap());
static OTHER: LazyLock<Identity> = LazyLock::new(|| CA.client("other").unwrap());

fn https(builder: ClientBuilder) -> ClientBuilder {
    builder.with_endpoint("https://collector:4317")
}

/// With an authority of its own, so that it needs none of the machine's.
fn trusting(builder: ClientBuilder) -> ClientBuilder {
    https(builder).with_tls_ca_pem(CA.cert_pem())
}

fn files(change: fn(&mut TlsConfig)) -> TlsConfig {
    let mut config = TlsConfig::default();
    change(&mut config);
    config
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "with_tls_config",
            works: vec![|b| b.with_tls_config(files(|c| c.enabled = false))],
            builds: vec![|b| trusting(b).with_tls_config(TlsConfig::default()), |b| {
                https(b).with_tls_config(files(|c| c.verify_server = false))
            }],
            refused: vec![
                (
                    |b| https(b).with_tls_config(files(|c| c.ca_file = "/nowhere/ca.pem".to_owned())),
                    "ca_file: /nowhere/ca.pem: there is no such file",
                ),
                (
                    |b| trusting(b).with_tls_config(files(|c| c.cert_file = "x".to_owned())),
                    "key_file: is missing",
                ),
                (
                    |b| trusting(b).with_tls_config(files(|c| c.key_file = "x".to_owned())),
                    "cert_file: is missing",
                ),
            ],
            proof: ("otlp/tests/guide/tls.rs", ""),
        },
        Row {
            name: "with_tls_ca_pem",
            builds: vec![|b| https(b).with_tls_ca_pem(CA.cert_pem())],
            refused: vec![
                (|b| https(b).with_tls_ca_pem(""), ""),
                (|b| https(b).with_tls_ca_pem("no certificate"), ""),
            ],
            proof: ("otlp/tests/it/tls.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_tls_identity_pem",
            builds: vec![|b| trusting(b).with_tls_identity_pem(SHOP.cert_pem(), SHOP.key_pem())],
            refused: vec![
                (|b| trusting(b).with_tls_identity_pem("", ""), ""),
                (
                    |b| trusting(b).with_tls_identity_pem(SHOP.cert_pem(), OTHER.key_pem()),
                    "the key does not match the certificate",
                ),
            ],
            proof: ("otlp/tests/it/tls.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_tls_server_name",
            builds: vec![|b| trusting(b).with_tls_server_name("collector.internal"), |b| {
                trusting(b).with_tls_server_name("::1")
            }],
            refused: vec![
                (|b| trusting(b).with_tls_server_name(""), ""),
                (|b| trusting(b).with_tls_server_name("a b"), "is neither a host name nor an address"),
            ],
            proof: ("otlp/tests/it/tls.rs", ""),
            ..Row::default()
        },
        #[cfg(feature = "webpki-roots")]
        Row {
            name: "with_webpki_roots",
            builds: vec![|b| https(b).with_webpki_roots()],
            refused: vec![(
                |b| trusting(b).with_webpki_roots(),
                "the authorities are set by another option as well",
            )],
            proof: ("otlp/tests/it/tls.rs", ""),
            ..Row::default()
        },
    ]
}
