//! One span on the thread that makes it, beside the hand-written floor.

#![expect(clippy::expect_used, reason = "a benchmark that can't start has nothing to say")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use otlp::AlwaysOffSampler;
use otlp_benches::{Floor, Shape, client, client_with, make, on_threads};

fn sampled(criterion: &mut Criterion) {
    let client = client().expect("the client starts");
    let tracer = client.tracer("bench");
    for shape in Shape::ALL {
        let mut group = criterion.benchmark_group(format!("span, {}", shape.name()));
        group.throughput(Throughput::Elements(1));
        let mut floor = Floor::new();
        group.bench_function("floor", |bencher| bencher.iter(|| floor.make(shape, 4_711)));
        group.bench_function("client", |bencher| bencher.iter(|| make(&tracer, shape, 4_711)));
        group.finish();
    }
    let stats = client.stats(otlp::Signal::Traces);
    println!("lost during the measurement: {}", stats.dropped);
}

fn unsampled(criterion: &mut Criterion) {
    let client = client_with(|builder| builder.with_sampler(AlwaysOffSampler)).expect("the client starts");
    let tracer = client.tracer("bench");
    let mut group = criterion.benchmark_group("span, unsampled");
    let mut floor = Floor::new();
    group.bench_function("floor", |bencher| bencher.iter(|| floor.ids()));
    group.bench_function("client", |bencher| bencher.iter(|| make(&tracer, Shape::Full, 4_711)));
    group.finish();
}

/// Wall time per span of each thread while two of them make spans.
fn two_threads(criterion: &mut Criterion) {
    let client = client().expect("the client starts");
    let mut group = criterion.benchmark_group("span, 8 attributes + event, two threads");
    group.bench_function("floor", |bencher| {
        let make = |rounds| {
            let mut floor = Floor::new();
            for _ in 0..rounds {
                std::hint::black_box(floor.make(Shape::Full, 4_711));
            }
        };
        bencher.iter_custom(|rounds| on_threads(2, || make(rounds)));
    });
    group.bench_function("client", |bencher| {
        let make_spans = |rounds| {
            let tracer = client.tracer("bench");
            (0..rounds).for_each(|_| make(&tracer, Shape::Full, 4_711));
        };
        bencher.iter_custom(|rounds| on_threads(2, || make_spans(rounds)));
    });
    group.finish();
}

/// Printed, not timed: allocations of the producing thread.
fn allocations(_: &mut Criterion) {
    const SPANS: u64 = 100_000;
    let client = client().expect("the client starts");
    let tracer = client.tracer("bench");
    for shape in Shape::ALL {
        let run = || (0..SPANS).for_each(|_| make(&tracer, shape, 4_711));
        run();
        let counted = allocation_counter::measure(run).count_total;
        println!("allocations per span, {}: {:.5}", shape.name(), counted as f64 / SPANS as f64);
    }
}

criterion_group!(hot_path, sampled, unsampled, two_threads, allocations);
criterion_main!(hot_path);
