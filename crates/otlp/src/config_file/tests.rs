//! What a file does, and what is wrong with one that is.

mod keys;
mod samplers;

use super::settings;
use super::substitute::substitute;
use crate::config::TemporalityPreference;
use crate::settings::Settings;
use otlp_model::{AnyValue, Severity, Signal};
use std::path::Path;

fn lookup(name: &str) -> Option<String> {
    let value = match name {
        "A" => "value",
        "ONE" => "1",
        "HEX" => "0xdeadbeef",
        "REF" => "${A}",
        "LINES" => "value\nkey: v",
        "EMPTY" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read(text: &str) -> Result<Settings, String> {
    settings(text, Path::new("/etc/otel.yaml"), &lookup)
}

/// A file whose span processor has these options.
fn with_exporter(exporter: &str) -> Result<Settings, String> {
    read(&format!(
        "file_format: '1.1'\ntracer_provider:\n  processors:\n    - batch:\n        exporter:\n          {exporter}\n"
    ))
}

#[test]
fn references_are_put_in_once_and_dollars_escape() {
    // conf: CFG-03, CFG-05, CFG-07, CFG-08
    for (text, expected) in [
        ("${A}", "value"),
        ("${env:A}-${A}", "value-value"),
        ("${NONE}", ""),
        ("${NONE:-a:-b c}", "a:-b c"),
        ("${EMPTY:-default}", "default"),
        ("$${A}", "${A}"),
        ("$$${A}", "$value"),
        ("$$$${A}", "$${A}"),
        ("a $ b $1", "a $ b $1"),
        ("${REF}", "${A}"),
    ] {
        assert_eq!(substitute(text, &lookup).unwrap(), expected, "{text}");
    }
}

#[test]
fn a_reference_that_is_none_fails_the_file() {
    // conf: CFG-09
    for text in ["${1A}", "${A:?err}", "${}", "${A", "${A B}", "${env:}"] {
        substitute(text, &lookup).unwrap_err();
        let error = read(&format!("file_format: '1.1'\nresource:\n  schema_url: \"{text}\"\n")).unwrap_err();
        assert!(error.starts_with("line 3: "), "{error}");
    }
    // It may be part of a password that happens to have such signs, or of a default.
    for text in ["${hunter2!}", "${1A:-hunter2}", "${A-hunter2}", "${hunter2"] {
        let error = substitute(text, &lookup).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn types_come_after_substitution_and_structure_before_it() {
    // conf: CFG-01, CFG-04, CFG-06, CFG-08
    let attribute = |value: &str, kind: &str| {
        let file = format!(
            "file_format: '1.1'\nresource:\n  attributes:\n    - name: k\n      value: {value}\n      type: {kind}\n"
        );
        read(&file).map(|settings| settings.resource.unwrap().value.get("k").cloned())
    };
    assert_eq!(attribute("${ONE}", "int"), Ok(Some(AnyValue::Int(1))));
    assert_eq!(attribute("\"${ONE}\"", "string"), Ok(Some(AnyValue::from("1"))));
    assert_eq!(attribute("${HEX}", "int"), Ok(Some(AnyValue::Int(0xdead_beef))));
    assert_eq!(attribute("${LINES}", "string"), Ok(Some(AnyValue::from("value\nkey: v".to_owned()))));
    assert_eq!(attribute("yes", "string"), Ok(Some(AnyValue::from("yes"))));
    assert_eq!(attribute("${NONE}", "string"), Ok(None), "null is not there");
    assert_eq!(attribute("[1, 2]", "int_array"), Ok(Some(AnyValue::from(vec![1_i64, 2]))));
    assert!(attribute("yes", "bool").unwrap_err().starts_with("resource.attributes[0].value: "));
    assert!(
        read("file_format: '1.1'\n${A}: 1\n").unwrap().warnings[0].contains("${A}: is not known"),
        "keys stay"
    );
}

#[test]
fn what_is_not_there_is_nothing() {
    // conf: CFG-13, CFG-14, CFG-21
    let settings = read("file_format: \"1.1\"\n").unwrap();
    for signal in Signal::ALL {
        assert!(!settings.signals.get(signal).enabled.as_ref().unwrap().value);
    }
    assert_eq!(settings.propagators.unwrap().value, []);
    assert_eq!(settings.sampler, None, "the default");
}

#[test]
fn exporters_and_processors_have_the_schemas_defaults() {
    // conf: CFG-10, CFG-15, CFG-16, CFG-18
    for (exporter, endpoint) in
        [("otlp_http:", "http://localhost:4318/v1/traces"), ("otlp_grpc:", "http://localhost:4317")]
    {
        let settings = with_exporter(exporter).unwrap();
        let traces = settings.signals.get(Signal::Traces);
        assert_eq!(traces.endpoint.as_ref().unwrap().value.text, endpoint);
        let batch = (&traces.queue_size, &traces.batch_size);
        assert_eq!((batch.0.as_ref().unwrap().value, batch.1.as_ref().unwrap().value), (2048, 512));
        let times = [&traces.batch_delay, &traces.export_timeout, &traces.request_timeout];
        assert_eq!(times.map(|time| time.as_ref().unwrap().value.as_secs()), [5, 30, 10]);
    }
    let logs = "logger_provider: { processors: [{ batch: { exporter: { otlp_grpc: } } }] }";
    let settings = read(&format!("file_format: '1.1'\n{logs}\n")).unwrap();
    let delay = settings.signals.get(Signal::Logs).batch_delay.as_ref().unwrap().value;
    assert_eq!(delay.as_secs(), 1);
}

#[test]
fn headers_in_a_list_of_pairs_go_first() {
    // conf: CFG-17
    let exporter =
        "otlp_http: { headers_list: \"a=1,b=1\", headers: [{ name: b, value: \"2\" }, { name: c, value: }] }";
    let settings = with_exporter(exporter).unwrap();
    let headers = settings.signals.get(Signal::Traces).headers.as_ref().unwrap();
    assert_eq!(headers.value.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
}

#[test]
fn what_is_wrong_or_not_supported_is_told_by_its_path() {
    // conf: CFG-02, CFG-11, CFG-12, CFG-22, CFG-26, TLS-03, TLS-06
    let exporter = |text: &str| with_exporter(text).unwrap_err();
    let batch = "tracer_provider.processors[0].batch";
    assert!(exporter("console:").starts_with(&format!("{batch}.exporter.console: ")));
    assert!(exporter("otlp_http: { path: x }").starts_with(&format!("{batch}.exporter.otlp_http.path: ")));
    assert!(exporter("otlp_http: { endpoint: \"http://\" }").contains("otlp_http.endpoint: has no host"));
    assert!(
        exporter("otlp_http: { tls: { ca_file: ca.pem } }").contains("tls.ca_file: must be an absolute path")
    );
    assert!(exporter("otlp_grpc: { tls: { key_file: /k } }").contains("cert_file and key_file go together"));
    assert!(
        exporter("otlp_http: { tls: { insecure: true } }").contains("tls.insecure: is not supported here")
    );
    assert!(exporter("otlp_grpc: { timeout: -1 }").contains("otlp_grpc.timeout: must be a whole number"));
    let wrong = |text: &str| read(&format!("file_format: '1.1'\n{text}\n")).unwrap_err();
    for (text, path) in [
        ("tracer_provider: { processors: [{ kafka: }] }", "tracer_provider.processors[0].kafka: "),
        ("tracer_provider: { processors: [] }", "tracer_provider.processors: "),
        ("tracer_provider: {}", "tracer_provider: processors is missing"),
        (
            "tracer_provider: { processors: [{ batch: }] }",
            "tracer_provider.processors[0].batch: exporter is missing",
        ),
        (
            "tracer_provider: { processors: [{ simple: }, { batch: }] }",
            "tracer_provider.processors[1]: a signal has one processor that exports: have a Collector",
        ),
        (
            "logger_provider: { processors: [{ event_to_span_event_bridge/development: }] }",
            "logger_provider.processors: must have a processor that exports",
        ),
        (
            "logger_provider: { processors: [{ simple: { exporter: { otlp_grpc: } } }], logger_configurator/development: { loggers: } }",
            "logger_provider.logger_configurator/development.loggers: is not supported here",
        ),
        ("meter_provider:", "meter_provider: readers is missing"),
        ("meter_provider: { readers: [{ pull: }] }", "meter_provider.readers[0].pull: is a reader that"),
        ("meter_provider: { readers: [{ periodic: }] }", "meter_provider.readers[0].periodic: exporter is"),
        ("meter_provider: { views: [] }", "meter_provider.views: is not supported here"),
        (
            "resource: { detection/development: { detectors: [{ aws: }] } }",
            "resource.detection/development.det",
        ),
        (
            "attribute_limits: { attribute_value_depth_limit: 0 }",
            "attribute_limits.attribute_value_depth_limit: must be a whole number, at least 1",
        ),
        (
            "attribute_limits: { attribute_value_depth_limit: 257 }",
            "attribute_limits.attribute_value_depth_limit: must be at most 256",
        ),
        ("propagator: { composite: [{ xray: }] }", "propagator.composite[0].xray: "),
        ("attribute_limits: { attribute_count_limit: many }", "attribute_limits.attribute_count_limit: "),
        ("resource: { detection: }", "resource.detection: "),
        ("resource: { attributes: [{ name: \"\", value: x }] }", "resource.attributes[0].name: "),
        ("disabled: maybe", "disabled: must be true or false"),
        ("a: &x 1\nb: *x", "line 3: aliases"),
        ("a: 1\na: 2", "line 3: the key \"a\""),
    ] {
        let error = wrong(text);
        assert!(error.starts_with(path), "{text}: {error}");
    }
    assert!(read("a: 1").unwrap_err().contains("file_format is missing"));
    assert!(read("file_format: 1.1").unwrap_err().contains("in quotes"));
    assert!(read("a: [").unwrap_err().contains("no YAML"));
    read("").unwrap_err();
}

#[test]
fn a_reader_of_metrics_says_where_they_go_and_nothing_of_what_the_sdk_does() {
    // conf: CFG-15, CFG-19, CFG-24
    let reader = |options: &str| {
        read(&format!(
            "file_format: '1.1'\nmeter_provider: {{ readers: [{{ periodic: {{ {options} }} }}] }}\n"
        ))
    };
    let settings = reader("exporter: { otlp_http: { temporality_preference: low_memory } }").unwrap();
    assert_eq!(settings.temporality.unwrap().value, TemporalityPreference::LowMemory);
    let metrics = settings.signals.get(Signal::Metrics);
    assert!(metrics.enabled.as_ref().unwrap().value);
    assert_eq!(metrics.endpoint.as_ref().unwrap().value.text, "http://localhost:4318/v1/metrics");
    assert_eq!(metrics.export_timeout.as_ref().unwrap().value.as_secs(), 30);
    assert!(metrics.batch_size.is_none() && metrics.async_export.is_none());
    assert_eq!(reader("exporter: { otlp_grpc: }").unwrap().temporality, None);

    let at = "meter_provider.readers[0].periodic.";
    for (options, problem) in [
        (
            "interval: 1000, exporter: { otlp_http: }",
            "interval: must be 60000 or not there: the SDK's reader",
        ),
        ("cardinality_limits:, exporter: { otlp_http: }", "cardinality_limits: is not supported here"),
        (
            "exporter: { otlp_http: { temporality_preference: lowmemory } }",
            "exporter.otlp_http.temporality_pref",
        ),
        (
            "exporter: { otlp_grpc: { default_histogram_aggregation: base2_exponential_bucket_histogram } }",
            "exporter.otlp_grpc.default_histogram_aggregation: must be explicit_bucket_histogram or not there",
        ),
    ] {
        let error = reader(options).unwrap_err();
        assert!(error.starts_with(&format!("{at}{problem}")), "{error}");
    }
    let filter = "file_format: '1.1'\nmeter_provider: { exemplar_filter: always_on, readers: [] }\n";
    assert!(read(filter).unwrap_err().starts_with("meter_provider.exemplar_filter: must be trace_based"));
    let spans = with_exporter("otlp_http: { temporality_preference: delta }").unwrap_err();
    assert!(spans.contains("otlp_http.temporality_preference: is not supported here"), "{spans}");
}

#[test]
fn sizes_may_say_what_holds_anyway() {
    // conf: CFG-16, ENV-22
    for size in ["max_request_size: 0", "max_request_size: 67108864", "max_response_size: 4194304"] {
        with_exporter(&format!("otlp_http: {{ {size} }}")).unwrap();
    }
    for (size, problem) in [
        ("max_request_size: 1048576", "max_request_size: smaller than 67108864 is set in code"),
        ("max_response_size: 1024", "max_response_size: must be 4194304 or not there"),
    ] {
        let error = with_exporter(&format!("otlp_grpc: {{ {size} }}")).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn a_detector_finds_what_it_is_asked_for_and_nothing_that_is_excluded() {
    // conf: CFG-20, CFG-25
    let detected = |options: &str| {
        let lookup = |name: &str| (name == "OTEL_SERVICE_NAME").then(|| "named".to_owned());
        let file = format!("file_format: '1.1'\nresource: {{ detection/development: {{ {options} }} }}\n");
        settings(&file, Path::new("/etc/otel.yaml"), &lookup).unwrap().detected.unwrap()
    };
    assert!(detected("detectors:").attributes.is_empty(), "off unless named");
    let found = detected("detectors: [{ service: }, { process: }, { os: }]");
    assert_eq!(found.get("service.name"), Some(&AnyValue::from("named")));
    for key in ["service.instance.id", "process.pid", "os.type"] {
        assert!(found.get(key).is_some(), "{key}");
    }
    let found = detected(
        "detectors: [{ service: }, { process: }], attributes: { included: ['process.*'], excluded: ['*.pid'] }",
    );
    assert_eq!(
        detected("detectors: [{ os: }], attributes: { excluded: ['*'] }"),
        otlp_model::Resource::new()
    );
    assert!(found.get("process.executable.name").is_some());
    assert_eq!((found.get("process.pid"), found.get("service.name")), (None, None));
}

#[test]
fn what_is_null_has_its_default_as_the_specifications_starting_points_write_it() {
    // conf: CFG-10, CFG-16, CFG-22
    let settings = read(
        "
file_format: '1.1'
resource: { attributes_list: '${NONE}', detection/development: { detectors: [{ service: }, { container: }] } }
attribute_limits: { attribute_value_length_limit: , attribute_value_depth_limit: 64 }
tracer_provider:
  processors:
    - batch:
        schedule_delay:
        exporter: { otlp_http: { endpoint: , tls: { ca_file: , key_file: , cert_file: }, timeout: } }
  limits: { attribute_value_length_limit: }
meter_provider:
  readers: [{ periodic: { interval: , timeout: , exporter: { otlp_http: { temporality_preference: } } } }]
  exemplar_filter:
",
    )
    .unwrap();
    assert_eq!(settings.span_limits.attribute_value_length, None);
    assert_eq!(settings.resource.unwrap().value.attributes, []);
    for (signal, path) in [(Signal::Traces, "/v1/traces"), (Signal::Metrics, "/v1/metrics")] {
        let said = settings.signals.get(signal);
        assert!(said.endpoint.as_ref().unwrap().value.text.ends_with(path));
        assert_eq!(said.request_timeout.as_ref().unwrap().value.as_secs(), 10);
    }
}

#[test]
fn of_all_loggers_a_file_says_which_records_are_taken() {
    // conf: LOG-12
    let with = |config: &str| {
        read(&format!(
            "file_format: '1.1'\nlogger_provider: {{ processors: [{{ simple: {{ exporter: {{ otlp_http: }} }} }}], \
             logger_configurator/development: {{ default_config: {{ {config} }} }} }}\n"
        ))
    };
    let settings = with("minimum_severity: error3, trace_based: true").unwrap();
    assert_eq!(settings.log_severity_threshold.unwrap().value, Severity::Error3);
    assert!(settings.trace_based_logs.unwrap().value);
    let settings = with("enabled: false").unwrap();
    assert!(!settings.signals.get(Signal::Logs).enabled.as_ref().unwrap().value);
    for severity in ["loud", "WARN", "warn5"] {
        let error = with(&format!("minimum_severity: {severity}")).unwrap_err();
        assert!(error.contains("default_config.minimum_severity: must be trace, debug"), "{error}");
    }
}
