//! The numbers of consistent probability sampling: a rejection threshold and a trace's randomness, 56 bits each.
//!
//! Used by every sampler that keeps a share, and by whoever reads `th` and `rv` from a trace state. Pure: no sampler, no
//! trace state, no random numbers.

use otlp_model::TraceId;
use std::fmt;
use std::str::FromStr;

/// How many values 56 bits have.
pub(crate) const SPACE: u64 = 1 << 56;
/// The hexadecimal digits of 56 bits.
const DIGITS: u32 = 14;
/// How many digits of a threshold count, after those that only say how small a share, or its rest, is (SAMP-18).
const PRECISION: u32 = 4;

/// The randomness below which a trace is dropped; it says exactly what share is kept (SAMP-14).
///
/// A threshold lies between 0, which keeps all, and 2⁵⁶ − 1, which keeps one trace of 2⁵⁶. There is none for keeping
/// nothing: that is the absence of a threshold.
///
/// The text form is that of `th` in a trace state: up to 14 hexadecimal digits without the zeros at the end (SAMP-16).
///
/// ```
/// use otlp_sampling::Threshold;
/// let tenth = Threshold::from_probability(0.1).expect("within range");
/// assert_eq!(tenth.to_string(), "e666");
/// assert_eq!("e666".parse(), Ok(tenth));
/// assert_eq!(Threshold::ALWAYS.to_string(), "0");
/// // Every span kept stands for ten.
/// assert!((tenth.adjusted_count() - 10.0).abs() < 0.001);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Threshold(u64);

impl Threshold {
    /// Keeps everything.
    pub const ALWAYS: Self = Self(0);

    /// The threshold that keeps the share `probability`, or `None` below 2⁻⁵⁶, above 1 and for not-a-number.
    ///
    /// Rounded to four significant hexadecimal digits, and more where the share or its rest is small: the error is below
    /// one part in 2¹³ of the share (SAMP-18). [`probability`](Self::probability) gives the share after rounding.
    #[must_use]
    pub fn from_probability(probability: f64) -> Option<Self> {
        if !(1.0 / SPACE as f64..=1.0).contains(&probability) {
            return None;
        }
        // Scaling by a power of two is exact; only the part below one 2⁻⁵⁶ is rounded.
        let kept = (probability * SPACE as f64).round() as u64;
        let threshold = SPACE - kept;
        let insignificant = |bits: u64| (bits.leading_zeros() - (u64::BITS - 4 * DIGITS)) / 4;
        let precision = PRECISION + insignificant(kept.min(SPACE - 1)).max(insignificant(threshold));
        let shift = 4 * DIGITS.saturating_sub(precision);
        let rounded =
            if shift == 0 { threshold } else { ((threshold + (1 << (shift - 1))) >> shift) << shift };
        Some(Self(rounded.min(SPACE - 1)))
    }

    /// The share that is kept, above 0 and at most 1 (SAMP-29).
    #[must_use]
    pub fn probability(self) -> f64 {
        (SPACE - self.0) as f64 / SPACE as f64
    }

    /// How many spans a kept one stands for: 1 divided by the share (SAMP-29).
    #[must_use]
    pub fn adjusted_count(self) -> f64 {
        SPACE as f64 / (SPACE - self.0) as f64
    }

    /// Whether a trace of this randomness is kept.
    #[must_use]
    pub const fn keeps(self, randomness: Randomness) -> bool {
        randomness.0 >= self.0
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zeros = (self.0.trailing_zeros() / 4).min(DIGITS - 1);
        write!(f, "{:0width$x}", self.0 >> (4 * zeros), width = (DIGITS - zeros) as usize)
    }
}

impl FromStr for Threshold {
    type Err = ParseThresholdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = u32::try_from(text.len()).ok().filter(|digits| (1..=DIGITS).contains(digits));
        let (Some(digits), Some(value)) = (digits, lower_hex(text)) else { return Err(ParseThresholdError) };
        Ok(Self(value << (4 * (DIGITS - digits))))
    }
}

/// A text that is no threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseThresholdError;

