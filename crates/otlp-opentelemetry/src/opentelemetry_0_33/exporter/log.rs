//! Log records of the SDK, written to the wire as they are handed over.

use super::{Exporter, sdk, unix_nano};
use crate::opentelemetry_0_33::logger::severity;
use crate::opentelemetry_0_33::targets::TARGET;
use crate::opentelemetry_0_33::value::Converted;
use otlp::{
    Client, EncodedRecords, Limits, LogWriter, Signal, SpanContext, SpanId, ToValue as _, TraceFlags, TraceId,
};
use sdk::error::OTelSdkResult;
use sdk::logs::{LogBatch, SdkLogRecord};
use std::time::Duration;

/// Exports the SDK's log records through a client: in place of the one of opentelemetry-otlp.
///
/// A record's target goes for the name of its scope, as there: the first 1,024 different ones of a logger, the others are the
/// attribute `log.target`. What else is true of [`SpanExporter`](super::SpanExporter), its errors included, is of this one.
///
/// ```
/// use opentelemetry_sdk_0_33::logs::SdkLoggerProvider;
/// use otlp_opentelemetry::opentelemetry_0_33::LogExporter;
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let client = otlp::Client::builder().with_endpoint("http://localhost:4317").build().await?;
/// let provider = SdkLoggerProvider::builder().with_batch_exporter(LogExporter::new(&client)).build();
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct LogExporter(Exporter<LogWriter>);

impl LogExporter {
    /// An exporter that `client` sends for. Shutting it down does not shut the client down, which others may use, too.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self(Exporter::new(client, Signal::Logs))
    }

    /// Bounds each export, with all its attempts. Without, that is for the client's
    /// [`with_export_timeout`](otlp::ClientBuilder::with_export_timeout).
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout = Some(timeout);
        self
    }

    fn encode(&self, batch: &LogBatch<'_>) -> EncodedRecords {
        let limits = self.0.limits();
        let state = &mut *self.0.state();
        let mut records = state.records();
        for (record, scope) in batch.iter() {
            let target = record.target().map(|target| &**target);
            let (group, is_named) = state.groups.group(&self.0.sender, scope, target);
            let target = target.filter(|_| !is_named);
            records.push(group, 1, write(&mut state.writer, record, target, &limits));
        }
        records
    }
}

fn write<'a>(
    writer: &'a mut LogWriter,
    record: &SdkLogRecord,
    target: Option<&str>,
    limits: &Limits,
) -> &'a [u8] {
    writer.start(limits);
    if let Some(text) = record.severity_text() {
        writer.set_severity_text(text);
    }
    if let Some(name) = record.event_name() {
        writer.set_event_name(name);
    }
    if let Some(body) = record.body() {
        writer.set_body(Converted::from(body).to_value());
    }
    for (key, value) in record.attributes_iter() {
        writer.set_attribute(key.as_str(), Converted::from(value).to_value());
    }
    if let Some(target) = target {
        writer.set_attribute(TARGET, target.into());
    }
    let severity = record.severity_number().map(severity);
    let context = record.trace_context().map(|context| {
        let flags = TraceFlags::from_bits(context.trace_flags.unwrap_or_default().to_u8());
        let trace_id = TraceId::from_bytes(context.trace_id.to_bytes());
        SpanContext::new(trace_id, SpanId::from_bytes(context.span_id.to_bytes()), flags)
    });
    writer.finish(
        severity.unwrap_or_default(),
        record.timestamp().map_or(0, unix_nano),
        record.observed_timestamp().map_or(0, unix_nano),
        &context.unwrap_or_default(),
    )
}

impl sdk::logs::LogExporter for LogExporter {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        self.0.check()?;
        let records = self.encode(&batch);
        self.0.send(records).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shut_down(timeout)
    }

    fn set_resource(&mut self, resource: &sdk::Resource) {
        self.0.set_resource(resource);
    }
}
