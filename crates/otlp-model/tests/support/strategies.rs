//! Arbitrary typed telemetry for property tests: every kind of value, duplicate and empty keys, all of Unicode, extreme
//! numbers. Included with `#[path]` by the tests of the wire writer and of the JSON transcoder.
//!
//! Floats are never not-a-number, so that values can be compared; nesting stays below what protobuf decoders refuse.

#![allow(dead_code, reason = "each test that includes this file uses a part of it")]

use otlp_model::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::borrow::Cow;

/// Text of all kinds, mostly short.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => vec(prop::char::range('a', 'z'), 0..8).prop_map(String::from_iter),
        2 => vec(any::<char>(), 0..8).prop_map(String::from_iter),
        // Long enough for lengths of two bytes.
        1 => (any::<char>(), 0..200usize).prop_map(|(char, times)| String::from_iter([char].repeat(times))),
    ]
}

fn cow() -> impl Strategy<Value = Cow<'static, str>> {
    text().prop_map(Cow::Owned)
}

/// Keys from a small set, so that duplicates happen, and sometimes empty ones.
pub(crate) fn key() -> impl Strategy<Value = Cow<'static, str>> {
    prop_oneof![
        8 => prop::sample::select(
            &["", "a", "b", "A", "http.request.method", "http.request.method_original", "http.response.status", "ключ"][..]
        ).prop_map(Cow::Borrowed),
        3 => cow(),
    ]
}

/// Any float but not-a-number.
pub(crate) fn double() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{INFINITE, NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO | INFINITE
}

/// Small and extreme unsigned numbers.
pub(crate) fn count() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1..200u64, any::<u64>(), Just(u64::MAX)]
}

/// Small and extreme dropped counts.
pub(crate) fn dropped() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(0), 1 => any::<u32>(), 1 => Just(u32::MAX)]
}

/// Values without others inside.
pub(crate) fn flat_value() -> impl Strategy<Value = AnyValue> {
    prop_oneof![
        Just(AnyValue::Empty),
        cow().prop_map(AnyValue::String),
        any::<bool>().prop_map(AnyValue::Bool),
        any::<i64>().prop_map(AnyValue::Int),
        (-200..200i64).prop_map(AnyValue::Int),
        double().prop_map(AnyValue::Double),
        vec(any::<u8>(), 0..20).prop_map(AnyValue::Bytes),
    ]
}

/// Values of every kind, nested a few levels.
pub(crate) fn value() -> impl Strategy<Value = AnyValue> {
    flat_value().prop_recursive(5, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(AnyValue::Array),
            vec((key(), inner).prop_map(|(key, value)| KeyValue { key, value }), 0..5)
                .prop_map(AnyValue::Map),
        ]
    })
}

/// Attributes, duplicate and empty keys included; sometimes more than are compared pairwise.
pub(crate) fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let deep = (key(), value()).prop_map(|(key, value)| KeyValue { key, value });
    let flat = (key(), flat_value()).prop_map(|(key, value)| KeyValue { key, value });
    prop_oneof![12 => vec(deep, 0..6), 1 => vec(flat, 60..80)]
}

/// Trace ids, of which some are invalid.
pub(crate) fn trace_id() -> impl Strategy<Value = TraceId> {
    prop_oneof![1 => Just(TraceId::INVALID), 5 => any::<[u8; 16]>().prop_map(TraceId::from_bytes)]
}

/// Span ids, of which some are invalid.
pub(crate) fn span_id() -> impl Strategy<Value = SpanId> {
    prop_oneof![1 => Just(SpanId::INVALID), 5 => any::<[u8; 8]>().prop_map(SpanId::from_bytes)]
}

/// Span contexts, of which some are invalid, and some have a trace state.
pub(crate) fn context() -> impl Strategy<Value = SpanContext> {
    (trace_id(), span_id(), any::<u8>(), any::<bool>(), trace_state()).prop_map(
        |(trace_id, span_id, flags, remote, state)| {
            SpanContext::new(trace_id, span_id, TraceFlags::from_bits(flags))
                .with_remote(remote)
                .with_trace_state(state)
        },
    )
}

