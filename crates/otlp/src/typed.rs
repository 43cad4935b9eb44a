//! Export of typed data: for adapters, importers and tests. It takes the same way as live spans: the same writer, the
//! same queue, the same books. What other processes have made keeps the resource it came with (`export_…_from`).

use crate::client::Client;
use crate::error::Error;
use otlp_model::{
    DropReason, Dropped, GroupId, InstrumentationScope, Invalid, LogRecord, LogWriter, Metric, Resource,
    Signal, SpanData, encode_metric, encode_span,
};
use std::cell::RefCell;

impl Client {
    /// Queues finished spans under `scope` and returns how many; none if the signal is off. They are not sampled; limits apply. Delivery is what
    /// [`flush`](Self::flush) reports. What receivers would refuse, such as a span without an id, is dropped
    /// (`encode_failed`), and the error names it.
    ///
    /// ```no_run
    /// # fn f(client: otlp::Client) -> Result<(), otlp::Error> {
    /// use otlp::{InstrumentationScope, SpanContext, SpanData, SpanId, TraceFlags, TraceId};
    /// let context = SpanContext::new(TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]), TraceFlags::SAMPLED);
    /// let span = SpanData::new(context, "imported", 1_700_000_000_000_000_000, 1_700_000_000_100_000_000);
    /// assert_eq!(client.export_traces(&InstrumentationScope::new("importer"), [span])?, 1);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Lost`](crate::ErrorKind::Lost) if any did not get into the queue; the others did.
    /// [`Forked`](crate::ErrorKind::Forked) in a fork of the client's process.
    pub fn export_traces(
        &self,
        scope: &InstrumentationScope,
        spans: impl IntoIterator<Item = SpanData>,
    ) -> Result<u64, Error> {
        self.export_traces_from(self.resource(), scope, spans)
    }

    /// [`export_traces`](Self::export_traces) of spans that another process has made: they go out under its `resource`
    /// in place of this client's. What is known of a resource stays in memory as long as the client.
    ///
    /// ```no_run
    /// # fn f(client: otlp::Client, spans: Vec<otlp::SpanData>) -> Result<(), otlp::Error> {
    /// use otlp::{InstrumentationScope, Resource};
    /// let theirs = Resource::new().with("service.name", "checkout");
    /// client.export_traces_from(&theirs, &InstrumentationScope::new("cart"), spans)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`export_traces`](Self::export_traces).
    pub fn export_traces_from(
        &self,
        resource: &Resource,
        scope: &InstrumentationScope,
        spans: impl IntoIterator<Item = SpanData>,
    ) -> Result<u64, Error> {
        let limits = self.shared().limits;
        self.export(Signal::Traces, (resource, scope), spans, |span, buffer| {
            span.validate().map_err(|invalid| (1, invalid))?;
            encode_span(&span, &limits, buffer);
            Ok(1)
        })
    }

    /// Queues log records under `scope`; otherwise as [`export_traces`](Self::export_traces).
    ///
    /// # Errors
    ///
    /// As [`export_traces`](Self::export_traces).
    pub fn export_logs(
        &self,
        scope: &InstrumentationScope,
        records: impl IntoIterator<Item = LogRecord>,
    ) -> Result<u64, Error> {
        self.export_logs_from(self.resource(), scope, records)
    }

    /// Queues log records that another process has made, under its `resource`; otherwise as
    /// [`export_traces_from`](Self::export_traces_from).
    ///
    /// # Errors
    ///
    /// As [`export_traces`](Self::export_traces).
    pub fn export_logs_from(
        &self,
        resource: &Resource,
        scope: &InstrumentationScope,
        records: impl IntoIterator<Item = LogRecord>,
    ) -> Result<u64, Error> {
        let (limits, writer) = (self.shared().log_limits, RefCell::new(LogWriter::new()));
        self.export(Signal::Logs, (resource, scope), records, |record, buffer| {
            buffer.extend_from_slice(writer.borrow_mut().encode(&record, &limits));
            Ok(1)
        })
    }

    /// Queues metrics under `scope` and returns how many data points; otherwise as
    /// [`export_traces`](Self::export_traces). Metrics without data points are skipped.
    ///
    /// # Errors
    ///
    /// As [`export_traces`](Self::export_traces).
    pub fn export_metrics(
        &self,
        scope: &InstrumentationScope,
        metrics: impl IntoIterator<Item = Metric>,
    ) -> Result<u64, Error> {
        self.export_metrics_from(self.resource(), scope, metrics)
    }

    /// Queues metrics that another process has made, under its `resource`; otherwise as
    /// [`export_metrics`](Self::export_metrics) and [`export_traces_from`](Self::export_traces_from).
    ///
    /// # Errors
    ///
    /// As [`export_traces`](Self::export_traces).
    pub fn export_metrics_from(
        &self,
        resource: &Resource,
        scope: &InstrumentationScope,
        metrics: impl IntoIterator<Item = Metric>,
    ) -> Result<u64, Error> {
        self.export(Signal::Metrics, (resource, scope), metrics, |metric, buffer| {
            let points = u32::try_from(metric.data_points()).unwrap_or(u32::MAX);
            metric.validate().map_err(|invalid| (points, invalid))?;
            Ok(encode_metric(&metric, buffer))
        })
    }

    fn export<T>(
        &self,
        signal: Signal,
        (resource, scope): (&Resource, &InstrumentationScope),
        items: impl IntoIterator<Item = T>,
        encode: impl Fn(T, &mut Vec<u8>) -> Result<u32, (u32, Invalid)>,
    ) -> Result<u64, Error> {
        if self.shared().is_forked() {
            return Err(Error::forked());
        }
        if !self.shared().is_on(signal) {
            return Ok(0);
        }
        let group = self.shared().groups.register(resource, scope);
        let queue = self.shared().lane(signal).queue();
        let (mut queued, mut dropped, mut first_invalid, mut buffer) =
            (0, Dropped::default(), None, Vec::new());
        for item in items {
            buffer.clear();
            let (count, pushed) = match encode(item, &mut buffer) {
                Ok(0) => continue,
                Ok(count) => match self.shared().hooks.ended(signal, &buffer) {
                    Ok(Some(record)) => (count, queue.push(group, count, &record)),
                    Ok(None) => continue,
                    Err(reason) => {
                        self.shared().refuse(signal, count, reason);
                        (count, Err(reason))
                    }
                },
                Err((count, invalid)) => {
                    self.shared().refuse(signal, count, DropReason::EncodeFailed);
                    first_invalid.get_or_insert(invalid);
                    (count, Err(DropReason::EncodeFailed))
                }
            };
            match pushed {
                Ok(()) => queued += u64::from(count),
                Err(reason) => dropped.add(reason, u64::from(count)),
            }
        }
        if dropped.total() == 0 {
            Ok(queued)
        } else {
            self.shared().lost();
            Err(Error::not_queued(signal, queued, dropped, first_invalid))
        }
    }

    pub(crate) fn group(&self, scope: &InstrumentationScope) -> GroupId {
        // In a fork the registry may be locked for good; what is made there is not sent.
        if self.shared().is_forked() {
            return GroupId(0);
        }
        self.shared().groups.register(self.resource(), scope)
    }
}
