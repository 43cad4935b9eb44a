//! The numbers of retrying, validated, and the decision after each failure.
//!
//! Pure: time and randomness are arguments, nothing here sleeps. The shell is [`Retry`](crate::Retry).

use super::Backoff;
use super::backoff::scale;
use crate::{Disposition, ErrorType};
use otlp_model::DropReason;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// When and how often a failed request is sent again.
///
/// | setting | default | meaning |
/// |---|---|---|
/// | `initial_interval` | 500 ms | the back-off after the first failure, before jitter |
/// | `multiplier` | 1.5 | what each further failure multiplies it by |
/// | `max_interval` | 30 s | the most it grows to, before jitter |
/// | `randomization_factor` | 0.5 | jitter: each wait is drawn from ± this share of the interval |
/// | `max_elapsed` | 5 min | the most a request may take from its first attempt to its last answer |
/// | `max_attempts` | none | the most attempts, the first included; none leaves it to `max_elapsed` |
/// | `max_server_delay` | 2 min | the most a server's order to wait is obeyed for |
/// | `retryable` | all | the classes of failure that are tried again |
///
/// The specification gives no numbers (conformance DEC-02). There is always a bound: `max_elapsed` also cuts off an
/// attempt that hangs (conformance TIME-02).
///
/// ```
/// use otlp_transport::{ErrorType, RetryPolicy};
/// use std::time::Duration;
/// let policy = RetryPolicy::builder()
///     .initial_interval(Duration::from_millis(100))
///     .max_attempts(Some(5))
///     .retryable(&[ErrorType::Network, ErrorType::Unavailable])
///     .build()?;
/// assert_eq!(policy.max_interval(), Duration::from_secs(30));
///
/// let error = RetryPolicy::builder().multiplier(0.5).build().unwrap_err();
/// assert_eq!(error.to_string(), "retry option `multiplier`: must be a finite number of at least 1, not 0.5");
/// # Ok::<(), otlp_transport::RetryPolicyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    initial_interval: Duration,
    multiplier: f64,
    max_interval: Duration,
    randomization_factor: f64,
    max_elapsed: Duration,
    max_attempts: Option<u32>,
    max_server_delay: Duration,
    /// One bit per [`ErrorType`].
    retryable: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            initial_interval: Duration::from_millis(500),
            multiplier: 1.5,
            max_interval: Duration::from_secs(30),
            randomization_factor: 0.5,
            max_elapsed: Duration::from_secs(5 * 60),
            max_attempts: None,
            max_server_delay: Duration::from_secs(2 * 60),
            retryable: bits(&ErrorType::ALL),
        }
    }
}

fn bits(classes: &[ErrorType]) -> u32 {
    classes.iter().fold(0, |bits, class| bits | 1 << (*class as u32))
}

impl RetryPolicy {
    /// Starts from the defaults.
    pub fn builder() -> RetryPolicyBuilder {
        RetryPolicyBuilder { policy: Self::default() }
    }

    /// The back-off after the first failure, before jitter.
    #[must_use]
    pub const fn initial_interval(&self) -> Duration {
        self.initial_interval
    }

    /// What each further failure multiplies the interval by; at least 1.
    #[must_use]
    pub const fn multiplier(&self) -> f64 {
        self.multiplier
    }

    /// The most the interval grows to, before jitter.
    #[must_use]
    pub const fn max_interval(&self) -> Duration {
        self.max_interval
    }

    /// The share of the interval by which a wait is randomly shorter or longer; between 0 and 1.
    #[must_use]
    pub const fn randomization_factor(&self) -> f64 {
        self.randomization_factor
    }

    /// The most a request may take, all attempts and waits together.
    #[must_use]
    pub const fn max_elapsed(&self) -> Duration {
        self.max_elapsed
    }

    /// The most attempts, the first included; `None` leaves it to `max_elapsed`.
    #[must_use]
    pub const fn max_attempts(&self) -> Option<u32> {
        self.max_attempts
    }

    /// The most a server's order to wait is obeyed for.
    #[must_use]
    pub const fn max_server_delay(&self) -> Duration {
        self.max_server_delay
    }

    /// Whether failures of this class are tried again.
    #[must_use]
    pub const fn retries(&self, error_type: ErrorType) -> bool {
        self.retryable & (1 << (error_type as u32)) != 0
    }

