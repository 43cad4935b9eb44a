//! Metrics of the SDK, written to the wire as they are handed over.

use super::{Exporter, sdk, unix_nano};
use crate::opentelemetry_0_33::opentelemetry::KeyValue;
use crate::opentelemetry_0_33::value::{Converted, pair};
use otlp::{
    Client, Distribution, EncodedRecords, ExponentialBuckets, MetricKind, MetricWriter, NumberValue, Signal,
    SpanId, Temporality, TemporalityPreference, TraceId,
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
        let state = &mut *self.exporter.state();
        state.groups.set_resource(metrics.resource());
        let mut records = state.records();
        for scoped in metrics.scope_metrics() {
            let (group, _) = state.groups.group(&self.exporter.sender, scoped.scope(), None);
            for metric in scoped.metrics() {
                write(&mut state.writer, metric);
                let (record, items) = state.writer.finish();
                if items > 0 {
                    records.push(group, items, record);
                }
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

fn write(writer: &mut MetricWriter, metric: &Metric) {
    match metric.data() {
        AggregatedMetrics::F64(data) => write_data(writer, metric, data),
        AggregatedMetrics::I64(data) => write_data(writer, metric, data),
        AggregatedMetrics::U64(data) => write_data(writer, metric, data),
    }
}

fn write_data<T: Number>(writer: &mut MetricWriter, metric: &Metric, data: &MetricData<T>) {
    let mut start = |kind| writer.start(metric.name(), metric.description(), metric.unit(), kind);
    match data {
        MetricData::Gauge(gauge) => {
            start(MetricKind::Gauge);
            let (start, time) = (gauge.start_time().map_or(0, unix_nano), unix_nano(gauge.time()));
            for point in gauge.data_points() {
                writer.number(pairs(point.attributes()), start, time, point.value().number());
                put_exemplars(writer, point.exemplars());
            }
        }
        MetricData::Sum(sum) => {
            let temporality = temporality(sum.temporality());
            start(MetricKind::Sum { temporality, is_monotonic: sum.is_monotonic() });
            let (start, time) = (unix_nano(sum.start_time()), unix_nano(sum.time()));
            for point in sum.data_points() {
                writer.number(pairs(point.attributes()), start, time, point.value().number());
                put_exemplars(writer, point.exemplars());
            }
        }
        MetricData::Histogram(histogram) => {
            start(MetricKind::Histogram(temporality(histogram.temporality())));
            write_histogram(writer, histogram);
        }
        MetricData::ExponentialHistogram(histogram) => {
            start(MetricKind::ExponentialHistogram(temporality(histogram.temporality())));
            write_exponential(writer, histogram);
        }
    }
}

fn write_histogram<T: Number>(writer: &mut MetricWriter, histogram: &Histogram<T>) {
    let (start, time) = (unix_nano(histogram.start_time()), unix_nano(histogram.time()));
    for point in histogram.data_points() {
        let values = Distribution {
            count: point.count(),
            sum: Some(point.sum().double()),
            min: point.min().map(Number::double),
            max: point.max().map(Number::double),
        };
        let (counts, bounds) = (point.bucket_counts(), point.bounds());
        writer.histogram(pairs(point.attributes()), start, time, values, counts, bounds);
        put_exemplars(writer, point.exemplars());
    }
}

fn write_exponential<T: Number>(writer: &mut MetricWriter, histogram: &ExponentialHistogram<T>) {
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
        writer.exponential_histogram(pairs(point.attributes()), start, time, values, buckets);
        put_exemplars(writer, point.exemplars());
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
