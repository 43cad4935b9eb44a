//! What the page is told, as JSON: from what the store found to values that need no more decoding. Pure.
//!
//! Ids are hex, empty for none. Times and whatever else has 64 bits are decimal texts of nanoseconds, since a number in
//! JavaScript has 53. Values of attributes are texts, as people read them, with the type beside. The page is the one user of
//! this: it may change with it at any time.

use super::buckets::{self, Buckets};
use crate::serve::items::{Origin, StoredLog, StoredSpan};
use crate::serve::store::{Point, PointValue, Series, Totals, Trace, TraceSummary};
use crate::serve::text;
use otlp_model::{AnyValue, Event, KeyValue, Link, Resource, SpanId, TraceId};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Points of a series that are shown: more than a small plot has pixels.
const POINTS: usize = 500;

/// How much there is, and a number that changes whenever something arrives.
pub(super) fn state(totals: &Totals) -> Value {
    json!({
        "revision": totals.requests.to_string(),
        "spans": totals.spans,
        "logs": totals.log_records,
        "points": totals.data_points,
        "forgotten": totals.forgotten,
    })
}

/// The first `most` of what was found, and whether there is more.
pub(super) fn traces(found: &[TraceSummary], most: usize) -> Value {
    let traces = found.iter().take(most).map(|trace| {
        json!({
            "id": trace.trace_id.to_string(),
            "name": trace.root,
            "service": trace.service,
            "others": trace.others,
            "start": trace.start_unix_nano.to_string(),
            "duration": trace.duration_nano.to_string(),
            "spans": trace.spans,
            "errors": trace.errors,
        })
    });
    json!({ "traces": traces.collect::<Value>(), "more": found.len() > most })
}

/// One trace. `known` is the state of it that the page has: if it is the same, nothing is said again.
pub(super) fn trace(trace: &Trace, known: &str) -> Value {
    let (first, last) = trace.requests;
    let state = format!("{first},{last}");
    if known == state {
        return json!({ "unchanged": true });
    }
    let mut origins = Origins::default();
    let spans: Value = trace.spans.iter().map(|stored| span(stored, &mut origins)).collect();
    let logs: Value = trace.logs.iter().map(|stored| log(stored, &mut origins)).collect();
    json!({ "state": state, "spans": spans, "logs": logs, "origins": origins.values, "resources": origins.resources })
}

/// The first `most` of what was found, and whether there is more.
pub(super) fn logs(found: &[Arc<StoredLog>], most: usize) -> Value {
    let mut origins = Origins::default();
    let logs: Value = found.iter().take(most).map(|stored| log(stored, &mut origins)).collect();
    json!({ "logs": logs, "origins": origins.values, "resources": origins.resources, "more": found.len() > most })
}

/// The first `most` of what was found, and whether there is more.
pub(super) fn metrics(found: &[Series], most: usize) -> Value {
    let mut origins = Origins::default();
    let series: Value = found.iter().take(most).map(|one| series(one, &mut origins)).collect();
    json!({ "series": series, "origins": origins.values, "resources": origins.resources, "more": found.len() > most })
}

/// Scopes and resources, each told once however many items or scopes have it.
#[derive(Default)]
struct Origins {
    places: HashMap<*const Origin, usize>,
    values: Vec<Value>,
    resource_places: HashMap<*const Resource, usize>,
    resources: Vec<Value>,
}

impl Origins {
    fn place(&mut self, origin: &Arc<Origin>) -> usize {
        let resource = *self.resource_places.entry(Arc::as_ptr(&origin.resource)).or_insert_with(|| {
            self.resources.push(attributes(&origin.resource.attributes));
            self.resources.len() - 1
        });
        *self.places.entry(Arc::as_ptr(origin)).or_insert_with(|| {
            self.values.push(json!({
                "service": origin.service(),
                "resource": resource,
                "scope": { "name": origin.scope.name, "version": origin.scope.version },
            }));
            self.values.len() - 1
        })
    }
}

