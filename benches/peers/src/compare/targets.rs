//! What this client promised itself, computed from a run: met or missed, and by how much.

use super::plan::{Cell, Contender};
use super::results::{Metric, Results};
use crate::{Compression, Mode, Transport, Workload};

/// One promise.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Target {
    pub(super) figure: String,
    pub(super) unit: &'static str,
    pub(super) ours: Option<f64>,
    /// What ours is held against, and its figure.
    pub(super) beside: Option<(&'static str, Option<f64>)>,
    pub(super) bound: Bound,
}

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bound {
    /// At most this part of the other's.
    Part(f64),
    /// At least so many times the other's.
    Times(f64),
    /// At most so much of the unit.
    AtMost(f64),
    /// At most so many times the other's.
    NoMoreThan(f64),
}

impl Target {
    /// How many times better than the other one ours is, or how many times the other's it takes.
    pub(super) fn factor(&self) -> Option<f64> {
        let (_, other) = self.beside?;
        let (ours, other) = (self.ours.filter(|ours| *ours > 0.0)?, other.filter(|other| *other > 0.0)?);
        Some(match self.bound {
            Bound::Part(_) => other / ours,
            Bound::Times(_) | Bound::NoMoreThan(_) | Bound::AtMost(_) => ours / other,
        })
    }

    /// `None` where something was not measured.
    pub(super) fn is_met(&self) -> Option<bool> {
        Some(match self.bound {
            Bound::Part(parts) => self.factor()? >= parts,
            Bound::Times(times) => self.factor()? >= times,
            Bound::NoMoreThan(times) => self.factor()? <= times,
            Bound::AtMost(most) => self.ours? <= most,
        })
    }
}

