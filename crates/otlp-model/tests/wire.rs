//! The wire writer against prost: what `opentelemetry-proto` decodes from our bytes is what the oracle says the typed
//! value means.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/strategies.rs"]
mod strategies;

use opentelemetry_proto::tonic::logs::v1::{self as logs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{self as metrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{self as trace, ScopeSpans};
use otlp_model::*;
use proptest::prelude::*;
use prost::Message;

/// A record is a field of its scope's message, so that is what it is decoded as.
fn decode_span(record: &[u8]) -> trace::Span {
    let mut scope = ScopeSpans::decode(record).unwrap();
    assert_eq!((scope.spans.len(), &scope.scope, &*scope.schema_url), (1, &None, ""));
    scope.spans.remove(0)
}

fn decode_log(record: &[u8]) -> logs::LogRecord {
    let mut scope = ScopeLogs::decode(record).unwrap();
    assert_eq!((scope.log_records.len(), &scope.scope, &*scope.schema_url), (1, &None, ""));
    scope.log_records.remove(0)
}

fn decode_metric(record: &[u8]) -> metrics::Metric {
    let mut scope = ScopeMetrics::decode(record).unwrap();
    assert_eq!((scope.metrics.len(), &scope.scope, &*scope.schema_url), (1, &None, ""));
    scope.metrics.remove(0)
}

fn encoded(span: &SpanData, limits: &Limits) -> trace::Span {
    let mut record = Vec::new();
    encode_span(span, limits, &mut record);
    decode_span(&record)
}

proptest! {
    #[test]
    fn any_span_is_what_the_oracle_says(span in strategies::span(), limits in strategies::limits()) {
        // conf: MODEL-02, MODEL-03, MODEL-04, MODEL-05, MODEL-08, MODEL-10, MODEL-11, MODEL-15, MODEL-16, MODEL-17
        // conf: MODEL-18, LIM-04, LIM-05, LIM-06, LIM-07, LIM-09, LIM-10, LIM-14
        prop_assert_eq!(encoded(&span, &limits), oracle::span(&span, &limits));
        prop_assert_eq!(encoded(&span, &Limits::default()), oracle::span(&span, &Limits::default()));
    }

    #[test]
    fn any_log_is_what_the_oracle_says(log in strategies::log(), limits in strategies::limits()) {
        // conf: MODEL-07, MODEL-08, MODEL-30, MODEL-31, LIM-04, LIM-06, LIM-07, LIM-10, LIM-13, LOG-06, LOG-07, LOG-16
        let mut record = Vec::new();
        encode_log(&log, &limits, &mut record);
        prop_assert_eq!(decode_log(&record), oracle::log(&log, &limits));
    }

    #[test]
    fn any_metric_is_what_the_oracle_says(metric in strategies::metric()) {
        // conf: MODEL-08, MODEL-21, MODEL-22, MODEL-24, MODEL-25, MODEL-27, MODEL-29, MODEL-34, METR-30
        let mut record = Vec::new();
        let items = encode_metric(&metric, &mut record);
        prop_assert_eq!(items as usize, metric.data_points());
        prop_assert_eq!(decode_metric(&record), oracle::metric(&metric));
    }

    #[test]
    fn records_are_appended_and_framed_exactly(
        span in strategies::span(), log in strategies::log(), metric in strategies::metric(),
    ) {
        // Length and nothing else: neighbours are not touched, and the length is the shortest form.
        let limits = Limits::default();
        let group = GroupId(7);
        let mut all = b"before".to_vec();
        encode_span(&span, &limits, &mut all);
        encode_log(&log, &limits, &mut all);
        encode_metric(&metric, &mut all);
        let records = [span.to_record(group, &limits), log.to_record(group, &limits), metric.to_record(group)];
        let mut expected = b"before".to_vec();
        records.iter().for_each(|record| expected.extend_from_slice(&record.bytes));
        prop_assert_eq!(&all, &expected);
        for record in &records {
            prop_assert_eq!(record.group, group);
            let body = prost::decode_length_delimiter(&record.bytes[1..]).unwrap();
            prop_assert_eq!(record.bytes[0], 0x12);
            prop_assert_eq!(record.bytes.len(), 1 + prost::length_delimiter_len(body) + body);
        }
        prop_assert_eq!(records[0].items + records[1].items, 2);
        prop_assert_eq!(records[2].items as usize, metric.data_points());
    }
}

fn sampled() -> SpanData {
    let context = SpanContext::new(
        TraceId::from_bytes([0xab; 16]),
        SpanId::from_bytes([0xcd; 8]),
        TraceFlags::from_bits(3),
    );
    SpanData::new(context, "GET", 1_000, 2_000)
}

#[test]
fn a_root_has_no_parent_and_a_known_local_one() {
    // conf: MODEL-03, MODEL-04
    let span = encoded(&SpanData { parent_is_remote: true, ..sampled() }, &Limits::default());
    assert_eq!((span.parent_span_id.len(), span.flags), (0, 0x103));
}

#[test]
fn the_parents_place_is_in_the_flags() {
    // conf: MODEL-04
    for (parent_is_remote, flags) in [(false, 0x103), (true, 0x303)] {
        let parent_span_id = SpanId::from_bytes([1; 8]);
        let span = SpanData { parent_span_id, parent_is_remote, ..sampled() };
        let span = encoded(&span, &Limits::default());
        assert_eq!((&*span.parent_span_id, span.flags), (&[1; 8][..], flags));
    }
}

#[test]
fn a_links_flags_describe_the_linked_context() {
    // conf: MODEL-05
    let mut span = sampled();
    let linked = sampled().context;
    for is_remote in [false, true] {
        let context = linked.clone().with_remote(is_remote);
        span.links.push(Link { context, ..Link::default() });
    }
    let flags: Vec<_> = encoded(&span, &Limits::default()).links.iter().map(|link| link.flags).collect();
    assert_eq!(flags, [0x103, 0x303]);
}

#[test]
fn a_link_without_valid_context_is_kept_for_what_else_it_says() {
    // conf: SPAN-18, MODEL-02
    let mut span = sampled();
    span.links.push(Link::default());
    span.links.push(Link { attributes: vec![KeyValue::new("k", 1)], ..Link::default() });
    let span = encoded(&span, &Limits::default());
    assert_eq!((span.links.len(), span.dropped_links_count), (1, 0));
    assert!(span.links[0].trace_id.is_empty() && span.links[0].span_id.is_empty());
}

#[test]
fn an_internal_span_is_the_default_and_unspecified_is_never_written() {
    // conf: MODEL-15
    assert_eq!(encoded(&sampled(), &Limits::default()).kind, trace::span::SpanKind::Internal as i32);
}

#[test]
fn an_unset_status_is_absent_and_only_errors_describe_themselves() {
    // conf: MODEL-16, SPAN-15
    let status = |code, description: &'static str| {
        let status = Status { code, description: description.into() };
        encoded(&SpanData { status, ..sampled() }, &Limits::default()).status
    };
    assert_eq!(status(StatusCode::Unset, "no"), None);
    assert_eq!(status(StatusCode::Ok, "no"), Some(trace::Status { message: String::new(), code: 1 }));
    assert_eq!(status(StatusCode::Error, "why"), Some(trace::Status { message: "why".into(), code: 2 }));
}

#[test]
fn times_are_written_as_given_even_out_of_order() {
    // conf: MODEL-17, SPAN-16
    let mut span = SpanData { start_time_unix_nano: 9, end_time_unix_nano: 3, ..sampled() };
    span.events.push(Event { name: "before".into(), time_unix_nano: 1, ..Event::default() });
    let span = encoded(&span, &Limits::default());
    let times = (span.start_time_unix_nano, span.end_time_unix_nano, span.events[0].time_unix_nano);
    assert_eq!(times, (9, 3, 1));
}

#[test]
fn zero_empty_and_null_values_survive() {
    // conf: MODEL-11
    let mut span = sampled();
    let nulls = AnyValue::Array(vec![AnyValue::Empty, AnyValue::Int(0), AnyValue::Empty]);
    let empties = [
        ("empty", AnyValue::Empty),
        ("zero", AnyValue::Int(0)),
        ("false", AnyValue::Bool(false)),
        ("0.0", AnyValue::Double(0.0)),
        ("text", AnyValue::from("")),
        ("bytes", AnyValue::Bytes(Vec::new())),
        ("array", AnyValue::Array(Vec::new())),
        ("map", AnyValue::Map(Vec::new())),
        ("nulls", nulls),
    ];
    span.attributes = empties.map(|(key, value)| KeyValue::new(key, value)).to_vec();
    let written = encoded(&span, &Limits::default()).attributes;
    for (written, meant) in written.iter().zip(&span.attributes) {
        let expected = oracle::value(&meant.value, 1, &Limits::default());
        assert_eq!(written.value.as_ref(), Some(&expected), "{}", meant.key);
        assert_eq!(expected.value.is_none(), meant.key == "empty");
    }
    assert_eq!(written.len(), 9);
}

#[test]
fn not_a_number_stays_the_same_bits() {
    // conf: MODEL-34
    let bits = 0x7ff8_0000_dead_beef;
    let span = SpanData { attributes: vec![KeyValue::new("nan", f64::from_bits(bits))], ..sampled() };
    let value = encoded(&span, &Limits::default()).attributes.remove(0).value.unwrap().value;
    let Some(opentelemetry_proto::tonic::common::v1::any_value::Value::DoubleValue(value)) = value else {
        panic!("{value:?}")
    };
    assert_eq!(value.to_bits(), bits);
}

#[test]
fn keys_differ_by_case_and_an_empty_key_is_counted() {
    // conf: MODEL-09, MODEL-18
    let keys = ["key", "Key", "", "key"];
    let attributes = keys.iter().zip(0i64..).map(|(&key, value)| KeyValue::new(key, value)).collect();
    let span = encoded(&SpanData { attributes, ..sampled() }, &Limits::default());
    let keys: Vec<_> = span.attributes.iter().map(|attribute| &*attribute.key).collect();
    assert_eq!((keys, span.dropped_attributes_count), (vec!["key", "Key"], 1));
}

#[test]
fn string_tables_are_never_referred_to() {
    // conf: MODEL-12
    let attributes = vec![KeyValue::new("k", AnyValue::Map(vec![KeyValue::new("inner", "v")]))];
    let span = encoded(&SpanData { attributes, ..sampled() }, &Limits::default());
    assert!(span.attributes.iter().all(|attribute| attribute.key_strindex == 0 && !attribute.key.is_empty()));
}

#[test]
fn overwriting_at_the_limit_is_no_loss() {
    // conf: LIM-04, LIM-10
    let limits = Limits { attribute_count: 2, ..Limits::default() };
    let attributes = ["a", "b", "c", "a", "c"].iter().zip(0i64..);
    let attributes = attributes.map(|(&key, value)| KeyValue::new(key, value)).collect();
    let span = encoded(&SpanData { attributes, ..sampled() }, &limits);
    assert_eq!(span.attributes[0].value, Some(oracle::value(&AnyValue::Int(3), 1, &limits)));
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (2, 2));
}

