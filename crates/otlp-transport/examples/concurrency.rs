//! A receiver that pushes back when more than five requests are there at once: the limit finds that out.
//!
//! ```text
//! cargo run -p otlp-transport --example concurrency
//! ```

use bytes::Bytes;
use otlp_model::{ExportRequest, ExportResponse, Signal};
use otlp_transport::{AdaptiveConcurrencyLayer, BoxError, HttpError, RetryLayer, RetryPolicy};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tower::{ServiceBuilder, ServiceExt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    let there = Arc::new(AtomicUsize::new(0));
    let receiver = tower::service_fn(move |_: ExportRequest| {
        let there = Arc::clone(&there);
        async move {
            let now = there.fetch_add(1, Ordering::SeqCst) + 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
            there.fetch_sub(1, Ordering::SeqCst);
            if now > 5 {
                Err::<_, BoxError>(HttpError::new(429).into())
            } else {
                Ok(ExportResponse::success())
            }
        }
    });
    // In two parts only to look at the limit from outside.
    let limited = ServiceBuilder::new().layer(AdaptiveConcurrencyLayer::new(16)).service(receiver);
    let stack = ServiceBuilder::new().layer(RetryLayer::new(RetryPolicy::default())).service(limited.clone());
    let mut exports = JoinSet::new();
    for _ in 0..500 {
        exports.spawn(stack.clone().oneshot(ExportRequest::new(Signal::Logs, 1, Bytes::from_static(b"..."))));
    }
    while let Some(result) = exports.join_next().await {
        result??;
        if exports.len() % 50 == 0 {
            println!("{:>3} to go, {} at once", exports.len(), limited.limit());
        }
    }
    Ok(())
}
