//! What a run has measured, and the figures that follow from it. Kept as JSON, so that the documents can be made again.

use super::counts::Count;
use super::growth::Point;
use super::hot_path::HotPath;
use super::machine::Machine;
use super::plan::Cell;
use super::runner::{Outcome, Sample};
use super::statistics::{self, Spread, ratio};
use serde::{Deserialize, Serialize};

/// A sink that is busier than this may be what limits a contender.
pub(super) const BUSY: f64 = 0.3;
/// A core whose speed changed by more than this within a run makes its figures doubtful.
pub(super) const DRIFT: f64 = 0.25;

/// A whole run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Results {
    pub(super) machine: Machine,
    pub(super) date: String,
    pub(super) minutes: f64,
    pub(super) repetitions: usize,
    pub(super) items: u64,
    /// Whether contender and sink had a core each.
    pub(super) pinned: bool,
    pub(super) rows: Vec<Row>,
    pub(super) hot_path: Option<HotPath>,
    pub(super) counts: Vec<Count>,
    pub(super) curves: Vec<Point>,
    /// What went wrong beside the runs themselves.
    pub(super) notes: Vec<String>,
}

/// A cell and its repetitions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) cell: Cell,
    pub(super) outcomes: Vec<Outcome>,
}

/// A figure of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metric {
    /// CPU-seconds of the contender's process for a million items that arrived, user and kernel. Of those made when
    /// nothing is meant to arrive.
    CpuPerMillion,
    /// Nanoseconds of CPU per item on the threads that make them.
    ProducerNs,
    /// Items that arrived per second, from the first one made until the contender was shut down.
    Rate,
    /// The part of the items that did not arrive.
    Loss,
    /// Bytes of memory at the peak, above those before the client was built.
    PeakRss,
    /// Bytes of bodies per item that arrived.
    WireBytes,
    /// Items per request.
    PerRequest,
    /// The part of the time that the sink's process spent on its core.
    SinkBusy,
}

impl Sample {
    /// The figure as it was measured.
    pub(super) fn raw(&self, metric: Metric) -> Option<f64> {
        let (figures, sink) = (&self.figures, &self.sink);
        let [made, arrived] = [figures.made as f64, sink.items as f64];
        match metric {
            Metric::CpuPerMillion => {
                let items = if sink.items == 0 { made } else { arrived };
                ratio((figures.user_ns + figures.system_ns) as f64 / 1e3, items)
            }
            Metric::ProducerNs => ratio(figures.producer_cpu_ns as f64, made),
            Metric::Rate => ratio(arrived * 1e9, figures.wall_ns as f64),
            Metric::Loss => ratio((made - arrived).max(0.0), made),
            Metric::PeakRss => Some(figures.peak_rss_bytes as f64),
            Metric::WireBytes => ratio(sink.body_bytes as f64, arrived),
            Metric::PerRequest => ratio(arrived, sink.requests as f64),
            Metric::SinkBusy => ratio(sink.cpu_ns as f64, figures.wall_ns as f64),
        }
    }

    /// The figure as a core that runs the calibration loop in `reference` nanoseconds would have shown it. Only what the
    /// core's speed decides changes.
    pub(super) fn normalised(&self, metric: Metric, reference: f64) -> Option<f64> {
        let slowness = statistics::slowness(self.figures.calibration_ns, reference);
        let raw = self.raw(metric)?;
        Some(match metric {
            Metric::CpuPerMillion | Metric::ProducerNs => raw / slowness,
            Metric::Rate => raw * slowness,
            _ => raw,
        })
    }
}

impl Results {
    /// The row of this work, whatever its number of items.
    pub(super) fn row(&self, cell: &Cell) -> Option<&Row> {
        self.rows.iter().find(|row| row.cell.is_same_work(cell))
    }

    pub(super) fn samples(&self, cell: &Cell) -> impl Iterator<Item = &Sample> {
        self.row(cell).into_iter().flat_map(|row| row.samples())
    }

