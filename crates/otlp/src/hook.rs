//! Hooks: what users want done with every span and log record where it is made: attributes added at the start; records
//! redacted or left out at the end.
//!
//! They run on the thread that makes the record, in the order in which they were added (conformance BATCH-08), and must not
//! block. Nothing of this is on the way of a client without hooks. What a hook may do to a record is the business of `record`.

mod event_bridge;
mod record;

pub use record::{EmittedLog, EndedSpan, StartedSpan};

use crate::foreign::contained;
use event_bridge::EventBridge;
use otlp_model::{DropReason, Limits, Signal, SpanId};
use record::Finished;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What is done with every span. It must make no spans of the same client itself: it would be called for them, too. Added with [`ClientBuilder::with_span_hook`](crate::ClientBuilder::with_span_hook).
///
/// ```
/// use otlp::{Client, EndedSpan, Redaction, SpanHook, StartedSpan};
/// struct Tenant;
/// impl SpanHook for Tenant {
///     fn on_start(&self, span: &mut StartedSpan<'_>) {
///         span.set_attribute("tenant", "blue");
///     }
///     fn on_end(&self, span: &mut EndedSpan<'_>) {
///         span.redact(|key, _| if key.contains("password") { Redaction::Remove } else { Redaction::Keep });
///     }
/// }
/// let builder = Client::builder().with_span_hook(Tenant);
/// ```
pub trait SpanHook: Send + Sync + 'static {
    /// A span of a tracer has started that will be recorded; one that is not sampled is not shown. If this panics, the span
    /// goes on as it is.
    fn on_start(&self, _span: &mut StartedSpan<'_>) {}

    /// A span has ended, or came typed ([`Client::export_traces`](crate::Client::export_traces)). If this panics, the span is
    /// not sent, since it might hold what was to be removed: it is dropped, and counted (`layer_failed`).
    fn on_end(&self, _span: &mut EndedSpan<'_>) {}
}

/// What is done with every log record. It must make none of the same client itself. Added with [`ClientBuilder::with_log_hook`](crate::ClientBuilder::with_log_hook).
///
/// ```
/// use otlp::{Client, EmittedLog, LogHook};
/// struct Quiet;
/// impl LogHook for Quiet {
///     fn on_emit(&self, log: &mut EmittedLog<'_>) {
///         if log.view().is_ok_and(|log| log.event_name == "heartbeat") {
///             log.discard();
///         }
///     }
/// }
/// let builder = Client::builder().with_log_hook(Quiet);
/// ```
pub trait LogHook: Send + Sync + 'static {
    /// A record was emitted, or came typed ([`Client::export_logs`](crate::Client::export_logs)). If this panics, the record is
    /// dropped, and counted (`layer_failed`), as a span is.
    fn on_emit(&self, log: &mut EmittedLog<'_>);
}

/// A client's hooks, in order.
#[derive(Default)]
pub(crate) struct Hooks {
    spans: Vec<Box<dyn SpanHook>>,
    logs: Vec<Box<dyn LogHook>>,
    /// Among both, where events are copied.
    bridge: Option<Arc<EventBridge>>,
}

impl Hooks {
    pub(crate) fn add_span_hook(&mut self, hook: impl SpanHook) {
        self.spans.push(Box::new(hook));
    }

    pub(crate) fn add_log_hook(&mut self, hook: impl LogHook) {
        self.logs.push(Box::new(hook));
    }

    /// Copies events among the log records to their spans: as the hooks of logs leave them, and before those of spans.
    pub(crate) fn bridge_events(&mut self, span_limits: Limits) {
        let bridge = Arc::new(EventBridge::new(span_limits));
        self.spans.insert(0, Box::new(Arc::clone(&bridge)));
        self.logs.push(Box::new(Arc::clone(&bridge)));
        self.bridge = Some(bridge);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.spans.is_empty() && self.logs.is_empty()
    }

    #[inline]
    pub(crate) fn has_span_hooks(&self) -> bool {
        !self.spans.is_empty()
    }

    pub(crate) fn started(&self, mut span: StartedSpan<'_>) {
        for hook in &self.spans {
            // What it has set so far stays.
            contained(|| hook.on_start(&mut span));
        }
    }

    /// A span that was shown at its start will not end. Calls no one else's code.
    pub(crate) fn given_up(&self, span: SpanId) {
        if let Some(bridge) = &self.bridge {
            bridge.take(span);
        }
    }

    /// The record as the hooks leave it; `Ok(None)` if one discards it: then it was never there.
    pub(crate) fn ended<'a>(
        &self,
        signal: Signal,
        record: &'a [u8],
    ) -> Result<Option<Cow<'a, [u8]>>, DropReason> {
        let finished = Finished::new(record);
        match signal {
            Signal::Traces => {
                let mut span = EndedSpan(finished);
                run(&self.spans, |hook| {
                    hook.on_end(&mut span);
                    span.0.is_discarded()
                })?;
                span.0.into_record()
            }
            Signal::Logs => {
                let mut log = EmittedLog(finished);
                run(&self.logs, |hook| {
                    hook.on_emit(&mut log);
                    log.0.is_discarded()
                })?;
                log.0.into_record()
            }
            _ => Ok(Some(Cow::Borrowed(record))),
        }
    }
}

/// Calls the hooks in order until one discards the record, or panics.
fn run<H: ?Sized>(hooks: &[Box<H>], mut call: impl FnMut(&H) -> bool) -> Result<(), DropReason> {
    for hook in hooks {
        let mut is_discarded = false;
        if !contained(|| is_discarded = call(hook)) {
            return Err(DropReason::LayerFailed);
        }
        if is_discarded {
            break;
        }
    }
    Ok(())
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks").field("spans", &self.spans.len()).field("logs", &self.logs.len()).finish()
    }
}
