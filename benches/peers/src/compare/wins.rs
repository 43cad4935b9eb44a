//! Where a peer is better than we are: computed from the figures, so that nobody can forget to write it down.

use super::charts::wire;
use super::plan::{Cell, Contender};
use super::results::{Metric, Results};
use super::text::number;
use crate::{Mode, Workload};

/// A figure, how it is called, whether more of it is better, and how it is shown.
const FIGURES: [(Metric, &str, bool, f64, &str); 6] = [
    (Metric::CpuPerMillion, "CPU-seconds per million", false, 1.0, " s"),
    (Metric::ProducerNs, "CPU per item on the producing thread", false, 1.0, " ns"),
    (Metric::Rate, "items delivered per second", true, 1e-3, " k/s"),
    (Metric::Loss, "loss", false, 100.0, " %"),
    (Metric::PeakRss, "peak memory", false, 1.0 / 1_048_576.0, " MiB"),
    (Metric::WireBytes, "bytes per item on the wire", false, 1.0, " B"),
];

/// What of ours stands beside which peers.
const SIDES: [(Contender, &[Contender]); 5] = [
    (Contender::Ours, &[Contender::Opentelemetry, Contender::Fastrace, Contender::Emit]),
    (Contender::SdkOnOurs, &[Contender::Opentelemetry]),
    (Contender::ApiOnOurs, &[Contender::Opentelemetry]),
    (Contender::TracingOurs, &[Contender::TracingOpentelemetry, Contender::Fastrace]),
    (Contender::LogOurs, &[Contender::LogOpentelemetry]),
];

/// A sentence for each piece of work and figure in which a peer's median is better than ours.
pub(super) fn wins(results: &Results) -> Vec<String> {
    SIDES.iter().flat_map(|(ours, peers)| wins_of(results, *ours, peers)).collect()
}

fn wins_of(results: &Results, ours: Contender, peers: &[Contender]) -> Vec<String> {
    let cells = || results.rows.iter().map(|row| row.cell);
    // The same work; how often it is done is each one's own.
    let of = |contender, cell: Cell| {
        cells().find(|other| *other == Cell { contender, items: other.items, ..cell })
    };
    let mut wins = Vec::new();
    for cell in cells().filter(|cell| cell.contender == ours) {
        for (metric, name, more, scale, unit) in FIGURES {
            // Who loses most of it says little by being quick, and the wait for a slow receiver is not the CPU's.
            let burst = cell.mode == Mode::Burst;
            if burst && !matches!(metric, Metric::Loss | Metric::PeakRss) {
                continue;
            }
            let median = |cell: &Cell| {
                let spread = if cell.answer_after_ms > 0 {
                    results.raw(cell, metric)
                } else {
                    results.normalised(cell, metric)
                };
                spread.map(|spread| spread.median)
            };
            let Some(our) = median(&cell) else { continue };
            let better: Vec<String> = peers
                .iter()
                .filter_map(|contender| Some((contender, median(&of(*contender, cell)?)?)))
                .filter(|(_, their)| if more { *their > our } else { *their < our })
                .map(|(contender, their)| format!("{contender} {}{unit}", number(their * scale)))
                .collect();
            if !better.is_empty() {
                let work = work(&cell);
                let our = number(our * scale);
                wins.push(format!("{name}, {work}: {} (ours: {our}{unit})", better.join(", ")));
            }
        }
    }
    wins
}

/// What a cell is about, in words.
fn work(cell: &Cell) -> String {
    let mut text = wire(cell.transport, cell.compression);
    match cell.contender {
        Contender::Ours => {}
        adapter => text.push_str(&format!(", {}", adapter.title().trim_end_matches(" (ours)"))),
    }
    let mode = match cell.mode {
        Mode::Lossless => "",
        Mode::Burst => ", in a burst",
        Mode::Unsampled => ", unsampled",
    };
    text.push_str(mode);
    match cell.workload {
        Workload::Fixed => {}
        Workload::Varied => text.push_str(", strings that vary"),
        Workload::Logs => text.push_str(", log records"),
        Workload::Full => text.push_str(", with all that layers add"),
    }
    if !cell.pinned {
        let threads = if cell.threads == 1 { "one thread" } else { "two threads" };
        text.push_str(&format!(", {threads} on all cores"));
    }
    if cell.answer_after_ms > 0 {
        text.push_str(&format!(", answered after {} ms", cell.answer_after_ms));
    }
    text
}

/// The list, or the sentence that there is none.
pub(super) fn list(results: &Results) -> String {
    let wins = wins(results);
    if wins.is_empty() {
        return "In no figure of this run is the median of a peer better than ours.".to_owned();
    }
    wins.iter().map(|win| format!("- {win}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::results::samples::{results, row, sample};
    use super::super::runner::Outcome;
    use super::*;

    #[test]
    fn a_better_median_is_told_and_an_equal_one_is_not() {
        let mut results = results();
        assert_eq!(wins(&results), Vec::<String>::new());
        let Outcome::Done(mut thrifty) = sample(4_000, 100) else { unreachable!() };
        thrifty.sink.body_bytes /= 2;
        let emit = results.rows.iter_mut().find(|row| row.cell.contender == Contender::Emit).unwrap();
        *emit = row(Cell::plain(Contender::Emit), [Outcome::Done(thrifty)]);
        assert_eq!(wins(&results), ["bytes per item on the wire, gRPC: emit 150 B (ours: 300 B)"]);
        assert!(list(&results).starts_with("- bytes"));
    }

    #[test]
    fn adapters_stand_beside_their_own_peers_however_many_items_each_made() {
        let mut results = results();
        let mut cell = Cell::plain(Contender::TracingOurs);
        results.rows.push(row(cell, [sample(4_000, 100)]));
        (cell.contender, cell.items) = (Contender::TracingOpentelemetry, cell.items / 2);
        results.rows.push(row(cell, [sample(100, 100)]));
        let wins = wins(&results).join("\n");
        assert!(wins.contains("delivered per second, gRPC, otlp-tracing: tracing-opentelemetry"), "{wins}");
    }

    #[test]
    fn more_is_better_of_rates() {
        let mut results = results();
        let fast = row(Cell::plain(Contender::Fastrace), [sample(100, 100)]);
        results.rows.retain(|row| row.cell.contender != Contender::Fastrace);
        results.rows.push(fast);
        let wins = wins(&results).join("\n");
        assert!(wins.contains("delivered per second, gRPC: fastrace 10,000 k/s"), "{wins}");
    }
}
