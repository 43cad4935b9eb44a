//! The exporter of a signal in a configuration file.

use super::node::{At, Node};
use crate::builder::ClientBuilder;
use crate::config::{Protocol, SerializationFormat, TemporalityPreference};
use crate::explain::Origin;
use crate::settings::{Address, Given, SignalSettings, timeout};
use otlp_model::Signal;
use otlp_transport::{Compression, DEFAULT_MAX_RESPONSE_SIZE, Headers};
use std::time::Duration;

/// Gives a value the file as its origin.
pub(super) struct FromFile(pub(super) Origin);

impl FromFile {
    pub(super) fn given<T>(&self, value: T) -> Given<T> {
        Given { value, origin: self.0.clone() }
    }

    /// What the schema says where the file says nothing.
    pub(super) fn or_default<T>(&self, value: Option<T>, default: T) -> Option<Given<T>> {
        Some(match value {
            Some(value) => self.given(value),
            None => Given { value: default, origin: Origin::Default },
        })
    }
}

const EXPORTERS: &[&str] = &[
    #[cfg(feature = "http")]
    "otlp_http",
    #[cfg(feature = "grpc")]
    "otlp_grpc",
];

fn named<'a>(of: &At<'a>) -> Result<(&'a str, At<'a>), String> {
    let named = of.need("exporter")?.component("an exporter", EXPORTERS);
    named.map_err(|problem| format!("{problem}; otlp_http is by the feature `http`, otlp_grpc by `grpc`"))
}

/// The exporter of a processor, or of a reader of metrics.
pub(super) fn exporter(from: &FromFile, of: &At<'_>, signal: Signal) -> Result<SignalSettings, String> {
    let (name, options) = named(of)?;
    match name {
        #[cfg(feature = "http")]
        "otlp_http" => http(from, &options, signal),
        #[cfg(feature = "grpc")]
        "otlp_grpc" => grpc(from, &options, signal),
        _ => Err(options.wrong("is not compiled in")),
    }
}

/// What the exporter of metrics prefers (CFG-24).
pub(super) fn temporality(
    from: &FromFile,
    reader: &At<'_>,
) -> Result<Option<Given<TemporalityPreference>>, String> {
    let (_, options) = named(reader)?;
    let Some(at) = options.get(TEMPORALITY)? else { return Ok(None) };
    match at.text()?.as_str() {
        "cumulative" => Ok(Some(from.given(TemporalityPreference::Cumulative))),
        "delta" => Ok(Some(from.given(TemporalityPreference::Delta))),
        "low_memory" => Ok(Some(from.given(TemporalityPreference::LowMemory))),
        _ => Err(at.wrong("must be one of cumulative, delta, low_memory")),
    }
}

const TEMPORALITY: &str = "temporality_preference";
const AGGREGATION: &str = "default_histogram_aggregation";

/// What every exporter has.
const COMMON: [&str; 8] = [
    "endpoint",
    "tls",
    "headers",
    "headers_list",
    "compression",
    "timeout",
    "max_request_size",
    "max_response_size",
];

/// An exporter that has the common options, those of its protocol, and, for metrics, theirs.
fn only(options: &At<'_>, signal: Signal, protocols: &[&str]) -> Result<(), String> {
    let of_metrics = if signal == Signal::Metrics { &[TEMPORALITY, AGGREGATION][..] } else { &[] };
    options.only(&[&COMMON, protocols, of_metrics].concat())?;
    let cure = "the SDK aggregates: give it a view with `Aggregation::Base2ExponentialHistogram`";
    options.only_as_it_is(AGGREGATION, &Node::Text("explicit_bucket_histogram".to_owned()), cure)?;
    // Requests are cut to far less, and no option allows more than this (CFG-16).
    let largest = ClientBuilder::MAX_REQUEST_BYTES as u64;
    if let Some(at) = options.get("max_request_size")?
        && !matches!(at.count(0)?, size if size == 0 || size >= largest)
    {
        return Err(at.wrong(format_args!(
            "smaller than {largest} is set in code, for all signals: `with_max_request_bytes`, 2 MiB unless said otherwise"
        )));
    }
    let is = i64::try_from(DEFAULT_MAX_RESPONSE_SIZE).unwrap_or(i64::MAX);
    options.only_as_it_is("max_response_size", &Node::Int(is), "the client reads no more of an answer")
}