#[test]
fn entries_of_a_map_do_not_count() {
    // conf: LIM-05
    let limits = Limits { attribute_count: 1, ..Limits::default() };
    let map = AnyValue::Map((0..200).map(|at| KeyValue::new(at.to_string(), at)).collect());
    let span =
        encoded(&SpanData { attributes: vec![KeyValue::new("map", map.clone())], ..sampled() }, &limits);
    assert_eq!(span.attributes[0].value, Some(oracle::value(&map, 1, &limits)));
    assert_eq!(span.dropped_attributes_count, 0);
}

#[test]
fn texts_are_cut_by_characters_and_bytes_by_bytes() {
    // conf: LIM-06, LIM-14
    let text = |limit| {
        let limits = Limits { attribute_value_length: Some(limit), ..Limits::default() };
        let list =
            AnyValue::Array(vec![AnyValue::from("añb€c😀d"), AnyValue::Bytes(vec![1, 2, 3]), 12345.into()]);
        let span = encoded(&SpanData { attributes: vec![KeyValue::new("k", list)], ..sampled() }, &limits);
        assert_eq!(span.dropped_attributes_count, 0);
        span.attributes[0].value.clone().unwrap()
    };
    let expected = |text: &'static str, bytes: &[u8]| {
        let list = vec![AnyValue::from(text), AnyValue::Bytes(bytes.to_vec()), 12345.into()];
        oracle::value(&AnyValue::Array(list), 1, &Limits::UNLIMITED)
    };
    assert_eq!(text(0), expected("", &[]));
    assert_eq!(text(2), expected("añ", &[1, 2]));
    assert_eq!(text(6), expected("añb€c😀", &[1, 2, 3]));
    assert_eq!(text(7), expected("añb€c😀d", &[1, 2, 3]));
}

