//! Builder options about the receiver: where it is, how it is spoken to, and what it wants to see.
//!
//! How connections to it are made is in `connection`.

use super::ClientBuilder;
use crate::config::{Protocol, SerializationFormat};
use crate::signal_config::SignalConfig;
use otlp_model::Signal;
use otlp_transport::{AuthLayer, BearerTokenFile, Compression, Credentials};
use std::path::PathBuf;

impl ClientBuilder {
    /// What is different for one signal: an endpoint, headers, a batch size of its own. It replaces what was said of that signal before.
    /// Default: nothing.
    pub fn with_signal_config(mut self, signal: Signal, config: SignalConfig) -> Self {
        *self.signals.get_mut(signal) = config;
        self
    }

    /// Whether to make a client that does nothing: its spans are not recorded, its logs and metrics discarded where they are
    /// made, and it connects to nobody. Contexts are still handed on, and [flush](crate::Client::flush) and
    /// [shutdown](crate::Client::shutdown) work (conformance ENV-12). Default `false`.
    pub fn with_disabled(self, disabled: bool) -> Self {
        Self { disabled: Some(disabled), ..self }
    }

    /// Where to send: `https://host:port`, `http://host:port`, `host:port`, or `unix:///path/to.sock`.
    ///
    /// Default `http://localhost:4317` for gRPC and `http://localhost:4318` for HTTP. Over HTTP a path is the base to
    /// which `v1/traces`, `v1/metrics` and `v1/logs` are appended. The scheme decides
    /// on TLS (conformance GRPC-15, HTTP-21); `host:port` is clear text unless
    /// [`with_tls_config`](Self::with_tls_config) is there. Without a TLS feature `https` is refused.
    pub fn with_endpoint(self, endpoint: impl Into<String>) -> Self {
        Self { endpoint: Some(endpoint.into()), ..self }
    }

    /// gRPC or HTTP. Default: HTTP if [`with_serialization_format`](Self::with_serialization_format) asks for JSON,
    /// else gRPC (HTTP if the feature `grpc` is off).
    pub fn with_protocol(self, protocol: Protocol) -> Self {
        Self { protocol: Some(protocol), ..self }
    }

    /// Protobuf, the default, or JSON (over HTTP only).
    pub fn with_serialization_format(self, format: SerializationFormat) -> Self {
        Self { format: Some(format), ..self }
    }

    /// How requests are compressed. Default: not at all. Needs the feature `gzip` or `zstd`.
    pub fn with_compression(self, compression: Compression) -> Self {
        Self { compression: Some(compression), ..self }
    }

    /// A header (over gRPC: metadata) of every request, for example an API key. Values are secrets: no log, `Debug`
    /// output or error shows them. Headers that frame the request can't be set.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Where to get tokens that expire: a closure, or a type of your own. Default: none.
    ///
    /// A token is fetched with the first request and kept, renewed ahead of its end while requests go on with the old
    /// one, and replaced when the receiver refuses it (401, `UNAUTHENTICATED`). Until there is one, requests wait, within
    /// their [`with_request_timeout`](Self::with_request_timeout), half of which a fetch may take; none is sent without.
    /// What can't be fetched is a failure that is retried, so the data is kept. Tokens are secrets, as headers are, and go
    /// before a [`with_header`](Self::with_header) of their name.
    ///
    /// The fetch runs on the client's own thread, where `tracing` is silent: it must not block.
    ///
    /// ```
    /// use otlp::{BoxError, Client, Token};
    /// use std::time::Duration;
    /// # async fn ask_the_token_endpoint() -> Result<(String, u64), BoxError> { Ok((String::new(), 3600)) }
    /// let builder = Client::builder().with_credentials(|| async {
    ///     let (access_token, expires_in) = ask_the_token_endpoint().await?;
    ///     Ok::<_, BoxError>(Token::bearer(&access_token)?.with_lifetime(Duration::from_secs(expires_in)))
    /// });
    /// ```
    pub fn with_credentials(self, credentials: impl Credentials) -> Self {
        Self { credentials: Some(AuthLayer::new(credentials)), ..self }
    }

    /// A file with the bearer token of every request, for something else to rotate. Default: none.
    ///
    /// It is read again every 10 s while requests are sent, and when the receiver refuses the token; a file that is missing
    /// or bad by then leaves the old token in use. When the client is built there must be a token in it. Use
    /// [`BearerTokenFile`] with [`with_credentials`](Self::with_credentials) to have neither.
    pub fn with_bearer_token_file(self, path: impl Into<PathBuf>) -> Self {
        Self { token_file: Some(BearerTokenFile::new(path)), ..self }
    }
}
