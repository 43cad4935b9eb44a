//! Which receivers there are: of each signal what the library makes of flags, environment and file, and where each value is from;
//! then the signals together that go to one receiver.
//!
//! Pure. Reads no variable and no file: what the library says is what an application does.

use super::case::{Case, Route};
use super::finding::Finding;
use super::proxies;
use super::settings::{Given, Setting};
use crate::duration;
use crate::exit::Trouble;
use crate::receiver::Receiver;
use crate::wire::Wire;
use clap::ValueEnum;
use otlp::{ClientBuilder, ConfigEntry, Origin, Protocol, ResolvedConfig, SignalConfig};
use otlp_model::Signal;
use otlp_transport::{Compression, Endpoint, Target};
use std::time::Duration;

/// The longest that a step waits unless --timeout says more: the environment may allow a year.
const LONGEST: Duration = Duration::from_secs(60);

/// What there is to know of one signal's exporter.
struct Exporter {
    route: Route,
    wires: Vec<Wire>,
    /// Whether nobody named these.
    guessed: bool,
    receiver: Receiver,
    timeout: Duration,
    settings: Vec<Setting>,
}

/// A receiver, and what is used for it.
pub(super) struct Examined {
    /// Or why no client reaches it, whoever it is.
    pub(super) case: Result<Case, Finding>,
    pub(super) signals: Vec<Signal>,
    pub(super) settings: Vec<Setting>,
}

