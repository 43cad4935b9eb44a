//! The circuit breaker of a destination: while it fails, one request at a time asks whether it still does.
//!
//! Held by the retry services of a destination. The decisions are pure (`circuit/state.rs`); this file shares them and
//! wakes who waits. Never drops a request and never sends one.

mod state;

use super::policy::RetryPolicyError;
use crate::Disposition;
use otlp_model::DropReason;
use state::{Admission, Circuit, Settings, Verdict};
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Stops sending to a destination that keeps failing, and finds out with single requests when it is back.
///
/// Closed, it lets everything pass. When as many attempts as the threshold have failed in a row, it opens: for as long
/// as it is open, requests wait, and a stack that holds it is not ready, so that data stays in the queue. Then exactly
/// one request is let through. If the destination answers it, the circuit closes, and all who wait go on, those in a
/// back-off too; if not, it opens again, for longer. Nothing is dropped for it, but waiting counts towards the retry
/// policy's `max_elapsed` of the requests that wait.
///
/// Failures are [`Network`](crate::ErrorType::Network), [`Timeout`](crate::ErrorType::Timeout) and
/// [`Unavailable`](crate::ErrorType::Unavailable). Any other answer, a refusal too, shows that the destination is there.
///
/// | setting | default | meaning |
/// |---|---|---|
/// | `failure_threshold` | 5 | failures in a row that open it |
/// | `initial_interval` | 1 s | how long it is open the first time; then each time 1.5 times as long |
/// | `max_interval` | 30 s | the longest it is open; 5 s while no connection comes about, since to try costs nobody much |
///
/// Each time varies by ± 50 % at random, at its longest too, so that clients do not come back in step.
///
/// Clones are the same circuit. One circuit must serve one destination only (conformance RETRY-19).
///
/// ```
/// use otlp_transport::{CircuitBreaker, RetryLayer, RetryPolicy};
/// use std::time::Duration;
/// let circuit = CircuitBreaker::builder().failure_threshold(3).max_interval(Duration::from_secs(10)).build()?;
/// let retry = RetryLayer::new(RetryPolicy::default()).with_circuit(circuit);
/// # drop(retry);
/// # Ok::<(), otlp_transport::RetryPolicyError>(())
/// ```
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    circuit: Mutex<Circuit>,
    changed: Notify,
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::of(Settings::default())
    }
}

impl CircuitBreaker {
    /// Starts from the defaults.
    pub fn builder() -> CircuitBreakerBuilder {
        CircuitBreakerBuilder { settings: Settings::default() }
    }

    fn of(settings: Settings) -> Self {
        let circuit = Mutex::new(Circuit::new(settings));
        Self { shared: Arc::new(Shared { circuit, changed: Notify::new() }) }
    }

