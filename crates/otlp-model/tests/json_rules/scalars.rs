//! Ids, numbers, bytes, text, enumerations: what single values look like.

use super::*;

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
fn text_must_be_text() {
    // conf: JSON-17
    assert_eq!(span(r#""name":"\u00e9\ud83d\ude00\n\u0000""#).unwrap().name, "é😀\n\0");
    let json = span_json(Span { name: "\0\u{1f}\u{7f}é😀".into(), ..Span::default() });
    assert_eq!(json, "{\"name\":\"\\u0000\\u001f\\u007fé😀\"}");
    assert!(span("\"name\":\"\u{1}\"").is_err());
    assert!(span(r#""name":"\udead""#).is_err());
    let error = request_to_json(Signal::Traces, b"\x0a\x09\x12\x07\x12\x05\x2a\x03a\xffb").unwrap_err();
    let expected = "resourceSpans[0].scopeSpans[0].spans[0].name: malformed protobuf at byte 9: \
                    a string field is not valid UTF-8";
    assert_eq!(error.to_string(), expected);
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
