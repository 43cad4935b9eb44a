//! The frame that every program runs in: it reads the order, builds, makes spans at the ordered rate, flushes, waits, shuts
//! down, and prints the answer. It knows no library; it is the same code for all.

use super::{Answer, Latency, Order, Runtime, Said, ThreadUse};
use crate::process::thread_use;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// A client in a small program.
pub trait Program: Sized {
    /// Builds it as its documentation says, with its defaults.
    ///
    /// # Errors
    ///
    /// What the library says.
    fn build(order: &Order) -> Result<Self, String>;

    /// Makes one span, and returns how long ending it took.
    fn span(&self, number: u64) -> Duration;

    /// Flushes, with the library's default deadline if there is no other.
    ///
    /// # Errors
    ///
    /// What the library says.
    fn flush(&self, patience: Option<Duration>) -> Result<(), String>;

    /// Shuts down. Beside its answer: the spans that it says were not delivered, if it says.
    ///
    /// # Errors
    ///
    /// What the library says.
    fn shutdown(self, patience: Duration) -> (Result<(), String>, Option<u64>);
}

/// Runs a program: the whole `main` of each.
#[must_use]
pub fn run<P: Program>() -> ExitCode {
    let order = std::env::args().nth(1).ok_or_else(|| "usage: PROGRAM ORDER".to_owned());
    let order = order.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
    match order.and_then(|order| run_in_runtime::<P>(&order)) {
        Ok(answer) => {
            println!("{answer}");
            // Not a return from `main`: who left without a shutdown leaves as programs do that call `exit`.
            std::process::exit(0)
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run_in_runtime<P: Program>(order: &Order) -> Result<String, String> {
    let mut builder = match order.runtime {
        Runtime::MultiThread => tokio::runtime::Builder::new_multi_thread(),
        Runtime::CurrentThread => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = builder.enable_all().build().map_err(|error| error.to_string())?;
    let answer = runtime.block_on(live::<P>(order))?;
    serde_json::to_string(&answer).map_err(|error| error.to_string())
}

/// The `async fn main` of an application. Flush and shutdown are called as they are, without a thread for them: that is
/// what the libraries' documentation shows.
async fn live<P: Program>(order: &Order) -> Result<Answer, String> {
    let program = P::build(order)?;
    for number in 0..order.ahead {
        program.span(number);
    }
    let mut answer = Answer { made: order.ahead + order.spans, ..Answer::default() };
    answer.end = make(&program, order).await;
    if order.leave {
        // What waits is lost with the process, and dropping would wait for it.
        std::mem::forget(program);
        return Ok(answer);
    }
    answer.flush = Some(said(|| program.flush(order.patience)));
    if !order.idle.is_zero() {
        answer.idle = idle(order.idle);
    }
    let patience = order.patience.unwrap_or(Duration::from_secs(5));
    answer.shutdown = Some(said(|| {
        let (result, lost) = program.shutdown(patience);
        answer.lost_by_own_account = lost;
        result
    }));
    Ok(answer)
}

/// Makes the spans, each when it is due.
async fn make<P: Program>(program: &P, order: &Order) -> Latency {
    let mut calls = Vec::with_capacity(order.spans as usize);
    let started = Instant::now();
    for number in 0..order.spans {
        if let Some(nanoseconds) = (number * 1_000_000_000).checked_div(order.per_second) {
            let due = started + Duration::from_nanos(nanoseconds);
            if Instant::now() < due {
                tokio::time::sleep_until(due.into()).await;
            }
        }
        calls.push(program.span(order.ahead + number).as_nanos() as u64);
    }
    Latency::of(calls)
}

fn said(call: impl FnOnce() -> Result<(), String>) -> Said {
    let started = Instant::now();
    let error = call().err();
    Said { error, took: started.elapsed() }
}

/// Sleeps, without the runtime, and returns what the other threads used meanwhile.
fn idle(time: Duration) -> Vec<ThreadUse> {
    // What the flush set in motion may still be coming to rest.
    std::thread::sleep(time / 20);
    let before = thread_use();
    std::thread::sleep(time);
    let mut used = Vec::new();
    for (id, after) in thread_use() {
        let then = before.get(&id).cloned().unwrap_or_default();
        used.push(ThreadUse {
            name: after.name,
            cpu_ns: after.cpu_ns - then.cpu_ns,
            sleeps: after.sleeps - then.sleeps,
        });
    }
    used
}
