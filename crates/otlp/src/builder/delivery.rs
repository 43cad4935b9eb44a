//! Builder options about the delivery of batches: how many at once, for how long, how often, and who waits for it.

use super::ClientBuilder;
use crate::config::{CircuitBreakerConfig, Concurrency, RetryBudgetConfig, RetryConfig};
use crate::loss::{LossLimit, LossReport};
use std::sync::Arc;
use std::time::Duration;

impl ClientBuilder {
    /// How long one attempt may take, connecting included; above zero. Default 10 s.
    pub fn with_request_timeout(self, timeout: Duration) -> Self {
        Self { request_timeout: Some(timeout), ..self }
    }

    /// How long a batch may be tried, all attempts and pauses together; above zero. Default 5 min.
    pub fn with_export_timeout(self, timeout: Duration) -> Self {
        Self { export_timeout: Some(timeout), ..self }
    }

    /// How long [`flush`](crate::Client::flush) waits; above zero. Default 30 s.
    pub fn with_flush_timeout(self, timeout: Duration) -> Self {
        Self { flush_timeout: timeout, ..self }
    }

    /// How long dropping the last handle of the client may wait for delivery. Default 5 s; zero: not at all.
    pub fn with_drop_timeout(self, timeout: Duration) -> Self {
        Self { drop_timeout: timeout, ..self }
    }

    /// How many requests of a signal may be under way at once, those waiting for a retry included; between 1
    /// and 1024. Default 8.
    pub fn with_max_in_flight(self, requests: usize) -> Self {
        Self { max_in_flight: requests, ..self }
    }

    /// Whether fewer attempts than that are made at once while the receiver is slow or pushes back. Default: they are.
    pub fn with_concurrency(self, concurrency: Concurrency) -> Self {
        Self { concurrency, ..self }
    }

    /// How failed exports are retried.
    pub fn with_retry_config(self, config: RetryConfig) -> Self {
        Self { retry: config, ..self }
    }

    /// How much load retries may add to what is sent anyway.
    pub fn with_retry_budget(self, config: RetryBudgetConfig) -> Self {
        Self { retry_budget: config, ..self }
    }

    /// When to stop sending to a receiver that is down, and how often to look whether it is back.
    pub fn with_circuit_breaker(self, config: CircuitBreakerConfig) -> Self {
        Self { circuit_breaker: config, ..self }
    }

    /// How long a receiver may tell the client to wait (`Retry-After`, `RetryInfo`); what it asks beyond that is not
    /// obeyed (conformance RETRY-11). Default 2 min; zero: such orders are ignored.
    pub fn with_max_server_delay(self, delay: Duration) -> Self {
        Self { max_server_delay: delay, ..self }
    }

    /// From which share of lost items on the client warns, and over which time it is measured: between 0 and 1, where 1 is
    /// never; longer than zero. Default 0.01 over 60 s.
    ///
    /// A window begins when it shows that something was lost (dropped or rejected): with the next export, or at once if it came
    /// to none. At its end, if more was lost than
    /// this share of what was accepted, there is one warning in the application's log, target `otlp::loss`, and one call of the
    /// [callback](Self::with_loss_callback). While nothing is lost nothing is timed.
    pub fn with_loss_threshold(self, share: f64, window: Duration) -> Self {
        Self { loss_limit: LossLimit { threshold: share, window }, ..self }
    }

    /// Called at the end of each window in which more was lost than [the threshold](Self::with_loss_threshold). Default: none.
    ///
    /// It runs on the client's own thread, where `tracing` is silent, and must not block. One that panics is called again.
    ///
    /// ```
    /// let builder = otlp::Client::builder().with_loss_callback(|loss| {
    ///     if loss.rate() > 0.5 {
    ///         eprintln!("half of the telemetry is lost: {loss}");
    ///     }
    /// });
    /// ```
    pub fn with_loss_callback(self, callback: impl Fn(&LossReport) + Send + Sync + 'static) -> Self {
        Self { loss_callback: Some(Arc::new(callback)), ..self }
    }
}
