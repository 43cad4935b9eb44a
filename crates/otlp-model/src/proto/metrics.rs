//! Metrics.

use super::common::attributes;
use super::generated::common::v1::KeyValue as Attribute;
use super::generated::metrics::v1::{self as proto, metric::Data};
use super::{ConvertError, convert_all, into_all, optional, span_id, trace_id};
use crate::{
    Buckets, DataPointFlags, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, KeyValue, Metric, MetricData, NumberDataPoint, NumberValue, Sum, Summary,
    SummaryDataPoint, Temporality, ValueAtQuantile,
};

/// Attributes with unique keys; one without a key is left out, and a point has no field to count it in.
fn unique(list: &[KeyValue]) -> Vec<Attribute> {
    attributes(list).0
}

impl From<Metric> for proto::Metric {
    fn from(metric: Metric) -> Self {
        let data = match metric.data {
            MetricData::Gauge(gauge) => {
                Data::Gauge(proto::Gauge { data_points: into_all(gauge.data_points) })
            }
            MetricData::Sum(sum) => Data::Sum(proto::Sum {
                data_points: into_all(sum.data_points),
                aggregation_temporality: sum.temporality as i32,
                is_monotonic: sum.is_monotonic,
            }),
            MetricData::Histogram(histogram) => Data::Histogram(proto::Histogram {
                data_points: into_all(histogram.data_points),
                aggregation_temporality: histogram.temporality as i32,
            }),
            MetricData::ExponentialHistogram(histogram) => {
                Data::ExponentialHistogram(proto::ExponentialHistogram {
                    data_points: into_all(histogram.data_points),
                    aggregation_temporality: histogram.temporality as i32,
                })
            }
            MetricData::Summary(summary) => {
                Data::Summary(proto::Summary { data_points: into_all(summary.data_points) })
            }
        };
        Self {
            name: metric.name.into_owned(),
            description: metric.description.into_owned(),
            unit: metric.unit.into_owned(),
            metadata: unique(&metric.metadata),
            data: Some(data),
        }
    }
}

impl From<NumberDataPoint> for proto::NumberDataPoint {
    fn from(point: NumberDataPoint) -> Self {
        use proto::number_data_point::Value;
        Self {
            attributes: unique(&point.attributes),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            exemplars: into_all(point.exemplars),
            flags: point.flags.bits(),
            value: point.value.map(|value| match value {
                NumberValue::Int(value) => Value::AsInt(value),
                NumberValue::Double(value) => Value::AsDouble(value),
            }),
        }
    }
}

impl From<HistogramDataPoint> for proto::HistogramDataPoint {
    fn from(point: HistogramDataPoint) -> Self {
        Self {
            attributes: unique(&point.attributes),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            count: point.count,
            sum: point.sum,
            bucket_counts: point.bucket_counts,
            explicit_bounds: point.explicit_bounds,
            exemplars: into_all(point.exemplars),
            flags: point.flags.bits(),
            min: point.min,
            max: point.max,
        }
    }
}

impl From<ExponentialHistogramDataPoint> for proto::ExponentialHistogramDataPoint {
    /// Empty buckets are absent, as from the writer.
    fn from(point: ExponentialHistogramDataPoint) -> Self {
        let buckets = |buckets: Buckets| {
            (buckets != Buckets::default()).then_some(proto::exponential_histogram_data_point::Buckets {
                offset: buckets.offset,
                bucket_counts: buckets.bucket_counts,
            })
        };
        Self {
            attributes: unique(&point.attributes),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            count: point.count,
            sum: point.sum,
            scale: point.scale,
            zero_count: point.zero_count,
            positive: buckets(point.positive),
            negative: buckets(point.negative),
            flags: point.flags.bits(),
            exemplars: into_all(point.exemplars),
            min: point.min,
            max: point.max,
            zero_threshold: point.zero_threshold,
        }
    }
}

impl From<SummaryDataPoint> for proto::SummaryDataPoint {
    fn from(point: SummaryDataPoint) -> Self {
        let quantile = |quantile: ValueAtQuantile| proto::summary_data_point::ValueAtQuantile {
            quantile: quantile.quantile,
            value: quantile.value,
        };
        Self {
            attributes: unique(&point.attributes),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            count: point.count,
            sum: point.sum,
            quantile_values: point.quantile_values.into_iter().map(quantile).collect(),
            flags: point.flags.bits(),
        }
    }
}

impl From<Exemplar> for proto::Exemplar {
    fn from(exemplar: Exemplar) -> Self {
        use proto::exemplar::Value;
        Self {
            filtered_attributes: unique(&exemplar.filtered_attributes),
            time_unix_nano: exemplar.time_unix_nano,
            span_id: optional(exemplar.span_id.is_valid(), exemplar.span_id.as_bytes()),
            trace_id: optional(exemplar.trace_id.is_valid(), exemplar.trace_id.as_bytes()),
            value: Some(match exemplar.value {
                NumberValue::Int(value) => Value::AsInt(value),
                NumberValue::Double(value) => Value::AsDouble(value),
            }),
        }
    }
}

impl TryFrom<proto::Metric> for Metric {
    type Error = ConvertError;

