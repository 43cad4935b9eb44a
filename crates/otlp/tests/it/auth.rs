//! Credentials of the client: sent with every attempt of every signal, fetched once, asked for again when refused.

use crate::support::{PATIENCE, all_delivered, books, builder};
use otlp::{BoxError, ErrorKind, InstrumentationScope, LogRecord, RetryConfig, Token};
use otlp_testkit::{Collector, Reply, Script};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

fn quick() -> RetryConfig {
    RetryConfig { initial_interval: Duration::from_millis(1), ..RetryConfig::default() }
}

#[tokio::test]
async fn all_signals_share_a_token_over_both_protocols() {
    // conf: HDR-07, GRPC-11
    let collector = Collector::builder().grpc().http().start().await.unwrap();
    for (protocol, endpoint) in
        [(otlp::Protocol::Grpc, collector.grpc_endpoint()), (otlp::Protocol::Http, collector.http_endpoint())]
    {
        collector.clear();
        let fetches = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&fetches);
        let client = builder(endpoint).with_protocol(protocol).with_credentials(move || {
            counted.fetch_add(1, SeqCst);
            async { Token::bearer("sesame")?.with_header("x-project", "p") }
        });
        let client = client.build().await.unwrap();
        client.health_check().await.unwrap();
        client.tracer("t").start("s").end();
        client.export_logs(&InstrumentationScope::default(), [LogRecord::default()]).unwrap();
        all_delivered(&client, &collector, 2).await;
        assert_eq!(fetches.load(SeqCst), 1, "{protocol:?}");
        for call in collector.received().calls() {
            assert_eq!(call.header("authorization"), Some("Bearer sesame"));
            assert_eq!(call.header("x-project"), Some("p"));
        }
    }
}

#[tokio::test]
async fn a_revoked_token_costs_nothing() {
    // conf: SURV-10
    let script = Script::from_fn(|call| {
        let known = call.header("authorization") == Some("Bearer 2");
        if known { Reply::ok() } else { Reply::status(otlp_testkit::Code::Unauthenticated) }
    });
    let collector = Collector::builder().grpc().reply(script).start().await.unwrap();
    let number = AtomicU32::new(0);
    let client = builder(collector.grpc_endpoint()).with_credentials(move || {
        let number = number.fetch_add(1, SeqCst) + 1;
        async move { Token::bearer(&number.to_string()) }
    });
    let client = client.build().await.unwrap();
    client.tracer("t").start("s").end();
    all_delivered(&client, &collector, 1).await;
    assert_eq!(collector.attempts().len(), 2);
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_delays_and_loses_nothing() {
    let collector = Collector::builder().http().start().await.unwrap();
    let number = AtomicU32::new(0);
    let client = builder(collector.http_endpoint())
        .with_protocol(otlp::Protocol::Http)
        .with_retry_config(quick())
        .with_credentials(move || {
            let number = number.fetch_add(1, SeqCst);
            async move {
                if number == 0 {
                    return Err(BoxError::from("the token endpoint is down"));
                }
                Ok(Token::bearer("up")?)
            }
        });
    let client = client.build().await.unwrap();
    let error = client.health_check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    assert_eq!(
        error.to_string(),
        "could not get credentials: the token endpoint is down (see docs/troubleshooting.md#credentials)"
    );
    client.tracer("t").start("s").end();
    all_delivered(&client, &collector, 1).await;
}

#[tokio::test]
async fn a_shutdown_without_credentials_says_so() {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let client = builder(collector.grpc_endpoint())
        .with_credentials(|| async { Err::<Token, BoxError>("no luck".into()) })
        .build()
        .await
        .unwrap();
    client.tracer("t").start("s").end();
    let error = client.shutdown(Duration::from_millis(300)).await.unwrap_err();
    assert!(error.to_string().contains("could not get credentials: no luck"), "{error}");
    assert_eq!(books(Err(error)).dropped().total(), 1);
    assert!(collector.attempts().is_empty(), "nothing was sent without");
    drop(client.shutdown(PATIENCE).await);
}

#[tokio::test]
async fn a_bearer_token_file_is_followed() {
    let path = std::env::temp_dir().join(format!("otlp-it-token-{}", std::process::id()));
    std::fs::write(&path, "first\n").unwrap();
    let collector = Collector::builder().grpc().start().await.unwrap();
    let client = builder(collector.grpc_endpoint()).with_bearer_token_file(&path).build().await.unwrap();
    let tracer = client.tracer("t");
    tracer.start("s").end();
    client.flush().await.unwrap();
    std::fs::write(&path, "second\n").unwrap();
    collector.set_script(Script::from_fn(|call| match call.header("authorization") {
        Some("Bearer second") => Reply::ok(),
        _ => Reply::status(otlp_testkit::Code::Unauthenticated),
    }));
    tracer.start("s").end();
    all_delivered(&client, &collector, 2).await;
    std::fs::remove_file(&path).unwrap();
}
