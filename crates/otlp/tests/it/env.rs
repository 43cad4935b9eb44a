//! The `OTEL_` variables: what each does, what a bad value does, and who wins.

use crate::support::{PATIENCE, books, grpc, http};
use otlp::{
    BatchConfig, Client, ClientBuilder, Compression, InstrumentationScope, Limits, LogRecord, Origin,
    Protocol, ResolvedConfig, Resource, Signal, SignalConfig, TraceContext,
};
use std::collections::HashMap;
use std::time::Duration;

const TEMPORALITY: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";

fn from(variables: &[(&str, &str)]) -> ClientBuilder {
    over(Client::builder(), variables)
}

fn over(builder: ClientBuilder, variables: &[(&str, &str)]) -> ClientBuilder {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    builder.with_env_from(|name| variables.get(name).map(|value| (*value).to_owned()))
}

/// The value of an option.
fn value(config: &ResolvedConfig, name: &str) -> String {
    config.get(name).unwrap_or_else(|| panic!("no entry {name}")).value.clone()
}

fn origin(config: &ResolvedConfig, name: &str) -> String {
    config.get(name).unwrap_or_else(|| panic!("no entry {name}")).origin.to_string()
}

/// That each pair of variable and value gives the option that value, without a warning.
fn gives(cases: &[(&str, &str, &str, &str)]) {
    for (variable, text, option, expected) in cases {
        let config = from(&[(variable, text)]).resolve().unwrap();
        assert_eq!(value(&config, option), *expected, "{variable}={text}");
        assert_eq!(origin(&config, option), *variable);
        assert_eq!(config.warnings(), [""; 0], "{variable}={text}");
    }
}

/// That a bad value is told by its variable's name, and leaves everything as it is without.
fn is_told(variable: &str, text: &str) -> String {
    let config = from(&[(variable, text)]).resolve().unwrap();
    let [warning] = config.warnings() else { panic!("{variable}={text}: {:?}", config.warnings()) };
    assert!(warning.starts_with(&format!("{variable}: ")), "{warning}");
    let without = from(&[]).resolve().unwrap();
    assert!(config.entries().eq(without.entries()), "{variable}={text} changed something");
    warning.clone()
}

