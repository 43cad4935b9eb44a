//! The tokens of one source, shared by all the stacks that use it: the shell around the cache.
//!
//! Used by the layer. Fetches in a task of its own, so that no request that gives up takes the fetch with it. Decides
//! nothing.

use super::cache::{Cache, Lease, Next};
use super::{Credentials, CredentialsError, Token};
use crate::BoxError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

#[derive(Clone)]
pub(super) struct Tokens {
    cache: watch::Sender<Cache>,
    credentials: Arc<dyn Credentials>,
}

impl Tokens {
    pub(super) fn new(credentials: impl Credentials) -> Self {
        Self { cache: watch::Sender::new(Cache::new()), credentials: Arc::new(credentials) }
    }

    /// A token that holds now. Waits for one if there is none. Cancel safe: the fetch goes on.
    pub(super) async fn get(&self, fetch_timeout: Duration) -> Result<Lease, CredentialsError> {
        // Before the first look, so that no change between a look and the wait is missed.
        let mut changes = self.cache.subscribe();
        loop {
            match self.change(|cache| cache.next(Instant::now())) {
                Some(Next::Use { lease, renew }) => {
                    if renew {
                        self.fetch(fetch_timeout);
                    }
                    return Ok(lease);
                }
                Some(Next::Fail(error)) => return Err(error),
                Some(Next::Fetch) => self.fetch(fetch_timeout),
                Some(Next::Wait) | None => {}
            }
            // It fails when the sender is gone, and `self` is one.
            let _ = changes.changed().await;
        }
    }

    /// Whether another try, with another token, is worth it.
    pub(super) fn refused(&self, lease: &Lease) -> bool {
        self.change(|cache| cache.refused(lease, Instant::now())).unwrap_or_default()
    }

    /// Changes the cache without waking those who wait: it is they who do it.
    fn change<R>(&self, change: impl FnOnce(&mut Cache) -> R) -> Option<R> {
        let mut result = None;
        self.cache.send_if_modified(|cache| {
            result = Some(change(cache));
            false
        });
        result
    }

    fn fetch(&self, timeout: Duration) {
        let fetch = Fetch { cache: self.cache.clone(), began: Instant::now(), result: None };
        tokio::spawn(fetch.run(Arc::clone(&self.credentials), timeout));
    }
}

/// A fetch under way. Its end is told when it is dropped, so that a panic or a runtime's end is an end, too.
struct Fetch {
    cache: watch::Sender<Cache>,
    began: Instant,
    result: Option<Result<Token, BoxError>>,
}

impl Fetch {
    async fn run(mut self, credentials: Arc<dyn Credentials>, timeout: Duration) {
        let late = || Err(format!("nothing came within {timeout:?}").into());
        let fetched = tokio::time::timeout(timeout, credentials.fetch()).await;
        self.result = Some(fetched.unwrap_or_else(|_elapsed| late()));
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or_else(|| Err("the fetch panicked or was cut off".into()));
        let (now, random) = (Instant::now(), fastrand::f64());
        self.cache.send_modify(|cache| match result {
            Ok(token) => cache.fetched(token, self.began, now, random),
            Err(cause) => cache.failed(cause, now, random),
        });
    }
}
