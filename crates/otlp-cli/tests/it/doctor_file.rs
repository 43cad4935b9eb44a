//! `otlp doctor` and the declarative configuration: what the file says is examined, and a file that is refused is an ailment.

use crate::doctor::{PATIENT, ill};
use crate::support::{Said, finish, otlp};
use otlp_model::Signal;
use otlp_testkit::Collector;
use std::path::PathBuf;

/// A folder with a file, which are gone with it.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, yaml: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("otlp-cli-{}-file-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("otel.yaml"), yaml).unwrap();
        Self(folder)
    }

    fn file(&self) -> String {
        self.0.join("otel.yaml").display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn examine(more: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut command = otlp(&[&["doctor", "--timeout", PATIENT], more].concat());
    command.envs(variables.iter().copied());
    finish(&mut command, b"")
}

const TWO_RECEIVERS: &str = r#"
file_format: "1.1"
resource:
  attributes: [{ name: service.name, value: checkout }]
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: ${TRACES}/v1/traces
            headers: [{ name: api-key, value: "${KEY}" }]
logger_provider:
  processors: [{ batch: { exporter: { otlp_grpc: { endpoint: "${LOGS}" } } } }]
"#;

#[test]
fn what_the_file_says_is_examined_with_or_without_the_variable() {
    // conf: ENV-18
    let collector = Collector::builder().start_blocking().unwrap();
    let folder = Folder::with("healthy", TWO_RECEIVERS);
    let (http, grpc, file) = (collector.http_endpoint(), collector.grpc_endpoint(), folder.file());
    let variables = [
        ("TRACES", &*http),
        ("LOGS", &*grpc),
        ("KEY", "hunter2"),
        // A file takes the place of all other variables.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.invalid:4318"),
    ];
    let by_variable = [&variables[..], &[("OTEL_CONFIG_FILE", &*file)]].concat();
    let by_flag = [&variables[..], &[("OTEL_CONFIG_FILE", "/nowhere/otel.yaml")]].concat();
    for (line, variables, named_by) in
        [(&[][..], &by_variable, "OTEL_CONFIG_FILE"), (&["--config", &file][..], &by_flag, "--config")]
    {
        let said = examine(line, variables);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{}", said.out);
        let words = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in [
            &format!("config_file {file} ({named_by})"),
            &format!("traces endpoint {http}/v1/traces ({file})"),
            &format!("protocol http/protobuf ({file})"),
            &format!("headers api-key=<redacted> ({file})"),
            &format!("logs endpoint {grpc} ({file})"),
            &format!("resource.service.name checkout ({file})"),
            "timeout 60s (--timeout)",
            &format!("• config metrics are not exported, as {file} says, and not examined"),
            "✓ traces http/protobuf: a real request taken",
            "✓ logs grpc: a real request taken",
        ] {
            assert!(words.contains(text), "{text}: {}", said.out);
        }
        assert!(!said.out.contains("hunter2") && !said.out.contains("collector.invalid"), "{}", said.out);
        let attempts = collector.attempts();
        assert!(
            attempts
                .iter()
                .filter(|it| it.call.signal == Signal::Traces)
                .all(|it| it.call.header("api-key") == Some("hunter2"))
        );
        assert!(
            attempts
                .iter()
                .filter(|it| it.call.signal == Signal::Logs)
                .all(|it| it.call.header("api-key").is_none())
        );
        assert_eq!(Signal::ALL.map(|signal| collector.tally().of(signal)), [1, 0, 1]);
        collector.clear();
    }
    // Flags go before the file, as code does.
    let said = examine(&[&grpc, "-p", "grpc", "--signal", "traces"], &by_variable);
    assert_eq!(said.code, Some(0), "{}", said.out);
    assert!(said.out.contains("(command line)") && said.out.contains("(--protocol)"), "{}", said.out);
}

#[test]
fn a_file_that_is_refused_is_an_ailment_with_its_place_and_cure() {
    // conf: CFG-26
    let wrong = Folder::with(
        "wrong",
        "file_format: \"1.1\"\ntracer_provider:\n  processors: [{ batch: { exporter: { otlp_grpc: { endpiont: x } } } }]\n",
    );
    let no_yaml = Folder::with("no-yaml", "file_format: [\n");
    let missing = wrong.0.join("missing.yaml").display().to_string();
    for (file, place) in [
        (
            wrong.file(),
            "tracer_provider.processors[0].batch.exporter.otlp_grpc.endpiont: is not supported here",
        ),
        (no_yaml.file(), "this is no YAML"),
        (missing, "the file can't be read: "),
    ] {
        let said = examine(&[], &[("OTEL_CONFIG_FILE", &file)]);
        ill(
            &said,
            &[
                &format!("config_file {file} (OTEL_CONFIG_FILE)"),
                &format!("✗ config OTEL_CONFIG_FILE: {file}: {place}"),
                &format!("a client that is to go by {file} is not made"),
                "correct it at the place that is named above",
                "docs/configuration.md",
                "docs/troubleshooting.md#options",
                "1 check failed.",
            ],
        );
        // Nothing is said of a receiver, and nothing twice.
        assert!(!said.out.contains("dns") && !said.out.contains("(see "), "{}", said.out);
        ill(&examine(&["--config", &file], &[]), &[&format!("✗ config --config: {file}: {place}")]);
    }

    let said = examine(&["--config", " "], &[]);
    assert!(said.code == Some(2) && said.err.contains("--config: name a file"), "{said:?}");

    // Of a receiver that the command line names there is something to say all the same.
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let said = examine(
        &[&collector.grpc_endpoint(), "-p", "grpc", "--json"],
        &[("OTEL_CONFIG_FILE", &wrong.file()), ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=1")],
    );
    assert_eq!(said.code, Some(1), "{}", said.out);
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["verdict"]["failed"], 1);
    assert_eq!(json["findings"][0]["facts"]["file"], wrong.file());
    assert_eq!(collector.received().items(), 3);
    // The other variables do not come back with it.
    assert!(collector.attempts().iter().all(|it| it.call.header("api-key").is_none()));
}

#[test]
fn a_sampler_that_drops_everything_is_an_ailment_and_one_that_follows_others_is_told() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let (ailing, told) = ("✗ config   no span is sampled: ", "• config   no trace begins here: ");
    for (sampler, line) in [
        ("always_off:", ailing),
        ("always_record: { root: { always_off: } }", ailing),
        ("trace_id_ratio_based: { ratio: 0 }", ailing),
        // What has a sampled parent elsewhere is sent all the same.
        ("parent_based: { root: { always_off: } }", told),
        ("parent_based: { root: { always_on: } }", ""),
        ("trace_id_ratio_based: { ratio: 0.01 }", ""),
        // Children of what was not sampled are not, as ever.
        ("parent_based: { root: { always_on: }, local_parent_sampled: { always_off: } }", ""),
    ] {
        let exporter = format!("otlp_grpc: {{ endpoint: \"{}\" }}", collector.grpc_endpoint());
        let yaml = format!(
            "file_format: \"1.1\"\ntracer_provider: {{ sampler: {{ {sampler} }}, processors: [{{ batch: {{ exporter: {{ {exporter} }} }} }}] }}\n"
        );
        let folder = Folder::with("sampler", &yaml);
        let said = examine(&["--config", &folder.file(), "--empty"], &[]);
        if line == ailing {
            ill(&said, &[ailing, "drops every span", "name another sampler", "#options", "1 check failed."]);
        } else {
            assert_eq!(said.code, Some(0), "{}", said.out);
        }
        for known in [ailing, told] {
            assert_eq!(said.out.contains(known), known == line, "{sampler}: {}", said.out);
        }
    }
    // The same from a variable; it is of no interest to whom asks for other signals.
    let (endpoint, variables) = (collector.grpc_endpoint(), [("OTEL_TRACES_SAMPLER", "always_off")]);
    let said = examine(&[&endpoint, "-p", "grpc"], &variables);
    ill(&said, &[ailing, "it is OTEL_TRACES_SAMPLER that says it", "#options"]);
    let said = examine(&[&endpoint, "-p", "grpc", "--signal", "logs"], &variables);
    assert!(said.code == Some(0) && !said.out.contains("sampled"), "{}", said.out);
}

#[test]
fn a_file_may_switch_everything_off() {
    let collector = Collector::builder().grpc().start_blocking().unwrap();
    let endpoint = collector.grpc_endpoint();
    for (yaml, texts) in [
        (
            "file_format: \"1.1\"\n",
            ["✗ config no signal is exported, as ", "give each signal that is to be exported its provider"],
        ),
        ("file_format: \"1.1\"\ndisabled: true\n", ["/otel.yaml: disabled is true", "take disabled out of "]),
    ] {
        let folder = Folder::with("off", yaml);
        let said = examine(&[&endpoint, "-p", "grpc", "--config", &folder.file()], &[]);
        ill(&said, &[texts[0], texts[1], "#options"]);
        // The rest is tried all the same.
        assert!(said.out.contains("✓ logs "), "{}", said.out);
    }
}
