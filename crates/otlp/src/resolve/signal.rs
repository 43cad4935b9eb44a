//! What holds for one signal: what code says of it, what code says of all, what the environment says of it or of all, the
//! default.

use super::endpoint;
#[cfg(feature = "_tls")]
use super::endpoint::Found;
use super::{debug, pick};
use crate::builder::ClientBuilder;
#[cfg(feature = "json")]
use crate::config::SerializationFormat;
use crate::config::{BatchConfig, Protocol};
use crate::error::Error;
use crate::explain::{Origin, ResolvedConfig};
#[cfg(feature = "_tls")]
use crate::tls::TlsOptions;
use otlp_model::Signal;
use otlp_transport::{CompressLayer, Compression, Compressor, Endpoint, Headers};
use std::time::Duration;

/// Everything that may differ from signal to signal.
pub(crate) struct SignalOptions {
    pub(crate) enabled: bool,
    pub(crate) endpoint: Endpoint,
    pub(crate) protocol: Protocol,
    #[cfg(feature = "json")]
    pub(crate) format: SerializationFormat,
    pub(crate) headers: Headers,
    pub(crate) compress: CompressLayer,
    pub(crate) request_timeout: Duration,
    pub(crate) export_timeout: Duration,
    pub(crate) batch: BatchConfig,
    pub(crate) async_export: bool,
    #[cfg(feature = "_tls")]
    pub(crate) tls: TlsOptions,
}

pub(super) fn resolve(
    options: &ClientBuilder,
    signal: Signal,
    disabled: bool,
    config: &mut ResolvedConfig,
) -> Result<SignalOptions, Error> {
    let (own, said) = (options.signals.get(signal), options.settings.signals.get(signal));
    let name = |option: &str| format!("{signal}.{option}");
    let enabled =
        pick(config, name("enabled"), own.enabled.as_ref(), said.enabled.as_ref(), true, bool::to_string);
    #[cfg_attr(not(feature = "json"), expect(unused_variables, reason = "there is one format"))]
    let (protocol, format) = endpoint::protocol(options, signal, config)?;
    let found = endpoint::endpoint(options, signal, protocol)?;
    let is_implied = endpoint::is_tls_implied(options, signal, &found, protocol);
    #[cfg(feature = "_tls")]
    let (found, tls) = tls(options, signal, found, is_implied, config)?;
    #[cfg(not(feature = "_tls"))]
    if is_implied {
        let problem = otlp_transport::EndpointError::TlsUnsupported;
        return Err(Error::option(&found.option, problem));
    }
    config.push(name("endpoint"), &found.endpoint, found.origin.clone());
    found.warn_of_port(protocol, config);
    let headers = headers(options, signal, config)?;
    let compression = pick(
        config,
        name("compression"),
        own.compression.as_ref().or(options.compression.as_ref()),
        said.compression.as_ref(),
        Compression::None,
        debug,
    );
    let compressor = Compressor::new(compression).map_err(|error| {
        let is_own = own.compression.is_some();
        Error::option(if is_own { "with_signal_config: compression" } else { "with_compression" }, error)
    })?;
    let mut time = |option, own: Option<Duration>, all: Option<Duration>, said, default| {
        if own.is_some_and(|time| time.is_zero()) {
            return Err(Error::option(&format!("with_signal_config: {option}"), "must be longer than zero"));
        }
        Ok(pick(config, name(option), own.or(all).as_ref(), said, default, debug))
    };
    let request_timeout = time(
        "request_timeout",
        own.request_timeout,
        options.request_timeout,
        said.request_timeout.as_ref(),
        Duration::from_secs(10),
    )?;
    let export_timeout = time(
        "export_timeout",
        own.export_timeout,
        options.export_timeout,
        said.export_timeout.as_ref(),
        Duration::from_secs(300),
    )?;
    let batch = batch(options, signal, config)?;
    let async_export = pick(
        config,
        name("async_export"),
        options.async_export.as_ref(),
        said.async_export.as_ref(),
        true,
        bool::to_string,
    );
    Ok(SignalOptions {
        enabled: enabled && !disabled,
        endpoint: found.endpoint,
        protocol,
        #[cfg(feature = "json")]
        format,
        headers,
        compress: CompressLayer::new(compressor),
        request_timeout,
        export_timeout,
        batch,
        async_export,
        #[cfg(feature = "_tls")]
        tls,
    })
}

