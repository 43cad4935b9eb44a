//! Medians, and figures made comparable where the speed of a core drifts. Pure functions; nothing here knows what was
//! measured.

/// What repeated measurements came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    /// The middle one, or the mean of the middle two.
    pub(super) median: f64,
    /// The smallest.
    pub(super) min: f64,
    /// The largest.
    pub(super) max: f64,
}

impl Spread {
    /// `None` without values.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, min, max })
    }
}

/// How much slower than `reference` the core was in a run whose calibration loop took these times: above one for a slow
/// core. A time divided by it, or a rate multiplied by it, is what a core of the reference's speed would have shown.
pub(super) fn slowness(calibration: [u64; 2], reference: f64) -> f64 {
    let mean = f64::midpoint(calibration[0] as f64, calibration[1] as f64);
    if mean > 0.0 && reference > 0.0 { mean / reference } else { 1.0 }
}

/// By how much the slower of the two calibrations took longer than the faster: 0.25 for a quarter.
pub(super) fn drift(calibration: [u64; 2]) -> f64 {
    let [slow, fast] = [calibration[0].max(calibration[1]), calibration[0].min(calibration[1])];
    if fast == 0 { 0.0 } else { slow as f64 / fast as f64 - 1.0 }
}

/// `part` of `whole`; `None` of nothing.
pub(super) fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// What one more item costs, from two runs of different length: what both spend on starting up cancels.
pub(super) fn per_item(short: (u64, u64), long: (u64, u64)) -> Option<f64> {
    let (items, cost) = (long.0.checked_sub(short.0)?, long.1.checked_sub(short.1)?);
    ratio(cost as f64, items as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(Spread::of([3.0, 1.0, 9.0]), Some(Spread { median: 3.0, min: 1.0, max: 9.0 }));
        assert_eq!(Spread::of([4.0, 2.0]), Some(Spread { median: 3.0, min: 2.0, max: 4.0 }));
        assert_eq!(Spread::of([7.0]), Some(Spread { median: 7.0, min: 7.0, max: 7.0 }));
        assert_eq!(Spread::of([]), None);
        assert_eq!(
            Spread::of([f64::NAN, 1.0]).map(|spread| spread.max),
            Some(1.0),
            "what is no number is left out"
        );
    }

    #[test]
    fn a_slow_core_is_not_held_against_a_contender() {
        assert!((slowness([200, 200], 100.0) - 2.0).abs() < 1e-9);
        assert!((slowness([100, 200], 100.0) - 1.5).abs() < 1e-9);
        assert!(
            (slowness([0, 0], 100.0) - 1.0).abs() < 1e-9,
            "without a calibration figures stay as they are"
        );
    }

    #[test]
    fn drift_does_not_care_which_came_first() {
        assert!((drift([100, 130]) - 0.3).abs() < 1e-9);
        assert!((drift([130, 100]) - 0.3).abs() < 1e-9);
        assert!(drift([0, 5]).abs() < 1e-9);
    }

    #[test]
    fn starting_up_cancels() {
        assert_eq!(per_item((10, 1_100), (30, 1_300)), Some(10.0));
        assert_eq!(per_item((10, 1_100), (10, 1_300)), None);
        assert_eq!(per_item((30, 1_300), (10, 1_100)), None);
        assert_eq!(ratio(1.0, 0.0), None);
    }
}
