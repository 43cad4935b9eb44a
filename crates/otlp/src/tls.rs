//! The TLS options of the client: whom it trusts, who it is, and when it speaks TLS at all.
//!
//! Used by the builder and, once, when the stack is built. The handshakes are `otlp-transport`'s.

use crate::builder::ClientBuilder;
use crate::config::Protocol;
use crate::error::Error;
use crate::explain::Origin;
use crate::settings::{Given, SignalSettings};
use otlp_transport::{Alpn, Endpoint, Pem, TlsBuilder, TlsConfigError, TlsLayer};
use std::time::Duration;

/// TLS with files for certificates and keys, in PEM. An empty text means that there is none.
///
/// The files are read when the client is built, and again whenever it makes a connection: what has changed is taken into
/// use, unless it is no good, and then the old files stay in use ([`Client::tls_status`](crate::Client::tls_status)).
///
/// Needs the feature `tls-ring`, which is on by default, or `tls-aws-lc`.
///
/// ```
/// use otlp::{Client, TlsConfig};
/// let builder = Client::builder().with_endpoint("https://collector.example.com:4317").with_tls_config(TlsConfig {
///     ca_file: "/etc/otlp/ca.pem".to_string(),
///     ..TlsConfig::default()
/// });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// Whether an endpoint without a scheme, such as `collector:4317`, is reached over TLS. Default `true`.
    ///
    /// A scheme decides by itself: `https` is TLS even if this is `false`, and `http` with `true` is refused by `build()`.
    pub enabled: bool,
    /// The client's certificate, followed by those between it and its authority, for receivers that ask for one (mTLS).
    /// Together with `key_file`, or not at all. Default none.
    pub cert_file: String,
    /// The key of that certificate, not encrypted. Default none.
    pub key_file: String,
    /// The authorities to trust, **instead of** the platform's. Default none: the platform's.
    pub ca_file: String,
    /// **Dangerous when `false`**: then any certificate is taken from anyone, `ca_file` does not matter, and who is on the
    /// way can read and change all telemetry. For development only; `build()` warns through `tracing`, once for all endpoints.
    /// Default `true`.
    pub verify_server: bool,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            cert_file: String::new(),
            key_file: String::new(),
            ca_file: String::new(),
            verify_server: true,
        }
    }
}

/// What the builder was told about TLS.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsOptions {
    config: Option<TlsConfig>,
    ca: Option<Pem>,
    identity: Option<(Pem, Pem)>,
    server_name: Option<String>,
    #[cfg(feature = "webpki-roots")]
    webpki_roots: bool,
    /// Where the files of `config` were named, if not in code.
    origins: Origins,
    /// Whether `config` is one signal's.
    is_own: bool,
}

/// Who named the files of authorities, certificate and key.
#[derive(Debug, Clone, Default)]
struct Origins {
    ca: Option<Origin>,
    cert: Option<Origin>,
    key: Option<Origin>,
}

/// TLS, with the feature `tls-ring` (on by default) or `tls-aws-lc`.
impl ClientBuilder {
    /// Certificates, keys and authorities from files, and whether to verify. Default: TLS for `https` endpoints, with the
    /// platform's authorities and no certificate of the client.
    pub fn with_tls_config(mut self, config: TlsConfig) -> Self {
        self.tls.config = Some(config);
        self
    }

    /// The authorities to trust, in PEM, in place of a [`ca_file`](TlsConfig::ca_file).
    pub fn with_tls_ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.ca = Some(Pem::memory(pem));
        self
    }

    /// The client's certificate (and chain) and its key, in PEM, in place of [`cert_file`](TlsConfig::cert_file) and
    /// [`key_file`](TlsConfig::key_file). The key is a secret: nothing shows it.
    pub fn with_tls_identity_pem(mut self, cert: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.tls.identity = Some((Pem::memory(cert), Pem::memory(key)));
        self
    }

    /// The name that the receiver's certificate must have, and that is sent to it (SNI). Default: the endpoint's host.
    pub fn with_tls_server_name(mut self, name: impl Into<String>) -> Self {
        self.tls.server_name = Some(name.into());
        self
    }

    /// Trusts Mozilla's root certificates, compiled in, instead of the platform's: for machines, such as minimal containers,
    /// that have none. Needs the feature `webpki-roots`.
    #[cfg(feature = "webpki-roots")]
    pub fn with_webpki_roots(mut self) -> Self {
        self.tls.webpki_roots = true;
        self
    }
}

