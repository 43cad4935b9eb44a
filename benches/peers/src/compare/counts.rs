//! Allocations and instructions per item, in runs of their own: counting costs time, and valgrind much of it. Both are
//! nearly free of noise, so one run does.

use super::options::Options;
use super::plan::{Cell, plan};
use super::runner::{self, COUNTED_LIMIT, Outcome, Runner};
use super::statistics::{per_item, ratio};
use crate::Compression;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::Command;

/// Items of the runs that count allocations.
const ALLOCATING: u64 = 100_000;
/// Items of the two runs whose instructions are counted.
const INSTRUCTED: (u64, u64) = (10_000, 40_000);

/// What one item costs in a cell, where it could be counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Count {
    pub(super) cell: Cell,
    pub(super) allocations: Option<f64>,
    pub(super) instructions: Option<f64>,
}

/// The cells worth counting: of all that are planned, the plainest work on the wires that are not compressed.
pub(super) fn cells(options: &Options) -> Vec<Cell> {
    let is_plain = |cell: &Cell| {
        let plain = Cell::plain(cell.contender).over(cell.transport, Compression::None);
        cell.contender.sends() && cell.is_same_work(&plain)
    };
    plan(options).into_iter().filter(is_plain).collect()
}

/// Counts one cell. `counting` holds the contenders that count their allocations, if they were built.
pub(super) fn count(
    runner: &mut Runner,
    folder: &Path,
    counting: &Path,
    valgrind: bool,
    cell: Cell,
) -> Count {
    let allocations = match runner.run_in(Some(counting), &cell.items(ALLOCATING)) {
        Outcome::Done(sample) if sample.figures.allocations > 0 => {
            ratio(sample.figures.allocations as f64, sample.figures.made as f64)
        }
        _ => None,
    };
    let mut counted = |items| Some((items, instructions(runner, folder, cell.items(items))?));
    let (short, long) = INSTRUCTED;
    let instructions = if valgrind { counted(short).zip(counted(long)) } else { None };
    Count { cell, allocations, instructions: instructions.and_then(|(short, long)| per_item(short, long)) }
}

/// The instructions of a whole process, start and end included, in all of its threads.
fn instructions(runner: &mut Runner, folder: &Path, cell: Cell) -> Option<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    command.arg(folder.join(cell.contender.program()));
    let (ended, _) = runner.beside_sink(&cell, command, COUNTED_LIMIT).ok()?;
    ended.answer().ok()?;
    collected(&ended.stderr)
}

/// Whether valgrind is there.
pub(super) fn has_valgrind() -> bool {
    runner::answers("valgrind", &["--version"])
}

/// The total that callgrind prints at the end: `==12== Collected : 34`.
fn collected(text: &str) -> Option<u64> {
    let line = text.lines().rfind(|line| line.contains("Collected :"))?;
    line.rsplit(':').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::plan::Contender;
    use super::*;

    #[test]
    fn whoever_sends_is_counted() {
        let cells = cells(&Options::default());
        let of = |contender| cells.iter().filter(|cell| cell.contender == contender).count();
        for contender in Contender::ALL.into_iter().filter(|contender| contender.sends()) {
            let wires = if Contender::ADAPTERS.contains(&contender) { 1 } else { 2 };
            assert_eq!(of(contender), wires, "{contender}");
        }
        assert_eq!(of(Contender::Floor), 0);
    }

    #[test]
    fn the_total_of_callgrind_is_read() {
        let text = "==7== Callgrind\n==7== Events    : Ir\n==7== Collected : 123456\n==7== \n";
        assert_eq!(collected(text), Some(123_456));
        assert_eq!(collected("no valgrind"), None);
    }
}
