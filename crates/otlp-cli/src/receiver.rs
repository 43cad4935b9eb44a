//! The options that say how a receiver is reached; the same for every subcommand that talks to one.
//!
//! Used by `doctor`, `send` and `load`. What is not given here is left to the client and its environment.

use crate::duration;
use crate::exit::Trouble;
use clap::Args;
use otlp::{ClientBuilder, TlsConfig};
use otlp_transport::{Headers, Pem, ProxyLayer, TlsBuilder};
use std::path::PathBuf;
use std::time::Duration;

/// How the receiver is reached.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "The receiver")]
pub(crate) struct Receiver {
    /// A header of every request (over gRPC: metadata), such as `authorization=Bearer …`. May be given more than once.
    ///
    /// Others on this machine can see command lines: a secret is better kept in OTEL_EXPORTER_OTLP_HEADERS.
    #[arg(long = "header", short = 'H', value_name = "NAME=VALUE")]
    pub(crate) headers: Vec<String>,

    /// The authorities to trust, in PEM, in place of the platform's.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,

    /// The certificate to show, in PEM; together with --key-file.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub(crate) cert_file: Option<PathBuf>,

    /// The key of that certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    pub(crate) key_file: Option<PathBuf>,

    /// The name that the receiver's certificate must have, instead of the endpoint's host.
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,

    /// Take any certificate from anyone. Dangerous: for development only.
    #[arg(long, conflicts_with = "ca_file")]
    pub(crate) insecure_skip_verify: bool,

    /// The HTTP proxy to go through; without, as HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY say.
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,

    /// No proxy, whatever the environment says.
    #[arg(long, conflicts_with = "proxy")]
    pub(crate) no_proxy: bool,

    /// How long to wait for each connection and each answer: 500ms, 5s, 2m.
    #[arg(long, value_parser = duration::parse_positive, value_name = "TIME")]
    pub(crate) timeout: Option<Duration>,
}

impl Receiver {
    /// The headers, checked.
    pub(crate) fn headers(&self) -> Result<Headers, Trouble> {
        let mut headers = Headers::new();
        for (name, value) in self.header_pairs()? {
            headers.insert(name, value).map_err(|error| Trouble::Usage(format!("--header: {error}")))?;
        }
        Ok(headers)
    }

    fn header_pairs(&self) -> Result<Vec<(&str, &str)>, Trouble> {
        self.headers
            .iter()
            .map(|header| match header.split_once('=') {
                // As curl has it, the first `=` may be anywhere.
                Some((name, value)) if !name.trim().contains([':', ' ']) => Ok((name.trim(), value.trim())),
                // The text may be a secret: it is not shown.
                _ => Err(Trouble::Usage("--header: write it as NAME=VALUE".to_owned())),
            })
            .collect()
    }

    /// Whether they say anything of certificates: then the variables say nothing, as when code does.
    pub(crate) fn says_files(&self) -> bool {
        self.ca_file.is_some() || self.cert_file.is_some() || self.insecure_skip_verify
    }

    /// `builder` with what the options say of TLS.
    pub(crate) fn trusting(&self, builder: TlsBuilder) -> TlsBuilder {
        let builder = match (&self.ca_file, self.insecure_skip_verify) {
            (_, true) => builder.dangerous_accept_any_server(),
            (Some(file), false) => builder.ca(Pem::file(file)),
            (None, false) => builder,
        };
        self.identified(builder)
    }

    /// The same without verifying the server: to see what it shows.
    pub(crate) fn identified(&self, builder: TlsBuilder) -> TlsBuilder {
        let builder = match (&self.cert_file, &self.key_file) {
            (Some(cert), Some(key)) => builder.identity(Pem::file(cert), Pem::file(key)),
            _ => builder,
        };
        match &self.server_name {
            Some(name) => builder.server_name(name),
            None => builder,
        }
    }

    /// The proxy that the option names.
    pub(crate) fn named_proxy(&self) -> Result<Option<ProxyLayer>, Trouble> {
        let parse = |url: &String| {
            url.parse()
                .map(ProxyLayer::new)
                .map_err(|error| Trouble::Usage(format!("--proxy: the URL {error}")))
        };
        self.proxy.as_ref().map(parse).transpose()
    }

    /// `builder`, reaching the receiver so.
    pub(crate) fn set_on(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, Trouble> {
        for (name, value) in self.header_pairs()? {
            builder = builder.with_header(name, value);
        }
        let text = |path: &Option<PathBuf>| {
            path.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
        };
        if self.says_files() {
            builder = builder.with_tls_config(TlsConfig {
                enabled: false,
                cert_file: text(&self.cert_file),
                key_file: text(&self.key_file),
                ca_file: text(&self.ca_file),
                verify_server: !self.insecure_skip_verify,
            });
        }
        if let Some(name) = &self.server_name {
            builder = builder.with_tls_server_name(name);
        }
        if let Some(url) = &self.proxy {
            builder = builder.with_proxy(url);
        } else if self.no_proxy {
            builder = builder.without_proxy();
        }
        if let Some(timeout) = self.timeout {
            builder = builder.with_connect_timeout(timeout).with_request_timeout(timeout);
        }
        Ok(builder)
    }
}
