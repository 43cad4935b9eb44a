//! A metric that no request could hold, of which opentelemetry-otlp makes a request all the same.

use crate::differential::run_metrics;
use crate::support::{balanced, client, grpc};
use opentelemetry_0_33::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use otlp_opentelemetry::opentelemetry_0_33::MetricExporter;
use otlp_testkit::Collector;

/// Of 1,900 points, in more bytes than a request may have.
fn count_much(meter: &opentelemetry_0_33::metrics::Meter) {
    let counter = meter.u64_counter("c").with_unit("{cart}").build();
    for n in 0..1_900 {
        counter.add(1, &[KeyValue::new("n", n), KeyValue::new("text", "x".repeat(1_300))]);
    }
}

/// The numbers of the points, in order; each metric must say the same of itself.
fn numbers(collector: &Collector) -> Vec<i64> {
    let mut numbers = Vec::new();
    for received in collector.received().metrics() {
        let Some(Data::Sum(sum)) = &received.metric.data else { panic!("{received:?}") };
        let said = (&*received.metric.name, &*received.metric.unit, sum.is_monotonic);
        assert_eq!((said, sum.aggregation_temporality), (("c", "{cart}", true), 2));
        for point in &sum.data_points {
            let number = point.attributes.iter().find(|one| one.key == "n").unwrap().value.clone();
            let Some(Value::IntValue(number)) = number.unwrap().value else { panic!("{point:?}") };
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_metric_that_is_larger_than_a_request_is_sent_in_parts() {
    let ours = grpc().await;
    let client = client(&ours).await;
    run_metrics(MetricExporter::new(&client), count_much);
    balanced(&client, &ours).await;
    assert_eq!(numbers(&ours), (0..1_900).collect::<Vec<_>>());
    assert!(ours.received().metrics().len() > 1);
}
