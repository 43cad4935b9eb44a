//! What a span costs on the client's own thread: encode, assemble, compress, and the layers themselves.

#![expect(clippy::expect_used, reason = "a benchmark that can't start has nothing to say")]

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use otlp_batch::{BatchConfig, ChunkPool, Drain, PoolConfig};
use otlp_benches::typed;
use otlp_model::{
    ExportRequest, ExportResponse, Groups, InstrumentationScope, Limits, Outcome, Record, RequestLimits,
    Resource, Signal, assemble, encode_span,
};
use otlp_transport::{BoxError, Compression, Compressor, Headers, RetryPolicy, ServiceBuilderExt, Shutdown};
use std::time::{Duration, Instant};
use tower::{Service, ServiceBuilder, ServiceExt};

const SPANS: u64 = 4_096;

fn groups() -> Groups {
    Groups::new()
}

fn records(groups: &Groups) -> Vec<Record> {
    let resource =
        Resource::new().with("service.name", "bench").with("host.name", "a").with("os.type", "linux");
    let group = groups.register(&resource, &InstrumentationScope::new("bench"));
    (0..SPANS).map(|number| typed(number + 1).to_record(group, &Limits::default())).collect()
}

fn body() -> Bytes {
    let groups = groups();
    let assembled = assemble(&groups, Signal::Traces, &records(&groups), RequestLimits::default());
    assembled.requests.first().expect("one request").body().to_bytes()
}

fn encode(criterion: &mut Criterion) {
    let (span, limits, mut buffer) = (typed(1), Limits::default(), Vec::with_capacity(4_096));
    let mut group = criterion.benchmark_group("encode a typed span");
    group.bench_function("client", |bencher| {
        bencher.iter(|| {
            buffer.clear();
            encode_span(&span, &limits, &mut buffer);
            buffer.len()
        });
    });
    let encoded = buffer.clone();
    let mut copy = Vec::with_capacity(4_096);
    group.bench_function("floor: a copy of its bytes", |bencher| {
        bencher.iter(|| {
            copy.clear();
            copy.extend_from_slice(std::hint::black_box(&encoded));
            copy.len()
        });
    });
    group.finish();
}

/// From the queue to requests and back: what is measured is everything that the client's thread does with a batch
/// before and after it is sent.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn assembling(criterion: &mut Criterion) {
    let groups = groups();
    let records = records(&groups);
    let pool = ChunkPool::new(PoolConfig::default()).expect("the defaults are valid");
    let (queue, mut drain) = Drain::new(&BatchConfig::default(), &pool).expect("the defaults are valid");
    let mut group = criterion.benchmark_group("assemble, per span");
    group.throughput(Throughput::Elements(SPANS));
    group.bench_function("client", |bencher| {
        bencher.iter_custom(|times| {
            let mut elapsed = Duration::ZERO;
            for _ in 0..times {
                for record in &records {
                    queue.push(record.group, record.items, &record.bytes).expect("there is room");
                }
                let started = Instant::now();
                drain.stage();
                let (batch, ticket) = drain.take(SPANS, u64::MAX).expect("there are records");
                let assembled = assemble(&groups, Signal::Traces, &batch, RequestLimits::default());
                drop(batch);
                drop(std::hint::black_box(assembled));
                let delivered = ticket.items();
                ticket.settle(&Outcome { delivered, ..Outcome::default() });
                elapsed += started.elapsed();
            }
            elapsed
        });
    });
    let bytes: usize = records.iter().map(|record| record.bytes.len()).sum();
    group.bench_function("floor: a copy of the records", |bencher| {
        bencher.iter(|| {
            let mut body = Vec::with_capacity(bytes);
            records.iter().for_each(|record| body.extend_from_slice(&record.bytes));
            body
        });
    });
    group.finish();
}

fn compress(criterion: &mut Criterion) {
    let body = body();
    let mut group = criterion.benchmark_group("compress, per span");
    group.throughput(Throughput::Elements(SPANS));
    for (name, compression) in [("gzip", Compression::Gzip), ("zstd", Compression::Zstd)] {
        let compressor = Compressor::new(compression).expect("the features are on");
        let ratio = body.len() as f64 / compressor.compress(&body).expect("it compresses").len() as f64;
        println!("{name}: ratio {ratio:.1}");
        group.bench_function(name, |bencher| bencher.iter(|| compressor.compress(&body)));
    }
    // The libraries alone, at the client's default levels, into a buffer that is large enough.
    let mut out = Vec::with_capacity(body.len());
    let mut gzip = flate2::Compress::new_gzip(flate2::Compression::new(1), 15);
    group.bench_function("floor: zlib-rs alone", |bencher| {
        bencher.iter(|| {
            gzip.reset();
            out.clear();
            gzip.compress_vec(&body, &mut out, flate2::FlushCompress::Finish)
        });
    });
    let mut zstd = zstd::bulk::Compressor::new(1).expect("a context");
    group.bench_function("floor: zstd alone", |bencher| {
        bencher.iter(|| {
            out.clear();
            zstd.compress_to_buffer(&body, &mut out)
        });
    });
    group.finish();
}

/// The layers around a service that answers at once: their cost per request.
fn stack(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let answer =
        || tower::service_fn(|_: ExportRequest| async { Ok::<_, BoxError>(ExportResponse::success()) });
    let none = Compressor::new(Compression::None).expect("always there");
    let layered = ServiceBuilder::new()
        .concurrency_limit(8)
        .compress(none)
        .retry_export(RetryPolicy::default(), Shutdown::never())
        .attempt_timeout(Duration::from_secs(10))
        .export_headers(Headers::new())
        .service(answer());
    let request = ExportRequest::new(Signal::Traces, SPANS, body());
    let mut group = criterion.benchmark_group("a stack that does nothing, per request");
    group.bench_function("client", |bencher| {
        let call = |(mut stack, request)| {
            runtime.block_on(async move { Service::call(ready(&mut stack).await, request).await })
        };
        bencher.iter_batched(|| (layered.clone(), request.clone()), call, BatchSize::SmallInput);
    });
    group.bench_function("floor: the service alone", |bencher| {
        let call = |(mut stack, request)| {
            runtime.block_on(async move { Service::call(ready(&mut stack).await, request).await })
        };
        bencher.iter_batched(|| (answer(), request.clone()), call, BatchSize::SmallInput);
    });
    group.finish();
}

async fn ready<S: Service<ExportRequest, Error = BoxError>>(service: &mut S) -> &mut S {
    service.ready().await.expect("always ready")
}

criterion_group!(export_path, encode, assembling, compress, stack);
criterion_main!(export_path);
