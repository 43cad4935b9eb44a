//! What is sent: messages of the generated types with every field that the client can send, and a few odd values.
//!
//! Written by hand and not made from the client's types, so that these and their conversions are proven, too. The run's name is
//! in each resource: what arrives of another run is seen. Knows nothing of senders and receivers.

mod logs;
mod metrics;
mod spans;

use otlp_model::Signal;
use otlp_model::proto::generated::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use otlp_model::proto::generated::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use otlp_model::proto::generated::logs::v1::{ResourceLogs, ScopeLogs};
use otlp_model::proto::generated::metrics::v1::{ResourceMetrics, ScopeMetrics};
use otlp_model::proto::generated::resource::v1::Resource;
use otlp_model::proto::generated::trace::v1::{ResourceSpans, ScopeSpans};
use otlp_testkit::Payload;

/// The time that everything happened, in nanoseconds: above 2^53, where a JSON number would lose digits.
const TIME: u64 = 1_790_000_000_123_456_789;

const TRACE_ID: [u8; 16] =
    [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];
const SPAN_ID: [u8; 8] = [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7];
const PARENT_ID: [u8; 8] = [0xff, 0, 0, 0, 0, 0, 0, 0x01];

/// How odd the telemetry may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breadth {
    /// Everything.
    Whole,
    /// Without the scope of odd items.
    Common,
}

/// The request of a signal: two resources, one with two scopes.
pub(crate) fn request(signal: Signal, run: &str, breadth: Breadth) -> Payload {
    /// Puts the items where they belong.
    macro_rules! groups {
        ($group:ident { $scopes:ident }, $scoped:ident { $items:ident }, $full:expr, $odd:expr, $few:expr) => {
            vec![
                $group {
                    resource: Some(resource(run)),
                    schema_url: "https://opentelemetry.io/schemas/1.37.0".to_owned(),
                    $scopes: vec![
                        $scoped {
                            scope: Some(scope()),
                            schema_url: "https://opentelemetry.io/schemas/1.36.0".to_owned(),
                            $items: $full,
                        },
                        $scoped { scope: Some(bare_scope("odd")), schema_url: String::new(), $items: $odd },
                    ],
                },
                $group {
                    resource: Some(bare_resource(run)),
                    schema_url: String::new(),
                    $scopes: vec![$scoped {
                        scope: Some(bare_scope("few")),
                        schema_url: String::new(),
                        $items: $few,
                    }],
                },
            ]
        };
    }
    match signal {
        Signal::Metrics => Payload::Metrics(ExportMetricsServiceRequest {
            resource_metrics: groups!(
                ResourceMetrics { scope_metrics },
                ScopeMetrics { metrics },
                metrics::full(),
                if breadth == Breadth::Whole { metrics::odd() } else { Vec::new() },
                metrics::few()
            ),
        }),
        Signal::Logs => Payload::Logs(ExportLogsServiceRequest {
            resource_logs: groups!(
                ResourceLogs { scope_logs },
                ScopeLogs { log_records },
                logs::full(),
                if breadth == Breadth::Whole { logs::odd() } else { Vec::new() },
                logs::few()
            ),
        }),
        _ => Payload::Traces(ExportTraceServiceRequest {
            resource_spans: groups!(
                ResourceSpans { scope_spans },
                ScopeSpans { spans },
                spans::full(),
                if breadth == Breadth::Whole { spans::odd() } else { Vec::new() },
                spans::few()
            ),
        }),
    }
}

fn resource(run: &str) -> Resource {
    let mut resource = bare_resource(run);
    resource.attributes.extend(every_kind_of_value());
    resource
}

fn bare_resource(run: &str) -> Resource {
    let attributes = vec![attribute("service.name", text("interop")), attribute("interop.run", text(run))];
    Resource { attributes, ..Resource::default() }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "full".to_owned(),
        version: "1.2.3-rc.1+build".to_owned(),
        attributes: vec![
            attribute("scope.kind", text("library")),
            attribute("scope.level", Value::IntValue(3)),
        ],
        dropped_attributes_count: 2,
    }
}

fn bare_scope(name: &str) -> InstrumentationScope {
    InstrumentationScope { name: name.to_owned(), ..InstrumentationScope::default() }
}

/// An attribute for each kind of value there is, each also with what is at its border.
fn every_kind_of_value() -> Vec<KeyValue> {
    let list =
        |values: Vec<Value>| Value::ArrayValue(ArrayValue { values: values.into_iter().map(any).collect() });
    let map = |values: Vec<KeyValue>| Value::KvlistValue(KeyValueList { values });
    vec![
        attribute("text", text("plain")),
        attribute("text.empty", text("")),
        attribute("text.unicode", text("Grüße, 世界 \u{1f980}\u{200d}, \u{7f}\t\n\"\\</script>\u{2028}")),
        attribute("bool", Value::BoolValue(true)),
        attribute("bool.false", Value::BoolValue(false)),
        attribute("int", Value::IntValue(42)),
        attribute("int.zero", Value::IntValue(0)),
        attribute("int.least", Value::IntValue(i64::MIN)),
        attribute("int.most", Value::IntValue(i64::MAX)),
        attribute("double", Value::DoubleValue(0.1 + 0.2)),
        attribute("double.zero", Value::DoubleValue(0.0)),
        attribute("double.large", Value::DoubleValue(f64::MAX)),
        attribute("double.small", Value::DoubleValue(5e-324)),
        attribute("double.whole", Value::DoubleValue(1e21)),
        attribute("bytes", Value::BytesValue(vec![0, 0xff, 0xfb, 0xef, 0x80])),
        attribute("list", list(vec![text("a"), Value::IntValue(-1), Value::DoubleValue(1.5), list(vec![])])),
        attribute("list.empty", list(vec![])),
        attribute(
            "map",
            map(vec![attribute("inner", map(vec![attribute("deep", Value::BoolValue(false))]))]),
        ),
        attribute("map.empty", map(vec![])),
    ]
}

/// Values that are none, and numbers that are none: not every receiver can read those from JSON.
fn odd_values() -> Vec<KeyValue> {
    let numbers = [("nan", f64::NAN), ("inf", f64::INFINITY), ("-inf", f64::NEG_INFINITY), ("-0", -0.0)];
    let mut odd = numbers.map(|(key, number)| attribute(key, Value::DoubleValue(number))).to_vec();
    odd.push(KeyValue { key: "nothing".to_owned(), value: Some(AnyValue::default()), ..KeyValue::default() });
    odd
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

fn any(value: Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(value)), ..KeyValue::default() }
}
