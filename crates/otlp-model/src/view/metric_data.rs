//! Metrics, owned: from the view of an encoded metric to the plain data.
//!
//! For tools that read telemetry and send it on. The counterpart of the writer in `wire/metric.rs`: what that writes, this
//! reads back.

use super::request::repeated;
use super::{AttributesView, DataPointView, DecodeError, Field, Message, MetricKind, MetricView, Wire};
use crate::{
    Buckets, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, MetricData, NumberDataPoint, NumberValue, SpanId, Sum, Summary,
    SummaryDataPoint, TraceId, ValueAtQuantile,
};

impl MetricView<'_> {
    /// The metric, owned; `None` where there is no such metric: of a kind that is not known here, without data, or a sum or
    /// histogram without a temporality, which must not be (MODEL-22).
    ///
    /// ```
    /// use otlp_model::{Gauge, Metric, NumberDataPoint, encode_metric, view::MetricView};
    /// let metric = Metric::new("queue.depth", Gauge { data_points: vec![NumberDataPoint::new(0, 1_000, 7)] });
    /// let mut record = Vec::new();
    /// encode_metric(&metric, &mut record);
    /// assert_eq!(MetricView::from_record(&record)?.to_metric()?, Some(metric));
    /// # Ok::<(), otlp_model::DecodeError>(())
    /// ```
    ///
    /// # Errors
    /// A data point is malformed.
    pub fn to_metric(&self) -> Result<Option<Metric>, DecodeError> {
        let data = match (self.kind, self.temporality) {
            (Some(MetricKind::Gauge), _) => Gauge { data_points: self.points(number)? }.into(),
            (Some(MetricKind::Summary), _) => Summary { data_points: self.points(summary)? }.into(),
            (Some(MetricKind::Sum), Some(temporality)) => {
                let data_points = self.points(number)?;
                Sum { temporality, is_monotonic: self.is_monotonic, data_points }.into()
            }
            (Some(MetricKind::Histogram), Some(temporality)) => {
                Histogram { temporality, data_points: self.points(histogram)? }.into()
            }
            (Some(MetricKind::ExponentialHistogram), Some(temporality)) => {
                ExponentialHistogram { temporality, data_points: self.points(exponential)? }.into()
            }
            _ => return Ok(None),
        };
        Ok(Some(self.with_data(data)?))
    }

    fn with_data(&self, data: MetricData) -> Result<Metric, DecodeError> {
        Ok(Metric {
            name: self.name.to_owned().into(),
            description: self.description.to_owned().into(),
            unit: self.unit.to_owned().into(),
            metadata: self.metadata.to_key_values()?,
            data,
        })
    }

    fn points<T>(
        &self,
        read: impl Fn(DataPointView<'_>) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        self.data_points().map(|point| read(point?)).collect()
    }
}

fn number(point: DataPointView<'_>) -> Result<NumberDataPoint, DecodeError> {
    Ok(NumberDataPoint {
        attributes: point.attributes.to_key_values()?,
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        value: point.number,
        exemplars: exemplars(point.raw, 5)?,
        flags: point.flags,
    })
}

fn histogram(point: DataPointView<'_>) -> Result<HistogramDataPoint, DecodeError> {
    let mut data = HistogramDataPoint {
        attributes: point.attributes.to_key_values()?,
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        count: point.count.unwrap_or_default(),
        sum: point.sum,
        exemplars: exemplars(point.raw, 8)?,
        flags: point.flags,
        ..HistogramDataPoint::default()
    };
    for field in point.raw.fields() {
        let field = field?;
        match field.number {
            6 => fixed64s(&field, |count| data.bucket_counts.push(count))?,
            7 => fixed64s(&field, |bound| data.explicit_bounds.push(f64::from_bits(bound)))?,
            11 => data.min = Some(double(&field)?),
            12 => data.max = Some(double(&field)?),
            _ => {}
        }
    }
    Ok(data)
}