    fn try_from(metric: proto::Metric) -> Result<Self, ConvertError> {
        let data = match metric.data {
            Some(Data::Gauge(gauge)) => Gauge { data_points: convert_all(gauge.data_points)? }.into(),
            Some(Data::Sum(sum)) => Sum {
                temporality: temporality(sum.aggregation_temporality)?,
                is_monotonic: sum.is_monotonic,
                data_points: convert_all(sum.data_points)?,
            }
            .into(),
            Some(Data::Histogram(histogram)) => Histogram {
                temporality: temporality(histogram.aggregation_temporality)?,
                data_points: convert_all(histogram.data_points)?,
            }
            .into(),
            Some(Data::ExponentialHistogram(histogram)) => ExponentialHistogram {
                temporality: temporality(histogram.aggregation_temporality)?,
                data_points: convert_all(histogram.data_points)?,
            }
            .into(),
            Some(Data::Summary(summary)) => Summary { data_points: into_all(summary.data_points) }.into(),
            None => return Err(ConvertError::new("data", "absent: a metric has points of one kind")),
        };
        Ok(Self {
            name: metric.name.into(),
            description: metric.description.into(),
            unit: metric.unit.into(),
            metadata: into_all(metric.metadata),
            data,
        })
    }
}

fn temporality(temporality: i32) -> Result<Temporality, ConvertError> {
    match temporality {
        1 => Ok(Temporality::Delta),
        2 => Ok(Temporality::Cumulative),
        other => Err(ConvertError::new(
            "aggregation_temporality",
            format!("{other} is neither delta nor cumulative"),
        )),
    }
}

impl TryFrom<proto::NumberDataPoint> for NumberDataPoint {
    type Error = ConvertError;

    fn try_from(point: proto::NumberDataPoint) -> Result<Self, ConvertError> {
        use proto::number_data_point::Value;
        Ok(Self {
            attributes: into_all(point.attributes),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            value: point.value.map(|value| match value {
                Value::AsInt(value) => NumberValue::Int(value),
                Value::AsDouble(value) => NumberValue::Double(value),
            }),
            exemplars: convert_all(point.exemplars)?,
            flags: DataPointFlags::from_bits(point.flags),
        })
    }
}

impl TryFrom<proto::HistogramDataPoint> for HistogramDataPoint {
    type Error = ConvertError;

    fn try_from(point: proto::HistogramDataPoint) -> Result<Self, ConvertError> {
        Ok(Self {
            attributes: into_all(point.attributes),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            count: point.count,
            sum: point.sum,
            min: point.min,
            max: point.max,
            bucket_counts: point.bucket_counts,
            explicit_bounds: point.explicit_bounds,
            exemplars: convert_all(point.exemplars)?,
            flags: DataPointFlags::from_bits(point.flags),
        })
    }
}

impl TryFrom<proto::ExponentialHistogramDataPoint> for ExponentialHistogramDataPoint {
    type Error = ConvertError;

    fn try_from(point: proto::ExponentialHistogramDataPoint) -> Result<Self, ConvertError> {
        let buckets = |buckets: Option<proto::exponential_histogram_data_point::Buckets>| {
            let of = |proto::exponential_histogram_data_point::Buckets { offset, bucket_counts }| Buckets {
                offset,
                bucket_counts,
            };
            buckets.map(of).unwrap_or_default()
        };
        Ok(Self {
            attributes: into_all(point.attributes),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            count: point.count,
            sum: point.sum,
            min: point.min,
            max: point.max,
            scale: point.scale,
            zero_count: point.zero_count,
            zero_threshold: point.zero_threshold,
            positive: buckets(point.positive),
            negative: buckets(point.negative),
            exemplars: convert_all(point.exemplars)?,
            flags: DataPointFlags::from_bits(point.flags),
        })
    }
}

impl From<proto::SummaryDataPoint> for SummaryDataPoint {
    fn from(point: proto::SummaryDataPoint) -> Self {
        let quantile = |quantile: proto::summary_data_point::ValueAtQuantile| ValueAtQuantile {
            quantile: quantile.quantile,
            value: quantile.value,
        };
        Self {
            attributes: into_all(point.attributes),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            count: point.count,
            sum: point.sum,
            quantile_values: point.quantile_values.into_iter().map(quantile).collect(),
            flags: DataPointFlags::from_bits(point.flags),
        }
    }
}

impl TryFrom<proto::Exemplar> for Exemplar {
    type Error = ConvertError;

    fn try_from(exemplar: proto::Exemplar) -> Result<Self, ConvertError> {
        use proto::exemplar::Value;
        let value = match exemplar.value {
            Some(Value::AsInt(value)) => NumberValue::Int(value),
            Some(Value::AsDouble(value)) => NumberValue::Double(value),
            None => return Err(ConvertError::new("value", "absent: an exemplar is one measurement")),
        };
        Ok(Self {
            filtered_attributes: into_all(exemplar.filtered_attributes),
            time_unix_nano: exemplar.time_unix_nano,
            value,
            trace_id: trace_id(&exemplar.trace_id)?,
            span_id: span_id("span_id", &exemplar.span_id)?,
        })
    }
}