/// Trace states, mostly empty.
pub(crate) fn trace_state() -> impl Strategy<Value = TraceState> {
    let headers = vec!["", "", "", "a=1", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"];
    prop::sample::select(headers).prop_map(|header| TraceState::parse(header).unwrap())
}

/// Events.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    (cow(), count(), attributes(), dropped()).prop_map(|(name, time_unix_nano, attributes, dropped)| Event {
        name,
        time_unix_nano,
        attributes,
        dropped_attributes_count: dropped,
    })
}

/// Links.
pub(crate) fn link() -> impl Strategy<Value = Link> {
    (context(), attributes(), dropped()).prop_map(|(context, attributes, dropped)| Link {
        context,
        attributes,
        dropped_attributes_count: dropped,
    })
}

/// Every span kind.
pub(crate) fn kind() -> impl Strategy<Value = SpanKind> {
    use SpanKind::{Client, Consumer, Internal, Producer, Server};
    prop::sample::select(&[Internal, Server, Client, Producer, Consumer][..])
}

/// Every status, descriptions where none belongs included.
pub(crate) fn status() -> impl Strategy<Value = Status> {
    let code = prop::sample::select(&[StatusCode::Unset, StatusCode::Ok, StatusCode::Error][..]);
    (code, cow()).prop_map(|(code, description)| Status { code, description })
}

/// Spans.
pub(crate) fn span() -> impl Strategy<Value = SpanData> {
    let identity = (context(), span_id(), any::<bool>(), cow(), kind(), count(), count());
    let content = (attributes(), vec(event(), 0..4), vec(link(), 0..4), status());
    (identity, content, [dropped(), dropped(), dropped()]).prop_map(|(identity, content, dropped)| {
        let (context, parent_span_id, parent_is_remote, name, kind, start, end) = identity;
        let (attributes, events, links, status) = content;
        SpanData {
            parent_span_id,
            parent_is_remote,
            kind,
            attributes,
            dropped_attributes_count: dropped[0],
            events,
            dropped_events_count: dropped[1],
            links,
            dropped_links_count: dropped[2],
            status,
            ..SpanData::new(context, name, start, end)
        }
    })
}

/// Every severity, none included.
pub(crate) fn severity() -> impl Strategy<Value = Severity> {
    (0..=24).prop_filter_map("a severity", Severity::from_number)
}

/// Log records.
pub(crate) fn log() -> impl Strategy<Value = LogRecord> {
    let what = (count(), count(), severity(), cow(), option::of(value()), attributes(), dropped());
    (what, trace_id(), span_id(), any::<u8>(), cow()).prop_map(
        |(what, trace_id, span_id, flags, event_name)| {
            let (time, observed, severity, severity_text, body, attributes, dropped) = what;
            LogRecord {
                time_unix_nano: time,
                observed_time_unix_nano: observed,
                severity,
                severity_text,
                body,
                attributes,
                dropped_attributes_count: dropped,
                trace_id,
                span_id,
                flags: TraceFlags::from_bits(flags),
                event_name,
            }
        },
    )
}

fn number() -> impl Strategy<Value = NumberValue> {
    prop_oneof![
        Just(NumberValue::Int(0)),
        any::<i64>().prop_map(NumberValue::Int),
        double().prop_map(NumberValue::Double),
    ]
}

fn exemplars() -> impl Strategy<Value = Vec<Exemplar>> {
    let exemplar = (attributes(), count(), number(), trace_id(), span_id());
    let exemplar = exemplar.prop_map(|(filtered_attributes, time, value, trace_id, span_id)| Exemplar {
        filtered_attributes,
        trace_id,
        span_id,
        ..Exemplar::new(time, value)
    });
    vec(exemplar, 0..3)
}

fn flags() -> impl Strategy<Value = DataPointFlags> {
    prop_oneof![Just(0), Just(1), any::<u32>()].prop_map(DataPointFlags::from_bits)
}

fn temporality() -> impl Strategy<Value = Temporality> {
    prop::sample::select(&[Temporality::Delta, Temporality::Cumulative][..])
}

fn number_point() -> impl Strategy<Value = NumberDataPoint> {
    (attributes(), count(), count(), option::of(number()), exemplars(), flags()).prop_map(
        |(attributes, start_time_unix_nano, time_unix_nano, value, exemplars, flags)| NumberDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            value,
            exemplars,
            flags,
        },
    )
}