impl TlsOptions {
    /// The same with what is said beside code, if code says nothing about files.
    pub(crate) fn with_settings(&self, said: &SignalSettings) -> Self {
        if self.config.is_some() || self.ca.is_some() || self.identity.is_some() {
            return self.clone();
        }
        let (ca, cert, key) = (said.ca_file.as_ref(), said.cert_file.as_ref(), said.key_file.as_ref());
        #[cfg(feature = "webpki-roots")]
        let ca = ca.filter(|_| !self.webpki_roots);
        if ca.or(cert).or(key).is_none() {
            return self.clone();
        }
        let path = |given: Option<&Given<String>>| given.map(|given| given.value.clone()).unwrap_or_default();
        let origin = |given: Option<&Given<String>>| given.map(|given| given.origin.clone());
        Self {
            // The endpoint decides: without TLS files do not matter (TLS-05).
            config: Some(TlsConfig {
                enabled: false,
                ca_file: path(ca),
                cert_file: path(cert),
                key_file: path(key),
                verify_server: true,
            }),
            origins: Origins { ca: origin(ca), cert: origin(cert), key: origin(key) },
            ..self.clone()
        }
    }

    /// Whom to trust and who to be, for people: what it is, the file, and who named it.
    pub(crate) fn files(&self) -> Vec<(&'static str, &str, Origin)> {
        let Some(config) = &self.config else { return Vec::new() };
        let Origins { ca, cert, key } = &self.origins;
        [
            ("ca_file", &config.ca_file, ca),
            ("cert_file", &config.cert_file, cert),
            ("key_file", &config.key_file, key),
        ]
        .into_iter()
        .filter(|(_, path, _)| !path.is_empty())
        .map(|(name, path, origin)| (name, path.as_str(), origin.clone().unwrap_or(Origin::Code)))
        .collect()
    }

    /// The same with other files.
    pub(crate) fn with_config(&self, config: &TlsConfig) -> Self {
        Self { config: Some(config.clone()), origins: Origins::default(), is_own: true, ..self.clone() }
    }

    pub(crate) fn config(&self) -> Option<&TlsConfig> {
        self.config.as_ref()
    }

    /// How a field of `config` is called in an error.
    fn name_of(&self, field: &str) -> String {
        let config = if self.is_own { "with_signal_config: tls" } else { "with_tls_config" };
        format!("{config}: {field}")
    }

    /// The option that asks for TLS, if one does.
    fn asked_by(&self) -> Option<String> {
        match &self.config {
            Some(config) => config.enabled.then(|| self.name_of("enabled")),
            None if self.ca.is_some() => Some("with_tls_ca_pem".to_owned()),
            None if self.identity.is_some() => Some("with_tls_identity_pem".to_owned()),
            None => None,
        }
    }

    /// The endpoint, over TLS where it leaves that open and TLS is asked for (GRPC-15, GRPC-17, TLS-09). `given_by` is who gave
    /// it; the default one is our word for "here", not the application's for clear text.
    pub(crate) fn secure(&self, endpoint: Endpoint, given_by: Option<&str>) -> Result<Endpoint, Error> {
        let Some(option) = self.asked_by().filter(|_| !endpoint.is_secure()) else { return Ok(endpoint) };
        match given_by.filter(|_| endpoint.is_scheme_given()) {
            None => Ok(endpoint.secured()),
            Some(given_by) => {
                let problem = format!(
                    "asks for TLS, and {given_by} says {endpoint}, which is clear text; \
                     write https://, or do without TLS (enabled: false)"
                );
                Err(Error::tls_option(&option, problem))
            }
        }
    }
}