    /// Whether it holds requests back.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.with(|circuit| circuit.is_open())
    }

    /// How often it closed again after it had been open.
    pub(super) fn recoveries(&self) -> u64 {
        self.with(|circuit| circuit.recoveries())
    }

    /// The permission to send, if there is one now.
    pub(super) fn try_admit(&self) -> Option<Permit> {
        match self.with(|circuit| circuit.admit(Instant::now())) {
            Admission::Pass => Some(self.permit(false)),
            Admission::Probe => Some(self.permit(true)),
            Admission::Wait(_) => None,
        }
    }

    /// Waits for the permission to send. Cancel safe.
    pub(super) async fn admission(&self) -> Permit {
        let _waiting = Waiting::new(self);
        loop {
            // Before the look, so that no change is missed.
            let changed = self.shared.changed.notified();
            let until = match self.with(|circuit| circuit.admit(Instant::now())) {
                Admission::Pass => return self.permit(false),
                Admission::Probe => return self.permit(true),
                Admission::Wait(until) => until,
            };
            crate::race::race(changed, sleep_until(until)).await;
        }
    }

    /// The permission to send whatever the state, for what cannot wait.
    pub(super) fn permit(&self, is_probe: bool) -> Permit {
        Permit { circuit: self.clone(), is_probe }
    }

    /// Returns when a new request has a reason to come: when nothing holds it back, or when a probe is due and nobody
    /// waits who could be it. Cancel safe.
    pub(super) async fn wants_requests(&self) {
        loop {
            let changed = self.shared.changed.notified();
            match self.with(|circuit| circuit.wants_requests(Instant::now())) {
                Admission::Pass | Admission::Probe => return,
                Admission::Wait(until) => crate::race::race(changed, sleep_until(until)).await,
            };
        }
    }

    /// Returns once the circuit has recovered more often than `before`. Cancel safe.
    pub(super) async fn recovered(&self, before: u64) {
        loop {
            let changed = self.shared.changed.notified();
            if self.recoveries() != before {
                return;
            }
            changed.await;
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Circuit) -> T) -> T {
        act(&mut self.shared.circuit.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn ended(&self, verdict: Verdict, is_probe: bool) {
        if self.with(|circuit| circuit.ended(verdict, is_probe, Instant::now(), fastrand::f64())) {
            self.shared.changed.notify_waiters();
        }
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => pending().await,
    }
}

/// A request that waits for the circuit, counted for as long as it does.
struct Waiting(CircuitBreaker);

impl Waiting {
    fn new(circuit: &CircuitBreaker) -> Self {
        circuit.with(Circuit::one_waits);
        Self(circuit.clone())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.with(Circuit::one_leaves);
        self.0.shared.changed.notify_waiters();
    }
}

/// The permission for one attempt. Dropped without a result, as when the attempt is cancelled, a probe leaves its
/// place to the next.
#[derive(Debug)]
pub(super) struct Permit {
    circuit: CircuitBreaker,
    is_probe: bool,
}

impl Permit {
    pub(super) fn is_probe(&self) -> bool {
        self.is_probe
    }

    /// Tells what the attempt came to.
    pub(super) fn ended(mut self, disposition: &Disposition) {
        let verdict = match *disposition {
            Disposition::Retryable { error_type, .. } => Verdict::of(error_type),
            Disposition::Delivered { .. } | Disposition::Permanent { reason: DropReason::NotRetryable } => {
                Verdict::Answered
            }
            // It failed on this side.
            Disposition::Permanent { .. } => return,
        };
        let is_probe = std::mem::take(&mut self.is_probe);
        self.circuit.ended(verdict, is_probe);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_probe {
            self.circuit.ended(Verdict::Unknown, true);
        }
    }
}

/// Sets up a [`CircuitBreaker`]; every setting has a default.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CircuitBreakerBuilder {
    settings: Settings,
}

impl CircuitBreakerBuilder {
    /// How many failures in a row open it; at least 1. Default 5.
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        self.settings.failure_threshold = failures;
        self
    }

    /// How long it is open the first time, before jitter; more than zero. Default 1 s.
    pub const fn initial_interval(mut self, interval: Duration) -> Self {
        self.settings.initial_interval = interval;
        self
    }

    /// The longest it is open, before jitter; at least `initial_interval`. Default 30 s.
    pub const fn max_interval(mut self, interval: Duration) -> Self {
        self.settings.max_interval = interval;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// The first setting out of its range, by name.
    pub fn build(self) -> Result<CircuitBreaker, RetryPolicyError> {
        let Settings { failure_threshold, initial_interval: initial, max_interval: max } = self.settings;
        if failure_threshold == 0 {
            return Err(RetryPolicyError::new("failure_threshold", "must be at least 1".to_owned()));
        }
        if initial.is_zero() {
            return Err(RetryPolicyError::new("initial_interval", "must be more than zero".to_owned()));
        }
        if max < initial {
            let problem = format!("{max:?} is less than initial_interval, {initial:?}");
            return Err(RetryPolicyError::new("max_interval", problem));
        }
        Ok(CircuitBreaker::of(self.settings))
    }
}