/// Arrays within arrays, `levels` of them, around a number.
fn nested(levels: usize) -> AnyValue {
    (0..levels).fold(AnyValue::Int(1), |inner, _| AnyValue::Array(vec![inner]))
}

#[test]
fn what_nests_too_deep_becomes_empty() {
    // conf: LIM-07
    let limits = Limits { attribute_value_depth: 2, ..Limits::default() };
    let attributes = vec![KeyValue::new("two", nested(2)), KeyValue::new("three", nested(3))];
    let span = encoded(&SpanData { attributes, ..sampled() }, &limits);
    let expected = AnyValue::Array(vec![AnyValue::Array(vec![AnyValue::Empty])]);
    assert_eq!(span.attributes[0].value, Some(oracle::value(&nested(2), 1, &Limits::UNLIMITED)));
    assert_eq!(span.attributes[1].value, Some(oracle::value(&expected, 1, &Limits::UNLIMITED)));
}

#[test]
fn hopeless_nesting_is_cut_off_where_nothing_else_limits_it() {
    // conf: LIM-07, LIM-13
    let levels = |value: AnyValue| {
        let mut record = Vec::new();
        let body = Some(value);
        encode_log(&LogRecord { body, ..LogRecord::default() }, &Limits::default(), &mut record);
        // Each level is an AnyValue and an ArrayValue, each with a tag and a length of at least one byte.
        (record.len() - 2) / 4
    };
    assert!(levels(nested(20)) >= 20);
    let deepest = levels(nested(Limits::MAX_DEPTH + 2));
    assert_eq!(levels(nested(1_000)), deepest);
}

