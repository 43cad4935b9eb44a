//! The rules of OTLP/JSON one by one.
#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{Histogram, HistogramDataPoint, Metric, metric::Data};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span::Link};
use otlp_model::Signal;
use otlp_model::json::{Error, request_from_json, request_to_json};
use prost::Message;

/// The span with these JSON members, as prost reads it.
fn span(members: &str) -> Result<Span, Error> {
    let json = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{{members}}}]}}]}}]}}"#);
    let protobuf = request_from_json(Signal::Traces, json.as_bytes())?;
    let mut request = ExportTraceServiceRequest::decode(&*protobuf).unwrap();
    Ok(request.resource_spans.remove(0).scope_spans.remove(0).spans.remove(0))
}

/// The log record with these JSON members.
fn log(members: &str) -> Result<LogRecord, Error> {
    let json = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{members}}}]}}]}}]}}"#);
    let protobuf = request_from_json(Signal::Logs, json.as_bytes())?;
    let mut request = ExportLogsServiceRequest::decode(&*protobuf).unwrap();
    Ok(request.resource_logs.remove(0).scope_logs.remove(0).log_records.remove(0))
}

/// The metric with these JSON members.
fn metric(members: &str) -> Result<Metric, Error> {
    let json = format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{{members}}}]}}]}}]}}"#);
    let protobuf = request_from_json(Signal::Metrics, json.as_bytes())?;
    let mut request = ExportMetricsServiceRequest::decode(&*protobuf).unwrap();
    Ok(request.resource_metrics.remove(0).scope_metrics.remove(0).metrics.remove(0))
}

