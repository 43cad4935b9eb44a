//! Where a signal goes and what is spoken there.

use crate::builder::ClientBuilder;
use crate::config::{Protocol, SerializationFormat};
use crate::error::Error;
use crate::explain::{Origin, ResolvedConfig};
use otlp_model::Signal;
use otlp_transport::{Endpoint, Target};

/// An endpoint, and who gave it.
pub(super) struct Found {
    pub(super) endpoint: Endpoint,
    pub(super) origin: Origin,
    /// How whoever gave it is called in an error.
    pub(super) option: String,
}

/// The protocol and the format asked for, or what the one and the features leave of the other. Code that says either has
/// said both: the environment has one variable for them.
pub(super) fn protocol(
    options: &ClientBuilder,
    signal: Signal,
    config: &mut ResolvedConfig,
) -> Result<(Protocol, SerializationFormat), Error> {
    let (own, said) = (options.signals.get(signal), options.settings.signals.get(signal));
    let (protocol, format) = (own.protocol.or(options.protocol), own.format.or(options.format));
    let (value, origin) = match (protocol, format, &said.protocol) {
        (None, None, Some(given)) => (given.value, given.origin.clone()),
        (None, None, None) => {
            let protocol = default_protocol(options.settings.by_specification);
            ((protocol, SerializationFormat::Protobuf), Origin::Default)
        }
        _ => {
            let option = match (own.format, own.protocol) {
                (Some(_), _) => "with_signal_config: format",
                (None, Some(_)) => "with_signal_config: protocol",
                (None, None) => "with_serialization_format",
            };
            (together(protocol, format.unwrap_or_default(), option)?, Origin::Code)
        }
    };
    config.push(format!("{signal}.protocol"), spelled(value), origin);
    Ok(value)
}

/// As `OTEL_EXPORTER_OTLP_PROTOCOL` spells it.
fn spelled((protocol, format): (Protocol, SerializationFormat)) -> &'static str {
    match (protocol, format) {
        #[cfg(feature = "grpc")]
        (Protocol::Grpc, _) => "grpc",
        #[cfg(feature = "json")]
        (Protocol::Http, SerializationFormat::Json) => "http/json",
        #[cfg(feature = "http")]
        (Protocol::Http, SerializationFormat::Protobuf) => "http/protobuf",
    }
}

/// `option` is who is told if they do not go together.
#[cfg_attr(
    not(all(feature = "json", feature = "grpc")),
    expect(unused_variables, reason = "nothing fails to go together")
)]
fn together(
    protocol: Option<Protocol>,
    format: SerializationFormat,
    option: &str,
) -> Result<(Protocol, SerializationFormat), Error> {
    #[cfg(feature = "json")]
    if format == SerializationFormat::Json {
        return match protocol {
            None | Some(Protocol::Http) => Ok((Protocol::Http, format)),
            #[cfg(feature = "grpc")]
            Some(Protocol::Grpc) => Err(Error::option(option, "JSON goes over HTTP only, not over gRPC")),
        };
    }
    Ok((protocol.unwrap_or(default_protocol(false)), format))
}

/// Ours is gRPC, that of the environment variables HTTP; either, if the other is not compiled in.
fn default_protocol(by_specification: bool) -> Protocol {
    #[cfg(all(feature = "grpc", feature = "http"))]
    return if by_specification { Protocol::Http } else { Protocol::Grpc };
    #[cfg(not(all(feature = "grpc", feature = "http")))]
    {
        let _ = by_specification;
        #[cfg(feature = "grpc")]
        return Protocol::Grpc;
        #[cfg(feature = "http")]
        return Protocol::Http;
    }
}

/// The endpoint, before TLS had its say.
pub(super) fn endpoint(options: &ClientBuilder, signal: Signal, protocol: Protocol) -> Result<Found, Error> {
    let said = options.settings.signals.get(signal).endpoint.as_ref();
    let (text, exact, option, origin) = match (&options.signals.get(signal).endpoint, &options.endpoint, said)
    {
        (Some(text), _, _) => (text, true, "with_signal_config: endpoint".to_owned(), Origin::Code),
        (None, Some(text), _) => (text, false, "with_endpoint".to_owned(), Origin::Code),
        (None, None, Some(given)) => {
            let option = given.origin.name_of("with_endpoint");
            (&given.value.text, given.value.exact, option, given.origin.clone())
        }
        (None, None, None) => {
            let (endpoint, option) = (default_endpoint(protocol), "with_endpoint".to_owned());
            return Ok(Found { endpoint, origin: Origin::Default, option });
        }
    };
    let endpoint: Endpoint = text.parse().map_err(|error| Error::option(&option, error))?;
    // gRPC has no paths (URL-10).
    let endpoint = if exact && !is_grpc(protocol) { endpoint.per_signal() } else { endpoint };
    Ok(Found { endpoint, origin, option })
}

/// Whether an endpoint without a scheme means TLS: one from the environment, over gRPC, unless it says that it is insecure. In
/// code such an endpoint is clear text.
pub(super) fn is_tls_implied(
    options: &ClientBuilder,
    signal: Signal,
    found: &Found,
    protocol: Protocol,
) -> bool {
    let insecure = options.settings.signals.get(signal).insecure.as_ref();
    let is_from_outside = !matches!(found.origin, Origin::Code | Origin::Default);
    is_from_outside
        && is_grpc(protocol)
        && !found.endpoint.is_scheme_given()
        && found.endpoint.target().unix_path().is_none()
        && !insecure.is_some_and(|given| given.value)
}

fn default_endpoint(protocol: Protocol) -> Endpoint {
    if is_grpc(protocol) { Endpoint::default_grpc() } else { Endpoint::default_http() }
}

pub(super) fn is_grpc(protocol: Protocol) -> bool {
    match protocol {
        #[cfg(feature = "grpc")]
        Protocol::Grpc => true,
        #[cfg(feature = "http")]
        Protocol::Http => false,
    }
}

impl Found {
    /// Each protocol has a port where receivers listen, and nothing else is so often mixed up.
    pub(super) fn warn_of_port(&self, protocol: Protocol, config: &mut ResolvedConfig) {
        let Target::Tcp { port, .. } = self.endpoint.target() else { return };
        let (mistaken, spoken, other) =
            if is_grpc(protocol) { (4318, "gRPC", "HTTP") } else { (4317, "HTTP", "gRPC") };
        if *port == mistaken {
            let cure = match &self.origin {
                // Variables do not count beside it.
                Origin::File(path) => {
                    format!("use otlp_{} in {}", other.to_ascii_lowercase(), path.display())
                }
                _ => "set OTEL_EXPORTER_OTLP_PROTOCOL or with_protocol".to_owned(),
            };
            let endpoint = &self.endpoint;
            config.warn(format!("{spoken} is spoken to {endpoint}, where receivers expect {other}; {cure}"));
        }
    }
}
