//! HTTP/1.1 on a connection: one request at a time.
//!
//! Used by `link.rs` alone. A connection is free again when the answer is read and the request is written, whichever is
//! later; the latter only the driver learns.

use super::{Driver as AnyDriver, End, Link, Sender as AnySender, Shared};
use crate::payload::Payload;
use crate::pool::core::Id;
use crate::terminal::HEAD_LIMIT;
use crate::{BoxError, Connection as Io};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1};
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;

pub(super) async fn start(io: TokioIo<Io>) -> Result<(Arc<Link>, AnyDriver), BoxError> {
    let (sender, connection) = http1::Builder::new().max_buf_size(HEAD_LIMIT).handshake(io).await?;
    let (link, unused) = Link::new(AnySender::Http1(Sender::new(sender)));
    let driver = Driver { connection, link: Arc::downgrade(&link), end: End::new(unused) };
    Ok((link, AnyDriver::Http1(Box::new(driver))))
}

#[derive(Debug)]
pub(super) struct Sender {
    inner: Mutex<http1::SendRequest<Payload>>,
    /// What of a request that has ended is still to be told to the pool.
    untold: AtomicU8,
}

const NOTHING: u8 = 0;
const ENDED: u8 = 1;
const ENDED_WELL: u8 = 2;

impl Sender {
    fn new(inner: http1::SendRequest<Payload>) -> Self {
        Self { inner: Mutex::new(inner), untold: AtomicU8::new(NOTHING) }
    }

    pub(super) async fn send(
        &self,
        request: http::Request<Payload>,
    ) -> Result<http::Response<Incoming>, TrySendError<http::Request<Payload>>> {
        let sending = self.lock().try_send_request(request);
        sending.await
    }

    /// Whether the caller may tell the pool that the request has ended; otherwise the driver does so later.
    pub(super) fn is_free_again(&self, well: bool) -> bool {
        self.untold.store(if well { ENDED_WELL } else { ENDED }, SeqCst);
        self.take_untold().is_some()
    }

    /// What there is to tell, once the connection is ready for another request; to one caller only.
    fn take_untold(&self) -> Option<bool> {
        if self.untold.load(SeqCst) == NOTHING || !self.lock().is_ready() {
            return None;
        }
        match self.untold.swap(NOTHING, SeqCst) {
            NOTHING => None,
            how => Some(how == ENDED_WELL),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, http1::SendRequest<Payload>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(in crate::pool) struct Driver {
    connection: http1::Connection<TokioIo<Io>, Payload>,
    link: Weak<Link>,
    end: End,
}

impl Driver {
    pub(super) async fn run(self, shared: &Arc<Shared>, id: Id) {
        let Self { connection, link, mut end } = self;
        let mut connection = pin!(connection);
        poll_fn(|cx| {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            if let Some(link) = link.upgrade()
                && let AnySender::Http1(sender) = &link.sender
                && let Some(well) = sender.take_untold()
            {
                shared.release(id, well);
            }
            end.poll(cx)
        })
        .await;
    }
}