#[test]
fn events_links_and_their_attributes_are_limited_and_counted() {
    // conf: LIM-09, LIM-10, MODEL-18
    let limits =
        Limits { events: 1, links: 2, attributes_per_event: 1, attributes_per_link: 0, ..Limits::default() };
    let attributes = vec![KeyValue::new("a", 1), KeyValue::new("b", 2)];
    let event = Event { name: "e".into(), attributes: attributes.clone(), ..Event::default() };
    let link = Link { context: sampled().context, attributes, ..Link::default() };
    let span = SpanData { events: vec![event; 3], links: vec![link; 3], ..sampled() };
    let span = encoded(&span, &limits);
    assert_eq!((span.events.len(), span.dropped_events_count), (1, 2));
    assert_eq!((span.links.len(), span.dropped_links_count), (2, 1));
    assert_eq!((span.events[0].attributes.len(), span.events[0].dropped_attributes_count), (1, 1));
    assert_eq!((span.links[0].attributes.len(), span.links[0].dropped_attributes_count), (0, 2));
}

#[test]
fn a_limit_of_zero_keeps_nothing() {
    // conf: LIM-14
    let limits =
        Limits { attribute_count: 0, events: 0, links: 0, attribute_value_depth: 0, ..Limits::default() };
    let span = SpanData {
        attributes: vec![KeyValue::new("a", 1)],
        events: vec![Event::default()],
        links: vec![Link { context: sampled().context, ..Link::default() }],
        ..sampled()
    };
    let span = encoded(&span, &limits);
    assert!(span.attributes.is_empty() && span.events.is_empty() && span.links.is_empty());
    let dropped = [span.dropped_attributes_count, span.dropped_events_count, span.dropped_links_count];
    assert_eq!(dropped, [1, 1, 1]);
}

