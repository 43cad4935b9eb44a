//! A checkout, traced: spans across tasks and threads, exported over gRPC with gzip, and shown as the collector got them.
//!
//! ```text
//! cargo run --release -p otlp --example quickstart                      # a collector in this process
//! cargo run --release -p otlp --example quickstart -- --kill-collector  # … that dies on the way: what is lost, and why
//! OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317 cargo run --release -p otlp --example quickstart
//! ```
//!
//! Ends with a failure unless everything accepted was delivered.

mod checkout;
mod waterfall;

use otlp::{Client, Compression, DeliveryReport, Protocol, Resource};
use otlp_testkit::Collector;
use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(report) if report.accepted() == report.delivered() => ExitCode::SUCCESS,
        Ok(report) => {
            eprintln!("not everything was delivered: {report}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<DeliveryReport, Box<dyn Error>> {
    let kill = std::env::args().any(|argument| argument == "--kill-collector");
    let report = match std::env::var("OTEL_EXPORTER_OTLP_ENDPOINT") {
        Ok(endpoint) if !endpoint.is_empty() => trace_a_checkout(&endpoint).await?.shutdown(DEADLINE).await?,
        _ => {
            let collector = Collector::builder().grpc().start().await?;
            let client = trace_a_checkout(&collector.grpc_endpoint()).await?;
            if kill {
                collector.kill().await?;
                println!("the collector is gone; shutting down");
            }
            let report = client.shutdown(DEADLINE).await?;
            // What is printed is what the collector decoded, with other code than the client's.
            print!("{}", waterfall::draw(&collector.received().spans()));
            report
        }
    };
    println!("\n{report}");
    Ok(report)
}

const DEADLINE: Duration = Duration::from_secs(3);

async fn trace_a_checkout(endpoint: &str) -> Result<Client, Box<dyn Error>> {
    let client = Client::builder()
        .with_endpoint(endpoint)
        .with_protocol(Protocol::Grpc)
        .with_compression(Compression::Gzip)
        .with_resource(
            Resource::new()
                .with("service.name", "checkout")
                .with("service.version", env!("CARGO_PKG_VERSION"))
                .with("deployment.environment.name", "quickstart"),
        )
        .build()
        .await?;
    checkout::handle_request(&client.tracer("checkout")).await?;
    Ok(client)
}
