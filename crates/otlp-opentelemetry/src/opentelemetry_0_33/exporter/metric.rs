//! Metrics of the SDK, written to the wire as they are handed over.

use super::{Exporter, sdk, unix_nano};
use crate::opentelemetry_0_33::opentelemetry::KeyValue;
use crate::opentelemetry_0_33::value::{Converted, pair};
use otlp::{
    Client, Distribution, EncodedRecords, ExponentialBuckets, GroupId, MetricKind, MetricWriter, NumberValue,
    Signal, SpanId, Temporality, TemporalityPreference, TraceId,
};
use sdk::error::OTelSdkResult;
use sdk::metrics::data::{
    AggregatedMetrics, Exemplar, ExponentialHistogram, Histogram, Metric, MetricData, ResourceMetrics,
};
use std::time::{Duration, SystemTime};

/// Exports the SDK's metrics through a client: in place of the one of opentelemetry-otlp.
///
/// Every aggregation of the SDK, which its views choose: exporters are not asked. Exemplars, too, of which version 0.33 of the SDK
/// collects none. An unsigned number that no signed one can hold is sent as the largest of these.
/// A metric with so many points that it fills an eighth of a request is continued in another of the same name.
/// What else is true of [`SpanExporter`](super::SpanExporter), its errors included, is of this one.
///
/// ```
/// use opentelemetry_sdk_0_33::metrics::{PeriodicReader, SdkMeterProvider, Temporality};
/// use otlp_opentelemetry::opentelemetry_0_33::MetricExporter;
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let client = otlp::Client::builder().with_endpoint("http://localhost:4317").build().await?;
/// let exporter = MetricExporter::new(&client).with_temporality(Temporality::Delta);
/// let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter).build();
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct MetricExporter {
    exporter: Exporter<MetricWriter>,
    temporality: sdk::metrics::Temporality,
}

impl MetricExporter {
    /// An exporter that `client` sends for, with its
    /// [`temporality_preference`](otlp::ClientBuilder::with_temporality_preference): cumulative, unless code or the environment
    /// says otherwise. Shutting it down does not shut the client down, which others may use, too.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        let temporality = match client.temporality_preference() {
            TemporalityPreference::Cumulative => sdk::metrics::Temporality::Cumulative,
            TemporalityPreference::Delta => sdk::metrics::Temporality::Delta,
            TemporalityPreference::LowMemory => sdk::metrics::Temporality::LowMemory,
        };
        Self { exporter: Exporter::new(client, Signal::Metrics), temporality }
    }

    /// The temporality that the SDK is asked to aggregate with, instead of the client's preference (conformance METR-59).
    #[must_use]
    pub fn with_temporality(mut self, temporality: sdk::metrics::Temporality) -> Self {
        self.temporality = temporality;
        self
    }

    /// Bounds each export, with all its attempts. Without, that is for the client's
    /// [`with_export_timeout`](otlp::ClientBuilder::with_export_timeout).
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.exporter.timeout = Some(timeout);
        self
    }

    fn encode(&self, metrics: &ResourceMetrics) -> EncodedRecords {
        let most = self.exporter.sender.max_record_bytes() / PARTS;
        let state = &mut *self.exporter.state();
        state.groups.set_resource(metrics.resource());
        let mut records = state.records();
        for scoped in metrics.scope_metrics() {
            let (group, _) = state.groups.group(&self.exporter.sender, scoped.scope(), None);
            for metric in scoped.metrics() {
                let (writer, records) = (&mut state.writer, &mut records);
                Writing { writer, records, group, most, metric }.write();
            }
        }
        records
    }
}

/// A type of measurements.
trait Number: Copy {
    fn number(self) -> NumberValue;
    fn double(self) -> f64;
}

impl Number for f64 {
    fn number(self) -> NumberValue {
        NumberValue::Double(self)
    }

    fn double(self) -> f64 {
        self
    }
}

impl Number for i64 {
    fn number(self) -> NumberValue {
        NumberValue::Int(self)
    }

    fn double(self) -> f64 {
        self as f64
    }
}

impl Number for u64 {
    fn number(self) -> NumberValue {
        NumberValue::Int(i64::try_from(self).unwrap_or(i64::MAX))
    }

    fn double(self) -> f64 {
        self as f64
    }
}

/// A metric that is larger than this part of a record is continued in another of the same name: as one record it could not be
/// sent. JSON has about four times as many bytes, and the last point comes on top.
const PARTS: usize = 8;

/// A metric on its way into records.
struct Writing<'a> {
    writer: &'a mut MetricWriter,
    records: &'a mut EncodedRecords,
    group: GroupId,
    most: usize,
    metric: &'a Metric,
}

