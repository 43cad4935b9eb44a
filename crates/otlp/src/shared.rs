//! What every tracer of a client shares: the queues, the sampler, the limits, the clock.
//!
//! Outlives the client as long as a tracer does. Spawns nothing and knows nothing of the network.

use crate::clock::Clock;
use crate::observe::Failures;
use crate::runtime;
use otlp_batch::BatchHandle;
use otlp_model::{GroupId, Groups, KeyValue, Limits, Signal, TraceState};
use otlp_sampling::{Sampler, SamplingParameters};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) groups: Arc<Groups>,
    pub(crate) failures: Failures,
    sampler: Box<dyn Sampler>,
    lanes: [BatchHandle; 3],
    /// How long `Span::end` waits for delivery; `None` when the export is asynchronous.
    wait_for_delivery: Option<Duration>,
}

/// A sampler's answer, in parts.
pub(crate) struct Sampling {
    pub(crate) sampled: bool,
    pub(crate) attributes: Option<Vec<KeyValue>>,
    pub(crate) trace_state: TraceState,
}

impl Shared {
    pub(crate) fn new(
        limits: Limits,
        groups: Arc<Groups>,
        failures: Failures,
        sampler: Box<dyn Sampler>,
        lanes: [BatchHandle; 3],
        wait_for_delivery: Option<Duration>,
    ) -> Self {
        Self { clock: Clock::new(), limits, groups, failures, sampler, lanes, wait_for_delivery }
    }

    /// Asks the sampler. One that panics samples nothing, for this span.
    ///
    /// The answer is taken apart inside `catch_unwind`, because the usual one is a single byte: moving the whole out, and
    /// dropping its empty parts, costs more than everything else that an unsampled span does.
    #[inline]
    pub(crate) fn sample(&self, parameters: &SamplingParameters<'_>) -> Sampling {
        let mut sampling = Sampling { sampled: false, attributes: None, trace_state: TraceState::default() };
        let asked = catch_unwind(AssertUnwindSafe(|| {
            let mut answer = self.sampler.should_sample(parameters);
            sampling.sampled = answer.is_sampled();
            if answer.attributes.capacity() > 0 || !answer.trace_state.is_empty() {
                sampling.attributes = Some(std::mem::take(&mut answer.attributes));
                sampling.trace_state = std::mem::take(&mut answer.trace_state);
            }
            // What is left of it owns nothing, so nothing leaks.
            std::mem::forget(answer);
        }));
        if asked.is_err() {
            sampling.trace_state = parameters.parent_trace_state();
        }
        sampling
    }

    #[inline]
    pub(crate) fn push_span(&self, group: GroupId, record: &[u8]) {
        // A refusal is counted by the queue, and told by the next report.
        let pushed = self.lane(Signal::Traces).queue().push(group, 1, record);
        if let Some(limit) = self.wait_for_delivery
            && pushed.is_ok()
        {
            self.wait_for_delivery(limit);
        }
    }

    /// Nothing would be delivered while the client's own thread waits, so it does not.
    #[cold]
    fn wait_for_delivery(&self, limit: Duration) {
        if !runtime::is_current() {
            let _ = self.lane(Signal::Traces).flush(Some(limit)).wait(limit);
        }
    }

    pub(crate) fn lane(&self, signal: Signal) -> &BatchHandle {
        let [traces, metrics, logs] = &self.lanes;
        match signal {
            Signal::Metrics => metrics,
            Signal::Logs => logs,
            _ => traces,
        }
    }
}
