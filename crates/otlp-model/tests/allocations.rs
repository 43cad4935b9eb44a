//! The hot path allocates nothing once its buffer has grown, and a request is one allocation per body.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_model::*;

fn write(writer: &mut SpanWriter, limits: &Limits, context: &SpanContext) -> usize {
    writer.start(limits, context, SpanId::from_bytes([3; 8]), true, "GET /users/{id}", SpanKind::Server, 1);
    writer.set_attribute("http.request.method", "GET".into());
    writer.set_attribute("http.response.status_code", 200.into());
    writer.set_attribute("http.response.status_code", 404.into());
    writer.set_attribute("big", u64::MAX.into());
    writer.set_attribute("tags", ["a", "b"].as_slice().into());
    writer.set_name("GET /users/{id}/orders");
    writer.add_event("retry", 5, [("attempt", 1), ("attempt", 2)]);
    writer.add_link(context, [("k", "v")]);
    writer.set_status(StatusCode::Error, "timed out while waiting for the database");
    writer.finish(9).len()
}

#[test]
fn a_used_writer_allocates_nothing() {
    let context =
        SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
    let limits = Limits { attribute_value_length: Some(20), ..Limits::default() };
    let mut writer = SpanWriter::new();
    let len = write(&mut writer, &limits, &context);
    let counts = allocation_counter::measure(|| {
        for _ in 0..100 {
            assert_eq!(write(&mut writer, &limits, &context), len);
        }
    });
    assert_eq!(counts.count_total, 0);
}

#[test]
fn typed_logs_and_metrics_allocate_nothing_beyond_the_buffer() {
    let attributes = vec![KeyValue::new("a", 1), KeyValue::new("b", "x"), KeyValue::new("a", 2)];
    let log = LogRecord { attributes: attributes.clone(), ..LogRecord::new(1, Severity::Info, "started") };
    let point = NumberDataPoint { attributes, ..NumberDataPoint::new(1, 2, 3) };
    let metric = Metric::new("m", Gauge { data_points: vec![point] });
    let (mut buffer, mut writer) = (Vec::with_capacity(4_096), LogWriter::new());
    writer.encode(&log, &Limits::default());
    let counts = allocation_counter::measure(|| {
        buffer.extend_from_slice(writer.encode(&log, &Limits::default()));
        encode_metric(&metric, &mut buffer);
    });
    assert_eq!(counts.count_total, 0);
}

#[test]
fn a_request_costs_no_more_allocations_for_more_records() {
    let groups = Groups::new();
    let group = groups.register(&Resource::new().with("service.name", "a"), &InstrumentationScope::new("b"));
    let record = SpanData::new(SpanContext::default(), "s", 1, 2).to_record(group, &Limits::default());
    let allocations = |records: usize| {
        let batch = vec![record.clone(); records];
        let counts = allocation_counter::measure(|| {
            let assembled = assemble(&groups, Signal::Traces, &batch, RequestLimits::default());
            assert_eq!(assembled.requests[0].items(), records as u64);
        });
        counts.count_total
    };
    assert_eq!(allocations(10), allocations(10_000));
}
