//! A curve: its points, the rounds in which they are measured, and the judgement on how it grows.
//!
//! The judgement is computed from the least of the rounds, since what else runs on a machine only ever adds; it is never
//! read off a picture.

use super::point::Point;
use crate::Calibration;
use std::collections::BTreeMap;

/// How much above the law a measured end may lie. Runs on one machine differ by a tenth; growth that is not linear shows
/// as a factor.
const TOLERANCE: f64 = 1.25;

/// The figures of one measurement, by line.
pub(super) type Sample = Vec<(&'static str, f64)>;

/// Measures one point once.
pub(super) type Measure = Box<dyn Fn() -> Result<Sample, String>>;

/// How a curve may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Law {
    /// Cost per span that may not depend on x.
    Constant,
    /// Cost per span that has a part for each unit of x: the second half of the curve goes on as the first began.
    Linear,
}

/// One curve.
pub(super) struct Curve {
    pub(super) name: &'static str,
    pub(super) x_name: &'static str,
    pub(super) unit: &'static str,
    pub(super) law: Law,
    pub(super) at: Vec<(f64, Measure)>,
}

/// The samples of a curve: point, round, lines.
pub(super) type Samples = Vec<Vec<Sample>>;

/// Measures all curves, all points of them in every round. Times are scaled to the run's median speed of the core.
pub(super) fn measure(curves: &[Curve], rounds: usize) -> Result<Vec<Samples>, String> {
    let mut all: Vec<Samples> = curves.iter().map(|curve| vec![Vec::new(); curve.at.len()]).collect();
    let mut calibration = Calibration::new();
    let mut calibrate = || calibration.time().map(|ns| ns as f64).map_err(|error| error.to_string());
    // The loop's time around each sample, in the order of the samples.
    let (mut before, mut speeds) = (calibrate()?, Vec::new());
    for _ in 0..rounds {
        for (curve, samples) in curves.iter().zip(&mut all) {
            for ((x, measure), samples) in curve.at.iter().zip(samples) {
                samples.push(measure().map_err(|error| format!("{} at {x}: {error}", curve.name))?);
                let after = calibrate()?;
                speeds.push((before + after) / 2.0);
                before = after;
            }
        }
    }
    let usual = median(&mut speeds.clone());
    let mut speeds = speeds.into_iter();
    for round in 0..rounds {
        for samples in all.iter_mut().flatten() {
            let (Some(speed), Some(sample)) = (speeds.next(), samples.get_mut(round)) else { continue };
            sample.iter_mut().for_each(|(_, ns)| *ns *= usual / speed);
        }
    }
    Ok(all)
}

/// The middle of the values, which it sorts; zero of none.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

impl Curve {
    /// The points, with the judgement on the last.
    pub(super) fn points(&self, samples: &Samples) -> Vec<Point> {
        let mut points: Vec<Point> =
            self.at.iter().zip(samples).map(|((x, _), rounds)| self.point(*x, rounds)).collect();
        let (growth, linear) = judge(self.law, self.x_name, self.unit, &points);
        if let Some(last) = points.last_mut() {
            (last.growth, last.linear) = (Some(growth), Some(linear));
        }
        points
    }

    fn point(&self, x: f64, rounds: &[Sample]) -> Point {
        let mut lines: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (line, value) in rounds.iter().flatten() {
            lines.entry(line).or_default().push(*value);
        }
        let mut point = Point {
            curve: self.name.to_owned(),
            x_name: self.x_name.to_owned(),
            x,
            unit: self.unit.to_owned(),
            ..Point::default()
        };
        for (line, mut values) in lines {
            let middle = median(&mut values);
            let [first, .., last] = &values[..] else { continue };
            point.y.insert(line.to_owned(), rounded(middle));
            point.min.insert(line.to_owned(), rounded(*first));
            point.max.insert(line.to_owned(), rounded(*last));
        }
        point
    }
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Says how every line that is there from the first to the last point grows, and whether that is within the law.
fn judge(law: Law, x_name: &str, unit: &str, points: &[Point]) -> (String, bool) {
    let [first, .., last] = points else { return ("a single point".to_owned(), true) };
    let middle = &points[points.len() / 2];
    let mut said = Vec::new();
    let mut within = true;
    for (line, &start) in &first.min {
        let (Some(&half), Some(&end)) = (middle.min.get(line), last.min.get(line)) else { continue };
        let expected = match law {
            Law::Constant => start,
            Law::Linear => {
                let slope = (half - start) / (middle.x - first.x);
                // What falls at first need not go on falling.
                (start + slope * (last.x - first.x)).max(start)
            }
        };
        let fits = end <= expected * TOLERANCE;
        within &= fits;
        said.push(match law {
            Law::Constant => format!("{line}: {start:.0} {unit} at {}, {end:.0} at {}", first.x, last.x),
            Law::Linear => format!(
                "{line}: {start:.0} {unit} at {}, {half:.0} at {}; so much each would be {expected:.0} at {}, it is {end:.0}",
                first.x, middle.x, last.x
            ),
        });
        if !fits {
            said.push(format!("{line} GROWS FASTER than linear in {x_name}"));
        }
    }
    (format!("least of the rounds: {}", said.join(". ")), within)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(f64, f64)]) -> Vec<Point> {
        let point = |&(x, y): &(f64, f64)| Point {
            x,
            min: BTreeMap::from([("cost".to_owned(), y)]),
            ..Point::default()
        };
        values.iter().map(point).collect()
    }

    #[test]
    fn a_line_is_linear_and_a_square_is_not() {
        let linear = |values: &[(f64, f64)]| judge(Law::Linear, "x", "ns", &points(values)).1;
        assert!(linear(&[(0.0, 100.0), (8.0, 180.0), (64.0, 740.0)]));
        assert!(linear(&[(0.0, 100.0), (8.0, 180.0), (64.0, 300.0)]), "better than linear");
        assert!(!linear(&[(0.0, 100.0), (8.0, 164.0), (64.0, 4196.0)]));
        assert!(linear(&[(1.0, 100.0), (10.0, 90.0), (100.0, 95.0)]), "it need not go on falling");
    }

    #[test]
    fn a_constant_cost_stays() {
        let constant = |values: &[(f64, f64)]| judge(Law::Constant, "x", "ns", &points(values)).1;
        assert!(constant(&[(1.0, 100.0), (2.0, 130.0), (8.0, 110.0)]));
        assert!(!constant(&[(1.0, 100.0), (2.0, 130.0), (8.0, 170.0)]));
        assert!(constant(&[(1.0, 900.0), (512.0, 130.0), (8192.0, 120.0)]), "falling is better");
    }

    #[test]
    fn a_point_is_the_median_with_its_ends() {
        let curve = Curve { name: "c", x_name: "x", unit: "ns", law: Law::Constant, at: Vec::new() };
        let point = curve.point(1.0, &[vec![("a", 3.0)], vec![("a", 1.0)], vec![("a", 2.0)]]);
        assert_eq!((point.min["a"], point.y["a"], point.max["a"]), (1.0, 2.0, 3.0));
    }
}
