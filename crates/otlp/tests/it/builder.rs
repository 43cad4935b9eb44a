//! Bad values: every option refuses what can't work with an error that names it, before anything starts.

use otlp::{
    BatchConfig, CircuitBreakerConfig, Client, ClientBuilder, Concurrency, ConnectionPoolConfig, ErrorKind,
    Limits, MemoryPoolConfig, OverflowPolicy, Protocol, Resource, RetryBudgetConfig, RetryConfig,
    SerializationFormat,
};
use std::time::Duration;

async fn refused(option: &str, build: impl FnOnce(ClientBuilder) -> ClientBuilder) {
    let error = match build(Client::builder()).build().await {
        Ok(_) => panic!("{option} was not refused"),
        Err(error) => error,
    };
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.is_configuration());
    let text = error.to_string();
    assert!(text.starts_with(option), "{option}: {text}");
    assert!(text.ends_with("(see docs/troubleshooting.md#options)"), "{text}");
}

#[tokio::test]
async fn endpoints() {
    // conf: URL-11, URL-12
    for endpoint in [
        "",
        "no spaces allowed",
        "ftp://host",
        "http://",
        "http://host:99999",
        "http://[::1",
        "unix:",
        "https://host:443:1",
    ] {
        refused("with_endpoint", |builder| builder.with_endpoint(endpoint)).await;
    }
}

#[tokio::test]
#[cfg(not(feature = "_tls"))]
async fn https_is_refused_and_never_clear_text() {
    // conf: TLS-09
    let error = Client::builder().with_endpoint("https://collector:4317").build().await.unwrap_err();
    assert!(error.to_string().contains("enable the feature `tls-ring` or `tls-aws-lc`"), "{error}");
}

#[tokio::test]
async fn an_endpoints_secrets_are_not_repeated() {
    // conf: HDR-09
    let error = Client::builder().with_endpoint("http://user:hunter2@ho st").build().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    for endpoint in ["http://user:hunter2@host", "http://host/?token=hunter2"] {
        let builder = Client::builder().with_endpoint(endpoint);
        assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
    }
}

#[tokio::test]
async fn protocol_and_format_that_do_not_go_together() {
    refused("with_serialization_format", |builder| {
        builder.with_protocol(Protocol::Grpc).with_serialization_format(SerializationFormat::Json)
    })
    .await;
}

#[tokio::test]
async fn timeouts_of_zero() {
    refused("with_connect_timeout", |b| b.with_connect_timeout(Duration::ZERO)).await;
    refused("with_request_timeout", |b| b.with_request_timeout(Duration::ZERO)).await;
    refused("with_export_timeout", |b| b.with_export_timeout(Duration::ZERO)).await;
    refused("with_flush_timeout", |b| b.with_flush_timeout(Duration::ZERO)).await;
}

#[tokio::test]
async fn batches() {
    let with = |config: BatchConfig| move |builder: ClientBuilder| builder.with_batch_config(config);
    let good = BatchConfig::default;
    refused("with_batch_config: max_batch_size", with(BatchConfig { max_batch_size: 0, ..good() })).await;
    refused("with_batch_config: max_queue_size", with(BatchConfig { max_queue_size: 10, ..good() })).await;
    refused(
        "with_batch_config: max_queue_size",
        with(BatchConfig { max_batch_size: 1, max_queue_size: 0, ..good() }),
    )
    .await;
    refused(
        "with_batch_config: batch_timeout",
        with(BatchConfig { batch_timeout: Duration::ZERO, ..good() }),
    )
    .await;
    refused("with_max_request_bytes", |b| b.with_max_request_bytes(0)).await;
    refused("with_max_request_bytes", |b| b.with_max_request_bytes(usize::MAX)).await;
    refused("with_max_in_flight", |b| b.with_max_in_flight(0)).await;
    refused("with_max_in_flight", |b| b.with_max_in_flight(usize::MAX)).await;
}

