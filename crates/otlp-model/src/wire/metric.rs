//! Metrics on the wire. No limits apply to their attributes (conformance METR-30), but keys are made unique.

use super::buffer::{
    FIELD_1, FIELD_2, close, open, put_bytes, put_fixed64, put_nonzero_fixed64, put_sint32, put_str,
    put_uint, put_varint, varint_len,
};
use super::unique::put_attributes;
use super::value::ValueLimits;
use crate::{
    Buckets, Exemplar, ExponentialHistogramDataPoint, GroupId, HistogramDataPoint, KeyValue, Metric,
    MetricData, NumberDataPoint, NumberValue, Record, SummaryDataPoint,
};

/// Appends a metric to `out` as one record and returns its items: the number of its data points.
///
/// ```
/// use otlp_model::{Gauge, Metric, NumberDataPoint, encode_metric};
/// let mut records = Vec::new();
/// let gauge = Gauge { data_points: vec![NumberDataPoint::new(0, 2_000, 21.5)] };
/// assert_eq!(encode_metric(&Metric::new("temperature", gauge), &mut records), 1);
/// ```
pub fn encode_metric(metric: &Metric, out: &mut Vec<u8>) -> u32 {
    let record = open(out, FIELD_2, 2);
    put_str(out, 0x0a, &metric.name);
    put_str(out, 0x12, &metric.description);
    put_str(out, 0x1a, &metric.unit);
    put_all(out, 0x62, &metric.metadata);
    match &metric.data {
        MetricData::Gauge(gauge) => put_data(out, 0x2a, &gauge.data_points, put_number, 0, false),
        MetricData::Sum(sum) => {
            put_data(out, 0x3a, &sum.data_points, put_number, sum.temporality as u8, sum.is_monotonic);
        }
        MetricData::Histogram(histogram) => {
            put_data(out, 0x4a, &histogram.data_points, put_histogram, histogram.temporality as u8, false);
        }
        MetricData::ExponentialHistogram(histogram) => {
            put_data(out, 0x52, &histogram.data_points, put_exponential, histogram.temporality as u8, false);
        }
        MetricData::Summary(summary) => put_data(out, 0x5a, &summary.data_points, put_summary, 0, false),
    }
    close(out, record);
    u32::try_from(metric.data_points()).unwrap_or(u32::MAX)
}

impl Metric {
    /// This metric as a record of `group` that counts for its data points.
    ///
    /// ```
    /// # use otlp_model::{Gauge, GroupId, Metric, NumberDataPoint};
    /// let points = vec![NumberDataPoint::new(0, 1_000, 1), NumberDataPoint::new(0, 1_000, 2)];
    /// assert_eq!(Metric::new("level", Gauge { data_points: points }).to_record(GroupId(0)).items, 2);
    /// ```
    #[must_use]
    pub fn to_record(&self, group: GroupId) -> Record {
        let mut bytes = Vec::new();
        let items = encode_metric(self, &mut bytes);
        Record { group, items, bytes: bytes.into() }
    }
}

/// A metric's `data`: points, temporality (0 where there is none) and whether a sum is monotonic.
fn put_data<T>(
    out: &mut Vec<u8>,
    tag: u8,
    points: &[T],
    put_point: fn(&mut Vec<u8>, &T),
    temporality: u8,
    is_monotonic: bool,
) {
    let data = open(out, tag, 2);
    for point in points {
        let message = open(out, FIELD_1, 1);
        put_point(out, point);
        close(out, message);
    }
    put_uint(out, 0x10, temporality.into());
    put_uint(out, 0x18, is_monotonic.into());
    close(out, data);
}

fn put_number(out: &mut Vec<u8>, point: &NumberDataPoint) {
    put_all(out, 0x3a, &point.attributes);
    put_times(out, point.start_time_unix_nano, point.time_unix_nano);
    if let Some(value) = point.value {
        put_number_value(out, 0x21, 0x31, value);
    }
    put_exemplars(out, 0x2a, &point.exemplars);
    put_uint(out, 0x40, point.flags.bits().into());
}

fn put_histogram(out: &mut Vec<u8>, point: &HistogramDataPoint) {
    put_all(out, 0x4a, &point.attributes);
    put_times(out, point.start_time_unix_nano, point.time_unix_nano);
    put_nonzero_fixed64(out, 0x21, point.count);
    put_optional_double(out, 0x29, point.sum);
    put_packed_fixed64(out, 0x32, point.bucket_counts.iter().copied());
    put_packed_fixed64(out, 0x3a, point.explicit_bounds.iter().map(|bound| bound.to_bits()));
    put_exemplars(out, 0x42, &point.exemplars);
    put_uint(out, 0x50, point.flags.bits().into());
    put_optional_double(out, 0x59, point.min);
    put_optional_double(out, 0x61, point.max);
}

