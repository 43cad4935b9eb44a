//! The curve of a client whose receiver answers nothing: what a span costs while the queue fills, and when it is full.

use super::curve::{Curve, Law, Measure, Sample};
use super::work::{Size, on_threads};
use otlp::{BoxError, Client, ExportRequest, ExportResponse, OverflowPolicy, Signal};
use otlp_benches::{Shape, make};
use std::sync::OnceLock;
use std::time::Duration;

const THREADS: u64 = 8;

pub(super) fn curve(size: Size) -> Curve {
    let at = [10, 50, 100].map(|percent| {
        let measure: Measure = Box::new(move || sample(percent, size));
        (percent as f64, measure)
    });
    let (name, x_name) = ("queue", "percent of its bytes in use");
    Curve { name, x_name, unit: "ns per span", law: Law::Constant, at: at.into() }
}

fn sample(percent: u64, size: Size) -> Result<Sample, String> {
    let mut sample = vec![
        ("one thread", cost(percent, 1, OverflowPolicy::DropNewest, size)?),
        ("eight threads", cost(percent, THREADS, OverflowPolicy::DropNewest, size)?),
    ];
    if percent == 100 {
        sample.push(("one thread, oldest dropped", cost(percent, 1, OverflowPolicy::DropOldest, size)?));
        sample.push((
            "eight threads, oldest dropped",
            cost(percent, THREADS, OverflowPolicy::DropOldest, size)?,
        ));
    }
    Ok(sample)
}

/// A client that sends to somebody who never answers.
fn stuck(overflow: OverflowPolicy) -> Result<Client, String> {
    let silent = tower::layer::layer_fn(|_| {
        tower::service_fn(|_: ExportRequest| std::future::pending::<Result<ExportResponse, BoxError>>())
    });
    Client::builder()
        .with_layer(silent)
        .with_overflow_policy(overflow)
        .with_drop_timeout(Duration::ZERO)
        .build_blocking()
        .map_err(|error| error.to_string())
}

/// Spans that fill the queue, found once.
fn capacity() -> Result<u64, String> {
    static CAPACITY: OnceLock<u64> = OnceLock::new();
    if let Some(&known) = CAPACITY.get() {
        return Ok(known);
    }
    let client = stuck(OverflowPolicy::DropNewest)?;
    let tracer = client.tracer("growth");
    let mut number = 0;
    while client.stats(Signal::Traces).dropped.total() == 0 {
        (0..1_000).for_each(|_| make(&tracer, Shape::Full, number));
        number += 1_000;
    }
    Ok(*CAPACITY.get_or_init(|| number as u64))
}

/// Nanoseconds of a thread's CPU time per span, `percent` of the queue's bytes being in use.
fn cost(percent: u64, threads: u64, overflow: OverflowPolicy, size: Size) -> Result<f64, String> {
    let client = stuck(overflow)?;
    let tracer = client.tracer("growth");
    let dropped = || client.stats(Signal::Traces).dropped.total();
    // A thread more than fills a queue that is to be full, and makes so few spans else that they change little.
    let (fill, spans) = match percent {
        100 => (capacity()? * 5 / 4, size.spans),
        _ => (capacity()? * percent / 100, 8_192),
    };
    let (time, before) = on_threads(threads, fill / threads, spans / threads, dropped, &|_, number| {
        make(&tracer, Shape::Full, number as i64);
    })?;
    let lost = dropped() - before;
    if (lost > 0) != (percent == 100) {
        return Err(format!("{lost} of {spans} spans were dropped"));
    }
    Ok(time as f64 / spans as f64)
}
