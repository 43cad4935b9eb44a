//! Whole batches past the queue: for exporters of other SDKs, which batch themselves and have to answer for each batch.
//!
//! The same books, limits and stack as everything else of the client; never asks a sampler, and does not batch.

use crate::client::Client;
use crate::error::Error;
use crate::runtime;
use otlp_model::{
    DropReason, EncodedRecords, GroupId, InstrumentationScope, Limits, Outcome, Records, Resource, Signal,
};
use std::fmt;
use std::time::Duration;

/// Sends whole batches of one signal, and tells of each what became of it; made by [`Client::batch_sender`].
///
/// It is a handle on the client as any other: the client lives as long as it does.
///
/// ```
/// use otlp::{EncodedRecords, InstrumentationScope, Resource, Signal, SpanContext, SpanData, SpanId, TraceFlags, TraceId};
/// # async fn f(client: otlp::Client) {
/// let sender = client.batch_sender(Signal::Traces);
/// let resource = Resource::new().with("service.name", "imported");
/// let group = sender.group(&resource, &InstrumentationScope::new("importer"));
/// let context = SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
/// let mut records = EncodedRecords::new();
/// let mut writer = otlp::SpanWriter::new();
/// records.push(group, 1, writer.encode(&SpanData::new(context, "GET", 1_000, 2_000), sender.limits()));
/// let report = sender.send(records, None).await;
/// assert!(report.is_delivered(), "{report}");
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct BatchSender {
    client: Client,
    signal: Signal,
}

/// What became of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchReport {
    /// Its items, by what became of them.
    pub outcome: Outcome,
    /// The last error of the client before the outcome, if anything was dropped: with nothing else on its way, the reason.
    pub last_error: Option<String>,
    /// What a receiver said last to the client, if this one rejected anything: with nothing else on its way, why.
    pub last_message: Option<String>,
}

impl BatchReport {
    /// Whether the receiver took all of it.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.outcome.delivered == self.outcome.items()
    }
}

impl fmt::Display for BatchReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { delivered, rejected, dropped } = self.outcome;
        write!(f, "of {} items {delivered} were delivered", self.outcome.items())?;
        if rejected > 0 {
            write!(f, ", {rejected} rejected by the receiver")?;
        }
        if dropped.total() > 0 {
            write!(f, ", {} lost ({dropped})", dropped.total())?;
        }
        // Of the client, and not of this batch: another one's failure may have come in between.
        if let Some(message) = &self.last_message {
            write!(f, "; last message of a receiver: {message}")?;
        }
        if let Some(error) = &self.last_error {
            write!(f, "; last error: {error}")?;
        }
        Ok(())
    }
}

impl Client {
    /// Sends batches of `signal` that somebody else has made. Most applications need this not: tracers and
    /// [`export_traces`](Self::export_traces) batch by themselves.
    #[must_use]
    pub fn batch_sender(&self, signal: Signal) -> BatchSender {
        BatchSender { client: self.clone(), signal }
    }
}

impl BatchSender {
    /// The group of a resource and scope, under which records are sent. Encodes and waits for a lock: keep what it returns.
    /// What is known of a group stays in memory as long as the client.
    #[must_use]
    pub fn group(&self, resource: &Resource, scope: &InstrumentationScope) -> GroupId {
        let shared = self.client.shared();
        // In a fork the registry may be locked for good.
        if shared.is_forked() { GroupId(0) } else { shared.groups.register(resource, scope) }
    }

    /// The client's limits, for whoever writes records.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        let shared = self.client.shared();
        if self.signal == Signal::Logs { &shared.log_limits } else { &shared.limits }
    }

    /// The most bytes that one record may have: those of a request
    /// ([`with_max_request_bytes`](crate::ClientBuilder::with_max_request_bytes)). A larger one is dropped (`too_large`), so a
    /// metric with very many points is better sent as several of the same name.
    #[must_use]
    pub fn max_record_bytes(&self) -> usize {
        self.client.shared().lane(self.signal).queue().max_record_bytes()
    }

    /// The client it sends with.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Counts items that could not be encoded: as accepted, and dropped as `encode_failed`.
    pub fn refuse(&self, items: u32) {
        if !self.client.shared().is_on(self.signal) {
            return;
        }
        self.client.shared().refuse(self.signal, items, DropReason::EncodeFailed);
    }

    /// Sends the records, alone and at once, and resolves when their outcome is in the books, on any executor.
    ///
    /// Tried again as the client's options say. `timeout`, or without one the client's
    /// [export timeout](crate::ClientBuilder::with_export_timeout), bounds the whole, waiting for a receiver that is down
    /// included (`deadline`). Nothing happens where the signal is off. Refused when the client's memory has no room (`queue_full`), after a shutdown,
    /// in a fork (`shut_down`), and on the client's own thread, where it would wait for itself (`queue_full`).
    ///
    /// Cancel safe: when the future is dropped, sending goes on.
    pub async fn send(&self, records: EncodedRecords, timeout: Option<Duration>) -> BatchReport {
        let shared = self.client.shared();
        let items = if shared.is_on(self.signal) { records.items() } else { 0 };
        let refused = |reason, error: String| BatchReport {
            outcome: Outcome::lost(reason, items),
            last_error: Some(error),
            last_message: None,
        };
        if shared.is_forked() {
            return refused(DropReason::ShutDown, Error::forked().to_string());
        }
        if !shared.is_on(self.signal) {
            return refused(DropReason::ShutDown, format!("{} are off in this client", self.signal));
        }
        if items == 0 {
            return BatchReport { outcome: Outcome::default(), last_error: None, last_message: None };
        }
        if runtime::is_current() {
            shared.refuse(self.signal, saturated(items), DropReason::QueueFull);
            return refused(
                DropReason::QueueFull,
                String::from("the client's own thread would wait for itself"),
            );
        }
        let timeout = timeout.unwrap_or(*shared.export_timeout.get(self.signal));
        let outcome = shared.lane(self.signal).send(records.into(), Some(timeout)).await;
        if outcome.dropped.total() > 0 {
            shared.lost();
        }
        let said = shared.failures.look();
        BatchReport {
            outcome,
            last_error: said.error.filter(|_| outcome.dropped.total() > 0),
            last_message: said.message.filter(|_| outcome.rejected > 0),
        }
    }

    /// Blocks until everything of the signal that was accepted before the call has an outcome, at most `timeout`; whether
    /// that is so. Tells nothing of losses and is no report: of each batch [`send`](Self::send) has told, or will.
    pub fn settle_blocking(&self, timeout: Duration) -> bool {
        let shared = self.client.shared();
        if shared.is_forked() || runtime::is_current() {
            return false;
        }
        shared.lane(self.signal).flush(Some(timeout)).wait(timeout).complete
    }
}

fn saturated(items: u64) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}
