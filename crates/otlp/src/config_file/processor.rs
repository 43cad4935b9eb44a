//! The processor of spans or of log records in a configuration file.

use super::exporter::{self, FromFile};
use super::node::At;
use crate::settings::{Settings, SignalSettings, timeout};
use otlp_model::Signal;
use std::time::Duration;

/// Copies events to spans, and exports nothing (LOG-15).
const BRIDGE: &str = "event_to_span_event_bridge/development";

/// What a provider says: one processor that exports, and of logs the one that copies events to their spans.
pub(super) fn processors(
    from: &FromFile,
    provider: &At<'_>,
    signal: Signal,
    settings: &mut Settings,
) -> Result<(), String> {
    let known: &[&str] =
        if signal == Signal::Logs { &["batch", "simple", BRIDGE] } else { &["batch", "simple"] };
    let processors = provider.need("processors")?;
    let mut exporting = None;
    for processor in processors.filled_list()? {
        let (name, options) = processor.component("a processor", known)?;
        if name == BRIDGE {
            options.only(&[])?;
            settings.events_on_spans = Some(from.given(true));
        } else if exporting.replace((name, options)).is_some() {
            return Err(processor.wrong(
                "a signal has one processor that exports: have a Collector send to several receivers, or make a client for \
                 each, of a file of its own",
            ));
        }
    }
    let mut said = match exporting {
        Some(("simple", options)) => simple(from, &options, signal)?,
        Some((_, options)) => batch(from, &options, signal)?,
        None => return Err(processors.wrong("must have a processor that exports: batch or simple")),
    };
    said.enabled = Some(from.given(true));
    *settings.signals.get_mut(signal) = said;
    Ok(())
}

/// Each item by itself, and whoever made it waits (BATCH-27). There is nothing to say but where it goes.
fn simple(from: &FromFile, simple: &At<'_>, signal: Signal) -> Result<SignalSettings, String> {
    let mut settings = exporter::exporter(from, simple.only(&["exporter"])?, signal)?;
    settings.async_export = Some(from.given(false));
    settings.batch_size = Some(from.given(1));
    Ok(settings)
}

fn batch(from: &FromFile, batch: &At<'_>, signal: Signal) -> Result<SignalSettings, String> {
    batch.only(&[
        "schedule_delay",
        "export_timeout",
        "max_queue_size",
        "max_export_batch_size",
        "exporter",
    ])?;
    let count = |key, least| batch.get(key)?.map(|at| at.count(least)).transpose();
    let mut settings = exporter::exporter(from, batch, signal)?;
    let delay = count("schedule_delay", 0)?.map(|ms| Duration::from_millis(ms.max(1)));
    let default = Duration::from_secs(if signal == Signal::Logs { 1 } else { 5 });
    settings.batch_delay = from.or_default(delay, default);
    settings.export_timeout =
        from.or_default(count("export_timeout", 0)?.map(timeout), Duration::from_secs(30));
    let size = |value: Option<u64>| value.map(|value| usize::try_from(value).unwrap_or(usize::MAX));
    let queue = size(count("max_queue_size", 1)?);
    let batches = size(count("max_export_batch_size", 1)?);
    let most = queue.unwrap_or(2048);
    if batches.is_some_and(|batches| batches > most) {
        return Err(batch.wrong(format_args!(
            "max_export_batch_size is larger than the queue, which has room for {most}"
        )));
    }
    settings.queue_size = from.or_default(queue, 2048);
    settings.batch_size = from.or_default(batches, most.min(512));
    Ok(settings)
}