fn exponential(point: DataPointView<'_>) -> Result<ExponentialHistogramDataPoint, DecodeError> {
    let mut data = ExponentialHistogramDataPoint {
        attributes: point.attributes.to_key_values()?,
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        count: point.count.unwrap_or_default(),
        sum: point.sum,
        exemplars: exemplars(point.raw, 11)?,
        flags: point.flags,
        ..ExponentialHistogramDataPoint::default()
    };
    for field in point.raw.fields() {
        let field = field?;
        match field.number {
            6 => data.scale = field.sint32()?,
            7 => data.zero_count = field.fixed64()?,
            8 => data.positive = buckets(field.message()?)?,
            9 => data.negative = buckets(field.message()?)?,
            12 => data.min = Some(double(&field)?),
            13 => data.max = Some(double(&field)?),
            14 => data.zero_threshold = double(&field)?,
            _ => {}
        }
    }
    Ok(data)
}

fn buckets(message: Message<'_>) -> Result<Buckets, DecodeError> {
    let mut buckets = Buckets::default();
    for field in message.fields() {
        let field = field?;
        match (field.number, field.value) {
            (1, _) => buckets.offset = field.sint32()?,
            (2, Wire::Bytes(_)) => {
                for count in field.packed_varints() {
                    buckets.bucket_counts.push(count?.varint()?);
                }
            }
            (2, _) => buckets.bucket_counts.push(field.varint()?),
            _ => {}
        }
    }
    Ok(buckets)
}

fn summary(point: DataPointView<'_>) -> Result<SummaryDataPoint, DecodeError> {
    let quantiles = repeated::<Message<'_>>(point.raw, 6).map(|message| {
        let mut value = ValueAtQuantile::default();
        for field in message?.fields() {
            let field = field?;
            match field.number {
                1 => value.quantile = double(&field)?,
                2 => value.value = double(&field)?,
                _ => {}
            }
        }
        Ok(value)
    });
    Ok(SummaryDataPoint {
        attributes: point.attributes.to_key_values()?,
        start_time_unix_nano: point.start_time_unix_nano,
        time_unix_nano: point.time_unix_nano,
        count: point.count.unwrap_or_default(),
        sum: point.sum.unwrap_or_default(),
        quantile_values: quantiles.collect::<Result<_, _>>()?,
        flags: point.flags,
    })
}

/// The exemplars in field `number`; one without a value, which says nothing, is left out.
fn exemplars(point: Message<'_>, number: u32) -> Result<Vec<Exemplar>, DecodeError> {
    let mut exemplars = Vec::new();
    for message in repeated::<Message<'_>>(point, number) {
        let message = message?;
        let (mut time, mut value) = (0, None);
        let (mut trace_id, mut span_id) = (TraceId::INVALID, SpanId::INVALID);
        for field in message.fields() {
            let field = field?;
            match field.number {
                2 => time = field.fixed64()?,
                3 => value = Some(NumberValue::Double(double(&field)?)),
                4 => span_id = SpanId::from_slice(field.bytes()?).unwrap_or_default(),
                5 => trace_id = TraceId::from_slice(field.bytes()?).unwrap_or_default(),
                6 => value = Some(NumberValue::Int(field.fixed64()?.cast_signed())),
                _ => {}
            }
        }
        let Some(value) = value else { continue };
        let filtered_attributes = AttributesView::new(message, 7).to_key_values()?;
        exemplars.push(Exemplar { filtered_attributes, time_unix_nano: time, value, trace_id, span_id });
    }
    Ok(exemplars)
}

/// The eight-byte numbers of a repeated field, packed or not.
fn fixed64s(field: &Field<'_>, mut take: impl FnMut(u64)) -> Result<(), DecodeError> {
    if let Wire::Fixed64(number) = field.value {
        take(number);
        return Ok(());
    }
    field.bytes()?;
    for number in field.packed_fixed64() {
        take(number?.fixed64()?);
    }
    Ok(())
}

fn double(field: &Field<'_>) -> Result<f64, DecodeError> {
    field.fixed64().map(f64::from_bits)
}
