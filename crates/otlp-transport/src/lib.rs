#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]
#![warn(missing_debug_implementations)]

// The vocabulary every layer and terminal shares.
mod disposition;
mod export_service;

// The layers, outermost first.
mod attempt_timeout;

// The terminals: what puts a request on the wire, and what its answer means.

pub use attempt_timeout::{AttemptTimeout, AttemptTimeoutLayer, TimeoutError};
pub use disposition::{Disposition, ErrorType};
pub use export_service::{BoxError, BoxExportService, ExportFuture, ExportService};
