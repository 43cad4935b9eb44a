//! Metrics written point by point decode to what the same metric as plain data does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/strategies.rs"]
mod strategies;

use opentelemetry_proto::tonic::metrics::v1::{self as metrics, ScopeMetrics};
use otlp_model::*;
use proptest::prelude::*;
use prost::Message;

fn pairs(attributes: &[KeyValue]) -> impl Iterator<Item = (&str, &AnyValue)> {
    attributes.iter().map(|attribute| (&*attribute.key, &attribute.value))
}

fn put_exemplars(writer: &mut MetricWriter, exemplars: &[Exemplar]) {
    for exemplar in exemplars {
        let attributes = pairs(&exemplar.filtered_attributes);
        let Exemplar { time_unix_nano, value, trace_id, span_id, .. } = *exemplar;
        writer.exemplar(attributes, time_unix_nano, value, trace_id, span_id);
    }
}

fn put_numbers(writer: &mut MetricWriter, points: &[NumberDataPoint]) {
    for point in points {
        let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
        writer.number(pairs(&point.attributes), start, time, point.value.unwrap());
        put_exemplars(writer, &point.exemplars);
    }
}

/// What the writer has no words for is taken away first; the metric as it remains, unless nothing does.
fn put(writer: &mut MetricWriter, metric: &mut Metric) -> bool {
    metric.metadata.clear();
    let (Metric { name, description, unit, .. }, data) = (metric.clone(), &mut metric.data);
    let mut start = |kind| writer.start(&name, &description, &unit, kind);
    match data {
        MetricData::Gauge(Gauge { data_points }) | MetricData::Sum(Sum { data_points, .. }) => {
            data_points.iter_mut().for_each(|point| {
                point.flags = DataPointFlags::NONE;
                point.value.get_or_insert(NumberValue::Int(0));
            });
        }
        MetricData::Histogram(histogram) => {
            histogram.data_points.iter_mut().for_each(|point| point.flags = DataPointFlags::NONE);
        }
        MetricData::ExponentialHistogram(histogram) => {
            histogram.data_points.iter_mut().for_each(|point| point.flags = DataPointFlags::NONE);
        }
        _ => return false,
    }
    match data {
        MetricData::Gauge(gauge) => {
            start(MetricKind::Gauge);
            put_numbers(writer, &gauge.data_points);
        }
        MetricData::Sum(sum) => {
            let (temporality, is_monotonic) = (sum.temporality, sum.is_monotonic);
            start(MetricKind::Sum { temporality, is_monotonic });
            put_numbers(writer, &sum.data_points);
        }
        MetricData::Histogram(histogram) => {
            start(MetricKind::Histogram(histogram.temporality));
            for point in &histogram.data_points {
                let HistogramDataPoint { count, sum, min, max, .. } = *point;
                let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
                let values = Distribution { count, sum, min, max };
                let (counts, bounds) = (&point.bucket_counts, &point.explicit_bounds);
                let (counts, bounds) = (counts.iter().copied(), bounds.iter().copied());
                writer.histogram(pairs(&point.attributes), start, time, values, counts, bounds);
                put_exemplars(writer, &point.exemplars);
            }
        }
        MetricData::ExponentialHistogram(histogram) => {
            start(MetricKind::ExponentialHistogram(histogram.temporality));
            for point in &histogram.data_points {
                let ExponentialHistogramDataPoint { count, sum, min, max, .. } = *point;
                let (start, time) = (point.start_time_unix_nano, point.time_unix_nano);
                let side = |buckets: &Buckets| (buckets.offset, buckets.bucket_counts.clone());
                let buckets = ExponentialBuckets {
                    scale: point.scale,
                    zero_count: point.zero_count,
                    zero_threshold: point.zero_threshold,
                    positive: side(&point.positive),
                    negative: side(&point.negative),
                };
                let values = Distribution { count, sum, min, max };
                writer.exponential_histogram(pairs(&point.attributes), start, time, values, buckets);
                put_exemplars(writer, &point.exemplars);
            }
        }
        _ => return false,
    }
    true
}

fn decode(record: &[u8]) -> metrics::Metric {
    ScopeMetrics::decode(record).unwrap().metrics.remove(0)
}

proptest! {
    // conf: MODEL-08, MODEL-21, MODEL-24, METR-30
    #[test]
    fn any_metric_is_what_the_oracle_says(mut metrics in proptest::collection::vec(strategies::metric(), 1..4)) {
        let mut writer = MetricWriter::new();
        for metric in &mut metrics {
            if put(&mut writer, metric) {
                let (record, items) = writer.finish();
                prop_assert_eq!(items as usize, metric.data_points());
                prop_assert_eq!(decode(record), oracle::metric(metric));
            }
        }
    }
}

#[test]
fn points_of_another_kind_and_exemplars_of_none_are_left_out() {
    let mut writer = MetricWriter::new();
    assert_eq!(writer.finish(), (&[][..], 0));
    writer.start("m", "", "", MetricKind::Histogram(Temporality::Delta));
    writer.exemplar([("", ""); 0], 1, 1, TraceId::INVALID, SpanId::INVALID);
    writer.number([("", ""); 0], 1, 2, 3);
    let (record, items) = writer.finish();
    let histogram = Histogram { temporality: Temporality::Delta, data_points: Vec::new() };
    assert_eq!((decode(record), items), (oracle::metric(&Metric::new("m", histogram)), 0));
}
