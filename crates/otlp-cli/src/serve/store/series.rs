//! Metrics as series: the points of one metric with the same attributes, over time.
//!
//! Used by the store's queries, without its lock. Pure.

use crate::serve::items::{Batch, Origin, StoredMetric};
use crate::serve::search::Search;
use crate::serve::text;
use otlp_model::{KeyValue, MetricData, NumberDataPoint, NumberValue, Temporality};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

/// What the points of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeriesKind {
    Gauge,
    Sum { temporality: Temporality, is_monotonic: bool },
    Histogram { temporality: Temporality },
    ExponentialHistogram { temporality: Temporality },
    Summary,
}

impl fmt::Display for SeriesKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, temporality) = match self {
            Self::Gauge => ("gauge", None),
            Self::Sum { temporality, is_monotonic: true } => ("counter", Some(temporality)),
            Self::Sum { temporality, is_monotonic: false } => ("sum", Some(temporality)),
            Self::Histogram { temporality } => ("histogram", Some(temporality)),
            Self::ExponentialHistogram { temporality } => ("exponential histogram", Some(temporality)),
            Self::Summary => ("summary", None),
        };
        f.write_str(name)?;
        match temporality {
            Some(Temporality::Delta) => f.write_str(", delta"),
            Some(Temporality::Cumulative) => f.write_str(", cumulative"),
            _ => Ok(()),
        }
    }
}

/// One metric with one set of attributes.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) origin: Arc<Origin>,
    /// This and the next two are [cut](text::cut): all series of a metric have them.
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) unit: String,
    pub(crate) kind: SeriesKind,
    pub(crate) attributes: Vec<KeyValue>,
    /// By time.
    pub(crate) points: Vec<Point>,
    /// The metric that holds the latest of these, and its place in there.
    pub(crate) latest: (Arc<StoredMetric>, usize),
}

