#![doc = include_str!("../README.md")]

mod builder;
mod call;
mod collector;
mod error;
mod home;
mod journal;
mod ledger;
mod proxy;
mod received;
mod reply;
mod script;
mod server;
mod skip;
mod status;
mod tally;
#[cfg(feature = "tls")]
mod tls;

pub use builder::CollectorBuilder;
pub use call::{Attempt, Call, Malformed, Payload, Peer, Protocol};
pub use collector::Collector;
pub use error::Error;
pub use ledger::{Balance, Claim, Imbalance, Ledger};
pub use proxy::{Cut, Fault, FaultProxy, FaultProxyBuilder, FaultScript, Flow, Goaway, Http2, ProxyTally};
pub use received::{Received, ReceivedLog, ReceivedMetric, ReceivedSpan};
pub use reply::Reply;
pub use script::Script;
pub use skip::skipped;
pub use tally::Tally;
#[cfg(feature = "tls")]
pub use tls::{Identity, ServerTls, TestCa};

/// The crate of the generated types in which received telemetry is given.
pub use opentelemetry_proto;
/// The gRPC codes, for [`Reply::status`].
pub use tonic::Code;
