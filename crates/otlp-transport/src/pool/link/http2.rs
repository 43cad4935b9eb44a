//! HTTP/2 on a connection: as many requests at once as the server takes.
//!
//! Used by `link.rs` alone. hyper makes two futures of a connection, one that moves frames and one that takes requests,
//! and would spawn the former. Here one task polls both, and so notices at once, not with the next request, that the
//! server is closing the connection or has changed how many streams it takes.

mod joined;

use super::{Driver as AnyDriver, End, Link, Sender as AnySender, Shared};
use crate::error::find;
use crate::payload::Payload;
use crate::pool::KeepAlive;
use crate::pool::core::Id;
use crate::terminal::HEAD_LIMIT;
use crate::{BoxError, Connection as Io};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http2};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use joined::Joined;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

/// How many streams a server is expected to take: RFC 9113 recommends to grant no fewer.
pub(super) const EXPECTED_STREAMS: usize = 100;

/// What hyper takes for the number of streams until the server has said it: none that a server can say. The pool sends one
/// request ahead and the others when the server has spoken. Otherwise they would be refused, or stuck behind those that
/// the server takes.
const UNKNOWN: usize = usize::MAX - 1;

/// How much of a request is handed to HTTP/2 ahead of the server's window. It is not copied, only queued.
const SEND_BUFFER: usize = 4 * 1024 * 1024;

/// As good as never: hyper adds these times to the present, and panics when the sum is beyond what an `Instant` can be.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

pub(super) async fn start(
    io: TokioIo<Io>,
    pings: Option<KeepAlive>,
) -> Result<(Arc<Link>, AnyDriver), BoxError> {
    let tasks = Tasks::default();
    let mut builder = http2::Builder::new(tasks.clone());
    builder
        .timer(TokioTimer::new())
        .initial_max_send_streams(UNKNOWN)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(HEAD_LIMIT as u32);
    if let Some(KeepAlive { interval, timeout, while_idle }) = pings {
        builder
            .keep_alive_interval(interval.min(NEVER))
            .keep_alive_timeout(timeout.min(NEVER))
            .keep_alive_while_idle(while_idle);
    }
    let (sender, requests) = builder.handshake(TokioIo::new(Joined::new(io.into_inner()))).await?;
    let (link, unused) = Link::new(AnySender::Http2(Sender(Mutex::new(sender))));
    let frames = tasks.take_first();
    let driver = Driver { requests, frames, end: End::new(unused) };
    Ok((link, AnyDriver::Http2(Box::new(driver))))
}

#[derive(Debug)]
pub(super) struct Sender(Mutex<http2::SendRequest<Payload>>);

impl Sender {
    pub(super) async fn send(
        &self,
        request: http::Request<Payload>,
    ) -> Result<http::Response<Incoming>, TrySendError<http::Request<Payload>>> {
        let sending = self.0.lock().unwrap_or_else(PoisonError::into_inner).try_send_request(request);
        sending.await
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs what HTTP/2 needs: keeps the first task for the driver (it is the one that moves frames) and spawns the others,
/// which belong to a request each. Were the first another one, the connection would work all the same.
#[derive(Clone, Default)]
struct Tasks(Arc<Mutex<First>>);

#[derive(Default)]
enum First {
    #[default]
    Awaited,
    Kept(Task),
    Taken,
}

impl Tasks {
    fn take_first(&self) -> Option<Task> {
        match std::mem::replace(&mut *self.lock(), First::Taken) {
            First::Kept(task) => Some(task),
            First::Awaited | First::Taken => None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, First> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        let mut first = self.lock();
        if matches!(*first, First::Awaited) {
            *first = First::Kept(Box::pin(task));
        } else {
            drop(first);
            tokio::spawn(task);
        }
    }
}

pub(in crate::pool) struct Driver {
    requests: http2::Connection<TokioIo<Joined<Io>>, Payload, Tasks>,
    frames: Option<Task>,
    end: End,
}

impl Driver {
    pub(super) async fn run(self, shared: &Arc<Shared>, id: Id) {
        let Self { mut requests, mut frames, mut end } = self;
        let mut bound = UNKNOWN;
        let mut takes_requests = true;
        poll_fn(|cx| {
            if let Some(task) = &mut frames
                && task.as_mut().poll(cx).is_ready()
            {
                frames = None;
            }
            if takes_requests {
                if let Poll::Ready(result) = Pin::new(&mut requests).poll(cx) {
                    takes_requests = false;
                    if result.is_err_and(|error| is_complaint(&error)) {
                        shared.calm_down();
                    }
                    // Also while requests are under way: the server may have said goodbye and let them finish.
                    shared.retire(id);
                } else if requests.current_max_send_streams() != bound {
                    bound = requests.current_max_send_streams();
                    shared.set_bound(id, bound);
                }
            }
            if frames.is_none() && !takes_requests { Poll::Ready(()) } else { end.poll(cx) }
        })
        .await;
    }
}

/// Whether the server closed the connection because it got too many pings, or too much of something else.
fn is_complaint(error: &hyper::Error) -> bool {
    find::<h2::Error>(error).is_some_and(|h2| {
        h2.is_go_away() && h2.is_remote() && h2.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM)
    })
}
