//! From flags and `OTEL_` variables to a case, and where each value came from.
//!
//! Pure: the environment is a lookup function. A flag goes before a signal's variable, that before the one for all signals,
//! that before the default.

use super::case::{self, Case};
use crate::duration;
use crate::exit::Trouble;
use crate::receiver::Receiver;
use crate::wire::Wire;
use clap::ValueEnum;
use otlp_model::Signal;
use otlp_transport::{Endpoint, Headers, ProxyLayer, Target};
use serde_json::{Value, json};
use std::time::Duration;

/// One line of the configuration: what is used, and who said so. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) origin: String,
}

impl Setting {
    fn new(name: &'static str, value: impl ToString, origin: impl Into<String>) -> Self {
        Self { name, value: value.to_string(), origin: origin.into() }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "name": self.name, "value": self.value, "origin": self.origin })
    }
}

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

/// The case, and the origin of each of its values.
pub(crate) fn resolve(
    given: &Given<'_>,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<(Case, Vec<Setting>), Trouble> {
    let environment = Environment(lookup);
    let mut settings = Vec::new();
    let (wires, origin) = wires(given, &environment)?;
    let endpoint = endpoint(given, &environment, &wires, &mut settings)?;
    // Without a word on the protocol, a port that is known for one says it.
    let (wires, origin) = match (origin, endpoint.target()) {
        (None, Target::Tcp { port: 4318, .. }) => {
            (vec![Wire::HttpProtobuf, Wire::HttpJson], "port 4318".to_owned())
        }
        (None, _) => (wires, "default".to_owned()),
        (Some(origin), _) => (wires, origin),
    };
    let names: Vec<&str> = wires.iter().map(|wire| wire.name()).collect();
    settings.push(Setting::new("protocol", names.join(", "), origin));

    let (receiver, headers) = receiver(given, &environment, &mut settings)?;
    let (timeout, origin) = timeout(given, &environment)?;
    settings.push(Setting::new("timeout", format!("{timeout:?}"), origin));

    let proxy = proxy(given, &endpoint, lookup, &mut settings)?;
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
    Ok((case, settings))
}

fn wires(given: &Given<'_>, environment: &Environment<'_>) -> Result<(Vec<Wire>, Option<String>), Trouble> {
    if !given.protocols.is_empty() {
        return Ok((given.protocols.to_vec(), Some("--protocol".to_owned())));
    }
    match environment.exporter("PROTOCOL") {
        Some((value, name)) => match Wire::from_str(&value, false) {
            Ok(wire) => Ok((vec![wire], Some(name))),
            Err(_) => Err(Trouble::Usage(format!(
                "{name} is {value:?}, and none of grpc, http/protobuf, http/json"
            ))),
        },
        None => Ok((vec![Wire::Grpc], None)),
    }
}

fn endpoint(
    given: &Given<'_>,
    environment: &Environment<'_>,
    wires: &[Wire],
    settings: &mut Vec<Setting>,
) -> Result<Endpoint, Trouble> {
    let variable = environment.exporter("ENDPOINT");
    let (endpoint, origin) = match (given.endpoint, variable) {
        (Some(text), _) => (case::endpoint(text)?, "command line".to_owned()),
        (None, Some((text, name))) => {
            let parsed: Result<Endpoint, _> = text.parse();
            let endpoint = parsed.map_err(|error| Trouble::Usage(format!("{name} {error}")))?;
            // A signal's own endpoint is used as it is; that for all is a base.
            let own = name.contains("_TRACES_");
            (if own { endpoint.per_signal() } else { endpoint }, name)
        }
        (None, None) if wires.iter().all(|wire| wire.is_grpc()) => {
            (Endpoint::default_grpc(), "default".to_owned())
        }
        (None, None) => (Endpoint::default_http(), "default".to_owned()),
    };
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
    let files = [
        ("ca_file", "CERTIFICATE", "--ca-file", &mut receiver.ca_file),
        ("cert_file", "CLIENT_CERTIFICATE", "--cert-file", &mut receiver.cert_file),
        ("key_file", "CLIENT_KEY", "--key-file", &mut receiver.key_file),
    ];
    for (name, variable, flag, file) in files {
        let mut origin = flag.to_owned();
        if file.is_none()
            && let Some((value, variable)) = environment.exporter(variable)
        {
            (*file, origin) = (Some(value.into()), variable);
        }
        settings.extend(file.as_ref().map(|file| Setting::new(name, file.display(), origin)));
    }
    let mut headers = receiver.headers()?;
    let mut origin = "--header".to_owned();
    if headers.is_empty()
        && let Some((list, variable)) = environment.exporter("HEADERS")
    {
        headers = Headers::parse(&list).map_err(|error| Trouble::Usage(format!("{variable}: {error}")))?;
        origin = variable;
    }
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

fn timeout(given: &Given<'_>, environment: &Environment<'_>) -> Result<(Duration, String), Trouble> {
    if let Some(timeout) = given.receiver.timeout {
        return Ok((timeout, "--timeout".to_owned()));
    }
    if let Some((value, name)) = environment.exporter("TIMEOUT") {
        // The variable counts milliseconds.
        let timeout = duration::parse_positive(&format!("{value}ms"))
            .map_err(|_| Trouble::Usage(format!("{name} is {value:?}, and no number of milliseconds")))?;
        return Ok((timeout, name));
    }
    Ok((Duration::from_secs(10), "default".to_owned()))
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
            Ok((case, settings)) => {
                let lines = settings.iter().map(|it| format!("{} {} {}\n", it.name, it.value, it.origin));
                Ok((case, lines.collect()))
            }
            Err(trouble) => Err(format!("{trouble:?}")),
        }
    }

    #[test]
    fn flags_go_before_variables_before_defaults() {
        // conf: ENV-01
        let (_, lines) = resolved(None, &[], &[]).unwrap();
        assert_eq!(
            lines,
            "endpoint http://localhost:4317 default\nprotocol grpc default\ntimeout 10s default\n"
        );
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318/base"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
        ];
        let (case, lines) = resolved(None, &[], &variables).unwrap();
        assert!(lines.contains("endpoint http://all:4318/base OTEL_EXPORTER_OTLP_ENDPOINT"), "{lines}");
        assert!(lines.contains("protocol http/json OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"), "{lines}");
        assert!(lines.contains("headers api-key=<redacted>") && !lines.contains("hunter2"), "{lines}");
        assert_eq!((case.timeout.as_millis(), case.headers.get("api-key")), (1500, Some("hunter2")));
        let (case, lines) = resolved(Some("http://mine:1"), &["--timeout", "2s"], &variables).unwrap();
        assert!(lines.contains("endpoint http://mine:1 command line"), "{lines}");
        assert_eq!(case.timeout.as_secs(), 2);
    }

    #[test]
    fn a_known_port_says_the_protocol_and_an_own_endpoint_is_no_base() {
        let (case, lines) = resolved(Some("http://mine:4318"), &[], &[]).unwrap();
        assert_eq!(case.wires, [Wire::HttpProtobuf, Wire::HttpJson]);
        assert!(lines.contains("protocol http/protobuf, http/json port 4318"), "{lines}");
        let own = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://own:4318/in")];
        let (case, _) = resolved(None, &[], &own).unwrap();
        assert_eq!(case.endpoint.signal_path(Signal::Traces), "/in");
    }

    #[test]
    fn nonsense_is_named() {
        for (variable, value) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "soap"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ] {
            let error = resolved(None, &[], &[(variable, value)]).map(drop).unwrap_err();
            assert!(error.contains(variable), "{error}");
        }
    }
}
