//! A program on the OpenTelemetry SDK, with spans, logs and metrics, whose exporters are ours: one line each has changed.
//!
//! Starts a collector in the same process, so that it needs nothing else. In your program the crates are called `opentelemetry`
//! and `opentelemetry_sdk`.

use opentelemetry_0_33::KeyValue;
use opentelemetry_0_33::logs::{LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry_0_33::metrics::MeterProvider as _;
use opentelemetry_0_33::trace::{Span as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk_0_33::logs::SdkLoggerProvider;
use opentelemetry_sdk_0_33::metrics::SdkMeterProvider;
use opentelemetry_sdk_0_33::trace::SdkTracerProvider;
use otlp_opentelemetry::opentelemetry_0_33::{LogExporter, MetricExporter, SpanExporter};
use std::error::Error;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let collector = otlp_testkit::Collector::builder().start_blocking()?;
    let client = otlp::Client::builder().with_endpoint(collector.grpc_endpoint()).build().await?;

    // Were `opentelemetry_otlp::…Exporter::builder().with_tonic().build()?`.
    let tracers = SdkTracerProvider::builder().with_batch_exporter(SpanExporter::new(&client)).build();
    let loggers = SdkLoggerProvider::builder().with_batch_exporter(LogExporter::new(&client)).build();
    let meters = SdkMeterProvider::builder().with_periodic_exporter(MetricExporter::new(&client)).build();

    let mut span = tracers.tracer("shop").start("checkout");
    span.set_attribute(KeyValue::new("cart.items", 3));
    span.end();
    let logger = loggers.logger("shop");
    let mut record = logger.create_log_record();
    record.set_severity_number(Severity::Info);
    record.set_body("an order".into());
    logger.emit(record);
    meters.meter("shop").u64_counter("orders").build().add(1, &[]);

    // `Ok` means that they are there, on a runtime of one thread, too.
    tracers.force_flush()?;
    loggers.force_flush()?;
    meters.force_flush()?;
    let received = collector.received();
    assert_eq!((received.spans().len(), received.logs().len(), received.metrics().len()), (1, 1, 1));
    println!("the collector has {} items:", received.items());
    println!("- the span {:?}", received.spans().iter().map(|span| &span.span.name).collect::<Vec<_>>());
    println!("- log records: {}", received.logs().len());
    println!("- metrics: {:?}", received.metrics().iter().map(|one| &one.metric.name).collect::<Vec<_>>());

    // The client's books have them, too.
    println!("{}", client.shutdown(Duration::from_secs(5)).await?);
    Ok(())
}
