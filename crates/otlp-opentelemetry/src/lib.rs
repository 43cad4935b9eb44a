#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

#[cfg(feature = "opentelemetry_0_33")]
pub mod opentelemetry_0_33;
