//! A terminal with a small pool of connections, and what the pool says of itself while many requests are under way.
//!
//! ```text
//! cargo run -p otlp-transport --example pool
//! ```

use bytes::Bytes;
use otlp_model::{ExportRequest, Signal};
use otlp_testkit::{Collector, Reply};
use otlp_transport::{BoxError, Http, PoolConfig, RetryLayer, RetryPolicy};
use std::time::Duration;
use tokio::task::JoinSet;
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let slow = Reply::ok().delay(Duration::from_millis(20));
    let collector = Collector::builder().http().reply(slow).start().await?;
    let http = Http::new(collector.http_endpoint().parse()?).with_pool(PoolConfig {
        max_connections: 4,
        min_connections: 2,
        connection_timeout: Duration::from_secs(2),
        ..PoolConfig::default()
    })?;
    // The view on the connections; it keeps none open.
    let pool = http.pool();
    // Otherwise the first request does that.
    pool.warm_up();

    let stack = ServiceBuilder::new()
        // An attempt that got no connection in time is tried again.
        .layer(RetryLayer::new(RetryPolicy::default()))
        .service(http);
    let mut exports = JoinSet::new();
    for _ in 0..40 {
        exports.spawn(stack.clone().oneshot(ExportRequest::new(Signal::Traces, 0, Bytes::new())));
    }
    while let Some(result) = exports.join_next().await {
        result??;
        let stats = pool.stats();
        println!(
            "{} active, {} idle, {} being opened; {} requests wait",
            stats.active_connections,
            stats.idle_connections,
            stats.opening_connections,
            stats.waiting_connections
        );
    }
    let opened = pool.stats().connections_opened;
    if opened > 4 { Err(format!("{opened} connections for 40 requests").into()) } else { Ok(()) }
}
