//! Attempts that fail before they reach the receiver, so that the client has something to retry.
//!
//! A layer around attempts, as an application could add one. Fails as a receiver that is overloaded would: 503.

use otlp::{BoxError, BoxExportService, ExportRequest, ExportResponse};
use otlp_transport::{ExportFuture, HttpError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Fails a share of the attempts, and counts them.
#[derive(Debug, Clone)]
pub(super) struct FailLayer {
    share: f64,
    failed: Arc<AtomicU64>,
}

impl FailLayer {
    pub(super) fn new(share: f64, failed: Arc<AtomicU64>) -> Self {
        Self { share, failed }
    }
}

impl Layer<BoxExportService> for FailLayer {
    type Service = Fail;

    fn layer(&self, inner: BoxExportService) -> Fail {
        Fail { inner, layer: self.clone() }
    }
}

/// The service of [`FailLayer`].
#[derive(Debug, Clone)]
pub(super) struct Fail {
    inner: BoxExportService,
    layer: FailLayer,
}

impl Service<ExportRequest> for Fail {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        let FailLayer { share, failed } = &self.layer;
        if fastrand::f64() < *share {
            failed.fetch_add(1, Ordering::Relaxed);
            let error = HttpError::new(503).with_message("made to fail by otlp load");
            return ExportFuture::new(async { Err(error.into()) });
        }
        self.inner.call(request)
    }
}
