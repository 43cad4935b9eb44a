//! A response's body that gives its connection back when it is read, and up when it is dropped unread.
//!
//! Used by the capped reader through `http_body::Body`. What is read to its end, or broke, leaves the connection to the
//! pool's own judgement.

use crate::pool::Lease;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The body of a response.
pub(crate) struct ResponseBody {
    inner: Incoming,
    connection: Lease,
}

impl ResponseBody {
    pub(super) fn new(inner: Incoming, mut connection: Lease) -> Self {
        if inner.is_end_stream() {
            connection.answered();
        }
        Self { inner, connection }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match frame {
            None => self.connection.answered(),
            Some(Err(_)) => self.connection.failed(),
            Some(Ok(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