#[cfg(feature = "http")]
fn http(from: &FromFile, options: &At<'_>, signal: Signal) -> Result<SignalSettings, String> {
    only(options, signal, &["encoding"])?;
    let format = match options.get("encoding")?.map(|at| Ok::<_, String>((at.text()?, at))).transpose()? {
        None => SerializationFormat::Protobuf,
        Some((text, _)) if text == "protobuf" => SerializationFormat::Protobuf,
        #[cfg(feature = "json")]
        Some((text, _)) if text == "json" => SerializationFormat::Json,
        Some((_, at)) => return Err(at.wrong("must be protobuf, or json with the feature `json`")),
    };
    let mut settings = common(from, options)?;
    settings.protocol = Some(from.given((Protocol::Http, format)));
    // It includes the signal's path (CFG-15).
    let default = || format!("http://localhost:4318/v1/{signal}");
    settings.endpoint = from.or_default(address(options)?, Address { text: default(), exact: true });
    tls(from, options, &TLS_FILES, &mut settings)?;
    Ok(settings)
}

#[cfg(feature = "grpc")]
fn grpc(from: &FromFile, options: &At<'_>, signal: Signal) -> Result<SignalSettings, String> {
    only(options, signal, &[])?;
    let mut settings = common(from, options)?;
    settings.protocol = Some(from.given((Protocol::Grpc, SerializationFormat::Protobuf)));
    let default = "http://localhost:4317".to_owned();
    settings.endpoint = from.or_default(address(options)?, Address { text: default, exact: true });
    let [ca, cert, key] = TLS_FILES;
    tls(from, options, &[ca, cert, key, "insecure"], &mut settings)?;
    Ok(settings)
}

/// What both protocols have.
fn common(from: &FromFile, options: &At<'_>) -> Result<SignalSettings, String> {
    let compression =
        match options.get("compression")?.map(|at| Ok::<_, String>((at.text()?, at))).transpose()? {
            None => Compression::None,
            Some((text, _)) if text == "none" => Compression::None,
            #[cfg(feature = "gzip")]
            Some((text, _)) if text == "gzip" => Compression::Gzip,
            Some((_, at)) => return Err(at.wrong("must be none, or gzip with the feature `gzip`")),
        };
    let time = options.get("timeout")?.map(|at| at.count(0).map(timeout)).transpose()?;
    Ok(SignalSettings {
        headers: Some(from.given(headers(options)?)),
        compression: Some(from.given(compression)),
        request_timeout: from.or_default(time, Duration::from_secs(10)),
        ..SignalSettings::default()
    })
}

fn address(options: &At<'_>) -> Result<Option<Address>, String> {
    let Some(at) = options.get("endpoint")? else { return Ok(None) };
    Address::new(&at.text()?, true).map(Some).map_err(|problem| at.wrong(problem))
}

/// The list of pairs goes before the list in one text (CFG-17). No value is shown.
fn headers(options: &At<'_>) -> Result<Headers, String> {
    let mut headers = match options.get("headers_list")? {
        None => Headers::new(),
        Some(at) => Headers::parse(&at.text()?).map_err(|error| at.wrong(error))?,
    };
    let list = options.get("headers")?.map(|at| at.list()).transpose()?.unwrap_or_default();
    for pair in list {
        pair.only(&["name", "value"])?;
        let (name, value) = (pair.need("name")?.text()?, pair.need("value")?);
        if *value.node() != Node::Null {
            headers.insert(&name, &value.text()?).map_err(|error| pair.wrong(error))?;
        }
    }
    Ok(headers)
}

const TLS_FILES: [&str; 3] = ["ca_file", "cert_file", "key_file"];

fn tls(
    from: &FromFile,
    options: &At<'_>,
    known: &[&str],
    settings: &mut SignalSettings,
) -> Result<(), String> {
    let Some(tls) = options.get("tls")? else { return Ok(()) };
    tls.only(known)?;
    settings.insecure =
        tls.get("insecure")?.map(|at| at.boolean()).transpose()?.map(|value| from.given(value));
    // A path that is not absolute depends on where the program was started (TLS-06).
    let file = |key| {
        let Some(at) = tls.get(key)? else { return Ok(None) };
        let path = at.text()?;
        if std::path::Path::new(&path).is_absolute() {
            Ok(Some(from.given(path)))
        } else {
            Err(at.wrong("must be an absolute path"))
        }
    };
    let (ca, cert, key) = (file("ca_file")?, file("cert_file")?, file("key_file")?);
    if cert.is_some() != key.is_some() {
        return Err(tls.wrong("cert_file and key_file go together"));
    }
    #[cfg(feature = "_tls")]
    {
        (settings.ca_file, settings.cert_file, settings.key_file) = (ca, cert, key);
    }
    #[cfg(not(feature = "_tls"))]
    if ca.or(cert).or(key).is_some() {
        return Err(tls.wrong("TLS is not compiled in: enable the feature `tls-ring` or `tls-aws-lc`"));
    }
    Ok(())
}
