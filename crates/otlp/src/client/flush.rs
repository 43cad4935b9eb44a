//! Flush, shutdown and drop: what each asks of the three workers. How their answers become a report is in `settle.rs`.

use super::{Client, Inner};
use crate::clock;
use crate::error::Error;
use crate::report::DeliveryReport;
use crate::runtime;
use crate::shared::Shared;
use otlp_batch::Reply;
use otlp_model::Signal;
use std::sync::Arc;
use std::time::Duration;

impl Client {
    /// Sends what was accepted before the call and waits until all of it has an outcome, at most for
    /// [`with_flush_timeout`](crate::ClientBuilder::with_flush_timeout). Cancel-safe: sending goes on.
    ///
    /// # Errors
    ///
    /// [`Lost`](crate::ErrorKind::Lost) if anything was dropped since the last report,
    /// [`Timeout`](crate::ErrorKind::Timeout) if the time was up; both carry the [report](Error::report).
    /// [`Forked`](crate::ErrorKind::Forked) in a fork of the client's process.
    pub async fn flush(&self) -> Result<DeliveryReport, Error> {
        self.flush_within(self.inner.flush_timeout).await
    }

    /// [`flush`](Self::flush) with a deadline of its own.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub async fn flush_within(&self, timeout: Duration) -> Result<DeliveryReport, Error> {
        self.inner
            .settle("flush", self.inner.each(|shared, signal| shared.lane(signal).flush(Some(timeout))))
            .await
    }

    /// [`flush`](Self::flush) for callers that are not async; blocks this thread.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn flush_blocking(&self) -> Result<DeliveryReport, Error> {
        self.flush_within_blocking(self.inner.flush_timeout)
    }

    /// [`flush_within`](Self::flush_within) for callers that are not async; blocks this thread.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn flush_within_blocking(&self, timeout: Duration) -> Result<DeliveryReport, Error> {
        let replies = self.inner.each(|shared, signal| shared.lane(signal).flush(Some(timeout)));
        self.inner.settle_blocking("flush", replies, timeout)
    }

    /// Stops accepting, sends what waits, and ends the client's thread. What has no outcome after `deadline` is dropped
    /// and counted (`deadline`). Cancel-safe: the shutdown goes on. Shutting down again reports again.
    ///
    /// # Errors
    ///
    /// [`Lost`](crate::ErrorKind::Lost) if anything was dropped since the last report, with the
    /// [report](Error::report). [`Forked`](crate::ErrorKind::Forked) in a fork of the client's process.
    pub async fn shutdown(&self, deadline: Duration) -> Result<DeliveryReport, Error> {
        let replies = self.inner.close(deadline);
        self.inner.settle("shutdown", replies).await
    }

    /// [`shutdown`](Self::shutdown) for callers that are not async; blocks this thread.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Self::shutdown).
    pub fn shutdown_blocking(&self, deadline: Duration) -> Result<DeliveryReport, Error> {
        let replies = self.inner.close(deadline);
        self.inner.settle_blocking("shutdown", replies, deadline)
    }
}

impl Inner {
    fn each(&self, ask: impl Fn(&Shared, Signal) -> Reply) -> [Reply; 3] {
        Signal::ALL.map(|signal| ask(&self.shared, signal))
    }

    /// Tells the layers first: a retry that sleeps tries at once, and none sleeps past the deadline.
    fn close(&self, deadline: Duration) -> [Reply; 3] {
        if !self.shared.is_forked() {
            self.shutdown.trigger(clock::instant().checked_add(deadline).map(Into::into));
        }
        self.each(|shared, signal| shared.lane(signal).close(Some(deadline)))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.shared.is_forked() {
            // Whatever the end of these would wake or lock is the parent's: they are left as they are.
            std::mem::forget((Arc::clone(&self.shared), self.shutdown.clone(), self.checks.clone()));
            return;
        }
        let replies = self.close(self.drop_timeout);
        if !self.drop_timeout.is_zero() && !runtime::is_current() {
            // Nobody is left to tell.
            let _ = self.settle_blocking("drop", replies, self.drop_timeout);
        }
    }
}
