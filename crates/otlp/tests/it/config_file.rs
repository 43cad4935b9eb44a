//! A configuration file in the whole client: what it says holds, instead of the variables and below code.

use crate::support::{PATIENCE, books, grpc, http};
use otlp::{
    Client, ErrorKind, Gauge, InstrumentationScope, KeyValue, LogRecord, Metric, NumberDataPoint, Origin,
    Severity, Signal, SpanKind, TemporalityPreference,
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/otel.yaml");
const SIGNALS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/signals.yaml");

#[tokio::test]
async fn a_file_takes_the_place_of_the_variables() {
    // conf: ENV-18, CFG-13, CFG-15, CFG-17, CFG-20, CFG-22
    let (first, second) = (http().await, grpc().await);
    let variables = [
        ("OTEL_CONFIG_FILE", FILE.to_owned()),
        ("OTEL_SDK_DISABLED", "true".to_owned()),
        ("OTEL_SERVICE_NAME", "ignored".to_owned()),
        ("TRACES", first.http_endpoint()),
        ("LOGS", second.grpc_endpoint()),
    ];
    let lookup =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let client = Client::builder().with_env_from(lookup).build().await.unwrap();
    assert_eq!(client.propagator().fields(), ["b3"]);
    client.tracer("t").start("s").set_attribute("k", "long");
    let record = LogRecord { attributes: vec![KeyValue::new("k", "long")], ..LogRecord::default() };
    client.export_logs(&InstrumentationScope::new("t"), [record.clone(), record]).unwrap();
    assert_eq!(client.export_metrics(&InstrumentationScope::new("t"), []).unwrap(), 0);
    books(client.shutdown(PATIENCE).await);

    let (traces, logs) = (first.received(), second.received());
    let span = &traces.spans()[0];
    assert_eq!(span.service_name(), "from-file");
    assert_eq!(span.to_model().unwrap().attributes[0].value, "lon".into());
    assert_eq!(traces.calls().next().unwrap().header("x-who"), Some("traces"));
    assert_eq!(logs.logs()[0].to_model().unwrap().attributes[0].value, "lo".into());
    assert_eq!((logs.items(), logs.calls().len()), (2, 2), "batches of one");
}

/// A client of the file that has a part for each signal, with a collector for each.
async fn each_to_its_own() -> ([otlp_testkit::Collector; 3], Client) {
    let collectors = [http().await, grpc().await, http().await];
    let [traces, metrics, logs] = &collectors;
    let variables = [
        ("OTEL_CONFIG_FILE", SIGNALS.to_owned()),
        ("TRACES", traces.http_endpoint()),
        ("METRICS", metrics.grpc_endpoint()),
        ("LOGS", logs.http_endpoint()),
    ];
    let lookup =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let client = Client::builder().with_env_from(lookup).without_proxy().build().await.unwrap();
    (collectors, client)
}

#[tokio::test]
async fn a_simple_processor_waits_for_each_span_and_a_batch_one_for_no_log() {
    // conf: CFG-18, BATCH-27, LOG-12
    let ([traces, _, logs], client) = each_to_its_own().await;
    let threads = [client.tracer("t"), client.tracer("t")]
        .map(|tracer| tokio::task::spawn_blocking(move || (0..3).for_each(|_| drop(tracer.start("s")))));
    for thread in threads {
        thread.await.unwrap();
    }
    let received = traces.received();
    assert_eq!((received.spans().len(), received.calls().len()), (6, 6), "before any flush, each by itself");
    client.logger("l").record(Severity::Info).body("less than the file takes").emit();
    client.logger("l").record(Severity::Warn).body("b").emit();
    assert_eq!(client.stats(Signal::Logs).pending(), 1, "for up to an hour");
    books(client.shutdown(PATIENCE).await);
    assert_eq!(logs.received().items(), 1);
}

#[tokio::test]
async fn a_composite_sampler_decides_by_the_files_rules() {
    // conf: SAMP-22, SAMP-25
    let ([traces, _, _], client) = each_to_its_own().await;
    let threads = tokio::task::spawn_blocking({
        let tracer = client.tracer("t");
        move || {
            let call = |operation: &'static str| {
                tracer.span(operation).kind(SpanKind::Client).attribute("db.operation", operation).start()
            };
            call("PING").end();
            call("GET").end();
        }
    });
    threads.await.unwrap();
    books(client.shutdown(PATIENCE).await);
    let received = traces.received();
    let spans: Vec<_> = received.spans().iter().map(|span| span.to_model().unwrap()).collect();
    let [span] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!((&*span.name, span.context.trace_state().as_str()), ("GET", "ot=th:0"));
}

