//! The tables of the document, one function each, from figures to Markdown.

use super::charts::wire;
use super::plan::{Cell, Contender, LATENCIES, WIRES};
use super::results::{Metric, Results};
use super::targets::{Bound, Target, targets};
use super::text::{median, number, optional, percent, spread, table};
use crate::{Compression, Mode, Transport, Workload};

/// `—` for what was not measured, with the reasons that contenders gave, numbered below the table.
#[derive(Default)]
struct Refusals {
    reasons: Vec<String>,
}

impl Refusals {
    /// The contender's name, with the number of its reason where it cannot do the work.
    fn name(&mut self, results: &Results, cell: &Cell) -> String {
        let title = cell.contender.title();
        let Some(reason) = results.row(cell).and_then(|row| row.refusal()) else { return title.to_owned() };
        let reason = if reason.starts_with(title) { reason.to_owned() } else { format!("{title}: {reason}") };
        let known = self.reasons.iter().position(|known| *known == reason);
        let index = known.unwrap_or_else(|| {
            self.reasons.push(reason);
            self.reasons.len() - 1
        });
        format!("{title} [{}]", index + 1)
    }

    fn below(self, table: String) -> String {
        let lines = self.reasons.iter().zip(1..).map(|(reason, number)| format!("[{number}] {reason}  "));
        let notes: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
        if notes.is_empty() { table } else { format!("{table}\n{}\n", notes.join("\n\n")) }
    }
}

const KILO: f64 = 1e-3;
const MIB: f64 = 1.0 / 1_048_576.0;

/// What was promised, and what came of it.
pub(super) fn promises(results: &Results) -> String {
    let rows: Vec<Vec<String>> = targets(results).iter().map(promise).collect();
    table(&["figure", "ours", "beside", "factor", "target", ""], &rows)
}

fn promise(target: &Target) -> Vec<String> {
    let (scale, unit) = if target.unit == "/s" { (KILO, "k/s") } else { (1.0, target.unit) };
    let value = |value: Option<f64>| {
        value.map_or("—".to_owned(), |value| format!("{} {unit}", number(value * scale)))
    };
    let beside = target.beside.map_or(String::new(), |(name, other)| format!("{name} {}", value(other)));
    let factor = target.factor().map_or(String::new(), |factor| match target.bound {
        Bound::Part(_) => format!("1/{}", number(factor)),
        _ => format!("{} ×", number(factor)),
    });
    let bound = match target.bound {
        Bound::Part(parts) => format!("≤ 1/{parts}"),
        Bound::Times(times) => format!("≥ {times} ×"),
        Bound::NoMoreThan(times) => format!("≤ {times} ×"),
        Bound::AtMost(most) => format!("≤ {most} {unit}"),
    };
    let verdict = match target.is_met() {
        Some(true) => "met",
        Some(false) => "**missed**",
        None => "not measured",
    };
    vec![target.figure.clone(), value(target.ours), beside, factor, bound, verdict.to_owned()]
}

/// The cells of one piece of work, by those of the contenders who were asked to do it.
fn asked(results: &Results, contenders: &[Contender], change: impl Fn(Cell) -> Cell) -> Vec<Cell> {
    let cells = contenders.iter().map(|contender| change(Cell::plain(*contender)));
    cells.filter(|cell| results.row(cell).is_some()).collect()
}

/// The same by the clients.
fn clients(results: &Results, change: impl Fn(Cell) -> Cell) -> Vec<Cell> {
    asked(results, &Contender::CLIENTS, change)
}

/// Nothing lost: what each wire costs.
pub(super) fn lossless(results: &Results) -> String {
    let (mut rows, mut refusals) = (Vec::new(), Refusals::default());
    for (transport, compression) in WIRES {
        for cell in clients(results, |cell| cell.over(transport, compression)) {
            let norm = |metric, scale| spread(results.normalised(&cell, metric), scale);
            let raw = |metric, scale| median(results.raw(&cell, metric), scale);
            let cpu = |contender| {
                let cell = Cell::plain(contender).over(transport, compression);
                results.normalised(&cell, Metric::CpuPerMillion).map(|spread| spread.median)
            };
            let factor = cpu(cell.contender).zip(cpu(Contender::Ours)).map(|(theirs, ours)| theirs / ours);
            rows.push(vec![
                format!("{} · {}", wire(transport, compression), refusals.name(results, &cell)),
                norm(Metric::CpuPerMillion, 1.0),
                raw(Metric::CpuPerMillion, 1.0),
                factor.map_or("—".to_owned(), |factor| format!("{} ×", number(factor))),
                norm(Metric::Rate, KILO),
                raw(Metric::Rate, KILO),
                norm(Metric::ProducerNs, 1.0),
                raw(Metric::ProducerNs, 1.0),
            ]);
        }
    }
    let head = [
        "wire · client",
        "CPU-s per million",
        "raw",
        "beside ours",
        "delivered k/s",
        "raw",
        "ns per span, producing thread",
        "raw",
    ];
    refusals.below(table(&head, &rows))
}

