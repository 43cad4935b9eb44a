//! The client under the name by which the troubleshooting guide calls it.
//!
//! ```
//! use otlp::core::EnhancedOtlpClient;
//! # async fn f() -> Result<(), otlp::Error> {
//! let client = EnhancedOtlpClient::builder().with_endpoint("http://localhost:4317").build().await?;
//! # Ok(()) }
//! ```

pub use crate::{Client as EnhancedOtlpClient, ClientBuilder as EnhancedOtlpClientBuilder};
