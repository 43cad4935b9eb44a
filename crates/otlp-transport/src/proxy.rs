//! Connections through an HTTP proxy: its address, who is excepted, the environment, and the connector layer that asks
//! the proxy for a tunnel.
//!
//! Used between the connector and what users put around it. Never sends an export to the proxy itself, never goes through
//! one to a unix socket, and never shows a password (conformance HDR-09).

mod environment;
mod error;
mod layer;
mod no_proxy;
mod tunnel;
mod url;

pub use environment::ProxyVariableError;
pub use error::ProxyError;
pub use layer::{Proxy, ProxyLayer};
pub use no_proxy::NoProxy;
pub use url::{ProxyUrl, ProxyUrlError};
