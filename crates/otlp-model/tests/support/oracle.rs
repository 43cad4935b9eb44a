//! What the wire writer has to write, said in the plainest way: typed telemetry to the generated types, with limits and
//! unique keys applied one attribute at a time. Independent of the writer and of the `proto` feature.

#![allow(dead_code, reason = "each test that includes this file uses a part of it")]

use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1 as logs;
use opentelemetry_proto::tonic::metrics::v1 as metrics;
use opentelemetry_proto::tonic::resource::v1 as resource;
use opentelemetry_proto::tonic::trace::v1 as trace;
use otlp_model::*;

/// A value at `depth`, counted from 1.
pub(crate) fn value(value: &AnyValue, depth: usize, limits: &Limits) -> common::AnyValue {
    let max = limits.attribute_value_length.unwrap_or(usize::MAX);
    let may_nest = depth <= limits.attribute_value_depth;
    let value = match value {
        AnyValue::Empty => None,
        AnyValue::String(text) => Some(Value::StringValue(text.chars().take(max).collect())),
        AnyValue::Bool(value) => Some(Value::BoolValue(*value)),
        AnyValue::Int(value) => Some(Value::IntValue(*value)),
        AnyValue::Double(value) => Some(Value::DoubleValue(*value)),
        AnyValue::Bytes(bytes) => Some(Value::BytesValue(bytes.iter().copied().take(max).collect())),
        AnyValue::Array(values) => may_nest.then(|| {
            let values = values.iter().map(|inner| self::value(inner, depth + 1, limits)).collect();
            Value::ArrayValue(common::ArrayValue { values })
        }),
        AnyValue::Map(entries) => may_nest.then(|| {
            let mut unique: Vec<KeyValue> = Vec::new();
            for entry in entries {
                match unique.iter_mut().find(|earlier| earlier.key == entry.key) {
                    Some(earlier) => earlier.value = entry.value.clone(),
                    None => unique.push(entry.clone()),
                }
            }
            let values = unique.iter().map(|entry| key_value(entry, depth + 1, limits)).collect();
            Value::KvlistValue(common::KeyValueList { values })
        }),
    };
    common::AnyValue { value }
}

fn key_value(entry: &KeyValue, depth: usize, limits: &Limits) -> common::KeyValue {
    common::KeyValue {
        key: entry.key.to_string(),
        value: Some(value(&entry.value, depth, limits)),
        key_strindex: 0,
    }
}

/// What is kept of attributes set one after the other, and how many were discarded.
pub(crate) fn attributes(
    attributes: &[KeyValue],
    max: usize,
    limits: &Limits,
) -> (Vec<common::KeyValue>, u32) {
    let (mut kept, mut discarded) = (Vec::<KeyValue>::new(), 0);
    for attribute in attributes {
        if let Some(earlier) = kept.iter_mut().find(|earlier| earlier.key == attribute.key) {
            earlier.value = attribute.value.clone();
        } else if attribute.key.is_empty() || kept.len() >= max {
            discarded += 1;
        } else {
            kept.push(attribute.clone());
        }
    }
    (kept.iter().map(|attribute| key_value(attribute, 1, limits)).collect(), discarded)
}

fn exempt(list: &[KeyValue]) -> Vec<common::KeyValue> {
    attributes(list, usize::MAX, &Limits::UNLIMITED).0
}

fn id(bytes: &[u8]) -> Vec<u8> {
    if bytes.iter().any(|&byte| byte != 0) { bytes.to_vec() } else { Vec::new() }
}

/// Whether a link says anything.
fn is_kept(link: &Link) -> bool {
    let had_attributes = !link.attributes.is_empty() || link.dropped_attributes_count > 0;
    link.context.is_valid() || had_attributes || !link.context.trace_state().is_empty()
}

fn event(event: &Event, limits: &Limits) -> trace::span::Event {
    let (kept, discarded) = attributes(&event.attributes, limits.attributes_per_event, limits);
    trace::span::Event {
        time_unix_nano: event.time_unix_nano,
        name: event.name.to_string(),
        attributes: kept,
        dropped_attributes_count: event.dropped_attributes_count.saturating_add(discarded),
    }
}