/// Spans that the macros of `tracing` make: what the layer adds, and all that comes after it. Beside them fastrace, whose
/// own macros are in the place of these.
pub(super) fn traced(results: &Results) -> String {
    let mut rows = Vec::new();
    for transport in [Transport::Grpc, Transport::Http] {
        let contenders = [&Contender::TRACED[..], &[Contender::Fastrace]].concat();
        let bare = asked(results, &contenders, |cell| cell.over(transport, Compression::None));
        let full = asked(results, &contenders, |cell| {
            cell.over(transport, Compression::None).workload(Workload::Full)
        });
        for cell in bare.into_iter().chain(full) {
            let all = if cell.workload == Workload::Full { ", all attributes" } else { "" };
            let norm = |metric, scale| spread(results.normalised(&cell, metric), scale);
            let unsampled = Cell::plain(cell.contender).mode(Mode::Unsampled);
            rows.push(vec![
                format!("{} · {}{all}", wire(transport, Compression::None), cell.contender),
                norm(Metric::CpuPerMillion, 1.0),
                norm(Metric::Rate, KILO),
                norm(Metric::ProducerNs, 1.0),
                spread(results.normalised(&unsampled, Metric::ProducerNs), 1.0),
            ]);
        }
    }
    let head = [
        "wire · layer",
        "CPU-s per million",
        "delivered k/s",
        "ns per span, producing thread",
        "ns per span, not sampled",
    ];
    table(&head, &rows)
}

/// Log records that the macros of `log` make: what the bridge adds, and all that comes after it.
pub(super) fn logged(results: &Results) -> String {
    let mut rows = Vec::new();
    for transport in [Transport::Grpc, Transport::Http] {
        for cell in asked(results, &Contender::LOGGED, |cell| cell.over(transport, Compression::None)) {
            let norm = |metric, scale| spread(results.normalised(&cell, metric), scale);
            rows.push(vec![
                format!("{} · {}", wire(transport, Compression::None), cell.contender),
                norm(Metric::CpuPerMillion, 1.0),
                norm(Metric::Rate, KILO),
                norm(Metric::ProducerNs, 1.0),
            ]);
        }
    }
    let head = ["wire · bridge", "CPU-s per million", "delivered k/s", "ns per record, producing thread"];
    table(&head, &rows)
}

/// The same runs: what does not depend on the speed of the core.
pub(super) fn exact(results: &Results) -> String {
    let mut rows = Vec::new();
    for (transport, compression) in WIRES {
        for cell in asked(results, &Contender::ALL, |cell| cell.over(transport, compression)) {
            let raw = |metric, scale| spread(results.raw(&cell, metric), scale);
            let count = results.count(&cell);
            if !cell.contender.sends() || results.samples(&cell).next().is_none() {
                continue;
            }
            rows.push(vec![
                format!("{} · {}", wire(transport, compression), cell.contender),
                raw(Metric::WireBytes, 1.0),
                median(results.raw(&cell, Metric::PerRequest), 1.0),
                raw(Metric::PeakRss, MIB),
                optional(count.and_then(|count| count.allocations), 1.0),
                optional(count.and_then(|count| count.instructions), 1.0),
                percent(results.raw(&cell, Metric::SinkBusy).map(|spread| spread.max)),
            ]);
        }
    }
    let head = [
        "wire · client",
        "bytes per item",
        "items per request",
        "peak MiB",
        "allocations per item",
        "instructions per item",
        "sink busy, at most",
    ];
    table(&head, &rows)
}

