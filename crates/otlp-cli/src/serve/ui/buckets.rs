//! The distribution that a data point reports, as bars: buckets with their bounds, or quantiles. Pure.

use otlp_model::{Buckets as Exponential, ExponentialHistogramDataPoint, HistogramDataPoint, MetricData};

/// Buckets that are drawn at most; exponential histograms may have thousands, neighbours are taken together then. Quantiles
/// can't be taken together: the first are drawn.
const MOST: usize = 160;

/// A lower and an upper bound, and how many values lie between; `None` is no bound.
type Bar = (Option<f64>, Option<f64>, u64);

/// A distribution.
#[derive(Debug, PartialEq)]
pub(super) enum Buckets {
    /// From the lowest to the highest.
    Counts(Vec<Bar>),
    /// Quantiles, from 0 to 1, and their values.
    Quantiles(Vec<(f64, f64)>),
}

/// That of the data point at an index; `None` where points are numbers.
pub(super) fn of(data: &MetricData, index: usize) -> Option<Buckets> {
    match data {
        MetricData::Histogram(of) => of.data_points.get(index).map(explicit),
        MetricData::ExponentialHistogram(of) => of.data_points.get(index).map(exponential),
        MetricData::Summary(of) => of.data_points.get(index).map(|point| {
            let values = point.quantile_values.iter().take(MOST);
            Buckets::Quantiles(values.map(|at| (at.quantile, at.value)).collect())
        }),
        _ => None,
    }
}

fn explicit(point: &HistogramDataPoint) -> Buckets {
    let bounds = &point.explicit_bounds;
    let bar = |(index, count): (usize, &u64)| {
        let lower = index.checked_sub(1).and_then(|below| bounds.get(below)).copied();
        (lower, bounds.get(index).copied(), *count)
    };
    Buckets::Counts(joined(point.bucket_counts.iter().enumerate().map(bar).collect()))
}

/// The bucket of index `i` holds what is above `base^i` and at most `base^(i + 1)`, and `base` is `2^(2^-scale)`.
fn exponential(point: &ExponentialHistogramDataPoint) -> Buckets {
    let bound = |index: i64| (index as f64 * (-f64::from(point.scale)).exp2()).exp2();
    let side = |buckets: &Exponential| -> Vec<(f64, f64, u64)> {
        let bar = |(at, count): (i64, &u64)| {
            let index = i64::from(buckets.offset) + at;
            (bound(index), bound(index + 1), *count)
        };
        (0..).zip(&buckets.bucket_counts).map(bar).collect()
    };
    let negative =
        side(&point.negative).into_iter().rev().map(|(low, high, count)| (Some(-high), Some(-low), count));
    let zero = (point.zero_count > 0).then_some((
        Some(-point.zero_threshold),
        Some(point.zero_threshold),
        point.zero_count,
    ));
    let positive = side(&point.positive).into_iter().map(|(low, high, count)| (Some(low), Some(high), count));
    Buckets::Counts(joined(negative.chain(zero).chain(positive).collect()))
}

fn joined(bars: Vec<Bar>) -> Vec<Bar> {
    let together = bars.len().div_ceil(MOST).max(1);
    let join = |bars: &[Bar]| {
        let count = bars.iter().fold(0u64, |sum, bar| sum.saturating_add(bar.2));
        (bars.first().and_then(|bar| bar.0), bars.last().and_then(|bar| bar.1), count)
    };
    bars.chunks(together).map(join).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use otlp_model::{
        ExponentialHistogram, Histogram, Summary, SummaryDataPoint, Temporality, ValueAtQuantile,
    };

    #[test]
    fn buckets_have_the_bounds_between_which_they_count() {
        let point = HistogramDataPoint {
            explicit_bounds: vec![1.0, 5.0],
            bucket_counts: vec![3, 4, 5],
            ..Default::default()
        };
        let data = MetricData::from(Histogram { temporality: Temporality::Delta, data_points: vec![point] });
        let bars = vec![(None, Some(1.0), 3), (Some(1.0), Some(5.0), 4), (Some(5.0), None, 5)];
        assert_eq!(of(&data, 0), Some(Buckets::Counts(bars)));
        assert_eq!(of(&data, 1), None);
    }

    #[test]
    fn exponential_buckets_go_by_powers_of_their_base() {
        let point = ExponentialHistogramDataPoint {
            scale: 0,
            zero_count: 7,
            positive: Exponential { offset: 1, bucket_counts: vec![1, 2] },
            negative: Exponential { offset: 0, bucket_counts: vec![3] },
            ..Default::default()
        };
        let data = MetricData::from(ExponentialHistogram {
            temporality: Temporality::Delta,
            data_points: vec![point],
        });
        let bars = vec![
            (Some(-2.0), Some(-1.0), 3),
            (Some(-0.0), Some(0.0), 7),
            (Some(2.0), Some(4.0), 1),
            (Some(4.0), Some(8.0), 2),
        ];
        assert_eq!(of(&data, 0), Some(Buckets::Counts(bars)));
    }

    #[test]
    fn thousands_of_buckets_are_joined_and_nothing_is_lost() {
        let point = ExponentialHistogramDataPoint {
            positive: Exponential { offset: i32::MAX - 5, bucket_counts: vec![1; 5000] },
            ..Default::default()
        };
        let Buckets::Counts(bars) = exponential(&point) else { panic!("no counts") };
        assert!(bars.len() <= MOST && bars.iter().map(|bar| bar.2).sum::<u64>() == 5000);
    }

    #[test]
    fn summaries_have_quantiles() {
        let point = SummaryDataPoint {
            quantile_values: vec![ValueAtQuantile { quantile: 0.5, value: 3.0 }],
            ..Default::default()
        };
        let data = MetricData::from(Summary { data_points: vec![point] });
        assert_eq!(of(&data, 0), Some(Buckets::Quantiles(vec![(0.5, 3.0)])));
        let quantile_values = vec![ValueAtQuantile { quantile: 0.5, value: 3.0 }; 5000];
        let point = SummaryDataPoint { quantile_values, ..Default::default() };
        let data = MetricData::from(Summary { data_points: vec![point] });
        assert!(matches!(of(&data, 0), Some(Buckets::Quantiles(values)) if values.len() == MOST));
    }
}
