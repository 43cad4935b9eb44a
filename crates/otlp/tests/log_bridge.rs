//! The bridge from the `log` crate, against a collector; and, as the logger of the program, against itself.

#![cfg(feature = "log")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use log::{Level, LevelFilter, Log, Metadata, Record};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use otlp::{
    Client, ExportRequest, LogBridge, Severity, Signal, SpanContext, SpanId, TraceContext, TraceFlags,
    TraceId,
};
use otlp_testkit::{Collector, ReceivedLog};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::ServiceExt;

const PATIENCE: Duration = Duration::from_secs(60);

async fn client(collector: &Collector) -> Client {
    Client::builder().without_proxy().with_endpoint(collector.grpc_endpoint()).build().await.unwrap()
}

/// What the collector got of what `log` logged through a bridge.
async fn received(log: impl FnOnce(LogBridge)) -> Vec<ReceivedLog> {
    let collector = Collector::builder().grpc().start().await.unwrap();
    let client = client(&collector).await;
    log(LogBridge::new(&client));
    let report = client.shutdown(PATIENCE).await.unwrap();
    assert!(report.is_balanced() && report.is_complete(), "{report:?}");
    collector.received().logs()
}

fn body(log: &ReceivedLog) -> String {
    match log.record.body.clone().and_then(|body| body.value) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn value(log: &ReceivedLog, key: &str) -> Option<Value> {
    log.attribute(key)?.value.clone()
}

fn text(text: &str) -> Option<Value> {
    Some(Value::StringValue(text.into()))
}

#[tokio::test]
async fn a_record_of_log_is_a_record_of_otlp() {
    // conf: LOG-01, LOG-02, LOG-03, LOG-04, LOG-05, LOG-17
    let context =
        SpanContext::new(TraceId::from_bytes([7; 16]), SpanId::from_bytes([8; 8]), TraceFlags::SAMPLED);
    let logs = received(|bridge| {
        let bridge = bridge.with_level(LevelFilter::Trace);
        let _current = TraceContext::from(context).attach();
        for level in Level::iter() {
            bridge.log(
                &Record::builder()
                    .level(level)
                    .target("shop::cart")
                    .module_path(Some("shop::cart"))
                    .file(Some("src/cart.rs"))
                    .line(Some(17))
                    .args(format_args!("{} of {}", 3, 4))
                    .build(),
            );
        }
        bridge.log(&Record::builder().target("audit").module_path(Some("shop")).build());
    })
    .await;
    for (log, (number, name)) in
        logs.iter().zip([(17, "ERROR"), (13, "WARN"), (9, "INFO"), (5, "DEBUG"), (1, "TRACE")])
    {
        let record = &log.record;
        assert_eq!((record.severity_number, &*record.severity_text), (number, name));
        assert_eq!((&*log.scope.name, &*body(log)), ("shop::cart", "3 of 4"));
        assert_eq!((record.time_unix_nano, record.observed_time_unix_nano > 0), (0, true));
        assert_eq!((&*record.trace_id, &*record.span_id, record.flags), (&[7; 16][..], &[8; 8][..], 1));
        assert_eq!(value(log, "code.file.path"), text("src/cart.rs"));
        assert_eq!(value(log, "code.line.number"), Some(Value::IntValue(17)));
        assert_eq!(record.attributes.len(), 2, "the module is the target");
    }
    assert_eq!((&*logs[5].scope.name, value(&logs[5], "code.namespace")), ("audit", text("shop")));
}

#[tokio::test]
async fn pairs_keep_their_kinds_and_errors_are_exceptions() {
    // conf: LOG-08
    let error = "x".parse::<u8>().unwrap_err();
    let pairs: [(&str, log::kv::Value<'_>); 8] = [
        ("int", (-7).into()),
        ("unsigned", u64::MAX.into()),
        ("double", 2.5.into()),
        ("bool", true.into()),
        ("text", "t".into()),
        ("char", 'c'.into()),
        ("debug", log::kv::Value::from_debug(&[1, 2])),
        ("err", log::kv::Value::from_dyn_error(&error)),
    ];
    let logs = received(|bridge| {
        bridge.with_location(false).log(&Record::builder().line(Some(1)).key_values(&pairs).build());
    })
    .await;
    let log = &logs[0];
    assert_eq!(value(log, "int"), Some(Value::IntValue(-7)));
    assert_eq!(value(log, "unsigned"), text("18446744073709551615"));
    assert_eq!(value(log, "double"), Some(Value::DoubleValue(2.5)));
    assert_eq!(value(log, "bool"), Some(Value::BoolValue(true)));
    assert_eq!((value(log, "text"), value(log, "char")), (text("t"), text("c")));
    assert_eq!(value(log, "debug"), text("[1, 2]"));
    let said = text("invalid digit found in string");
    assert_eq!((value(log, "err"), value(log, "exception.message")), (said.clone(), said));
    assert_eq!(log.record.attributes.len(), 9, "and no place in the source");
}

#[tokio::test]
async fn what_is_not_to_be_sent_is_not() {
    // conf: LOG-10, BATCH-26
    let logs = received(|bridge| {
        let log = |level, target| {
            let record = Record::builder().level(level).target(target).args(format_args!("said")).build();
            bridge.log(&record);
            bridge.enabled(record.metadata())
        };
        assert!(log(Level::Info, "shop"));
        assert!(!log(Level::Debug, "shop"), "less than the bridge takes");
        assert!(!log(Level::Error, "otlp"), "about exporting");
        assert!(!log(Level::Error, "otlp_transport::retry"), "about exporting");
        assert!(log(Level::Error, "otlp_demo::main"), "a stranger's");
    })
    .await;
    let targets: Vec<_> = logs.iter().map(|log| &*log.scope.name).collect();
    assert_eq!(targets, ["shop", "otlp_demo::main"]);
}

#[tokio::test]
async fn the_clients_threshold_holds() {
    // conf: LOG-12
    let client = Client::builder().with_log_severity_threshold(Severity::Error).build().await.unwrap();
    let bridge = LogBridge::new(&client);
    bridge.log(&Record::builder().level(Level::Warn).build());
    assert!(!bridge.enabled(&Metadata::builder().level(Level::Warn).build()));
    assert_eq!(client.stats(Signal::Logs).accepted, 0);
}

#[tokio::test]
async fn targets_without_end_have_one_scope_in_common() {
    let logs = received(|bridge| {
        // The last one is known from before, the one before it is not.
        for n in (0..=1_024).chain([7]) {
            bridge.log(&Record::builder().target(&format!("target {n}")).build());
        }
    })
    .await;
    let [.., first, beyond, again] = &logs[..] else { panic!() };
    let (log, again) = if beyond.scope.name == "log" { (beyond, again) } else { (again, beyond) };
    assert_eq!((&*log.scope.name, value(log, "log.target")), ("log", text("target 1024")));
    assert_eq!(value(again, "log.target").or(value(first, "log.target")), None);
    assert_eq!(logs.iter().filter(|log| log.scope.name == "target 7").count(), 2);
}

/// Shows itself, after it has logged; or panics.
struct Shown<'a>(Option<&'a LogBridge>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bridge = self.0.expect("on purpose");
        bridge.log(&Record::builder().target("inner").args(format_args!("inner")).build());
        f.write_str("shown")
    }
}

