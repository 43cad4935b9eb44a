#![doc = include_str!("../README.md")]

mod callsite;
mod close;
mod current;
mod event;
mod exception;
mod field;
mod fields;
mod known;
mod layer;
mod log;
mod metadata;
mod parent;
mod shared;
mod sink;
mod span_ext;
mod state;
mod thread;

pub use layer::{OtlpLayer, layer};
pub use span_ext::{OtlpSpanExt, SetParentError, context_of};
