#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]
#![warn(missing_debug_implementations)]

// The vocabulary every layer and terminal shares.
mod disposition;
mod export_service;
mod race;
pub mod shutdown;

// The layers; README.md has the order of a stack.
mod assemble;
mod attempt_timeout;
mod auth;
mod compress;
mod concurrency;
mod headers;
#[cfg(feature = "json")]
mod json;
mod observe;
mod retry;
mod service_builder_ext;
mod split;

// The terminals: what puts a request on the wire, and what its answer means.
#[cfg(any(feature = "grpc", feature = "http"))]
mod body;
mod classify;
#[cfg(any(feature = "grpc", feature = "http"))]
mod client;
mod code;
mod connect;
mod endpoint;
mod error;
#[cfg(feature = "grpc")]
mod grpc;
#[cfg(feature = "http")]
mod http;
mod metadata;
#[cfg(any(feature = "grpc", feature = "http"))]
mod payload;
#[cfg(any(feature = "grpc", feature = "http"))]
mod pool;
mod proxy;
mod status;
mod terminal;
#[cfg(feature = "_tls")]
mod tls;

pub use assemble::{Assemble, AssembleLayer};
pub use attempt_timeout::{AttemptTimeout, AttemptTimeoutLayer, TimeoutError};
pub use auth::{
    Auth, AuthLayer, BearerTokenFile, Credentials, CredentialsError, Token, TokenFileError, TokenFuture,
};
pub use classify::{classify, outcome_of};
pub use code::GrpcCode;
pub use compress::{Compress, CompressLayer, Compression, CompressionError, Compressor};
pub use concurrency::{AdaptiveConcurrency, AdaptiveConcurrencyLayer, Controller, Feedback};
pub use connect::{Alpn, BoxConnector, Connect, ConnectFuture, Connection, Connector};
pub use disposition::{Disposition, ErrorType};
pub use endpoint::{Endpoint, EndpointError, Target};
pub use error::{
    ConnectError, ConnectionLost, GrpcError, HttpError, InvalidHeader, NoAvailableConnection, Redirected,
    RequestTooLarge, ResponseTooLarge, UnsupportedFormat, check_header,
};
pub use export_service::{BoxError, BoxExportService, ExportFuture, ExportService};
#[cfg(feature = "grpc")]
pub use grpc::Grpc;
pub use headers::{ExportHeaders, HeaderError, HeaderProblem, Headers, HeadersLayer, ParseHeadersError};
#[cfg(feature = "http")]
pub use http::Http;
#[cfg(feature = "json")]
pub use json::{Json, JsonLayer};
pub use observe::{Observation, Observe, ObserveLayer, Observed};
#[cfg(any(feature = "grpc", feature = "http"))]
pub use pool::{KeepAlive, PoolConfig, PoolConfigError, PoolHandle, PoolStats};
pub use proxy::{NoProxy, Proxy, ProxyError, ProxyLayer, ProxyUrl, ProxyUrlError, ProxyVariableError};
pub use retry::{
    Backoff, CircuitBreaker, CircuitBreakerBuilder, GaveUp, Pause, Retries, Retry, RetryBudget,
    RetryDecision, RetryLayer, RetryPolicy, RetryPolicyBuilder, RetryPolicyError,
};
pub use service_builder_ext::ServiceBuilderExt;
pub use shutdown::{Shutdown, ShutdownTrigger};
pub use split::{SentInParts, Split, SplitLayer};
pub use terminal::{DEFAULT_MAX_REQUEST_SIZE, DEFAULT_MAX_RESPONSE_SIZE};
#[cfg(feature = "_tls")]
pub use tls::{Pem, Tls, TlsBuilder, TlsConfigError, TlsError, TlsErrorKind, TlsLayer, TlsStatus};