impl Series {
    /// Whether it is the same series, whatever its points.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.kind == other.kind
            && self.attributes == other.attributes
            && self.origin.resource == other.origin.resource
            && self.origin.scope.name == other.origin.scope.name
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    pub(crate) time_unix_nano: u64,
    pub(crate) value: PointValue,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PointValue {
    /// Of a gauge or sum.
    Number(f64),
    /// Of a histogram or summary; what the sender did not say is none.
    Distribution { count: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64> },
    /// The sender says that there is no value.
    Missing,
}

pub(super) fn all(batches: &[Arc<Batch>], search: &Search, most: usize) -> Vec<Series> {
    let origins = places(batches);
    // With the time of the latest point.
    let mut all: BTreeMap<_, (u64, Series)> = BTreeMap::new();
    for stored in batches.iter().flat_map(|batch| &batch.metrics) {
        let metric = &stored.metric;
        let kind = kind(&metric.data);
        // Ordered by name; the rest tells series of the same name apart.
        let (name, unit) = (text::cut(&metric.name), text::cut(&metric.unit));
        let common = (name, unit, format!("{kind:?}"), origins.get(&Arc::as_ptr(&stored.origin)));
        for (index, (attributes, point)) in points(stored).into_iter().enumerate() {
            if !search.finds_points(stored, attributes) {
                continue;
            }
            let key = (common.clone(), format!("{attributes:?}"));
            // Once there are enough, only these go on.
            if all.len() >= most && !all.contains_key(&key) {
                continue;
            }
            let (latest, series) = all.entry(key).or_insert_with(|| {
                let series = Series {
                    origin: Arc::clone(&stored.origin),
                    name: name.to_owned(),
                    description: text::cut(&metric.description).to_owned(),
                    unit: unit.to_owned(),
                    kind,
                    attributes: attributes.to_vec(),
                    points: Vec::new(),
                    latest: (Arc::clone(stored), index),
                };
                (0, series)
            });
            if point.time_unix_nano >= *latest {
                *latest = point.time_unix_nano;
                series.latest = (Arc::clone(stored), index);
            }
            series.points.push(point);
        }
    }
    let mut all: Vec<Series> = all.into_values().map(|(_, series)| series).collect();
    for series in &mut all {
        series.points.sort_by_key(|point| point.time_unix_nano);
    }
    all
}

/// Where each origin of a metric stands in an order of their own; those that say the same stand at the same place. Each
/// resource is told once: it may be as large as a request, whose metrics all have it.
fn places(batches: &[Arc<Batch>]) -> HashMap<*const Origin, usize> {
    let metrics = || batches.iter().flat_map(|batch| &batch.metrics);
    let resources: BTreeMap<_, _> =
        metrics().map(|it| (Arc::as_ptr(&it.origin.resource), &*it.origin.resource)).collect();
    let resources = numbered(resources.into_iter().map(|(at, it)| (format!("{it:?}"), at)));
    let origins: BTreeMap<_, _> = metrics().map(|it| (Arc::as_ptr(&it.origin), &*it.origin)).collect();
    let resource = |origin: &Origin| resources.get(&Arc::as_ptr(&origin.resource)).copied();
    numbered(origins.into_iter().map(|(at, it)| ((&*it.scope.name, resource(it)), at)))
}

/// The numbers of values in their order; equal ones have the same.
fn numbered<K: Ord, P: Eq + Hash>(values: impl Iterator<Item = (K, P)>) -> HashMap<P, usize> {
    let mut ordered: BTreeMap<K, Vec<P>> = BTreeMap::new();
    for (value, place) in values {
        ordered.entry(value).or_default().push(place);
    }
    let numbered = ordered.into_values().enumerate();
    numbered.flat_map(|(number, places)| places.into_iter().map(move |place| (place, number))).collect()
}

fn kind(data: &MetricData) -> SeriesKind {
    match data {
        MetricData::Sum(sum) => {
            SeriesKind::Sum { temporality: sum.temporality, is_monotonic: sum.is_monotonic }
        }
        MetricData::Histogram(histogram) => SeriesKind::Histogram { temporality: histogram.temporality },
        MetricData::ExponentialHistogram(histogram) => {
            SeriesKind::ExponentialHistogram { temporality: histogram.temporality }
        }
        MetricData::Summary(_) => SeriesKind::Summary,
        _ => SeriesKind::Gauge,
    }
}

/// The points of a metric, each with its attributes.
pub(crate) fn points(stored: &StoredMetric) -> Vec<(&[KeyValue], Point)> {
    fn number(point: &NumberDataPoint) -> (&[KeyValue], Point) {
        let value = match point.value {
            Some(NumberValue::Int(value)) => PointValue::Number(value as f64),
            Some(NumberValue::Double(value)) => PointValue::Number(value),
            None => PointValue::Missing,
        };
        (&point.attributes, Point { time_unix_nano: point.time_unix_nano, value })
    }
    macro_rules! distributions {
        ($points:expr, |$point:ident| $sum:expr, $min:expr, $max:expr) => {{
            let one = $points.iter().map(|$point| {
                let value = PointValue::Distribution { count: $point.count, sum: $sum, min: $min, max: $max };
                (&*$point.attributes, Point { time_unix_nano: $point.time_unix_nano, value })
            });
            one.collect()
        }};
    }
    match &stored.metric.data {
        MetricData::Gauge(gauge) => gauge.data_points.iter().map(number).collect(),
        MetricData::Sum(sum) => sum.data_points.iter().map(number).collect(),
        MetricData::Histogram(of) => {
            distributions!(of.data_points, |point| point.sum, point.min, point.max)
        }
        MetricData::ExponentialHistogram(of) => {
            distributions!(of.data_points, |point| point.sum, point.min, point.max)
        }
        MetricData::Summary(of) => distributions!(of.data_points, |point| Some(point.sum), None, None),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::{Gauge, Metric, Resource};

    fn gauge(name: &'static str, host: &'static str, time: u64, value: i64) -> Arc<Batch> {
        let mut point = NumberDataPoint::new(0, time, value);
        point.attributes.push(KeyValue::new("host", host));
        let metric = Metric::new(name, Gauge { data_points: vec![point] }).with_unit("1");
        let stored = StoredMetric { origin: Arc::default(), metric };
        Arc::new(Batch { metrics: vec![Arc::new(stored)], ..Batch::default() })
    }

    /// A name, a description and a service as long as they may be, and many points that have them.
    #[test]
    fn what_series_share_is_not_kept_with_each() {
        let long: &'static str = "x".repeat(100_000).leak();
        let origin = |resource: &'static str| {
            let resource = Arc::new(Resource::new().with("service.name", resource));
            Arc::new(Origin { resource, ..Origin::default() })
        };
        let points = (0..50).map(|at| {
            let mut point = NumberDataPoint::new(0, at, 1i64);
            point.attributes.push(KeyValue::new("at", at as i64));
            point
        });
        let metric =
            Metric::new(long, Gauge { data_points: points.collect() }).with_description(long).with_unit(long);
        let stored = |origin| Arc::new(StoredMetric { origin, metric: metric.clone() });
        let same = [stored(origin(long)), stored(origin(long)), stored(origin("other"))];
        let batches = same.map(|it| Arc::new(Batch { metrics: vec![it], ..Batch::default() }));
        let all = all(&batches, &Search::default(), 1000);
        // Equal resources make one series, in whatever request they come.
        assert_eq!((all.len(), all[0].points.len() + all[50].points.len()), (100, 3));
        for series in &all {
            let texts = [&series.name, &series.description, &series.unit, series.origin.service()];
            assert!(texts.iter().all(|text| text.len() <= 1000), "{}", series.name.len());
        }
    }

    #[test]
    fn points_of_the_same_attributes_are_one_series_in_the_order_of_time() {
        let batches =
            [gauge("b", "x", 2, 20), gauge("a", "x", 1, 1), gauge("b", "y", 1, 7), gauge("b", "x", 1, 10)];
        let all = all(&batches, &Search::default(), 10);
        let told: Vec<_> = all.iter().map(|series| (series.name.as_str(), series.points.len())).collect();
        assert_eq!(told, [("a", 1), ("b", 2), ("b", 1)]);
        assert_eq!(all[1].points[0], Point { time_unix_nano: 1, value: PointValue::Number(10.0) });
        assert_eq!((all[1].kind.to_string().as_str(), all[1].unit.as_str()), ("gauge", "1"));
        let (latest, place) = &all[1].latest;
        assert_eq!((points(latest)[*place].1.time_unix_nano, all[1].points.len()), (2, 2));
        assert_eq!(super::all(&batches, &Search::new("b"), 10).len(), 2);
        assert_eq!(super::all(&batches, &Search::new("b host=Y"), 10).len(), 1);
        assert_eq!(super::all(&batches, &Search::default(), 1).len(), 1);
    }
}
