//! Events of `tracing` as log records: through opentelemetry-appender-tracing, the SDK and opentelemetry-otlp, and through
//! `with_logs` of the layer of otlp-tracing. In what they differ stands in the README of otlp-tracing, too; all else is equal.

use crate::support::{PATIENCE, balanced, client_with_resource, grpc, resource};
use crate::traced::lines;
use crate::traced::program::failure;
use opentelemetry_0_33::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk_0_33::logs::SdkLoggerProvider;
use opentelemetry_sdk_0_33::trace::SdkTracerProvider;
use otlp_testkit::{Collector, ReceivedLog};
use otlp_tracing::OtlpLayer;
use std::error::Error;
use tokio::task::block_in_place;
use tracing::{Level, debug, error, event, info, info_span, trace, warn};
use tracing_subscriber::layer::SubscriberExt as _;

/// The records of `program` through the appender, with the layer that has it know the span.
async fn theirs(program: impl FnOnce()) -> Vec<Vec<String>> {
    let collector = grpc().await;
    let exporter = opentelemetry_otlp::LogExporter::builder().with_tonic();
    let exporter = exporter.with_endpoint(collector.grpc_endpoint()).build().unwrap();
    let provider =
        SdkLoggerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build();
    let tracer = SdkTracerProvider::builder().build().tracer("tracing");
    let subscriber = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(tracer))
        .with(OpenTelemetryTracingBridge::new(&provider));
    tracing::subscriber::with_default(subscriber, program);
    block_in_place(|| provider.shutdown_with_timeout(PATIENCE)).unwrap();
    told(&collector)
}

async fn ours(program: impl FnOnce()) -> Vec<Vec<String>> {
    let collector = grpc().await;
    let client = client_with_resource(&collector).await;
    let layer = OtlpLayer::new(client.tracer("tracing")).with_location(false);
    let layer = layer.with_span_events(false).with_logs(client.logger(""));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), program);
    balanced(&client, &collector).await;
    told(&collector)
}

/// What each record says.
fn told(collector: &Collector) -> Vec<Vec<String>> {
    collector.received().logs().iter().map(of).collect()
}

fn of(log: &ReceivedLog) -> Vec<String> {
    let record = &log.record;
    assert!(record.observed_time_unix_nano > 0, "{record:?}");
    let mut lines = vec![
        format!("scope {}", log.scope.name),
        format!("service {}", log.service_name()),
        format!("severity {} {}", record.severity_number, record.severity_text),
        format!("body {}", lines::value(record.body.as_ref())),
        format!("name {}", record.event_name),
        format!("has a time: {}", record.time_unix_nano > 0),
        format!("ids {} {}", record.trace_id.len(), record.span_id.len()),
        format!("flags {}", record.flags & 1),
    ];
    lines.extend(record.attributes.iter().map(lines::shown));
    lines
}

/// A target is the scope's name there, and an attribute here (`a_target_is_an_attribute`): else it is brought to one.
fn with_target_as_scope(mut lines: Vec<String>) -> Vec<String> {
    let Some(at) = lines.iter().position(|line| line.starts_with("target = ")) else { panic!("{lines:?}") };
    let target = lines.remove(at);
    lines[0] = format!("scope {}", target["target = ".len()..].trim_matches('"'));
    lines
}

fn everything() {
    trace!(name: "all", number = -1, share = 0.5, truth = true, text = "x", bytes = &b"x"[..]);
    debug!(name: "all", target: "shop", debug = ?Some(1), display = %"shown", large = u64::MAX, "{} of it", "all");
    info!(name: "all", small = 5_u128, huge = i128::MAX, "message");
    let span = info_span!("request");
    span.in_scope(|| warn!(name: "all", "in a span"));
    span.in_scope(|| info_span!("inner").in_scope(|| error!(name: "all", error = "text", "in an inner one")));
    event!(name: "all", Level::ERROR, message = 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_arrive_equal() {
    // conf: LOG-03, LOG-05, LOG-06
    let (ours, mut theirs) = (ours(everything).await, theirs(everything).await);
    let mut ours: Vec<_> = ours.into_iter().map(with_target_as_scope).collect();
    // Requests are sorted by scopes.
    ours.sort();
    theirs.sort();
    assert_eq!(theirs.len(), 6);
    assert_eq!(ours, theirs);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_is_an_attribute() {
    let program = || info!(name: "named", target: "shop", "loaded");
    let ([ours], [theirs]) = (&*ours(program).await, &*theirs(program).await) else {
        panic!("not one record")
    };
    assert_eq!(lines::missing(theirs, ours), ["scope shop"]);
    assert_eq!(lines::missing(ours, theirs), ["scope ", r#"target = "shop""#]);
}

struct Difference {
    what: &'static str,
    program: fn(),
    theirs: &'static [&'static str],
    ours: &'static [&'static str],
}

const TABLE: &[Difference] = &[
    Difference {
        what: "an event without a name is called by its place in the source; here it has no name",
        // The macros would have the number of this line in it.
        program: || event!(name: "event src/shop.rs:7", Level::INFO, "loaded"),
        theirs: &["name event src/shop.rs:7"],
        ours: &["name "],
    },
    Difference {
        what: "an explicit parent is not looked at; here the record is of that span",
        program: || {
            let span = info_span!("s");
            info!(name: "named", parent: &span, "explicit");
        },
        theirs: &["ids 0 0", "flags 0"],
        ours: &["ids 16 8", "flags 1"],
    },
    Difference {
        what: "an event that is told to have no parent is of the current span; here of none",
        program: || info_span!("s").in_scope(|| info!(name: "named", parent: None, "alone")),
        theirs: &["ids 16 8", "flags 1"],
        ours: &["ids 0 0", "flags 0"],
    },
    Difference {
        what: "of an error there is but the message; here the field and its sources, too",
        program: || info!(name: "named", cause = &failure() as &dyn Error, "again"),
        theirs: &[],
        ours: &[
            r#"cause = "no cart""#,
            r#"cause.chain = ["no network"]"#,
            r#"exception.stacktrace = "no cart\nCaused by: no network""#,
        ],
    },
    Difference {
        what: "a key that is there twice is sent twice; here the last value counts",
        program: || info!(name: "named", n = 1, n = 2, "twice"),
        theirs: &["n = 1"],
        ours: &[],
    },
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_else_differs_than_what_the_table_names() {
    for row in TABLE {
        let (ours, theirs) = (ours(row.program).await, theirs(row.program).await);
        let ([ours], [theirs]) = (&*ours, &*theirs) else { panic!("{}: not one record", row.what) };
        let ours = with_target_as_scope(ours.clone());
        assert_eq!(lines::missing(theirs, &ours), row.theirs, "{}: theirs alone says", row.what);
        assert_eq!(lines::missing(&ours, theirs), row.ours, "{}: ours alone says", row.what);
    }
}