#[tokio::test]
async fn a_display_that_logs_or_panics_harms_nothing() {
    // conf: BATCH-24
    let logs = received(|bridge| {
        let logs = Shown(Some(&bridge));
        let panics = log::kv::Value::from_display(&Shown(None));
        let pairs = [("shown", log::kv::Value::from_display(&logs)), ("bomb", panics)];
        bridge
            .log(&Record::builder().target("outer").args(format_args!("{logs}")).key_values(&pairs).build());
        bridge.log(&Record::builder().target("bomb").args(format_args!("{}", Shown(None))).build());
    })
    .await;
    let of =
        |target: &str| -> Vec<&ReceivedLog> { logs.iter().filter(|log| log.scope.name == target).collect() };
    assert_eq!(of("inner").len(), 2, "one in the message, one in a pair");
    let outer = of("outer")[0];
    assert_eq!((body(outer), value(outer, "shown")), ("shown".into(), text("shown")));
    assert_eq!(value(outer, "bomb"), text("(its Display panicked)"));
    assert_eq!(body(of("bomb")[0]), "(its Display panicked)");
}

#[tokio::test]
async fn flush_delivers_and_tells_no_loss_away() {
    // conf: LOG-14
    let collector = Collector::builder().grpc().start().await.unwrap();
    let client = client(&collector).await;
    let bridge = LogBridge::new(&client);
    bridge.log(&Record::builder().args(format_args!("before the flush")).build());
    tokio::task::spawn_blocking(move || bridge.flush()).await.unwrap();
    assert_eq!(collector.received().logs().len(), 1);
    let report = client.shutdown(PATIENCE).await.unwrap();
    assert_eq!(report.logs.since_last.delivered, 1, "the flush was no report");
}

/// Remembers the targets of what it gets.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Log for Heard {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(format!("{} {}", record.level(), record.target()));
    }

    fn flush(&self) {}
}

impl Heard {
    fn has(&self, what: &str) -> bool {
        self.0.lock().unwrap().iter().any(|heard| heard == what)
    }
}

/// The only test that installs a logger. A layer of the client's user logs on the client's own thread.
#[tokio::test]
async fn installed_it_takes_what_the_macros_log_and_nothing_of_its_own_exports() {
    // conf: BATCH-26
    let collector = Collector::builder().grpc().start().await.unwrap();
    let noisy = tower::layer::layer_fn(|inner: otlp::BoxExportService| {
        tower::service_fn(move |request: ExportRequest| {
            log::error!(target: "exporting", "sending {} items", request.items());
            let inner = inner.clone();
            inner.oneshot(request)
        })
    });
    let client = Client::builder()
        .without_proxy()
        .with_endpoint(collector.grpc_endpoint())
        .with_layer(noisy)
        .build()
        .await
        .unwrap();
    let heard = Heard::default();
    LogBridge::new(&client)
        .with_level(LevelFilter::Info)
        .with_tee(heard.clone(), LevelFilter::Debug)
        .install()
        .unwrap();
    assert_eq!(log::max_level(), LevelFilter::Debug, "of the bridge and the tee the one that takes more");
    assert!(LogBridge::new(&client).install().is_err(), "there is one already");

    log::info!(target: "shop", items = 3; "checked out");
    log::debug!(target: "shop", "for the tee alone");
    log::trace!(target: "shop", "for nobody");
    client.flush().await.unwrap();
    // Had the layer's record been taken, it would be in the books by now.
    let report = client.shutdown(PATIENCE).await.unwrap();
    assert_eq!((report.accepted(), report.delivered()), (1, 1), "{report}");
    let logs = collector.received().logs();
    assert_eq!((&*body(&logs[0]), value(&logs[0], "items")), ("checked out", Some(Value::IntValue(3))));
    assert!(heard.has("INFO shop") && heard.has("DEBUG shop") && heard.has("ERROR exporting"));
    assert!(!heard.has("TRACE shop"));
}
