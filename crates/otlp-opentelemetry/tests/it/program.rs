//! The program that is run twice: everything that the API has words for.

use crate::support::context;
use opentelemetry_0_33::logs::{AnyValue, LogRecord as _, Logger, Severity};
use opentelemetry_0_33::metrics::Meter;
use opentelemetry_0_33::trace::{
    Event, Link, Span, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags,
    TraceId, TraceState, Tracer,
};
use opentelemetry_0_33::{Array, Context, Key, KeyValue, StringValue, Value};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn at(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

fn every_value() -> Vec<KeyValue> {
    let texts = vec![StringValue::from("a"), StringValue::from(String::from("b"))];
    let values: Vec<(&'static str, Value)> = vec![
        ("v.bool", true.into()),
        ("v.int", i64::MIN.into()),
        ("v.double", 0.25.into()),
        ("v.text", "text".into()),
        ("v.owned", String::from("x").repeat(300).into()),
        ("v.empty", "".into()),
        ("v.bools", Value::Array(Array::Bool(vec![true, false]))),
        ("v.ints", Value::Array(Array::I64(vec![1, -2]))),
        ("v.doubles", Value::Array(Array::F64(vec![0.5]))),
        ("v.texts", Value::Array(Array::String(texts))),
        ("v.nothing", Value::Array(Array::I64(Vec::new()))),
    ];
    values.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect()
}

/// Spans with everything; names are unique.
pub(crate) fn trace<T: Tracer>(tracer: &T)
where
    T::Span: Send + Sync + 'static,
{
    let builder = SpanBuilder::from_name("everything at once")
        .with_kind(SpanKind::Server)
        .with_start_time(at(1_000))
        .with_attributes(every_value())
        .with_links(vec![Link::new(context(9), every_value(), 0)])
        .with_events(vec![Event::new("planned", at(1_500), vec![KeyValue::new("n", 1)], 0)]);
    let remote = Context::new().with_remote_span_context(context(7));
    tracer.build_with_context(builder, &remote).end_with_timestamp(at(2_000));

    let mut span = tracer.start_with_context("step by step", &Context::new());
    every_value().into_iter().for_each(|attribute| span.set_attribute(attribute));
    span.add_event("now", every_value());
    span.add_event_with_timestamp("then", at(7), Vec::new());
    let state = TraceState::NONE;
    let linked = SpanContext::new(TraceId::from(5), SpanId::from(6), TraceFlags::NOT_SAMPLED, false, state);
    span.add_link(linked, vec![KeyValue::new("why", "because")]);
    span.record_error(&std::io::Error::other("broken"));
    span.set_status(Status::error("first"));
    span.set_status(Status::Unset);
    span.update_name("step by step, renamed");
    span.end();
    span.set_attribute(KeyValue::new("too", "late"));
    drop(span);

    let mut ok = tracer.start_with_context("ok is final", &Context::new());
    ok.set_status(Status::error("no"));
    ok.set_status(Status::Ok);
    ok.set_status(Status::error("too late"));
    ok.end();

    for kind in [SpanKind::Client, SpanKind::Producer, SpanKind::Consumer, SpanKind::Internal] {
        let name = format!("of kind {kind:?}");
        tracer.span_builder(name).with_kind(kind).start_with_context(tracer, &Context::new());
    }
    tracer.in_span_with_context("outer", &Context::new(), |cx| {
        cx.span().set_attribute(KeyValue::new("depth", 0));
        tracer.in_span("inner", |cx| cx.span().add_event("inside", Vec::new()));
        tracer.in_span("second inner", |_| {});
    });
    let _quiet = Context::enter_telemetry_suppressed_scope();
    assert!(!tracer.start("suppressed").is_recording());
}

/// More of everything than the limits of 128 leave.
pub(crate) fn flood<T: Tracer>(tracer: &T) {
    let mut span = tracer.start_with_context("flood", &Context::new());
    let many = || (0..130).map(|n| KeyValue::new(format!("key {n}"), n)).collect::<Vec<_>>();
    span.set_attributes(many());
    (0..130).for_each(|n| span.add_event(format!("event {n}"), Vec::new()));
    (0..130).for_each(|_| span.add_link(context(3), Vec::new()));
    span.end();
    let mut inner = tracer.start_with_context("flood inside", &Context::new());
    inner.add_event("event", many());
    inner.add_link(context(3), many());
    inner.end();
}

/// Log records with everything.
pub(crate) fn log<L: Logger>(logger: &L) {
    let nested: AnyValue = [
        ("list", AnyValue::from_iter([AnyValue::from(1), "two".into(), AnyValue::from_iter([true])])),
        ("bytes", AnyValue::from(&b"\x00\xff"[..])),
        ("text", "x".into()),
    ]
    .into_iter()
    .collect();
    let bodies: Vec<(&str, AnyValue)> = vec![
        ("text", "a text".into()),
        ("int", 42.into()),
        ("double", 0.5.into()),
        ("bool", true.into()),
        ("nested", nested.clone()),
    ];
    for (name, body) in bodies {
        let mut record = logger.create_log_record();
        record.set_timestamp(at(10));
        record.set_observed_timestamp(at(20));
        record.set_severity_number(Severity::Warn3);
        record.set_severity_text("WARNING");
        record.set_body(body);
        record.add_attribute("name", name);
        record.add_attribute(Key::new("nested"), nested.clone());
        record.add_attributes([("one", 1), ("two", 2)]);
        let ids = (TraceId::from(3), SpanId::from(4));
        record.set_trace_context(ids.0, ids.1, Some(TraceFlags::SAMPLED));
        logger.emit(record);
    }
    for target in ["shop::cart", "shop::payment", "shop::cart"] {
        let mut record = logger.create_log_record();
        record.set_event_name("session.start");
        record.set_target(target);
        record.set_observed_timestamp(at(30));
        logger.emit(record);
    }
    logger.emit(logger.create_log_record());
    let _current = Context::new().with_remote_span_context(context(8)).attach();
    let mut record = logger.create_log_record();
    record.set_body("in a span".into());
    logger.emit(record);
}

/// Every instrument, with and without attributes; the views of the test make the exponential histogram.
pub(crate) fn measure(meter: &Meter) {
    let attributes = || every_value().into_iter().take(5).collect::<Vec<_>>();
    let counter =
        meter.u64_counter("counter.u64").with_unit("{request}").with_description("Requests.").build();
    counter.add(3, &attributes());
    counter.add(4, &[]);
    meter.f64_counter("counter.f64").build().add(0.5, &[]);
    meter.i64_up_down_counter("up_down.i64").build().add(-7, &attributes());
    meter.f64_up_down_counter("up_down.f64").build().add(-0.25, &[]);
    meter.i64_gauge("gauge.i64").build().record(i64::MIN, &[]);
    meter.u64_gauge("gauge.u64").build().record(1 << 40, &attributes());
    meter.f64_gauge("gauge.f64").build().record(f64::MIN_POSITIVE, &[]);
    for (value, more) in [(0.5, 3), (20.0, 70), (-3.0, 10_000_000), (0.0, 0)] {
        meter.f64_histogram("histogram.f64").build().record(value, &attributes());
        meter.u64_histogram("histogram.u64").with_boundaries(vec![1.0, 100.0]).build().record(more, &[]);
        meter.f64_histogram("exponential.f64").build().record(value, &attributes());
        meter.u64_histogram("exponential.u64").build().record(more, &[]);
    }
    meter.u64_histogram("no_bounds").with_boundaries(Vec::new()).build().record(1, &[]);
    meter.f64_observable_gauge("observed.gauge").with_callback(|it| it.observe(21.5, &[])).build();
    meter.u64_observable_counter("observed.counter").with_callback(|it| it.observe(9, &[])).build();
    meter.i64_observable_up_down_counter("observed.up_down").with_callback(|it| it.observe(-9, &[])).build();
}