#[test]
fn each_variable_sets_its_option() {
    // conf: ENV-06, ENV-08, ENV-19
    gives(&[
        ("OTEL_SDK_DISABLED", "TRUE", "disabled", "true"),
        ("OTEL_SERVICE_NAME", "shop", "resource.service.name", "shop"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a%2Cb", "resource.team", "a,b"),
        ("OTEL_PROPAGATORS", "b3, tracecontext,b3", "propagators", "b3,tracecontext"),
        ("OTEL_PROPAGATORS", "none", "propagators", "none"),
        (TEMPORALITY, "Delta", "temporality_preference", "Delta"),
        (TEMPORALITY, "lowmemory", "temporality_preference", "LowMemory"),
        ("OTEL_TRACES_SAMPLER", "Always_Off", "sampler", "always_off"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "sampler", "parentbased(traceidratio(1))"),
        ("OTEL_TRACES_EXPORTER", "none", "traces.enabled", "false"),
        ("OTEL_METRICS_EXPORTER", "none", "metrics.enabled", "false"),
        ("OTEL_LOGS_EXPORTER", "otlp", "logs.enabled", "true"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "logs.protocol", "grpc"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/JSON", "traces.protocol", "http/json"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "metrics.compression", "Gzip"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2147483647", "traces.request_timeout", "2147483.647s"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/x", "traces.endpoint", "http://c:4318/x"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "API-Key=a%20b==", "traces.headers.api-key", "<redacted>"),
        ("OTEL_BSP_SCHEDULE_DELAY", "250", "traces.batch.batch_timeout", "250ms"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "30000", "traces.export_timeout", "30s"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "20000", "traces.batch.max_queue_size", "20000"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512", "traces.batch.max_batch_size", "512"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "250", "logs.batch.batch_timeout", "250ms"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "1", "logs.export_timeout", "1ms"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "20000", "logs.batch.max_queue_size", "20000"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "512", "logs.batch.max_batch_size", "512"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "0", "span_limits.attribute_count", "0"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9", "log_limits.attribute_value_length", "9"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "9", "span_limits.attribute_count", "9"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9", "span_limits.attribute_value_length", "9"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "9", "span_limits.events", "9"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "9", "span_limits.links", "9"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "9", "span_limits.attributes_per_event", "9"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "9", "span_limits.attributes_per_link", "9"),
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "9", "log_limits.attribute_count", "9"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9", "log_limits.attribute_value_length", "9"),
    ]);
    #[cfg(feature = "_tls")]
    gives(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem", "traces.tls.ca_file", "/ca.pem")]);
}

#[test]
fn the_limits_of_one_kind_of_record_go_before_those_of_all() {
    // conf: LIM-08, LIM-14
    let variables = [
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "0"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5"),
    ];
    let config = from(&variables).resolve().unwrap();
    let of = |name| (value(&config, name), origin(&config, name));
    assert_eq!(of("span_limits.attribute_count"), ("0".into(), variables[1].0.into()));
    assert_eq!(of("log_limits.attribute_count"), ("7".into(), variables[0].0.into()));
    assert_eq!(of("log_limits.attribute_value_length"), ("5".into(), variables[2].0.into()));
    assert_eq!(of("span_limits.attributes_per_event").0, "128", "the general one is not for what is inside");
}

#[test]
fn each_exporter_variable_has_a_form_for_one_signal_which_wins() {
    // conf: ENV-10, HDR-06, TLS-02
    let cases = [
        ("PROTOCOL", "http/json", "grpc", "protocol", "grpc"),
        ("COMPRESSION", "gzip", "none", "compression", "None"),
        ("TIMEOUT", "1", "2", "request_timeout", "2ms"),
        ("ENDPOINT", "http://all", "http://own/x", "endpoint", "http://own/x"),
        #[cfg(feature = "_tls")]
        ("CERTIFICATE", "/all", "/own", "tls.ca_file", "/own"),
    ];
    for (option, general, own, entry, expected) in cases {
        for (signal, name) in Signal::ALL.into_iter().zip(["TRACES", "METRICS", "LOGS"]) {
            let (all, one) =
                (format!("OTEL_EXPORTER_OTLP_{option}"), format!("OTEL_EXPORTER_OTLP_{name}_{option}"));
            let config = from(&[(&all, general), (&one, own)]).resolve().unwrap();
            assert_eq!(value(&config, &format!("{signal}.{entry}")), expected);
            assert_eq!(origin(&config, &format!("{signal}.{entry}")), one);
            let other = if signal == Signal::Traces { Signal::Logs } else { Signal::Traces };
            assert_eq!(origin(&config, &format!("{other}.{entry}")), all);
        }
    }
    let lists = [("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=1"), ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "b=2")];
    let config = from(&lists).resolve().unwrap();
    assert!(config.get("logs.headers.a").is_none(), "one list replaces the other");
    assert!(config.get("traces.headers.a").is_some());
}

#[test]
#[cfg(feature = "_tls")]
fn the_page_on_configuration_has_every_variable_and_every_option() {
    // conf: ENV-01, ENV-21, ENV-22
    let page = include_str!("../../../../docs/configuration.md");
    let asked = std::cell::RefCell::new(std::collections::BTreeSet::new());
    let config = Client::builder()
        .with_env_from(|name| {
            asked.borrow_mut().insert(name.to_owned());
            (name == "OTEL_TRACES_SAMPLER").then(|| "traceidratio".to_owned())
        })
        .resolve()
        .unwrap();
    let words = page.split(|c: char| !(c.is_ascii_alphanumeric() || "_{}".contains(c)));
    let written = words.filter(|word| word.starts_with("OTEL_") && *word != "OTEL_").flat_map(|word| {
        let forms = if word.contains("{S}") { &["", "TRACES_", "METRICS_", "LOGS_"][..] } else { &[""] };
        forms.iter().map(|form| word.replace("{S}", form)).collect::<Vec<_>>()
    });
    let written: std::collections::BTreeSet<_> = written.collect();
    assert_eq!(asked.into_inner(), written, "left: what is read; right: what docs/configuration.md says");
    for entry in config
        .entries()
        .filter(|entry| !entry.name.starts_with("metrics.") && !entry.name.starts_with("logs."))
    {
        let of_struct = entry.name.split('.').next().unwrap();
        let found = [entry.name.to_string(), format!("{of_struct}.…")]
            .iter()
            .any(|name| page.contains(&format!("`{name}`")));
        assert!(found, "docs/configuration.md has no {}", entry.name);
    }
}

#[test]
fn an_empty_variable_is_not_there() {
    // conf: ENV-02
    let without = from(&[]).resolve().unwrap();
    for variable in [
        "OTEL_SDK_DISABLED",
        "OTEL_SERVICE_NAME",
        "OTEL_PROPAGATORS",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_EXPORTER",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_BSP_MAX_QUEUE_SIZE",
    ] {
        for nothing in ["", " "] {
            assert_eq!(from(&[(variable, nothing)]).resolve().unwrap(), without, "{variable}");
        }
    }
}

#[test]
fn a_bad_value_is_told_and_is_as_if_it_were_not_there() {
    // conf: ENV-04, ENV-05, ENV-07, ENV-16, RES-08, URL-11
    for (variable, text) in [
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1,b"),
        ("OTEL_PROPAGATORS", "jaeger"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER", "parentbased_jaeger_remote"),
        ("OTEL_TRACES_EXPORTER", "console"),
        ("OTEL_LOGS_EXPORTER", "logging"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier pigeon"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
        (TEMPORALITY, "constant"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "99999999999999999999999"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1.5"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1000001"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "-1"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "all"),
    ] {
        is_told(variable, text);
    }
    assert!(
        is_told("OTEL_TRACES_SAMPLER", "Some Times").contains("\"Some Times\" is not one of always_on"),
        "as written"
    );
}

#[test]
fn a_bad_value_of_one_signal_leaves_the_general_one() {
    // conf: ENV-11
    let pairs = [("OTEL_EXPORTER_OTLP_TIMEOUT", "7"), ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "soon")];
    let config = from(&pairs).resolve().unwrap();
    assert_eq!(value(&config, "logs.request_timeout"), "7ms");
    assert_eq!(origin(&config, "logs.request_timeout"), "OTEL_EXPORTER_OTLP_TIMEOUT");
    assert_eq!(config.warnings().len(), 1);
}

#[test]
fn only_true_is_true() {
    // conf: ENV-03
    for (text, expected, warnings) in [
        ("true", true, 0),
        ("True", true, 0),
        ("false", false, 0),
        ("1", false, 1),
        ("yes", false, 1),
        ("on", false, 1),
    ] {
        let config = from(&[("OTEL_SDK_DISABLED", text)]).resolve().unwrap();
        assert_eq!(value(&config, "disabled"), expected.to_string(), "{text}");
        assert_eq!(config.warnings().len(), warnings, "{text}");
    }
}

#[test]
fn a_timeout_of_zero_is_none_and_a_delay_of_zero_hardly_any() {
    // conf: ENV-09
    let config =
        from(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "0"), ("OTEL_BSP_SCHEDULE_DELAY", "0")]).resolve().unwrap();
    assert_eq!(value(&config, "traces.request_timeout"), "31536000s");
    assert_eq!(value(&config, "traces.batch.batch_timeout"), "1ms");
}

#[test]
fn the_samplers_argument_needs_the_sampler_and_a_bad_one_is_one() {
    // conf: ENV-14
    let sampler = |name: &str, argument: &str| {
        let config =
            from(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]).resolve().unwrap();
        (value(&config, "sampler"), config.warnings().len())
    };
    assert_eq!(sampler("traceidratio", "0.25"), ("traceidratio(0.25)".to_owned(), 0));
    assert_eq!(sampler("parentbased_traceidratio", "0"), ("parentbased(traceidratio(0))".to_owned(), 0));
    assert_eq!(sampler("traceidratio", "1.5"), ("traceidratio(1)".to_owned(), 1));
    assert_eq!(sampler("traceidratio", "NaN"), ("traceidratio(1)".to_owned(), 1));
    assert_eq!(sampler("always_on", "0.25"), ("always_on".to_owned(), 0));
    assert_eq!(sampler("", "0.25"), ("parentbased(always_on)".to_owned(), 0));
}

#[test]
fn the_queue_and_the_batch_fit() {
    // conf: ENV-16
    let small = from(&[("OTEL_BSP_MAX_QUEUE_SIZE", "2048")]).resolve().unwrap();
    assert_eq!(value(&small, "traces.batch.max_batch_size"), "2048", "not the default, which is larger");
    let both = [("OTEL_BLRP_MAX_QUEUE_SIZE", "100"), ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "101")];
    let config = from(&both).resolve().unwrap();
    assert_eq!(value(&config, "logs.batch.max_batch_size"), "100");
    assert!(config.warnings()[0].starts_with("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: is larger than the queue"));
}