/// Defaults and no pacing: what is lost.
pub(super) fn burst(results: &Results) -> String {
    let (mut rows, mut refusals) = (Vec::new(), Refusals::default());
    for transport in [Transport::Grpc, Transport::Http] {
        for cell in clients(results, |cell| cell.over(transport, Compression::None).mode(Mode::Burst)) {
            let told = results.samples(&cell).last().map(|sample| {
                let lost = sample.figures.made.saturating_sub(sample.sink.items);
                match sample.figures.lost_by_own_account {
                    Some(told) if told == lost => "to the item",
                    Some(_) => "another number",
                    None => "no",
                }
            });
            let loss = results.raw(&cell, Metric::Loss);
            rows.push(vec![
                format!("{} · {}", wire(transport, Compression::None), refusals.name(results, &cell)),
                percent(loss.map(|loss| loss.median)),
                loss.map_or("—".to_owned(), |loss| {
                    format!("{}–{}", number(loss.min * 100.0), number(loss.max * 100.0))
                }),
                told.unwrap_or("—").to_owned(),
                spread(results.normalised(&cell, Metric::CpuPerMillion), 1.0),
                spread(results.raw(&cell, Metric::Rate), KILO),
                spread(results.raw(&cell, Metric::PeakRss), MIB),
            ]);
        }
    }
    let head = [
        "wire · client",
        "lost",
        "least–most",
        "says so",
        "CPU-s per million delivered",
        "delivered k/s, raw",
        "peak MiB",
    ];
    refusals.below(table(&head, &rows))
}

/// A receiver that takes its time.
pub(super) fn latency(results: &Results) -> String {
    let (mut rows, mut refusals) = (Vec::new(), Refusals::default());
    for after in LATENCIES {
        for cell in clients(results, |cell| cell.answered_after(after)) {
            let row = results.row(&cell);
            rows.push(vec![
                format!("{after} ms · {}", refusals.name(results, &cell)),
                spread(results.raw(&cell, Metric::Rate), KILO),
                median(results.raw(&cell, Metric::PerRequest), 1.0),
                percent(results.raw(&cell, Metric::Loss).map(|spread| spread.max)),
                spread(results.raw(&cell, Metric::PeakRss), MIB),
                row.map_or("—".to_owned(), |row| number(row.cell.items as f64)),
            ]);
        }
    }
    let head = [
        "answer after · client",
        "delivered k/s, raw",
        "spans per request",
        "lost",
        "peak MiB",
        "spans made",
    ];
    refusals.below(table(&head, &rows))
}

/// The thread that makes spans.
pub(super) fn producer(results: &Results) -> String {
    let (mut rows, mut refusals) = (Vec::new(), Refusals::default());
    let mut floor = vec![Cell::plain(Contender::Floor)];
    floor.retain(|cell| results.row(cell).is_some());
    let sampled = clients(results, |cell| cell).into_iter().chain(floor).map(|cell| ("sampled", cell));
    let unsampled = clients(results, |cell| cell.mode(Mode::Unsampled)).into_iter();
    for (name, cell) in sampled.chain(unsampled.map(|cell| ("unsampled", cell))) {
        rows.push(vec![
            format!("{name} · {}", refusals.name(results, &cell)),
            spread(results.normalised(&cell, Metric::ProducerNs), 1.0),
            spread(results.raw(&cell, Metric::ProducerNs), 1.0),
        ]);
    }
    refusals.below(table(&["span · client", "ns per span", "raw"], &rows))
}

/// One and two producing threads, end to end and on the hot path alone.
pub(super) fn threads(results: &Results) -> String {
    let (mut rows, mut refusals) = (Vec::new(), Refusals::default());
    for cell in clients(results, |cell| cell.threads(2)) {
        let one = Cell { threads: 1, ..cell };
        let rate = |cell: &Cell| results.normalised(cell, Metric::Rate);
        let factor = rate(&cell).zip(rate(&one)).map(|(two, one)| two.median / one.median);
        rows.push(vec![
            refusals.name(results, &cell),
            spread(rate(&one), KILO),
            spread(rate(&cell), KILO),
            factor.map_or("—".to_owned(), |factor| format!("{} ×", number(factor))),
        ]);
    }
    let head =
        ["client, all cores, gRPC", "one thread: delivered k/s", "two threads: delivered k/s", "factor"];
    let mut text = refusals.below(table(&head, &rows));
    if let Some(hot) = &results.hot_path {
        let row = |name: &str, one: f64, two: f64| {
            let factor = format!("{} ×", number(two / one));
            vec![name.to_owned(), number(one * KILO), number(two * KILO), factor]
        };
        let rows = [
            row("by the CPU time of the producing threads", hot.one_by_cpu, hot.two_by_cpu),
            row("by the clock", hot.one_by_wall, hot.two_by_wall),
        ];
        let head = ["ours, hot path alone", "one thread: k spans/s", "two threads: k spans/s", "factor"];
        text.push('\n');
        text.push_str(&table(&head, &rows));
        if hot.keyed_by_cpu > 0.0 {
            let [text_keys, prepared] = [hot.one_by_cpu, hot.keyed_by_cpu].map(|rate| number(1e9 / rate));
            text.push_str(&format!(
                "\nOne thread of those takes {text_keys} ns per span, and {prepared} ns where it sets the attributes by keys that \
                 were prepared at compile time (`otlp::Key`). Everywhere else on this page keys are text.\n"
            ));
        }
        if hot.dropped > 0 {
            text.push_str(&format!(
                "\n{} spans were dropped meanwhile: doubtful.\n",
                number(hot.dropped as f64)
            ));
        }
    }
    text
}