#[tokio::test]
async fn metrics_go_where_their_reader_says() {
    // conf: CFG-13, CFG-19, CFG-24
    let ([_, metrics, _], client) = each_to_its_own().await;
    assert_eq!(client.temporality_preference(), TemporalityPreference::LowMemory);
    let of = |name: &str| client.config().get(name).unwrap().value.clone();
    assert_eq!([of("metrics.export_timeout"), of("metrics.request_timeout")], ["4s", "3s"]);
    let gauge = Gauge { data_points: vec![NumberDataPoint::new(0, 5_000, 3_i64)] };
    client.export_metrics(&InstrumentationScope::new("m"), [Metric::new("queue.length", gauge)]).unwrap();
    books(client.shutdown(PATIENCE).await);
    let received = metrics.received();
    assert_eq!(received.items(), 1);
    assert_eq!(received.calls().next().unwrap().header("x-who"), Some("metrics"));
}

#[test]
fn a_files_detectors_yield_to_its_attributes() {
    // conf: CFG-20, CFG-25
    let config = Client::builder().with_config_file(SIGNALS).resolve().unwrap();
    let of = |name: &str| config.get(name).map(|entry| (entry.value.clone(), entry.origin.clone()));
    for detected in ["resource.service.instance.id", "resource.process.executable.path"] {
        assert_eq!(of(detected).unwrap().1, Origin::Detected);
    }
    assert_eq!(of("resource.process.executable.name"), Some(("set".into(), Origin::File(SIGNALS.into()))));
    assert_eq!(of("resource.process.pid"), None, "excluded");
    let code = Client::builder().with_config_file(SIGNALS).with_async_export(true).resolve().unwrap();
    let origin = |config: &otlp::ResolvedConfig, name: &str| config.get(name).unwrap().origin.clone();
    assert_eq!(origin(&config, "traces.async_export"), Origin::File(SIGNALS.into()));
    assert_eq!(origin(&code, "traces.async_export"), Origin::Code);
}

#[test]
fn a_name_that_a_files_detector_finds_goes_before_that_of_unknown_services() {
    // conf: CFG-20, RES-09
    let lookup = |name: &str| match name {
        "OTEL_CONFIG_FILE" => Some(SIGNALS.to_owned()),
        "OTEL_SERVICE_NAME" => Some("found".to_owned()),
        _ => None,
    };
    let resource = otlp::default_resource().with("team", "code");
    let config = Client::builder().with_env_from(lookup).with_resource(resource).resolve().unwrap();
    let of = |name: &str| &*config.get(name).unwrap().value;
    assert_eq!([of("resource.service.name"), of("resource.team")], ["found", "code"]);
}

#[test]
fn code_goes_before_a_file_and_origins_name_it() {
    let config = Client::builder().with_service_name("code").with_config_file(FILE).resolve().unwrap();
    let of = |name: &str| (config.get(name).unwrap().value.clone(), config.get(name).unwrap().origin.clone());
    assert_eq!(of("resource.service.name"), ("code".into(), Origin::Code));
    assert_eq!(of("traces.compression"), ("Gzip".into(), Origin::File(FILE.into())));
    assert_eq!(of("metrics.enabled").0, "false", "a provider that is not there does nothing");
    assert_eq!(of("traces.batch.max_batch_size"), ("512".into(), Origin::Default));
}

#[test]
fn a_mistaken_port_is_told_with_what_to_change_in_the_file() {
    let variables = [
        ("OTEL_CONFIG_FILE", SIGNALS),
        ("TRACES", "http://c:4318"),
        ("METRICS", "http://c:4318"),
        ("LOGS", "http://c:4318"),
    ];
    let lookup =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let config = Client::builder().with_env_from(lookup).resolve().unwrap();
    let warning =
        format!("gRPC is spoken to http://c:4318, where receivers expect HTTP; use otlp_http in {SIGNALS}");
    assert_eq!(config.warnings(), [warning]);
}

#[test]
fn a_schema_that_is_not_that_of_what_was_detected_is_told_by_the_files_name() {
    // conf: RES-05
    let builder = Client::builder().with_config_file(FILE).with_resource_detectors(&[otlp::detect::os]);
    let config = builder.resolve().unwrap();
    let expected = format!("{FILE}: its schema URL is not");
    assert!(config.warnings()[0].starts_with(&expected), "{:?}", config.warnings());
}

#[test]
fn a_file_that_cannot_be_used_fails_the_build() {
    // conf: CFG-01, CFG-11
    let lookup = |name: &str| (name == "OTEL_CONFIG_FILE").then(|| "/nowhere/otel.yaml".to_owned());
    let error = Client::builder().with_env_from(lookup).build_blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error.to_string().starts_with("OTEL_CONFIG_FILE: /nowhere/otel.yaml: the file can't be read: "),
        "{error}"
    );
    let error = Client::builder().with_config_file("/etc/otel.toml").resolve().unwrap_err();
    assert!(error.to_string().contains("must end in .yaml or .yml"), "{error}");
}
