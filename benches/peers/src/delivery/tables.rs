//! The results as tables in Markdown, the same on the terminal and on the page.

use super::plan::{Cell, Client, Scenario, Table};
use super::run::{Row, Sample};
use super::{Latency, Said, targets};
use crate::compare::text::{number, table};
use std::collections::BTreeMap;
use std::time::Duration;

/// All of them, with their headings.
pub(super) fn all(rows: &[Row]) -> String {
    let parts = [("What was promised", targets::table_of(rows)), ("What arrived", delivery(rows))];
    let more = [("How long `end` takes", latency(rows)), ("Doing nothing", idle(rows))];
    let text = parts.into_iter().chain(more).map(|(title, text)| format!("## {title}\n\n{text}\n"));
    text.collect()
}

/// The runs of one table, by scenario.
pub(super) fn scenarios(rows: &[Row], table: Table) -> Vec<(Scenario, Vec<&Row>)> {
    let mut groups: Vec<(Scenario, Vec<&Row>)> = Vec::new();
    for row in rows.iter().filter(|row| row.cell.scenario.table == table) {
        match groups.iter_mut().find(|(scenario, _)| *scenario == row.cell.scenario) {
            Some((_, group)) => group.push(row),
            None => groups.push((row.cell.scenario, vec![row])),
        }
    }
    groups
}

const HEAD: [&str; 7] = ["client", "made", "received", "duplicates", "lost", "flush said", "shutdown said"];

/// One table for each scenario.
pub(super) fn delivery(rows: &[Row]) -> String {
    let mut text = String::new();
    for (scenario, group) in scenarios(rows, Table::Delivery) {
        let lines: Vec<_> = group.into_iter().map(delivery_line).collect();
        text.push_str(&format!("### {}\n\n{}\n", capitalised(scenario.name), table(&HEAD, &lines)));
    }
    text
}

fn delivery_line(row: &Row) -> Vec<String> {
    let who = who(&row.cell);
    match &row.outcome {
        Err(reason) => {
            let mut line = vec![who, format!("the run failed: {}", cell_text(reason))];
            line.resize(HEAD.len(), String::new());
            line
        }
        Ok(sample) => {
            let Sample { answer, arrived } = sample;
            let count = |count: u64| number(count as f64);
            let lost = match sample.lost() {
                0 => "0".to_owned(),
                lost => format!("{} ({} %)", count(lost), number(lost as f64 * 100.0 / answer.made as f64)),
            };
            vec![
                who,
                count(answer.made),
                count(arrived.distinct),
                count(arrived.duplicates),
                lost,
                said(answer.flush.as_ref()),
                said(answer.shutdown.as_ref()),
            ]
        }
    }
}

fn who(cell: &Cell) -> String {
    format!("{}, {}", cell.client.title(), cell.transport)
}

fn said(said: Option<&Said>) -> String {
    let Some(Said { error, took }) = said else { return "—".to_owned() };
    let took = seconds(*took);
    match error {
        None => format!("Ok after {took}"),
        Some(error) => format!("Err after {took}: {}", cell_text(error)),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// A sentence that fits into a table, without the port, which is another one each time.
fn cell_text(text: &str) -> String {
    const LONGEST: usize = 240;
    let words = text.split_whitespace().map(|word| match word.find("127.0.0.1:") {
        Some(at) => format!(
            "{}127.0.0.1:PORT{}",
            &word[..at],
            word[at + 10..].trim_start_matches(|c: char| c.is_ascii_digit())
        ),
        None => word.replace('|', "/"),
    });
    let text = words.collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The latency of `end`, each client beside its own healthy figure.
pub(super) fn latency(rows: &[Row]) -> String {
    let healthy = healthy(rows);
    let mut lines = Vec::new();
    for (scenario, group) in scenarios(rows, Table::Latency) {
        for row in group {
            let mut line = vec![format!("{}: {}", row.cell.client.title(), scenario.name)];
            match &row.outcome {
                Ok(Sample { answer, .. }) => {
                    let end = answer.end;
                    line.extend([end.median_ns, end.p999_ns, end.most_ns].map(|ns| number(ns as f64)));
                    let base = healthy.get(row.cell.client.title()).copied();
                    line.push(base.map_or_else(|| "—".to_owned(), |base| times(end, base)));
                }
                Err(reason) => line.push(cell_text(reason)),
            }
            lines.push(line);
        }
    }
    lines.sort_by_key(|line| line[0].starts_with(Client::Opentelemetry.title()));
    if lines.is_empty() {
        return "Not in this run.\n".to_owned();
    }
    table(&["client: receiver", "median, ns", "p99.9, ns", "longest, ns", "p99.9 ÷ healthy"], &lines)
}

/// How many times the healthy p99.9 another one is.
pub(super) fn times(end: Latency, healthy_ns: u64) -> String {
    number(end.p999_ns as f64 / healthy_ns.max(1) as f64)
}

/// The p99.9 of each client with a healthy receiver, in nanoseconds.
pub(super) fn healthy(rows: &[Row]) -> BTreeMap<&'static str, u64> {
    let groups = scenarios(rows, Table::Latency);
    let first = groups.first().map(|(_, group)| group.as_slice()).unwrap_or_default();
    let figures = first
        .iter()
        .filter_map(|row| Some((row.cell.client.title(), row.outcome.as_ref().ok()?.answer.end.p999_ns)));
    figures.collect()
}

/// What the threads of an idle process do.
pub(super) fn idle(rows: &[Row]) -> String {
    let mut lines = Vec::new();
    for (scenario, group) in scenarios(rows, Table::Idle) {
        for row in group {
            let Ok(Sample { answer, .. }) = &row.outcome else { continue };
            let mut threads: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
            for thread in &answer.idle {
                let sum = threads.entry(&thread.name).or_default();
                *sum = (sum.0 + 1, sum.1 + thread.cpu_ns, sum.2 + thread.sleeps);
            }
            let time = scenario.idle.as_secs_f64();
            lines.extend(threads.into_iter().map(|(name, (count, cpu_ns, sleeps))| {
                let name = if count == 1 { name.to_owned() } else { format!("{name} ({count} threads)") };
                vec![
                    format!("{}: {name}", who(&row.cell)),
                    number(cpu_ns as f64 / 1e6),
                    number(sleeps as f64),
                    number(sleeps as f64 / time),
                ]
            }));
        }
    }
    table(&["client: thread", "CPU, ms", "wake-ups", "wake-ups per second"], &lines)
}

pub(super) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_fit_into_a_table() {
        let text = cell_text("could not connect to http://127.0.0.1:40001: refused\n| really");
        assert_eq!(text, "could not connect to http://127.0.0.1:PORT: refused / really");
        assert_eq!(cell_text(&"x".repeat(400)).chars().count(), 241);
    }

    #[test]
    fn answers_are_told_with_their_time() {
        let of = |error: Option<&str>| {
            said(Some(&Said { error: error.map(str::to_owned), took: Duration::from_millis(1_234) }))
        };
        assert_eq!([of(None), of(Some("no"))], ["Ok after 1.23 s", "Err after 1.23 s: no"]);
        assert_eq!(said(None), "—");
    }
}
