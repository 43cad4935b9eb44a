//! The processor and the exporter of a signal in a configuration file.

use super::node::{At, Node};
use crate::config::{Protocol, SerializationFormat};
use crate::explain::Origin;
use crate::settings::{Address, Given, SignalSettings, timeout};
use otlp_model::Signal;
use otlp_transport::{Compression, Headers};
use std::time::Duration;

/// Gives a value the file as its origin.
pub(super) struct FromFile(pub(super) Origin);

impl FromFile {
    pub(super) fn given<T>(&self, value: T) -> Given<T> {
        Given { value, origin: self.0.clone() }
    }

    /// What the schema says where the file says nothing.
    fn or_default<T>(&self, value: Option<T>, default: T) -> Option<Given<T>> {
        Some(match value {
            Some(value) => self.given(value),
            None => Given { value: default, origin: Origin::Default },
        })
    }
}

/// What a provider says: one batch processor with an OTLP exporter.
pub(super) fn processors(
    from: &FromFile,
    provider: &At<'_>,
    signal: Signal,
) -> Result<SignalSettings, String> {
    let processors = provider.need("processors")?;
    let mut list = processors.list()?.into_iter();
    let first = list.next().ok_or_else(|| processors.wrong("must have a processor"))?;
    if let Some(second) = list.next() {
        return Err(second.wrong("more than one processor is not supported"));
    }
    let (name, batch) = first.one()?;
    if name != "batch" {
        return Err(batch.wrong("is a processor that is not supported; batch is"));
    }
    batch.only(&[
        "schedule_delay",
        "export_timeout",
        "max_queue_size",
        "max_export_batch_size",
        "exporter",
    ])?;
    let count = |key, least| batch.get(key)?.map(|at| at.count(least)).transpose();
    let (name, options) = batch.need("exporter")?.one()?;
    let mut settings = match name {
        #[cfg(feature = "http")]
        "otlp_http" => http(from, &options, signal)?,
        #[cfg(feature = "grpc")]
        "otlp_grpc" => grpc(from, &options)?,
        _ => {
            return Err(options.wrong(
                "is an exporter that is not supported; otlp_http and otlp_grpc are, by their features",
            ));
        }
    };
    let delay = count("schedule_delay", 0)?.map(|ms| Duration::from_millis(ms.max(1)));
    let default = Duration::from_secs(if signal == Signal::Logs { 1 } else { 5 });
    settings.batch_delay = from.or_default(delay, default);
    settings.export_timeout =
        from.or_default(count("export_timeout", 0)?.map(timeout), Duration::from_secs(30));
    let size = |value: Option<u64>| value.map(|value| usize::try_from(value).unwrap_or(usize::MAX));
    let queue = size(count("max_queue_size", 1)?);
    let batches = size(count("max_export_batch_size", 1)?);
    let most = queue.unwrap_or(2048);
    if batches.is_some_and(|batches| batches > most) {
        return Err(batch.wrong(format_args!(
            "max_export_batch_size is larger than the queue, which has room for {most}"
        )));
    }
    settings.queue_size = from.or_default(queue, 2048);
    settings.batch_size = from.or_default(batches, most.min(512));
    settings.enabled = Some(from.given(true));
    Ok(settings)
}

#[cfg(feature = "http")]
fn http(from: &FromFile, options: &At<'_>, signal: Signal) -> Result<SignalSettings, String> {
    options.only(&["endpoint", "tls", "headers", "headers_list", "compression", "timeout", "encoding"])?;
    let format = match options.get("encoding")?.map(|at| Ok::<_, String>((at.text()?, at))).transpose()? {
        None => SerializationFormat::Protobuf,
        Some((text, _)) if text == "protobuf" => SerializationFormat::Protobuf,
        #[cfg(feature = "json")]
        Some((text, _)) if text == "json" => SerializationFormat::Json,
        Some((_, at)) => return Err(at.wrong("must be protobuf, or json with the feature `json`")),
    };
    let mut settings = exporter(from, options)?;
    settings.protocol = Some(from.given((Protocol::Http, format)));
    // It includes the signal's path (CFG-15).
    let default = || format!("http://localhost:4318/v1/{signal}");
    settings.endpoint = from.or_default(address(options)?, Address { text: default(), exact: true });
    tls(from, options, &TLS_FILES, &mut settings)?;
    Ok(settings)
}

#[cfg(feature = "grpc")]
fn grpc(from: &FromFile, options: &At<'_>) -> Result<SignalSettings, String> {
    options.only(&["endpoint", "tls", "headers", "headers_list", "compression", "timeout"])?;
    let mut settings = exporter(from, options)?;
    settings.protocol = Some(from.given((Protocol::Grpc, SerializationFormat::Protobuf)));
    let default = "http://localhost:4317".to_owned();
    settings.endpoint = from.or_default(address(options)?, Address { text: default, exact: true });
    let [ca, cert, key] = TLS_FILES;
    tls(from, options, &[ca, cert, key, "insecure"], &mut settings)?;
    Ok(settings)
}

/// What both protocols have.
fn exporter(from: &FromFile, options: &At<'_>) -> Result<SignalSettings, String> {
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