#[test]
fn names_of_the_service_have_an_order() {
    // conf: ENV-15, RES-06, RES-09, RES-14
    let name = |builder: ClientBuilder| {
        let config = builder.resolve().unwrap();
        (value(&config, "resource.service.name"), origin(&config, "resource.service.name"))
    };
    let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=attributes,team=env,zone=env");
    let variable = ("OTEL_SERVICE_NAME", "variable");
    assert!(name(from(&[])).0.starts_with("unknown_service:"));
    assert_eq!(name(from(&[attributes])), ("attributes".into(), "OTEL_RESOURCE_ATTRIBUTES".into()));
    assert_eq!(name(from(&[attributes, variable])), ("variable".into(), "OTEL_SERVICE_NAME".into()));
    let coded = Resource::new().with("service.name", "resource").with("team", "code");
    let coded = || from(&[attributes, variable]).with_resource(coded.clone());
    assert_eq!(name(coded()), ("resource".into(), "code".into()));
    assert_eq!(name(coded().with_service_name("code")), ("code".into(), "code".into()));
    let config = coded().resolve().unwrap();
    assert_eq!(
        (value(&config, "resource.team"), value(&config, "resource.zone")),
        ("code".into(), "env".into())
    );
    // Whoever adds to the default resource has not named the service by that.
    let added = from(&[variable]).with_resource(otlp::default_resource().with("team", "code"));
    assert_eq!(name(added), ("variable".into(), "OTEL_SERVICE_NAME".into()));
}

