//! How much memory items take, so that the store can be bounded in bytes.
//!
//! Used by the store, once per batch. What an allocator adds is estimated: small texts cost more than their length. Pure.

use super::items::{Batch, Origin};
use otlp_model::{AnyValue, Exemplar, KeyValue, MetricData};
use std::mem::size_of;
use std::sync::Arc;

/// The bytes that a batch owns.
pub(crate) fn of(batch: &Batch) -> usize {
    let spans = batch.spans.iter().map(|stored| {
        let span = &stored.span;
        let events = span.events.iter().map(|event| text(&event.name) + attributes(&event.attributes));
        let links = span
            .links
            .iter()
            .map(|link| text(link.context.trace_state().as_str()) + attributes(&link.attributes));
        shared(stored)
            + text(&span.name)
            + text(&span.status.description)
            + text(span.context.trace_state().as_str())
            + attributes(&span.attributes)
            + list(&span.events)
            + list(&span.links)
            + events.sum::<usize>()
            + links.sum::<usize>()
    });
    let logs = batch.logs.iter().map(|stored| {
        let record = &stored.record;
        shared(stored)
            + text(&record.severity_text)
            + text(&record.event_name)
            + record.body.as_ref().map_or(0, value)
            + attributes(&record.attributes)
    });
    let metrics = batch.metrics.iter().map(|stored| {
        let metric = &stored.metric;
        shared(stored)
            + text(&metric.name)
            + text(&metric.description)
            + text(&metric.unit)
            + attributes(&metric.metadata)
            + points(&metric.data)
    });
    let lists = list(&batch.spans) + list(&batch.logs) + list(&batch.metrics);
    heap(size_of::<Batch>()) + lists + origins(batch) + spans.chain(logs).chain(metrics).sum::<usize>()
}

/// Origins are shared by neighbours, and so are the resources of these.
fn origins(batch: &Batch) -> usize {
    let all = (batch.spans.iter().map(|stored| &stored.origin))
        .chain(batch.logs.iter().map(|stored| &stored.origin))
        .chain(batch.metrics.iter().map(|stored| &stored.origin));
    let (mut bytes, mut last): (_, Option<&Arc<Origin>>) = (0, None);
    for origin in all {
        if last.is_some_and(|last| Arc::ptr_eq(last, origin)) {
            continue;
        }
        let (resource, scope) = (&origin.resource, &origin.scope);
        bytes += shared(origin)
            + text(&scope.name)
            + text(&scope.version)
            + text(&scope.schema_url)
            + attributes(&scope.attributes);
        if last.is_none_or(|last| !Arc::ptr_eq(&last.resource, resource)) {
            bytes += shared(resource) + attributes(&resource.attributes) + text(&resource.schema_url);
        }
        last = Some(origin);
    }
    bytes
}

/// What an allocator takes for `bytes`: a word of its own, and units of 16.
fn heap(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + size_of::<usize>()).next_multiple_of(16).max(32) }
}

fn text(text: &str) -> usize {
    heap(text.len())
}

fn list<T>(list: &Vec<T>) -> usize {
    heap(list.capacity() * size_of::<T>())
}

/// What is behind an [`Arc`], with its counts.
fn shared<T>(_: &Arc<T>) -> usize {
    heap(size_of::<T>() + 2 * size_of::<usize>())
}

fn attributes(attributes: &Vec<KeyValue>) -> usize {
    let owned = attributes.iter().map(|attribute| text(&attribute.key) + value(&attribute.value));
    list(attributes) + owned.sum::<usize>()
}

fn value(of: &AnyValue) -> usize {
    match of {
        AnyValue::String(string) => text(string),
        AnyValue::Bytes(bytes) => list(bytes),
        AnyValue::Array(values) => list(values) + values.iter().map(value).sum::<usize>(),
        AnyValue::Map(entries) => attributes(entries),
        AnyValue::Empty | AnyValue::Bool(_) | AnyValue::Int(_) | AnyValue::Double(_) => 0,
    }
}

