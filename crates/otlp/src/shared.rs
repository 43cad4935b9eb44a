//! What every tracer of a client shares: the queues, the sampler, the limits, the clock.
//!
//! Outlives the client as long as a tracer does. Spawns nothing and knows nothing of the network.

use crate::clock::Clock;
use crate::decision::Decider;
use crate::observe::Failures;
use crate::runtime;
use otlp_batch::BatchHandle;
use otlp_model::{GroupId, Groups, Limits, Signal};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) limits: Limits,
    pub(crate) groups: Arc<Groups>,
    pub(crate) failures: Failures,
    pub(crate) sampler: Decider,
    lanes: [BatchHandle; 3],
    /// How long `Span::end` waits for delivery; `None` when the export is asynchronous.
    wait_for_delivery: Option<Duration>,
}

impl Shared {
    pub(crate) fn new(
        limits: Limits,
        groups: Arc<Groups>,
        failures: Failures,
        sampler: Decider,
        lanes: [BatchHandle; 3],
        wait_for_delivery: Option<Duration>,
    ) -> Self {
        Self { clock: Clock::new(), limits, groups, failures, sampler, lanes, wait_for_delivery }
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
