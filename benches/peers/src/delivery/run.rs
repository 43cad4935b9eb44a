//! Runs programs, each with a receiver of its own, and puts together what both sides say.

use super::Answer;
use super::plan::{Cell, Stage};
use super::receiver::{Arrived, Receiver};
use crate::compare::runner;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How long a program may take beyond its idle time. The slowest takes half.
const LIMIT: Duration = Duration::from_secs(120);

/// A run and what came of it.
pub(super) struct Row {
    pub(super) cell: Cell,
    /// Or the sentence that says what went wrong with the run itself.
    pub(super) outcome: Result<Sample, String>,
}

/// What both sides say of a run.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) answer: Answer,
    pub(super) arrived: Arrived,
}

impl Sample {
    /// Spans that were made and did not arrive.
    pub(super) fn lost(&self) -> u64 {
        self.answer.made.saturating_sub(self.arrived.distinct)
    }
}

/// Runs all of a stage at the same time.
pub(super) fn together(folder: &Path, stage: &Stage) -> Vec<Row> {
    // All receivers before the first program: a process that is just being started holds, for a moment, a copy of every
    // socket of this one, and a listener that should be down would still be there.
    let receivers: Vec<_> =
        stage.0.iter().map(|cell| Receiver::start(cell.transport, cell.scenario.fault)).collect();
    std::thread::scope(|scope| {
        let runs: Vec<_> = stage
            .0
            .iter()
            .zip(receivers)
            .map(|(cell, receiver)| (cell, scope.spawn(move || one(folder, cell, &receiver?))))
            .collect();
        let rows = runs.into_iter().map(|(cell, run)| {
            let outcome = run.join().unwrap_or_else(|_| Err("the run panicked".to_owned()));
            Row { cell: *cell, outcome }
        });
        rows.collect()
    })
}

fn one(folder: &Path, cell: &Cell, receiver: &Receiver) -> Result<Sample, String> {
    let order = serde_json::to_string(&cell.order(receiver.endpoint())).map_err(|error| error.to_string())?;
    let mut command = Command::new(folder.join(cell.client.program()));
    command.arg(order);
    let ended = std::thread::scope(|scope| {
        let program = scope.spawn(|| runner::run(command, LIMIT + cell.scenario.idle));
        receiver.play(cell.scenario.fault)?;
        program.join().unwrap_or_else(|_| Err("the runner panicked".to_owned()))
    })?;
    ended.succeeded()?;
    let answer = serde_json::from_str(ended.stdout.trim())
        .map_err(|error| format!("answered `{}`: {error}", ended.stdout.trim()))?;
    Ok(Sample { answer, arrived: receiver.arrived() })
}
