//! From flags and the environment to a case, and where each value came from.
//!
//! Pure: the environment is a lookup function. What it means the library says, as it does for an application; only what the
//! library does not show, since it is secret, is read here.

use super::application;
use super::case::{self, Case};
use super::finding::Finding;
use crate::duration;
use crate::exit::Trouble;
use crate::receiver::Receiver;
use crate::wire::Wire;
use clap::ValueEnum;
use otlp::{ClientBuilder, ConfigEntry, Origin, ResolvedConfig};
use otlp_model::Signal;
use otlp_transport::{Endpoint, Headers, ProxyLayer, Target};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::time::Duration;

/// One line of the configuration: what is used, and who said so. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: Cow<'static, str>,
    pub(crate) value: String,
    pub(crate) origin: String,
}

impl Setting {
    pub(super) fn new(
        name: impl Into<Cow<'static, str>>,
        value: impl ToString,
        origin: impl ToString,
    ) -> Self {
        Self { name: name.into(), value: value.to_string(), origin: origin.to_string() }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "name": self.name, "value": self.value, "origin": self.origin })
    }
}

/// The longest that a step waits unless --timeout says more: the environment may allow a year.
const LONGEST: Duration = Duration::from_secs(60);

/// Names a file that takes the place of all other variables, in an application that is compiled with the feature `config-file`.
const CONFIG_FILE: &str = "OTEL_CONFIG_FILE";

/// What was given on the command line.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) protocols: &'a [Wire],
    pub(crate) signals: &'a [Signal],
    pub(crate) receiver: &'a Receiver,
    pub(crate) real: bool,
    pub(crate) limits: bool,
}

/// Reads a variable; what is empty is not set.
struct Environment<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The exporter's variable for traces, or for all signals, with its name.
    fn exporter(&self, option: &str) -> Option<(String, String)> {
        [format!("OTEL_EXPORTER_OTLP_TRACES_{option}"), format!("OTEL_EXPORTER_OTLP_{option}")]
            .into_iter()
            .find_map(|name| Some((self.get(&name)?, name)))
    }
}

/// What is examined, as it was configured.
pub(crate) struct Resolved {
    pub(crate) case: Case,
    /// What is used, and who said so.
    pub(crate) settings: Vec<Setting>,
    /// What there is to say of an application that is configured so.
    pub(crate) findings: Vec<Finding>,
    /// All of an application's options, as the library tells them.
    pub(crate) explanation: String,
}

/// The case, and the origin of each of its values.
pub(crate) fn resolve(
    given: &Given<'_>,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Resolved, Trouble> {
    // Not read here, whether the library is compiled with files or not: what it would not show, nobody could examine.
    let file = Environment(lookup).get(CONFIG_FILE);
    let lookup = &|name: &str| lookup(name).filter(|_| name != CONFIG_FILE);
    let environment = Environment(lookup);
    let config = of_library(given, lookup)?;
    let mut settings = Vec::new();
    let endpoint = endpoint(given, &environment, &config, &mut settings)?;
    let (wires, origin) = wires(given, &config, &endpoint);
    let names: Vec<&str> = wires.iter().map(|wire| wire.name()).collect();
    settings.push(Setting::new("protocol", names.join(", "), origin));

    let (receiver, headers) = receiver(given, &environment, &mut settings)?;
    let (timeout, origin) = timeout(given, &config);
    settings.push(Setting::new("timeout", format!("{timeout:?}"), origin));

    let proxy = proxy(given, &endpoint, lookup, &mut settings)?;
    let mut findings = application::findings(&config, given);
    findings.extend(file.map(|file| application::of_file(CONFIG_FILE, &file)));
    application::add_rest(&config, &mut settings);
    let case = Case {
        endpoint,
        wires,
        signals: given.signals.to_vec(),
        receiver,
        headers,
        proxy,
        timeout,
        real: given.real,
        limits: given.limits,
    };
    Ok(Resolved { case, settings, findings, explanation: config.explain().to_string() })
}

