//! Presence, lists, oneofs, nesting: what makes up a message.

use super::*;

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
