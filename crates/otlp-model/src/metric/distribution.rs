//! Points that hold a distribution: histograms and summaries.

use crate::{DataPointFlags, Exemplar, KeyValue, Temporality};

/// Counts in buckets with explicit bounds.
///
/// ```
/// use otlp_model::{Histogram, HistogramDataPoint, Metric, Temporality};
/// let point = HistogramDataPoint {
///     time_unix_nano: 2_000,
///     count: 3,
///     sum: Some(14.0),
///     explicit_bounds: vec![5.0, 10.0],
///     bucket_counts: vec![2, 1, 0],
///     ..HistogramDataPoint::default()
/// };
/// let latency = Metric::new("latency", Histogram { temporality: Temporality::Delta, data_points: vec![point] });
/// assert_eq!(latency.data_points(), 1);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// What the intervals are.
    pub temporality: Temporality,
    /// One point per attribute set.
    pub data_points: Vec<HistogramDataPoint>,
}

/// A distribution over explicit buckets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistogramDataPoint {
    /// What the distribution is about; of equal keys the last one is written.
    pub attributes: Vec<KeyValue>,
    /// Start of the interval, in nanoseconds since the Unix epoch; 0 if unknown.
    pub start_time_unix_nano: u64,
    /// End of the interval, in nanoseconds since the Unix epoch; never 0 (MODEL-20).
    pub time_unix_nano: u64,
    /// How many measurements: the sum of `bucket_counts`.
    pub count: u64,
    /// The sum of the measurements; `None` where they may be negative (MODEL-24).
    pub sum: Option<f64>,
    /// The least measurement.
    pub min: Option<f64>,
    /// The greatest measurement.
    pub max: Option<f64>,
    /// One more than bounds, or none at all (MODEL-23).
    pub bucket_counts: Vec<u64>,
    /// Upper bounds, inclusive, strictly increasing; the last bucket has none.
    pub explicit_bounds: Vec<f64>,
    /// Sample measurements.
    pub exemplars: Vec<Exemplar>,
    /// Flags.
    pub flags: DataPointFlags,
}

/// Counts in buckets of exponentially growing width.
///
/// ```
/// use otlp_model::{Buckets, ExponentialHistogram, ExponentialHistogramDataPoint, Temporality};
/// let point = ExponentialHistogramDataPoint {
///     time_unix_nano: 2_000,
///     count: 3,
///     scale: 0,
///     zero_count: 1,
///     positive: Buckets { offset: -1, bucket_counts: vec![1, 1] }, // (0.5, 1] and (1, 2]
///     ..ExponentialHistogramDataPoint::default()
/// };
/// let data = ExponentialHistogram { temporality: Temporality::Delta, data_points: vec![point] };
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ExponentialHistogram {
    /// What the intervals are.
    pub temporality: Temporality,
    /// One point per attribute set.
    pub data_points: Vec<ExponentialHistogramDataPoint>,
}

/// A distribution over buckets whose bounds are powers of 2^(2^-scale) (MODEL-25).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExponentialHistogramDataPoint {
    /// What the distribution is about; of equal keys the last one is written.
    pub attributes: Vec<KeyValue>,
    /// Start of the interval, in nanoseconds since the Unix epoch; 0 if unknown.
    pub start_time_unix_nano: u64,
    /// End of the interval, in nanoseconds since the Unix epoch; never 0 (MODEL-20).
    pub time_unix_nano: u64,
    /// How many measurements: `zero_count` and all buckets.
    pub count: u64,
    /// The sum of the measurements; `None` where they may be negative (MODEL-24).
    pub sum: Option<f64>,
    /// The least measurement.
    pub min: Option<f64>,
    /// The greatest measurement.
    pub max: Option<f64>,
    /// The resolution: the higher, the narrower the buckets.
    pub scale: i32,
    /// Measurements no farther from zero than `zero_threshold` (MODEL-26).
    pub zero_count: u64,
    /// The half-width of the zero bucket.
    pub zero_threshold: f64,
    /// Measurements above zero.
    pub positive: Buckets,
    /// Measurements below zero, by their absolute value.
    pub negative: Buckets,
    /// Sample measurements.
    pub exemplars: Vec<Exemplar>,
    /// Flags.
    pub flags: DataPointFlags,
}

/// Neighbouring exponential buckets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buckets {
    /// The index of the first bucket.
    pub offset: i32,
    /// The counts of the buckets from `offset` on.
    pub bucket_counts: Vec<u64>,
}

/// Quantiles computed elsewhere: passed through, never made by instruments (MODEL-28).
///
/// ```
/// use otlp_model::{Summary, SummaryDataPoint, ValueAtQuantile};
/// let quantile_values = vec![ValueAtQuantile { quantile: 0.5, value: 12.0 }];
/// let point = SummaryDataPoint { time_unix_nano: 2_000, count: 9, quantile_values, ..SummaryDataPoint::default() };
/// let summary = Summary { data_points: vec![point] };
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// One point per attribute set.
    pub data_points: Vec<SummaryDataPoint>,
}

/// Quantiles of a distribution.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SummaryDataPoint {
    /// What the distribution is about; of equal keys the last one is written.
    pub attributes: Vec<KeyValue>,
    /// Start of the interval, in nanoseconds since the Unix epoch; 0 if unknown.
    pub start_time_unix_nano: u64,
    /// End of the interval, in nanoseconds since the Unix epoch; never 0 (MODEL-20).
    pub time_unix_nano: u64,
    /// How many measurements.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Values at quantiles, in strictly increasing order of quantile.
    pub quantile_values: Vec<ValueAtQuantile>,
    /// Flags.
    pub flags: DataPointFlags,
}

/// The value below which a share of the measurements lies.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ValueAtQuantile {
    /// The share, between 0 and 1.
    pub quantile: f64,
    /// The value, not negative.
    pub value: f64,
}
