//! The live tail: a line for each item, for people or for programs.
//!
//! Used by `serve`'s printer. Pure: what it is given it turns into lines.

use super::items::{Batch, StoredLog, StoredMetric, StoredSpan};
use super::news::Told;
use super::store::{Point, PointValue, points};
use super::text;
use otlp_model::{AnyValue, KeyValue, Severity, StatusCode};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes the lines of what is told, each with its end. One is made at a time: together they may be many times as long as the
/// request, whose items share the texts of their resource and metric.
pub(crate) fn write(told: &Told, as_json: bool, out: &mut impl Write) -> io::Result<()> {
    match told {
        Told::Received(batch) => items(batch, as_json).try_for_each(|line| writeln!(out, "{line}")),
        Told::Refused { path, code, reason } if as_json => {
            let refused = json!({ "path": path, "code": code.as_str(), "reason": reason });
            writeln!(out, "{}", document("refused", refused))
        }
        Told::Refused { path, code, reason } => {
            let text = text::one_line(&format!("refused {path}: {}: {reason}", code.as_str()));
            writeln!(out, "{text}")
        }
    }
}

fn items(batch: &Batch, as_json: bool) -> impl Iterator<Item = String> {
    let spans = batch.spans.iter().map(move |it| if as_json { span_json(it) } else { span(it) });
    let logs = batch.logs.iter().map(move |it| if as_json { log_json(it) } else { log(it) });
    let metrics = batch.metrics.iter().flat_map(move |stored| {
        let line = move |(attributes, point): (&[KeyValue], Point)| {
            if as_json {
                point_json(stored, attributes, &point)
            } else {
                data_point(stored, attributes, &point)
            }
        };
        points(stored).into_iter().map(line)
    });
    spans.chain(logs).chain(metrics)
}

/// A document with one member. What could command a terminal is escaped, also where JSON does not ask for it.
fn document(name: &str, value: Value) -> String {
    text::escaped(&json!({ name: value }).to_string())
}

fn span(stored: &StoredSpan) -> String {
    let span = &stored.span;
    let duration = text::duration(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano));
    let status = match (span.status.code, &*span.status.description) {
        (StatusCode::Unset, _) => String::new(),
        (StatusCode::Ok, _) => "  ok".to_owned(),
        (StatusCode::Error, "") => "  ERROR".to_owned(),
        (StatusCode::Error, why) => format!("  ERROR: {why}"),
    };
    let head = head(span.end_time_unix_nano, "span", stored.origin.service());
    text::one_line(&format!("{head}  {}  {duration}{status}", span.name))
}

fn log(stored: &StoredLog) -> String {
    let record = &stored.record;
    let severity = match (record.severity, &*record.severity_text) {
        (Severity::Unspecified, "") => "-",
        (Severity::Unspecified, text) => text,
        (severity, _) => severity.as_str(),
    };
    let event = if record.event_name.is_empty() { String::new() } else { format!("  {}", record.event_name) };
    let body = record.body.as_ref().map(text::value).unwrap_or_default();
    let head = head(stored.time_unix_nano(), "log", stored.origin.service());
    text::one_line(&format!("{head}  {severity:5}{event}  {body}"))
}

fn data_point(stored: &StoredMetric, attributes: &[KeyValue], point: &Point) -> String {
    let metric = &stored.metric;
    let (labels, value) = (text::labels(attributes), text::point(&point.value, text::cut(&metric.unit)));
    let head = head(point.time_unix_nano, "metric", stored.origin.service());
    text::one_line(&format!("{head}  {}{labels}  {value}", text::cut(&metric.name)))
}

fn head(time_unix_nano: u64, kind: &str, service: &str) -> String {
    let service = if service.is_empty() { "-" } else { service };
    format!("{}  {kind:6}  {service}", text::time(time_unix_nano))
}

fn span_json(stored: &StoredSpan) -> String {
    let span = &stored.span;
    let told = json!({
        "time_unix_nano": span.end_time_unix_nano,
        "service": stored.origin.service(),
        "name": &*span.name,
        "duration_nanoseconds": span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano),
        "status": text::status(span.status.code),
        "status_description": &*span.status.description,
        "trace_id": span.context.trace_id().to_string(),
        "span_id": span.context.span_id().to_string(),
    });
    document("span", told)
}

fn log_json(stored: &StoredLog) -> String {
    let record = &stored.record;
    let told = json!({
        "time_unix_nano": stored.time_unix_nano(),
        "service": stored.origin.service(),
        "severity": record.severity.as_str(),
        "event_name": &*record.event_name,
        "body": record.body.as_ref().map(plain),
        "trace_id": record.trace_id.is_valid().then(|| record.trace_id.to_string()),
    });
    document("log", told)
}

fn point_json(stored: &StoredMetric, attributes: &[KeyValue], point: &Point) -> String {
    let mut metric = json!({
        "time_unix_nano": point.time_unix_nano,
        "service": stored.origin.service(),
        "name": text::cut(&stored.metric.name),
        "unit": text::cut(&stored.metric.unit),
        "attributes": members(attributes),
    });
    match &point.value {
        PointValue::Number(value) => metric["value"] = json!(value),
        PointValue::Distribution { count, sum, min, max } => {
            metric["count"] = json!(count);
            for (name, value) in [("sum", sum), ("min", min), ("max", max)] {
                if let Some(value) = value {
                    metric[name] = json!(value);
                }
            }
        }
        PointValue::Missing => {}
    }
    document("metric", metric)
}

