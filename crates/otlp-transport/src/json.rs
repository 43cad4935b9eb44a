//! Turning protobuf requests into OTLP/JSON, once per batch.
//!
//! The transcoding is `otlp_model::json`; this is its place in the stack. Only for OTLP/HTTP: the gRPC terminal refuses
//! such bodies.

use crate::{BoxError, ExportFuture, ExportService};
use otlp_model::{DropReason, Encoding, ExportRequest, ExportResponse, Format, Undelivered};
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Transcodes the body of every protobuf request to OTLP/JSON; requests that are JSON pass as they are.
///
/// The request's [`raw_len`](ExportRequest::raw_len) becomes the length of the JSON, several times that of the
/// protobuf. The work is done inside `call`.
///
/// - **Position**: above compress and retry, below the user's layer.
/// - **Clone**: shares nothing; clones the inner service.
/// - **Readiness**: that of the inner service.
///
/// A body that is compressed already, or is no valid request, fails as [`Undelivered`] with
/// [`DropReason::EncodeFailed`].
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{BoxError, JsonLayer};
/// let stack = tower::ServiceBuilder::new()
///     .layer(JsonLayer::new())
///     .service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// # drop(stack);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonLayer(());

impl JsonLayer {
    /// The layer; it has no settings.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for JsonLayer {
    type Service = Json<S>;

    fn layer(&self, inner: S) -> Json<S> {
        Json { inner }
    }
}

/// The service of [`JsonLayer`].
#[derive(Debug, Clone)]
pub struct Json<S> {
    inner: S,
}

impl<S: ExportService> Service<ExportRequest> for Json<S> {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        match transcoded(request) {
            Ok(request) => ExportFuture::new(self.inner.call(request)),
            Err(error) => ExportFuture::new(async { Err(error.into()) }),
        }
    }
}

fn transcoded(request: ExportRequest) -> Result<ExportRequest, Undelivered> {
    if request.format() == Format::Json {
        return Ok(request);
    }
    if request.encoding() != Encoding::Identity {
        let problem = "the request is compressed already: the json layer belongs above the compress layer";
        return Err(Undelivered::new(DropReason::EncodeFailed, problem));
    }
    match otlp_model::json::request_to_json(request.signal(), &request.body().to_bytes()) {
        Ok(json) => Ok(request.with_format(Format::Json, json)),
        Err(error) => Err(Undelivered::new(DropReason::EncodeFailed, error)),
    }
}
