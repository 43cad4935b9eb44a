//! Sending a failed request again, with growing waits, within bounds.
//!
//! The numbers and decisions are pure ([`RetryPolicy`], [`Backoff`], [`Retries`]; the cores of [`RetryBudget`] and
//! [`CircuitBreaker`]); `retry/export.rs` is the shell that sends, sleeps, and listens for shutdown. Used once per stack.
//! Never looks into a response: `classify` says what an attempt came to, and a partial success is a success
//! (conformance RETRY-17).

mod backoff;
mod budget;
mod circuit;
mod export;
mod gave_up;
mod pause;
mod policy;

pub use backoff::Backoff;
pub use budget::RetryBudget;
pub use circuit::{CircuitBreaker, CircuitBreakerBuilder};
pub use gave_up::GaveUp;
pub use pause::Pause;
pub use policy::{Retries, RetryDecision, RetryPolicy, RetryPolicyBuilder, RetryPolicyError};

use crate::export_service::take_ready;
use crate::race::race;
use crate::{BoxError, ExportFuture, ExportService, Shutdown};
use export::Export;
use otlp_model::{ExportRequest, ExportResponse};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;
use tower::{Layer, Service};

/// Sends a request again while its failures may pass, and ends with [`Undelivered`](otlp_model::Undelivered) when they
/// do not.
///
/// Every attempt carries the same bytes: cloning a request counts a reference. A wait a server orders holds for all
/// requests through clones of the service, not only for the one that was told (conformance RETRY-08). Each service the
/// layer makes is taken for a destination of its own, unless [`with_pause`](Self::with_pause) says otherwise.
///
/// With a [`RetryBudget`] retries wait while they would add more load than it allows; with a [`CircuitBreaker`] all
/// requests wait while the destination is down, but one at a time that finds out. Neither drops anything, and both are
/// off unless given.
///
/// All waiting counts towards `max_elapsed`. Shutdown interrupts it: the attempt is made at once, or as soon as a
/// server's order allows if that is before the deadline, and the back-off starts anew (conformance RETRY-13); neither
/// circuit nor budget is waited for any more. At the deadline, and when `max_elapsed` has passed, an attempt still under
/// way is cancelled.
///
/// - **Position**: above the connection pool, so that another attempt may take another connection; below compress, so
///   that a body is compressed once; above attempt timeout and observe(attempt), which see each attempt.
/// - **Clone**: clones of a service share the pause a server ordered, the budget and the circuit; otherwise independent.
/// - **Readiness**: not ready before the end of a pause that a server ordered, nor while the circuit is open and no new
///   request is needed to probe: what has not begun waits where it is and grows no older. Otherwise that of the inner
///   service for the first attempt; later attempts wait for theirs inside the future.
///
/// Dropping the future cancels the attempt or the sleep and loses the request.
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{BoxError, CircuitBreaker, RetryBudget, RetryLayer, RetryPolicy, shutdown};
/// let (trigger, signal) = shutdown::channel();
/// let retry = RetryLayer::new(RetryPolicy::default())
///     .with_shutdown(signal)
///     .with_budget(RetryBudget::default())
///     .with_circuit(CircuitBreaker::default());
/// let stack = tower::ServiceBuilder::new()
///     .layer(retry)
///     .service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// # drop((trigger, stack));
/// ```
#[derive(Debug, Clone)]
pub struct RetryLayer {
    policy: RetryPolicy,
    shutdown: Shutdown,
    /// `None`: every service has a pause of its own.
    pause: Option<Pause>,
    budget: Option<RetryBudget>,
    circuit: Option<CircuitBreaker>,
}

impl RetryLayer {
    /// Retries by `policy`, with no shutdown to listen for, no budget and no circuit, each service with a [`Pause`] of its
    /// own.
    #[must_use]
    pub const fn new(policy: RetryPolicy) -> Self {
        Self { policy, shutdown: Shutdown::never(), pause: None, budget: None, circuit: None }
    }

    /// Listens for this shutdown.
    #[must_use]
    pub fn with_shutdown(self, shutdown: Shutdown) -> Self {
        Self { shutdown, ..self }
    }

    /// All services of this layer, and of any other that was given a clone of `pause`, wait together when a server
    /// orders one of them to: for stacks that send to the same destination, for example one per signal.
    #[must_use]
    pub fn with_pause(self, pause: Pause) -> Self {
        Self { pause: Some(pause), ..self }
    }

    /// All services of this layer, and of any other that was given a clone of `budget`, take their retries from it.
    #[must_use]
    pub fn with_budget(self, budget: RetryBudget) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// All services of this layer, and of any other that was given a clone of `circuit`, wait while it is open.
    #[must_use]
    pub fn with_circuit(self, circuit: CircuitBreaker) -> Self {
        Self { circuit: Some(circuit), ..self }
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        let controls = Controls {
            policy: self.policy,
            shutdown: self.shutdown.clone(),
            pause: self.pause.clone().unwrap_or_default(),
            budget: self.budget.clone(),
            circuit: self.circuit.clone(),
        };
        Retry { inner, controls, holding: None }
    }
}

/// What holds attempts back, and what ends them.
#[derive(Debug, Clone)]
struct Controls {
    policy: RetryPolicy,
    shutdown: Shutdown,
    pause: Pause,
    budget: Option<RetryBudget>,
    circuit: Option<CircuitBreaker>,
}

impl Controls {
    /// Whether a new request had better stay where it is.
    fn holds(&self) -> bool {
        let paused = self.pause.pending(Instant::now()).is_some();
        let open = self.circuit.as_ref().is_some_and(CircuitBreaker::is_open);
        (paused || open) && !self.shutdown.is_triggered()
    }

    /// Returns when a new request has a reason to come.
    async fn released(mut self) {
        let gates = async {
            self.pause.outwait().await;
            if let Some(circuit) = &self.circuit {
                circuit.wants_requests().await;
            }
        };
        race(gates, self.shutdown.triggered()).await;
    }
}

/// The service of [`RetryLayer`].
pub struct Retry<S> {
    inner: S,
    controls: Controls,
    /// What `poll_ready` waits for, while it does.
    holding: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

impl<S: Clone> Clone for Retry<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), controls: self.controls.clone(), holding: None }
    }
}

impl<S: fmt::Debug> fmt::Debug for Retry<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("inner", &self.inner)
            .field("controls", &self.controls)
            .finish_non_exhaustive()
    }
}

impl<S: ExportService + Clone> Service<ExportRequest> for Retry<S> {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        if self.holding.is_none() && self.controls.holds() {
            self.holding = Some(Box::pin(self.controls.clone().released()));
            // Whatever it holds, such as a permit of a limit below: those who are to find out may need it.
            self.inner = self.inner.clone();
        }
        if let Some(holding) = &mut self.holding {
            ready!(holding.as_mut().poll(cx));
            self.holding = None;
        }
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        let ready = take_ready(&mut self.inner);
        ExportFuture::new(Export::new(ready, self.controls.clone(), Instant::now()).run(request))
    }
}
