//! A metric that no request could hold, of which opentelemetry-otlp makes a request all the same.

use crate::differential::run_metrics;
use crate::support::{balanced, client, grpc};
use opentelemetry_0_33::KeyValue;
use opentelemetry_0_33::metrics::Meter;
use opentelemetry_proto::tonic::common::v1::{KeyValue as Attribute, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use otlp_opentelemetry::opentelemetry_0_33::MetricExporter;

/// One of each aggregation, of 1,900 points each, in more bytes than a request may have.
fn measure_much(meter: &Meter) {
    let counter = meter.u64_counter("sum").with_unit("{cart}").build();
    let gauge = meter.f64_gauge("gauge").with_unit("{cart}").build();
    let histogram = meter.f64_histogram("histogram").with_unit("{cart}").build();
    let exponential = meter.f64_histogram("exponential").with_unit("{cart}").build();
    for n in 0..1_900 {
        let attributes = [KeyValue::new("n", n), KeyValue::new("text", "x".repeat(1_300))];
        counter.add(1, &attributes);
        gauge.record(0.5, &attributes);
        histogram.record(0.5, &attributes);
        exponential.record(0.5, &attributes);
    }
}

/// The points of a metric by their attributes; of whatever kind it is, which is the name that it must have.
fn points(metric: &Metric) -> Vec<&[Attribute]> {
    macro_rules! of {
        ($kind:literal, $data:expr) => {{
            assert_eq!((&*metric.name, &*metric.unit), ($kind, "{cart}"));
            $data.data_points.iter().map(|point| &*point.attributes).collect()
        }};
    }
    match metric.data.as_ref().unwrap() {
        Data::Sum(sum) => {
            assert_eq!((sum.is_monotonic, sum.aggregation_temporality), (true, 2));
            of!("sum", sum)
        }
        Data::Gauge(gauge) => of!("gauge", gauge),
        Data::Histogram(histogram) => of!("histogram", histogram),
        Data::ExponentialHistogram(histogram) => of!("exponential", histogram),
        Data::Summary(_) => panic!("the SDK makes none"),
    }
}

fn number(attributes: &[Attribute]) -> i64 {
    let number = attributes.iter().find(|one| one.key == "n").unwrap().value.clone();
    let Some(Value::IntValue(number)) = number.unwrap().value else { panic!("{attributes:?}") };
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_metric_that_is_larger_than_a_request_is_sent_in_parts() {
    let ours = grpc().await;
    let client = client(&ours).await;
    run_metrics(MetricExporter::new(&client), measure_much);
    balanced(&client, &ours).await;
    let received = ours.received().metrics();
    for name in ["sum", "gauge", "histogram", "exponential"] {
        let parts: Vec<_> = received.iter().filter(|one| one.metric.name == name).collect();
        let mut numbers: Vec<_> = parts.iter().flat_map(|part| points(&part.metric)).map(number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..1_900).collect::<Vec<_>>(), "{name}");
        assert!(parts.len() > 1, "{name}");
    }
}
