#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

#[cfg(feature = "opentelemetry_0_33")]
pub mod opentelemetry_0_33;

/// The code of the page on migrating compiles.
#[cfg(all(doctest, feature = "opentelemetry_sdk_0_33"))]
#[doc = include_str!("../../../docs/migrating.md")]
struct Migrating;
