//! Where the tasks of a collector or proxy run: on the runtime of the test, or on a thread and runtime of its own.
//!
//! Used by their handles to run things there and to wait for them. Never runs anything by itself.

use crate::Error;
use std::future::Future;
use std::sync::mpsc;
use std::thread;
use tokio::runtime::{Builder, Handle, RuntimeFlavor};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) struct Home {
    handle: Handle,
    own: Option<OwnThread>,
}

struct OwnThread {
    end: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Home {
    /// The runtime around the caller.
    pub(crate) fn here() -> Result<Self, Error> {
        let handle = Handle::try_current().map_err(|_| Error::NoRuntime)?;
        Ok(Self { handle, own: None })
    }

    /// A new thread with a current-thread runtime.
    pub(crate) fn own_thread() -> Result<Self, Error> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Thread)?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("otlp-testkit".to_owned())
            .spawn(move || {
                // Ends on the message or when the sender is gone: either way it is over.
                let _ = runtime.block_on(ended);
            })
            .map_err(Error::Thread)?;
        Ok(Self { handle, own: Some(OwnThread { end, thread }) })
    }

    pub(crate) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs a future there, to its end or until the returned future is dropped; awaitable from any executor.
    pub(crate) async fn run_cancellable<T>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
    {
        let mut task = AbortOnDrop(self.handle.spawn(future));
        (&mut task.0).await.map_err(|_| Error::RuntimeGone)
    }

    /// Runs a future there to its end, even when the returned future is dropped.
    pub(crate) async fn run<T>(&self, future: impl Future<Output = T> + Send + 'static) -> Result<T, Error>
    where
        T: Send + 'static,
    {
        self.handle.spawn(future).await.map_err(|_| Error::RuntimeGone)
    }

    /// Does something that blocks until a task there acts, unless it needs this very thread to act.
    pub(crate) fn blocking<T>(&self, operation: &'static str, wait: impl FnOnce() -> T) -> Result<T, Error> {
        if self.own.is_some() {
            return Ok(wait());
        }
        match Handle::try_current().map(|handle| handle.runtime_flavor()) {
            Err(_) => Ok(wait()),
            Ok(RuntimeFlavor::MultiThread) => Ok(tokio::task::block_in_place(wait)),
            Ok(_) => Err(Error::WouldDeadlock { operation }),
        }
    }

    /// Ends an own thread, waiting for it, so that nothing listens any more.
    pub(crate) fn end(&mut self) {
        let Some(OwnThread { end, thread }) = self.own.take() else { return };
        let _ = end.send(());
        if thread.thread().id() != thread::current().id() {
            // A panic of the thread has been reported there already.
            let _ = thread.join();
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        self.end();
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs a future on `handle`'s runtime and blocks until it is done.
pub(crate) fn wait<T: Send + 'static>(
    handle: &Handle,
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, Error> {
    let (done, result) = mpsc::sync_channel(1);
    handle.spawn(async move {
        let _ = done.send(future.await);
    });
    result.recv().map_err(|_| Error::RuntimeGone)
}
