//! 性能问题, 高CPU使用率: less to do.

use super::stage::{EnhancedOtlpClient, Outcome, all_delivered, collector};
use otlp::{AnyValue, Client, SerializationFormat, Span, TraceIdRatioBasedSampler};

struct Object {
    id: i64,
    size: i64,
}

fn serialize_large_object() -> String {
    "x".repeat(100_000)
}

#[rustfmt::skip]
fn fewer_attributes(mut span: Span, object: &Object) {
    // 1. 减少不必要的属性
    // 避免：
    span.set_attribute("large_data", serialize_large_object());

    // 推荐：
    span.set_attribute("data_id", object.id);
    span.set_attribute("data_size", object.size);
}

#[rustfmt::skip]
async fn sampled() -> Outcome<Client> {
    // 2. 使用采样
    let sampler = TraceIdRatioBasedSampler::new(0.1);  // 10% 采样率
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_sampler(sampler)
        .build()
        .await?;
    Ok(client)
}

#[rustfmt::skip]
async fn protobuf() -> Outcome<Client> {
    // 3. 优化序列化
    // 使用高效的序列化格式
    let client = EnhancedOtlpClient::builder()
        .with_endpoint("http://localhost:4317")
        .with_serialization_format(SerializationFormat::Protobuf)
        .build()
        .await?;
    Ok(client)
}

#[tokio::test]
async fn attributes_small_and_large_arrive_as_they_are() {
    let collector = collector();
    let client = protobuf().await.unwrap();
    fewer_attributes(client.tracer("t").start("s"), &Object { id: 17, size: 100_000 });
    all_delivered(&client, &collector, 1).await;
    let received = collector.received();
    assert_eq!(received.calls().next().unwrap().format, otlp_model::Format::Protobuf);
    let span = received.spans()[0].to_model().unwrap();
    let value = |key: &str| &span.attributes.iter().find(|attribute| attribute.key == key).unwrap().value;
    assert_eq!((value("data_id"), value("data_size")), (&17.into(), &100_000.into()));
    assert_eq!(value("large_data"), &AnyValue::from(serialize_large_object()));
}

#[tokio::test]
async fn a_tenth_is_kept_of_a_million_traces() {
    // conf: SAMP-13
    const TRACES: u64 = 1_000_000;
    let collector = collector();
    let client = sampled().await.unwrap();
    let tracer = client.tracer("t");
    let mut kept = 0;
    for _ in 0..TRACES {
        kept += u64::from(tracer.start("s").is_recording());
    }
    // Six standard deviations of the binomial distribution: once in 500 million runs it is outside.
    let deviation = (TRACES as f64 * 0.1 * 0.9).sqrt();
    let away = (kept as f64 - TRACES as f64 * 0.1).abs();
    assert!(away <= 6.0 * deviation, "{kept} of {TRACES}, {away} from a tenth");
    all_delivered(&client, &collector, kept).await;
}
