//! The layer that adds configured headers to every attempt.

use super::Headers;
use crate::{BoxError, ExportService};
use otlp_model::{ExportRequest, ExportResponse};
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// Adds [`Headers`] to every request that passes, a retried one included (conformance HDR-07).
///
/// A header that the request already has, because a layer above set it for this request, is left as it is: what was
/// said of one request is more specific than what was configured for all.
///
/// - **Position**: directly above the terminal, below retry and the user's `attempt_layer`, so that a layer that
///   fetches tokens can set them for each attempt.
/// - **Clone**: clones share the headers.
/// - **Readiness**: that of the inner service.
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{BoxError, Headers, HeadersLayer};
/// let stack = tower::ServiceBuilder::new()
///     .layer(HeadersLayer::new(Headers::parse("api-key=abc")?))
///     .service_fn(|request: ExportRequest| async move {
///         assert_eq!(request.headers(), [("api-key".to_owned(), "abc".to_owned())]);
///         Ok::<_, BoxError>(ExportResponse::success())
///     });
/// # drop(stack);
/// # Ok::<(), otlp_transport::ParseHeadersError>(())
/// ```
#[derive(Debug, Clone)]
pub struct HeadersLayer {
    headers: Arc<Headers>,
}

impl HeadersLayer {
    /// Adds `headers`.
    #[must_use]
    pub fn new(headers: Headers) -> Self {
        Self { headers: Arc::new(headers) }
    }
}

impl<S> Layer<S> for HeadersLayer {
    type Service = ExportHeaders<S>;

    fn layer(&self, inner: S) -> ExportHeaders<S> {
        ExportHeaders { inner, headers: Arc::clone(&self.headers) }
    }
}

/// The service of [`HeadersLayer`].
#[derive(Debug, Clone)]
pub struct ExportHeaders<S> {
    inner: S,
    headers: Arc<Headers>,
}

impl<S: ExportService> Service<ExportRequest> for ExportHeaders<S> {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: ExportRequest) -> S::Future {
        for (name, value) in self.headers.iter() {
            if !request.headers().iter().any(|(set, _)| set == name) {
                request.add_header(name, value);
            }
        }
        self.inner.call(request)
    }
}
