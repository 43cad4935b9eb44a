//! A response's body that gives its connection up when it is dropped unread.
//!
//! Used by the capped reader through `http_body::Body`. What is read to its end, or broke, leaves the connection to the
//! client's own judgement.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::CaptureConnection;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Takes its connection out of use when it is dropped armed. Other requests on the connection may finish.
pub(super) struct OnAbandon(Option<CaptureConnection>);

impl OnAbandon {
    pub(super) fn new(connection: CaptureConnection) -> Self {
        Self(Some(connection))
    }

    pub(super) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for OnAbandon {
    fn drop(&mut self) {
        if let Some(connection) = &self.0
            && let Some(connected) = connection.connection_metadata().as_ref()
        {
            connected.poison();
        }
    }
}

/// The body of a response.
pub(crate) struct ResponseBody {
    inner: Incoming,
    abandoned: OnAbandon,
}

impl ResponseBody {
    pub(super) fn new(inner: Incoming, mut abandoned: OnAbandon) -> Self {
        if inner.is_end_stream() {
            abandoned.0 = None;
        }
        Self { inner, abandoned }
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
        if !matches!(frame, Some(Ok(_))) {
            self.abandoned.0 = None;
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
