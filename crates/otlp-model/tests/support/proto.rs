//! Arbitrary OTLP messages as prost's generated types: independent of everything this crate writes itself.

use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar,
    exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
    summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span, Status,
    span::{Event, Link},
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// Which doubles to make: serde's JSON of the generated types has no form for those that are not finite.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Doubles {
    Any,
    Finite,
}

fn double(doubles: Doubles) -> BoxedStrategy<f64> {
    let finite = prop_oneof![
        Just(0.0),
        -1e3..1e3,
        any::<f64>().prop_filter("finite", |value| value.is_finite()),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
    ];
    match doubles {
        Doubles::Finite => finite.boxed(),
        Doubles::Any => {
            // One not-a-number only: JSON does not tell their bits apart.
            let others = prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
            prop_oneof![4 => finite, 1 => others].boxed()
        }
    }
}

fn unsigned() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1..200u64, any::<u64>(), Just(u64::MAX)]
}

fn signed() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), -200..200i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![2 => Just(0), 1 => any::<u32>(), 1 => Just(u32::MAX)]
}

fn scale() -> impl Strategy<Value = i32> {
    prop_oneof![Just(0), -20..20i32, Just(i32::MIN), Just(i32::MAX)]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z.]{1,8}", ".{0,6}", "[\\x00-\\x1f\"\\\\]{1,4}"]
}

fn id(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![1 => Just(Vec::new()), 4 => vec(any::<u8>(), length)]
}

fn any_value(doubles: Doubles) -> impl Strategy<Value = AnyValue> {
    let scalar = prop_oneof![
        text().prop_map(Value::StringValue),
        any::<bool>().prop_map(Value::BoolValue),
        signed().prop_map(Value::IntValue),
        double(doubles).prop_map(Value::DoubleValue),
        vec(any::<u8>(), 0..6).prop_map(Value::BytesValue),
    ];
    of(scalar).prop_map(|value| AnyValue { value }).prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(|values| Value::ArrayValue(ArrayValue { values })),
            vec((text(), of(inner)), 0..3).prop_map(|entries| Value::KvlistValue(KeyValueList {
                values: entries.into_iter().map(|(key, value)| key_value(key, value)).collect()
            })),
        ]
        .prop_map(|value| AnyValue { value: Some(value) })
    })
}

fn key_value(key: String, value: Option<AnyValue>) -> KeyValue {
    KeyValue { key, value, ..KeyValue::default() }
}

fn attributes(doubles: Doubles) -> impl Strategy<Value = Vec<KeyValue>> {
    vec((text(), of(any_value(doubles))).prop_map(|(key, value)| key_value(key, value)), 0..3)
}

fn resource(doubles: Doubles) -> impl Strategy<Value = Option<Resource>> {
    let entity = (text(), text(), vec(text(), 0..3), vec(text(), 0..3)).prop_map(
        |(schema_url, r#type, id_keys, description_keys)| EntityRef {
            schema_url,
            r#type,
            id_keys,
            description_keys,
        },
    );
    of((attributes(doubles), count(), vec(entity, 0..2)).prop_map(
        |(attributes, dropped_attributes_count, entity_refs)| Resource {
            attributes,
            dropped_attributes_count,
            entity_refs,
        },
    ))
}

fn scope(doubles: Doubles) -> impl Strategy<Value = Option<InstrumentationScope>> {
    of((text(), text(), attributes(doubles), count()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    ))
}