fn points(data: &MetricData) -> usize {
    fn exemplars(of: &Vec<Exemplar>) -> usize {
        list(of) + of.iter().map(|it| attributes(&it.filtered_attributes)).sum::<usize>()
    }
    macro_rules! sum {
        ($points:expr, |$point:ident| $owned:expr) => {
            list(&$points)
                + $points.iter().map(|$point| attributes(&$point.attributes) + $owned).sum::<usize>()
        };
    }
    match data {
        MetricData::Gauge(gauge) => sum!(gauge.data_points, |point| exemplars(&point.exemplars)),
        MetricData::Sum(of) => sum!(of.data_points, |point| exemplars(&point.exemplars)),
        MetricData::Histogram(histogram) => sum!(histogram.data_points, |point| {
            list(&point.bucket_counts) + list(&point.explicit_bounds) + exemplars(&point.exemplars)
        }),
        MetricData::ExponentialHistogram(histogram) => sum!(histogram.data_points, |point| {
            list(&point.positive.bucket_counts)
                + list(&point.negative.bucket_counts)
                + exemplars(&point.exemplars)
        }),
        MetricData::Summary(summary) => sum!(summary.data_points, |point| list(&point.quantile_values)),
        // A kind that this crate does not know is one that the reader of the model never gives.
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::{Signal, json::request_from_json};

    fn footprint(signal: Signal, json: &str) -> usize {
        let protobuf = request_from_json(signal, json.as_bytes()).unwrap();
        of(&Batch::decode(signal, &protobuf).unwrap())
    }

    /// The other way round: what is there once is counted once, or a request would take what it does not have.
    #[test]
    fn scopes_share_their_resource() {
        let scopes = |number: usize| {
            let scopes = vec![r#"{"logRecords":[{}]}"#; number].join(",");
            let long = "x".repeat(100_000);
            format!(
                r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"k","value":{{"stringValue":"{long}"}}}}]}},
                "scopeLogs":[{scopes}]}}]}}"#
            )
        };
        let (one, thousand) = (footprint(Signal::Logs, &scopes(1)), footprint(Signal::Logs, &scopes(1000)));
        assert!(one > 100_000 && thousand < one + 1_000_000, "{one} {thousand}");
        let protobuf = request_from_json(Signal::Logs, scopes(2).as_bytes()).unwrap();
        let batch = Batch::decode(Signal::Logs, &protobuf).unwrap();
        assert!(Arc::ptr_eq(&batch.logs[0].origin.resource, &batch.logs[1].origin.resource));
    }

    /// Each text is counted, wherever it stands: none may grow without bound.
    #[test]
    fn nothing_that_a_sender_can_make_long_is_free() {
        let attribute = |at: &str| format!(r#"[{{"key":"k","value":{{"stringValue":"{at}"}}}}]"#);
        let spans = |of: &dyn Fn(&str) -> String| {
            format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, of("LONG"))
        };
        let logs = |of: &dyn Fn(&str) -> String| {
            format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, of("LONG"))
        };
        let metrics = |of: &dyn Fn(&str) -> String| {
            format!(r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{}]}}]}}]}}"#, of("LONG"))
        };
        let cases = [
            (Signal::Traces, spans(&|at| format!(r#"{{"name":"{at}"}}"#))),
            (Signal::Traces, spans(&|at| format!(r#"{{"traceState":"a={at}"}}"#))),
            (Signal::Traces, spans(&|at| format!(r#"{{"status":{{"code":2,"message":"{at}"}}}}"#))),
            (Signal::Traces, spans(&|at| format!(r#"{{"attributes":{}}}"#, attribute(at)))),
            (Signal::Traces, spans(&|at| format!(r#"{{"events":[{{"name":"{at}"}}]}}"#))),
            (Signal::Traces, spans(&|at| format!(r#"{{"events":[{{"attributes":{}}}]}}"#, attribute(at)))),
            (Signal::Traces, spans(&|at| format!(r#"{{"links":[{{"attributes":{}}}]}}"#, attribute(at)))),
            (Signal::Traces, spans(&|at| format!(r#"{{"links":[{{"traceState":"a={at}"}}]}}"#))),
            (Signal::Logs, logs(&|at| format!(r#"{{"severityText":"{at}"}}"#))),
            (Signal::Logs, logs(&|at| format!(r#"{{"eventName":"{at}"}}"#))),
            (Signal::Logs, logs(&|at| format!(r#"{{"attributes":{}}}"#, attribute(at)))),
            (
                Signal::Logs,
                logs(&|at| format!(r#"{{"body":{{"arrayValue":{{"values":[{{"stringValue":"{at}"}}]}}}}}}"#)),
            ),
            (
                Signal::Logs,
                logs(&|at| format!(r#"{{"body":{{"kvlistValue":{{"values":{}}}}}}}"#, attribute(at))),
            ),
            (Signal::Metrics, metrics(&|at| format!(r#"{{"name":"{at}","gauge":{{}}}}"#))),
            (Signal::Metrics, metrics(&|at| format!(r#"{{"description":"{at}","gauge":{{}}}}"#))),
            (Signal::Metrics, metrics(&|at| format!(r#"{{"unit":"{at}","gauge":{{}}}}"#))),
            (Signal::Metrics, metrics(&|at| format!(r#"{{"metadata":{},"gauge":{{}}}}"#, attribute(at)))),
            (
                Signal::Metrics,
                metrics(&|at| {
                    format!(r#"{{"summary":{{"dataPoints":[{{"attributes":{}}}]}}}}"#, attribute(at))
                }),
            ),
            (
                Signal::Metrics,
                metrics(&|at| {
                    let exemplar = format!(r#"[{{"asInt":"1","filteredAttributes":{}}}]"#, attribute(at));
                    format!(r#"{{"gauge":{{"dataPoints":[{{"exemplars":{exemplar}}}]}}}}"#)
                }),
            ),
            (
                Signal::Logs,
                format!(
                    r#"{{"resourceLogs":[{{"resource":{{"attributes":{}}},"scopeLogs":[{{"logRecords":[{{}}]}}]}}]}}"#,
                    attribute("LONG")
                ),
            ),
            (
                Signal::Logs,
                r#"{"resourceLogs":[{"schemaUrl":"LONG","scopeLogs":[{"logRecords":[{}]}]}]}"#.to_owned(),
            ),
            (
                Signal::Logs,
                r#"{"resourceLogs":[{"scopeLogs":[{"scope":{"name":"LONG"},"logRecords":[{}]}]}]}"#
                    .to_owned(),
            ),
        ];
        for (signal, json) in cases {
            // As long as a member of a trace state may be.
            let longer = json.replace("LONG", &"x".repeat(250));
            let by = footprint(signal, &longer) - footprint(signal, &json.replace("LONG", "x"));
            assert!((230..=270).contains(&by), "{by}: {json}");
        }
    }
}
