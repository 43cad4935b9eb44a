#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]
#![warn(missing_debug_implementations)]

// The vocabulary every layer and terminal shares.
mod disposition;
mod export_service;

// The layers, outermost first.
mod attempt_timeout;

// The terminals: what puts a request on the wire, and what its answer means.
mod classify;
mod code;
mod connect;
mod endpoint;
mod error;
mod metadata;
mod status;

pub use attempt_timeout::{AttemptTimeout, AttemptTimeoutLayer, TimeoutError};
pub use classify::classify;
pub use code::GrpcCode;
pub use connect::{BoxConnector, Connect, ConnectFuture, Connection, Connector};
pub use disposition::{Disposition, ErrorType};
pub use endpoint::{Endpoint, EndpointError, Target};
pub use error::{
    ConnectError, ConnectionLost, GrpcError, HttpError, InvalidHeader, Redirected, RequestTooLarge,
    ResponseTooLarge, UnsupportedFormat, check_header,
};
pub use export_service::{BoxError, BoxExportService, ExportFuture, ExportService};
