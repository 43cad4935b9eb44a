//! A checkout traced with `tracing`, and what a collector in the same process received of it.

use otlp_testkit::Collector;
use otlp_tracing::OtlpSpanExt;
use std::fmt;
use std::time::Duration;
use tracing::{Instrument, error, info, info_span, instrument};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the card is refused")
    }
}

impl std::error::Error for Refused {}

#[instrument(err, fields(otel.kind = "client"))]
async fn charge(amount: f64) -> Result<(), Refused> {
    tokio::task::yield_now().await;
    if amount > 40.0 { Err(Refused) } else { Ok(()) }
}

#[instrument]
async fn load(cart: u64) -> usize {
    info!(cache.hit = false, "cart is loaded");
    3
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let collector = Collector::builder().start().await?;
    let client = otlp::Client::builder()
        .with_endpoint(collector.grpc_endpoint())
        .with_service_name("shop")
        .build()
        .await?;
    // The collector runs in this process, too, and its HTTP library tells much.
    let own = filter_fn(|metadata| metadata.target() == module_path!());
    tracing_subscriber::registry().with(otlp_tracing::layer(&client).with_filter(own)).init();

    // What a server reads from a request's headers.
    let received = otlp::TraceContext::default();
    let request = info_span!("POST /checkout", otel.kind = "server", cart.items = tracing::field::Empty);
    request.set_parent(&received)?;
    async {
        let items = load(17).await;
        tracing::Span::current().record("cart.items", items);
        if charge(42.5).await.is_err() {
            error!("nothing was sold");
        }
    }
    .instrument(request)
    .await;

    let report = client.shutdown(Duration::from_secs(5)).await?;
    let spans = collector.received().spans();
    // A span is sent when it ends: the request's is the last.
    let names: Vec<_> = spans.iter().map(|received| &*received.span.name).collect();
    assert_eq!(names, ["load", "charge", "POST /checkout"]);
    let request = &spans[2].span;
    assert!(
        spans[..2].iter().all(|received| received.span.parent_span_id == request.span_id),
        "both functions are called in the request"
    );
    for received in spans {
        let span = received.span;
        let events: Vec<_> = span.events.iter().map(|event| &*event.name).collect();
        println!(
            "{:<16} {:?}, {} attributes, events {events:?}",
            span.name,
            span.kind(),
            span.attributes.len()
        );
    }
    println!("{report}");
    Ok(())
}
