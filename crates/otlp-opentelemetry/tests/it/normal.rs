//! What arrived, without what differs between two runs of one program: ids, times, and the order of requests.
//!
//! Where the two sides say the same in different ways, it is brought to one: an absent status is an unset one, an absent bucket
//! list an empty one. Nothing else is touched: what is documented to differ, the program does not do.

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use otlp_testkit::{Collector, Payload};
use std::collections::HashMap;

/// An item with its resource and scope and their schemas.
pub(crate) type Flat<T> = (Resource, String, InstrumentationScope, String, T);

macro_rules! flatten {
    ($collector:ident, $kind:ident . $resources:ident . $scopes:ident . $items:ident, $normal:expr) => {{
        let mut all: Vec<Flat<_>> = Vec::new();
        for call in $collector.received().calls() {
            let Payload::$kind(request) = &call.payload else { continue };
            for group in &request.$resources {
                let mut resource = group.resource.clone().unwrap_or_default();
                sort(&mut resource.attributes);
                for scoped in &group.$scopes {
                    let mut scope = scoped.scope.clone().unwrap_or_default();
                    sort(&mut scope.attributes);
                    for item in &scoped.$items {
                        let mut item = item.clone();
                        $normal(&mut item);
                        let (resource_schema, schema) = (group.schema_url.clone(), scoped.schema_url.clone());
                        all.push((resource.clone(), resource_schema, scope.clone(), schema, item));
                    }
                }
            }
        }
        all.sort_by_key(|item| format!("{:?}", (&item.4, &item.2)));
        all
    }};
}

pub(crate) fn spans(collector: &Collector) -> Vec<Flat<Span>> {
    let received = collector.received().spans();
    // An id of this run becomes the name of its span; one from elsewhere stays.
    let names: HashMap<_, _> =
        received.iter().map(|s| (s.span.span_id.clone(), s.span.name.clone())).collect();
    let roots: HashMap<_, _> = received
        .iter()
        .filter(|s| s.span.parent_span_id.is_empty())
        .map(|s| (s.span.trace_id.clone(), s.span.name.clone()))
        .collect();
    let rename = |id: &mut Vec<u8>, names: &HashMap<Vec<u8>, String>| {
        if let Some(name) = names.get(id) {
            *id = name.clone().into_bytes();
        }
    };
    flatten!(collector, Traces.resource_spans.scope_spans.spans, |span: &mut Span| {
        rename(&mut span.trace_id, &roots);
        rename(&mut span.span_id, &names);
        rename(&mut span.parent_span_id, &names);
        span.start_time_unix_nano = explicit(span.start_time_unix_nano);
        span.end_time_unix_nano = explicit(span.end_time_unix_nano);
        sort(&mut span.attributes);
        span.status = Some(span.status.clone().unwrap_or_default());
        for event in &mut span.events {
            event.time_unix_nano = explicit(event.time_unix_nano);
        }
        for link in &mut span.links {
            rename(&mut link.trace_id, &roots);
            rename(&mut link.span_id, &names);
        }
    })
}

pub(crate) fn logs(collector: &Collector) -> Vec<Flat<LogRecord>> {
    flatten!(collector, Logs.resource_logs.scope_logs.log_records, |log: &mut LogRecord| {
        log.observed_time_unix_nano = explicit(log.observed_time_unix_nano);
        sort(&mut log.attributes);
        log.body.iter_mut().for_each(|body| sort_value(body.value.as_mut()));
    })
}

pub(crate) fn metrics(collector: &Collector) -> Vec<Flat<Metric>> {
    macro_rules! points {
        ($data:expr) => {
            for point in &mut $data.data_points {
                assert!(point.start_time_unix_nano <= point.time_unix_nano, "{point:?}");
                point.start_time_unix_nano = explicit(point.start_time_unix_nano);
                point.time_unix_nano = explicit(point.time_unix_nano);
                sort(&mut point.attributes);
            }
            $data.data_points.sort_by_key(|point| format!("{:?}", point.attributes));
        };
    }
    flatten!(collector, Metrics.resource_metrics.scope_metrics.metrics, |metric: &mut Metric| {
        match metric.data.as_mut().unwrap() {
            Data::Gauge(data) => {
                points!(data);
            }
            Data::Sum(data) => {
                points!(data);
            }
            Data::Histogram(data) => {
                points!(data);
            }
            Data::ExponentialHistogram(data) => {
                for point in &mut data.data_points {
                    point.positive.get_or_insert_default();
                    point.negative.get_or_insert_default();
                }
                points!(data);
            }
            Data::Summary(_) => panic!("the SDK makes none"),
        }
    })
}

/// Times that the program has given are from the first second after the epoch.
fn explicit(time: u64) -> u64 {
    if time < 1_000_000_000 { time } else { u64::MAX }
}

fn sort(attributes: &mut [KeyValue]) {
    attributes.sort_by(|one, other| one.key.cmp(&other.key));
    for attribute in attributes {
        sort_value(attribute.value.as_mut().and_then(|value| value.value.as_mut()));
    }
}

/// A map of theirs has no order.
fn sort_value(value: Option<&mut Value>) {
    match value {
        Some(Value::KvlistValue(map)) => sort(&mut map.values),
        Some(Value::ArrayValue(list)) => {
            list.values.iter_mut().for_each(|value| sort_value(value.value.as_mut()))
        }
        _ => {}
    }
}