fn link(link: &Link, limits: &Limits) -> trace::span::Link {
    let (kept, discarded) = attributes(&link.attributes, limits.attributes_per_link, limits);
    let remote = if link.context.is_remote() { 0x300 } else { 0x100 };
    trace::span::Link {
        trace_id: id(link.context.trace_id().as_bytes()),
        span_id: id(link.context.span_id().as_bytes()),
        trace_state: link.context.trace_state().as_str().to_owned(),
        attributes: kept,
        dropped_attributes_count: link.dropped_attributes_count.saturating_add(discarded),
        flags: remote | u32::from(link.context.flags().bits()),
    }
}

pub(crate) fn span(span: &SpanData, limits: &Limits) -> trace::Span {
    let (kept, discarded) = attributes(&span.attributes, limits.attribute_count, limits);
    let links: Vec<_> = span.links.iter().filter(|link| is_kept(link)).collect();
    let beyond = |len: usize, max: usize| u32::try_from(len.saturating_sub(max)).unwrap();
    let parent = span.parent_span_id;
    let remote = if parent.is_valid() && span.parent_is_remote { 0x300 } else { 0x100 };
    let status = (span.status.code != StatusCode::Unset).then(|| trace::Status {
        code: span.status.code as i32,
        message: match span.status.code {
            StatusCode::Error => span.status.description.to_string(),
            _ => String::new(),
        },
    });
    trace::Span {
        trace_id: span.context.trace_id().as_bytes().to_vec(),
        span_id: span.context.span_id().as_bytes().to_vec(),
        trace_state: span.context.trace_state().as_str().to_owned(),
        parent_span_id: id(parent.as_bytes()),
        flags: remote | u32::from(span.context.flags().bits()),
        name: span.name.to_string(),
        kind: span.kind as i32,
        start_time_unix_nano: span.start_time_unix_nano,
        end_time_unix_nano: span.end_time_unix_nano,
        attributes: kept,
        dropped_attributes_count: span.dropped_attributes_count.saturating_add(discarded),
        events: span.events.iter().take(limits.events).map(|inner| event(inner, limits)).collect(),
        dropped_events_count: span
            .dropped_events_count
            .saturating_add(beyond(span.events.len(), limits.events)),
        dropped_links_count: span.dropped_links_count.saturating_add(beyond(links.len(), limits.links)),
        links: links.into_iter().take(limits.links).map(|inner| link(inner, limits)).collect(),
        status,
    }
}

pub(crate) fn log(log: &LogRecord, limits: &Limits) -> logs::LogRecord {
    let (kept, discarded) = attributes(&log.attributes, limits.attribute_count, limits);
    let in_trace = log.trace_id.is_valid();
    logs::LogRecord {
        time_unix_nano: log.time_unix_nano,
        observed_time_unix_nano: log.observed_time_unix_nano,
        severity_number: i32::from(log.severity.number()),
        severity_text: log.severity_text.to_string(),
        body: log.body.as_ref().map(|body| value(body, 1, &Limits::UNLIMITED)),
        attributes: kept,
        dropped_attributes_count: log.dropped_attributes_count.saturating_add(discarded),
        flags: if in_trace { log.flags.bits().into() } else { 0 },
        trace_id: id(log.trace_id.as_bytes()),
        span_id: if in_trace { id(log.span_id.as_bytes()) } else { Vec::new() },
        event_name: log.event_name.to_string(),
    }
}

fn exemplar(exemplar: &Exemplar) -> metrics::Exemplar {
    metrics::Exemplar {
        filtered_attributes: exempt(&exemplar.filtered_attributes),
        time_unix_nano: exemplar.time_unix_nano,
        span_id: id(exemplar.span_id.as_bytes()),
        trace_id: id(exemplar.trace_id.as_bytes()),
        value: Some(match exemplar.value {
            NumberValue::Int(value) => metrics::exemplar::Value::AsInt(value),
            NumberValue::Double(value) => metrics::exemplar::Value::AsDouble(value),
        }),
    }
}

fn exemplars(list: &[Exemplar]) -> Vec<metrics::Exemplar> {
    list.iter().map(exemplar).collect()
}

fn number_points(points: &[NumberDataPoint]) -> Vec<metrics::NumberDataPoint> {
    let number = |point: &NumberDataPoint| metrics::NumberDataPoint {
        attributes: exempt(&point.attributes),
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        exemplars: exemplars(&point.exemplars),
        flags: point.flags.bits(),
        value: point.value.map(|value| match value {
            NumberValue::Int(value) => metrics::number_data_point::Value::AsInt(value),
            NumberValue::Double(value) => metrics::number_data_point::Value::AsDouble(value),
        }),
    };
    points.iter().map(number).collect()
}