#[tokio::test]
async fn retries() {
    let with = |config: RetryConfig| move |builder: ClientBuilder| builder.with_retry_config(config);
    let good = RetryConfig::default;
    let zero = Duration::ZERO;
    refused("with_retry_config: initial_interval", with(RetryConfig { initial_interval: zero, ..good() }))
        .await;
    refused("with_retry_config: max_interval", with(RetryConfig { max_interval: zero, ..good() })).await;
    for multiplier in [0.5, f64::NAN, f64::INFINITY, -1.0] {
        refused("with_retry_config: multiplier", with(RetryConfig { multiplier, ..good() })).await;
    }
    for randomization_factor in [-0.1, 1.1, f64::NAN] {
        let config = RetryConfig { randomization_factor, ..good() };
        refused("with_retry_config: randomization_factor", with(config)).await;
    }
}

#[tokio::test]
async fn retry_control() {
    let budget = |config: RetryBudgetConfig| move |builder: ClientBuilder| builder.with_retry_budget(config);
    for ratio in [-0.1, f64::NAN, f64::INFINITY] {
        let config = RetryBudgetConfig { ratio, ..RetryBudgetConfig::default() };
        refused("with_retry_budget: ratio", budget(config)).await;
    }
    for min_per_second in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let config = RetryBudgetConfig { min_per_second, ..RetryBudgetConfig::default() };
        refused("with_retry_budget: min_per_second", budget(config)).await;
    }
    let circuit =
        |config: CircuitBreakerConfig| move |builder: ClientBuilder| builder.with_circuit_breaker(config);
    let (good, zero) = (CircuitBreakerConfig::default, Duration::ZERO);
    let config = CircuitBreakerConfig { initial_interval: zero, ..good() };
    refused("with_circuit_breaker: initial_interval", circuit(config)).await;
    refused(
        "with_circuit_breaker: max_interval",
        circuit(CircuitBreakerConfig { max_interval: zero, ..good() }),
    )
    .await;
    let off = CircuitBreakerConfig { failure_threshold: 0, ..good() };
    Client::builder().with_circuit_breaker(off).with_concurrency(Concurrency::Fixed).build().await.unwrap();
}

#[tokio::test]
async fn memory() {
    let with =
        |config: MemoryPoolConfig| move |builder: ClientBuilder| builder.with_memory_pool_config(config);
    let good = MemoryPoolConfig::default;
    refused(
        "with_memory_pool_config: initial_size",
        with(MemoryPoolConfig { initial_size: usize::MAX, ..good() }),
    )
    .await;
    refused(
        "with_memory_pool_config: max_size",
        with(MemoryPoolConfig { max_size: 0, initial_size: 0, ..good() }),
    )
    .await;
    refused("with_memory_pool_config: chunk_size", with(MemoryPoolConfig { chunk_size: 0, ..good() })).await;
    let (chunk_size, max_size) = (usize::MAX, usize::MAX);
    let config = MemoryPoolConfig { chunk_size, max_size, initial_size: 0, ..good() };
    let error = Client::builder().with_memory_pool_config(config).build().await.unwrap_err();
    assert!(error.is_configuration(), "{error}");
    for growth_factor in [0.5, f64::NAN, f64::INFINITY] {
        let config = MemoryPoolConfig { growth_factor, ..good() };
        refused("with_memory_pool_config: growth_factor", with(config)).await;
    }
    for gc_threshold in [-0.1, 1.1, f64::NAN] {
        refused("with_memory_pool_config: gc_threshold", with(MemoryPoolConfig { gc_threshold, ..good() }))
            .await;
    }
}

