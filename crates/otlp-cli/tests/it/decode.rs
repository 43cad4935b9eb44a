//! `otlp decode`: every form becomes the same JSON, and errors name their place.

use crate::support::{run, run_with};
use otlp_model::{Signal, json};

pub(crate) const TRACE: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"checkout"}}]},"scopeSpans":[{"scope":{"name":"cart"},"spans":[{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"GET /cart","kind":2,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000100000000"}]}]}]}"#;
pub(crate) const METRIC: &str = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"queue.length","gauge":{"dataPoints":[{"timeUnixNano":"1700000000000000000","asInt":"3"}]}}]}]}]}"#;
pub(crate) const LOG: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1700000000000000000","severityNumber":9,"body":{"stringValue":"hello"}}]}]}]}"#;

const ALL: [(Signal, &str); 3] = [(Signal::Traces, TRACE), (Signal::Metrics, METRIC), (Signal::Logs, LOG)];

pub(crate) fn protobuf(signal: Signal, json: &str) -> Vec<u8> {
    json::request_from_json(signal, json.as_bytes()).unwrap()
}

pub(crate) fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut frame = vec![flag];
    frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend(message);
    frame
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let gzip = otlp_transport::Compressor::new(otlp_transport::Compression::Gzip).unwrap();
    gzip.compress(bytes).unwrap().to_vec()
}

fn decoded(input: &[u8]) -> String {
    let said = run_with(&["decode"], input);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    said.out
}

#[test]
fn every_form_of_every_signal_becomes_the_official_json() {
    // conf: JSON-02, JSON-03, JSON-05, JSON-06
    for (signal, json) in ALL {
        let protobuf = protobuf(signal, json);
        let zstd = zstd::stream::encode_all(&protobuf[..], 1).unwrap();
        for form in [
            json.as_bytes().to_vec(),
            gzip(json.as_bytes()),
            gzip(&protobuf),
            framed(0, &protobuf),
            framed(1, &gzip(&protobuf)),
            framed(1, &zstd),
            zstd,
            protobuf,
        ] {
            assert_eq!(decoded(&form), format!("{json}\n"), "{signal}");
        }
    }
}

#[test]
fn what_is_printed_deceives_nobody() {
    let hostile = r"a\u001b[31m\u009b31m\u2028\u202eb";
    let json = LOG.replace("hello", hostile);
    for (line, input) in
        [(&["decode"][..], json.clone().into_bytes()), (&["decode", "-p"], protobuf(Signal::Logs, &json))]
    {
        let said = run_with(line, &input);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains(hostile), "{said:?}");
    }
}

#[test]
fn lines_of_any_signal_follow_each_other() {
    // conf: JSON-23
    let lines = format!("{TRACE}\n{LOG}\n\n{METRIC}");
    assert_eq!(decoded(lines.as_bytes()), format!("{TRACE}\n{LOG}\n{METRIC}\n"));
    let frames = [framed(0, &protobuf(Signal::Logs, LOG)), framed(0, &protobuf(Signal::Traces, TRACE))];
    assert_eq!(decoded(&frames.concat()), format!("{LOG}\n{TRACE}\n"));
}

#[test]
fn pretty_output_is_the_same_document() {
    let pretty = run_with(&["decode", "--pretty"], LOG.as_bytes());
    assert!(pretty.out.contains("\n        {\n          \"logRecords\": [\n"), "{}", pretty.out);
    assert_eq!(decoded(pretty.out.as_bytes()), format!("{LOG}\n"));
}

#[test]
fn errors_name_the_byte_and_the_exit_code_tells() {
    let broken = format!("{LOG}\n{}", r#"{"resourceLogs":[{},{"scopeLogs":[7]}]}"#);
    let said = run_with(&["decode", "-"], broken.as_bytes());
    assert_eq!((said.code, said.out.as_str()), (Some(1), format!("{LOG}\n").as_str()));
    let at = LOG.len() + 1 + 34;
    assert_eq!(
        said.err,
        format!(
            "error: standard input: at byte {at}: document 2: resourceLogs[1].scopeLogs[0]: expected an object, \
             found a number (at byte 34)\n"
        )
    );

    let mut cut = protobuf(Signal::Traces, TRACE);
    cut.truncate(cut.len() - 1);
    let said = run_with(&["decode"], &cut);
    assert_eq!(said.code, Some(1));
    let reason = "malformed protobuf: a field reaches beyond the end of its message; nor does it begin with {, as OTLP/JSON does";
    assert_eq!(said.err, format!("error: standard input: at byte 1: {reason}\n"));

    let said = run(&["decode", "/does/not/exist"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.starts_with("error: /does/not/exist: "), "{said:?}");
}

#[test]
fn json_that_is_no_otlp_is_an_error() {
    let reason = "has none of resourceSpans, resourceMetrics and resourceLogs; is this OTLP?";
    for foreign in [r#"{"foo":1}"#, r#"{"data":{"resourceSpans":[]}}"#, r#"{"foo":"resourceLogs"}"#] {
        for line in [&["decode"][..], &["decode", "--signal", "logs"], &["send", "-"]] {
            let said = run_with(line, format!("{{}}\n{foreign}\n").as_bytes());
            let error = format!("error: standard input: at byte 3: document 2: {reason}\n");
            assert_eq!((said.code, said.err), (Some(1), error), "{line:?} {foreign}");
        }
    }
    // Nothing is asked for here, which is no mistake.
    for empty in ["{}", " { }\n", r#"{"resourceSpans":[]}"#, r#"{"x":1,"resource_logs":[]}"#] {
        assert_eq!(decoded(empty.as_bytes()), "", "{empty}");
    }
}

#[test]
fn what_can_not_be_told_is_asked_for() {
    let empty = protobuf(Signal::Metrics, r#"{"resourceMetrics":[{"schemaUrl":"x"}]}"#);
    let said = run_with(&["decode"], &empty);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("say which with --signal"), "{said:?}");
    let said = run_with(&["decode", "--signal", "metrics"], &empty);
    assert_eq!(said.out, "{\"resourceMetrics\":[{\"schemaUrl\":\"x\"}]}\n");
}