impl Writing<'_> {
    fn write(&mut self) {
        match self.metric.data() {
            AggregatedMetrics::F64(data) => self.write_data(data),
            AggregatedMetrics::I64(data) => self.write_data(data),
            AggregatedMetrics::U64(data) => self.write_data(data),
        }
        self.finish();
    }

    fn write_data<T: Number>(&mut self, data: &MetricData<T>) {
        match data {
            MetricData::Gauge(gauge) => {
                let kind = MetricKind::Gauge;
                self.start(kind);
                let (start, time) = (gauge.start_time().map_or(0, unix_nano), unix_nano(gauge.time()));
                for point in gauge.data_points() {
                    let writer = self.room(kind);
                    writer.number(pairs(point.attributes()), start, time, point.value().number());
                    put_exemplars(writer, point.exemplars());
                }
            }
            MetricData::Sum(sum) => {
                let temporality = temporality(sum.temporality());
                let kind = MetricKind::Sum { temporality, is_monotonic: sum.is_monotonic() };
                self.start(kind);
                let (start, time) = (unix_nano(sum.start_time()), unix_nano(sum.time()));
                for point in sum.data_points() {
                    let writer = self.room(kind);
                    writer.number(pairs(point.attributes()), start, time, point.value().number());
                    put_exemplars(writer, point.exemplars());
                }
            }
            MetricData::Histogram(histogram) => self.write_histogram(histogram),
            MetricData::ExponentialHistogram(histogram) => self.write_exponential(histogram),
        }
    }

    fn write_histogram<T: Number>(&mut self, histogram: &Histogram<T>) {
        let kind = MetricKind::Histogram(temporality(histogram.temporality()));
        self.start(kind);
        let (start, time) = (unix_nano(histogram.start_time()), unix_nano(histogram.time()));
        for point in histogram.data_points() {
            let values = Distribution {
                count: point.count(),
                sum: Some(point.sum().double()),
                min: point.min().map(Number::double),
                max: point.max().map(Number::double),
            };
            let (counts, bounds) = (point.bucket_counts(), point.bounds());
            let writer = self.room(kind);
            writer.histogram(pairs(point.attributes()), start, time, values, counts, bounds);
            put_exemplars(writer, point.exemplars());
        }
    }

    fn write_exponential<T: Number>(&mut self, histogram: &ExponentialHistogram<T>) {
        let kind = MetricKind::ExponentialHistogram(temporality(histogram.temporality()));
        self.start(kind);
        let (start, time) = (unix_nano(histogram.start_time()), unix_nano(histogram.time()));
        for point in histogram.data_points() {
            let values = Distribution {
                count: point.count() as u64,
                sum: Some(point.sum().double()),
                min: point.min().map(Number::double),
                max: point.max().map(Number::double),
            };
            let (positive, negative) = (point.positive_bucket(), point.negative_bucket());
            let buckets = ExponentialBuckets {
                scale: point.scale().into(),
                zero_count: point.zero_count(),
                zero_threshold: point.zero_threshold(),
                positive: (positive.offset(), positive.counts()),
                negative: (negative.offset(), negative.counts()),
            };
            let writer = self.room(kind);
            writer.exponential_histogram(pairs(point.attributes()), start, time, values, buckets);
            put_exemplars(writer, point.exemplars());
        }
    }

    fn start(&mut self, kind: MetricKind) {
        self.writer.start(self.metric.name(), self.metric.description(), self.metric.unit(), kind);
    }

    /// The writer, with room for another point.
    fn room(&mut self, kind: MetricKind) -> &mut MetricWriter {
        if self.writer.bytes() >= self.most {
            self.finish();
            self.start(kind);
        }
        self.writer
    }

    fn finish(&mut self) {
        let (record, items) = self.writer.finish();
        if items > 0 {
            self.records.push(self.group, items, record);
        }
    }
}

fn put_exemplars<'a, T: Number + 'a>(
    writer: &mut MetricWriter,
    exemplars: impl Iterator<Item = &'a Exemplar<T>>,
) {
    for exemplar in exemplars {
        let trace_id = TraceId::from_bytes(*exemplar.trace_id());
        let span_id = SpanId::from_bytes(*exemplar.span_id());
        let (attributes, time): (_, SystemTime) = (pairs(exemplar.filtered_attributes()), exemplar.time());
        writer.exemplar(attributes, unix_nano(time), exemplar.value.number(), trace_id, span_id);
    }
}

fn pairs<'a>(
    attributes: impl Iterator<Item = &'a KeyValue>,
) -> impl Iterator<Item = (&'a str, Converted<'a>)> {
    attributes.map(pair)
}

/// The SDK has resolved its preference by now: what is not delta is cumulative.
fn temporality(temporality: sdk::metrics::Temporality) -> Temporality {
    match temporality {
        sdk::metrics::Temporality::Delta => Temporality::Delta,
        _ => Temporality::Cumulative,
    }
}

impl sdk::metrics::exporter::PushMetricExporter for MetricExporter {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.exporter.check()?;
        let records = self.encode(metrics);
        self.exporter.send(records).await
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shut_down(timeout)
    }

    fn temporality(&self) -> sdk::metrics::Temporality {
        self.temporality
    }
}
