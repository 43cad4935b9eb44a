//! Sending a failed request again, with growing waits, within bounds.
//!
//! The numbers and decisions are pure ([`RetryPolicy`], [`Backoff`], [`Retries`]); this file is the shell that sends,
//! sleeps, and listens for shutdown. Used once per stack. Never looks into a response: [`classify`] says what an
//! attempt came to, and a partial success is a success (conformance RETRY-17).

mod backoff;
mod pause;
mod policy;

pub use backoff::Backoff;
pub use pause::Pause;
pub use policy::{Retries, RetryDecision, RetryPolicy, RetryPolicyBuilder, RetryPolicyError};

use crate::race::{First, race};
use crate::{BoxError, Disposition, ExportFuture, ExportService, Shutdown, TimeoutError, classify};
use otlp_model::{DropReason, ExportRequest, ExportResponse, Undelivered};
use std::error::Error;
use std::fmt;
use std::mem;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};

/// Sends a request again while its failures may pass, and ends with [`Undelivered`] when they do not.
///
/// Every attempt carries the same bytes: cloning a request counts a reference. A wait a server orders holds for all
/// requests through clones of the service, not only for the one that was told (conformance RETRY-08). Each service the
/// layer makes is taken for a destination of its own, unless [`with_pause`](Self::with_pause) says otherwise.
///
/// Shutdown interrupts the sleep: the attempt is made at once, or as soon as a server's order allows if that is before
/// the deadline, and the back-off starts anew (conformance RETRY-13). At the deadline, and when `max_elapsed` has
/// passed, an attempt still under way is cancelled.
///
/// - **Position**: above the connection pool, so that another attempt may take another connection; below compress, so
///   that a body is compressed once; above attempt timeout and observe(attempt), which see each attempt.
/// - **Clone**: clones of a service share the pause a server ordered; otherwise independent.
/// - **Readiness**: that of the inner service for the first attempt; later attempts wait for theirs inside the future.
///
/// Dropping the future cancels the attempt or the sleep and loses the request.
///
/// ```
/// use otlp_model::{ExportRequest, ExportResponse};
/// use otlp_transport::{BoxError, RetryLayer, RetryPolicy, shutdown};
/// let (trigger, signal) = shutdown::channel();
/// let stack = tower::ServiceBuilder::new()
///     .layer(RetryLayer::new(RetryPolicy::default()).with_shutdown(signal))
///     .service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
/// # drop((trigger, stack));
/// ```
#[derive(Debug, Clone)]
pub struct RetryLayer {
    policy: RetryPolicy,
    shutdown: Shutdown,
    /// `None`: every service has a pause of its own.
    pause: Option<Pause>,
}

impl RetryLayer {
    /// Retries by `policy`, with no shutdown to listen for, each service with a [`Pause`] of its own.
    #[must_use]
    pub const fn new(policy: RetryPolicy) -> Self {
        Self { policy, shutdown: Shutdown::never(), pause: None }
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
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        let pause = self.pause.clone().unwrap_or_default();
        Retry { inner, policy: self.policy, shutdown: self.shutdown.clone(), pause }
    }
}

/// The service of [`RetryLayer`].
#[derive(Debug, Clone)]
pub struct Retry<S> {
    inner: S,
    policy: RetryPolicy,
    shutdown: Shutdown,
    pause: Pause,
}

impl<S: ExportService + Clone> Service<ExportRequest> for Retry<S> {
    type Response = ExportResponse;
    type Error = BoxError;
    type Future = ExportFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ExportRequest) -> ExportFuture {
        // `poll_ready` made `self.inner` ready, so that very service must take the call: the clone, whose readiness is
        // unknown, stays behind for the next caller, who polls it.
        let unready = self.inner.clone();
        let ready = mem::replace(&mut self.inner, unready);
        let export = Export {
            inner: ready,
            inner_is_ready: true,
            policy: self.policy,
            shutdown: self.shutdown.clone(),
            pause: self.pause.clone(),
            started: Instant::now(),
            attempts: 0,
            last_error: None,
        };
        ExportFuture::new(export.run(request))
    }
}

/// One request on its way through its attempts.
struct Export<S> {
    inner: S,
    /// Whether `inner` was polled ready and not called since.
    inner_is_ready: bool,
    policy: RetryPolicy,
    shutdown: Shutdown,
    pause: Pause,
    started: Instant,
    /// Attempts begun.
    attempts: u32,
    last_error: Option<BoxError>,
}

impl<S: ExportService> Export<S> {
    async fn run(mut self, request: ExportRequest) -> Result<ExportResponse, BoxError> {
        let max_elapsed = self.policy.max_elapsed();
        let mut shutdown = self.shutdown.clone();
        let limits = async { race(tokio::time::sleep(max_elapsed), shutdown.deadline_passed()).await };
        let (reason, cut_off): (_, BoxError) = match race(self.attempts(request), limits).await {
            First::Left(Ok(response)) => return Ok(response),
            First::Left(Err(reason)) => (reason, "nothing was tried".into()),
            First::Right(First::Left(())) => {
                (DropReason::RetriesExhausted, TimeoutError::new(max_elapsed).into())
            }
            First::Right(First::Right(())) => {
                (DropReason::Deadline, "no answer before the deadline of the shutdown".into())
            }
        };
        // What went wrong says more than that time ran out, so the last error comes first if there is one.
        let source = self.last_error.unwrap_or(cut_off);
        let gave_up = GaveUp { attempts: self.attempts, elapsed: self.started.elapsed(), source };
        Err(Undelivered::new(reason, gave_up).into())
    }

