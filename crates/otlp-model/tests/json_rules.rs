//! The rules of OTLP/JSON one by one.
#![cfg(feature = "json")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "json_rules/scalars.rs"]
mod scalars;
#[path = "json_rules/structure.rs"]
mod structure;

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
