//! A receiver that is not well: what it answers, and what becomes of the telemetry; or what else is to be shown of one. One row
//! of the page each.
//!
//! Used by counterparts that have more to prove than the matrix. Knows none of them.

use crate::Failure;
use otlp::BoxError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tower::util::MapErrLayer;

/// One of them, and what was found, or what was wrong.
#[derive(Debug, Clone)]
pub(crate) struct Hardship {
    pub(crate) name: String,
    pub(crate) found: Result<Course, String>,
}

/// How it went.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    /// The first failure of an attempt, in the client's words.
    pub(crate) answer: String,
    /// What became of the telemetry.
    pub(crate) outcome: String,
}

impl Hardship {
    /// Plays it.
    pub(crate) fn of(name: impl Into<String>, play: impl FnOnce() -> Result<Course, Failure>) -> Self {
        let name = name.into();
        let started = Instant::now();
        let found = play().map_err(|error| error.to_string());
        println!("     {:.1} s {name}", started.elapsed().as_secs_f64());
        Self { name, found }
    }
}

/// Keeps what the first attempt that failed has failed with.
#[derive(Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<Option<String>>>);

impl Answers {
    /// For [`with_attempt_layer`](otlp::ClientBuilder::with_attempt_layer).
    pub(crate) fn layer(&self) -> MapErrLayer<impl Fn(BoxError) -> BoxError + Clone + Send + Sync + use<>> {
        let Self(first) = self.clone();
        MapErrLayer::new(move |error: BoxError| {
            first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_string());
            error
        })
    }

    /// The text, without the endpoint, whose port is another each time; an error if no attempt has failed, since then nothing
    /// was proven.
    pub(crate) fn first(&self, endpoint: &str) -> Result<String, Failure> {
        let first = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let address = endpoint.split_once("://").map_or(endpoint, |(_, address)| address);
        let text = first.ok_or("no attempt failed: there was no hardship")?;
        Ok(text.replace(endpoint, "it").replace(address, "it"))
    }
}
