//! Spans of the SDK, written to the wire as they are handed over.

use super::{Exporter, sdk, unix_nano};
use crate::opentelemetry_0_33::context::from_span_context;
use crate::opentelemetry_0_33::opentelemetry::trace::Status;
use crate::opentelemetry_0_33::tracer::kind;
use crate::opentelemetry_0_33::value::{pair, set_attribute};
use otlp::{Client, EncodedRecords, Limits, Signal, SpanId, SpanWriter, StatusCode};
use sdk::error::{OTelSdkError, OTelSdkResult};
use sdk::trace::SpanData;
use std::time::Duration;

/// Exports the SDK's spans through a client: in place of the one of opentelemetry-otlp.
///
/// Works under every span processor of the SDK, in any runtime and without. Resource, scopes, limits and sampling are the SDK's;
/// endpoint, compression, retry and the rest of the way are the client's. The client's sampler, its span and log hooks and its
/// threshold of logs do not apply: what they see is what the client's own tracers and loggers make. Of attributes with the same
/// key the last one is sent.
///
/// ```
/// use opentelemetry_sdk_0_33::trace::SdkTracerProvider;
/// use otlp_opentelemetry::opentelemetry_0_33::SpanExporter;
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let client = otlp::Client::builder().with_endpoint("http://localhost:4317").build().await?;
/// let provider = SdkTracerProvider::builder().with_batch_exporter(SpanExporter::new(&client)).build();
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// Of `export`: `InternalFailure` with the reason when anything was rejected or lost, `Timeout` when the time of
/// [`with_timeout`](Self::with_timeout) was over, `AlreadyShutdown`.
///
/// Of `force_flush` and `shutdown`: `InternalFailure` when anything was lost since they were asked last, `Timeout` when not all that
/// was under way had an outcome in time, `AlreadyShutdown`. The SDK's batch processor passes none of them on: it tells what became of
/// the last batch at a flush, and nothing at a shutdown. Of an export whose future is dropped nobody learns the outcome here: it goes
/// on, and [`otlp::Client::shutdown`] has it in the books, as all others.
#[derive(Debug)]
pub struct SpanExporter(Exporter<SpanWriter>);

impl SpanExporter {
    /// An exporter that `client` sends for. Shutting it down does not shut the client down, which others may use, too.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self(Exporter::new(client, Signal::Traces))
    }

    /// Bounds each export, with all its attempts. Without, that is for the client's
    /// [`with_export_timeout`](otlp::ClientBuilder::with_export_timeout).
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout = Some(timeout);
        self
    }

    /// The records, and how many spans have no ids: receivers would refuse the whole batch for one.
    fn encode(&self, batch: &[SpanData]) -> (EncodedRecords, u32) {
        let limits = self.0.limits();
        let state = &mut *self.0.state();
        let (mut records, mut nameless) = (state.records(), 0);
        let mut last = None;
        for span in batch {
            let group = match last {
                Some((scope, group)) if scope == &span.instrumentation_scope => group,
                _ => state.groups.group(&self.0.sender, &span.instrumentation_scope, None).0,
            };
            last = Some((&span.instrumentation_scope, group));
            if span.span_context.is_valid() {
                records.push(group, 1, write(&mut state.writer, span, &limits));
            } else {
                nameless += 1;
            }
        }
        self.0.sender.refuse(nameless);
        (records, nameless)
    }
}

fn write<'a>(writer: &'a mut SpanWriter, span: &SpanData, limits: &Limits) -> &'a [u8] {
    writer.start(
        limits,
        &from_span_context(&span.span_context),
        SpanId::from_bytes(span.parent_span_id.to_bytes()),
        span.parent_span_is_remote,
        &span.name,
        kind(Some(span.span_kind.clone())),
        unix_nano(span.start_time),
    );
    for attribute in &span.attributes {
        set_attribute(writer, attribute);
    }
    for event in &span.events.events {
        let (time, dropped) = (unix_nano(event.timestamp), event.dropped_attributes_count);
        writer.put_event(&event.name, time, event.attributes.iter().map(pair), dropped);
    }
    for link in &span.links.links {
        let context = from_span_context(&link.span_context);
        writer.put_link(&context, link.attributes.iter().map(pair), link.dropped_attributes_count);
    }
    writer.add_dropped(span.dropped_attributes_count, span.events.dropped_count, span.links.dropped_count);
    match &span.status {
        Status::Unset => {}
        Status::Ok => writer.set_status(StatusCode::Ok, ""),
        Status::Error { description } => writer.set_status(StatusCode::Error, description),
    }
    writer.finish(unix_nano(span.end_time))
}

impl sdk::trace::SpanExporter for SpanExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.check()?;
        let (records, nameless) = self.encode(&batch);
        drop(batch);
        let nameless = match nameless {
            0 => Ok(()),
            _ => {
                let text = format!("{nameless} spans without ids were lost (encode_failed)");
                self.0.lose(nameless.into(), text.clone());
                Err(OTelSdkError::InternalFailure(text))
            }
        };
        self.0.send(records).await.and(nameless)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shut_down(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &sdk::Resource) {
        self.0.set_resource(resource);
    }
}
