//! A fixed amount of work for an instruction counter: `cargo xtask instructions` runs it under callgrind.
//!
//! Every scenario is run twice, with different counts, and the difference is what so many more rounds cost: neither the
//! start nor the end of the program is in it. All that is counted happens on the main thread, in an order that does not
//! depend on time, and nothing here writes to a network.
//!
//! ```text
//! cargo build --release -p otlp-benches --example counted
//! valgrind --tool=callgrind --separate-threads=yes target/release/examples/counted full 10000
//! ```

mod export;
mod peer;

use otlp::{AlwaysOffSampler, BatchConfig, BatchStrategy, BoxError, ClientBuilder, MemoryPoolConfig, Tracer};
use otlp_benches::{Shape, client_with, make};

fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [scenario, count] = &arguments[..] else {
        return Err(
            "usage: counted bare|two|full|keyed|attributes|unsampled|grpc-1|grpc-4096|http-1|http-4096 COUNT"
                .into(),
        );
    };
    let count: u64 = count.parse()?;
    match scenario.as_str() {
        "bare" => spans(count, quiet, |tracer, number| make(tracer, Shape::Bare, number))?,
        "two" => spans(count, quiet, |tracer, number| make(tracer, Shape::Two, number))?,
        "full" => spans(count, quiet, |tracer, number| make(tracer, Shape::Full, number))?,
        "keyed" => spans(count, quiet, |tracer, number| make(tracer, Shape::Keyed, number))?,
        "attributes" => {
            let keys: Vec<String> = (0..64).map(|number| format!("app.attribute.{number:02}")).collect();
            spans(count, quiet, |tracer, _| {
                let mut span = tracer.start("GET /api/users/{id}");
                for key in &keys {
                    span.set_attribute(key, "a value");
                }
                span.end();
            })?;
        }
        "unsampled" => spans(
            count,
            |builder| quiet(builder).with_sampler(AlwaysOffSampler),
            |tracer, number| make(tracer, Shape::Full, number),
        )?,
        "grpc-1" => export::run(export::Protocol::Grpc, 1, count)?,
        "grpc-4096" => export::run(export::Protocol::Grpc, 4096, count)?,
        "http-1" => export::run(export::Protocol::Http, 1, count)?,
        "http-4096" => export::run(export::Protocol::Http, 4096, count)?,
        _ => return Err(format!("no such scenario: {scenario}").into()),
    }
    Ok(())
}

/// A client whose thread stays asleep, since no batch is ever full, and that has its memory from the start, as one that runs
/// for long.
fn quiet(builder: ClientBuilder) -> ClientBuilder {
    let batches =
        BatchConfig { strategy: BatchStrategy::Size, max_batch_size: 1_000_000, ..BatchConfig::default() };
    let memory =
        MemoryPoolConfig { initial_size: 64 << 20, max_size: 64 << 20, ..MemoryPoolConfig::default() };
    builder
        .with_batch_config(batches)
        .with_max_request_bytes(64 * 1024 * 1024)
        .with_memory_pool_config(memory)
}

/// Makes spans, which must not be more than the client's memory holds.
fn spans(
    count: u64,
    options: impl FnOnce(ClientBuilder) -> ClientBuilder,
    make: impl Fn(&Tracer, i64),
) -> Result<(), BoxError> {
    let client = client_with(options)?;
    let tracer = client.tracer("counted");
    // A fixed number: the length of an integer on the wire depends on its value.
    (0..count).for_each(|_| make(&tracer, 4_711));
    let stats = client.stats(otlp::Signal::Traces);
    if stats.dropped.total() > 0 {
        return Err(format!("too many for the queue: {stats:?}").into());
    }
    Ok(())
}