/// Other things than the same span a million times.
pub(super) fn workloads(results: &Results) -> String {
    let (mut rows, mut refusals) = (Vec::new(), Refusals::default());
    for (workload, name) in [(Workload::Varied, "strings that vary"), (Workload::Logs, "log records")] {
        for cell in clients(results, |cell| cell.workload(workload)) {
            rows.push(vec![
                format!("{name} · {}", refusals.name(results, &cell)),
                spread(results.normalised(&cell, Metric::CpuPerMillion), 1.0),
                median(results.raw(&cell, Metric::CpuPerMillion), 1.0),
                spread(results.normalised(&cell, Metric::Rate), KILO),
                spread(results.normalised(&cell, Metric::ProducerNs), 1.0),
                median(results.raw(&cell, Metric::WireBytes), 1.0),
            ]);
        }
    }
    let head = [
        "workload · client",
        "CPU-s per million",
        "raw",
        "delivered k/s",
        "ns per item, producing thread",
        "bytes per item",
    ];
    refusals.below(table(&head, &rows))
}

/// The short table of the README: one line for each client.
pub(super) fn short(results: &Results) -> String {
    let cells = clients(results, |cell| cell);
    let row = |cell: &Cell| {
        let norm = |cell: Cell, metric, scale| median(results.normalised(&cell, metric), scale);
        let late = results.raw(&cell.answered_after(50), Metric::Rate);
        let loss = results.raw(&cell.mode(Mode::Burst), Metric::Loss);
        vec![
            cell.contender.title().to_owned(),
            norm(*cell, Metric::CpuPerMillion, 1.0),
            norm(cell.over(Transport::Http, Compression::None), Metric::CpuPerMillion, 1.0),
            norm(*cell, Metric::Rate, KILO),
            median(late, KILO),
            norm(*cell, Metric::ProducerNs, 1.0),
            percent(loss.map(|loss| loss.median)),
        ]
    };
    let head = [
        "client",
        "CPU-s per million spans, gRPC",
        "HTTP",
        "delivered k/s",
        "the same, answered after 50 ms",
        "ns per span, producing thread",
        "lost in a burst, defaults",
    ];
    table(&head, &cells.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::super::results::samples::{results, row};
    use super::super::runner::Outcome;
    use super::*;

    #[test]
    fn the_main_table_shows_figures_refusals_and_factors() {
        let text = lossless(&results());
        assert!(
            text.contains(
                "| gRPC · otlp (ours) | 0.400 (0.400–0.420) | 0.420 | 1.00 × | 2,500 (2,381–2,500) |"
            ),
            "{text}"
        );
        assert!(text.contains("| gRPC · opentelemetry | 4.00 (3.90–4.10) | 4.00 | 10.0 × |"), "{text}");
        assert!(text.contains("| gRPC · fastrace | — | — |"), "{text}");
        assert!(text.contains("emit [1]") && text.ends_with("[1] emit: it has no such thing\n"), "{text}");
    }

    #[test]
    fn promises_say_what_was_met() {
        let text = promises(&results());
        let line = text.lines().find(|line| line.contains("spans, gRPC |")).unwrap();
        assert_eq!(
            line,
            "| CPU-seconds per million spans, gRPC | 0.400 s | opentelemetry 4.00 s | 1/10.0 | ≤ 1/8 | met |"
        );
        assert!(text.contains("not measured"));
    }

    #[test]
    fn one_reason_has_one_number() {
        let mut results = results();
        let refused = Outcome::Cannot("no zstd".to_owned());
        for transport in [Transport::Grpc, Transport::Http] {
            let cell = Cell::plain(Contender::Emit).over(transport, Compression::Zstd);
            results.rows.push(row(cell, [refused.clone()]));
        }
        let text = lossless(&results);
        assert_eq!(text.matches("emit [2]").count(), 2, "{text}");
        assert_eq!(text.matches("[2] emit: no zstd").count(), 1, "{text}");
    }

    #[test]
    fn tables_without_rows_are_tables() {
        let none = Results::default();
        for text in
            [lossless(&none), exact(&none), burst(&none), latency(&none), producer(&none), short(&none)]
        {
            assert_eq!(text.lines().count(), 2, "{text}");
        }
    }
}
