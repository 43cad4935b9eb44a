//! Options of what is made, and of the layers through which it goes.

use super::Row;
use otlp::propagation::B3Propagator;
use otlp::{
    AlwaysOffSampler, AlwaysOnSampler, EmittedLog, IdGenerator, Limits, LogHook, Resource, Severity,
    SpanHook, SpanId, TemporalityPreference, TraceId,
};
use tower::layer::util::Identity;

struct Idle;
impl SpanHook for Idle {}
impl LogHook for Idle {
    fn on_emit(&self, _: &mut EmittedLog<'_>) {}
}

fn limits(change: fn(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

struct Fixed;

impl IdGenerator for Fixed {
    fn trace_id(&self) -> TraceId {
        TraceId::from_bytes([1; 16])
    }

    fn span_id(&self) -> SpanId {
        SpanId::from_bytes([2; 8])
    }
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "with_service_name",
            works: vec![|b| b.with_service_name("s")],
            refused: vec![(|b| b.with_service_name(""), "must not be empty")],
            proof: ("otlp/tests/it/support.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_resource",
            works: vec![|b| b.with_resource(Resource::new()), |b| {
                b.with_resource(Resource::new().with("key", 1))
            }],
            refused: vec![(
                |b| b.with_resource(Resource::new().with("", 1)),
                "attribute keys must not be empty",
            )],
            proof: ("otlp/tests/it/pipeline.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_resource_detectors",
            works: vec![|b| b.with_resource_detectors(&otlp::detect::STANDARD), |b| {
                b.with_resource_detectors(&[])
            }],
            proof: ("otlp/tests/it/resource.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_sampler",
            works: vec![|b| b.with_sampler(AlwaysOnSampler)],
            builds: vec![|b| b.with_sampler(AlwaysOffSampler)],
            proof: ("otlp/tests/guide/cpu.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_id_generator",
            works: vec![|b| b.with_id_generator(Fixed)],
            proof: ("otlp/tests/it/tracers.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_log_severity_threshold",
            works: vec![|b| b.with_log_severity_threshold(Severity::Unspecified), |b| {
                b.with_log_severity_threshold(Severity::Fatal4)
            }],
            proof: ("otlp/tests/it/logs.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_trace_based_logs",
            works: vec![|b| b.with_trace_based_logs(true), |b| b.with_trace_based_logs(false)],
            proof: ("otlp/tests/it/logs.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_events_on_spans",
            works: vec![|b| b.with_events_on_spans(true), |b| b.with_events_on_spans(false)],
            proof: ("otlp/tests/it/event_bridge.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_span_hook",
            works: vec![|b| b.with_span_hook(Idle).with_span_hook(Idle)],
            proof: ("otlp/tests/it/hooks.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_log_hook",
            works: vec![|b| b.with_log_hook(Idle).with_log_hook(Idle)],
            proof: ("otlp/tests/it/hooks.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_limits",
            works: vec![|b| b.with_limits(limits(|l| l.attribute_value_depth = Limits::MAX_DEPTH)), |b| {
                b.with_limits(limits(|l| l.attribute_value_length = Some(0)))
            }],
            refused: vec![(
                |b| b.with_limits(limits(|l| l.attribute_value_depth = Limits::MAX_DEPTH + 1)),
                "attribute_value_depth: must be at most",
            )],
            proof: ("otlp/tests/faults/row_34_giants.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_temporality_preference",
            works: vec![
                |b| b.with_temporality_preference(TemporalityPreference::Cumulative),
                |b| b.with_temporality_preference(TemporalityPreference::Delta),
                |b| b.with_temporality_preference(TemporalityPreference::LowMemory),
            ],
            proof: (
                "otlp-opentelemetry/tests/it/exporters.rs",
                "the_temporality_is_what_the_client_prefers_unless_the_exporter_is_told",
            ),
            ..Row::default()
        },
        Row {
            name: "with_propagator",
            works: vec![|b| b.with_propagator(B3Propagator::single())],
            proof: ("otlp/tests/it/propagation.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_layer",
            works: vec![|b| b.with_layer(Identity::new()).with_layer(Identity::new())],
            proof: ("otlp/tests/custom_layer.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_attempt_layer",
            works: vec![|b| b.with_attempt_layer(Identity::new()).with_attempt_layer(Identity::new())],
            proof: ("otlp/tests/custom_layer.rs", ""),
            ..Row::default()
        },
        Row {
            name: "with_connector_layer",
            works: vec![|b| b.with_connector_layer(Identity::new()).with_connector_layer(Identity::new())],
            proof: ("otlp/tests/custom_layer.rs", ""),
            ..Row::default()
        },
    ]
}
