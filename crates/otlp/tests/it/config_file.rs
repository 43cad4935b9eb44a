//! A configuration file in the whole client: what it says holds, instead of the variables and below code.

use crate::support::{PATIENCE, books, grpc, http};
use otlp::{Client, ErrorKind, InstrumentationScope, KeyValue, LogRecord, Origin};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/otel.yaml");

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
