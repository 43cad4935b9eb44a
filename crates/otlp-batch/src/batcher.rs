//! When to take a batch: the decisions of the worker, without its clock, its locks and its futures.
//!
//! Used by [`Worker`](crate::Worker). Never awaits, never reads a clock, never sees a record: time and the depth of
//! the queue are arguments, and the answer is the next [`Step`].

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::config::{BatchConfig, Strategy};
use crate::queue::{Depth, Wake};

/// The most windows kept; more are merged, at the cost of exporting some items earlier than they must be.
const WINDOWS: usize = 64;

/// Decides when a queue's records become batches, and when a flush is complete.
///
/// The contract: call [`step`](Self::step) with the time and the depth of the queue whenever something may have
/// changed, and do what it says until it says [`Step::Wait`] or [`Step::Finished`]. Report every batch with
/// [`taken`](Self::taken) and, when its outcome is in the books, with [`completed`](Self::completed). Then
///
/// - no item waits longer than [`BatchConfig::max_delay`], where the strategy heeds time;
/// - a full batch leaves at once, where the strategy heeds size (BATCH-02);
/// - a flush is complete exactly when every record staged before it has an outcome (BATCH-10, BATCH-20);
/// - after a close, everything leaves (BATCH-12).
///
/// ```
/// use otlp_batch::{BatchConfig, Batcher, Depth, Step};
/// use std::time::{Duration, Instant};
/// # fn demo(start: Instant) {
/// let mut batcher = Batcher::new(&BatchConfig { max_delay: Duration::from_secs(5), ..BatchConfig::default() });
/// let depth = Depth { fresh_records: 1, fresh_items: 1, fresh_bytes: 380, ..Depth::default() };
/// // One item is no batch: wait for more, but no longer than the delay.
/// let Step::Wait { until, wake } = batcher.step(start, &depth) else { panic!() };
/// assert_eq!(until, Some(start + Duration::from_secs(5)));
/// assert_eq!(wake.items, 4096);
/// // Its time has come: first into line with it, then out.
/// assert_eq!(batcher.step(start + Duration::from_secs(5), &depth), Step::Stage);
/// # }
/// # demo(tokio::time::Instant::now().into_std());
/// ```
#[derive(Debug)]
pub struct Batcher {
    strategy: Strategy,
    max_items: u64,
    max_bytes: u64,
    max_delay: Duration,
    /// What is staged, by time of arrival: records below `end` that are in no earlier window arrived at `since` or
    /// later. Oldest first.
    windows: VecDeque<Window>,
    /// What is not staged arrived at this time or later; `None` when there is nothing.
    fresh_since: Option<Instant>,
    /// What is fresh arrived at this time or later.
    fresh_floor: Option<Instant>,
    last_step: Option<Instant>,
    /// The last step was [`Step::Stage`]: take what there is now, lest a trickle be staged record by record.
    just_staged: bool,
    /// The first fresh record was to be announced, so that it arrives when it is seen.
    armed: bool,
    /// Batches without an outcome, with the position of their first record; in order.
    outstanding: Vec<(u64, BatchId)>,
    /// Batches without an outcome that came past the queue; in order.
    aside: Vec<BatchId>,
    front: u64,
    batches: u64,
    /// With what each waits for: the position, and the number of the first batch that came later.
    flushes: VecDeque<(FlushId, u64, u64)>,
    next_flush: u64,
    /// Everything below leaves at once.
    flush_to: u64,
    closed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    end: u64,
    since: Instant,
}

/// One batch, from [`Batcher::taken`] to [`Batcher::completed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchId(u64);

/// One flush, from [`Batcher::flush`] to [`Batcher::next_flushed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlushId(u64);

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Put the records of the shards into line, with [`Drain::stage`](crate::Drain::stage), then ask again.
    Stage,
    /// Take a batch within these limits as soon as the service is ready, then ask again.
    Take {
        /// The most items.
        max_items: u64,
        /// The most bytes.
        max_bytes: u64,
    },
    /// Wait: for the time, if there is one, for the queue to wake, for an outcome, or for a flush or close.
    Wait {
        /// When to ask again at the latest.
        until: Option<Instant>,
        /// For what in the queue to ask again earlier.
        wake: Wake,
    },
    /// Closed, and everything has an outcome.
    Finished,
}

impl Batcher {
    /// A batcher for an empty queue.
    #[must_use]
    pub fn new(config: &BatchConfig) -> Self {
        Self {
            strategy: config.strategy,
            max_items: config.max_batch_items as u64,
            max_bytes: config.max_batch_bytes as u64,
            max_delay: config.max_delay,
            windows: VecDeque::new(),
            fresh_since: None,
            fresh_floor: None,
            last_step: None,
            just_staged: false,
            armed: false,
            outstanding: Vec::new(),
            aside: Vec::new(),
            front: 0,
            batches: 0,
            flushes: VecDeque::new(),
            next_flush: 0,
            flush_to: 0,
            closed: false,
        }
    }