fn span(stored: &StoredSpan, origins: &mut Origins) -> Value {
    let span = &stored.span;
    json!({
        "id": span_id(span.context.span_id()),
        "parent": span_id(span.parent_span_id),
        "name": span.name,
        "kind": text::kind(span.kind),
        "start": span.start_time_unix_nano.to_string(),
        "end": span.end_time_unix_nano.to_string(),
        "status": { "code": text::status(span.status.code), "message": span.status.description },
        "attributes": attributes(&span.attributes),
        "events": span.events.iter().map(event).collect::<Value>(),
        "links": span.links.iter().map(link).collect::<Value>(),
        "dropped": {
            "attributes": span.dropped_attributes_count,
            "events": span.dropped_events_count,
            "links": span.dropped_links_count,
        },
        "origin": origins.place(&stored.origin),
    })
}

fn event(event: &Event) -> Value {
    json!({
        "name": event.name,
        "time": event.time_unix_nano.to_string(),
        "attributes": attributes(&event.attributes),
        "dropped": event.dropped_attributes_count,
    })
}

fn link(link: &Link) -> Value {
    json!({
        "trace": trace_id(link.context.trace_id()),
        "span": span_id(link.context.span_id()),
        "attributes": attributes(&link.attributes),
        "dropped": link.dropped_attributes_count,
    })
}

fn log(stored: &StoredLog, origins: &mut Origins) -> Value {
    let record = &stored.record;
    let level =
        if record.severity_text.is_empty() { record.severity.as_str() } else { &record.severity_text };
    json!({
        "time": stored.time_unix_nano().to_string(),
        "severity": record.severity.number(),
        "level": level,
        "body": record.body.as_ref().map(text::value).unwrap_or_default(),
        "event": record.event_name,
        "attributes": attributes(&record.attributes),
        "dropped": record.dropped_attributes_count,
        "trace": trace_id(record.trace_id),
        "span": span_id(record.span_id),
        "origin": origins.place(&stored.origin),
    })
}

fn series(series: &Series, origins: &mut Origins) -> Value {
    let newest = series.points.len().saturating_sub(POINTS);
    let (metric, at) = &series.latest;
    let distribution = match buckets::of(&metric.metric.data, *at) {
        Some(Buckets::Counts(counts)) => (json!(counts), json!([])),
        Some(Buckets::Quantiles(values)) => (json!([]), json!(values)),
        None => (Value::Null, Value::Null),
    };
    json!({
        "name": series.name,
        "description": series.description,
        "unit": series.unit,
        "kind": series.kind.to_string(),
        "attributes": attributes(&series.attributes),
        "points": series.points[newest..].iter().map(point).collect::<Value>(),
        "buckets": distribution.0,
        "quantiles": distribution.1,
        "origin": origins.place(&series.origin),
    })
}

/// What is no number, or none that JSON has, is null.
fn point(point: &Point) -> Value {
    let time = point.time_unix_nano.to_string();
    match &point.value {
        PointValue::Number(value) => json!({ "time": time, "value": value }),
        PointValue::Missing => json!({ "time": time, "value": null }),
        PointValue::Distribution { count, sum, min, max } => {
            json!({ "time": time, "count": count, "sum": sum, "min": min, "max": max })
        }
    }
}

fn attributes(list: &[KeyValue]) -> Value {
    list.iter()
        .map(|KeyValue { key, value }| json!({ "key": key, "type": kind_of(value), "value": text::value(value) }))
        .collect()
}

const fn kind_of(value: &AnyValue) -> &'static str {
    match value {
        AnyValue::Empty => "empty",
        AnyValue::String(_) => "string",
        AnyValue::Bool(_) => "bool",
        AnyValue::Int(_) => "int",
        AnyValue::Double(_) => "double",
        AnyValue::Bytes(_) => "bytes",
        AnyValue::Array(_) => "array",
        AnyValue::Map(_) => "map",
    }
}

fn span_id(id: SpanId) -> String {
    if id.is_valid() { id.to_string() } else { String::new() }
}

