//! Metrics point by point: for who has aggregated data in types of his own.
//!
//! Used by exporters of other SDKs. Aggregates nothing and checks no sums: points are written as they are. No limits apply to
//! attributes (conformance METR-30), but keys are made unique.

use super::buffer::{
    FIELD_1, FIELD_2, put_nonzero_fixed64, put_sint32, put_str, put_uint, put_varint, varint_len,
    write_varint,
};
use super::index::Index;
use super::live::{PREFIX, seal};
use super::metric::{put_number_value, put_optional_double, put_times};
use super::room::Buffer;
use super::value::{ValueLimits, put_key_value};
use crate::key::hash;
use crate::{KeyRef, NumberValue, SpanId, Temporality, ToKey, ToValue, TraceId};

/// What the points of a metric are; with it, [`MetricWriter`] begins one.
///
/// ```
/// use otlp_model::{MetricKind, Temporality};
/// let counter = MetricKind::Sum { temporality: Temporality::Cumulative, is_monotonic: true };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// Numbers that stand for themselves.
    Gauge,
    /// Numbers that add up.
    Sum {
        /// Since when a point adds up.
        temporality: Temporality,
        /// Whether it only ever grows.
        is_monotonic: bool,
    },
    /// Distributions over given bounds, with this temporality.
    Histogram(Temporality),
    /// Distributions over exponential buckets, with this temporality.
    ExponentialHistogram(Temporality),
}

/// What both kinds of histogram know of their values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Distribution {
    /// How many there were.
    pub count: u64,
    /// Their sum, if it makes sense.
    pub sum: Option<f64>,
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

/// The exponential buckets of a point. Bucket `index` holds values up to `2^(2^-scale × (index + 1))`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ExponentialBuckets<P, N> {
    /// The resolution.
    pub scale: i32,
    /// How many values are zero, or within the threshold of it.
    pub zero_count: u64,
    /// What counts as zero.
    pub zero_threshold: f64,
    /// The index of the first positive bucket, and the counts.
    pub positive: (i32, P),
    /// The index of the first negative bucket, and the counts.
    pub negative: (i32, N),
}

/// Writes one metric after the other into one buffer, its points as they come.
///
/// Times are nanoseconds since the Unix epoch; a start of 0 is not written. A point of another kind than the metric's is left
/// out. A writer that is used again allocates nothing once its buffer has grown.
///
/// ```
/// use otlp_model::{MetricKind, MetricWriter, Temporality};
/// let mut writer = MetricWriter::new();
/// let kind = MetricKind::Sum { temporality: Temporality::Cumulative, is_monotonic: true };
/// writer.start("requests", "Requests so far.", "{request}", kind);
/// writer.number([("http.route", "/users")], 1_000, 2_000, 17);
/// writer.number([("http.route", "/cart")], 1_000, 2_000, 4);
/// assert!(writer.bytes() < 200);
/// let (record, items) = writer.finish(); // tag, length and metric, ready to be sent
/// assert_eq!((record[0], items), (0x12, 2));
/// ```
#[derive(Debug)]
pub struct MetricWriter {
    buffer: Buffer,
    attributes: Index,
    kind: MetricKind,
    /// Where the data's body starts, and that of the point that is open.
    data: usize,
    point: Option<usize>,
    points: u32,
}

impl Default for MetricWriter {
    fn default() -> Self {
        Self {
            buffer: Buffer::default(),
            attributes: Index::default(),
            kind: MetricKind::Gauge,
            data: 0,
            point: None,
            points: 0,
        }
    }
}

impl MetricWriter {
    /// A writer without a buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a metric, forgetting whatever the writer held before.
    pub fn start(&mut self, name: &str, description: &str, unit: &str, kind: MetricKind) {
        self.kind = kind;
        (self.point, self.points) = (None, 0);
        self.buffer.clear();
        self.data = self.buffer.append(|bytes| {
            bytes.extend_from_slice(&[0; PREFIX]);
            put_str(bytes, 0x0a, name);
            put_str(bytes, 0x12, description);
            put_str(bytes, 0x1a, unit);
            let tag = match kind {
                MetricKind::Gauge => 0x2a,
                MetricKind::Sum { .. } => 0x3a,
                MetricKind::Histogram(_) => 0x4a,
                MetricKind::ExponentialHistogram(_) => 0x52,
            };
            bytes.extend_from_slice(&[tag, 0]);
            bytes.len()
        });
    }