    /// The time the calibration loop took in the middle of all runs, in nanoseconds.
    pub(super) fn reference(&self) -> f64 {
        let all = self.rows.iter().flat_map(Row::samples).flat_map(|sample| sample.figures.calibration_ns);
        Spread::of(all.filter(|time| *time > 0).map(|time| time as f64)).map_or(0.0, |spread| spread.median)
    }

    pub(super) fn raw(&self, cell: &Cell, metric: Metric) -> Option<Spread> {
        Spread::of(self.samples(cell).filter_map(|sample| sample.raw(metric)))
    }

    pub(super) fn normalised(&self, cell: &Cell, metric: Metric) -> Option<Spread> {
        let reference = self.reference();
        Spread::of(self.samples(cell).filter_map(|sample| sample.normalised(metric, reference)))
    }

    pub(super) fn count(&self, cell: &Cell) -> Option<&Count> {
        self.counts.iter().find(|count| count.cell.is_same_work(cell))
    }

    /// What a reader has to know before believing the figures: crashes, a busy sink, a core that changed its speed.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = self.notes.clone();
        for row in &self.rows {
            for (reason, times) in row.failures() {
                warnings.push(format!(
                    "{}: {times} of {} runs failed: {reason}",
                    row.cell,
                    row.outcomes.len()
                ));
            }
            let busy = row.samples().filter_map(|sample| sample.raw(Metric::SinkBusy)).fold(0.0, f64::max);
            if busy > BUSY {
                warnings.push(format!("{}: the sink was {:.0} % busy", row.cell, busy * 100.0));
            }
        }
        let drifting = self
            .rows
            .iter()
            .flat_map(Row::samples)
            .map(|sample| statistics::drift(sample.figures.calibration_ns));
        let (all, over) =
            drifting.fold((0, 0), |(all, over), drift| (all + 1, over + usize::from(drift > DRIFT)));
        if over > 0 {
            let percent = DRIFT * 100.0;
            warnings.push(format!(
                "in {over} of {all} runs the speed of the core changed by more than {percent:.0} %"
            ));
        }
        warnings
    }
}

impl Row {
    pub(super) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Done(sample) => Some(&**sample),
            _ => None,
        })
    }

    /// Why the contender cannot do this, if it says so.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.outcomes.iter().find_map(|outcome| match outcome {
            Outcome::Cannot(reason) => Some(reason.as_str()),
            _ => None,
        })
    }

    /// The different reasons of failed runs, and how many failed for each.
    fn failures(&self) -> Vec<(&str, usize)> {
        let mut reasons: Vec<(&str, usize)> = Vec::new();
        for outcome in &self.outcomes {
            let Outcome::Failed(reason) = outcome else { continue };
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, times)) => *times += 1,
                None => reasons.push((reason, 1)),
            }
        }
        reasons
    }
}

/// Samples to test with.
#[cfg(test)]
pub(super) mod samples {
    use super::super::plan::Contender;
    use super::*;
    use crate::{Figures, SinkCount};

    /// A run of a million items in so many CPU-milliseconds, on a core of the given slowness.
    pub(in super::super) fn sample(cpu_ms: u64, calibration: u64) -> Outcome {
        let figures = Figures {
            made: 1_000_000,
            wall_ns: cpu_ms * 1_000_000,
            producer_cpu_ns: cpu_ms * 400_000,
            user_ns: cpu_ms * 900_000,
            system_ns: cpu_ms * 100_000,
            peak_rss_bytes: 64 << 20,
            calibration_ns: [calibration; 2],
            lost_by_own_account: Some(0),
            ..Figures::default()
        };
        let sink = SinkCount {
            items: 1_000_000,
            requests: 500,
            body_bytes: 300_000_000,
            cpu_ns: 20_000_000,
            wall_ns: 1,
        };
        Outcome::Done(Box::new(Sample { figures, sink }))
    }

    pub(in super::super) fn row(cell: Cell, outcomes: impl Into<Vec<Outcome>>) -> Row {
        Row { cell: cell.items(1_000_000), outcomes: outcomes.into() }
    }

