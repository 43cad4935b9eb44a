//! The whole pipeline without the facade: typed spans in at the top, bytes out at the bottom, one `ServiceBuilder` chain.
//!
//! What `Client` builds, from the single crates: sample, encode, batch, assemble, observe, limit, split, compress, retry, time
//! out, add headers, send. Any layer of tower's can stand between any two, and any of these can be left out.
//!
//! ```text
//! cargo run -p otlp --example stack_by_hand
//! ```

use otlp_batch::{BatchConfig, BatchLayer, ChunkPool, PoolConfig};
use otlp_model::{
    Groups, InstrumentationScope, KeyValue, Limits, RequestLimits, Resource, Signal, SpanContext, SpanData,
    SpanId, TraceFlags, TraceId,
};
use otlp_sampling::{SampleLayer, TraceIdRatioBasedSampler};
use otlp_testkit::Collector;
use otlp_transport::{
    AdaptiveConcurrencyLayer, BoxError, CircuitBreaker, Compression, Compressor, Grpc, Headers, Observation,
    Pause, RetryBudget, RetryLayer, RetryPolicy, ServiceBuilderExt, SplitLayer, shutdown,
};
use std::sync::Arc;
use std::time::Duration;
use tower::{Service, ServiceBuilder, ServiceExt};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let collector = Collector::builder().grpc().start().await?;

    // Every record belongs to a group: a resource and a scope, encoded once.
    let groups = Arc::new(Groups::new());
    let scope = InstrumentationScope::new("stack_by_hand");
    let group = groups.register(&Resource::new().with("service.name", "by-hand"), &scope);

    // Waiting spans take at most 16 MiB.
    let pool = ChunkPool::new(PoolConfig { max_size: 16 * 1024 * 1024, ..PoolConfig::default() })?;
    let config =
        BatchConfig { max_batch_items: 512, max_delay: Duration::from_millis(100), ..BatchConfig::default() };
    let (_shutdown, signal) = shutdown::channel();

    let batches = ServiceBuilder::new()
        // Records in, batches out; the worker is a task of this runtime.
        .layer(BatchLayer::new(config, pool)?)
        // The last place that knows groups: from here on there are encoded requests.
        .assemble(
            Arc::clone(&groups),
            Signal::Traces,
            RequestLimits { max_bytes: 2 << 20, ..RequestLimits::default() },
        )
        // The final outcome of each batch, once.
        .observe(|batch: &Observation<'_>| println!("batch of {}: {:?}", batch.items, batch.disposition))
        // Bounds memory, that of batches asleep in a back-off too.
        .concurrency_limit(4)
        // What the receiver finds too large goes in parts; cut while it is plain protobuf.
        .layer(SplitLayer::new())
        // Once per batch, never per attempt.
        .compress(Compressor::new(Compression::Gzip)?)
        // Above the connection, so that another attempt may take another one. Budget and circuit are the destination's: the
        // stacks of other signals would get clones of this layer.
        .layer(
            RetryLayer::new(RetryPolicy::default())
                .with_shutdown(signal)
                .with_pause(Pause::new())
                .with_budget(RetryBudget::default())
                .with_circuit(CircuitBreaker::default()),
        )
        // As many attempts at once as the receiver takes well.
        .layer(AdaptiveConcurrencyLayer::new(4))
        // A hung attempt becomes one that can be repeated.
        .attempt_timeout(Duration::from_secs(10))
        // Last: credentials may change between attempts.
        .export_headers(Headers::parse("x-tenant=by-hand")?)
        // OTLP/gRPC over TCP.
        .service(Grpc::new(collector.grpc_endpoint().parse()?));
    let worker = batches.handle().clone();

    let mut spans = ServiceBuilder::new()
        // Half of the traces, decided by their ids.
        .layer(SampleLayer::new(TraceIdRatioBasedSampler::new(0.5)))
        // A span becomes its own wire form; nothing is encoded again.
        .map_request(move |span: SpanData| span.to_record(group, &Limits::default()))
        .service(batches);

    let mut kept = 0;
    for number in 0..1_000 {
        kept += u64::from(spans.ready().await?.call(span(number)).await?.kept().is_some());
    }

    let report = worker.flush(Some(Duration::from_secs(10))).await;
    println!(
        "{kept} of 1000 kept, {} delivered, {} received",
        report.stats.delivered,
        collector.received().items()
    );
    if report.stats.delivered == kept && collector.received().items() == kept {
        Ok(())
    } else {
        Err(format!("not everything arrived: {:?}", report.stats).into())
    }
}

/// A finished span of a trace of its own. The ids are spread as random ones would be.
fn span(number: u64) -> SpanData {
    let id = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let trace_id = TraceId::from_bytes((u128::from(id) << 64 | u128::from(id)).to_be_bytes());
    let context = SpanContext::new(trace_id, SpanId::from_bytes(id.to_be_bytes()), TraceFlags::SAMPLED);
    let start = 1_800_000_000_000_000_000 + number * 1_000_000;
    let mut span = SpanData::new(context, "work", start, start + 500_000);
    span.attributes.push(KeyValue::new("number", number));
    span
}
