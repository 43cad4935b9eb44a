//! A receiver that is down for some seconds, and what it gets to see: retries within a budget, a circuit that one request at
//! a time probes, and everything delivered in the end.
//!
//! ```text
//! cargo run -p otlp-transport --example outage
//! ```

use bytes::Bytes;
use otlp_model::{ExportRequest, ExportResponse, Signal};
use otlp_transport::{
    BoxError, CircuitBreaker, HttpError, Observation, Pause, RetryBudget, RetryLayer, RetryPolicy,
    ServiceBuilderExt,
};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let started = Instant::now();
    // Any service of requests, here one that answers 503 for four seconds; usually `Grpc` or `Http`.
    let receiver = move |_: ExportRequest| async move {
        if started.elapsed() < Duration::from_secs(4) {
            return Err::<ExportResponse, BoxError>(HttpError::new(503).into());
        }
        Ok(ExportResponse::success())
    };
    let circuit = CircuitBreaker::builder().max_interval(Duration::from_secs(2)).build()?;
    let stack = ServiceBuilder::new()
        .layer(
            RetryLayer::new(RetryPolicy::default())
                // What belongs to the destination: other signals' stacks would get clones of these.
                .with_pause(Pause::new())
                .with_budget(RetryBudget::new(0.2, 2.0)?)
                .with_circuit(circuit.clone()),
        )
        .observe(move |attempt: &Observation<'_>| {
            println!("{:>6.0?} {:?}", started.elapsed(), attempt.disposition)
        })
        .service_fn(receiver);

    let mut exports = JoinSet::new();
    for _ in 0..8 {
        exports.spawn(stack.clone().oneshot(ExportRequest::new(Signal::Logs, 1, Bytes::from_static(b"..."))));
    }
    while let Some(result) = exports.join_next().await {
        result??;
    }
    println!("all delivered after {:.0?}; circuit open: {}", started.elapsed(), circuit.is_open());
    Ok(())
}