    /// Adds a point of a gauge or sum.
    pub fn number<K: ToKey, V: ToValue>(
        &mut self,
        attributes: impl IntoIterator<Item = (K, V)>,
        start_unix_nano: u64,
        time_unix_nano: u64,
        value: impl Into<NumberValue>,
    ) {
        if matches!(self.kind, MetricKind::Gauge | MetricKind::Sum { .. }) {
            self.open_point(0x3a, attributes);
            self.buffer.append(|bytes| {
                put_times(bytes, start_unix_nano, time_unix_nano);
                put_number_value(bytes, 0x21, 0x31, value.into());
            });
        }
    }

    /// Adds a point of a histogram: the counts of its buckets, and the bounds between these, one fewer.
    pub fn histogram<K: ToKey, V: ToValue>(
        &mut self,
        attributes: impl IntoIterator<Item = (K, V)>,
        start_unix_nano: u64,
        time_unix_nano: u64,
        values: Distribution,
        bucket_counts: impl IntoIterator<Item = u64>,
        bounds: impl IntoIterator<Item = f64>,
    ) {
        if !matches!(self.kind, MetricKind::Histogram(_)) {
            return;
        }
        self.open_point(0x4a, attributes);
        self.buffer.append(|bytes| {
            put_times(bytes, start_unix_nano, time_unix_nano);
            put_nonzero_fixed64(bytes, 0x21, values.count);
            put_optional_double(bytes, 0x29, values.sum);
            put_optional_double(bytes, 0x59, values.min);
            put_optional_double(bytes, 0x61, values.max);
        });
        self.put_packed(0x32, bucket_counts.into_iter().map(u64::to_le_bytes));
        self.put_packed(0x3a, bounds.into_iter().map(f64::to_le_bytes));
    }

    /// Adds a point of an exponential histogram.
    pub fn exponential_histogram<K, V, P, N>(
        &mut self,
        attributes: impl IntoIterator<Item = (K, V)>,
        start_unix_nano: u64,
        time_unix_nano: u64,
        values: Distribution,
        buckets: ExponentialBuckets<P, N>,
    ) where
        K: ToKey,
        V: ToValue,
        P: IntoIterator<Item = u64>,
        N: IntoIterator<Item = u64>,
    {
        if !matches!(self.kind, MetricKind::ExponentialHistogram(_)) {
            return;
        }
        self.open_point(0x0a, attributes);
        self.buffer.append(|bytes| {
            put_times(bytes, start_unix_nano, time_unix_nano);
            put_nonzero_fixed64(bytes, 0x21, values.count);
            put_optional_double(bytes, 0x29, values.sum);
            put_sint32(bytes, 0x30, buckets.scale);
            put_nonzero_fixed64(bytes, 0x39, buckets.zero_count);
            put_optional_double(bytes, 0x61, values.min);
            put_optional_double(bytes, 0x69, values.max);
            put_nonzero_fixed64(bytes, 0x71, buckets.zero_threshold.to_bits());
        });
        self.put_buckets(0x42, buckets.positive.0, buckets.positive.1);
        self.put_buckets(0x4a, buckets.negative.0, buckets.negative.1);
    }

    /// Adds an exemplar to the point added last.
    pub fn exemplar<K: ToKey, V: ToValue>(
        &mut self,
        filtered_attributes: impl IntoIterator<Item = (K, V)>,
        time_unix_nano: u64,
        value: impl Into<NumberValue>,
        trace_id: TraceId,
        span_id: SpanId,
    ) {
        let tag = match self.kind {
            _ if self.point.is_none() => return,
            MetricKind::Gauge | MetricKind::Sum { .. } => 0x2a,
            MetricKind::Histogram(_) => 0x42,
            MetricKind::ExponentialHistogram(_) => 0x5a,
        };
        let body = self.open(tag);
        self.put_attributes(0x3a, filtered_attributes);
        self.buffer.append(|bytes| {
            put_nonzero_fixed64(bytes, 0x11, time_unix_nano);
            put_number_value(bytes, 0x19, 0x31, value.into());
            if span_id.is_valid() {
                bytes.extend_from_slice(&[0x22, 8]);
                bytes.extend_from_slice(span_id.as_bytes());
            }
            if trace_id.is_valid() {
                bytes.extend_from_slice(&[0x2a, 16]);
                bytes.extend_from_slice(trace_id.as_bytes());
            }
        });
        self.close(body);
    }

