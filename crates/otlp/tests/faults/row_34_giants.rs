//! Row 34: attributes of absurd size, number and depth. They are cut, or dropped and counted; spans around them arrive.

use crate::support::{all_delivered, books, builder, client, grpc};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use otlp::{AnyValue, DropReason, KeyValue, Limits};

/// The most a text may have by default: half of a request, in characters.
const MOST: usize = 1024 * 1024;

#[tokio::test]
async fn a_text_of_100_mb_is_cut_on_the_border_of_a_character() {
    // conf: LIM-06
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    let giant = "0123456789".repeat(10_000_000);
    tracer.start("text").set_attribute("giant", giant.as_str()).set_attribute("small", "kept");
    tracer.start("bytes").set_attribute("giant", giant.into_bytes()).set_attribute("small", "kept");
    tracer.start("neighbour").end();
    all_delivered(&client, &collector, 3).await;
    let received = collector.received();
    for name in ["text", "bytes"] {
        let span = received.span_named(name).unwrap();
        let len = match span.attribute("giant").unwrap().value.as_ref().unwrap() {
            Value::StringValue(text) => text.len(),
            Value::BytesValue(bytes) => bytes.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(len, MOST, "{name}");
        assert!(span.attribute("small").is_some(), "the rest of the span is kept");
    }
}

#[tokio::test]
async fn a_cut_does_not_split_a_character() {
    // conf: LIM-06
    let collector = grpc().await;
    let client = builder(collector.grpc_endpoint()).with_max_request_bytes(40_000).build().await.unwrap();
    client.tracer("t").start("s").set_attribute("text", "1".to_owned() + &"ö".repeat(30_000));
    // 20,000 characters are 39,999 bytes here, with the rest of the span too much for one request.
    let report = books(client.flush().await);
    assert_eq!(report.dropped().get(DropReason::TooLarge), 1, "{report}");
    client.tracer("t").start("s").set_attribute("text", "€".repeat(10_000));
    assert_eq!(books(client.flush().await).delivered(), 1);
    let span = collector.received().span_named("s").unwrap();
    let Some(Value::StringValue(text)) = &span.attribute("text").unwrap().value else { panic!() };
    assert_eq!(text.chars().count(), 10_000);
    books(client.shutdown(crate::support::PATIENCE).await);
}

#[tokio::test]
async fn of_a_million_attributes_128_are_kept_and_the_others_counted() {
    // conf: LIM-04, LIM-10
    let collector = grpc().await;
    let client = client(&collector).await;
    let mut span = client.tracer("t").start("s");
    for number in 0..1_000_000 {
        span.set_attribute(number.to_string(), number);
    }
    drop(span);
    all_delivered(&client, &collector, 1).await;
    let span = collector.received().span_named("s").unwrap().span;
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (128, 1_000_000 - 128));
}

/// What is too large in sum is dropped alone.
#[tokio::test]
async fn a_value_of_a_million_entries_costs_its_span_and_no_other() {
    // conf: GRPC-12
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    tracer.start("before").end();
    tracer.start("giant").set_attribute("array", AnyValue::Array(vec![AnyValue::Int(1); 1_000_000]));
    tracer.start(" ".repeat(10_000_000)).end();
    tracer.start("after").end();
    let report = books(client.flush().await);
    assert_eq!((report.delivered(), report.dropped().get(DropReason::TooLarge)), (2, 2), "{report}");
    assert!(report.is_balanced());
}

/// The testkit decodes as prost, C++ and Java do: it refuses a request that nests more than 100 messages, which a value of
/// 64 levels, the specification's default, does.
#[tokio::test]
async fn what_nests_too_deep_is_cut_where_receivers_can_read_it() {
    // conf: LIM-07
    const DEPTH: usize = 30;
    let collector = grpc().await;
    let limits = Limits { attribute_value_depth: DEPTH, ..Limits::default() };
    let client = builder(collector.grpc_endpoint()).with_limits(limits).build().await.unwrap();
    let mut value = AnyValue::from("the bottom");
    for _ in 0..500 {
        value = AnyValue::Map(vec![KeyValue::new("deeper", value)]);
    }
    client.tracer("t").start("s").set_attribute("deep", value);
    all_delivered(&client, &collector, 1).await;
    let span = collector.received().span_named("s").unwrap();
    let (mut value, mut depth) = (span.attribute("deep").cloned(), 0);
    while let Some(inner) = value.and_then(|value| value.value) {
        depth += 1;
        let Value::KvlistValue(list) = inner else { panic!("{inner:?}") };
        value = list.values.into_iter().next().and_then(|entry| entry.value);
    }
    assert_eq!(depth, DEPTH);
}