fn histogram_point(members: &str) -> Result<HistogramDataPoint, Error> {
    match metric(&format!(r#""histogram":{{"dataPoints":[{{{members}}}]}}"#))?.data {
        Some(Data::Histogram(Histogram { mut data_points, .. })) => Ok(data_points.remove(0)),
        other => panic!("{other:?}"),
    }
}

/// The value of this JSON, as a log's body.
fn body(json: &str) -> Result<Option<Value>, Error> {
    Ok(log(&format!(r#""body":{json}"#))?.body.and_then(|body| body.value))
}

/// Just the members of one span or log body in our JSON.
fn span_json(span: Span) -> String {
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    let resource_spans = vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }];
    let protobuf = ExportTraceServiceRequest { resource_spans }.encode_to_vec();
    let json = String::from_utf8(request_to_json(Signal::Traces, &protobuf).unwrap()).unwrap();
    let json = json.strip_prefix(r#"{"resourceSpans":[{"scopeSpans":[{"spans":["#).unwrap();
    json.strip_suffix("]}]}]}").unwrap().to_owned()
}

fn value_json(value: Option<Value>) -> String {
    let attributes =
        vec![KeyValue { key: "k".into(), value: Some(AnyValue { value }), ..KeyValue::default() }];
    let json = span_json(Span { attributes, ..Span::default() });
    json.strip_prefix(r#"{"attributes":[{"key":"k","value":"#)
        .unwrap()
        .strip_suffix("}]}")
        .unwrap()
        .to_owned()
}

/// A field of one message: short enough for a length of one byte.
fn nest(bytes: Vec<u8>, tag: u8) -> Vec<u8> {
    [vec![tag, bytes.len().try_into().unwrap()], bytes].concat()
}

fn metric_json(metric: Metric) -> String {
    // Fields 1, 2 and 2 of request, resource and scope.
    let protobuf = nest(nest(nest(metric.encode_to_vec(), 0x12), 0x12), 0x0a);
    let json = String::from_utf8(request_to_json(Signal::Metrics, &protobuf).unwrap()).unwrap();
    json.strip_prefix(r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":["#)
        .and_then(|json| json.strip_suffix("]}]}]}"))
        .unwrap()
        .to_owned()
}

#[test]
fn a_span_is_written_by_the_rules() {
    // conf: JSON-02, JSON-03, JSON-05, JSON-06, JSON-08, JSON-12
    let span = Span {
        trace_id: (0..16).map(|byte| byte * 17).collect(),
        span_id: vec![0xab; 8],
        trace_state: "a=b".into(),
        flags: 0x101,
        name: "GET \"/\"\n".into(),
        kind: 2,
        start_time_unix_nano: u64::MAX,
        end_time_unix_nano: 1,
        dropped_attributes_count: u32::MAX,
        links: vec![Link { trace_id: vec![0; 16], ..Link::default() }],
        status: Some(Status { code: 2, message: "é".into() }),
        ..Span::default()
    };
    let json = concat!(
        r#"{"traceId":"00112233445566778899aabbccddeeff","spanId":"abababababababab","traceState":"a=b","flags":257,"#,
        r#""name":"GET \"/\"\n","kind":2,"startTimeUnixNano":"18446744073709551615","endTimeUnixNano":"1","#,
        r#""droppedAttributesCount":4294967295,"links":[{"traceId":"00000000000000000000000000000000"}],"#,
        r#""status":{"message":"é","code":2}}"#,
    );
    assert_eq!(span_json(span), json);
    assert_eq!(span_json(Span::default()), "{}");
}

#[test]
fn ids_are_hexadecimal_in_either_case() {
    // conf: JSON-03, JSON-11
    let read =
        span(r#""traceId":"00112233445566778899AABBccddeeff","spanId":"","parentSpanId":"ABABabababababab""#);
    let read = read.unwrap();
    assert_eq!(read.trace_id, (0..16).map(|byte| byte * 17).collect::<Vec<u8>>());
    assert_eq!((read.span_id, read.parent_span_id), (vec![], vec![0xab; 8]));
    for (text, message) in [
        ("abc", "expected 32 hexadecimal digits"),
        ("abcd", "expected 32 hexadecimal digits, found 4"),
        ("ABEiM0RVZneImaq7zN3u/w==", "expected 32 hexadecimal digits"),
        ("é0112233445566778899AABBccddeef", "expected 32 hexadecimal digits"),
        ("+1112233445566778899AABBccddeeff", "expected 32 hexadecimal digits"),
    ] {
        let error = span(&format!(r#""traceId":"{text}""#)).unwrap_err();
        assert_eq!(error.path(), "resourceSpans[0].scopeSpans[0].spans[0].traceId");
        assert!(error.to_string().contains(message), "{error}");
    }
}

#[test]
fn bytes_are_base64_of_any_kind() {
    // conf: JSON-04
    let bytes = vec![0xfb, 0xff, 0xfe, 0x01];
    assert_eq!(value_json(Some(Value::BytesValue(bytes.clone()))), r#"{"bytesValue":"+//+AQ=="}"#);
    for text in ["+//+AQ==", "+//+AQ", "-__-AQ==", "-__-AQ"] {
        let json = format!(r#"{{"bytesValue":"{text}"}}"#);
        assert_eq!(body(&json).unwrap(), Some(Value::BytesValue(bytes.clone())), "{text}");
    }
    for text in ["+/_-", "a", "é", "+//+AQ=A"] {
        assert!(body(&format!(r#"{{"bytesValue":"{text}"}}"#)).is_err(), "{text}");
    }
}

#[test]
fn integers_may_be_numbers_or_text() {
    // conf: JSON-06, JSON-07
    for json in ["3", "\"3\"", "3.0", "30e-1", "\"3.0\"", "0.3E1"] {
        let members = format!(
            r#""startTimeUnixNano":{json},"droppedEventsCount":{json},"flags":{json},"kind":{json},
            "attributes":[{{"value":{{"intValue":{json}}}}}]"#
        );
        let span = span(&members).unwrap();
        let seen = (span.start_time_unix_nano, span.dropped_events_count, span.flags, span.kind);
        assert_eq!(seen, (3, 3, 3, 3), "{json}");
        assert_eq!(span.attributes[0].value.clone().unwrap().value, Some(Value::IntValue(3)), "{json}");
    }
    let extremes =
        histogram_point(r#""count":18446744073709551615,"bucketCounts":["18446744073709551615",0]"#);
    let extremes = extremes.unwrap();
    assert_eq!((extremes.count, extremes.bucket_counts), (u64::MAX, vec![u64::MAX, 0]));
    for json in ["-9223372036854775808", "\"-9223372036854775808\""] {
        let json = format!(r#"{{"intValue":{json}}}"#);
        assert_eq!(body(&json).unwrap(), Some(Value::IntValue(i64::MIN)));
    }
    assert_eq!(value_json(Some(Value::IntValue(i64::MIN))), r#"{"intValue":"-9223372036854775808"}"#);
    for (members, message) in [
        (r#""startTimeUnixNano":-1"#, "the integer is not between 0 and 18446744073709551615"),
        (r#""startTimeUnixNano":18446744073709551616"#, "not between"),
        (r#""droppedEventsCount":4294967296"#, "the integer is not between 0 and 4294967295"),
        (r#""droppedEventsCount":1e300"#, "expected an integer"),
        (r#""droppedEventsCount":1.5"#, "expected an integer, found another number"),
        (r#""droppedEventsCount":"""#, "expected an integer, found a string"),
        (r#""droppedEventsCount":" 1""#, "expected an integer, found a string"),
        (r#""droppedEventsCount":"0x1""#, "expected an integer, found a string"),
        (r#""droppedEventsCount":true"#, "expected an integer, found a boolean"),
        (r#""droppedEventsCount":[1]"#, "expected an integer, found a list"),
    ] {
        let error = span(members).unwrap_err().to_string();
        assert!(error.contains(message), "{members}: {error}");
    }
}

#[test]
fn doubles_may_be_text_and_need_not_be_finite() {
    // conf: JSON-09
    for (json, expected) in [
        ("1.5", 1.5),
        ("-0.0", -0.0),
        ("7", 7.0),
        ("1e3", 1000.0),
        ("\"1.5E1\"", 15.0),
        ("\"Infinity\"", f64::INFINITY),
        ("\"-Infinity\"", f64::NEG_INFINITY),
        ("1.7976931348623157e308", f64::MAX),
        ("9007199254740993", 9_007_199_254_740_992.0),
    ] {
        let sum = histogram_point(&format!(r#""sum":{json},"explicitBounds":[{json}]"#)).unwrap();
        assert_eq!(sum.sum.map(f64::to_bits), Some(expected.to_bits()), "{json}");
        assert_eq!(sum.explicit_bounds, [expected]);
    }
    assert!(histogram_point(r#""sum":"NaN""#).unwrap().sum.unwrap().is_nan());
    for json in ["1e999", "\"inf\"", "\"nan\"", "\"\"", "\"+1\"", "true", "\".5\""] {
        assert!(histogram_point(&format!(r#""sum":{json}"#)).is_err(), "{json}");
    }
    assert_eq!(value_json(Some(Value::DoubleValue(f64::NAN))), r#"{"doubleValue":"NaN"}"#);
}

#[test]
fn unknown_members_are_skipped_at_any_depth() {
    // conf: JSON-10, MODEL-12
    let unknown =
        r#""x":{"a":[{"b":[1,"}",[]]},null,{}]},"y":"\"","stringValueStrindex":7,"keyStrindex":"?""#;
    let read = span(&format!(
        r#"{unknown},"name":"n",{unknown},"events":[{{{unknown},"name":"e"}}],
        "attributes":[{{{unknown},"key":"k","value":{{{unknown}}}}}],"TraceId":3,"nAME":[]"#
    ));
    let read = read.unwrap();
    assert_eq!((read.name.as_str(), read.events[0].name.as_str()), ("n", "e"));
    let value = Some(AnyValue { value: None });
    assert_eq!(read.attributes, [KeyValue { key: "k".into(), value, ..KeyValue::default() }]);
}

#[test]
fn fields_of_profiles_are_absent() {
    // conf: MODEL-12
    let value = Some(AnyValue { value: Some(Value::StringValueStrindex(7)) });
    let attributes = vec![KeyValue { key: "k".into(), value, key_strindex: 9 }];
    let json = span_json(Span { attributes, ..Span::default() });
    assert_eq!(json, r#"{"attributes":[{"key":"k","value":{}}]}"#);
}

#[test]
fn null_is_absent() {
    // conf: JSON-12
    let names = [
        "traceId",
        "name",
        "kind",
        "startTimeUnixNano",
        "attributes",
        "events",
        "flags",
        "status",
        "droppedLinksCount",
    ];
    let members = names.map(|name| format!(r#""{name}":null"#)).join(",");
    assert_eq!(span(&members).unwrap(), Span::default());
    assert_eq!(histogram_point(r#""sum":null,"bucketCounts":null"#).unwrap(), HistogramDataPoint::default());
    assert_eq!(body("null").unwrap(), None);
    assert_eq!(body(r#"{"stringValue":null}"#).unwrap(), None);
    assert!(
        span(r#""events":[null]"#)
            .unwrap_err()
            .to_string()
            .contains("events[0]: expected an object, found null")
    );
}

#[test]
fn presence_of_a_oneof_survives() {
    // conf: JSON-13
    for (value, json) in [
        (Value::IntValue(0), r#"{"intValue":"0"}"#),
        (Value::BoolValue(false), r#"{"boolValue":false}"#),
        (Value::StringValue(String::new()), r#"{"stringValue":""}"#),
        (Value::DoubleValue(0.0), r#"{"doubleValue":0}"#),
        (Value::BytesValue(vec![]), r#"{"bytesValue":""}"#),
    ] {
        assert_eq!(value_json(Some(value.clone())), json);
        assert_eq!(body(json).unwrap(), Some(value));
    }
    for json in [r#"{"asDouble":0}"#, r#"{"asInt":"0"}"#] {
        let gauge = metric(&format!(r#""gauge":{{"dataPoints":[{json}]}}"#)).unwrap();
        let json = format!(r#"{{"gauge":{{"dataPoints":[{json}]}}}}"#);
        assert_eq!(metric_json(gauge), json);
    }
}

#[test]
fn the_last_member_of_a_oneof_counts() {
    // conf: JSON-13, JSON-19
    assert_eq!(body(r#"{"stringValue":"a","intValue":1}"#).unwrap(), Some(Value::IntValue(1)));
    // On the wire: the text 'a', then the integer 1, then twice an array of one empty value, then the text 'b'.
    let wire = b"\x0a\x01a\x18\x01\x2a\x02\x0a\x00\x2a\x02\x0a\x00\x0a\x01b";
    for (length, json) in [
        (3, r#"{"stringValue":"a"}"#),
        (5, r#"{"intValue":"1"}"#),
        (9, r#"{"arrayValue":{"values":[{}]}}"#),
        (13, r#"{"arrayValue":{"values":[{},{}]}}"#),
        (16, r#"{"stringValue":"b"}"#),
    ] {
        let record = nest(wire[..length].to_vec(), 0x2a);
        let request = nest(nest(nest(record, 0x12), 0x12), 0x0a);
        let expected =
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{json}}}]}}]}}]}}"#);
        assert_eq!(request_to_json(Signal::Logs, &request).unwrap(), expected.as_bytes());
    }
}

#[test]
fn the_empty_value_is_an_empty_object() {
    // conf: JSON-14, MODEL-11
    assert_eq!(value_json(None), "{}");
    assert_eq!(body("{}").unwrap(), None);
    assert!(log(r#""body":{}"#).unwrap().body.is_some());
    let array = body(r#"{"arrayValue":{"values":[{},null,{"intValue":1}]}}"#).unwrap();
    let values = [None, None, Some(Value::IntValue(1))].map(|value| AnyValue { value }).to_vec();
    assert_eq!(array, Some(Value::ArrayValue(ArrayValue { values })));
    assert_eq!(value_json(array), r#"{"arrayValue":{"values":[{},{},{"intValue":"1"}]}}"#);
}

#[test]
fn optional_fields_keep_their_presence() {
    // conf: JSON-15
    let json = r#"{"histogram":{"dataPoints":[{"sum":0,"min":0},{"max":-1.5}]}}"#;
    let read = metric(json.strip_prefix('{').unwrap().strip_suffix('}').unwrap()).unwrap();
    let Some(Data::Histogram(histogram)) = &read.data else { panic!("{read:?}") };
    assert_eq!((histogram.data_points[0].sum, histogram.data_points[0].max), (Some(0.0), None));
    assert_eq!(metric_json(read), json);
}

#[test]
fn attributes_are_lists_of_keys_and_values() {
    // conf: JSON-16
    let inner = KeyValue { key: "a".into(), value: Some(AnyValue { value: None }), ..KeyValue::default() };
    let map = Value::KvlistValue(KeyValueList { values: vec![inner] });
    let json = r#"{"kvlistValue":{"values":[{"key":"a","value":{}}]}}"#;
    assert_eq!(value_json(Some(map.clone())), json);
    assert_eq!(body(json).unwrap(), Some(map));
    let empty = Value::KvlistValue(KeyValueList::default());
    assert_eq!(value_json(Some(empty)), r#"{"kvlistValue":{"values":[]}}"#);
    let error = span(r#""attributes":{"a":1}"#).unwrap_err().to_string();
    assert!(error.contains("attributes: expected a list, found an object"), "{error}");
}

#[test]
fn text_must_be_text() {
    // conf: JSON-17
    assert_eq!(span(r#""name":"\u00e9\ud83d\ude00\n\u0000""#).unwrap().name, "é😀\n\0");
    let json = span_json(Span { name: "\0\u{1f}\u{7f}é😀".into(), ..Span::default() });
    assert_eq!(json, "{\"name\":\"\\u0000\\u001f\u{7f}é😀\"}");
    assert!(span("\"name\":\"\u{1}\"").is_err());
    assert!(span(r#""name":"\udead""#).is_err());
    let error = request_to_json(Signal::Traces, b"\x0a\x09\x12\x07\x12\x05\x2a\x03a\xffb").unwrap_err();
    let expected = "resourceSpans[0].scopeSpans[0].spans[0].name: malformed protobuf at byte 9: \
                    a string field is not valid UTF-8";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn of_a_repeated_member_the_last_counts() {
    // conf: JSON-19
    let read = span(
        r#""name":"a","attributes":[{"key":"1"},{"key":"2"}],"status":{"message":"m","code":2},"kind":5,
        "attributes":[{"key":"3"}],"name":"","status":{"code":1},"kind":null,"name":"b","name":"","flags":1"#,
    );
    let expected = Span {
        attributes: vec![KeyValue { key: "3".into(), ..KeyValue::default() }],
        status: Some(Status { code: 1, message: String::new() }),
        flags: 1,
        ..Span::default()
    };
    assert_eq!(read.unwrap(), expected);
    let twice = histogram_point(r#""bucketCounts":[1,2],"sum":4,"bucket_counts":[3],"sum":null"#).unwrap();
    assert_eq!((twice.bucket_counts, twice.sum), (vec![3], None));
}

#[test]
fn repeated_fields_on_the_wire_need_not_be_neighbours() {
    // conf: JSON-19
    // A span with attribute a, event x, attribute b, event y, a name in between, and its status in two parts.
    let attribute = |key: u8| vec![0x4a, 3, 0x0a, 1, key];
    let event = |name: u8| vec![0x5a, 3, 0x12, 1, name];
    let span = [
        attribute(b'a'),
        event(b'x'),
        vec![0x7a, 3, 0x12, 1, b'm'],
        vec![0x2a, 1, b'n'],
        attribute(b'b'),
        vec![0x7a, 2, 0x18, 2],
        event(b'y'),
        vec![0x2a, 1, b'o'],
    ]
    .concat();
    let json = request_to_json(Signal::Traces, &nest(nest(nest(span, 0x12), 0x12), 0x0a)).unwrap();
    let expected = concat!(
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"o","attributes":[{"key":"a"},{"key":"b"}],"#,
        r#""events":[{"name":"x"},{"name":"y"}],"status":{"message":"m","code":2}}]}]}]}"#,
    );
    assert_eq!(String::from_utf8(json).unwrap(), expected);
}

#[test]
fn packed_and_single_numbers_are_one_list() {
    let one = [&[0x31][..], &1u64.to_le_bytes()].concat();
    let two = [&[0x32, 16][..], &2u64.to_le_bytes(), &3u64.to_le_bytes()].concat();
    let point = [one.clone(), two, vec![0x3a, 0], one].concat();
    let metric = Metric::decode(&*nest(nest(point.clone(), 0x0a), 0x4a)).unwrap();
    let protobuf = nest(nest(nest(nest(nest(point, 0x0a), 0x4a), 0x12), 0x12), 0x0a);
    let json = String::from_utf8(request_to_json(Signal::Metrics, &protobuf).unwrap()).unwrap();
    assert!(json.contains(r#"{"dataPoints":[{"bucketCounts":["1","2","3","1"]}]}"#), "{json}");
    assert_eq!(metric_json(metric), r#"{"histogram":{"dataPoints":[{"bucketCounts":["1","2","3","1"]}]}}"#);
}

#[test]
fn snake_case_and_names_of_enumerations_are_accepted() {
    // conf: JSON-22
    let read = span(
        r#""trace_id":"00112233445566778899aabbccddeeff","start_time_unix_nano":"5","kind":"SPAN_KIND_CLIENT",
        "dropped_attributes_count":2,"status":{"code":"STATUS_CODE_ERROR"},"span_Id":3"#,
    );
    let read = read.unwrap();
    assert_eq!((read.trace_id.len(), read.start_time_unix_nano, read.kind), (16, 5, 3));
    assert_eq!((read.dropped_attributes_count, read.status.unwrap().code), (2, 2));
    assert_eq!(log(r#""severity_number":"SEVERITY_NUMBER_FATAL4""#).unwrap().severity_number, 24);
    let sum = metric(r#""sum":{"aggregation_temporality":"AGGREGATION_TEMPORALITY_CUMULATIVE"}"#).unwrap();
    assert!(matches!(sum.data, Some(Data::Sum(sum)) if sum.aggregation_temporality == 2));
    assert_eq!(span(r#""status":{}"#).unwrap().status, Some(Status::default()));
    assert!(span(r#""kind":"SPAN_KIND_OTHER""#).unwrap_err().path().ends_with("spans[0].kind"));
}

#[test]
fn nesting_is_bounded_as_in_protobuf() {
    // request 0, resource 1, scope 2, record 3, body 4; every array adds two: 100 is reached with 48 arrays.
    let nested = |arrays: usize| {
        let open = r#"{"arrayValue":{"values":["#.repeat(arrays);
        format!("{open}{{}}{}", "]}}".repeat(arrays))
    };
    assert!(body(&nested(48)).is_ok());
    let error = body(&nested(49)).unwrap_err();
    assert!(error.to_string().contains("messages nest deeper than 100 levels"), "{error}");
    assert!(error.path().contains("body.arrayValue.values[0].arrayValue.values[0]"), "{error}");
    assert!(body(&nested(100_000)).is_err());
    // The other direction has the same bound.
    let nest = |bytes: &[u8], tag: u8| {
        let mut nested = vec![tag];
        prost::encode_length_delimiter(bytes.len(), &mut nested).unwrap();
        nested.extend(bytes);
        nested
    };
    let request = |arrays: usize| {
        let value = (0..arrays).fold(Vec::new(), |value, _| nest(&nest(&value, 0x0a), 0x2a));
        nest(&nest(&nest(&nest(&value, 0x2a), 0x12), 0x12), 0x0a)
    };
    let json = request_to_json(Signal::Logs, &request(48)).unwrap();
    assert_eq!(request_from_json(Signal::Logs, &json).unwrap(), request(48));
    assert!(ExportLogsServiceRequest::decode(&*request(48)).is_ok());
    assert!(ExportLogsServiceRequest::decode(&*request(49)).is_err());
    assert!(request_to_json(Signal::Logs, &request(49)).is_err());
}

#[test]
fn our_json_is_read_by_the_generated_types() {
    // conf: JSON-18
    let member = r#"{"key":"k","value":{"arrayValue":{"values":[{"intValue":"1"},{"boolValue":true},{}]}}}"#;
    let protobuf = request_from_json(
        Signal::Traces,
        format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{member}]}},"scopeSpans":[{{"scope":{{"name":"s"}},
            "spans":[{{"traceId":"00112233445566778899aabbccddeeff","spanId":"abababababababab","kind":3,
            "startTimeUnixNano":"1","endTimeUnixNano":"18446744073709551615","status":{{}},
            "attributes":[{member},{{"key":"b","value":{{"bytesValue":"AQI="}}}},
            {{"key":"d","value":{{"doubleValue":0.5}}}},{{"key":"e","value":{{"kvlistValue":{{}}}}}}],
            "events":[{{"timeUnixNano":"7","name":"e","attributes":[{member}]}}],
            "links":[{{"spanId":"abababababababab"}}]}}]}}]}}]}}"#
        )
        .as_bytes(),
    );
    let protobuf = protobuf.unwrap();
    let json = request_to_json(Signal::Traces, &protobuf).unwrap();
    let read: ExportTraceServiceRequest = serde_json::from_slice(&json).unwrap();
    assert_eq!(read, ExportTraceServiceRequest::decode(&*protobuf).unwrap());
    assert_eq!(read.resource_spans[0].scope_spans[0].spans[0].attributes.len(), 4);
}
