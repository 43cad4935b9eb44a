//! Metrics of every kind with every field, with odd values, and with next to nothing.

use super::{SPAN_ID, TIME, TRACE_ID, attribute, every_kind_of_value, odd_values, text};
use otlp_model::proto::generated::common::v1::KeyValue;
use otlp_model::proto::generated::metrics::v1::exponential_histogram_data_point::Buckets;
use otlp_model::proto::generated::metrics::v1::metric::Data;
use otlp_model::proto::generated::metrics::v1::number_data_point::Value;
use otlp_model::proto::generated::metrics::v1::summary_data_point::ValueAtQuantile;
use otlp_model::proto::generated::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, Sum, Summary, SummaryDataPoint, exemplar,
};

const DELTA: i32 = 1;
const CUMULATIVE: i32 = 2;
const NO_RECORDED_VALUE: u32 = 1;

pub(super) fn full() -> Vec<Metric> {
    let histogram = Histogram {
        aggregation_temporality: DELTA,
        data_points: vec![HistogramDataPoint {
            attributes: labels(),
            start_time_unix_nano: TIME,
            time_unix_nano: TIME + 1,
            count: 6,
            sum: Some(1234.5),
            bucket_counts: vec![1, 2, 3],
            explicit_bounds: vec![0.005, 10.0],
            exemplars: exemplars(),
            flags: 0,
            min: Some(0.001),
            max: Some(1000.25),
        }],
    };
    let exponential = ExponentialHistogram {
        aggregation_temporality: CUMULATIVE,
        data_points: vec![ExponentialHistogramDataPoint {
            attributes: labels(),
            start_time_unix_nano: TIME,
            time_unix_nano: TIME + 1,
            count: 6 + u64::from(u32::MAX),
            sum: Some(-1.5),
            scale: -3,
            zero_count: 2,
            positive: Some(Buckets { offset: -7, bucket_counts: vec![1, 0, u64::from(u32::MAX)] }),
            negative: Some(Buckets { offset: 5, bucket_counts: vec![3] }),
            flags: 0,
            exemplars: exemplars(),
            min: Some(-8.0),
            max: Some(8.0),
            zero_threshold: 1e-9,
        }],
    };
    let summary = Summary {
        data_points: vec![SummaryDataPoint {
            attributes: labels(),
            start_time_unix_nano: TIME,
            time_unix_nano: TIME + 1,
            count: 4,
            sum: 10.5,
            quantile_values: [(0.0, 1.0), (0.5, 2.5), (1.0, 4.0)]
                .map(|(quantile, value)| ValueAtQuantile { quantile, value })
                .to_vec(),
            flags: 0,
        }],
    };
    let point = |value| NumberDataPoint { attributes: labels(), exemplars: exemplars(), ..number(value) };
    let gauge = Gauge { data_points: vec![point(Value::AsInt(i64::MIN)), point(Value::AsDouble(21.5))] };
    vec![
        metric("full.gauge", Data::Gauge(gauge)),
        metric("full.sum", sum(DELTA, true, vec![point(Value::AsInt(7))])),
        metric("full.histogram", Data::Histogram(histogram)),
        metric("full.exponential", Data::ExponentialHistogram(exponential)),
        metric("full.summary", Data::Summary(summary)),
    ]
}

/// Points without a value, numbers that are none, histograms without what they need not have.
pub(super) fn odd() -> Vec<Metric> {
    let absent = NumberDataPoint {
        attributes: odd_values(),
        flags: NO_RECORDED_VALUE,
        value: None,
        ..number(Value::AsInt(0))
    };
    let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE].map(Value::AsDouble);
    let bare = HistogramDataPoint { time_unix_nano: TIME, count: 3, ..HistogramDataPoint::default() };
    let unbounded = HistogramDataPoint {
        bucket_counts: vec![3],
        explicit_bounds: Vec::new(),
        sum: Some(0.0),
        min: Some(0.0),
        max: Some(0.0),
        ..bare.clone()
    };
    let histogram = Histogram { aggregation_temporality: CUMULATIVE, data_points: vec![bare, unbounded] };
    let exponential = ExponentialHistogram {
        aggregation_temporality: DELTA,
        data_points: vec![ExponentialHistogramDataPoint {
            time_unix_nano: TIME,
            scale: 20,
            ..ExponentialHistogramDataPoint::default()
        }],
    };
    vec![
        metric("odd.absent", Data::Gauge(Gauge { data_points: vec![absent] })),
        metric("odd.numbers", Data::Gauge(Gauge { data_points: numbers.map(number).to_vec() })),
        metric(
            "odd.sum",
            sum(CUMULATIVE, false, vec![number(Value::AsInt(i64::MAX)), number(Value::AsInt(0))]),
        ),
        metric("odd.histogram", Data::Histogram(histogram)),
        metric("odd.exponential", Data::ExponentialHistogram(exponential)),
    ]
}

pub(super) fn few() -> Vec<Metric> {
    let data = Data::Gauge(Gauge { data_points: vec![number(Value::AsInt(1))] });
    vec![Metric { name: "up".to_owned(), data: Some(data), ..Metric::default() }]
}

fn metric(name: &str, data: Data) -> Metric {
    Metric {
        name: name.to_owned(),
        description: "What it counts, 数".to_owned(),
        unit: "{request}/s".to_owned(),
        metadata: vec![attribute("prometheus.type", text("unknown"))],
        data: Some(data),
    }
}

fn sum(aggregation_temporality: i32, is_monotonic: bool, data_points: Vec<NumberDataPoint>) -> Data {
    Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic })
}

fn number(value: Value) -> NumberDataPoint {
    NumberDataPoint {
        start_time_unix_nano: TIME,
        time_unix_nano: TIME + 5_000_000_000,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

fn labels() -> Vec<KeyValue> {
    every_kind_of_value()
}

fn exemplars() -> Vec<Exemplar> {
    let exemplar = |value| Exemplar {
        filtered_attributes: vec![attribute("user", text("42"))],
        time_unix_nano: TIME + 3,
        span_id: SPAN_ID.to_vec(),
        trace_id: TRACE_ID.to_vec(),
        value: Some(value),
    };
    vec![exemplar(exemplar::Value::AsDouble(0.25)), exemplar(exemplar::Value::AsInt(-9))]
}