#[test]
fn code_wins_before_and_after() {
    // conf: ENV-01, ENV-10
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:1"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://env:2"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=env,b=env"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "2048"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "1"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_PROPAGATORS", "b3"),
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "1"),
    ];
    let code = |builder: ClientBuilder| {
        builder
            .with_endpoint("http://code:4317")
            .with_protocol(Protocol::Grpc)
            .with_compression(Compression::None)
            .with_request_timeout(Duration::from_secs(3))
            .with_export_timeout(Duration::from_secs(4))
            .with_header("A", "code")
            .with_batch_config(BatchConfig::default())
            .with_sampler(otlp::AlwaysOnSampler)
            .with_signal_config(
                Signal::Traces,
                SignalConfig { enabled: Some(true), ..SignalConfig::default() },
            )
            .with_propagator(otlp::propagation::CompositePropagator::w3c())
            .with_disabled(false)
            .with_limits(Limits::default())
    };
    let after = code(over(Client::builder(), &variables)).resolve().unwrap();
    let before = over(code(Client::builder()), &variables).resolve().unwrap();
    assert_eq!(after, before);
    let left: Vec<_> = after
        .entries()
        .filter(|entry| matches!(entry.origin, Origin::Variable(_)) && entry.name.starts_with("traces"))
        .map(|entry| entry.name.as_ref())
        .collect();
    assert_eq!(left, ["traces.headers.b"], "headers are options one by one");
    for option in ["sampler", "propagators", "disabled", "span_limits.attribute_count", "traces.endpoint"] {
        assert_eq!(origin(&after, option), "code", "{option}");
    }
}