impl fmt::Display for ParseThresholdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a threshold is 1 to 14 lower-case hexadecimal digits")
    }
}

impl std::error::Error for ParseThresholdError {}

/// What decides over a trace: 56 bits, the same for all its spans in all processes (SAMP-15).
///
/// ```
/// use otlp_model::TraceId;
/// use otlp_sampling::{Randomness, Threshold};
/// let id: TraceId = "4bf92f3577b34da6a3ce929d0e0e4736".parse()?;
/// let randomness = Randomness::of_trace_id(id);
/// assert_eq!(randomness.to_string(), "ce929d0e0e4736");
/// assert!("c".parse::<Threshold>().is_ok_and(|quarter| quarter.keeps(randomness)));
/// # Ok::<(), otlp_model::ParseIdError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Randomness(u64);

impl Randomness {
    /// The low 56 bits of a trace id, which W3C Trace Context Level 2 asks to be random.
    #[must_use]
    pub fn of_trace_id(trace_id: TraceId) -> Self {
        Self((u128::from_be_bytes(trace_id.to_bytes()) % u128::from(SPACE)) as u64)
    }

    /// The low 56 bits of a random number.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits % SPACE)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    /// Reads the value of `rv`: exactly 14 lower-case hexadecimal digits (SAMP-17).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == DIGITS as usize).then(|| lower_hex(text)).flatten().map(Self)
    }
}

impl fmt::Display for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014x}", self.0)
    }
}

/// Up to 16 digits; neither signs nor upper case, which the standard library would take.
fn lower_hex(text: &str) -> Option<u64> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.bytes().all(is_digit).then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_the_specification() {
        // conf: SAMP-14, SAMP-16, SAMP-18
        for (probability, text) in [
            (1.0, "0"),
            (1.0 / 2.0, "8"),
            (1.0 / 3.0, "aaab"),
            (1.0 / 4.0, "c"),
            (1.0 / 5.0, "cccd"),
            (1.0 / 8.0, "e"),
            (1.0 / 10.0, "e666"),
            (1.0 / 16.0, "f"),
            (1.0 / 100.0, "fd70a"),
            (1.0 / 1_000.0, "ffbe77"),
            (1e-4, "fff9724"),
            (1e-5, "ffff583a"),
            (1e-6, "ffffef39"),
        ] {
            let threshold = Threshold::from_probability(probability);
            assert_eq!(
                threshold.map(|threshold| threshold.to_string()).as_deref(),
                Some(text),
                "{probability}"
            );
            assert_eq!(text.parse().ok(), threshold, "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        // conf: SAMP-14
        assert_eq!(Threshold::from_probability(2f64.powi(-56)), Some(Threshold(SPACE - 1)));
        for refused in [0.0, -0.0, 2f64.powi(-57), -0.5, 1.000_001, f64::NAN, f64::INFINITY] {
            assert_eq!(Threshold::from_probability(refused), None, "{refused}");
        }
        // A share so near 1 that its rest is nothing of 56 bits keeps everything.
        assert_eq!(Threshold::from_probability(1.0 - f64::EPSILON / 2.0).map(|t| t.0), Some(8));
        assert_eq!(Threshold(SPACE - 1).to_string(), "ffffffffffffff");
        assert_eq!(Threshold(SPACE - 1).adjusted_count(), SPACE as f64);
    }

    #[test]
    fn what_is_no_threshold_or_randomness_is_refused() {
        // conf: SAMP-16, SAMP-17
        for text in ["", "E666", "0x1", "+1", " 1", "g", "000000000000000"] {
            assert_eq!(text.parse::<Threshold>(), Err(ParseThresholdError), "{text:?}");
        }
        for text in ["", "ce929d0e0e473", "ce929d0e0e47360", "CE929D0E0E4736", "+e929d0e0e4736"] {
            assert_eq!(Randomness::parse(text), None, "{text:?}");
        }
        assert_eq!(Randomness::parse("ce929d0e0e4736"), Some(Randomness(0x00ce_929d_0e0e_4736)));
        assert_eq!("0800".parse(), Ok(Threshold(0x08 << 48)));
    }
}
