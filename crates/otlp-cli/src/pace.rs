//! How many items are due at a rate, and how long until the next is.
//!
//! Used by `send` and `load`. Pure: the time since the start is an argument.

use crate::duration::LONGEST;
use std::time::Duration;

/// A rate in items per second, or none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace(Option<f64>);

impl Pace {
    pub(crate) const UNLIMITED: Self = Self(None);

    /// This rate, divided among `threads`.
    pub(crate) fn shared_by(self, threads: usize) -> Self {
        Self(self.0.map(|rate| rate / threads.max(1) as f64))
    }

    /// When item number `number`, counted from 0, is due, after the start.
    pub(crate) fn due(self, number: u64) -> Duration {
        let seconds = self.0.map_or(0.0, |rate| number as f64 / rate);
        Duration::try_from_secs_f64(seconds).map_or(LONGEST, |due| due.min(LONGEST))
    }

    /// How many items are due by `elapsed`.
    pub(crate) fn by(self, elapsed: Duration) -> u64 {
        match self.0 {
            // The first is due at once.
            Some(rate) => ((elapsed.as_secs_f64() * rate) as u64).saturating_add(1),
            None => u64::MAX,
        }
    }
}

/// Reads items per second: a number above zero, or `max`.
pub(crate) fn parse(text: &str) -> Result<Pace, String> {
    if text == "max" {
        return Ok(Pace::UNLIMITED);
    }
    match text.trim_end_matches("/s").parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(Pace(Some(rate))),
        _ => Err("is no number of items per second; `max` is as fast as it goes".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_due_evenly() {
        let pace = parse("10").unwrap();
        assert_eq!(pace.due(0), Duration::ZERO);
        assert_eq!(pace.due(25), Duration::from_millis(2500));
        assert_eq!((pace.by(Duration::ZERO), pace.by(Duration::from_millis(2450))), (1, 25));
        assert_eq!(pace.shared_by(2).due(25), Duration::from_secs(5));
        assert_eq!((Pace::UNLIMITED.due(7), Pace::UNLIMITED.by(Duration::ZERO)), (Duration::ZERO, u64::MAX));
        // Added to the start this must not overflow.
        assert_eq!(parse("1e-300").unwrap().due(1), LONGEST);
        assert_eq!(parse("1e300").unwrap().by(Duration::from_secs(1)), u64::MAX);
        for text in ["0", "-1", "x", "inf"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