/// What the client of an application would be, with these flags in its code.
fn of_library(given: &Given<'_>, lookup: &dyn Fn(&str) -> Option<String>) -> Result<ResolvedConfig, Trouble> {
    let mut builder = ClientBuilder::default().with_env_from(lookup);
    if let Some(text) = given.endpoint {
        case::endpoint(text)?;
        builder = builder.with_endpoint(text);
    }
    if let Some(wire) = given.protocols.first() {
        builder = wire.set_on(builder);
    }
    builder.resolve().map_err(|error| Trouble::Usage(error.to_string()))
}

/// What the library has for traces.
fn of_traces<'a>(config: &'a ResolvedConfig, option: &str) -> Option<&'a ConfigEntry> {
    config.get(&format!("traces.{option}"))
}

/// Without a word on the protocol, a port that is known for one says it.
fn wires(given: &Given<'_>, config: &ResolvedConfig, endpoint: &Endpoint) -> (Vec<Wire>, String) {
    if !given.protocols.is_empty() {
        return (given.protocols.to_vec(), "--protocol".to_owned());
    }
    let port = match endpoint.target() {
        Target::Tcp { port, .. } => Some(*port),
        _ => None,
    };
    let entry = of_traces(config, "protocol");
    let configured = entry.and_then(|entry| {
        Some((Wire::from_str(&entry.value, true).ok()?, &entry.origin))
            .filter(|_| entry.origin != Origin::Default)
    });
    match (configured, port) {
        (Some((wire, origin)), _) => (vec![wire], origin.to_string()),
        (None, Some(4317)) => (vec![Wire::Grpc], "port 4317".to_owned()),
        (None, _) => (vec![Wire::HttpProtobuf, Wire::HttpJson], "default".to_owned()),
    }
}

fn endpoint(
    given: &Given<'_>,
    environment: &Environment<'_>,
    config: &ResolvedConfig,
    settings: &mut Vec<Setting>,
) -> Result<Endpoint, Trouble> {
    let entry = of_traces(config, "endpoint");
    let (text, origin) = match (given.endpoint, entry) {
        (Some(text), _) => (text.to_owned(), "command line".to_owned()),
        // The library shows no query, which may hold a key.
        (None, Some(ConfigEntry { origin: Origin::Variable(name), .. })) => {
            (environment.get(name).unwrap_or_default(), name.clone().into_owned())
        }
        (None, Some(entry)) => (entry.value.clone(), entry.origin.to_string()),
        (None, None) => (Endpoint::default_http().to_string(), "default".to_owned()),
    };
    let endpoint: Endpoint =
        text.parse().map_err(|error| Trouble::Usage(format!("{origin}: the endpoint {error}")))?;
    // A signal's own endpoint is used as it is; that for all is a base.
    let endpoint = if origin.contains("_TRACES_") { endpoint.per_signal() } else { endpoint };
    // Without a scheme the library decides.
    let is_secured = entry.is_some_and(|entry| entry.value.starts_with("https://"));
    let endpoint = if is_secured { endpoint.secured() } else { endpoint };
    settings.push(Setting::new("endpoint", &endpoint, origin));
    Ok(endpoint)
}

/// The receiver's options with what the variables say where they say nothing, and the headers.
fn receiver(
    given: &Given<'_>,
    environment: &Environment<'_>,
    settings: &mut Vec<Setting>,
) -> Result<(Receiver, Headers), Trouble> {
    let mut receiver = given.receiver.clone();
    // As for the client: who says anything of them says all.
    let of_flags = receiver.says_files();
    let files = [
        ("ca_file", "CERTIFICATE", "--ca-file", &mut receiver.ca_file),
        ("cert_file", "CLIENT_CERTIFICATE", "--cert-file", &mut receiver.cert_file),
        ("key_file", "CLIENT_KEY", "--key-file", &mut receiver.key_file),
    ];
    for (name, variable, flag, file) in files {
        let mut origin = flag.to_owned();
        if !of_flags && let Some((value, variable)) = environment.exporter(variable) {
            (*file, origin) = (Some(value.into()), variable);
        }
        settings.extend(file.as_ref().map(|file| Setting::new(name, file.display(), origin)));
    }
    let (headers, origin) = headers(&receiver, environment)?;
    if !headers.is_empty() {
        // Values are secrets.
        let names: Vec<String> = headers.names().map(|name| format!("{name}=<redacted>")).collect();
        settings.push(Setting::new("headers", names.join(", "), origin));
    }
    if receiver.insecure_skip_verify {
        settings.push(Setting::new("verify_server", false, "--insecure-skip-verify"));
    }
    if let Some(name) = &receiver.server_name {
        settings.push(Setting::new("server_name", name, "--server-name"));
    }
    Ok((receiver, headers))
}