    /// Attempts until one is taken or the policy gives up; without bound in time, which is the caller's.
    async fn attempts(&mut self, request: ExportRequest) -> Result<ExportResponse, DropReason> {
        let mut retries = Retries::new(self.policy);
        let mut hurried = false;
        loop {
            self.outwait_pause().await?;
            self.attempts += 1;
            let result = self.attempt(request.clone()).await;
            let disposition = classify(&result);
            let error = match result {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            self.last_error = Some(error);

            let now = Instant::now();
            self.obey(&disposition, now);
            let elapsed = now.duration_since(self.started);
            let shutdown_in = self.shutdown.deadline().map(|deadline| deadline.duration_since(now));
            if self.shutdown.is_triggered() && !mem::replace(&mut hurried, true) {
                retries.hurry();
            }
            match retries.decide(&disposition, elapsed, shutdown_in, fastrand::f64()) {
                RetryDecision::After(delay) => self.sleep(delay).await,
                RetryDecision::GiveUp(reason) => return Err(reason),
                // An error is never delivered; were `classify` to say so, the request must not be sent twice.
                RetryDecision::Finish => return Err(DropReason::NotRetryable),
            }
        }
    }

    async fn attempt(&mut self, request: ExportRequest) -> Result<ExportResponse, BoxError> {
        if !mem::replace(&mut self.inner_is_ready, false) {
            self.inner.ready().await?;
        }
        self.inner.call(request).await
    }

    /// Makes the wait that a server ordered hold for the whole destination.
    fn obey(&self, disposition: &Disposition, now: Instant) {
        if let Disposition::Retryable { after, .. } = *disposition
            && let Some(minimum) = self.policy.obeyed(after)
            && let Some(until) = now.checked_add(minimum)
        {
            self.pause.extend(until);
        }
    }

    /// Waits for the end of the pause that a server ordered, whichever request it told.
    async fn outwait_pause(&mut self) -> Result<(), DropReason> {
        loop {
            let now = Instant::now();
            let Some(until) = self.pause.pending(now) else { return Ok(()) };
            if until.duration_since(self.started) >= self.policy.max_elapsed() {
                self.last_error.get_or_insert_with(|| PAUSED.into());
                return Err(DropReason::RetriesExhausted);
            }
            if self.shutdown.deadline().is_some_and(|deadline| until >= deadline) {
                // There is no later: better one attempt the server may refuse than none.
                return Ok(());
            }
            let spread = self.policy.spread(fastrand::f64());
            self.sleep(until.duration_since(now).saturating_add(spread)).await;
        }
    }

    /// Sleeps, but not on when shutdown begins.
    async fn sleep(&mut self, delay: Duration) {
        let sleep = tokio::time::sleep(delay);
        if self.shutdown.is_triggered() {
            sleep.await;
        } else {
            race(sleep, self.shutdown.triggered()).await;
        }
    }
}

const PAUSED: &str = "the receiver ordered a pause that is longer than the request may take";

/// The attempts at one request ended without success; the source is the last error.
///
/// Found inside the [`Undelivered`] that a [`Retry`] fails with, which has the reason.
///
/// ```
/// # tokio_test::block_on(async {
/// use otlp_model::{ExportRequest, ExportResponse, Signal};
/// use otlp_transport::{BoxError, GaveUp, RetryLayer, RetryPolicy};
/// use std::error::Error;
/// use tower::{Service, ServiceBuilder};
/// let mut stack = ServiceBuilder::new()
///     .layer(RetryLayer::new(RetryPolicy::default()))
///     .service_fn(|_: ExportRequest| async { Err::<ExportResponse, BoxError>("no such host".into()) });
/// let request = ExportRequest::new(Signal::Traces, 1, bytes::Bytes::from_static(b"..."));
/// let error = stack.call(request).await.unwrap_err();
/// let gave_up = error.source().and_then(|source| source.downcast_ref::<GaveUp>()).unwrap();
/// assert_eq!(gave_up.attempts(), 1);
/// # });
/// ```
#[derive(Debug)]
pub struct GaveUp {
    attempts: u32,
    elapsed: Duration,
    source: BoxError,
}

impl GaveUp {
    /// How many attempts were begun.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The time from the call to giving up.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.attempts == 1 { "" } else { "s" };
        let elapsed = Duration::from_millis(u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX));
        write!(f, "gave up after {} attempt{plural} in {elapsed:?}: {}", self.attempts, self.source)
    }
}

impl Error for GaveUp {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
