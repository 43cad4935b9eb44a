//! Services that fail or panic: what it costs, and what the report says.

use std::future::Future;
use std::task::{Context, Poll};

use otlp_batch::{Batch, Worker};
use otlp_model::{DropReason, Outcome, Records, Undelivered};

use super::{config, delivered, pool, push};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Errors and panics, wherever they happen, cost one batch and end nothing.
// conf: BATCH-16, BATCH-23, BATCH-24
#[tokio::test(start_paused = true)]
async fn failures_and_panics_are_counted_and_survived() {
    /// Fails in a different place with each batch.
    struct Faulty(u32);
    impl tower::Service<Batch> for Faulty {
        type Response = Outcome;
        type Error = BoxError;
        type Future = std::pin::Pin<Box<dyn Future<Output = Result<Outcome, BoxError>> + Send>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
            match self.0 {
                0 => {
                    self.0 += 1;
                    panic!("in poll_ready")
                }
                1 => {
                    self.0 += 1;
                    Poll::Ready(Err("not ready".into()))
                }
                _ => Poll::Ready(Ok(())),
            }
        }

        fn call(&mut self, batch: Batch) -> Self::Future {
            self.0 += 1;
            match self.0 {
                3 => panic!("in call"),
                4 => Box::pin(async { panic!("in poll") }),
                5 => Box::pin(async {
                    let cause: BoxError = "connection refused".into();
                    Err(Undelivered::new(DropReason::RetriesExhausted, cause).into())
                }),
                6 => Box::pin(async { Err("who knows".into()) }),
                7 => Box::pin(async { Ok(Outcome::default()) }),
                _ => Box::pin(async move { Ok(delivered(batch.items())) }),
            }
        }
    }
    let (worker, handle) = Worker::new(&config(), &pool(), Faulty(0)).unwrap();
    let worker = tokio::spawn(worker);
    let expected = [
        (DropReason::LayerFailed, "a layer panicked: in poll_ready"),
        (DropReason::LayerFailed, "not ready"),
        (DropReason::LayerFailed, "a layer panicked: in call"),
        (DropReason::LayerFailed, "a layer panicked: in poll"),
        (DropReason::RetriesExhausted, "dropped (retries_exhausted): connection refused"),
        (DropReason::LayerFailed, "who knows"),
        (DropReason::LayerFailed, "a layer answered for 0 items of a batch of 3"),
    ];
    for (reason, text) in expected {
        let before = handle.stats();
        push(&handle, 3);
        let report = handle.flush(None).await;
        assert!(report.complete && report.stats.is_balanced());
        assert_eq!(report.stats.since(&before).dropped.get(reason), 3, "{text}");
        assert_eq!(report.last_error.as_deref(), Some(text));
    }
    push(&handle, 3);
    assert_eq!(handle.close(None).await.stats.delivered, 3);
    worker.await.unwrap();
}
