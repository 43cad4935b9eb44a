//! Metrics and their data points: what all kinds have in common, and the raw message for the rest.

use super::request::{FromMessage, repeated};
use super::span::record_message;
use super::{AttributesView, DecodeError, Field, Message};
use crate::{DataPointFlags, NumberValue, Temporality};

/// What a metric's data points are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// Last values.
    Gauge,
    /// Sums.
    Sum,
    /// Histograms with explicit bounds.
    Histogram,
    /// Histograms with exponential buckets.
    ExponentialHistogram,
    /// Quantiles.
    Summary,
}

/// One metric.
///
/// ```
/// use otlp_model::{Gauge, Metric, NumberDataPoint, NumberValue, encode_metric};
/// use otlp_model::view::{MetricKind, MetricView};
/// let point = NumberDataPoint::new(0, 1_000, 7);
/// let metric = Metric::new("queue.depth", Gauge { data_points: vec![point] }).with_unit("{item}");
/// let mut record = Vec::new();
/// encode_metric(&metric, &mut record);
/// let view = MetricView::from_record(&record)?;
/// assert_eq!((view.name, view.unit, view.kind), ("queue.depth", "{item}", Some(MetricKind::Gauge)));
/// assert_eq!(view.data_point_count()?, 1);
/// assert_eq!(view.data_points().next().unwrap()?.number, Some(NumberValue::Int(7)));
/// # Ok::<(), otlp_model::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MetricView<'a> {
    /// The metric's name.
    pub name: &'a str,
    /// What it measures, in words.
    pub description: &'a str,
    /// The unit, in UCUM's notation.
    pub unit: &'a str,
    /// What its data points are; `None` for a kind not known here, or no data at all.
    pub kind: Option<MetricKind>,
    /// What sums and histograms add up; `None` if unspecified or without meaning.
    pub temporality: Option<Temporality>,
    /// Whether a sum never decreases.
    pub is_monotonic: bool,
    /// Metadata about the metric.
    pub metadata: AttributesView<'a>,
    /// The `Gauge`, `Sum`, … message; empty without a kind.
    pub data: Message<'a>,
}

impl<'a> MetricView<'a> {
    /// Reads one record of the queue: the field `ScopeMetrics.metrics`, tag and length included.
    ///
    /// # Errors
    /// The bytes are no such field, or more than one.
    pub fn from_record(record: &'a [u8]) -> Result<Self, DecodeError> {
        record_message(record).and_then(Self::from_message)
    }

    /// The data points in order.
    pub fn data_points(&self) -> impl Iterator<Item = Result<DataPointView<'a>, DecodeError>> + use<'a> {
        // Without a kind there are no data: what stands in for it is never used.
        let kind = self.kind.unwrap_or(MetricKind::Gauge);
        repeated(self.data, 1).map(move |point| point.and_then(|point| DataPointView::read(kind, point)))
    }

    /// How many data points there are: what the metric counts for.
    ///
    /// # Errors
    /// The data are malformed; the points themselves are not looked into.
    pub fn data_point_count(&self) -> Result<u64, DecodeError> {
        let mut count = 0;
        for field in self.data.fields() {
            count += u64::from(field?.number == 1);
        }
        Ok(count)
    }
}

impl<'a> FromMessage<'a> for MetricView<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        let mut metric = Self {
            name: "",
            description: "",
            unit: "",
            kind: None,
            temporality: None,
            is_monotonic: false,
            metadata: AttributesView::new(message, 12),
            data: Message::new(&[]),
        };
        for field in message.fields() {
            let field = field?;
            match field.number {
                1 => metric.name = field.string()?,
                2 => metric.description = field.string()?,
                3 => metric.unit = field.string()?,
                5 => metric.set_data(MetricKind::Gauge, field)?,
                7 => metric.set_data(MetricKind::Sum, field)?,
                9 => metric.set_data(MetricKind::Histogram, field)?,
                10 => metric.set_data(MetricKind::ExponentialHistogram, field)?,
                11 => metric.set_data(MetricKind::Summary, field)?,
                _ => {}
            }
        }
        metric.read_data()?;
        Ok(metric)
    }
}

impl<'a> MetricView<'a> {
    fn set_data(&mut self, kind: MetricKind, field: Field<'a>) -> Result<(), DecodeError> {
        self.kind = Some(kind);
        self.data = field.message()?;
        Ok(())
    }

    fn read_data(&mut self) -> Result<(), DecodeError> {
        for field in self.data.fields() {
            let field = field?;
            match (self.kind, field.number) {
                (None | Some(MetricKind::Gauge | MetricKind::Summary), _) => {}
                (_, 2) => {
                    self.temporality = match field.int32()? {
                        1 => Some(Temporality::Delta),
                        2 => Some(Temporality::Cumulative),
                        _ => None,
                    }
                }
                (Some(MetricKind::Sum), 3) => self.is_monotonic = field.varint()? != 0,
                _ => {}
            }
        }
        Ok(())
    }
}

/// A raw message, so that the generic walk over repeated fields hands it out as it is.
impl<'a> FromMessage<'a> for Message<'a> {
    fn from_message(message: Message<'a>) -> Result<Self, DecodeError> {
        Ok(message)
    }
}

/// One data point of any kind.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct DataPointView<'a> {
    /// Attributes.
    pub attributes: AttributesView<'a>,
    /// When the interval began, in nanoseconds since the Unix epoch; 0 if unknown.
    pub start_time_unix_nano: u64,
    /// When it was measured, in nanoseconds since the Unix epoch.
    pub time_unix_nano: u64,
    /// Whether there is a value at all, and reserved bits.
    pub flags: DataPointFlags,
    /// The value of a gauge or sum.
    pub number: Option<NumberValue>,
    /// How many measurements are in a histogram or summary.
    pub count: Option<u64>,
    /// The sum of a histogram or summary, if the writer gave one.
    pub sum: Option<f64>,
    /// The whole message, for all that only one kind has.
    pub raw: Message<'a>,
}

impl<'a> DataPointView<'a> {
    fn read(kind: MetricKind, raw: Message<'a>) -> Result<Self, DecodeError> {
        let (is_number, attributes, flags) = match kind {
            MetricKind::Gauge | MetricKind::Sum => (true, 7, 8),
            MetricKind::Histogram => (false, 9, 10),
            MetricKind::ExponentialHistogram => (false, 1, 10),
            MetricKind::Summary => (false, 7, 8),
        };
        let mut point = Self {
            attributes: AttributesView::new(raw, attributes),
            start_time_unix_nano: 0,
            time_unix_nano: 0,
            flags: DataPointFlags::NONE,
            number: None,
            // Without presence on the wire: zero when absent.
            count: (!is_number).then_some(0),
            sum: (kind == MetricKind::Summary).then_some(0.0),
            raw,
        };
        for field in raw.fields() {
            let field = field?;
            match field.number {
                2 => point.start_time_unix_nano = field.fixed64()?,
                3 => point.time_unix_nano = field.fixed64()?,
                4 if is_number => point.number = Some(NumberValue::Double(f64::from_bits(field.fixed64()?))),
                6 if is_number => point.number = Some(NumberValue::Int(field.fixed64()?.cast_signed())),
                4 => point.count = Some(field.fixed64()?),
                5 if !is_number => point.sum = Some(f64::from_bits(field.fixed64()?)),
                number if number == flags => point.flags = DataPointFlags::from_bits(field.uint32()?),
                _ => {}
            }
        }
        Ok(point)
    }
}
