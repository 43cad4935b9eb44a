//! opentelemetry, opentelemetry_sdk and opentelemetry-otlp, as their documentation sets them up.
//!
//! Spans: `span_builder` with its kind and all attributes given at the start (that is cheaper than setting them one by one,
//! and samplers see them), `add_event`, `end`; children start with a `Context` that holds the root. Fixed strings are static
//! and not copied; strings that vary are `String`s, since attributes have to be owned. Log records: `create_log_record`,
//! `set_severity_number`, `set_severity_text`, `set_body`, `add_attribute`, `emit`.
//!
//! Settings: `with_batch_exporter`, so the batch processor with its defaults (a queue of 2,048, batches of 512, one export
//! at a time). gRPC by tonic, on a tokio runtime of several threads as `#[tokio::main]` makes it; HTTP with the blocking
//! client of reqwest, which is the default. Sampler: `ParentBased(AlwaysOn)`, the default. Features that only log about the
//! SDK itself are off.
//! Lossless: the exporter is wrapped to count what has left, and the producer waits while three quarters of the queue
//! are under way; the SDK itself has no back-pressure. Burst: nothing of that. Unsampled: `AlwaysOff`, all calls as if sampled.
//! Compression: the default levels. The end is `shutdown` of the provider, which exports what waits; its answer is checked.
//! The SDK tells its losses to its log only, not to its caller.

use otlp_peers::contender::run;
use otlp_peers::sdk::Sdk;
use otlp_peers::theirs::Theirs;
use std::process::ExitCode;

fn main() -> ExitCode {
    run::<Sdk<Theirs>>()
}