    /// The minimum a server ordered, as far as it is obeyed: `None` when it set none or zero (conformance RETRY-07),
    /// at most `max_server_delay` (conformance RETRY-11).
    ///
    /// ```
    /// # use otlp_transport::RetryPolicy;
    /// # use std::time::Duration;
    /// let policy = RetryPolicy::default();
    /// assert_eq!(policy.obeyed(Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
    /// assert_eq!(policy.obeyed(Some(Duration::from_secs(86_400))), Some(Duration::from_secs(120)));
    /// assert_eq!(policy.obeyed(Some(Duration::ZERO)), None);
    /// ```
    #[must_use]
    pub fn obeyed(&self, server_delay: Option<Duration>) -> Option<Duration> {
        server_delay.map(|delay| delay.min(self.max_server_delay)).filter(|delay| !delay.is_zero())
    }

    /// How long a pause is that a server ordered for `minimum`: longer by a random share of it, so that the clients that
    /// were told the same do not come back in step.
    pub(super) fn pause(&self, minimum: Duration, random: f64) -> Duration {
        scale(minimum, 1.0 + self.randomization_factor * random.clamp(0.0, 1.0))
    }

    /// What a request that waited with others waits more, so that not all leave at once.
    pub(super) fn spread(&self, random: f64) -> Duration {
        scale(self.initial_interval, self.randomization_factor * random.clamp(0.0, 1.0))
    }
}

/// Sets up a [`RetryPolicy`]; every setting has a default.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct RetryPolicyBuilder {
    policy: RetryPolicy,
}

impl RetryPolicyBuilder {
    /// The back-off after the first failure, before jitter; more than zero. Default 500 ms.
    pub const fn initial_interval(mut self, interval: Duration) -> Self {
        self.policy.initial_interval = interval;
        self
    }

    /// What each further failure multiplies the interval by; finite, at least 1. Default 1.5.
    pub const fn multiplier(mut self, multiplier: f64) -> Self {
        self.policy.multiplier = multiplier;
        self
    }

    /// The most the interval grows to, before jitter; at least `initial_interval`. Default 30 s.
    pub const fn max_interval(mut self, interval: Duration) -> Self {
        self.policy.max_interval = interval;
        self
    }

    /// The share of the interval by which a wait is randomly shorter or longer, between 0 and 1. Default 0.5. With 0,
    /// clients that fail together return together.
    pub const fn randomization_factor(mut self, factor: f64) -> Self {
        self.policy.randomization_factor = factor;
        self
    }

    /// The most a request may take, all attempts and waits together; more than zero. Default 5 min.
    pub const fn max_elapsed(mut self, elapsed: Duration) -> Self {
        self.policy.max_elapsed = elapsed;
        self
    }

    /// The most attempts, the first included; `Some(1)` never retries, `None` (default) leaves it to `max_elapsed`.
    pub const fn max_attempts(mut self, attempts: Option<u32>) -> Self {
        self.policy.max_attempts = attempts;
        self
    }

    /// The most a server's order to wait is obeyed for, so that a hostile one cannot park the pipeline (conformance
    /// RETRY-11). Default 2 min; zero ignores such orders.
    pub const fn max_server_delay(mut self, delay: Duration) -> Self {
        self.policy.max_server_delay = delay;
        self
    }

    /// The classes of failure that are tried again, out of those that may pass at all. Default: all. Empty: none.
    pub fn retryable(mut self, classes: &[ErrorType]) -> Self {
        self.policy.retryable = bits(classes);
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// The first setting out of its range, by name.
    pub fn build(self) -> Result<RetryPolicy, RetryPolicyError> {
        let policy = self.policy;
        let refuse = |field, problem| Err(RetryPolicyError::new(field, problem));
        if policy.initial_interval.is_zero() {
            return refuse("initial_interval", "must be more than zero".to_owned());
        }
        if policy.max_interval < policy.initial_interval {
            let (max, initial) = (policy.max_interval, policy.initial_interval);
            return refuse("max_interval", format!("{max:?} is less than initial_interval, {initial:?}"));
        }
        if !policy.multiplier.is_finite() || policy.multiplier < 1.0 {
            let multiplier = policy.multiplier;
            return refuse("multiplier", format!("must be a finite number of at least 1, not {multiplier}"));
        }
        if !(0.0..=1.0).contains(&policy.randomization_factor) {
            let factor = policy.randomization_factor;
            return refuse("randomization_factor", format!("must be between 0 and 1, not {factor}"));
        }
        if policy.max_elapsed.is_zero() {
            let problem = "must be more than zero; to send once only, set max_attempts to 1";
            return refuse("max_elapsed", problem.to_owned());
        }
        if policy.max_attempts == Some(0) {
            return refuse("max_attempts", "must be at least 1, the first attempt included".to_owned());
        }
        Ok(policy)
    }
}

/// A setting of a [`RetryPolicy`], a [`RetryBudget`](crate::RetryBudget) or a [`CircuitBreaker`](crate::CircuitBreaker) is
/// out of its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicyError {
    field: &'static str,
    problem: String,
}