#[tokio::test]
async fn headers() {
    // conf: HDR-08, HDR-09, GRPC-11
    for (name, value) in [
        ("", "x"),
        ("content-type", "x"),
        ("grpc-timeout", "1S"),
        ("a b", "x"),
        ("x-key", "line\r\nbreak: hunter2"),
        ("te", "x"),
    ] {
        refused("with_header", |builder| builder.with_header(name, value)).await;
    }
    let error = Client::builder().with_header("x-key", "hunter2\n").build().await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    let builder = Client::builder().with_header("x-key", "hunter2");
    assert!(!format!("{builder:?}").contains("hunter2"));
}

#[tokio::test]
async fn limits_and_overflow() {
    let limits = Limits { attribute_value_depth: Limits::MAX_DEPTH + 1, ..Limits::default() };
    refused("with_limits: attribute_value_depth", |b| b.with_limits(limits)).await;
    let never = OverflowPolicy::Block { timeout: Duration::ZERO };
    refused("with_overflow_policy", |b| b.with_overflow_policy(never)).await;
}

#[cfg(not(feature = "zstd"))]
#[tokio::test]
async fn compression_that_was_left_out_of_the_build() {
    refused("with_compression", |b| b.with_compression(otlp::Compression::Zstd)).await;
}

#[tokio::test]
async fn resources() {
    refused("with_service_name", |b| b.with_service_name("")).await;
    refused("with_resource", |b| b.with_resource(Resource::new().with("", 1))).await;
}

#[test]
fn the_blocking_form_needs_no_runtime() {
    let client = Client::builder().with_endpoint("http://127.0.0.1:1").build_blocking().unwrap();
    assert!(format!("{client:?}").contains("127.0.0.1:1"));
}

#[tokio::test]
async fn bearer_token_files() {
    refused("with_bearer_token_file: the bearer token file /nowhere/token cannot be read", |builder| {
        builder.with_bearer_token_file("/nowhere/token")
    })
    .await;
    refused("with_bearer_token_file: with_credentials is set as well", |builder| {
        let credentials = || async { otlp::Token::bearer("x") };
        builder.with_bearer_token_file("/nowhere/token").with_credentials(credentials)
    })
    .await;
}

#[tokio::test]
async fn headers_that_would_break_the_framing() {
    // conf: HDR-08, HDR-09
    for value in ["hunter2\r\nx: y", "hunter2\n", "hunter2\r", "hunter2\0"] {
        let error = Client::builder().with_header("x", value).build().await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.starts_with("with_header") && !text.contains("hunter2"), "{text}");
    }
    refused("with_header", |builder| builder.with_header("x\r\ny", "z")).await;
    refused("with_header", |builder| builder.with_header("content-length", "1")).await;
}

#[tokio::test]
async fn connections() {
    type Break = fn(&mut ConnectionPoolConfig);
    let cases: [(&str, Break); 4] = [
        ("max_connections", |config| config.max_connections = 0),
        ("min_connections", |config| config.min_connections = 101),
        ("connection_timeout", |config| config.connection_timeout = Duration::ZERO),
        ("idle_timeout", |config| config.idle_timeout = Duration::ZERO),
    ];
    for (field, spoil) in cases {
        let mut config = ConnectionPoolConfig::default();
        spoil(&mut config);
        let option = format!("with_connection_pool_config: {field}: must be ");
        refused(&option, |builder| builder.with_connection_pool_config(config)).await;
    }
    let never = Duration::ZERO;
    refused("with_max_connection_age: must be", |builder| builder.with_max_connection_age(never)).await;
    let eager = Duration::from_secs(9);
    refused("with_keep_alive_interval: must be", |builder| builder.with_keep_alive_interval(eager)).await;
    // What would do nothing is refused, too.
    let silent = ConnectionPoolConfig { keep_alive: false, ..ConnectionPoolConfig::default() };
    refused("with_keep_alive_while_idle: needs", |builder| {
        builder.with_connection_pool_config(silent).with_keep_alive_while_idle(true)
    })
    .await;
    refused("with_keep_alive_interval: there are no pings", |builder| {
        builder.with_protocol(Protocol::Http).with_keep_alive_interval(Duration::from_secs(60))
    })
    .await;
}
