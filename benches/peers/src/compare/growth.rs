//! The curves of growing work: `growth` measures and prints them, this reads them.

use super::runner;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// All curves together.
const LIMIT: Duration = Duration::from_secs(900);

pub(super) use crate::growth::Point;

/// Runs the program that measures the curves. What it found wrong comes beside the curves it measured until then.
pub(super) fn measure(folder: &Path) -> (Vec<Point>, Option<String>) {
    match runner::run(Command::new(folder.join("growth")), LIMIT) {
        Ok(ended) => (parse(&ended.stdout), ended.succeeded().err()),
        Err(reason) => (Vec::new(), Some(reason)),
    }
}

/// The points among the lines of an output.
fn parse(text: &str) -> Vec<Point> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The points of each curve, in the order they came.
pub(super) fn curves(points: &[Point]) -> Vec<(&str, Vec<&Point>)> {
    let mut curves: Vec<(&str, Vec<&Point>)> = Vec::new();
    for point in points {
        match curves.iter_mut().find(|(name, _)| *name == point.curve) {
            Some((_, members)) => members.push(point),
            None => curves.push((&point.curve, vec![point])),
        }
    }
    curves
}

/// Why a curve is known to bend, for whoever reads that it does.
pub(super) fn reason(curve: &str) -> &'static str {
    match curve {
        "threads" => {
            "Producers beyond the cores of the machine take turns, share the shards of the queue, one per core, and \
             find their caches used by each other; the client's own thread wants its turn, too."
        }
        "attributes" => {
            "A key whose bit in a filter of 256 is taken already is looked for among the earlier ones: with 64 attributes \
             every fifth, for as many instructions as three attributes take. The limit of 128 attributes bounds it."
        }
        _ => "Why is not known yet.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_from_among_other_lines() {
        let line = |curve: &str, x| {
            let y = [("ours".to_owned(), 2.5)].into();
            let point = Point { curve: curve.to_owned(), x, y, ..Point::default() };
            serde_json::to_string(&point).unwrap()
        };
        let text = format!("measuring\n{}\n{}\n{}\n", line("a", 1.0), line("b", 1.0), line("a", 2.0));
        let points = parse(&text);
        let curves = curves(&points);
        let shape: Vec<_> = curves.iter().map(|(name, points)| (*name, points.len())).collect();
        assert_eq!(shape, [("a", 2), ("b", 1)]);
        assert_eq!(points[0].y["ours"], 2.5);
    }
}
