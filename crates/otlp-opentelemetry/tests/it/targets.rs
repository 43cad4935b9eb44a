//! Targets of log records, which go for the names of scopes, and can be made of anything at run time.

use crate::support::{PATIENCE, balanced, client, grpc};
use opentelemetry_0_33::logs::{AnyValue, LogRecord as _, Logger, LoggerProvider as _};
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_sdk_0_33::logs::SdkLoggerProvider;
use otlp_opentelemetry::opentelemetry_0_33::{LogExporter, LoggerProvider};
use otlp_testkit::Collector;
use std::collections::HashSet;
use tokio::task::block_in_place;

/// One target more than become scopes, and an old one again.
fn log(logger: &impl Logger) {
    for n in (0..=1_024).chain([7]) {
        let mut record = logger.create_log_record();
        record.set_target(format!("target {n}"));
        record.set_body(AnyValue::Int(n));
        logger.emit(record);
    }
}

/// What is known of a scope stays in memory for good, so the last target is none: it is an attribute of the logger's own.
fn check(collector: &Collector) {
    let logs = collector.received().logs();
    assert_eq!(logs.len(), 1_026);
    let (others, named): (Vec<_>, Vec<_>) =
        logs.iter().partition(|log| log.attribute("log.target").is_some());
    let names: HashSet<_> = named.iter().map(|log| &*log.scope.name).collect();
    assert!(names.len() == 1_024 && names.contains("target 7"));
    assert_eq!(others.len(), 1);
    let target = others[0].attribute("log.target").and_then(|target| target.value.clone());
    assert_eq!((&*others[0].scope.name, target), ("library", Some(Value::StringValue("target 1024".into()))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn theirs_makes_a_scope_of_each() {
    let collector = grpc().await;
    let exporter = opentelemetry_otlp::LogExporter::builder().with_tonic();
    let exporter = exporter.with_endpoint(collector.grpc_endpoint()).build().unwrap();
    let provider = SdkLoggerProvider::builder().with_batch_exporter(exporter).build();
    log(&provider.logger("library"));
    block_in_place(|| provider.shutdown_with_timeout(PATIENCE)).unwrap();
    let logs = collector.received().logs();
    let names: HashSet<_> = logs.iter().map(|log| &*log.scope.name).collect();
    assert_eq!((logs.len(), names.len()), (1_026, 1_025));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_exporter_makes_scopes_of_so_many_only() {
    let collector = grpc().await;
    let client = client(&collector).await;
    let provider = SdkLoggerProvider::builder().with_batch_exporter(LogExporter::new(&client)).build();
    log(&provider.logger("library"));
    block_in_place(|| provider.shutdown_with_timeout(PATIENCE)).unwrap();
    balanced(&client, &collector).await;
    check(&collector);
}

#[tokio::test]
async fn a_logger_makes_scopes_of_so_many_only() {
    let collector = grpc().await;
    let client = client(&collector).await;
    log(&LoggerProvider::new(&client).logger("library"));
    balanced(&client, &collector).await;
    check(&collector);
}
