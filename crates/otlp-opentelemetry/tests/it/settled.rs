//! Flush and shutdown of an exporter wait for the exports that are under way, and say so if they did not end in time.

use crate::support::{PATIENCE, books, persistent};
use opentelemetry_0_33::logs::{Logger as _, LoggerProvider as _};
use opentelemetry_0_33::metrics::MeterProvider as _;
use opentelemetry_0_33::trace::{Tracer as _, TracerProvider as _};
use opentelemetry_sdk_0_33::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk_0_33::logs::{LogExporter as _, SdkLoggerProvider};
use opentelemetry_sdk_0_33::metrics::exporter::PushMetricExporter as _;
use opentelemetry_sdk_0_33::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk_0_33::trace::{SdkTracerProvider, SpanExporter as _};
use otlp::{Client, Signal};
use otlp_opentelemetry::opentelemetry_0_33::{LogExporter, MetricExporter, SpanExporter};
use otlp_testkit::{Collector, Reply};
use std::thread::{Scope, scope};
use std::time::Duration;

/// Runs `f` while an export of each signal is under way, at a receiver that does not answer until it is started again.
fn under_way(f: impl for<'scope, 'env> FnOnce(&'scope Scope<'scope, 'env>, &'env Client, &'env Collector)) {
    let collector = Collector::builder().grpc().reply(Reply::hang()).start_blocking().unwrap();
    let client = futures_executor::block_on(persistent(&collector));
    let traces = SdkTracerProvider::builder().with_simple_exporter(SpanExporter::new(&client)).build();
    let logs = SdkLoggerProvider::builder().with_simple_exporter(LogExporter::new(&client)).build();
    let never = Duration::from_secs(3600);
    let reader = PeriodicReader::builder(MetricExporter::new(&client)).with_interval(never).build();
    let metrics = SdkMeterProvider::builder().with_reader(reader).build();
    metrics.meter("m").u64_counter("c").build().add(1, &[]);
    let logger = logs.logger("l");
    scope(|scope| {
        scope.spawn(|| drop(traces.tracer("t").start("s")));
        scope.spawn(|| logger.emit(logger.create_log_record()));
        scope.spawn(|| metrics.force_flush());
        collector.wait_until_blocking("3 calls", PATIENCE, |tally| tally.calls() >= 3).unwrap();
        f(scope, &client, &collector);
    });
    assert_eq!(books(client.shutdown_blocking(PATIENCE)).delivered(), 3);
}

/// Ends the hanging calls, and answers those that are made again.
fn answer(collector: &Collector) {
    collector.set_script(Reply::ok());
    collector.kill_blocking().unwrap();
    collector.restart_blocking().unwrap();
}

#[test]
fn what_waits_returns_when_all_that_was_under_way_has_an_outcome() {
    // conf: BATCH-10, BATCH-13
    under_way(|scope, client, collector| {
        // Not the exporters that export: what is waited for is the client's, whoever made it.
        let (spans, logs, metrics) =
            (SpanExporter::new(client), LogExporter::new(client), MetricExporter::new(client));
        let delivered = move |result: OTelSdkResult, signal| {
            result.unwrap();
            assert_eq!((client.stats(signal).delivered, client.stats(signal).pending()), (1, 0), "{signal}");
        };
        let flushed = MetricExporter::new(client);
        let waiting = [
            scope.spawn(move || {
                delivered(spans.force_flush(), Signal::Traces);
                delivered(spans.shutdown_with_timeout(PATIENCE), Signal::Traces);
            }),
            scope.spawn(move || delivered(logs.shutdown_with_timeout(PATIENCE), Signal::Logs)),
            scope.spawn(move || delivered(flushed.force_flush(), Signal::Metrics)),
            scope.spawn(move || delivered(metrics.shutdown_with_timeout(PATIENCE), Signal::Metrics)),
        ];
        answer(collector);
        waiting.into_iter().for_each(|waiting| waiting.join().unwrap());
    });
}

#[test]
fn what_does_not_end_in_time_is_told() {
    // conf: BATCH-13, BATCH-17
    under_way(|_, client, collector| {
        let time = Duration::from_millis(1);
        let spans = SpanExporter::new(client);
        let told = [
            spans.shutdown_with_timeout(time),
            LogExporter::new(client).shutdown_with_timeout(time),
            MetricExporter::new(client).shutdown_with_timeout(time),
        ];
        answer(collector);
        for result in told {
            assert!(matches!(result, Err(OTelSdkError::Timeout(after)) if after == time), "{result:?}");
        }
        assert!(matches!(spans.shutdown_with_timeout(time), Err(OTelSdkError::AlreadyShutdown)));
    });
}