    /// Ours takes 400 ms, the SDK 4 s; one of ours ran while the core was at half its speed.
    pub(in super::super) fn results() -> Results {
        let ours = [sample(400, 100), sample(800, 200), sample(420, 100)];
        let theirs = [sample(4_000, 100), sample(4_100, 100), sample(3_900, 100)];
        let rows = vec![
            row(Cell::plain(Contender::Ours), ours),
            row(Cell::plain(Contender::Opentelemetry), theirs),
            row(Cell::plain(Contender::Fastrace), [Outcome::Failed("exit code 1: boom".to_owned())]),
            row(Cell::plain(Contender::Emit), [Outcome::Cannot("it has no such thing".to_owned())]),
        ];
        Results { rows, repetitions: 3, items: 1_000_000, ..Results::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Contender;
    use super::samples::{results, row, sample};
    use super::*;
    use crate::{Figures, SinkCount};

    #[test]
    fn figures_follow_from_what_both_sides_say() {
        let Outcome::Done(sample) = sample(400, 100) else { unreachable!() };
        assert_eq!(sample.raw(Metric::CpuPerMillion), Some(0.4));
        assert_eq!(sample.raw(Metric::ProducerNs), Some(160.0));
        assert_eq!(sample.raw(Metric::Rate), Some(2_500_000.0));
        assert_eq!(sample.raw(Metric::Loss), Some(0.0));
        assert_eq!(sample.raw(Metric::WireBytes), Some(300.0));
        assert_eq!(sample.raw(Metric::PerRequest), Some(2_000.0));
        assert_eq!(sample.raw(Metric::SinkBusy), Some(0.05));
    }

    #[test]
    fn what_arrived_is_what_counts() {
        let figures = Figures { made: 100, wall_ns: 1_000, user_ns: 500, ..Figures::default() };
        let lost = Sample { figures: figures.clone(), sink: SinkCount { items: 20, ..SinkCount::default() } };
        assert_eq!(lost.raw(Metric::Loss), Some(0.8));
        assert_eq!(lost.raw(Metric::CpuPerMillion), Some(0.025));
        let unsampled = Sample { figures, sink: SinkCount::default() };
        assert_eq!(unsampled.raw(Metric::CpuPerMillion), Some(0.005), "nothing was to arrive");
        assert_eq!(unsampled.raw(Metric::WireBytes), None);
    }

    #[test]
    fn a_slow_run_counts_as_what_it_would_have_been() {
        let results = results();
        let cell = Cell::plain(Contender::Ours);
        let raw = results.raw(&cell, Metric::CpuPerMillion).unwrap();
        let normalised = results.normalised(&cell, Metric::CpuPerMillion).unwrap();
        assert_eq!((raw.median, raw.max), (0.42, 0.8));
        assert_eq!((normalised.median, normalised.max), (0.4, 0.42));
        let rate = results.normalised(&cell, Metric::Rate).unwrap();
        assert_eq!(rate.max, 2_500_000.0);
        assert_eq!(results.normalised(&cell, Metric::WireBytes), results.raw(&cell, Metric::WireBytes));
    }

    #[test]
    fn warnings_tell_of_crashes_busy_sinks_and_drift() {
        let mut results = results();
        assert_eq!(results.warnings().len(), 1, "{:?}", results.warnings());
        let Outcome::Done(mut busy) = sample(400, 100) else { unreachable!() };
        busy.sink.cpu_ns = 200_000_000;
        busy.figures.calibration_ns = [100, 140];
        results.rows = vec![row(Cell::plain(Contender::Ours), [Outcome::Done(busy)])];
        let warnings = results.warnings().join("\n");
        assert!(warnings.contains("50 % busy") && warnings.contains("1 of 1 runs"), "{warnings}");
    }

    #[test]
    fn a_run_survives_being_kept() {
        let kept = serde_json::to_string(&results()).unwrap();
        assert_eq!(serde_json::from_str::<Results>(&kept).unwrap(), results());
    }
}