/// Those of the variables, with the flags' in their place; one that is no good costs only itself.
fn headers(receiver: &Receiver, environment: &Environment<'_>) -> Result<(Headers, String), Trouble> {
    let flags = receiver.headers()?;
    let parsed = |list: &str| Headers::parse(list).unwrap_or_else(|error| error.into_valid());
    let said = environment.exporter("HEADERS").map(|(list, variable)| (parsed(&list), variable));
    let Some((mut headers, mut origin)) = said.filter(|(headers, _)| !headers.is_empty()) else {
        return Ok((flags, "--header".to_owned()));
    };
    if !flags.is_empty() {
        origin.push_str(", --header");
    }
    for (name, value) in flags.iter() {
        headers.insert(name, value).map_err(|error| Trouble::Usage(format!("--header: {error}")))?;
    }
    Ok((headers, origin))
}

fn timeout(given: &Given<'_>, config: &ResolvedConfig) -> (Duration, String) {
    if let Some(timeout) = given.receiver.timeout {
        return (timeout, "--timeout".to_owned());
    }
    let of_library = of_traces(config, "request_timeout").and_then(|entry| {
        let timeout = duration::parse_positive(&entry.value).ok()?;
        Some((timeout.min(LONGEST), entry.origin.to_string()))
    });
    of_library.unwrap_or((Duration::from_secs(10), "default".to_owned()))
}