    /// How many bytes the metric has so far: for whoever would rather send a large one as several of the same name.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Ends the metric: its record, the field of `ScopeMetrics.metrics` with tag and length, and the number of its points. A
    /// metric without points says nothing and need not be sent. The bytes are there until the next [`start`](Self::start).
    pub fn finish(&mut self) -> (&[u8], u32) {
        if self.buffer.len() < PREFIX {
            return (&[], 0);
        }
        self.close_point();
        let (temporality, is_monotonic) = match self.kind {
            MetricKind::Gauge => (0, false),
            MetricKind::Sum { temporality, is_monotonic } => (temporality as u64, is_monotonic),
            MetricKind::Histogram(temporality) | MetricKind::ExponentialHistogram(temporality) => {
                (temporality as u64, false)
            }
        };
        self.buffer.append(|bytes| {
            put_uint(bytes, 0x10, temporality);
            put_uint(bytes, 0x18, is_monotonic.into());
        });
        self.close(self.data);
        (seal(self.buffer.as_mut_slice()), self.points)
    }

    fn open_point<K: ToKey, V: ToValue>(
        &mut self,
        attribute_tag: u8,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) {
        self.close_point();
        self.point = Some(self.open(FIELD_1));
        self.points = self.points.saturating_add(1);
        self.put_attributes(attribute_tag, attributes);
    }

    fn close_point(&mut self) {
        if let Some(body) = self.point.take() {
            self.close(body);
        }
    }

    /// Those without a key cannot be written, and a point has no field to count them in.
    fn put_attributes<K: ToKey, V: ToValue>(
        &mut self,
        tag: u8,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) {
        self.attributes.begin(usize::MAX);
        for (key, value) in attributes {
            let (key, value) = (key.to_key(), value.to_value());
            let key = match &key {
                KeyRef::Text(key) => key,
                KeyRef::Key(key) => key.as_str(),
            };
            self.attributes.set(&mut self.buffer, key, hash(key.as_bytes()), |bytes| {
                put_key_value(bytes, tag, key, value, ValueLimits::UNLIMITED);
            });
        }
        self.attributes.end();
    }

    /// A packed list of fixed64; empty is absent.
    fn put_packed(&mut self, tag: u8, values: impl Iterator<Item = [u8; 8]>) {
        let mut values = values.peekable();
        if values.peek().is_some() {
            let body = self.open(tag);
            self.buffer.append(|bytes| values.for_each(|value| bytes.extend_from_slice(&value)));
            self.close(body);
        }
    }

    /// Empty buckets are absent: they say the same.
    fn put_buckets(&mut self, tag: u8, offset: i32, counts: impl IntoIterator<Item = u64>) {
        let mut counts = counts.into_iter().peekable();
        if offset == 0 && counts.peek().is_none() {
            return;
        }
        let body = self.open(tag);
        self.buffer.append(|bytes| put_sint32(bytes, 0x08, offset));
        if counts.peek().is_some() {
            let list = self.open(FIELD_2);
            self.buffer.append(|bytes| counts.for_each(|count| put_varint(bytes, count)));
            self.close(list);
        }
        self.close(body);
    }

    /// Begins a message; where its body starts, behind one byte for its length.
    fn open(&mut self, tag: u8) -> usize {
        self.buffer.append(|bytes| {
            bytes.extend_from_slice(&[tag, 0]);
            bytes.len()
        })
    }

    /// Ends a message.
    fn close(&mut self, body: usize) {
        let len = self.buffer.len() - body;
        self.buffer.resize_at(body - 1, 1, varint_len(len as u64));
        write_varint(&mut self.buffer.as_mut_slice()[body - 1..], len as u64);
    }
}
