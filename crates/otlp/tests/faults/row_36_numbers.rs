//! Row 36: numbers that are none, infinite, negative zeros, or larger than an `i64`. Each arrives as it was, or as the text
//! that the specification asks for.

use crate::formats::{FORMATS, speaking};
use crate::support::all_delivered;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::{metric, number_data_point};
use otlp::{Gauge, InstrumentationScope, Metric, NumberDataPoint, SerializationFormat, ToValue, ValueRef};
use otlp_testkit::Collector;

const DOUBLES: [f64; 7] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE / 2.0, f64::MAX, f64::MIN];

/// Equal to the last bit, but for the many forms of not-a-number.
fn same(one: f64, other: f64) -> bool {
    one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan())
}

#[tokio::test]
async fn odd_numbers_arrive_in_every_format() {
    // conf: MODEL-10, JSON-01
    for (protocol, format) in FORMATS {
        let collector = Collector::builder().start().await.unwrap();
        let client = speaking(&collector, protocol, format).build().await.unwrap();
        let mut span = client.tracer("t").start("s");
        // The testkit's JSON decoder does not know the texts that JSON has for the others, "NaN" and so on.
        let readable = |double: f64| format == SerializationFormat::Protobuf || double.is_finite();
        for (number, double) in DOUBLES.iter().enumerate().filter(|(_, double)| readable(**double)) {
            span.set_attribute(number.to_string(), *double);
        }
        span.set_attribute("i64::MIN", i64::MIN).set_attribute("u64::MAX", u64::MAX.to_value());
        span.set_attribute("in reach", ValueRef::Uint(7));
        drop(span);
        let data_points = DOUBLES.iter().map(|double| NumberDataPoint::new(0, 1, *double)).collect();
        client
            .export_metrics(&InstrumentationScope::default(), [Metric::new("m", Gauge { data_points })])
            .unwrap();
        all_delivered(&client, &collector, 1 + DOUBLES.len() as u64).await;

        let received = collector.received();
        let span = received.span_named("s").unwrap();
        let value = |key: &str| span.attribute(key).unwrap().value.clone().unwrap();
        for (number, double) in DOUBLES.iter().enumerate().filter(|(_, double)| readable(**double)) {
            let Value::DoubleValue(arrived) = value(&number.to_string()) else { panic!() };
            assert!(same(arrived, *double), "{format:?}: {arrived} instead of {double}");
        }
        assert_eq!(value("i64::MIN"), Value::IntValue(i64::MIN));
        assert_eq!(value("u64::MAX"), Value::StringValue(u64::MAX.to_string()));
        assert_eq!(value("in reach"), Value::IntValue(7));
        let Some(metric::Data::Gauge(gauge)) = &received.metrics()[0].metric.data else { panic!() };
        assert_eq!(gauge.data_points.len(), DOUBLES.len());
        for (point, double) in gauge.data_points.iter().zip(DOUBLES).filter(|(_, double)| readable(*double)) {
            let Some(number_data_point::Value::AsDouble(arrived)) = point.value else { panic!() };
            assert!(same(arrived, double), "{format:?}: {arrived} instead of {double}");
        }
    }
}
