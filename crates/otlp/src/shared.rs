//! What every tracer and logger of a client shares: the queues, the sampler, the limits, the clock.
//!
//! Outlives the client as long as one of them does. Spawns nothing and knows nothing of the network.

use crate::clock::Clock;
use crate::decision::Decider;
use crate::hook::Hooks;
use crate::id_generator::IdGenerator;
use crate::logger::LogFilter;
use crate::loss::LossBell;
use crate::observe::Failures;
use crate::signal_config::PerSignal;
use crate::{ids, runtime};
use otlp_batch::BatchHandle;
use otlp_model::{DropReason, GroupId, Groups, Limits, Signal};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Shared {
    pub(crate) clock: Clock,
    /// Of spans.
    pub(crate) limits: Limits,
    pub(crate) log_limits: Limits,
    enabled: PerSignal<bool>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) failures: Failures,
    pub(crate) sampler: Decider,
    pub(crate) log_filter: LogFilter,
    pub(crate) hooks: Hooks,
    losses: Arc<LossBell>,
    /// In place of the client's own; only with a sampler that is asked.
    pub(crate) id_generator: Option<Box<dyn IdGenerator>>,
    /// Makes the ids of this client differ from those of any other, see [`ids`].
    pub(crate) salt: u64,
    lanes: PerSignal<BatchHandle>,
    /// How long one batch may take, all attempts together.
    pub(crate) export_timeout: PerSignal<Duration>,
    /// How long the end of a span and the emission of a log record wait for delivery; `None` when the export is asynchronous.
    wait_for_delivery: PerSignal<Option<Duration>>,
    /// Whether a record is just queued: no hook sees it, and nobody waits.
    is_plain: bool,
}

/// What is taken, how much of each, and for how long it is tried to be sent.
pub(crate) struct Selection {
    pub(crate) limits: Limits,
    pub(crate) log_limits: Limits,
    pub(crate) sampler: Decider,
    pub(crate) id_generator: Option<Box<dyn IdGenerator>>,
    pub(crate) log_filter: LogFilter,
    pub(crate) export_timeout: PerSignal<Duration>,
    pub(crate) hooks: Hooks,
    pub(crate) losses: Arc<LossBell>,
}

impl Shared {
    pub(crate) fn new(
        Selection { limits, log_limits, sampler, id_generator, log_filter, export_timeout, hooks, losses }: Selection,
        groups: Arc<Groups>,
        failures: Failures,
        lanes: PerSignal<BatchHandle>,
        enabled: PerSignal<bool>,
        wait_for_delivery: PerSignal<Option<Duration>>,
    ) -> Self {
        let sampler = if id_generator.is_some() { sampler.always_asked() } else { sampler };
        let clock = Clock::new();
        let salt = ids::salt(clock.read().unix_nano);
        Self {
            clock,
            limits,
            log_limits,
            enabled,
            groups,
            failures,
            sampler,
            log_filter,
            is_plain: hooks.is_empty() && wait_for_delivery == PerSignal::default(),
            hooks,
            losses,
            id_generator,
            salt,
            lanes,
            export_timeout,
            wait_for_delivery,
        }
    }

    /// For tracers and loggers of no client: everything is off.
    pub(crate) fn nothing() -> Self {
        let selection = Selection {
            limits: Limits::default(),
            log_limits: Limits::default(),
            sampler: Decider::silent(),
            log_filter: LogFilter { off: true, ..LogFilter::default() },
            hooks: Hooks::default(),
            losses: Arc::default(),
            id_generator: None,
            export_timeout: PerSignal::default(),
        };
        let lanes = PerSignal::new([BatchHandle::closed(), BatchHandle::closed(), BatchHandle::closed()]);
        Self::new(
            selection,
            Arc::new(Groups::new()),
            Failures::default(),
            lanes,
            PerSignal::default(),
            PerSignal::default(),
        )
    }

    /// Whether this is the copy of a client in a fork of the process that made it: without its thread, and with locks
    /// that others may have held.
    pub(crate) fn is_forked(&self) -> bool {
        self.lane(Signal::Traces).queue().is_forked()
    }

    /// Queues one span or log record.
    #[inline]
    pub(crate) fn push(&self, signal: Signal, group: GroupId, record: &[u8]) {
        if self.is_plain {
            // A refusal is counted by the queue, and told by the next report.
            if self.lane(signal).queue().push(group, 1, record).is_err() {
                self.lost();
            }
        } else {
            self.push_by_hooks(signal, group, record);
        }
    }

    #[inline(never)]
    fn push_by_hooks(&self, signal: Signal, group: GroupId, record: &[u8]) {
        let queue = self.lane(signal).queue();
        let pushed = match self.hooks.ended(signal, record) {
            Ok(Some(record)) => queue.push(group, 1, &record),
            Ok(None) => return,
            Err(reason) => return self.refuse(signal, 1, reason),
        };
        match *self.wait_for_delivery.get(signal) {
            _ if pushed.is_err() => self.lost(),
            Some(limit) => self.wait_for_delivery(signal, limit),
            None => {}
        }
    }

    /// Counts items that cannot be offered to the queue: as accepted, and dropped.
    pub(crate) fn refuse(&self, signal: Signal, items: u32, reason: DropReason) {
        self.lane(signal).queue().refuse(items, reason);
        self.lost();
    }

    /// To be called when the books have a loss that no export will show.
    #[cold]
    pub(crate) fn lost(&self) {
        self.losses.ring(|| self.is_forked());
    }

    /// To be called when limits cost a span or a log record a part.
    #[cold]
    pub(crate) fn limited(&self, signal: Signal) {
        self.losses.limited(signal, || self.is_forked());
    }

    /// Nothing would be delivered while the client's own thread waits, so it does not.
    #[cold]
    pub(crate) fn wait_for_delivery(&self, signal: Signal, limit: Duration) {
        if !runtime::is_current() {
            let _ = self.lane(signal).flush(Some(limit)).wait(limit);
        }
    }

    pub(crate) fn lane(&self, signal: Signal) -> &BatchHandle {
        self.lanes.get(signal)
    }

    /// Whether items of the signal are taken at all; where they are not, they enter no books.
    pub(crate) fn is_on(&self, signal: Signal) -> bool {
        *self.enabled.get(signal)
    }
}