fn histogram_point() -> impl Strategy<Value = HistogramDataPoint> {
    let numbers = (count(), option::of(double()), option::of(double()), option::of(double()));
    let buckets = (vec(count(), 0..20), vec(double(), 0..20));
    (attributes(), count(), count(), numbers, buckets, exemplars(), flags()).prop_map(
        |(
            attributes,
            start,
            time,
            (count, sum, min, max),
            (bucket_counts, explicit_bounds),
            exemplars,
            flags,
        )| {
            HistogramDataPoint {
                attributes,
                start_time_unix_nano: start,
                time_unix_nano: time,
                count,
                sum,
                min,
                max,
                bucket_counts,
                explicit_bounds,
                exemplars,
                flags,
            }
        },
    )
}

fn buckets() -> impl Strategy<Value = Buckets> {
    (prop_oneof![Just(0), any::<i32>()], vec(count(), 0..40))
        .prop_map(|(offset, bucket_counts)| Buckets { offset, bucket_counts })
}

fn exponential_point() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let numbers = (count(), option::of(double()), option::of(double()), option::of(double()));
    let shape = (any::<i32>(), count(), double(), buckets(), buckets());
    (attributes(), count(), count(), numbers, shape, exemplars(), flags()).prop_map(
        |(attributes, start, time, (count, sum, min, max), shape, exemplars, flags)| {
            let (scale, zero_count, zero_threshold, positive, negative) = shape;
            ExponentialHistogramDataPoint {
                attributes,
                start_time_unix_nano: start,
                time_unix_nano: time,
                count,
                sum,
                min,
                max,
                scale,
                zero_count,
                zero_threshold,
                positive,
                negative,
                exemplars,
                flags,
            }
        },
    )
}

fn summary_point() -> impl Strategy<Value = SummaryDataPoint> {
    let quantile = (double(), double()).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    (attributes(), count(), count(), count(), double(), vec(quantile, 0..5), flags()).prop_map(
        |(attributes, start, time, count, sum, quantile_values, flags)| SummaryDataPoint {
            attributes,
            start_time_unix_nano: start,
            time_unix_nano: time,
            count,
            sum,
            quantile_values,
            flags,
        },
    )
}

/// The points of metrics of every kind, also none.
pub(crate) fn metric_data() -> impl Strategy<Value = MetricData> {
    prop_oneof![
        vec(number_point(), 0..4).prop_map(|data_points| Gauge { data_points }.into()),
        (temporality(), any::<bool>(), vec(number_point(), 0..4)).prop_map(
            |(temporality, is_monotonic, points)| {
                Sum { temporality, is_monotonic, data_points: points }.into()
            }
        ),
        (temporality(), vec(histogram_point(), 0..3)).prop_map(|(temporality, data_points)| Histogram {
            temporality,
            data_points
        }
        .into()),
        (temporality(), vec(exponential_point(), 0..3))
            .prop_map(|(temporality, data_points)| ExponentialHistogram { temporality, data_points }.into()),
        vec(summary_point(), 0..4).prop_map(|data_points| Summary { data_points }.into()),
    ]
}

/// Metrics of every kind.
pub(crate) fn metric() -> impl Strategy<Value = Metric> {
    (cow(), cow(), cow(), attributes(), metric_data()).prop_map(
        |(name, description, unit, metadata, data)| Metric { name, description, unit, metadata, data },
    )
}

/// Resources.
pub(crate) fn resource() -> impl Strategy<Value = Resource> {
    (attributes(), cow()).prop_map(|(attributes, schema_url)| Resource { attributes, schema_url })
}

/// Instrumentation scopes.
pub(crate) fn scope() -> impl Strategy<Value = InstrumentationScope> {
    (cow(), cow(), attributes(), dropped(), cow()).prop_map(
        |(name, version, attributes, dropped_attributes_count, schema_url)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
            schema_url,
        },
    )
}

/// Limits small enough to bite, zero and none included.
pub(crate) fn limits() -> impl Strategy<Value = Limits> {
    let some = || prop_oneof![3 => 0..6usize, 1 => Just(128usize)];
    (some(), option::of(0..8usize), prop_oneof![0..5usize, Just(64)], some(), some(), some(), some())
        .prop_map(|(attribute_count, length, depth, events, links, per_event, per_link)| Limits {
            attribute_count,
            attribute_value_length: length,
            attribute_value_depth: depth,
            events,
            links,
            attributes_per_event: per_event,
            attributes_per_link: per_link,
        })
}
