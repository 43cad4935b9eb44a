//! The client's connections: how many, and what the client says of them.

use crate::support::{PATIENCE, all_delivered, builder, http};
use otlp::{Client, ConnectionPoolConfig, PoolStats, Protocol};
use otlp_testkit::{Collector, Reply};
use std::time::Duration;

/// The numbers, once they are as wanted.
async fn until(client: &Client, wanted: impl Fn(&PoolStats) -> bool) -> PoolStats {
    let looking = async {
        loop {
            let stats = client.get_connection_pool_stats().await.unwrap();
            if wanted(&stats) {
                return stats;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("the connections are not as wanted")
}

#[tokio::test]
async fn the_statistics_are_true_at_any_time() {
    // conf: HTTP-07, CONC-02
    let collector = Collector::builder().http().reply(Reply::hang()).start().await.unwrap();
    let client = builder(collector.http_endpoint())
        .with_protocol(Protocol::Http)
        .with_connection_pool_config(ConnectionPoolConfig {
            max_connections: 2,
            connection_timeout: PATIENCE,
            ..ConnectionPoolConfig::default()
        })
        .with_request_timeout(PATIENCE)
        .build()
        .await
        .unwrap();
    assert_eq!(client.get_connection_pool_stats().await.unwrap().connections_opened, 0);
    let checks: Vec<_> = (0..5)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.health_check().await })
        })
        .collect();
    let stats = until(&client, |stats| stats.requests_in_flight == 2 && stats.waiting_connections == 3).await;
    assert_eq!((stats.active_connections, stats.idle_connections, stats.requests_in_flight), (2, 0, 2));
    checks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn the_troubleshooting_guides_error_reads_as_it_says() {
    // conf: TIME-02
    let collector = Collector::builder().http().reply(Reply::hang()).start().await.unwrap();
    let client = builder(collector.http_endpoint())
        .with_protocol(Protocol::Http)
        .with_connection_pool_config(ConnectionPoolConfig {
            max_connections: 1,
            connection_timeout: Duration::from_millis(50),
            ..ConnectionPoolConfig::default()
        })
        .build()
        .await
        .unwrap();
    let hanging = client.clone();
    let hanging = tokio::spawn(async move { hanging.health_check().await });
    until(&client, |stats| stats.active_connections == 1).await;
    let error = client.health_check().await.unwrap_err();
    assert!(error.is_connect());
    let text = error.to_string();
    assert!(text.starts_with("no available connections in pool for http://127.0.0.1:"), "{text}");
    assert!(text.ends_with("(see docs/troubleshooting.md#pool)"), "{text}");
    hanging.abort();
}

#[tokio::test]
async fn warm_connections_are_there_before_anything_is_sent() {
    // conf: SURV-23
    let collector = http().await;
    let client = builder(collector.http_endpoint())
        .with_protocol(Protocol::Http)
        .with_connection_pool_config(ConnectionPoolConfig {
            min_connections: 3,
            ..ConnectionPoolConfig::default()
        })
        .build()
        .await
        .unwrap();
    until(&client, |stats| stats.idle_connections == 3).await;
    client.tracer("t").start("s").end();
    all_delivered(&client, &collector, 1).await;
    let stats = client.get_connection_pool_stats().await.unwrap();
    assert_eq!(stats.connections_opened, 3, "{stats:?}");
}