impl RetryPolicyError {
    pub(super) const fn new(field: &'static str, problem: String) -> Self {
        Self { field, problem }
    }

    /// The name of the setting, for example `multiplier`.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// What is wrong with it, to be read after its name.
    #[must_use]
    pub const fn problem(&self) -> &str {
        self.problem.as_str()
    }
}

impl fmt::Display for RetryPolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retry option `{}`: {}", self.field, self.problem)
    }
}

impl Error for RetryPolicyError {}

/// What to do after an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryDecision {
    /// The server took the request; there is nothing to retry.
    Finish,
    /// Send it again after waiting this long.
    After(Duration),
    /// It is lost, for this reason.
    GiveUp(DropReason),
}

/// The retries of one request: counts attempts, grows the back-off, decides.
///
/// ```
/// use otlp_model::DropReason;
/// use otlp_transport::{Disposition, ErrorType, Retries, RetryDecision, RetryPolicy};
/// use std::time::Duration;
/// let mut retries = Retries::new(RetryPolicy::default());
/// let unavailable = Disposition::Retryable { error_type: ErrorType::Unavailable, after: None };
/// let decision = retries.decide(&unavailable, Duration::from_millis(20), None, 0.5);
/// assert_eq!(decision, RetryDecision::After(Duration::from_millis(500)));
/// let decision = retries.decide(&unavailable, Duration::from_secs(300), None, 0.5);
/// assert_eq!(decision, RetryDecision::GiveUp(DropReason::RetriesExhausted));
/// ```
#[derive(Debug, Clone)]
pub struct Retries {
    policy: RetryPolicy,
    backoff: Backoff,
    attempts: u32,
}

impl Retries {
    /// For a request that was not sent yet.
    #[must_use]
    pub fn new(policy: RetryPolicy) -> Self {
        Self { policy, backoff: Backoff::new(&policy), attempts: 0 }
    }

    /// What to do after an attempt that came to `disposition`.
    ///
    /// `elapsed` is the time since the request's first attempt began, `shutdown_in` the time left until the deadline
    /// of a shutdown under way, `random` a number in `0.0..1.0`. A wait that does not fit into what is left ends the
    /// request now instead of then (conformance RETRY-10): with [`DropReason::RetriesExhausted`] if `max_elapsed` is too
    /// short for it, with [`DropReason::Deadline`] if the shutdown is.
    pub fn decide(
        &mut self,
        disposition: &Disposition,
        elapsed: Duration,
        shutdown_in: Option<Duration>,
        random: f64,
    ) -> RetryDecision {
        self.attempts = self.attempts.saturating_add(1);
        let (error_type, after) = match *disposition {
            Disposition::Delivered { .. } => return RetryDecision::Finish,
            Disposition::Permanent { reason } => return RetryDecision::GiveUp(reason),
            Disposition::Retryable { error_type, after } => (error_type, after),
        };
        if !self.policy.retries(error_type) {
            return RetryDecision::GiveUp(DropReason::NotRetryable);
        }
        if self.policy.max_attempts.is_some_and(|max| self.attempts >= max) {
            return RetryDecision::GiveUp(DropReason::RetriesExhausted);
        }
        let minimum = self.policy.obeyed(after).unwrap_or_default();
        let delay = self.backoff.next_delay(minimum, random);
        if delay >= self.policy.max_elapsed.saturating_sub(elapsed) {
            return RetryDecision::GiveUp(DropReason::RetriesExhausted);
        }
        if shutdown_in.is_some_and(|left| delay >= left) {
            return RetryDecision::GiveUp(DropReason::Deadline);
        }
        RetryDecision::After(delay)
    }

    /// Starts the back-off anew from the initial interval: what is left before a shutdown's deadline is better used for
    /// several short waits than lost to one long one.
    pub fn hurry(&mut self) {
        self.backoff = Backoff::new(&self.policy);
    }
}
