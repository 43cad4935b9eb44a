//! Watches the attempts of a client: tests go on when the client has failed so many times, instead of after some time.

use crate::support::PATIENCE;
use otlp::{BoxError, BoxExportService, ExportRequest, ExportResponse};
use tokio::sync::watch;
use tower::layer::layer_fn;
use tower::{Layer, ServiceExt};

type Answer = Result<ExportResponse, BoxError>;

/// How many attempts have ended, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Count {
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
}

/// Counts the attempts of the client it is given to as a layer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempts(watch::Sender<Count>);

impl Attempts {
    /// For `with_attempt_layer`.
    pub(crate) fn layer(
        &self,
    ) -> impl Layer<BoxExportService, Service = BoxExportService> + Send + Sync + 'static {
        let counts = self.0.clone();
        layer_fn(move |inner: BoxExportService| {
            let counts = counts.clone();
            BoxExportService::new(ServiceExt::<ExportRequest>::map_result(inner, move |answer: Answer| {
                let failed = answer.is_err();
                counts.send_modify(|count| {
                    count.failed += u64::from(failed);
                    count.succeeded += u64::from(!failed);
                });
                answer
            }))
        })
    }

    pub(crate) fn count(&self) -> Count {
        *self.0.borrow()
    }

    /// Waits until `more` further attempts have failed.
    pub(crate) async fn fail(&self, more: u64) {
        let goal = self.count().failed + more;
        let mut counts = self.0.subscribe();
        let reached = counts.wait_for(|count| count.failed >= goal);
        tokio::time::timeout(PATIENCE, reached).await.expect("too few attempts failed in time").unwrap();
    }
}