/// The receivers of `signals`, each once.
pub(super) fn receivers(
    given: &Given<'_>,
    signals: &[Signal],
    builder: &ClientBuilder,
    config: &ResolvedConfig,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Examined>, Trouble> {
    let mut groups: Vec<Vec<Exporter>> = Vec::new();
    for signal in signals {
        let exporter = Exporter::new(given, *signal, builder, config)?;
        match groups.iter_mut().find(|group| group.first().is_some_and(|one| one.shares_with(&exporter))) {
            Some(group) => group.push(exporter),
            None => groups.push(vec![exporter]),
        }
    }
    let largest = largest(config)?;
    groups.into_iter().filter_map(|group| examined(given, group, largest, lookup).transpose()).collect()
}

/// The most bytes that a request has.
fn largest(config: &ResolvedConfig) -> Result<usize, Trouble> {
    const NAME: &str = "max_request_bytes";
    let said = config.get(NAME).and_then(|entry| entry.value.parse().ok());
    said.ok_or_else(|| {
        Trouble::Failed(format!("the client does not say how large its requests may be ({NAME})"))
    })
}

impl Exporter {
    fn new(
        given: &Given<'_>,
        signal: Signal,
        builder: &ClientBuilder,
        config: &ResolvedConfig,
    ) -> Result<Self, Trouble> {
        let entries = Entries { config, signal };
        let resolved = builder.resolve_exporter(signal).map_err(|error| Trouble::Usage(error.to_string()))?;
        let endpoint = resolved.endpoint;
        let mut settings = Vec::new();
        let origin = entries.origin("endpoint", "command line");
        settings.push(Setting::new("endpoint", &endpoint, origin));
        let (wires, origin) = wires(given, &entries);
        // Only a guess has more than one that `--protocol` does not name.
        let guessed = given.protocols.is_empty() && wires.len() > 1;
        let spoken: Vec<&str> = wires.iter().map(|wire| wire.name()).collect();
        settings.push(Setting::new("protocol", spoken.join(", "), origin));
        let receiver = receiver(given, &entries, &mut settings);
        if !resolved.headers.is_empty() {
            // Values are secrets.
            let names: Vec<String> =
                resolved.headers.names().map(|name| format!("{name}=<redacted>")).collect();
            settings.push(Setting::new("headers", names.join(", "), entries.origin_of_headers()));
        }
        if receiver.insecure_skip_verify {
            settings.push(Setting::new("verify_server", false, "--insecure-skip-verify"));
        }
        if let Some(name) = &receiver.server_name {
            settings.push(Setting::new("server_name", name, "--server-name"));
        }
        let (timeout, origin) = timeout(given, &entries);
        settings.push(Setting::new("timeout", format!("{timeout:?}"), origin));
        let compression = compression(&entries)?;
        let origin = entries.origin("compression", "code");
        if origin != Origin::Default.to_string() {
            settings.push(Setting::new("compression", compression.encoding().as_str(), origin));
        }
        let route = Route { signal, endpoint, headers: resolved.headers, compression };
        Ok(Self { route, wires, guessed, receiver, timeout, settings })
    }

    /// Whether both go to one receiver: only paths, headers, compression and patience differ.
    fn shares_with(&self, other: &Self) -> bool {
        let of = |it: &Self| {
            let Receiver { ca_file, cert_file, key_file, .. } = it.receiver.clone();
            (it.route.endpoint.is_secure(), ca_file, cert_file, key_file)
        };
        self.route.endpoint.target() == other.route.endpoint.target()
            && self.wires == other.wires
            && of(self) == of(other)
    }
}

fn examined(
    given: &Given<'_>,
    group: Vec<Exporter>,
    largest: usize,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Examined>, Trouble> {
    let mut settings = merged(&group);
    // Whoever waits longest is waited for.
    let timeout = group.iter().map(|exporter| exporter.timeout).max().unwrap_or_default();
    let mut exporters = group.into_iter();
    let Some(Exporter { route: first, wires, guessed, receiver, .. }) = exporters.next() else {
        return Ok(None);
    };
    let others: Vec<Route> = exporters.map(|exporter| exporter.route).collect();
    let signals = std::iter::once(&first).chain(&others).map(|route| route.signal).collect();
    let (proxy, setting) = match proxies::proxy(given, &first.endpoint, lookup)? {
        Ok(way) => way,
        Err(finding) => return Ok(Some(Examined { case: Err(finding), signals, settings })),
    };
    settings.extend(setting);
    let (real, limits) = (given.real, given.limits);
    let case = Case { first, others, wires, guessed, receiver, proxy, timeout, largest, real, limits };
    Ok(Some(Examined { case: Ok(case), signals, settings }))
}

/// One line for what is the same for all signals of a receiver, else one for each, with its name.
fn merged(group: &[Exporter]) -> Vec<Setting> {
    let mut settings: Vec<Setting> = Vec::new();
    let mut told = Vec::new();
    for setting in group.iter().flat_map(|exporter| &exporter.settings) {
        if told.contains(&&setting.name) {
            continue;
        }
        told.push(&setting.name);
        if group.iter().all(|exporter| exporter.settings.contains(setting)) {
            settings.push(setting.clone());
            continue;
        }
        for exporter in group {
            let own = exporter.settings.iter().find(|own| own.name == setting.name);
            let named = |own: &Setting| Setting {
                name: format!("{}.{}", exporter.route.signal, own.name).into(),
                ..own.clone()
            };
            settings.extend(own.map(named));
        }
    }
    settings
}

/// What the library has for one signal.
struct Entries<'a> {
    config: &'a ResolvedConfig,
    signal: Signal,
}

impl<'a> Entries<'a> {
    fn get(&self, option: &str) -> Option<&'a ConfigEntry> {
        self.config.get(&format!("{}.{option}", self.signal))
    }

    /// Who said it; what is code in an application is `flag` here.
    fn origin(&self, option: &str, flag: &str) -> String {
        self.get(option).map_or_else(|| "default".to_owned(), |entry| of(&entry.origin, flag))
    }

    fn origin_of_headers(&self) -> String {
        let prefix = format!("{}.headers.", self.signal);
        let mut origins: Vec<String> = Vec::new();
        for entry in self.config.entries().filter(|entry| entry.name.starts_with(&prefix)) {
            let origin = of(&entry.origin, "--header");
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        origins.join(", ")
    }
}

fn of(origin: &Origin, flag: &str) -> String {
    if *origin == Origin::Code { flag.to_owned() } else { origin.to_string() }
}

/// `builder`, speaking to `endpoint`, which is the command line's, as its port says where nobody else says it. To an endpoint
/// from elsewhere an application speaks what the library has as its default, on the wrong port, too: that is to be found.
pub(super) fn by_port(builder: ClientBuilder, config: &ResolvedConfig, endpoint: &Endpoint) -> ClientBuilder {
    let protocol = match endpoint.target() {
        Target::Tcp { port: 4317, .. } => Protocol::Grpc,
        _ => Protocol::Http,
    };
    let is_open = |signal: &Signal| {
        let entry = Entries { config, signal: *signal }.get("protocol");
        entry.is_none_or(|entry| entry.origin == Origin::Default)
    };
    Signal::ALL.into_iter().filter(is_open).fold(builder, |builder, signal| {
        let config = SignalConfig { protocol: Some(protocol), ..SignalConfig::default() };
        builder.with_signal_config(signal, config)
    })
}

/// What is spoken, and who says so. Without `--protocol` code says it as [`by_port`] does, and never else.
fn wires(given: &Given<'_>, entries: &Entries<'_>) -> (Vec<Wire>, String) {
    if !given.protocols.is_empty() {
        return (given.protocols.to_vec(), "--protocol".to_owned());
    }
    let said = entries
        .get("protocol")
        .and_then(|entry| Some((Wire::from_str(&entry.value, true).ok()?, &entry.origin)));
    match said {
        Some((Wire::Grpc, Origin::Code)) => (vec![Wire::Grpc], "port 4317".to_owned()),
        None | Some((_, Origin::Code)) => (vec![Wire::HttpProtobuf, Wire::HttpJson], "default".to_owned()),
        Some((wire, origin)) => (vec![wire], origin.to_string()),
    }
}

/// The flags, with the files that are named elsewhere where they name none.
fn receiver(given: &Given<'_>, entries: &Entries<'_>, settings: &mut Vec<Setting>) -> Receiver {
    let mut receiver = given.receiver.clone();
    let files = [
        ("ca_file", "tls.ca_file", "--ca-file", &mut receiver.ca_file),
        ("cert_file", "tls.cert_file", "--cert-file", &mut receiver.cert_file),
        ("key_file", "tls.key_file", "--key-file", &mut receiver.key_file),
    ];
    for (name, option, flag, file) in files {
        let entry = entries.get(option).filter(|entry| entry.origin != Origin::Code);
        *file = entry.map(|entry| entry.value.clone().into()).or(file.take());
        let origin = entries.origin(option, flag);
        settings.extend(file.as_ref().map(|file| Setting::new(name, file.display(), origin)));
    }
    receiver
}

/// What the library calls it, as something to do it with.
fn compression(entries: &Entries<'_>) -> Result<Compression, Trouble> {
    const ALL: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Zstd];
    let said = entries.get("compression").map(|entry| &*entry.value);
    let known = |said: &str| ALL.into_iter().find(|known| format!("{known:?}") == said);
    said.and_then(known).ok_or_else(|| {
        let signal = entries.signal;
        Trouble::Failed(format!("the client does not say how it compresses {signal} ({signal}.compression)"))
    })
}

fn timeout(given: &Given<'_>, entries: &Entries<'_>) -> (Duration, String) {
    if let Some(timeout) = given.receiver.timeout {
        return (timeout, "--timeout".to_owned());
    }
    let of_library = entries.get("request_timeout").and_then(|entry| {
        let timeout = duration::parse_positive(&entry.value).ok()?;
        Some((timeout.min(LONGEST), entry.origin.to_string()))
    });
    of_library.unwrap_or((Duration::from_secs(10), "default".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_large_a_request_may_be_the_client_says_or_nobody() {
        let config = ClientBuilder::default().with_max_request_bytes(4096).resolve().unwrap();
        assert_eq!(largest(&config).unwrap(), 4096);
        let Trouble::Failed(text) = largest(&ResolvedConfig::default()).unwrap_err() else { panic!() };
        assert_eq!(text, "the client does not say how large its requests may be (max_request_bytes)");
    }
}
