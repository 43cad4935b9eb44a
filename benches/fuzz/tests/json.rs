//! OTLP/JSON, there and back: what is read can be written, and reads as the same again; what is no JSON is refused; memory
//! stays in proportion to the input.

use allocation_counter::measure;
use otlp_fuzz::Edited;
use otlp_model::Signal;
use otlp_model::json::{request_from_json, request_to_json};

const SEEDS: [&str; 5] = [
    r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeSpans":[{"scope":{"name":"s"},"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174","name":"GET","startTimeUnixNano":"1544712660000000000","kind":"SPAN_KIND_SERVER","attributes":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":"9007199254740993"},{"doubleValue":"NaN"},{"boolValue":true},{"bytesValue":"AQ-_"},{"kvlistValue":{}}]}}}],"status":{"code":2}}]}]}]}"#,
    r#"{"resource_spans":[{"scope_spans":[{"spans":[{"events":[{"name":"\u00e9\ud83d\ude00"}],"links":[{}],"flags":257}]}]}],"unknown":[1,{"a":null}]}"#,
    r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","sum":{"dataPoints":[{"asInt":"-3"},{"asDouble":1e300}],"aggregationTemporality":2,"isMonotonic":true}},{"histogram":{"dataPoints":[{"count":"2","bucketCounts":["1",1],"explicitBounds":[0.5]}]}}]}]}]}"#,
    r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","severityNumber":9,"body":{"stringValue":"x"},"traceId":""}]}]}]}"#,
    r#"{"partialSuccess":null}"#,
];

#[test]
fn json_there_and_back() {
    bolero::check!().with_type::<(u8, Edited)>().for_each(|(signal, text)| {
        let signal = Signal::ALL[usize::from(*signal) % Signal::ALL.len()];
        let json = text.bytes(&SEEDS.map(str::as_bytes));
        let mut read = None;
        let used = measure(|| read = Some(request_from_json(signal, &json)));
        assert!(used.bytes_max <= 64 * 1024 + 64 * json.len() as u64, "{used:?} for {} bytes", json.len());
        let Some(Ok(protobuf)) = read else { return };
        // Deeply nested values and numbers beyond a double, such as 1e400, are JSON, too, where they are skipped, although this
        // other reader has had enough of them.
        let other = serde_json::from_slice::<serde_json::Value>(&json);
        let is_json = other.as_ref().is_ok_and(serde_json::Value::is_object);
        let had_enough = |error: serde_json::Error| {
            let error = error.to_string();
            ["recursion limit", "number out of range"].iter().any(|limit| error.contains(limit))
        };
        assert!(is_json || other.is_err_and(had_enough), "{json:?}");
        let again = request_to_json(signal, &protobuf).expect("what was read can be written");
        // Written once it is in the order of the schema, and stays as it is.
        let back = request_from_json(signal, &again).expect("what was written can be read");
        assert_eq!(back.len(), protobuf.len(), "nothing was lost on the way");
        assert_eq!(request_to_json(signal, &back).as_deref(), Ok(&again[..]));
    });
}

#[test]
fn protobuf_there_and_back() {
    let seeds: Vec<(Signal, Vec<u8>)> =
        [(Signal::Traces, 0), (Signal::Traces, 1), (Signal::Metrics, 2), (Signal::Logs, 3)]
            .map(|(signal, seed)| {
                (signal, request_from_json(signal, SEEDS[seed].as_bytes()).expect("a good seed"))
            })
            .to_vec();
    bolero::check!().with_type::<(u8, Edited)>().for_each(|(seed, edited)| {
        let (signal, seed) = &seeds[usize::from(*seed) % seeds.len()];
        let protobuf = edited.bytes(&[seed]);
        let Ok(json) = request_to_json(*signal, &protobuf) else { return };
        let value: serde_json::Value = serde_json::from_slice(&json).expect("it is JSON");
        assert!(value.is_object());
        let back = match request_from_json(*signal, &json) {
            Ok(back) => back,
            // An id of a wrong length is written as it is, and refused by readers of JSON.
            Err(error) if error.to_string().contains("hexadecimal digits") => return,
            Err(error) => panic!("what was written can be read: {error}"),
        };
        assert_eq!(request_to_json(*signal, &back).as_deref(), Ok(&json[..]));
    });
}