fn proxy(
    given: &Given<'_>,
    endpoint: &Endpoint,
    lookup: &dyn Fn(&str) -> Option<String>,
    settings: &mut Vec<Setting>,
) -> Result<Option<ProxyLayer>, Trouble> {
    let (proxy, origin) = match given.receiver.named_proxy()? {
        Some(_) if endpoint.target().unix_path().is_some() => (None, ""),
        Some(proxy) => (Some(proxy), "--proxy"),
        None if given.receiver.no_proxy => (None, "--no-proxy"),
        None => {
            let proxy =
                ProxyLayer::from_env(endpoint, lookup).map_err(|error| Trouble::Usage(error.to_string()))?;
            (proxy, "environment")
        }
    };
    settings.extend(proxy.as_ref().map(|proxy| Setting::new("proxy", proxy.url(), origin)));
    Ok(proxy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        receiver: Receiver,
    }

    fn resolved(
        endpoint: Option<&str>,
        line: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<(Case, String), String> {
        let receiver = Line::parse_from([&["otlp"], line].concat()).receiver;
        let signals = Signal::ALL;
        let given = Given {
            endpoint,
            protocols: &[],
            signals: &signals,
            receiver: &receiver,
            real: true,
            limits: false,
        };
        let lookup = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        match resolve(&given, &lookup) {
            Ok(Resolved { case, settings, .. }) => {
                let lines = settings.iter().map(|it| format!("{} {} {}\n", it.name, it.value, it.origin));
                Ok((case, lines.collect()))
            }
            Err(trouble) => Err(format!("{trouble:?}")),
        }
    }

    #[test]
    fn flags_go_before_variables_before_defaults() {
        // conf: ENV-10, HDR-09
        let (_, lines) = resolved(None, &[], &[]).unwrap();
        assert_eq!(
            lines,
            "endpoint http://localhost:4318 default\nprotocol http/protobuf, http/json default\ntimeout 10s default\n"
        );
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318/base?key=1"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
        ];
        let (case, lines) = resolved(None, &[], &variables).unwrap();
        assert!(lines.contains("endpoint http://all:4318/base?… OTEL_EXPORTER_OTLP_ENDPOINT"), "{lines}");
        assert!(lines.contains("protocol http/json OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), "{lines}");
        assert!(lines.contains("headers api-key=<redacted>") && !lines.contains("hunter2"), "{lines}");
        assert_eq!(case.endpoint.signal_path(Signal::Logs), "/base/v1/logs?key=1");
        assert_eq!((case.timeout.as_millis(), case.headers.get("api-key")), (1500, Some("hunter2")));
        let (case, lines) = resolved(Some("http://mine:1"), &["--timeout", "2s"], &variables).unwrap();
        assert!(lines.contains("endpoint http://mine:1 command line"), "{lines}");
        assert_eq!(case.timeout.as_secs(), 2);
    }

    #[test]
    fn flags_stand_beside_variables_as_code_does_in_the_client() {
        // conf: GRPC-15
        let variables = [
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=1,x-tenant=2"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
        ];
        let (case, lines) = resolved(None, &["-H", "x-tenant=3"], &variables).unwrap();
        assert_eq!((case.headers.get("api-key"), case.headers.get("x-tenant")), (Some("1"), Some("3")));
        assert!(lines.contains("OTEL_EXPORTER_OTLP_HEADERS, --header"), "{lines}");
        assert!(lines.contains("ca_file /ca.pem OTEL_EXPORTER_OTLP_CERTIFICATE"), "{lines}");
        let (case, _) = resolved(None, &["--insecure-skip-verify"], &variables).unwrap();
        assert_eq!(case.receiver.ca_file, None);
        let (case, _) = resolved(None, &[], &[("OTEL_EXPORTER_OTLP_HEADERS", "a=1,no good")]).unwrap();
        assert_eq!(case.headers.get("a"), Some("1"));

        let mut variables =
            vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "mine:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        assert!(resolved(None, &[], &variables).unwrap().0.endpoint.is_secure());
        variables.push(("OTEL_EXPORTER_OTLP_INSECURE", "true"));
        assert!(!resolved(None, &[], &variables).unwrap().0.endpoint.is_secure());
    }

    #[test]
    fn no_step_waits_for_ever() {
        let (case, _) = resolved(None, &[], &[("OTEL_EXPORTER_OTLP_TIMEOUT", "0")]).unwrap();
        assert_eq!(case.timeout, LONGEST);
    }

    #[test]
    fn a_known_port_says_the_protocol_and_an_own_endpoint_is_no_base() {
        let (case, lines) = resolved(Some("http://mine:4317"), &[], &[]).unwrap();
        assert_eq!(case.wires, [Wire::Grpc]);
        assert!(lines.contains("protocol grpc port 4317"), "{lines}");
        let own = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://own:4318/in")];
        let (case, _) = resolved(None, &[], &own).unwrap();
        assert_eq!(case.endpoint.signal_path(Signal::Traces), "/in");
    }

    #[test]
    fn what_an_application_would_do_is_told() {
        // conf: ENV-07
        let receiver = Line::parse_from(["otlp"]).receiver;
        let findings = |variables: &[(&str, &str)]| {
            let lookup = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            let given = Given {
                endpoint: None,
                protocols: &[],
                signals: &Signal::ALL,
                receiver: &receiver,
                real: true,
                limits: false,
            };
            let resolved = resolve(&given, &lookup).map_err(|trouble| format!("{trouble:?}")).unwrap();
            let lines = resolved.findings.iter().map(|it| format!("{} {}\n", it.status.name(), it.text));
            lines.collect::<String>()
        };
        assert_eq!(findings(&[]), "");
        let text = findings(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "soap")]);
        assert!(text.starts_with("note OTEL_EXPORTER_OTLP_PROTOCOL"), "{text}");
        let text = findings(&[("OTEL_SDK_DISABLED", "true")]);
        assert!(text.starts_with("failed OTEL_SDK_DISABLED"), "{text}");
        let text = findings(&[("OTEL_LOGS_EXPORTER", "none"), ("OTEL_TRACES_SAMPLER", "always_off")]);
        assert!(
            text.contains("note logs are not exported") && text.contains("note no span is sampled"),
            "{text}"
        );
        let text = findings(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://other:1/in")]);
        assert!(text.contains("metrics go to http://other:1/in"), "{text}");
        let text = findings(&[("OTEL_CONFIG_FILE", "/etc/otel.yaml"), ("OTEL_SDK_DISABLED", "true")]);
        assert!(text.contains("failed OTEL_SDK_DISABLED"), "{text}");
        assert!(text.contains("note OTEL_CONFIG_FILE is /etc/otel.yaml, which is not read here"), "{text}");
    }
}
