//! How many attempts may be under way at once, learned from how the receiver takes them.
//!
//! Pure: time is an argument. Used by the adaptive concurrency service, which counts and waits.

use std::time::Duration;
use tokio::time::Instant;

/// What is left of the limit after a round in which the receiver was too slow or pushed back.
const DECREASE: f64 = 0.9;

/// The weight of the latest round in the means.
const WEIGHT: f64 = 0.4;

/// How many mean deviations above the mean are a rise and no chance.
const DEVIATIONS: f64 = 2.5;

/// How much above the mean is a rise, however steady it was before: a latency that hardly varies has a deviation of
/// next to nothing.
const RISE: f64 = 0.5;

/// How much above the mean is still the same: a steady latency differs from its mean by what rounding makes of it.
const SAME: f64 = 0.01;

/// How many times the least latency still allows to grow: beyond, more attempts at once only wait for each other.
const STRETCH: f64 = 2.0;

/// How much of the way to the present latency the least one moves up in a round, so that a receiver that has become slower
/// for good is not held against its past for ever.
const FORGET: f64 = 0.0001;

/// What an attempt says about the load of the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback {
    /// It was answered after this time.
    Answered(Duration),
    /// The receiver asks for less, or did not keep up: 429, 503, `RESOURCE_EXHAUSTED`, no answer in time.
    PushedBack,
    /// Nothing, as when there was no connection.
    Silent,
}

/// A limit that grows by one while the receiver keeps its pace, and shrinks by a tenth when it does not.
///
/// It judges in rounds, each about as long as an attempt takes, so that a change shows its effect before the next:
///
/// | in the round | the limit |
/// |---|---|
/// | the receiver pushed back | × 0.9 |
/// | it was reached, and the mean latency was clearly above that of former rounds | × 0.9 |
/// | it was reached, and the mean latency was not above that of former rounds, nor twice the least | + 1 |
/// | it was not reached | as it is: latency says nothing about it |
///
/// Clearly above is 2.5 mean deviations and half of the mean. The limit is between 1 and the ceiling. The least latency is
/// forgotten slowly, over thousands of rounds: a receiver that has become slower for good is accepted as it is.
///
/// ```
/// use otlp_transport::{Controller, Feedback};
/// use std::time::Duration;
/// let (start, millis) = (tokio::time::Instant::now(), Duration::from_millis);
/// let mut controller = Controller::new(8, 8);
/// controller.began(8);
/// controller.ended(Feedback::Answered(millis(50)), start + millis(50));
/// controller.ended(Feedback::PushedBack, start + millis(120));
/// assert_eq!(controller.limit(), 7);
/// ```
#[derive(Debug, Clone)]
pub struct Controller {
    ceiling: usize,
    /// With its fraction: shrinking adds up.
    limit: f64,
    /// Latencies of former rounds in which the limit was reached.
    past: Option<Past>,
    round: Round,
    round_ends: Option<Instant>,
}

/// Exponentially weighted, in seconds.
#[derive(Debug, Clone, Copy)]
struct Past {
    mean: f64,
    variance: f64,
    /// The least mean of a round, slowly forgotten.
    least: f64,
}

#[derive(Debug, Clone, Default)]
struct Round {
    sum: f64,
    answers: u32,
    is_limit_reached: bool,
    is_pushed_back: bool,
}

impl Controller {
    /// Starts at `initial` attempts and never allows more than `ceiling`. Both are at least 1, and `initial` at most
    /// `ceiling`, or are taken for that.
    #[must_use]
    pub fn new(initial: usize, ceiling: usize) -> Self {
        let ceiling = ceiling.max(1);
        let limit = initial.clamp(1, ceiling) as f64;
        Self { ceiling, limit, past: None, round: Round::default(), round_ends: None }
    }

    /// How many attempts may be under way now.
    #[must_use]
    pub fn limit(&self) -> usize {
        (self.limit as usize).clamp(1, self.ceiling)
    }

    /// An attempt begins, and with it `under_way` are.
    pub fn began(&mut self, under_way: usize) {
        self.round.is_limit_reached |= under_way >= self.limit();
    }

    /// An attempt ended at `now`.
    pub fn ended(&mut self, feedback: Feedback, now: Instant) {
        match feedback {
            Feedback::Answered(latency) => {
                self.round.sum += latency.as_secs_f64();
                self.round.answers += 1;
            }
            Feedback::PushedBack => self.round.is_pushed_back = true,
            Feedback::Silent => return,
        }
        if self.round_ends.is_none_or(|end| now >= end) {
            self.end_round(now);
        }
    }

    fn end_round(&mut self, now: Instant) {
        let round = std::mem::take(&mut self.round);
        let mean = (round.answers > 0).then(|| round.sum / f64::from(round.answers));
        if round.is_pushed_back {
            self.shrink();
        } else if let (true, Some(mean)) = (round.is_limit_reached, mean) {
            match self.past {
                Some(past) if mean > past.mean + past.rise() => self.shrink(),
                Some(past) if past.allows_growth(mean) => {
                    self.limit = (self.limit + 1.0).min(self.ceiling as f64)
                }
                _ => {}
            }
        }
        if let (true, Some(mean)) = (round.is_limit_reached, mean) {
            self.past = Some(Past::with(self.past, mean));
        }
        let length = mean.or(self.past.map(|past| past.mean)).unwrap_or_default();
        let length = Duration::try_from_secs_f64(length).unwrap_or_default();
        self.round_ends = now.checked_add(length);
    }

    fn shrink(&mut self) {
        self.limit = (self.limit * DECREASE).max(1.0);
    }
}

impl Past {
    fn with(past: Option<Self>, latest: f64) -> Self {
        let Some(past) = past else { return Self { mean: latest, variance: 0.0, least: latest } };
        let distance = latest - past.mean;
        let mean = past.mean + WEIGHT * distance;
        let variance = (1.0 - WEIGHT) * (past.variance + WEIGHT * distance * distance);
        let least = latest.min(past.least + FORGET * (latest - past.least));
        Self { mean, variance, least }
    }

    fn allows_growth(self, latest: f64) -> bool {
        latest <= self.mean * (1.0 + SAME) && latest <= self.least * STRETCH
    }

    /// How much above the mean a latency has risen.
    fn rise(self) -> f64 {
        (DEVIATIONS * self.variance.sqrt()).max(RISE * self.mean)
    }
}