#[test]
fn without_a_protocol_it_is_http_as_specified_and_a_mistaken_port_is_told() {
    // conf: URL-08
    let config = from(&[]).resolve().unwrap();
    assert_eq!(value(&config, "traces.protocol"), "http/protobuf");
    assert_eq!(value(&config, "traces.endpoint"), "http://localhost:4318");
    let config = from(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317")]).resolve().unwrap();
    assert!(config.warnings()[0].contains("where receivers expect gRPC"), "{:?}", config.warnings());
    assert_eq!(config.warnings().len(), 1, "once, not for each signal");
}

#[test]
fn secrets_are_in_no_text() {
    // conf: HDR-05, HDR-09
    let builder = from(&[
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2,hunter2,te=hunter2,bad name=hunter2,x=%FFhunter2"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@host"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://host/?key=hunter2"),
    ]);
    let config = builder.resolve().unwrap();
    assert_eq!(value(&config, "traces.headers.api-key"), "<redacted>", "the others are used");
    assert_eq!(config.warnings().len(), 2, "{:?}", config.warnings());
    let text = format!("{builder:?}{config:?}{}", config.explain());
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
#[cfg(feature = "_tls")]
fn without_a_scheme_the_environment_means_tls_over_grpc() {
    // conf: GRPC-15, TLS-05
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let bare = ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4317");
    let of = |variables: &[(&str, &str)]| value(&from(variables).resolve().unwrap(), "traces.endpoint");
    assert_eq!(of(&[grpc, bare]), "https://c:4317");
    assert_eq!(of(&[grpc, bare, ("OTEL_EXPORTER_OTLP_INSECURE", "true")]), "c:4317");
    assert_eq!(
        of(&[grpc, bare, ("OTEL_EXPORTER_OTLP_INSECURE", "1")]),
        "https://c:4317",
        "only `true` is true"
    );
    let clear = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317");
    assert_eq!(
        of(&[grpc, clear, ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere")]),
        "http://c:4317",
        "a scheme decides"
    );
    let coded = from(&[grpc]).with_endpoint("c:4317").resolve().unwrap();
    assert_eq!(value(&coded, "traces.endpoint"), "c:4317", "in code such an endpoint is clear text");
}

#[test]
#[cfg(feature = "_tls")]
fn files_that_cannot_be_read_fail_the_build_by_the_variables_name() {
    // conf: TLS-03, TLS-11
    let https = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4318");
    let error =
        from(&[https, ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem")]).build_blocking().unwrap_err();
    assert!(error.to_string().starts_with("OTEL_EXPORTER_OTLP_CERTIFICATE: "), "{error}");
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    // Half an identity is none.
    let config = from(&[https, ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key.pem")]).resolve().unwrap();
    assert!(config.warnings()[0].contains("the certificate to it is not set"), "{:?}", config.warnings());
    assert!(config.get("traces.tls.key_file").is_none());
}

#[test]
#[cfg(feature = "_tls")]
fn what_code_says_of_tls_and_the_environment_of_the_endpoint_is_told_by_both_names() {
    let clear = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
    let error = from(&[clear]).with_tls_config(otlp::TlsConfig::default()).resolve().unwrap_err();
    let both = "with_tls_config: enabled: asks for TLS, and OTEL_EXPORTER_OTLP_ENDPOINT says http://c:4318,";
    assert!(error.to_string().starts_with(both), "{error}");
}

#[test]
#[cfg(feature = "webpki-roots")]
fn authorities_that_code_names_go_before_those_of_the_environment() {
    // conf: ENV-10
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4318"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem"),
    ];
    let client = from(&variables).with_webpki_roots().build_blocking().unwrap();
    assert!(client.config().get("traces.tls.ca_file").is_none(), "{}", client.config().explain());
}

#[tokio::test]
async fn signals_go_to_the_receivers_of_their_variables() {
    // conf: URL-01, URL-02, URL-03, URL-07, HDR-01, HDR-02, HDR-06, ENV-10
    let (base, own) = (http().await, grpc().await);
    let client = from(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &base.http_endpoint()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-who=all,x-key=dGVzdA=="),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &own.grpc_endpoint()),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "x-who=logs%20only"),
        ("OTEL_SERVICE_NAME", "from-env"),
    ])
    .build()
    .await
    .unwrap();
    client.tracer("t").start("s").end();
    client.export_logs(&InstrumentationScope::new("t"), [LogRecord::default()]).unwrap();
    books(client.shutdown(PATIENCE).await);
    let (traces, logs) = (base.received(), own.received());
    assert_eq!((traces.spans().len(), traces.items(), logs.logs().len(), logs.items()), (1, 1, 1, 1));
    assert_eq!(traces.spans()[0].service_name(), "from-env");
    let call = traces.calls().next().unwrap();
    assert_eq!((call.header("x-who"), call.header("x-key")), (Some("all"), Some("dGVzdA==")));
    let call = logs.calls().next().unwrap();
    assert_eq!((call.header("x-who"), call.header("x-key")), (Some("logs only"), None));
}

#[tokio::test]
async fn what_the_environment_disables_still_propagates() {
    // conf: ENV-12, ENV-13
    let client = from(&[("OTEL_SDK_DISABLED", "true"), ("OTEL_PROPAGATORS", "b3")]).build().await.unwrap();
    let incoming = HashMap::from([("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1")]);
    let context = client.propagator().extract(&TraceContext::default(), &incoming);
    let span = client.tracer("t").start_with_context("s", otlp::SpanKind::Server, &context);
    let mut onward = HashMap::new();
    client.propagator().inject(&span.context(), &mut onward);
    assert_eq!(onward.get("b3").map(String::as_str), Some(incoming["b3"]));
    assert_eq!(books(client.shutdown(PATIENCE).await).accepted(), 0);
}

#[tokio::test]
async fn limits_of_logs_are_not_those_of_spans() {
    let collector = http().await;
    let client = from(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.http_endpoint()),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
    ])
    .build()
    .await
    .unwrap();
    client.tracer("t").start("s").set_attribute("k", "long");
    let record = LogRecord { attributes: vec![otlp::KeyValue::new("k", "long")], ..LogRecord::default() };
    client.export_logs(&InstrumentationScope::new("t"), [record]).unwrap();
    books(client.shutdown(PATIENCE).await);
    let received = collector.received();
    let span = received.spans()[0].to_model().unwrap();
    let log = received.logs()[0].to_model().unwrap();
    assert_eq!((&span.attributes[0].value, &log.attributes[0].value), (&"lon".into(), &"lo".into()));
}