/// A value as JSON has it; bytes in hexadecimal.
fn plain(value: &AnyValue) -> Value {
    match value {
        AnyValue::Empty => Value::Null,
        AnyValue::String(text) => json!(text),
        AnyValue::Bool(value) => json!(value),
        AnyValue::Int(value) => json!(value),
        AnyValue::Double(value) => json!(value),
        AnyValue::Bytes(_) => json!(text::value(value)),
        AnyValue::Array(values) => values.iter().map(plain).collect(),
        AnyValue::Map(entries) => members(entries),
    }
}

fn members(attributes: &[KeyValue]) -> Value {
    attributes.iter().map(|attribute| (attribute.key.to_string(), plain(&attribute.value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::{Signal, json::request_from_json, response::is_deceptive};
    use otlp_transport::GrpcCode;
    use std::sync::Arc;

    fn of(told: &Told, as_json: bool) -> String {
        let mut lines = Vec::new();
        write(told, as_json, &mut lines).unwrap();
        String::from_utf8(lines).unwrap()
    }

    fn told(signal: Signal, json: &str) -> Told {
        let protobuf = request_from_json(signal, json.as_bytes()).unwrap();
        Told::Received(Arc::new(Batch::decode(signal, &protobuf).unwrap()))
    }

    const RESOURCE: &str =
        r#""resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]}"#;

    #[test]
    fn nothing_that_is_told_commands_a_terminal() {
        // Escape, a control sequence in one character, a letter that turns the direction of writing.
        let hostile = r"a\u001b[31m\u009b31m\u202eb\r\nc";
        let span = told(
            Signal::Traces,
            &format!(
                r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{hostile}"}}}}]}},
                "scopeSpans":[{{"spans":[{{"name":"{hostile}","status":{{"code":2,"message":"{hostile}"}}}}]}}]}}]}}"#
            ),
        );
        let log = told(
            Signal::Logs,
            &format!(
                r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"severityText":"{hostile}","eventName":"{hostile}",
                "body":{{"stringValue":"{hostile}"}}}}]}}]}}]}}"#
            ),
        );
        let metric = told(
            Signal::Metrics,
            &format!(
                r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"{hostile}","unit":"{hostile}","gauge":{{"dataPoints":[
                {{"asInt":"1","attributes":[{{"key":"{hostile}","value":{{"stringValue":"{hostile}"}}}}]}}]}}}}]}}]}}]}}"#
            ),
        );
        let name: String = serde_json::from_str(&format!("\"{hostile}\"")).unwrap();
        let refused = Told::Refused { path: name.clone(), code: GrpcCode::Internal, reason: name.clone() };
        for told in [span, log, metric, refused] {
            for as_json in [false, true] {
                let lines = of(&told, as_json);
                let line = lines.strip_suffix('\n').unwrap();
                assert!(!line.chars().any(is_deceptive), "{line:?}");
                if as_json {
                    let line: Value = serde_json::from_str(line).unwrap();
                    assert!(line.to_string().contains(&json!(name).to_string()), "{line}");
                }
            }
        }
    }

    #[test]
    fn an_item_is_a_line() {
        let span = told(
            Signal::Traces,
            &format!(
                r#"{{"resourceSpans":[{{{RESOURCE},"scopeSpans":[{{"spans":[{{"name":"GET\n/cart","kind":2,
                "startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000012345678",
                "status":{{"code":2,"message":"no stock"}}}}]}}]}}]}}"#
            ),
        );
        assert_eq!(of(&span, false), "22:13:20.012  span    shop  GET /cart  12.3ms  ERROR: no stock\n");
        let line: Value = serde_json::from_str(&of(&span, true)).unwrap();
        assert_eq!(line["span"]["duration_nanoseconds"], 12_345_678);
        assert_eq!(line["span"]["status"], "error");

        let log = told(
            Signal::Logs,
            r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1700000000000000000","severityNumber":13,
            "eventName":"cart.full","body":{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"a"}]}}}]}]}]}"#,
        );
        assert_eq!(of(&log, false), "22:13:20.000  log     -  WARN   cart.full  [1,\"a\"]\n");
        let line: Value = serde_json::from_str(&of(&log, true)).unwrap();
        assert_eq!((&line["log"]["body"], &line["log"]["trace_id"]), (&json!([1, "a"]), &Value::Null));

        let metrics = told(
            Signal::Metrics,
            r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
            {"name":"queue","unit":"{item}","gauge":{"dataPoints":[{"timeUnixNano":"1700000000000000000","asInt":"3",
            "attributes":[{"key":"host","value":{"stringValue":"a"}}]}]}},
            {"name":"latency","unit":"ms","histogram":{"aggregationTemporality":2,"dataPoints":[
            {"timeUnixNano":"1700000000000000000","count":"4","sum":10,"bucketCounts":["4"]}]}}]}]}]}"#,
        );
        assert_eq!(
            of(&metrics, false),
            "22:13:20.000  metric  -  queue{host=a}  3 {item}\n22:13:20.000  metric  -  latency  count 4  sum 10 ms\n"
        );
        let lines = of(&metrics, true);
        let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&line["metric"]["value"], &line["metric"]["attributes"]["host"]),
            (&json!(3.0), &json!("a"))
        );
    }
}