/// All promises, in the order they were made.
pub(super) fn targets(results: &Results) -> Vec<Target> {
    let median = |cell: Cell, metric| results.normalised(&cell, metric).map(|spread| spread.median);
    let peer = Contender::Opentelemetry;
    let cpu_of = |[mine, peer]: [Contender; 2], title: &str, change: &dyn Fn(Cell) -> Cell, part: f64| {
        let of = |contender| median(change(Cell::plain(contender)), Metric::CpuPerMillion);
        Target {
            figure: format!("CPU-seconds per million spans, {title}"),
            unit: "s",
            ours: of(mine),
            beside: Some((peer.title(), of(peer))),
            bound: Bound::Part(part),
        }
    };
    let cpu = |title, transport, compression, part| {
        cpu_of([Contender::Ours, peer], title, &|cell| cell.over(transport, compression), part)
    };
    let traced = |title, transport, change: &dyn Fn(Cell) -> Cell| {
        let change = |cell: Cell| change(cell.over(transport, Compression::None));
        cpu_of(Contender::TRACED, title, &change, 8.0)
    };
    let full = |cell: Cell| cell.workload(Workload::Full);
    let plain = |contender, metric| median(Cell::plain(contender), metric);
    let late = |contender| {
        let cell = Cell::plain(contender).answered_after(50);
        results.raw(&cell, Metric::Rate).map(|spread| spread.median)
    };
    let adapter = |contender: Contender, part| Target {
        figure: format!("CPU-seconds per million spans, {}", contender.title()),
        unit: "s",
        ours: plain(contender, Metric::CpuPerMillion),
        beside: Some((peer.title(), plain(peer, Metric::CpuPerMillion))),
        bound: Bound::Part(part),
    };
    let producer = plain(Contender::Ours, Metric::ProducerNs);
    let hot_path = results.hot_path.as_ref();
    let threads = |title: &str, one: Option<f64>, two: Option<f64>| Target {
        figure: format!("two producing threads on the hot path, spans/s {title}"),
        unit: "/s",
        ours: two,
        beside: Some(("one thread", one)),
        bound: Bound::Times(1.8),
    };
    vec![
        cpu("gRPC", Transport::Grpc, Compression::None, 8.0),
        cpu("HTTP", Transport::Http, Compression::None, 12.0),
        cpu("gRPC, gzip", Transport::Grpc, Compression::Gzip, 8.0),
        cpu("gRPC, zstd", Transport::Grpc, Compression::Zstd, 9.0),
        traced("made by `tracing`, all attributes of the layer, gRPC", Transport::Grpc, &full),
        traced("made by `tracing`, all attributes of the layer, HTTP", Transport::Http, &full),
        traced("made by `tracing`, no attributes of the layer, gRPC", Transport::Grpc, &|cell| cell),
        traced("made by `tracing`, no attributes of the layer, HTTP", Transport::Http, &|cell| cell),
        adapter(Contender::SdkOnOurs, 3.0),
        adapter(Contender::ApiOnOurs, 6.0),
        Target {
            figure: "delivered spans/s, one core, nothing lost".to_owned(),
            unit: "/s",
            ours: plain(Contender::Ours, Metric::Rate),
            beside: Some((peer.title(), plain(peer, Metric::Rate))),
            bound: Bound::Times(8.0),
        },
        Target {
            figure: "producing thread, per span".to_owned(),
            unit: "ns",
            ours: producer,
            beside: None,
            bound: Bound::AtMost(200.0),
        },
        Target {
            figure: "producing thread, per span, beside the floor".to_owned(),
            unit: "ns",
            ours: producer,
            beside: Some((Contender::Floor.title(), plain(Contender::Floor, Metric::ProducerNs))),
            bound: Bound::NoMoreThan(1.5),
        },
        Target {
            figure: "producing thread, unsampled span with its attributes".to_owned(),
            unit: "ns",
            ours: median(Cell::plain(Contender::Ours).mode(Mode::Unsampled), Metric::ProducerNs),
            beside: None,
            bound: Bound::AtMost(15.0),
        },
        Target {
            figure: "delivered spans/s, answered after 50 ms, nothing lost".to_owned(),
            unit: "/s",
            ours: late(Contender::Ours),
            beside: Some((peer.title(), late(peer))),
            bound: Bound::Times(50.0),
        },
        threads("of their CPU time", hot_path.map(|of| of.one_by_cpu), hot_path.map(|of| of.two_by_cpu)),
        threads("by the clock", hot_path.map(|of| of.one_by_wall), hot_path.map(|of| of.two_by_wall)),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::results::samples::results;
    use super::*;

    fn target(bound: Bound, ours: f64, other: f64) -> Target {
        let beside = Some(("other", Some(other)));
        Target { figure: String::new(), unit: "", ours: Some(ours), beside, bound }
    }

    #[test]
    fn each_bound_is_met_on_its_side_only() {
        assert_eq!(target(Bound::Part(8.0), 0.5, 4.0).is_met(), Some(true));
        assert_eq!(target(Bound::Part(8.0), 0.51, 4.0).is_met(), Some(false));
        assert_eq!(target(Bound::Times(8.0), 8.0, 1.0).is_met(), Some(true));
        assert_eq!(target(Bound::Times(8.0), 7.9, 1.0).is_met(), Some(false));
        assert_eq!(target(Bound::NoMoreThan(1.5), 150.0, 100.0).is_met(), Some(true));
        assert_eq!(target(Bound::NoMoreThan(1.5), 151.0, 100.0).is_met(), Some(false));
        assert_eq!(target(Bound::AtMost(200.0), 200.0, 0.0).is_met(), Some(true));
        assert_eq!(target(Bound::AtMost(200.0), 201.0, 0.0).is_met(), Some(false));
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        let results = results();
        let targets = targets(&results);
        let of = |name: &str| targets.iter().find(|target| target.figure.contains(name)).unwrap();
        assert_eq!(of("spans, gRPC").is_met(), Some(true), "4.0 s against 0.4 s");
        assert!((of("spans, gRPC").factor().unwrap() - 10.0).abs() < 1e-9);
        assert_eq!(of("HTTP").is_met(), None);
        assert_eq!(of("by the clock").is_met(), None);
        assert_eq!(target(Bound::Part(8.0), 0.0, 4.0).is_met(), None, "nothing is infinitely better");
    }
}
