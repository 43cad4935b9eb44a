//! A client with nothing to do does nothing.

use crate::support::{PATIENCE, builder, grpc};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tower::layer::layer_fn;

/// The client's runtime runs on a clock that jumps from one timer to the next whenever there is nothing else to do. An hour
/// passes in a moment, and each timer of the client's own in that hour would wake its thread once more.
#[tokio::test]
async fn an_idle_client_sleeps_through_an_hour() {
    let collector = grpc().await;
    let inside: Arc<Mutex<Option<Handle>>> = Arc::default();
    let found = Arc::clone(&inside);
    let client = builder(collector.grpc_endpoint())
        .with_attempt_layer(layer_fn(move |inner| {
            // Layers are made within the client's runtime.
            *found.lock().unwrap() = Some(Handle::current());
            inner
        }))
        .build()
        .await
        .unwrap();
    client.tracer("t").start("s").end();
    client.flush().await.unwrap();

    let runtime = inside.lock().unwrap().clone().unwrap();
    let metrics = runtime.metrics();
    let hour = runtime.spawn(async move {
        tokio::time::pause();
        let before = metrics.worker_park_count(0);
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        let woken = metrics.worker_park_count(0) - before;
        tokio::time::resume();
        woken
    });
    let woken = tokio::time::timeout(PATIENCE, hour).await.unwrap().unwrap();
    // The timer wheel wakes the thread some ten times by itself on its way to the end of an hour.
    assert!(woken < 60, "{woken}");
    assert_eq!(client.shutdown(PATIENCE).await.unwrap().delivered(), 1);
}
