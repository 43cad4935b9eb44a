//! A program that lives for some 50 ms and loses nothing: `otlp::init()`, spans, and a return from `main`. The guard delivers.
//!
//! ```text
//! cargo run --release -p otlp --example short_lived
//! OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 cargo run --release -p otlp --example short_lived
//! ```
//!
//! With an endpoint it is that program. Without one it starts a collector, and itself as a process of its own with the
//! collector's endpoint; then it fails unless every span of that process arrived.

use otlp::AnyValue;
use otlp_testkit::{Claim, Collector, Ledger};
use std::collections::BTreeSet;
use std::error::Error;
use std::process::Command;
use std::thread;
use std::time::Duration;

const FILES: usize = 100;
/// What the books call the one span that is of no file.
const ROOT: &str = "index files";

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT") {
        Ok(endpoint) if !endpoint.is_empty() => index_files(),
        _ => watch_one_life(),
    }
}

/// The program. It has no runtime, waits for nothing and knows no collector: the environment does.
fn index_files() -> Result<(), Box<dyn Error>> {
    // Held until `main` is over. `let _ = otlp::init()?` would end the client at once.
    let _guard = otlp::init()?;
    let tracer = otlp::tracer("indexer");
    tracer.in_span(ROOT, |index| {
        index.set_attribute("indexer.files", FILES);
        for number in 0..FILES {
            tracer.start("index file").set_attribute("file.name", format!("{number}.txt"));
        }
        // The client would have sent by itself after a second, which this program does not live to see.
        #[expect(clippy::disallowed_methods, reason = "stands for work: nobody is waited for")]
        thread::sleep(Duration::from_millis(50));
    });
    Ok(())
}

/// Starts the program, and compares what it should have sent with what is there once it has gone.
fn watch_one_life() -> Result<(), Box<dyn Error>> {
    let collector = Collector::builder().http().start_blocking()?;
    let status = Command::new(std::env::current_exe()?)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint())
        .env("OTEL_SERVICE_NAME", "indexer")
        .status()?;
    if !status.success() {
        return Err(format!("the program failed: {status}").into());
    }

    // Nobody asked the process for its books, so this claims what its end promises: all of it was delivered.
    let names: Vec<String> = (0..FILES).map(|number| format!("{number}.txt")).collect();
    let mut ledger = Ledger::<String>::default();
    names.into_iter().chain([ROOT.to_owned()]).for_each(|name| ledger.offered(name));
    let items = FILES as u64 + 1;
    let claim = Claim { accepted: items, delivered: items, ..Claim::default() };

    let spans = collector.received().spans();
    let mut arrived = Vec::new();
    for received in &spans {
        let attributes = received.to_model()?.attributes;
        let name = attributes.into_iter().find_map(|pair| match (&*pair.key, pair.value) {
            ("file.name", AnyValue::String(name)) => Some(name.into_owned()),
            _ => None,
        });
        arrived.push(name.unwrap_or_else(|| ROOT.to_owned()));
    }
    let balance = ledger.check_ids(claim, arrived)?;
    let traces: BTreeSet<_> = spans.iter().map(|received| &received.span.trace_id).collect();
    if traces.len() != 1 || spans.iter().any(|received| received.service_name() != "indexer") {
        return Err("the spans are not one trace of the service".into());
    }
    println!("the process is gone, and its {} spans are here: {claim}", balance.received);
    Ok(())
}
