//! A connection that one request has for its time.
//!
//! Made when the pool grants it, held by the request and then by the body of its answer. Gives the connection back when
//! it is dropped, whichever way the request ended, so that nothing is lost to cancellation.

use super::core::Id;
use super::link::Link;
use super::shared::Shared;
use crate::payload::Payload;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use std::fmt;
use std::sync::Arc;

pub(crate) struct Lease {
    shared: Arc<Shared>,
    id: Id,
    link: Arc<Link>,
    state: Use,
}

/// How far the request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Nothing was sent.
    None,
    /// A request is under way.
    Begun,
    /// Its answer is complete.
    Answered,
    /// It failed, and the connection is left to its own judgement.
    Failed,
}

impl Lease {
    pub(super) fn new(shared: Arc<Shared>, id: Id, link: Arc<Link>) -> Self {
        Self { shared, id, link, state: Use::None }
    }

    /// Sends a request. When the error has the request, nothing of it was sent.
    pub(crate) async fn send(
        &mut self,
        request: Request<Payload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Payload>>> {
        self.state = Use::Begun;
        let result = self.link.send(request).await;
        // A connection that does not take a request is dead, and stays abandoned.
        if result.as_ref().is_err_and(|error| error.message().is_none()) {
            self.state = Use::Failed;
        }
        result
    }

    /// The answer was read to its end.
    pub(crate) fn answered(&mut self) {
        self.state = Use::Answered;
    }

    /// The answer broke.
    pub(crate) fn failed(&mut self) {
        self.state = Use::Failed;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.state == Use::Begun {
            // Given up before the answer was complete, because the attempt's time is over: the connection may be dead, and
            // the next attempt shall not wait on it again (SURV-21). Other requests on it may finish.
            self.shared.retire(self.id);
        }
        let well = self.state == Use::Answered;
        if self.link.is_free_again(well) {
            self.shared.release(self.id, well);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("connection", &self.id)
            .field("use", &self.state)
            .finish_non_exhaustive()
    }
}
