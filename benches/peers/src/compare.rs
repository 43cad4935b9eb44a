//! The comparison itself: plans the runs, runs them one after the other, and makes the documents. Used by the program
//! `compare`, which `cargo xtask bench` builds and starts. Measures nothing but the hot path: contenders measure
//! themselves, and the sink counts.

mod canvas;
mod charts;
mod counts;
mod growth;
mod hot_path;
pub(crate) mod machine;
mod options;
mod plan;
mod quick;
mod report;
mod results;
pub(crate) mod runner;
mod statistics;
mod tables;
mod targets;
pub(crate) mod text;
mod wins;

use machine::Machine;
use options::Options;
use results::{Metric, Results, Row};
use runner::{Outcome, Runner};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Runs what the command line, without the program's name, asks for.
///
/// # Errors
///
/// What prevented the run or its documents; with `--quick` also what the run has found. A contender that crashes is no
/// error but a part of the results.
pub fn run(arguments: impl IntoIterator<Item = String>) -> Result<(), String> {
    let options = Options::parse(arguments)?;
    if let Some(kept) = &options.report {
        let text = std::fs::read_to_string(kept).map_err(|error| format!("{}: {error}", kept.display()))?;
        let results = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", kept.display()))?;
        return finish(&options, &results);
    }
    let folder = programs()?;
    let results = Comparison::new(&options, folder).measure();
    finish(&options, &results)
}

/// The folder of this program and all others.
fn programs() -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    this.parent().map(Path::to_owned).ok_or_else(|| "this program is in no folder".to_owned())
}

fn finish(options: &Options, results: &Results) -> Result<(), String> {
    if options.quick {
        let findings = quick::findings(results);
        if findings.is_empty() {
            println!("every contender delivered, and the books balance");
            return Ok(());
        }
        return Err(findings.join("\n"));
    }
    for (title, table) in [
        ("nothing lost", tables::lossless(results)),
        ("the same runs", tables::exact(results)),
        ("through `tracing`", tables::traced(results)),
        ("burst", tables::burst(results)),
        ("receiver that takes its time", tables::latency(results)),
        ("producing thread", tables::producer(results)),
        ("two threads", tables::threads(results)),
        ("other work", tables::workloads(results)),
        ("where a peer is better", wins::list(results)),
        ("targets", tables::promises(results)),
    ] {
        println!("\n{title}:\n\n{table}");
    }
    for warning in results.warnings() {
        println!("!!! {warning}");
    }
    if options.writes() { report::write(options, results) } else { Ok(()) }
}

/// A run in progress.
struct Comparison<'a> {
    options: &'a Options,
    folder: PathBuf,
    runner: Runner,
    results: Results,
    started: Instant,
}

impl<'a> Comparison<'a> {
    fn new(options: &'a Options, folder: PathBuf) -> Self {
        let runner = Runner::new(folder.clone());
        let results = Results {
            machine: Machine::this(),
            date: machine::today(),
            repetitions: options.repetitions,
            items: options.items,
            pinned: runner.is_pinning(),
            ..Results::default()
        };
        Self { options, folder, runner, results, started: Instant::now() }
    }

    fn measure(mut self) -> Results {
        if !self.results.pinned {
            println!("no `taskset`, or one core: contender and sink go where the system puts them");
        }
        if !self.options.quick && self.options.includes(plan::Contender::Ours) {
            self.say("the hot path alone, one and two threads");
            match hot_path::measure() {
                Ok(hot_path) => self.results.hot_path = Some(hot_path),
                Err(error) => self.results.notes.push(format!("the hot path alone: {error}")),
            }
        }
        self.rows();
        if self.options.counts {
            self.counts();
        }
        if self.options.growth && self.options.only.is_empty() {
            self.say("curves of growing work");
            let (points, wrong) = growth::measure(&self.folder);
            self.results.curves = points;
            self.results.notes.extend(wrong.map(|reason| format!("the curves of growing work: {reason}")));
            self.keep();
        }
        self.say("done");
        self.results
    }

    /// All cells, each repetition after the other, in turns from the front and from the back.
    fn rows(&mut self) {
        let cells = if self.options.quick { plan::quick(self.options) } else { plan::plan(self.options) };
        self.results.rows = cells.iter().map(|cell| Row { cell: *cell, outcomes: Vec::new() }).collect();
        let (repetitions, all) = (self.options.repetitions, cells.len());
        for repetition in 0..repetitions {
            for turn in 0..all {
                let index = if repetition % 2 == 0 { turn } else { all - 1 - turn };
                let row = &self.results.rows[index];
                // What it cannot do it need not refuse again.
                if row.refusal().is_some() {
                    continue;
                }
                let outcome = self.runner.run(&cells[index]);
                let number = repetition * all + turn + 1;
                self.say(&format!(
                    "{number}/{} {}: {}",
                    repetitions * all,
                    cells[index],
                    self.brief(&outcome)
                ));
                self.results.rows[index].outcomes.push(outcome);
            }
            self.keep();
        }
    }

    fn counts(&mut self) {
        let counting = self.folder.with_file_name("counting");
        let valgrind = counts::has_valgrind();
        if !valgrind {
            let note = "instructions were not counted: this machine has no valgrind";
            self.say(note);
            self.results.notes.push(note.to_owned());
        }
        for cell in counts::cells(self.options) {
            let count = counts::count(&mut self.runner, &self.folder, &counting, valgrind, cell);
            let [allocations, instructions] =
                [count.allocations, count.instructions].map(|of| text::optional(of, 1.0));
            self.say(&format!("{cell}: {allocations} allocations, {instructions} instructions"));
            self.results.counts.push(count);
            self.keep();
        }
    }

    fn say(&self, text: &str) {
        let elapsed = self.elapsed().as_secs();
        println!("{:3}:{:02} {text}", elapsed / 60, elapsed % 60);
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Keeps what there is beside the programs, so that a run that is ended early is not lost.
    fn keep(&mut self) {
        self.results.minutes = self.elapsed().as_secs_f64() / 60.0;
        let path = self.folder.with_file_name(if self.options.quick { "quick.json" } else { "compare.json" });
        let kept = serde_json::to_string(&self.results).map_err(|error| error.to_string());
        let kept = kept.and_then(|text| std::fs::write(&path, text).map_err(|error| error.to_string()));
        if let Err(error) = kept {
            println!("the results could not be kept: {error}");
        }
    }

    /// A run in one line. A quick one shows no times: its programs are not optimised.
    fn brief(&self, outcome: &Outcome) -> String {
        let sample = match outcome {
            Outcome::Done(sample) => sample,
            Outcome::Cannot(reason) => return format!("not possible: {reason}"),
            Outcome::Failed(reason) => return format!("FAILED: {reason}"),
        };
        if self.options.quick {
            return format!("{} made, {} arrived", sample.figures.made, sample.sink.items);
        }
        let of = |metric, scale| text::optional(sample.raw(metric), scale);
        format!(
            "{} CPU-s per million, {} ns on the producer, {} k/s, {} % lost",
            of(Metric::CpuPerMillion, 1.0),
            of(Metric::ProducerNs, 1.0),
            of(Metric::Rate, 1e-3),
            of(Metric::Loss, 100.0)
        )
    }
}
