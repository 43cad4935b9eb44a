//! When a token is used, renewed, waited for or given up: the decisions, without a clock and without waiting.
//!
//! Used by `tokens`, the shell, which fetches. Pure: the time and the random number are arguments.

use super::{CredentialsError, Token};
use crate::{Backoff, BoxError, RetryPolicy};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A token is renewed when this part of its lifetime is left, or [`EARLIEST`] if that is later.
const LEFT: u32 = 5;

/// No token is renewed longer before its end than this.
const EARLIEST: Duration = Duration::from_secs(5 * 60);

/// A lifetime or an interval below this makes no sense, and would ask a token endpoint without a pause.
const SHORTEST: Duration = Duration::from_secs(1);

/// Refusals make us fetch no more often than this: a receiver that refuses every token must not make us ask for one per
/// request.
const REFUSALS_APART: Duration = Duration::from_secs(30);

/// A token in use, with its number: the first one fetched is 1.
#[derive(Clone)]
pub(super) struct Lease {
    pub(super) token: Arc<Token>,
    number: u64,
}

/// What a request is to do.
pub(super) enum Next {
    /// Go, with this token; `renew`: and begin to fetch its successor.
    Use { lease: Lease, renew: bool },
    /// Begin to fetch a token, and wait for it.
    Fetch,
    /// Wait for the fetch that is under way.
    Wait,
    /// Give up for now: the last fetch failed, and it is too early for another one.
    Fail(CredentialsError),
}

struct Held {
    lease: Lease,
    renew_at: Option<Instant>,
    ends: Option<Instant>,
}

struct Failure {
    cause: Arc<dyn std::error::Error + Send + Sync>,
    again: Instant,
}

/// The token there is, the fetch under way, and what went wrong last.
pub(super) struct Cache {
    held: Option<Held>,
    /// How many tokens have been fetched.
    number: u64,
    fetching: bool,
    failure: Option<Failure>,
    backoff: Backoff,
    /// When a refusal last made us drop a token.
    refused: Option<Instant>,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self { held: None, number: 0, fetching: false, failure: None, backoff: patience(), refused: None }
    }

    /// What a request is to do at `now`. When the answer is to fetch, the fetch counts as begun: the caller must end it
    /// with [`fetched`](Self::fetched) or [`failed`](Self::failed).
    pub(super) fn next(&mut self, now: Instant) -> Next {
        let held = self.held.as_ref().filter(|held| held.ends.is_none_or(|ends| now < ends));
        let may_fetch = !self.fetching && self.failure.as_ref().is_none_or(|failure| failure.again <= now);
        match (held, &self.failure) {
            (Some(held), _) => {
                let renew = may_fetch && held.renew_at.is_some_and(|at| at <= now);
                self.fetching |= renew;
                Next::Use { lease: held.lease.clone(), renew }
            }
            (None, _) if self.fetching => Next::Wait,
            (None, Some(failure)) if !may_fetch => Next::Fail(CredentialsError::new(
                Arc::clone(&failure.cause),
                failure.again.duration_since(now),
            )),
            (None, _) => {
                self.fetching = true;
                Next::Fetch
            }
        }
    }

    /// The fetch that began at `began` brought `token` at `now`. Its lifetime counts from the former, since nobody knows
    /// when in between it was issued.
    pub(super) fn fetched(&mut self, token: Token, began: Instant, now: Instant, random: f64) {
        let ends = token.lifetime().and_then(|lifetime| began.checked_add(lifetime));
        if token.lifetime().is_some_and(|lifetime| lifetime < SHORTEST)
            || ends.is_some_and(|ends| ends <= now)
        {
            return self.failed("the token has expired before it could be used".into(), now, random);
        }
        let ahead = token.lifetime().map(|lifetime| lifetime - EARLIEST.min(lifetime / LEFT));
        let unasked = token.refresh_after().map(|time| time.max(SHORTEST));
        let renew_after = [ahead, unasked].into_iter().flatten().min();
        self.number += 1;
        self.held = Some(Held {
            lease: Lease { token: Arc::new(token), number: self.number },
            renew_at: renew_after.and_then(|after| began.checked_add(after)),
            ends,
        });
        self.fetching = false;
        self.failure = None;
        self.backoff = patience();
    }

    /// The fetch failed. A token that still holds is kept.
    pub(super) fn failed(&mut self, cause: BoxError, now: Instant, random: f64) {
        self.fetching = false;
        let again = now + self.backoff.next_delay(Duration::ZERO, random);
        self.failure = Some(Failure { cause: cause.into(), again });
    }

    /// The receiver refused the token of `lease`. Whether there is, or is to be, another one worth a try.
    pub(super) fn refused(&mut self, lease: &Lease, now: Instant) -> bool {
        let is_current = self.held.as_ref().is_some_and(|held| held.lease.number == lease.number);
        if !is_current {
            return true;
        }
        if self.refused.is_some_and(|at| now.duration_since(at) < REFUSALS_APART) {
            return false;
        }
        self.refused = Some(now);
        self.held = None;
        true
    }
}

/// Half a second and growing to half a minute, as between the attempts of an export.
fn patience() -> Backoff {
    Backoff::new(&RetryPolicy::default())
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("fetching", &self.fetching).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
