//! Read views against what prost reads from the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/proto.rs"]
mod proto;
#[path = "support/strategies.rs"]
mod strategies;

use opentelemetry_proto::tonic::common::v1::{
    AnyValue as ProtoValue, KeyValue as ProtoKeyValue, any_value::Value,
};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;
use otlp_model::view::{self, LogRecordView, MetricKind, MetricView, SpanView, ValueView};
use otlp_model::{
    AnyValue, Event, KeyValue, Limits, Link, NumberValue, SpanContext, SpanData, SpanId, SpanKind, Status,
    StatusCode, TraceFlags, TraceId, encode_metric, encode_span,
};
use proptest::prelude::*;
use prost::Message;
use proto::Doubles;

fn value(value: Option<ProtoValue>) -> AnyValue {
    match value.and_then(|value| value.value) {
        None | Some(Value::StringValueStrindex(_)) => AnyValue::Empty,
        Some(Value::StringValue(text)) => AnyValue::String(text.into()),
        Some(Value::BoolValue(value)) => AnyValue::Bool(value),
        Some(Value::IntValue(value)) => AnyValue::Int(value),
        Some(Value::DoubleValue(value)) => AnyValue::Double(value),
        Some(Value::BytesValue(bytes)) => AnyValue::Bytes(bytes),
        Some(Value::ArrayValue(array)) => {
            AnyValue::Array(array.values.into_iter().map(|element| self::value(Some(element))).collect())
        }
        Some(Value::KvlistValue(entries)) => AnyValue::Map(attributes(entries.values)),
    }
}

fn attributes(attributes: Vec<ProtoKeyValue>) -> Vec<KeyValue> {
    let attribute = |entry: ProtoKeyValue| KeyValue { key: entry.key.into(), value: value(entry.value) };
    attributes.into_iter().map(attribute).collect()
}

fn trace_id(bytes: &[u8]) -> TraceId {
    TraceId::from_slice(bytes).unwrap()
}

fn span_id(bytes: &[u8]) -> SpanId {
    SpanId::from_slice(bytes).unwrap()
}

fn context(ids: (&[u8], &[u8]), flags: u32, trace_state: &str) -> SpanContext {
    SpanContext::new(trace_id(ids.0), span_id(ids.1), TraceFlags::from_bits(flags as u8))
        .with_trace_state(trace_state.parse().unwrap_or_default())
}

/// The typed span that a generated one means.
fn span_data(span: Span) -> SpanData {
    let kinds = [
        SpanKind::Internal,
        SpanKind::Internal,
        SpanKind::Server,
        SpanKind::Client,
        SpanKind::Producer,
        SpanKind::Consumer,
    ];
    let status = span.status.unwrap_or_default();
    SpanData {
        context: context((&span.trace_id, &span.span_id), span.flags, &span.trace_state),
        parent_span_id: span_id(&span.parent_span_id),
        parent_is_remote: span.flags & 0x300 == 0x300,
        name: span.name.into(),
        kind: kinds[usize::try_from(span.kind).unwrap()],
        start_time_unix_nano: span.start_time_unix_nano,
        end_time_unix_nano: span.end_time_unix_nano,
        attributes: attributes(span.attributes),
        dropped_attributes_count: span.dropped_attributes_count,
        events: span
            .events
            .into_iter()
            .map(|event| Event {
                name: event.name.into(),
                time_unix_nano: event.time_unix_nano,
                attributes: attributes(event.attributes),
                dropped_attributes_count: event.dropped_attributes_count,
            })
            .collect(),
        dropped_events_count: span.dropped_events_count,
        links: span
            .links
            .into_iter()
            .map(|link| Link {
                context: context((&link.trace_id, &link.span_id), link.flags, &link.trace_state)
                    .with_remote(link.flags & 0x300 == 0x300),
                attributes: attributes(link.attributes),
                dropped_attributes_count: link.dropped_attributes_count,
            })
            .collect(),
        dropped_links_count: span.dropped_links_count,
        status: Status {
            code: [StatusCode::Unset, StatusCode::Ok, StatusCode::Error]
                [usize::try_from(status.code).unwrap()],
            description: status.message.into(),
        },
    }
}

fn record(message: &impl Message) -> Vec<u8> {
    [vec![0x12], message.encode_length_delimited_to_vec()].concat()
}

