//! The layers as methods of [`tower::ServiceBuilder`], so that a stack reads as a list, outermost first.

use crate::{
    AssembleLayer, AttemptTimeoutLayer, AuthLayer, CompressLayer, Compressor, Credentials, Headers,
    HeadersLayer, Observe, ObserveLayer, RetryLayer, RetryPolicy, Shutdown,
};
use otlp_model::{Groups, RequestLimits, Signal};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceBuilder;
use tower::layer::util::Stack;

/// Adds this crate's layers to a [`ServiceBuilder`]. In the order in which they belong, see the crate's front page:
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse, Groups, RequestLimits, Signal};
/// use otlp_transport::{
///     BearerTokenFile, BoxError, Compression, Compressor, Headers, Observation, RetryPolicy, ServiceBuilderExt,
///     shutdown,
/// };
/// use std::sync::Arc;
/// use std::time::Duration;
/// use tower::ServiceBuilder;
///
/// let (trigger, signal) = shutdown::channel();
/// let stack = ServiceBuilder::new()
///     .assemble(Arc::new(Groups::new()), Signal::Traces, RequestLimits::default())
///     .observe(|batch: &Observation<'_>| println!("{batch:?}"))
///     .compress(Compressor::new(Compression::None)?)
///     .retry_export(RetryPolicy::default(), signal)
///     .observe(|attempt: &Observation<'_>| println!("{attempt:?}"))
///     .attempt_timeout(Duration::from_secs(10))
///     .authenticate(BearerTokenFile::new("/var/run/secrets/tokens/collector"))
///     .export_headers(Headers::parse("x-tenant=abc")?)
///     .service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// # drop((trigger, stack));
/// # Ok::<(), BoxError>(())
/// ```
pub trait ServiceBuilderExt<L>: Sized + sealed::Sealed {
    /// Batches in, requests out: [`AssembleLayer`].
    fn assemble(
        self,
        groups: Arc<Groups>,
        signal: Signal,
        limits: RequestLimits,
    ) -> ServiceBuilder<Stack<AssembleLayer, L>>;

    /// Tells `observer` what becomes of each request: [`ObserveLayer`].
    fn observe<O: Observe>(self, observer: O) -> ServiceBuilder<Stack<ObserveLayer<O>, L>>;

    /// Transcodes requests to OTLP/JSON: [`JsonLayer`](crate::JsonLayer).
    #[cfg(feature = "json")]
    fn json(self) -> ServiceBuilder<Stack<crate::JsonLayer, L>>;

    /// Compresses requests: [`CompressLayer`].
    fn compress(self, compressor: Compressor) -> ServiceBuilder<Stack<CompressLayer, L>>;

    /// Sends failed requests again, until `shutdown`: [`RetryLayer`].
    fn retry_export(self, policy: RetryPolicy, shutdown: Shutdown) -> ServiceBuilder<Stack<RetryLayer, L>>;

    /// Ends attempts that take longer than `limit`, zero for none: [`AttemptTimeoutLayer`].
    fn attempt_timeout(self, limit: Duration) -> ServiceBuilder<Stack<AttemptTimeoutLayer, L>>;

    /// Authenticates each attempt: [`AuthLayer`]. Stacks that shall share a token take clones of one layer instead.
    fn authenticate(self, credentials: impl Credentials) -> ServiceBuilder<Stack<AuthLayer, L>>;

    /// Adds headers to each attempt: [`HeadersLayer`].
    fn export_headers(self, headers: Headers) -> ServiceBuilder<Stack<HeadersLayer, L>>;
}

mod sealed {
    /// Only tower's builder has the methods, so that adding one breaks nobody.
    pub trait Sealed {}
    impl<L> Sealed for tower::ServiceBuilder<L> {}
}

impl<L> ServiceBuilderExt<L> for ServiceBuilder<L> {
    fn assemble(
        self,
        groups: Arc<Groups>,
        signal: Signal,
        limits: RequestLimits,
    ) -> ServiceBuilder<Stack<AssembleLayer, L>> {
        self.layer(AssembleLayer::new(groups, signal, limits))
    }

    fn observe<O: Observe>(self, observer: O) -> ServiceBuilder<Stack<ObserveLayer<O>, L>> {
        self.layer(ObserveLayer::new(observer))
    }

    #[cfg(feature = "json")]
    fn json(self) -> ServiceBuilder<Stack<crate::JsonLayer, L>> {
        self.layer(crate::JsonLayer::new())
    }

    fn compress(self, compressor: Compressor) -> ServiceBuilder<Stack<CompressLayer, L>> {
        self.layer(CompressLayer::new(compressor))
    }

    fn retry_export(self, policy: RetryPolicy, shutdown: Shutdown) -> ServiceBuilder<Stack<RetryLayer, L>> {
        self.layer(RetryLayer::new(policy).with_shutdown(shutdown))
    }

    fn attempt_timeout(self, limit: Duration) -> ServiceBuilder<Stack<AttemptTimeoutLayer, L>> {
        self.layer(AttemptTimeoutLayer::new(limit))
    }

    fn authenticate(self, credentials: impl Credentials) -> ServiceBuilder<Stack<AuthLayer, L>> {
        self.layer(AuthLayer::new(credentials))
    }

    fn export_headers(self, headers: Headers) -> ServiceBuilder<Stack<HeadersLayer, L>> {
        self.layer(HeadersLayer::new(headers))
    }
}