fn histogram_point(point: &HistogramDataPoint) -> metrics::HistogramDataPoint {
    metrics::HistogramDataPoint {
        attributes: exempt(&point.attributes),
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        count: point.count,
        sum: point.sum,
        bucket_counts: point.bucket_counts.clone(),
        explicit_bounds: point.explicit_bounds.clone(),
        exemplars: exemplars(&point.exemplars),
        flags: point.flags.bits(),
        min: point.min,
        max: point.max,
    }
}

fn exponential_point(point: &ExponentialHistogramDataPoint) -> metrics::ExponentialHistogramDataPoint {
    let buckets = |buckets: &Buckets| {
        (buckets.offset != 0 || !buckets.bucket_counts.is_empty()).then(|| {
            metrics::exponential_histogram_data_point::Buckets {
                offset: buckets.offset,
                bucket_counts: buckets.bucket_counts.clone(),
            }
        })
    };
    metrics::ExponentialHistogramDataPoint {
        attributes: exempt(&point.attributes),
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        count: point.count,
        sum: point.sum,
        scale: point.scale,
        zero_count: point.zero_count,
        positive: buckets(&point.positive),
        negative: buckets(&point.negative),
        flags: point.flags.bits(),
        exemplars: exemplars(&point.exemplars),
        min: point.min,
        max: point.max,
        zero_threshold: point.zero_threshold,
    }
}

fn summary_point(point: &SummaryDataPoint) -> metrics::SummaryDataPoint {
    let quantile = |quantile: &ValueAtQuantile| metrics::summary_data_point::ValueAtQuantile {
        quantile: quantile.quantile,
        value: quantile.value,
    };
    metrics::SummaryDataPoint {
        attributes: exempt(&point.attributes),
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        count: point.count,
        sum: point.sum,
        quantile_values: point.quantile_values.iter().map(quantile).collect(),
        flags: point.flags.bits(),
    }
}

pub(crate) fn metric(metric: &Metric) -> metrics::Metric {
    use metrics::metric::Data;
    let data = match &metric.data {
        MetricData::Gauge(gauge) => {
            Data::Gauge(metrics::Gauge { data_points: number_points(&gauge.data_points) })
        }
        MetricData::Sum(sum) => Data::Sum(metrics::Sum {
            data_points: number_points(&sum.data_points),
            aggregation_temporality: sum.temporality as i32,
            is_monotonic: sum.is_monotonic,
        }),
        MetricData::Histogram(histogram) => Data::Histogram(metrics::Histogram {
            data_points: histogram.data_points.iter().map(histogram_point).collect(),
            aggregation_temporality: histogram.temporality as i32,
        }),
        MetricData::ExponentialHistogram(histogram) => {
            Data::ExponentialHistogram(metrics::ExponentialHistogram {
                data_points: histogram.data_points.iter().map(exponential_point).collect(),
                aggregation_temporality: histogram.temporality as i32,
            })
        }
        MetricData::Summary(summary) => Data::Summary(metrics::Summary {
            data_points: summary.data_points.iter().map(summary_point).collect(),
        }),
        other => panic!("the oracle does not know {other:?}"),
    };
    metrics::Metric {
        name: metric.name.to_string(),
        description: metric.description.to_string(),
        unit: metric.unit.to_string(),
        metadata: exempt(&metric.metadata),
        data: Some(data),
    }
}

pub(crate) fn resource(resource: &Resource) -> resource::Resource {
    let (attributes, discarded) = attributes(&resource.attributes, usize::MAX, &Limits::UNLIMITED);
    resource::Resource { attributes, dropped_attributes_count: discarded, entity_refs: Vec::new() }
}

pub(crate) fn scope(scope: &InstrumentationScope) -> common::InstrumentationScope {
    let (attributes, discarded) = attributes(&scope.attributes, usize::MAX, &Limits::UNLIMITED);
    common::InstrumentationScope {
        name: scope.name.to_string(),
        version: scope.version.to_string(),
        attributes,
        dropped_attributes_count: scope.dropped_attributes_count.saturating_add(discarded),
    }
}
