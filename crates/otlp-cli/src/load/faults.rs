//! Attempts that fail before they reach the receiver, so that the client has something to retry.
//!
//! A layer around attempts, as an application could add one. Fails as a receiver that is overloaded would: 503.

use otlp::{BoxError, BoxExportService, ExportRequest, ExportResponse};
use otlp_transport::{ExportFuture, HttpError};
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Fails a share of the attempts.
#[derive(Debug, Clone, Copy)]
pub(super) struct FailLayer {
    share: f64,
}

impl FailLayer {
    pub(super) fn new(share: f64) -> Self {
        Self { share }
    }
}

impl Layer<BoxExportService> for FailLayer {
    type Service = Fail;

    fn layer(&self, inner: BoxExportService) -> Fail {
        Fail { inner, share: self.share }
    }
}

/// The service of [`FailLayer`].
#[derive(Debug, Clone)]
pub(super) struct Fail {
    inner: BoxExportService,
    share: f64,
}

impl Service<ExportRequest> for Fail {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        if self.share > 0.0 && fastrand::f64() < self.share {
            let error = HttpError::new(503).with_message("made to fail by otlp load");
            return ExportFuture::new(async { Err(error.into()) });
        }
        self.inner.call(request)
    }
}