/// The layer for `endpoint`, if that is secure. Otherwise nothing is read, and the options do not matter (TLS-05).
pub(crate) fn layer(
    options: &TlsOptions,
    connect_timeout: Duration,
    protocol: Protocol,
    endpoint: &Endpoint,
) -> Result<Option<TlsLayer>, Error> {
    if !endpoint.is_secure() {
        return Ok(None);
    }
    let alpn = match protocol {
        #[cfg(feature = "grpc")]
        Protocol::Grpc => Alpn::H2,
        #[cfg(feature = "http")]
        Protocol::Http => Alpn::Http1,
    };
    let builder = TlsLayer::builder(alpn).timeout(connect_timeout);
    trust(options, builder)
        .and_then(|builder| identity(options, builder))
        .and_then(|builder| named(options, builder).build().map_err(|error| refused(options, &error)))
        .map(Some)
}

fn trust(options: &TlsOptions, builder: TlsBuilder) -> Result<TlsBuilder, Error> {
    let config = options.config.as_ref();
    let file = config.map(|config| &config.ca_file).filter(|path| !path.is_empty());
    let once = |option: &str| Error::tls_option(option, "the authorities are set by another option as well");
    #[cfg(feature = "webpki-roots")]
    if options.webpki_roots && (file.is_some() || options.ca.is_some()) {
        return Err(once("with_webpki_roots"));
    }
    if file.is_some() && options.ca.is_some() {
        return Err(once("with_tls_ca_pem"));
    }
    if config.is_some_and(|config| !config.verify_server) {
        return Ok(builder.dangerous_accept_any_server());
    }
    #[cfg(feature = "webpki-roots")]
    if options.webpki_roots {
        return Ok(builder.webpki_roots());
    }
    Ok(match file.map(Pem::file).or_else(|| options.ca.clone()) {
        Some(ca) => builder.ca(ca),
        None => builder,
    })
}

fn identity(options: &TlsOptions, builder: TlsBuilder) -> Result<TlsBuilder, Error> {
    let given = |path: &String| (!path.is_empty()).then(|| Pem::file(path));
    let config = options.config.as_ref();
    let files = config.map_or((None, None), |config| (given(&config.cert_file), given(&config.key_file)));
    let half = |field, other| {
        Err(Error::tls_option(&options.name_of(field), format!("is missing, while {other} is set")))
    };
    match (files, &options.identity) {
        ((None, None), None) => Ok(builder),
        ((None, None), Some((cert, key))) => Ok(builder.identity(cert.clone(), key.clone())),
        ((Some(cert), Some(key)), None) => Ok(builder.identity(cert, key)),
        ((Some(_), None), _) => half("key_file", "cert_file"),
        ((None, Some(_)), _) => half("cert_file", "key_file"),
        ((Some(_), Some(_)), Some(_)) => Err(Error::tls_option(
            "with_tls_identity_pem",
            "with_tls_config has cert_file and key_file as well",
        )),
    }
}

fn named(options: &TlsOptions, builder: TlsBuilder) -> TlsBuilder {
    match &options.server_name {
        Some(name) => builder.server_name(name),
        None => builder,
    }
}

/// What the layer does not take, under the names that the options have here.
fn refused(options: &TlsOptions, error: &TlsConfigError) -> Error {
    let Origins { ca, cert, key } = &options.origins;
    let origin = match error.field() {
        "ca" => ca.as_ref(),
        "cert" => cert.as_ref(),
        "key" => key.as_ref(),
        _ => None,
    };
    let option = match (error.field(), error.path().is_some()) {
        ("ca", true) | ("roots", _) => options.name_of("ca_file"),
        ("ca", false) => "with_tls_ca_pem".to_owned(),
        ("cert", true) => options.name_of("cert_file"),
        ("key", true) => options.name_of("key_file"),
        ("server_name", _) => "with_tls_server_name".to_owned(),
        _ => "with_tls_identity_pem".to_owned(),
    };
    Error::tls_option(&origin.map_or(option.clone(), |origin| origin.name_of(&option)), error.problem())
}
