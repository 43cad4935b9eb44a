//! Compressing requests: once per batch, however often it is sent.
//!
//! Never touches responses; the terminals decode those, within their size limit. Never a default (conformance DEC-07,
//! COMP-08).

mod codec;
mod compressor;

pub use compressor::{Compression, CompressionError, Compressor};

use crate::{BoxError, ExportFuture, ExportService};
use otlp_model::{DropReason, Encoding, ExportRequest, ExportResponse, Undelivered};
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Compresses the body of every request that is not compressed yet. Empty bodies pass as they are.
///
/// The work is done inside `call`, on the calling task: a few milliseconds per megabyte. The limit on request sizes
/// counts bytes before compression (conformance COMP-06), so it is checked above, when requests are assembled; the
/// request's [`raw_len`](ExportRequest::raw_len) stays what it was.
///
/// - **Position**: above retry, so that a body is compressed once and every attempt sends the same bytes; below the
///   user's layer, which sees the plain request, and below json.
/// - **Clone**: clones share the compressor.
/// - **Readiness**: that of the inner service.
///
/// A body that cannot be compressed fails as [`Undelivered`] with [`DropReason::EncodeFailed`].
///
#[cfg_attr(feature = "gzip", doc = "```")]
#[cfg_attr(not(feature = "gzip"), doc = "```ignore")]
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{BoxError, CompressLayer, Compression, Compressor};
/// let stack = tower::ServiceBuilder::new()
///     .layer(CompressLayer::new(Compressor::new(Compression::Gzip)?))
///     .service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// # drop(stack);
/// # Ok::<(), otlp_transport::CompressionError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CompressLayer {
    compressor: Arc<Compressor>,
}

impl CompressLayer {
    /// Compresses with `compressor`.
    #[must_use]
    pub fn new(compressor: Compressor) -> Self {
        Self { compressor: Arc::new(compressor) }
    }
}

impl<S> Layer<S> for CompressLayer {
    type Service = Compress<S>;

    fn layer(&self, inner: S) -> Compress<S> {
        Compress { inner, compressor: Arc::clone(&self.compressor) }
    }
}

/// The service of [`CompressLayer`].
#[derive(Debug, Clone)]
pub struct Compress<S> {
    inner: S,
    compressor: Arc<Compressor>,
}

impl<S: ExportService> Service<ExportRequest> for Compress<S> {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        let encoding = self.compressor.encoding();
        let plain = request.encoding() == Encoding::Identity && !request.body().is_empty();
        if encoding == Encoding::Identity || !plain {
            return ExportFuture::new(self.inner.call(request));
        }
        match self.compressor.compress_body(request.body()) {
            Ok(body) => ExportFuture::new(self.inner.call(request.with_encoding(encoding, body))),
            Err(error) => {
                let error = Undelivered::new(DropReason::EncodeFailed, error);
                ExportFuture::new(async { Err(error.into()) })
            }
        }
    }
}