#[test]
fn the_defaults_are_the_specifications() {
    // conf: LIM-04, LIM-06, LIM-07, LIM-09
    let Limits { attribute_count, attribute_value_length, attribute_value_depth, .. } = Limits::default();
    assert_eq!((attribute_count, attribute_value_length, attribute_value_depth), (128, None, 64));
    let Limits { events, links, attributes_per_event, attributes_per_link, .. } = Limits::default();
    assert_eq!([events, links, attributes_per_event, attributes_per_link], [128; 4]);
}

#[test]
fn metrics_are_exempt_from_limits() {
    // conf: LIM-12, METR-30
    let attributes = (0..200).map(|at| KeyValue::new(at.to_string(), "x".repeat(1_000))).collect();
    let point = NumberDataPoint { attributes, ..NumberDataPoint::new(1, 2, 3) };
    let metric = Metric::new("m", Gauge { data_points: vec![point] });
    let mut record = Vec::new();
    encode_metric(&metric, &mut record);
    assert_eq!(decode_metric(&record), oracle::metric(&metric));
}

#[test]
fn a_log_has_no_remote_bits_and_no_span_without_its_trace() {
    // conf: MODEL-07, MODEL-30, LOG-16
    let decoded = |log: LogRecord| {
        let mut record = Vec::new();
        encode_log(&log, &Limits::default(), &mut record);
        decode_log(&record)
    };
    let (trace_id, span_id) = (TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]));
    let log = LogRecord { span_id, flags: TraceFlags::from_bits(0xff), ..LogRecord::default() };
    let orphan = decoded(log.clone());
    assert_eq!((orphan.trace_id.len(), orphan.span_id.len(), orphan.flags), (0, 0, 0));
    let child = decoded(LogRecord { trace_id, ..log });
    assert_eq!((child.trace_id.len(), child.span_id.len(), child.flags), (16, 8, 0xff));
}

#[test]
fn an_event_has_a_name_and_a_body_may_be_empty() {
    // conf: MODEL-11, MODEL-31
    for (body, expected) in [(None, None), (Some(AnyValue::Empty), Some(Default::default()))] {
        let log = LogRecord { body, event_name: "device.online".into(), ..LogRecord::default() };
        let mut record = Vec::new();
        encode_log(&log, &Limits::default(), &mut record);
        let log = decode_log(&record);
        assert_eq!((&*log.event_name, log.body), ("device.online", expected));
    }
}

#[test]
fn presence_tells_zero_from_nothing() {
    // conf: MODEL-21, MODEL-24, MODEL-27
    let zero =
        HistogramDataPoint { sum: Some(0.0), min: Some(0.0), max: None, ..HistogramDataPoint::default() };
    let histogram = Histogram { temporality: Temporality::Delta, data_points: vec![zero] };
    let stale = NumberDataPoint { flags: DataPointFlags::NO_RECORDED_VALUE, ..NumberDataPoint::default() };
    let gauge =
        Gauge { data_points: vec![NumberDataPoint::new(0, 1, 0), NumberDataPoint::new(0, 1, 0.0), stale] };
    for metric in [Metric::new("h", histogram), Metric::new("g", gauge)] {
        let mut record = Vec::new();
        encode_metric(&metric, &mut record);
        let decoded = decode_metric(&record);
        assert_eq!(decoded, oracle::metric(&metric));
        if let Some(metrics::metric::Data::Histogram(histogram)) = decoded.data {
            let point = &histogram.data_points[0];
            assert_eq!((point.sum, point.min, point.max), (Some(0.0), Some(0.0), None));
        }
    }
}