    /// Begins a flush of everything below the position `end`, as [`Drain::stage`](crate::Drain::stage) returned it.
    pub fn flush(&mut self, end: u64) -> FlushId {
        let id = FlushId(self.next_flush);
        self.next_flush += 1;
        // Positions only grow, so that flushes complete in order.
        self.flush_to = self.flush_to.max(end);
        self.flushes.push_back((id, self.flush_to, self.batches));
        id
    }

    /// Drains everything from now on, whatever arrives; then [`Step::Finished`].
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Reports a batch taken from the front of the queue, which is now at position `front`.
    pub fn taken(&mut self, front: u64) -> BatchId {
        let id = BatchId(self.batches);
        self.batches += 1;
        self.outstanding.push((self.front, id));
        self.advance(front);
        id
    }

    /// Reports a batch that came past the queue: flushes from now on wait for it, too.
    pub fn taken_aside(&mut self) -> BatchId {
        let id = BatchId(self.batches);
        self.batches += 1;
        self.aside.push(id);
        id
    }

    /// Reports that the outcome of a batch is in the books.
    pub fn completed(&mut self, batch: BatchId) {
        self.aside.retain(|id| *id != batch);
        self.outstanding.retain(|(_, id)| *id != batch);
    }

    /// A flush that is complete, the first first: everything before it has left the queue and has an outcome.
    pub fn next_flushed(&mut self) -> Option<FlushId> {
        let (id, end, next_batch) = self.flushes.front().copied()?;
        let pending = self.front < end
            || self.outstanding.first().is_some_and(|(start, _)| *start < end)
            || self.aside.first().is_some_and(|batch| batch.0 < next_batch);
        if pending {
            return None;
        }
        self.flushes.pop_front();
        Some(id)
    }

    /// What to do next, at the time `now` with so much in the queue.
    pub fn step(&mut self, now: Instant, depth: &Depth) -> Step {
        self.observe(now, depth);
        if self.wants_batch(now, depth) {
            let full = depth.staged_items >= self.max_items || depth.staged_bytes >= self.max_bytes;
            let staged_now = std::mem::take(&mut self.just_staged) && depth.staged_records > 0;
            if !full && depth.fresh_records > 0 && !staged_now {
                self.just_staged = true;
                return Step::Stage;
            }
            return Step::Take { max_items: self.max_items, max_bytes: self.max_bytes };
        }
        if self.closed && depth.records() == 0 && self.outstanding.is_empty() && self.aside.is_empty() {
            return Step::Finished;
        }
        // Only an empty queue can wait for its first record.
        self.armed = depth.records() == 0;
        let by_size = self.strategy != Strategy::Time;
        Step::Wait {
            until: self.due(),
            wake: Wake {
                first: self.armed,
                items: if by_size { self.max_items } else { u64::MAX },
                bytes: if by_size { self.max_bytes } else { u64::MAX },
                pressure: by_size,
            },
        }
    }

    fn wants_batch(&self, now: Instant, depth: &Depth) -> bool {
        if depth.records() == 0 {
            return false;
        }
        let size = || depth.items() >= self.max_items || depth.bytes() >= self.max_bytes || depth.pressure;
        self.closed
            || self.front < self.flush_to
            || (self.strategy != Strategy::Time && size())
            || self.due().is_some_and(|due| due <= now)
    }

    /// When the oldest item must leave.
    fn due(&self) -> Option<Instant> {
        if self.strategy == Strategy::Size {
            return None;
        }
        let oldest = self.windows.front().map(|window| window.since).or(self.fresh_since)?;
        oldest.checked_add(self.max_delay)
    }

    /// Learns what arrived, what was put into line, and what has left, also without this batcher's doing.
    fn observe(&mut self, now: Instant, depth: &Depth) {
        self.advance(depth.front);
        let staged_before = self.windows.back().map_or(self.front, |window| window.end);
        if depth.end() > staged_before {
            let since = self.fresh_since.take().unwrap_or_else(|| self.arrival(now));
            self.push_window(Window { end: depth.end(), since });
            // It was put into line after the last step, and what is fresh now arrived after that.
            self.fresh_floor = self.last_step.or(Some(now));
        }
        if depth.fresh_records == 0 {
            self.fresh_since = None;
            self.fresh_floor = Some(now);
        } else if self.fresh_since.is_none() {
            self.fresh_since = Some(self.arrival(now));
        }
        self.armed = false;
        self.last_step = Some(now);
    }

    /// The earliest time at which something seen for the first time now may have arrived.
    fn arrival(&self, now: Instant) -> Instant {
        if self.armed { now } else { self.fresh_floor.unwrap_or(now) }
    }

    fn push_window(&mut self, window: Window) {
        if self.windows.len() == WINDOWS {
            // The younger of two neighbours takes the age of the older.
            if let (Some(last), Some(before)) = (self.windows.pop_back(), self.windows.pop_back()) {
                self.windows.push_back(Window { end: last.end, since: before.since });
            }
        }
        self.windows.push_back(window);
    }

    fn advance(&mut self, front: u64) {
        self.front = self.front.max(front);
        while self.windows.front().is_some_and(|window| window.end <= self.front) {
            self.windows.pop_front();
        }
    }
}
