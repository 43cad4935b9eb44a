//! Where tokens come from: the trait that users implement, and its form as a closure.
//!
//! Used by [`AuthLayer`](crate::AuthLayer), which decides when to ask. An implementation only fetches: it caches nothing,
//! retries nothing and keeps no time.

use crate::{BoxError, Token};
use std::future::Future;
use std::pin::Pin;

/// The future of [`Credentials::fetch`].
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<Token, BoxError>> + Send + 'a>>;

/// A source of tokens: a token endpoint, a metadata server, a file.
///
/// Implemented for closures, which is enough for most. The layer above it caches what it returns, renews it ahead of
/// its end, never asks twice at a time, and waits longer and longer between failures.
///
/// ```
/// use otlp_transport::{AuthLayer, BoxError, Token};
/// use std::time::Duration;
/// # async fn ask_the_token_endpoint() -> Result<(String, u64), BoxError> { Ok((String::new(), 3600)) }
/// let layer = AuthLayer::new(|| async {
///     let (access_token, expires_in) = ask_the_token_endpoint().await?;
///     Ok::<_, BoxError>(Token::bearer(&access_token)?.with_lifetime(Duration::from_secs(expires_in)))
/// });
/// # drop(layer);
/// ```
///
/// A type of your own says the same with `Box::pin`:
///
/// ```
/// use otlp_transport::{Credentials, Token, TokenFuture};
/// struct ApiKey(String);
/// impl Credentials for ApiKey {
///     fn fetch(&self) -> TokenFuture<'_> {
///         Box::pin(async { Ok(Token::new("x-api-key", &self.0)?) })
///     }
/// }
/// ```
pub trait Credentials: Send + Sync + 'static {
    /// Fetches a token that is fresh: not one kept from before.
    ///
    /// Runs as a task of the runtime that exports, so it must not block. It is dropped when it takes longer than
    /// [`AuthLayer::with_fetch_timeout`](crate::AuthLayer::with_fetch_timeout).
    ///
    /// # Errors
    ///
    /// Whatever keeps it from having one. The text goes into the errors of the exports that waited, so it must not hold
    /// secrets; they are told as retryable, and the fetch is tried again later.
    fn fetch(&self) -> TokenFuture<'_>;
}

impl<F, R, E> Credentials for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<Token, E>> + Send + 'static,
    E: Into<BoxError>,
{
    fn fetch(&self) -> TokenFuture<'_> {
        let fetching = self();
        Box::pin(async move { fetching.await.map_err(Into::into) })
    }
}