/// The endpoint over TLS, where that is asked for, and how.
#[cfg(feature = "_tls")]
fn tls(
    options: &ClientBuilder,
    signal: Signal,
    found: Found,
    is_implied: bool,
    config: &mut ResolvedConfig,
) -> Result<(Found, TlsOptions), Error> {
    let tls = match &options.signals.get(signal).tls {
        Some(config) => options.tls.with_config(config),
        None => options.tls.with_settings(options.settings.signals.get(signal)),
    };
    for (name, path, origin) in tls.files() {
        config.push(format!("{signal}.tls.{name}"), path, origin);
    }
    let given_by = (found.origin != Origin::Default).then_some(&*found.option);
    let endpoint = tls.secure(found.endpoint, given_by)?;
    // What the environment names without a scheme is secure unless it says otherwise, over gRPC (GRPC-15).
    let endpoint = if is_implied { endpoint.secured() } else { endpoint };
    Ok((Found { endpoint, ..found }, tls))
}

/// Those of the signal alone, if it has any of its own (DEC-09); else the environment's, with those of code in their place.
fn headers(options: &ClientBuilder, signal: Signal, config: &mut ResolvedConfig) -> Result<Headers, Error> {
    let said = options.settings.signals.get(signal).headers.as_ref();
    let (option, code, said) = match &options.signals.get(signal).headers {
        Some(own) => ("with_signal_config: headers", own, None),
        None => ("with_header", &options.headers, said),
    };
    let mut headers = said.map(|given| given.value.clone()).unwrap_or_default();
    for (name, value) in code {
        headers.insert(name, value).map_err(|error| Error::option(option, error))?;
    }
    let is_code = |name: &str| code.iter().any(|(set, _)| set.eq_ignore_ascii_case(name));
    for name in headers.names() {
        let origin = match said {
            Some(given) if !is_code(name) => given.origin.clone(),
            _ => Origin::Code,
        };
        config.push(format!("{signal}.headers.{name}"), "<redacted>", origin);
    }
    Ok(headers)
}

fn batch(options: &ClientBuilder, signal: Signal, config: &mut ResolvedConfig) -> Result<BatchConfig, Error> {
    let own = options.signals.get(signal).batch.as_ref();
    if let Some(own) = own {
        own.check("with_signal_config: batch: ")?;
    }
    let (code, said) = (own.or(options.batch.as_ref()), options.settings.signals.get(signal));
    let default = BatchConfig::default();
    let queue = said.queue_size.as_ref().map_or(default.max_queue_size, |given| given.value);
    let name = |option: &str| format!("{signal}.batch.{option}");
    Ok(BatchConfig {
        max_batch_size: pick(
            config,
            name("max_batch_size"),
            code.map(|code| &code.max_batch_size),
            said.batch_size.as_ref(),
            // A queue may be asked for that is shorter than our batches.
            default.max_batch_size.min(queue),
            debug,
        ),
        batch_timeout: pick(
            config,
            name("batch_timeout"),
            code.map(|code| &code.batch_timeout),
            said.batch_delay.as_ref(),
            default.batch_timeout,
            debug,
        ),
        max_queue_size: pick(
            config,
            name("max_queue_size"),
            code.map(|code| &code.max_queue_size),
            said.queue_size.as_ref(),
            default.max_queue_size,
            debug,
        ),
        strategy: pick(
            config,
            name("strategy"),
            code.map(|code| &code.strategy),
            None,
            default.strategy,
            debug,
        ),
    })
}
