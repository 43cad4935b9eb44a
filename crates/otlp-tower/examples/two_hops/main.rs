//! Two hops, one trace: a front (axum) asks an inventory over HTTP (reqwest, axum), which asks for prices over gRPC (tonic).
//!
//! ```text
//! cargo run --release -p otlp-tower --features reqwest-middleware --example two_hops
//! ```
//!
//! Each service has a client of its own, as though it were a process of its own; a collector in this process receives from
//! all three. Ends with a failure unless everything accepted was delivered, and each request is one trace.

mod front;
mod http_client;
mod inventory;
mod prices;
mod shop;

use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use otlp_testkit::Collector;
use shop::Shop;
use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let collector = Collector::builder().http().start().await?;
    let shop = Shop::open(&collector.http_endpoint()).await?;
    for path in ["/orders/17", "/orders/0"] {
        let (status, body) = shop.get(path).await?;
        println!("GET {path}: {status}: {body}");
    }
    for report in shop.close(Duration::from_secs(5)).await? {
        println!("{report}");
    }
    let received = collector.received().spans().into_iter();
    let spans = received.map(|received| (received.service_name().to_owned(), received.span));
    let spans: Vec<(String, Span)> = spans.collect();
    print(&spans, &[], 0);
    let traces: HashSet<&[u8]> = spans.iter().map(|(_, span)| &*span.trace_id).collect();
    match traces.len() {
        2 => Ok(()),
        others => Err(format!("two requests, and {others} traces").into()),
    }
}

/// Prints the spans under this parent, each with those under it.
fn print(spans: &[(String, Span)], parent: &[u8], depth: usize) {
    for (service, span) in spans.iter().filter(|(_, span)| span.parent_span_id == parent) {
        let failed = span.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error);
        let failed = if failed { " (failed)" } else { "" };
        println!("{:indent$}{service}: {}{failed}", "", span.name, indent = depth * 2);
        print(spans, &span.span_id, depth + 1);
    }
}
