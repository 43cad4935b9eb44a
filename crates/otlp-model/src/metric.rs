//! Metrics as plain data: for typed export, adapters and tests.
//!
//! The points that hold one number are here, those that hold a distribution in `distribution`. Never aggregates:
//! points are written as they are.

mod distribution;

pub use distribution::{
    Buckets, ExponentialHistogram, ExponentialHistogramDataPoint, Histogram, HistogramDataPoint, Summary,
    SummaryDataPoint, ValueAtQuantile,
};

use crate::{KeyValue, SpanId, TraceId};
use std::borrow::Cow;

/// A metric and its data points.
///
/// ```
/// use otlp_model::{Metric, NumberDataPoint, Sum, Temporality};
/// let requests = Metric::new(
///     "http.server.requests",
///     Sum::monotonic(Temporality::Cumulative, vec![NumberDataPoint::new(1_000, 2_000, 42)]),
/// )
/// .with_unit("{request}");
/// assert_eq!(requests.data_points(), 1);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The metric's name.
    pub name: Cow<'static, str>,
    /// What it measures.
    pub description: Cow<'static, str>,
    /// The unit, for example `ms` or `By`; empty if none.
    pub unit: Cow<'static, str>,
    /// More about the metric; of equal keys the last one is written.
    pub metadata: Vec<KeyValue>,
    /// The points.
    pub data: MetricData,
}

impl Metric {
    /// A metric without description and unit.
    pub fn new(name: impl Into<Cow<'static, str>>, data: impl Into<MetricData>) -> Self {
        Self {
            name: name.into(),
            description: Cow::Borrowed(""),
            unit: Cow::Borrowed(""),
            metadata: Vec::new(),
            data: data.into(),
        }
    }

    /// This metric with a description.
    #[must_use]
    pub fn with_description(self, description: impl Into<Cow<'static, str>>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// This metric with a unit.
    #[must_use]
    pub fn with_unit(self, unit: impl Into<Cow<'static, str>>) -> Self {
        Self { unit: unit.into(), ..self }
    }

    /// How many data points it has: what a metric counts for in queues, batches and reports.
    #[must_use]
    pub fn data_points(&self) -> usize {
        match &self.data {
            MetricData::Gauge(gauge) => gauge.data_points.len(),
            MetricData::Sum(sum) => sum.data_points.len(),
            MetricData::Histogram(histogram) => histogram.data_points.len(),
            MetricData::ExponentialHistogram(histogram) => histogram.data_points.len(),
            MetricData::Summary(summary) => summary.data_points.len(),
        }
    }
}

/// The points of a metric, by kind.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MetricData {
    /// Last values.
    Gauge(Gauge),
    /// Sums.
    Sum(Sum),
    /// Counts in explicit buckets.
    Histogram(Histogram),
    /// Counts in buckets of exponentially growing width.
    ExponentialHistogram(ExponentialHistogram),
    /// Quantiles computed elsewhere.
    Summary(Summary),
}

macro_rules! into_data {
    ($($name:ident)*) => {$(
        impl From<$name> for MetricData {
            fn from(data: $name) -> Self {
                Self::$name(data)
            }
        }
    )*};
}

into_data!(Gauge Sum Histogram ExponentialHistogram Summary);

/// Last values, of which neither sum nor interval means anything.
///
/// ```
/// use otlp_model::{Gauge, NumberDataPoint};
/// let gauge = Gauge { data_points: vec![NumberDataPoint::new(0, 2_000, 21.5)] };
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gauge {
    /// One point per attribute set.
    pub data_points: Vec<NumberDataPoint>,
}

/// Sums over intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Sum {
    /// What the intervals are.
    pub temporality: Temporality,
    /// Whether the sum never falls.
    pub is_monotonic: bool,
    /// One point per attribute set.
    pub data_points: Vec<NumberDataPoint>,
}

impl Sum {
    /// A sum that never falls: a counter.
    #[must_use]
    pub fn monotonic(temporality: Temporality, data_points: Vec<NumberDataPoint>) -> Self {
        Self { temporality, is_monotonic: true, data_points }
    }

    /// A sum that may fall: an up-down counter.
    #[must_use]
    pub fn non_monotonic(temporality: Temporality, data_points: Vec<NumberDataPoint>) -> Self {
        Self { temporality, is_monotonic: false, data_points }
    }
}

/// What interval a point covers; the discriminants are the wire values. Unspecified does not exist (MODEL-22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Temporality {
    /// Since the previous point.
    Delta = 1,
    /// Since a fixed start.
    Cumulative = 2,
}

/// An integer or a float: never coerced into each other (MODEL-34).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NumberValue {
    /// A signed 64-bit integer.
    Int(i64),
    /// A 64-bit float.
    Double(f64),
}

impl From<i64> for NumberValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for NumberValue {
    fn from(value: i32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<f64> for NumberValue {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

/// One number at one time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NumberDataPoint {
    /// What the number is about; of equal keys the last one is written.
    pub attributes: Vec<KeyValue>,
    /// Start of the interval, in nanoseconds since the Unix epoch; 0 if unknown or without meaning.
    pub start_time_unix_nano: u64,
    /// End of the interval, in nanoseconds since the Unix epoch; never 0 (MODEL-20).
    pub time_unix_nano: u64,
    /// The number; `None` only with [`DataPointFlags::NO_RECORDED_VALUE`] (MODEL-21).
    pub value: Option<NumberValue>,
    /// Sample measurements.
    pub exemplars: Vec<Exemplar>,
    /// Flags.
    pub flags: DataPointFlags,
}

impl NumberDataPoint {
    /// A point without attributes.
    pub fn new(start_time_unix_nano: u64, time_unix_nano: u64, value: impl Into<NumberValue>) -> Self {
        Self { start_time_unix_nano, time_unix_nano, value: Some(value.into()), ..Self::default() }
    }
}

/// The flags of a data point.
///
/// ```
/// use otlp_model::DataPointFlags;
/// assert!(DataPointFlags::NO_RECORDED_VALUE.has_no_recorded_value());
/// assert!(!DataPointFlags::NONE.has_no_recorded_value());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DataPointFlags(u32);

impl DataPointFlags {
    /// No flag set.
    pub const NONE: Self = Self(0);
    /// The series ended here: all but attributes and times means nothing (MODEL-27).
    pub const NO_RECORDED_VALUE: Self = Self(1);

    /// Flags from their wire value; unknown bits are kept.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The wire value.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether bit 0 is set.
    #[must_use]
    pub const fn has_no_recorded_value(self) -> bool {
        self.0 & Self::NO_RECORDED_VALUE.0 != 0
    }
}

/// One of the measurements that a point was made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Attributes of the measurement that the point does not have (MODEL-29).
    pub filtered_attributes: Vec<KeyValue>,
    /// When, in nanoseconds since the Unix epoch.
    pub time_unix_nano: u64,
    /// What was measured.
    pub value: NumberValue,
    /// The trace it was measured in; [`TraceId::INVALID`] if none.
    pub trace_id: TraceId,
    /// The span it was measured in; [`SpanId::INVALID`] if none.
    pub span_id: SpanId,
}

impl Exemplar {
    /// A measurement outside of any span.
    pub fn new(time_unix_nano: u64, value: impl Into<NumberValue>) -> Self {
        Self {
            filtered_attributes: Vec::new(),
            time_unix_nano,
            value: value.into(),
            trace_id: TraceId::INVALID,
            span_id: SpanId::INVALID,
        }
    }
}
