//! What the parts of one request came to, together.
//!
//! Used by the split service, and by `classify` and `outcome_of`, which read the error. Sends nothing.

use crate::{BoxError, outcome_of};
use otlp_model::{DropReason, ExportResponse, Outcome};
use std::error::Error;
use std::fmt;

/// A request was too large and sent in parts, and not all of its items were delivered or rejected; the source is the last
/// error of a part.
///
/// ```
/// use otlp_model::{DropReason, Outcome};
/// use otlp_transport::{SentInParts, TimeoutError};
/// use std::time::Duration;
/// let mut outcome = Outcome::lost(DropReason::RetriesExhausted, 50);
/// outcome.delivered = 50;
/// let error = SentInParts::new(outcome, TimeoutError::new(Duration::from_secs(10)));
/// assert_eq!(
///     error.to_string(),
///     "sent in parts, 50 of 100 items dropped (50 retries_exhausted): request timeout after 10s"
/// );
/// ```
#[derive(Debug)]
pub struct SentInParts {
    outcome: Outcome,
    source: BoxError,
}

impl SentInParts {
    /// The error of a request of which became `outcome`, in part because of `source`.
    pub fn new(outcome: Outcome, source: impl Into<BoxError>) -> Self {
        Self { outcome, source: source.into() }
    }

    /// What became of the items.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The reason for which most were lost.
    pub(crate) fn worst(&self) -> DropReason {
        let most = self.outcome.dropped.iter().max_by_key(|(_, items)| *items);
        most.map_or(DropReason::TooLarge, |(reason, _)| reason)
    }
}

impl fmt::Display for SentInParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropped = &self.outcome.dropped;
        let (lost, of) = (dropped.total(), self.outcome.items());
        write!(f, "sent in parts, {lost} of {of} items dropped ({dropped}): {}", self.source)
    }
}

impl Error for SentInParts {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// The results of the parts, added up.
#[derive(Debug, Default)]
pub(super) struct Sum {
    outcome: Outcome,
    message: Option<String>,
    last_error: Option<BoxError>,
}

impl Sum {
    pub(super) fn is_empty(&self) -> bool {
        self.outcome.items() == 0
    }

    /// Adds what a part of `items` items came to.
    pub(super) fn add(&mut self, result: Result<ExportResponse, BoxError>, items: u64) {
        self.outcome.merge(&outcome_of(&result, items));
        match result {
            Ok(response) => self.message = response.message.or(self.message.take()),
            Err(error) => self.last_error = Some(error),
        }
    }

    pub(super) fn finish(self) -> Result<ExportResponse, BoxError> {
        match self.last_error {
            Some(error) => Err(SentInParts::new(self.outcome, error).into()),
            None => Ok(ExportResponse { rejected: self.outcome.rejected, message: self.message }),
        }
    }
}
