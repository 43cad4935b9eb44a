//! The one interface of the stack below the assembler: a service of encoded requests.
//!
//! Every layer of this crate wraps an [`ExportService`] and is one; the terminals are the innermost. The boxed form is
//! for stage borders (a user's layer, the end of the stack), so that types stay nameable and error messages short.

use otlp_model::{ExportRequest, ExportResponse};
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::Service;
use tower::util::BoxCloneSyncService;

/// What goes wrong inside the stack: any error, boxed, its `source()` chain kept for `classify`.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The future of every layer and terminal of this crate: one allocation per batch or attempt, never per item.
///
/// Dropping it cancels the request.
pub struct ExportFuture<T = ExportResponse>(Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>);

impl<T> ExportFuture<T> {
    /// Boxes `future`.
    ///
    /// ```
    /// use otlp_model::ExportResponse;
    /// use otlp_transport::ExportFuture;
    /// let future = ExportFuture::new(async { Ok(ExportResponse::success()) });
    /// # drop(future);
    /// ```
    pub fn new(future: impl Future<Output = Result<T, BoxError>> + Send + 'static) -> Self {
        Self(Box::pin(future))
    }
}

impl<T> Future for ExportFuture<T> {
    type Output = Result<T, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for ExportFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExportFuture")
    }
}

/// A tower service that sends encoded requests: a name for the bounds, implemented for everything that meets them.
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{BoxError, ExportService};
/// fn check(_: impl ExportService) {}
/// check(tower::service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) }));
/// ```
pub trait ExportService:
    Service<ExportRequest, Response = ExportResponse, Error = BoxError, Future: Send + 'static> + Send + 'static
{
}

impl<S> ExportService for S where
    S: Service<ExportRequest, Response = ExportResponse, Error = BoxError, Future: Send + 'static>
        + Send
        + 'static
{
}

/// The service that `poll_ready` made ready, to take the call. A clone, whose readiness is unknown, stays behind for the next
/// caller, who polls it.
pub(crate) fn take_ready<S: Clone>(inner: &mut S) -> S {
    let unready = inner.clone();
    mem::replace(inner, unready)
}

/// An [`ExportService`] whose type is erased: the border of a stage.
///
/// **Clone** clones the service inside, with a fresh readiness. **Readiness** is that of the service inside. It is
/// `Send + Sync`.
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{BoxError, BoxExportService};
/// let service = BoxExportService::new(tower::service_fn(|_: ExportRequest| async {
///     Ok::<_, BoxError>(ExportResponse::success())
/// }));
/// let another = service.clone();
/// # drop(another);
/// ```
#[derive(Clone)]
pub struct BoxExportService(BoxCloneSyncService<ExportRequest, ExportResponse, BoxError>);

impl BoxExportService {
    /// Erases the type of `service`.
    pub fn new(service: impl ExportService + Clone + Sync) -> Self {
        Self(BoxCloneSyncService::new(service))
    }
}

impl Service<ExportRequest> for BoxExportService {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        ExportFuture(self.0.call(request))
    }
}

impl fmt::Debug for BoxExportService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxExportService")
    }
}