fn event(doubles: Doubles) -> impl Strategy<Value = Event> {
    (unsigned(), text(), attributes(doubles), count()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link(doubles: Doubles) -> impl Strategy<Value = Link> {
    (id(16), id(8), text(), attributes(doubles), count(), count()).prop_map(
        |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| Link {
            trace_id,
            span_id,
            trace_state,
            attributes,
            dropped_attributes_count,
            flags,
        },
    )
}

/// One span.
pub(crate) fn span(doubles: Doubles) -> impl Strategy<Value = Span> {
    let identity = (id(16), id(8), text(), id(8), count());
    let when = (text(), 0..6i32, unsigned(), unsigned());
    let what = (attributes(doubles), vec(event(doubles), 0..3), vec(link(doubles), 0..3));
    let status = of((text(), 0..3i32).prop_map(|(message, code)| Status { message, code }));
    (identity, when, what, (count(), count(), count()), status).prop_map(
        |(identity, when, what, dropped, status)| {
            let (trace_id, span_id, trace_state, parent_span_id, flags) = identity;
            let (name, kind, start_time_unix_nano, end_time_unix_nano) = when;
            let (attributes, events, links) = what;
            let (dropped_attributes_count, dropped_events_count, dropped_links_count) = dropped;
            Span {
                trace_id,
                span_id,
                trace_state,
                parent_span_id,
                flags,
                name,
                kind,
                start_time_unix_nano,
                end_time_unix_nano,
                attributes,
                dropped_attributes_count,
                events,
                dropped_events_count,
                links,
                dropped_links_count,
                status,
            }
        },
    )
}

/// One log record.
pub(crate) fn log_record(doubles: Doubles) -> impl Strategy<Value = LogRecord> {
    let what = (of(any_value(doubles)), attributes(doubles), count(), count());
    let ids = (id(16), id(8), text());
    (unsigned(), unsigned(), 0..25i32, text(), what, ids).prop_map(
        |(time_unix_nano, observed_time_unix_nano, severity_number, severity_text, what, ids)| {
            let (body, attributes, dropped_attributes_count, flags) = what;
            let (trace_id, span_id, event_name) = ids;
            LogRecord {
                time_unix_nano,
                observed_time_unix_nano,
                severity_number,
                severity_text,
                body,
                attributes,
                dropped_attributes_count,
                flags,
                trace_id,
                span_id,
                event_name,
            }
        },
    )
}

fn exemplar(doubles: Doubles) -> impl Strategy<Value = Exemplar> {
    let value = of(prop_oneof![
        double(doubles).prop_map(exemplar::Value::AsDouble),
        signed().prop_map(exemplar::Value::AsInt),
    ]);
    (attributes(doubles), unsigned(), id(8), id(16), value).prop_map(
        |(filtered_attributes, time_unix_nano, span_id, trace_id, value)| Exemplar {
            filtered_attributes,
            time_unix_nano,
            span_id,
            trace_id,
            value,
        },
    )
}

fn number_point(doubles: Doubles) -> impl Strategy<Value = NumberDataPoint> {
    let value = of(prop_oneof![
        double(doubles).prop_map(number_data_point::Value::AsDouble),
        signed().prop_map(number_data_point::Value::AsInt),
    ]);
    (attributes(doubles), unsigned(), unsigned(), vec(exemplar(doubles), 0..2), count(), value).prop_map(
        |(attributes, start_time_unix_nano, time_unix_nano, exemplars, flags, value)| NumberDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            exemplars,
            flags,
            value,
        },
    )
}

fn histogram_point(doubles: Doubles) -> impl Strategy<Value = HistogramDataPoint> {
    let head = (attributes(doubles), unsigned(), unsigned(), unsigned(), count());
    let stats = (of(double(doubles)), of(double(doubles)), of(double(doubles)));
    let buckets = (vec(unsigned(), 0..4), vec(double(doubles), 0..4));
    (head, stats, buckets, vec(exemplar(doubles), 0..2)).prop_map(
        |(head, (sum, min, max), buckets, exemplars)| {
            let (attributes, start_time_unix_nano, time_unix_nano, count, flags) = head;
            let (bucket_counts, explicit_bounds) = buckets;
            HistogramDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                count,
                sum,
                bucket_counts,
                explicit_bounds,
                exemplars,
                flags,
                min,
                max,
            }
        },
    )
}

