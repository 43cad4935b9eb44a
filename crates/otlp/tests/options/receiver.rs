//! Options of where to send, in which form, and over which connections.

use super::Row;
use otlp::{Compression, ConnectionPoolConfig, Protocol, SerializationFormat, Signal, SignalConfig, Token};
use std::time::Duration;

const NEVER: Duration = Duration::ZERO;

fn pool(change: fn(&mut ConnectionPoolConfig)) -> ConnectionPoolConfig {
    let mut config = ConnectionPoolConfig::default();
    change(&mut config);
    config
}

fn signal(change: fn(&mut SignalConfig)) -> SignalConfig {
    let mut config = SignalConfig::default();
    change(&mut config);
    config
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "with_endpoint",
            works: vec![],
            builds: vec![
                |b| b.with_endpoint("http://collector:4317"),
                |b| b.with_endpoint("http://[::1]:1"),
                |b| b.with_endpoint("host:65535"),
                |b| b.with_endpoint("unix:///run/otlp.sock"),
            ],
            refused: vec![
                (|b| b.with_endpoint(""), ""),
                (|b| b.with_endpoint("ftp://host"), ""),
                (|b| b.with_endpoint("http://host:65536"), ""),
                (|b| b.with_endpoint("http://host:0"), ""),
            ],
            proof: ("otlp/tests/custom_layer.rs", ""),
        },
        Row {
            name: "with_signal_config",
            works: vec![
                |b| {
                    b.with_signal_config(
                        Signal::Logs,
                        signal(|own| own.endpoint = Some("http://logs:4317".into())),
                    )
                },
                |b| b.with_signal_config(Signal::Logs, signal(|own| own.enabled = Some(false))),
            ],
            refused: vec![(
                |b| b.with_signal_config(Signal::Logs, signal(|own| own.request_timeout = Some(NEVER))),
                "request_timeout: must be longer than zero",
            )],
            proof: ("otlp/tests/it/signals.rs", ""),
            ..Row::default()
        },
        #[cfg(feature = "config-file")]
        Row {
            name: "with_config_file",
            refused: vec![(|b| b.with_config_file("/nowhere.yaml"), "/nowhere.yaml: the file can't be read")],
            builds: vec![|b| b.with_config_file(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/otel.yaml"))],
            proof: ("otlp/tests/it/config_file.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_disabled",
            works: vec![|b| b.with_disabled(false)],
            builds: vec![|b| b.with_disabled(true)],
            proof: ("otlp/tests/it/signals.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_env",
            works: vec![|b| b.with_protocol(Protocol::Grpc).with_env()],
            // A process of its own for its variables is what `init` has.
            proof: ("otlp/src/builder.rs", "with_env_from(env::of_process)"),
            ..Row::default()
        },
        Row {
            name: "with_env_from",
            works: vec![|b| {
                b.with_protocol(Protocol::Grpc)
                    .with_env_from(|name| (name != "OTEL_CONFIG_FILE").then(|| "no good".to_owned()))
            }],
            proof: ("otlp/tests/it/env.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_protocol",
            works: vec![|b| b.with_protocol(Protocol::Grpc)],
            builds: vec![|b| b.with_protocol(Protocol::Http)],
            proof: ("otlp/tests/guide/pool.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_serialization_format",
            works: vec![|b| b.with_serialization_format(SerializationFormat::Protobuf)],
            builds: vec![|b| b.with_serialization_format(SerializationFormat::Json)],
            refused: vec![(
                |b| b.with_protocol(Protocol::Grpc).with_serialization_format(SerializationFormat::Json),
                "JSON goes over HTTP only",
            )],
            proof: ("otlp/tests/it/pipeline.rs", ""),
        },
        Row {
            name: "with_compression",
            works: vec![
                |b| b.with_compression(Compression::None),
                |b| b.with_compression(Compression::Gzip),
                #[cfg(feature = "zstd")]
                |b| b.with_compression(Compression::Zstd),
            ],
            refused: vec![
                #[cfg(not(feature = "zstd"))]
                (|b| b.with_compression(Compression::Zstd), ""),
            ],
            proof: ("otlp/tests/guide/latency.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_header",
            works: vec![|b| b.with_header("x-key", "secret").with_header("x-empty", "")],
            refused: vec![
                (|b| b.with_header("", "x"), ""),
                (|b| b.with_header("a b", "x"), ""),
                (|b| b.with_header("content-type", "x"), ""),
                (|b| b.with_header("x-key", "line\nbreak"), ""),
            ],
            proof: ("otlp/tests/it/auth.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_credentials",
            works: vec![|b| b.with_credentials(|| async { Token::bearer("secret") })],
            proof: ("otlp/tests/it/auth.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_bearer_token_file",
            // Any file with a word in it will do as a token.
            works: vec![|b| {
                b.with_bearer_token_file(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/options/token"))
            }],
            refused: vec![
                (
                    |b| b.with_bearer_token_file("/nowhere/token"),
                    "the bearer token file /nowhere/token cannot be read",
                ),
                (
                    |b| b.with_bearer_token_file("x").with_credentials(|| async { Token::bearer("x") }),
                    "with_credentials is set as well",
                ),
            ],
            proof: ("otlp/tests/it/auth.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_connect_timeout",
            works: vec![|b| b.with_connect_timeout(Duration::MAX)],
            builds: vec![|b| b.with_connect_timeout(Duration::from_nanos(1))],
            refused: vec![(|b| b.with_connect_timeout(NEVER), "must be longer than zero")],
            proof: ("otlp/tests/faults/row_44_proxy_unix_ipv6.rs", ""),
        },
        Row {
            name: "with_proxy",
            builds: vec![|b| b.with_proxy("http://proxy:3128"), |b| {
                b.with_proxy("http://user:p%40ss@[::1]:1")
            }],
            refused: vec![
                (|b| b.with_proxy(""), ""),
                (|b| b.with_proxy("socks5://proxy"), ""),
                (|b| b.with_proxy("http://proxy:0"), ""),
            ],
            proof: ("otlp/tests/faults/row_44_proxy_unix_ipv6.rs", ""),
            ..Row::default()
        },
        Row {
            name: "without_proxy",
            works: vec![|b| b.with_proxy("http://proxy.invalid:3128").without_proxy()],
            proof: ("otlp/tests/faults/row_44_proxy_unix_ipv6.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_connection_pool_config",
            works: vec![
                |b| b.with_connection_pool_config(pool(|c| (c.max_connections, c.min_connections) = (1, 1))),
                |b| b.with_connection_pool_config(pool(|c| c.connection_timeout = Duration::MAX)),
                |b| b.with_connection_pool_config(pool(|c| c.idle_timeout = Duration::MAX)),
                |b| b.with_connection_pool_config(pool(|c| c.keep_alive = false)),
            ],
            builds: vec![|b| b.with_connection_pool_config(pool(|c| c.max_connections = usize::MAX))],
            refused: vec![
                (
                    |b| b.with_connection_pool_config(pool(|c| c.max_connections = 0)),
                    "max_connections: must be",
                ),
                (
                    |b| b.with_connection_pool_config(pool(|c| c.min_connections = 101)),
                    "min_connections: must be",
                ),
                (
                    |b| b.with_connection_pool_config(pool(|c| c.connection_timeout = NEVER)),
                    "connection_timeout: must",
                ),
                (
                    |b| b.with_connection_pool_config(pool(|c| c.idle_timeout = NEVER)),
                    "idle_timeout: must be",
                ),
            ],
            proof: ("otlp/tests/guide/pool.rs", ""),
        },
        Row {
            name: "with_max_connection_age",
            works: vec![|b| b.with_max_connection_age(Duration::MAX)],
            builds: vec![|b| b.with_max_connection_age(Duration::from_nanos(1))],
            refused: vec![(|b| b.with_max_connection_age(NEVER), "must be")],
            proof: ("otlp-transport/tests/pool.rs", "max_age"),
        },
        Row {
            name: "with_keep_alive_interval",
            works: vec![|b| b.with_keep_alive_interval(Duration::from_secs(10)), |b| {
                b.with_keep_alive_interval(Duration::MAX)
            }],
            refused: vec![
                (|b| b.with_keep_alive_interval(Duration::from_secs(9)), "must be"),
                (
                    |b| {
                        b.with_connection_pool_config(pool(|c| c.keep_alive = false))
                            .with_keep_alive_interval(Duration::from_secs(10))
                    },
                    "needs ConnectionPoolConfig::keep_alive",
                ),
            ],
            proof: ("otlp/tests/faults/row_09_pings.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_keep_alive_while_idle",
            works: vec![|b| b.with_keep_alive_while_idle(true), |b| b.with_keep_alive_while_idle(false)],
            refused: vec![(
                |b| {
                    b.with_connection_pool_config(pool(|c| c.keep_alive = false))
                        .with_keep_alive_while_idle(true)
                },
                "needs ConnectionPoolConfig::keep_alive",
            )],
            proof: ("otlp-transport/tests/pool_http2.rs", "while_idle"),
            ..Row::default()
        },
    ]
}