fn trace_id(id: TraceId) -> String {
    if id.is_valid() { id.to_string() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::items::Batch;
    use crate::serve::search::Search;
    use crate::serve::store::{Keep, Store};
    use otlp_model::Signal;
    use otlp_model::json::request_from_json;

    fn store(signal: Signal, json: &str) -> Store {
        let store = Store::new(Keep::Items(100));
        let protobuf = request_from_json(signal, json.as_bytes()).unwrap();
        store.add(Arc::new(Batch::decode(signal, &protobuf).unwrap()));
        store
    }

    #[test]
    fn a_trace_is_told_with_all_digits_and_only_once() {
        let json = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
            "scopeSpans":[{"scope":{"name":"s"},"spans":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000002",
            "name":"<b>","kind":2,"startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"1700000000000000009","status":{"code":2,"message":"no"},
            "attributes":[{"key":"big","value":{"intValue":"9007199254740993"}},{"key":"none","value":{}}]}]}]}]}"#;
        let id = "00000000000000000000000000000001".parse().unwrap();
        let found = store(Signal::Traces, json).trace(id).unwrap();
        let told = trace(&found, "");
        let span = &told["spans"][0];
        assert_eq!((&span["start"], &span["parent"]), (&json!("1700000000000000001"), &json!("")));
        assert_eq!(
            span["attributes"][0],
            json!({ "key": "big", "type": "int", "value": "9007199254740993" })
        );
        assert_eq!(span["attributes"][1]["type"], "empty");
        assert_eq!((&span["name"], &span["kind"]), (&json!("<b>"), &json!("server")));
        assert_eq!(span["status"], json!({ "code": "error", "message": "no" }));
        assert_eq!(told["origins"][0]["service"], "shop");
        assert_eq!(trace(&found, told["state"].as_str().unwrap()), json!({ "unchanged": true }));
        // Also nothing is told once, to a page that knows nothing.
        let nothing = trace(&Trace::default(), "");
        assert_eq!(nothing["spans"], json!([]));
        assert_eq!(
            trace(&Trace::default(), nothing["state"].as_str().unwrap()),
            json!({ "unchanged": true })
        );
    }

    #[test]
    fn as_many_spans_forgotten_as_arrived_is_another_state() {
        let span = |id: u64| {
            format!(
                r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{:032x}","spanId":"{id:016x}"}}]}}]}}]}}"#,
                1
            )
        };
        let store = Store::new(Keep::Items(2));
        let mut told = Vec::new();
        for id in 1..=4 {
            let protobuf = request_from_json(Signal::Traces, span(id).as_bytes()).unwrap();
            store.add(Arc::new(Batch::decode(Signal::Traces, &protobuf).unwrap()));
            let found = store.trace(format!("{:032x}", 1).parse().unwrap()).unwrap();
            told.push(trace(&found, "")["state"].as_str().unwrap().to_owned());
        }
        assert_eq!(told, ["1,1", "1,2", "2,3", "3,4"]);
    }

    #[test]
    fn scopes_of_a_resource_tell_it_once() {
        let json = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"k","value":{"stringValue":"v"}}]},"scopeLogs":[
            {"scope":{"name":"a"},"logRecords":[{}]},{"scope":{"name":"b"},"logRecords":[{},{}]}]}]}"#;
        let told = logs(&store(Signal::Logs, json).logs(&Search::default(), 10), 10);
        let origins = told["origins"].as_array().unwrap();
        assert_eq!((told["logs"].as_array().unwrap().len(), origins.len()), (3, 2));
        assert!(origins.iter().all(|origin| origin["resource"] == 0), "{told}");
        assert_eq!(told["resources"], json!([[{ "key": "k", "type": "string", "value": "v" }]]));
    }

    #[test]
    fn what_is_no_number_in_json_is_null_and_more_is_said_to_be_there() {
        let json = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[
            {"timeUnixNano":"1","asDouble":"NaN","attributes":[{"key":"k","value":{"intValue":"1"}}]},
            {"timeUnixNano":"2","asDouble":1.5,"attributes":[{"key":"k","value":{"intValue":"1"}}]},
            {"timeUnixNano":"1","asInt":"7"}]}}]}]}]}"#;
        let found = store(Signal::Metrics, json).metrics(&Search::default(), 10);
        let told = metrics(&found, 1);
        assert_eq!((&told["more"], told["series"].as_array().unwrap().len()), (&json!(true), 1));
        let told = metrics(&found, 2);
        assert_eq!(told["more"], false);
        let of_k =
            told["series"].as_array().unwrap().iter().find(|it| it["attributes"][0]["key"] == "k").unwrap();
        assert_eq!(of_k["points"], json!([{ "time": "1", "value": null }, { "time": "2", "value": 1.5 }]));
        assert_eq!(of_k["buckets"], Value::Null);
    }
}