fn points(metric: &Metric) -> (Option<MetricKind>, usize) {
    match &metric.data {
        None => (None, 0),
        Some(Data::Gauge(data)) => (Some(MetricKind::Gauge), data.data_points.len()),
        Some(Data::Sum(data)) => (Some(MetricKind::Sum), data.data_points.len()),
        Some(Data::Histogram(data)) => (Some(MetricKind::Histogram), data.data_points.len()),
        Some(Data::ExponentialHistogram(data)) => {
            (Some(MetricKind::ExponentialHistogram), data.data_points.len())
        }
        Some(Data::Summary(data)) => (Some(MetricKind::Summary), data.data_points.len()),
    }
}

proptest! {
    #[test]
    fn traces_are_read_as_prost_reads_them(request in proto::traces(Doubles::Finite)) {
        let bytes = request.encode_to_vec();
        let resources: Vec<_> = view::traces(&bytes).resources().map(Result::unwrap).collect();
        prop_assert_eq!(resources.len(), request.resource_spans.len());
        for (view, expected) in resources.iter().zip(&request.resource_spans) {
            let resource = expected.resource.clone().unwrap_or_default();
            prop_assert_eq!(view.schema_url, &expected.schema_url);
            prop_assert_eq!(view.resource.dropped_attributes_count, resource.dropped_attributes_count);
            prop_assert_eq!(view.to_resource().unwrap().attributes, attributes(resource.attributes));
            for (view, expected) in view.scopes().map(Result::unwrap).zip(&expected.scope_spans) {
                let scope = expected.scope.clone().unwrap_or_default();
                let seen = view.to_scope().unwrap();
                prop_assert_eq!(seen.schema_url, expected.schema_url.as_str());
                prop_assert_eq!((seen.name, seen.version), (scope.name.into(), scope.version.into()));
                prop_assert_eq!(seen.attributes, attributes(scope.attributes));
                prop_assert_eq!(seen.dropped_attributes_count, scope.dropped_attributes_count);
            }
        }
        let spans: Vec<_> = view::traces(&bytes).items().map(|span| span.unwrap().to_span_data().unwrap()).collect();
        let expected = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        let expected: Vec<_> = expected.flat_map(|scope| scope.spans).map(span_data).collect();
        prop_assert_eq!(spans, expected);
    }

    #[test]
    fn span_records_are_read_as_prost_reads_them(span in proto::span(Doubles::Finite)) {
        // conf: MODEL-06
        let bytes = record(&span);
        let view = SpanView::from_record(&bytes).unwrap();
        prop_assert_eq!((view.raw_flags, view.trace_state), (span.flags, span.trace_state.as_str()));
        prop_assert_eq!(view.to_span_data().unwrap(), span_data(span));
    }

    #[test]
    fn logs_are_read_as_prost_reads_them(request in proto::logs(Doubles::Finite)) {
        // conf: MODEL-07
        let bytes = request.encode_to_vec();
        let views: Vec<_> = view::logs(&bytes).items().map(Result::unwrap).collect();
        let expected = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        let expected: Vec<_> = expected.flat_map(|scope| scope.log_records).collect();
        prop_assert_eq!(views.len(), expected.len());
        for (view, expected) in views.into_iter().zip(expected) {
            let log = view.to_log_record().unwrap();
            prop_assert_eq!(log.time_unix_nano, expected.time_unix_nano);
            prop_assert_eq!(log.observed_time_unix_nano, expected.observed_time_unix_nano);
            prop_assert_eq!(i32::from(log.severity.number()), expected.severity_number);
            prop_assert_eq!(log.severity_text, expected.severity_text);
            prop_assert_eq!(log.body, expected.body.map(|body| value(Some(body))));
            prop_assert_eq!(log.attributes, attributes(expected.attributes));
            prop_assert_eq!(log.dropped_attributes_count, expected.dropped_attributes_count);
            prop_assert_eq!(log.flags.bits(), expected.flags as u8);
            prop_assert_eq!(log.trace_id, trace_id(&expected.trace_id));
            prop_assert_eq!(log.span_id, span_id(&expected.span_id));
            prop_assert_eq!(log.event_name, expected.event_name);
        }
    }

    #[test]
    fn metrics_are_read_as_prost_reads_them(metric in proto::metric(Doubles::Finite)) {
        let bytes = record(&metric);
        let view = MetricView::from_record(&bytes).unwrap();
        let (kind, count) = points(&metric);
        prop_assert_eq!((view.kind, view.data_point_count().unwrap()), (kind, count as u64));
        let Metric { name, description, unit, metadata, data } = metric;
        prop_assert_eq!((view.name, view.description, view.unit), (&*name, &*description, &*unit));
        prop_assert_eq!(view.metadata.to_key_values().unwrap(), attributes(metadata));
        let views: Vec<_> = view.data_points().map(Result::unwrap).collect();
        prop_assert_eq!(views.len(), count);
        // Attributes, times, flags, number, count and sum of every point, as both see them.
        let seen: Vec<_> = views
            .iter()
            .map(|point| {
                let times = (point.start_time_unix_nano, point.time_unix_nano);
                let what = (point.number, point.count, point.sum);
                (point.attributes.to_key_values().unwrap(), times, point.flags.bits(), what)
            })
            .collect();
        macro_rules! expected {
            ($data:expr, |$point:ident| $what:expr) => {
                $data
                    .data_points
                    .into_iter()
                    .map(|$point| {
                        let what = $what;
                        let times = ($point.start_time_unix_nano, $point.time_unix_nano);
                        (attributes($point.attributes), times, $point.flags, what)
                    })
                    .collect::<Vec<_>>()
            };
        }
        let number = |value: Option<number_data_point::Value>| value.map(|value| match value {
            number_data_point::Value::AsInt(value) => NumberValue::Int(value),
            number_data_point::Value::AsDouble(value) => NumberValue::Double(value),
        });
        let expected = match data {
            None => vec![],
            Some(Data::Gauge(data)) => expected!(data, |point| (number(point.value), None, None)),
            Some(Data::Sum(data)) => {
                prop_assert_eq!(view.is_monotonic, data.is_monotonic);
                prop_assert_eq!(view.temporality.map_or(0, |it| it as i32), data.aggregation_temporality);
                expected!(data, |point| (number(point.value), None, None))
            }
            Some(Data::Histogram(data)) => {
                prop_assert_eq!(view.temporality.map_or(0, |it| it as i32), data.aggregation_temporality);
                expected!(data, |point| (None, Some(point.count), point.sum))
            }
            Some(Data::ExponentialHistogram(data)) => {
                prop_assert_eq!(view.temporality.map_or(0, |it| it as i32), data.aggregation_temporality);
                expected!(data, |point| (None, Some(point.count), point.sum))
            }
            Some(Data::Summary(data)) => expected!(data, |point| (None, Some(point.count), Some(point.sum))),
        };
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn owned_metrics_are_what_was_written(metric in strategies::metric()) {
        // conf: MODEL-22
        let mut bytes = Vec::new();
        encode_metric(&metric, &mut bytes);
        let owned = MetricView::from_record(&bytes).unwrap().to_metric().unwrap().unwrap();
        // Compared as bytes: what is no number equals nothing.
        let mut again = Vec::new();
        encode_metric(&owned, &mut again);
        prop_assert_eq!(again, bytes, "{:?}", owned);
    }

    #[test]
    fn metrics_are_found_in_their_request(request in proto::metrics(Doubles::Finite)) {
        let bytes = request.encode_to_vec();
        let names: Vec<_> = view::metrics(&bytes).items().map(|metric| metric.unwrap().name).collect();
        let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
        let expected: Vec<_> = scopes.flat_map(|scope| &scope.metrics).map(|metric| metric.name.as_str()).collect();
        prop_assert_eq!(names, expected);
    }

    #[test]
    fn any_bytes_are_survived(
        request in proto::traces(Doubles::Any),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = request.encode_to_vec();
        bytes.push(0);
        for (position, byte) in flips {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        for span in view::traces(&bytes).items() {
            let _ = span.and_then(|span| span.to_span_data());
        }
        for log in view::logs(&bytes).items() {
            let _ = log.and_then(|log| log.to_log_record());
        }
        for metric in view::metrics(&bytes).items().flatten() {
            let _ = (metric.data_point_count(), metric.to_metric());
            for point in metric.data_points().flatten() {
                let _ = point.attributes.to_key_values();
            }
        }
        let _ = (SpanView::from_record(&bytes), LogRecordView::from_record(&bytes), MetricView::from_record(&bytes));
    }
}

#[test]
fn reserved_bits_of_flags_are_masked() {
    // conf: MODEL-06, MODEL-07
    for (raw, flags, is_remote) in [
        (0, 0, None),
        (0xffff_fc01, 1, None),
        (0xffff_fd03, 3, Some(false)),
        (0xffff_ffff, 0xff, Some(true)),
        (0x200, 0, None),
    ] {
        let bytes = record(&Span { flags: raw, ..Span::default() });
        let span = SpanView::from_record(&bytes).unwrap();
        assert_eq!((span.flags().bits(), span.parent_is_remote(), span.raw_flags), (flags, is_remote, raw));
        // Field 8 of a log record.
        let log = [&[0x12, 5, 0x45][..], &raw.to_le_bytes()].concat();
        assert_eq!(LogRecordView::from_record(&log).unwrap().flags.bits(), flags);
    }
}

#[test]
fn fields_of_profiles_and_unknown_ones_are_absent() {
    // conf: MODEL-12, MODEL-33
    let strindex = ProtoValue { value: Some(Value::StringValueStrindex(7)) };
    let span = Span {
        attributes: vec![ProtoKeyValue { key: "k".into(), value: Some(strindex), key_strindex: 9 }],
        ..Span::default()
    };
    let mut bytes = span.encode_to_vec();
    bytes.extend(b"\xf8\x3f\x07\x2a\x01n");
    let bytes = [vec![0x12, bytes.len() as u8], bytes].concat();
    let span = SpanView::from_record(&bytes).unwrap();
    assert_eq!(span.name, "n");
    assert_eq!(span.attributes.get("k").unwrap(), Some(ValueView::Empty));
    assert_eq!(span.attributes.get("x").unwrap(), None);
}

#[test]
fn ids_of_a_wrong_length_are_invalid_ids() {
    // conf: MODEL-02
    let span =
        Span { trace_id: vec![1; 15], span_id: vec![1; 9], parent_span_id: vec![1], ..Span::default() };
    let bytes = record(&span);
    let view = SpanView::from_record(&bytes).unwrap();
    assert_eq!((view.trace_id, view.span_id, view.parent_span_id), Default::default());
}

#[test]
fn errors_tell_the_byte() {
    // A request whose only span has a name that is not UTF-8.
    let error = view::traces(b"\x0a\x09\x12\x07\x12\x05\x2a\x03a\xffb").items().next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "malformed protobuf at byte 9: a string field is not valid UTF-8");
    for bytes in [&b""[..], b"\x0a\x00", b"\x12\x00\x12\x00", b"\x10\x00", b"\x12\x01"] {
        assert!(SpanView::from_record(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn values_cannot_nest_without_end() {
    let nest = |bytes: &[u8], tag: u8| {
        let mut nested = vec![tag];
        prost::encode_length_delimiter(bytes.len(), &mut nested).unwrap();
        nested.extend(bytes);
        nested
    };
    // Record 1, attribute 2, value 3; every array adds two, and the innermost value one.
    let record = |arrays: usize| {
        let value = (0..arrays).fold(Vec::new(), |value, _| nest(&nest(&value, 0x0a), 0x2a));
        nest(&nest(&nest(&value, 0x12), 0x4a), 0x12)
    };
    assert!(SpanView::from_record(&record(48)).unwrap().to_span_data().is_ok());
    let deep = record(20_000);
    let error = SpanView::from_record(&deep).unwrap().to_span_data().unwrap_err();
    assert!(error.to_string().contains("messages nest deeper than 100 levels"), "{error}");
}

#[test]
fn what_the_writer_writes_is_read_back() {
    let context =
        SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED)
            .with_trace_state("a=1,b=2".parse().unwrap());
    let mut span = SpanData::new(context.clone(), "GET", 5, u64::MAX);
    span.parent_span_id = SpanId::from_bytes([3; 8]);
    span.parent_is_remote = true;
    span.kind = SpanKind::Consumer;
    let map = AnyValue::Map(vec![KeyValue::new("x", vec!["y", ""]), KeyValue::new("z", AnyValue::Empty)]);
    span.attributes = vec![KeyValue::new("k", -1), KeyValue::new("m", map)];
    let attributes = span.attributes.clone();
    span.events = vec![
        Event { name: "e".into(), time_unix_nano: 9, attributes, dropped_attributes_count: 2 },
        Event::default(),
    ];
    let context = context.with_remote(true);
    span.links =
        vec![Link { context, attributes: vec![KeyValue::new("l", 1.5)], dropped_attributes_count: 3 }];
    span.dropped_attributes_count = 4;
    span.dropped_events_count = 5;
    span.dropped_links_count = 6;
    span.status = Status { code: StatusCode::Error, description: "broken".into() };
    let mut record = Vec::new();
    encode_span(&span, &Limits::default(), &mut record);
    assert_eq!(SpanView::from_record(&record).unwrap().to_span_data().unwrap(), span);
}