fn put_exponential(out: &mut Vec<u8>, point: &ExponentialHistogramDataPoint) {
    put_all(out, 0x0a, &point.attributes);
    put_times(out, point.start_time_unix_nano, point.time_unix_nano);
    put_nonzero_fixed64(out, 0x21, point.count);
    put_optional_double(out, 0x29, point.sum);
    put_sint32(out, 0x30, point.scale);
    put_nonzero_fixed64(out, 0x39, point.zero_count);
    put_buckets(out, 0x42, &point.positive);
    put_buckets(out, 0x4a, &point.negative);
    put_uint(out, 0x50, point.flags.bits().into());
    put_exemplars(out, 0x5a, &point.exemplars);
    put_optional_double(out, 0x61, point.min);
    put_optional_double(out, 0x69, point.max);
    put_nonzero_fixed64(out, 0x71, point.zero_threshold.to_bits());
}

fn put_summary(out: &mut Vec<u8>, point: &SummaryDataPoint) {
    put_all(out, 0x3a, &point.attributes);
    put_times(out, point.start_time_unix_nano, point.time_unix_nano);
    put_nonzero_fixed64(out, 0x21, point.count);
    put_nonzero_fixed64(out, 0x29, point.sum.to_bits());
    for quantile in &point.quantile_values {
        let message = open(out, 0x32, 1);
        put_nonzero_fixed64(out, 0x09, quantile.quantile.to_bits());
        put_nonzero_fixed64(out, 0x11, quantile.value.to_bits());
        close(out, message);
    }
    put_uint(out, 0x40, point.flags.bits().into());
}

/// Attributes or metadata. One without a key cannot be written, and a point has no field to count it in.
fn put_all(out: &mut Vec<u8>, tag: u8, attributes: &[KeyValue]) {
    put_attributes(out, tag, attributes, usize::MAX, ValueLimits::UNLIMITED);
}

/// Start and time are fields 2 and 3 of every kind of point.
pub(super) fn put_times(out: &mut Vec<u8>, start: u64, time: u64) {
    put_nonzero_fixed64(out, 0x11, start);
    put_nonzero_fixed64(out, 0x19, time);
}

/// Members of a oneof are written when zero, too: one of them is set (conformance MODEL-21).
pub(super) fn put_number_value(out: &mut Vec<u8>, double: u8, int: u8, value: NumberValue) {
    match value {
        NumberValue::Double(value) => put_fixed64(out, double, value.to_bits()),
        NumberValue::Int(value) => put_fixed64(out, int, value as u64),
    }
}

/// A field with presence: zero is not absent (conformance MODEL-24).
pub(super) fn put_optional_double(out: &mut Vec<u8>, tag: u8, value: Option<f64>) {
    if let Some(value) = value {
        put_fixed64(out, tag, value.to_bits());
    }
}

fn put_packed_fixed64(out: &mut Vec<u8>, tag: u8, values: impl ExactSizeIterator<Item = u64>) {
    if values.len() > 0 {
        out.reserve(11 + 8 * values.len());
        out.push(tag);
        put_varint(out, 8 * values.len() as u64);
        values.for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
    }
}

/// Empty buckets are absent: they say the same.
fn put_buckets(out: &mut Vec<u8>, tag: u8, buckets: &Buckets) {
    if *buckets == Buckets::default() {
        return;
    }
    let message = open(out, tag, 2);
    put_sint32(out, 0x08, buckets.offset);
    if !buckets.bucket_counts.is_empty() {
        out.push(FIELD_2);
        put_varint(out, buckets.bucket_counts.iter().map(|&count| varint_len(count) as u64).sum());
        buckets.bucket_counts.iter().for_each(|&count| put_varint(out, count));
    }
    close(out, message);
}

fn put_exemplars(out: &mut Vec<u8>, tag: u8, exemplars: &[Exemplar]) {
    for exemplar in exemplars {
        let message = open(out, tag, 1);
        put_all(out, 0x3a, &exemplar.filtered_attributes);
        put_nonzero_fixed64(out, 0x11, exemplar.time_unix_nano);
        put_number_value(out, 0x19, 0x31, exemplar.value);
        if exemplar.span_id.is_valid() {
            put_bytes(out, 0x22, exemplar.span_id.as_bytes());
        }
        if exemplar.trace_id.is_valid() {
            put_bytes(out, 0x2a, exemplar.trace_id.as_bytes());
        }
        close(out, message);
    }
}
