//! What typed telemetry must be for receivers to make sense of it, beyond what the types rule out.
//!
//! For whoever takes typed telemetry from others: the writer writes what it is given. Never repairs anything.

use crate::{
    Buckets, DataPointFlags, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, MetricData,
    NumberDataPoint, SpanData, SummaryDataPoint,
};

/// Why telemetry means nothing to a receiver: what, and which rule it breaks.
///
/// ```
/// use otlp_model::{Gauge, Metric, NumberDataPoint};
/// let gauge = Gauge { data_points: vec![NumberDataPoint::new(0, 1_000, 1), NumberDataPoint::new(0, 0, 2)] };
/// let error = Metric::new("queue.length", gauge).validate().unwrap_err();
/// assert_eq!(error.to_string(), "metric \"queue.length\", point 1: time_unix_nano is 0");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {problem}")]
pub struct Invalid {
    subject: String,
    problem: &'static str,
}

impl SpanData {
    /// Whether the span has an identity.
    ///
    /// ```
    /// use otlp_model::{SpanContext, SpanData};
    /// assert!(SpanData::new(SpanContext::default(), "GET", 1, 2).validate().is_err());
    /// ```
    ///
    /// # Errors
    /// The trace id or span id is all zero (conformance MODEL-02).
    pub fn validate(&self) -> Result<(), Invalid> {
        let invalid = |problem| Err(Invalid { subject: format!("span {:?}", self.name), problem });
        match (self.context.trace_id().is_valid(), self.context.span_id().is_valid()) {
            (true, true) => Ok(()),
            (false, _) => invalid("trace_id is all zero"),
            (true, false) => invalid("span_id is all zero"),
        }
    }
}

impl Metric {
    /// Whether the points hold together.
    ///
    /// ```
    /// use otlp_model::{Histogram, HistogramDataPoint, Metric, Temporality};
    /// let point = HistogramDataPoint { time_unix_nano: 1, explicit_bounds: vec![5.0], ..Default::default() };
    /// let histogram = Histogram { temporality: Temporality::Delta, data_points: vec![point] };
    /// assert!(Metric::new("latency", histogram).validate().is_err());
    /// ```
    ///
    /// # Errors
    /// The first point without a time (conformance MODEL-20), without a value it should have (MODEL-21), or whose
    /// buckets (MODEL-23, MODEL-25), sum (MODEL-24) or quantiles (MODEL-28) contradict each other. Points that say that
    /// nothing was recorded need a time only (MODEL-27).
    pub fn validate(&self) -> Result<(), Invalid> {
        match &self.data {
            MetricData::Gauge(gauge) => self.validate_all(&gauge.data_points, number),
            MetricData::Sum(sum) => self.validate_all(&sum.data_points, number),
            MetricData::Histogram(histogram) => self.validate_all(&histogram.data_points, explicit),
            MetricData::ExponentialHistogram(histogram) => {
                self.validate_all(&histogram.data_points, exponential)
            }
            MetricData::Summary(summary) => self.validate_all(&summary.data_points, quantiles),
        }
    }

    fn validate_all<T>(
        &self,
        points: &[T],
        check: fn(&T) -> Result<(), &'static str>,
    ) -> Result<(), Invalid> {
        points.iter().enumerate().try_for_each(|(at, point)| {
            let subject = || format!("metric {:?}, point {at}", self.name);
            check(point).map_err(|problem| Invalid { subject: subject(), problem })
        })
    }
}

fn ensure(holds: bool, problem: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(problem) }
}

/// Whether the rest of a point is to be looked at.
fn is_recorded(time: u64, flags: DataPointFlags) -> Result<bool, &'static str> {
    ensure(time != 0, "time_unix_nano is 0")?;
    Ok(!flags.has_no_recorded_value())
}

fn number(point: &NumberDataPoint) -> Result<(), &'static str> {
    let recorded = is_recorded(point.time_unix_nano, point.flags)?;
    ensure(!recorded || point.value.is_some(), "no value, and no flag that says so")
}

fn explicit(point: &HistogramDataPoint) -> Result<(), &'static str> {
    let HistogramDataPoint { bucket_counts: counts, explicit_bounds: bounds, .. } = point;
    if !is_recorded(point.time_unix_nano, point.flags)? {
        return Ok(());
    }
    let none = counts.is_empty() && bounds.is_empty();
    ensure(none || counts.len() == bounds.len() + 1, "there must be one bucket count more than bounds")?;
    ensure(bounds.iter().all(|bound| bound.is_finite()), "a bound is not finite")?;
    ensure(bounds.windows(2).all(|pair| pair[0] < pair[1]), "the bounds are not strictly increasing")?;
    ensure(none || total(counts) == u128::from(point.count), "the bucket counts do not add up to the count")?;
    ensure(is_sum_possible(point.count, point.sum), "the count is 0, but the sum is not")
}

fn exponential(point: &ExponentialHistogramDataPoint) -> Result<(), &'static str> {
    if !is_recorded(point.time_unix_nano, point.flags)? {
        return Ok(());
    }
    let buckets = |buckets: &Buckets| total(&buckets.bucket_counts);
    let sum = u128::from(point.zero_count) + buckets(&point.positive) + buckets(&point.negative);
    ensure(sum == u128::from(point.count), "zero count and bucket counts do not add up to the count")?;
    ensure(point.zero_threshold >= 0.0, "the zero threshold is negative")?;
    ensure(is_sum_possible(point.count, point.sum), "the count is 0, but the sum is not")
}