fn exponential_point(doubles: Doubles) -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let head = (attributes(doubles), unsigned(), unsigned(), unsigned(), count());
    let stats = (of(double(doubles)), of(double(doubles)), of(double(doubles)));
    let buckets = || {
        of((scale(), vec(unsigned(), 0..4))
            .prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts }))
    };
    let shape = (scale(), unsigned(), buckets(), buckets(), double(doubles));
    (head, stats, shape, vec(exemplar(doubles), 0..2)).prop_map(
        |(head, (sum, min, max), shape, exemplars)| {
            let (attributes, start_time_unix_nano, time_unix_nano, count, flags) = head;
            let (scale, zero_count, positive, negative, zero_threshold) = shape;
            ExponentialHistogramDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                count,
                sum,
                scale,
                zero_count,
                positive,
                negative,
                flags,
                exemplars,
                min,
                max,
                zero_threshold,
            }
        },
    )
}

fn summary_point(doubles: Doubles) -> impl Strategy<Value = SummaryDataPoint> {
    let quantile =
        (double(doubles), double(doubles)).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    (attributes(doubles), unsigned(), unsigned(), unsigned(), double(doubles), vec(quantile, 0..3), count())
        .prop_map(|(attributes, start_time_unix_nano, time_unix_nano, count, sum, quantile_values, flags)| {
            SummaryDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                count,
                sum,
                quantile_values,
                flags,
            }
        })
}

/// One metric with points of any kind.
pub(crate) fn metric(doubles: Doubles) -> impl Strategy<Value = Metric> {
    let temporality = || 0..3i32;
    let data = of(prop_oneof![
        vec(number_point(doubles), 0..3).prop_map(|data_points| Data::Gauge(Gauge { data_points })),
        (vec(number_point(doubles), 0..3), temporality(), any::<bool>()).prop_map(
            |(data_points, aggregation_temporality, is_monotonic)| Data::Sum(Sum {
                data_points,
                aggregation_temporality,
                is_monotonic
            })
        ),
        (vec(histogram_point(doubles), 0..3), temporality()).prop_map(
            |(data_points, aggregation_temporality)| {
                Data::Histogram(Histogram { data_points, aggregation_temporality })
            }
        ),
        (vec(exponential_point(doubles), 0..3), temporality()).prop_map(
            |(data_points, aggregation_temporality)| {
                Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality })
            }
        ),
        vec(summary_point(doubles), 0..3).prop_map(|data_points| Data::Summary(Summary { data_points })),
    ]);
    (text(), text(), text(), attributes(doubles), data).prop_map(
        |(name, description, unit, metadata, data)| Metric { name, description, unit, metadata, data },
    )
}

/// A request for traces.
pub(crate) fn traces(doubles: Doubles) -> impl Strategy<Value = ExportTraceServiceRequest> {
    let scopes = (scope(doubles), vec(span(doubles), 0..3), text())
        .prop_map(|(scope, spans, schema_url)| ScopeSpans { scope, spans, schema_url });
    let resources = (resource(doubles), vec(scopes, 0..3), text())
        .prop_map(|(resource, scope_spans, schema_url)| ResourceSpans { resource, scope_spans, schema_url });
    vec(resources, 0..3).prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

/// A request for logs.
pub(crate) fn logs(doubles: Doubles) -> impl Strategy<Value = ExportLogsServiceRequest> {
    let scopes = (scope(doubles), vec(log_record(doubles), 0..3), text())
        .prop_map(|(scope, log_records, schema_url)| ScopeLogs { scope, log_records, schema_url });
    let resources = (resource(doubles), vec(scopes, 0..3), text())
        .prop_map(|(resource, scope_logs, schema_url)| ResourceLogs { resource, scope_logs, schema_url });
    vec(resources, 0..3).prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}

/// A request for metrics.
pub(crate) fn metrics(doubles: Doubles) -> impl Strategy<Value = ExportMetricsServiceRequest> {
    let scopes = (scope(doubles), vec(metric(doubles), 0..3), text())
        .prop_map(|(scope, metrics, schema_url)| ScopeMetrics { scope, metrics, schema_url });
    let resources =
        (resource(doubles), vec(scopes, 0..3), text()).prop_map(|(resource, scope_metrics, schema_url)| {
            ResourceMetrics { resource, scope_metrics, schema_url }
        });
    vec(resources, 0..3).prop_map(|resource_metrics| ExportMetricsServiceRequest { resource_metrics })
}