fn quantiles(point: &SummaryDataPoint) -> Result<(), &'static str> {
    if !is_recorded(point.time_unix_nano, point.flags)? {
        return Ok(());
    }
    let values = &point.quantile_values;
    ensure(values.iter().all(|at| (0.0..=1.0).contains(&at.quantile)), "a quantile is not between 0 and 1")?;
    ensure(values.iter().all(|at| at.value >= 0.0), "the value at a quantile is negative")?;
    let increasing = values.windows(2).all(|pair| pair[0].quantile < pair[1].quantile);
    ensure(increasing, "the quantiles are not strictly increasing")
}

fn total(counts: &[u64]) -> u128 {
    counts.iter().map(|&count| u128::from(count)).sum()
}

fn is_sum_possible(count: u64, sum: Option<f64>) -> bool {
    count > 0 || sum.is_none_or(|sum| sum == 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExponentialHistogram, Gauge, Histogram, Summary, Temporality, ValueAtQuantile};

    fn problem(data: impl Into<MetricData>) -> Option<&'static str> {
        Metric::new("m", data).validate().err().map(|invalid| invalid.problem)
    }

    fn gauge(point: NumberDataPoint) -> Gauge {
        Gauge { data_points: vec![point] }
    }

    #[test]
    fn a_number_needs_a_time_and_a_value_or_the_flag() {
        // conf: MODEL-20, MODEL-21, MODEL-27
        let point = NumberDataPoint::new(0, 1, 1);
        assert_eq!(problem(gauge(point.clone())), None);
        assert_eq!(
            problem(gauge(NumberDataPoint { time_unix_nano: 0, ..point.clone() })),
            Some("time_unix_nano is 0")
        );
        let empty = NumberDataPoint { value: None, ..point };
        assert!(problem(gauge(empty.clone())).is_some());
        assert_eq!(
            problem(gauge(NumberDataPoint { flags: DataPointFlags::NO_RECORDED_VALUE, ..empty })),
            None
        );
    }

    #[test]
    fn explicit_buckets_match_their_bounds_and_count() {
        // conf: MODEL-23, MODEL-24, METR-35
        let check = |bounds: &[f64], counts: &[u64], count, sum| {
            let point = HistogramDataPoint {
                time_unix_nano: 1,
                explicit_bounds: bounds.to_vec(),
                bucket_counts: counts.to_vec(),
                count,
                sum,
                ..HistogramDataPoint::default()
            };
            problem(Histogram { temporality: Temporality::Delta, data_points: vec![point] }).is_none()
        };
        assert!(check(&[1.0, 2.0], &[1, 2, 3], 6, Some(9.0)));
        assert!(check(&[], &[4], 4, None), "a single bucket");
        assert!(check(&[], &[], 4, Some(1.0)), "no buckets");
        assert!(!check(&[1.0, 2.0], &[1, 2], 3, None));
        assert!(!check(&[2.0, 2.0], &[1, 2, 3], 6, None));
        assert!(!check(&[1.0, f64::INFINITY], &[1, 2, 3], 6, None));
        assert!(!check(&[1.0], &[1, 2], 4, None));
        assert!(!check(&[1.0], &[u64::MAX, 1], 0, None), "a sum that overflows");
        assert!(!check(&[], &[], 0, Some(1.0)));
    }

    #[test]
    fn exponential_buckets_add_up() {
        // conf: MODEL-25, MODEL-26
        let check = |count, zero_threshold| {
            let buckets = |counts: &[u64]| Buckets { offset: -3, bucket_counts: counts.to_vec() };
            let point = ExponentialHistogramDataPoint {
                time_unix_nano: 1,
                count,
                zero_count: 1,
                zero_threshold,
                positive: buckets(&[2, 3]),
                negative: buckets(&[4]),
                ..ExponentialHistogramDataPoint::default()
            };
            problem(ExponentialHistogram { temporality: Temporality::Delta, data_points: vec![point] })
                .is_none()
        };
        assert!(check(10, 0.0));
        assert!(!check(9, 0.0));
        assert!(!check(10, -1.0));
    }

    #[test]
    fn quantiles_rise_between_zero_and_one() {
        // conf: MODEL-28
        let check = |pairs: &[(f64, f64)]| {
            let quantile = |&(quantile, value): &(f64, f64)| ValueAtQuantile { quantile, value };
            let quantile_values = pairs.iter().map(quantile).collect();
            let point =
                SummaryDataPoint { time_unix_nano: 1, quantile_values, ..SummaryDataPoint::default() };
            problem(Summary { data_points: vec![point] }).is_none()
        };
        assert!(check(&[(0.0, 1.0), (0.5, 0.0), (1.0, 7.0)]));
        assert!(!check(&[(0.5, 1.0), (0.5, 2.0)]));
        assert!(!check(&[(1.1, 1.0)]));
        assert!(!check(&[(f64::NAN, 1.0)]));
        assert!(!check(&[(0.5, -1.0)]));
    }

    #[test]
    fn a_span_needs_both_ids() {
        // conf: MODEL-02
        use crate::{SpanContext, SpanId, TraceFlags, TraceId};
        let span = |trace: u8, span: u8| {
            let (trace, span) = (TraceId::from_bytes([trace; 16]), SpanId::from_bytes([span; 8]));
            SpanData::new(SpanContext::new(trace, span, TraceFlags::NONE), "s", 1, 2).validate()
        };
        assert_eq!(span(1, 1), Ok(()));
        assert_eq!(span(0, 1).unwrap_err().to_string(), "span \"s\": trace_id is all zero");
        assert_eq!(span(1, 0).unwrap_err().to_string(), "span \"s\": span_id is all zero");
    }
}
