//! Who gets which connection, and when one is opened or closed: the pool as a state machine.
//!
//! Driven by `shared.rs`, which holds it in a lock and does what it says. Pure: time and randomness are arguments, it
//! waits for nothing and knows neither sockets nor tasks. `L` stands for a connection, `W` for a request that waits.

use super::config::PoolConfig;
use super::stats::PoolStats;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The name of a connection, never used twice.
pub(super) type Id = u64;

/// The name of a request that waits, never used twice.
pub(super) type Ticket = u64;

/// The first pause after opening failed; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A connection that lives this long was worth opening, even if nobody used it.
const GOOD_LIFE: Duration = Duration::from_secs(30);

/// A connection for one request.
#[derive(Debug)]
pub(super) struct Grant<L> {
    pub(super) id: Id,
    pub(super) link: L,
}

#[derive(Debug)]
struct Slot<L> {
    id: Id,
    /// `None`: it takes no new requests and ends with its last.
    link: Option<L>,
    in_use: usize,
    /// How many requests it takes at once; one until its server has said more.
    bound: usize,
    settled: bool,
    opened: Instant,
    /// When it was opened or last given back: idle since then, if it is idle.
    since: Instant,
    retire_at: Option<Instant>,
    served: bool,
}

impl<L> Slot<L> {
    fn is_idle(&self) -> bool {
        self.link.is_some() && self.in_use == 0
    }
}

/// The state of a pool.
#[derive(Debug)]
pub(super) struct Core<L, W> {
    config: PoolConfig,
    slots: Vec<Slot<L>>,
    waiters: VecDeque<(Ticket, W)>,
    opening: usize,
    /// How many requests a connection that is being opened will take: as many as the last one did.
    expected_bound: usize,
    /// Whether servers say how many requests they take.
    settles: bool,
    /// Whether `min_connections` are wanted yet.
    warm: bool,
    /// Before this instant nothing is opened that nobody waits for in need.
    paused_until: Option<Instant>,
    pause: Duration,
    /// What has been taken out of use and is still to be dropped, outside of the lock.
    retired: Vec<L>,
    next_id: u64,
    opened: u64,
    closed: u64,
    failed: u64,
}

impl<L: Clone, W> Core<L, W> {
    /// An empty pool of connections that take `bound` requests at once; if it `settles`, that is only expected of them.
    pub(super) fn new(config: PoolConfig, bound: usize, settles: bool) -> Self {
        Self {
            config,
            slots: Vec::new(),
            waiters: VecDeque::new(),
            opening: 0,
            expected_bound: bound.max(1),
            settles,
            warm: false,
            paused_until: None,
            pause: FIRST_PAUSE,
            retired: Vec::new(),
            next_id: 0,
            opened: 0,
            closed: 0,
            failed: 0,
        }
    }

    /// From now on `min_connections` are wanted.
    pub(super) fn warm_up(&mut self) {
        self.warm = true;
    }

    /// A connection for a request, if one is free and nobody waits. Else the request has to [`wait`](Self::wait).
    pub(super) fn acquire(&mut self, now: Instant) -> Option<Grant<L>> {
        self.warm = true;
        if self.waiters.is_empty() { self.pick(now) } else { None }
    }

    /// Puts a request at the end of the queue.
    pub(super) fn wait(&mut self, waiter: W) -> Ticket {
        let ticket = self.next_id;
        self.next_id += 1;
        self.waiters.push_back((ticket, waiter));
        ticket
    }

    /// The request waits no longer. Nothing, if it has got its connection or its error already.
    pub(super) fn cancel(&mut self, ticket: Ticket) {
        self.waiters.retain(|(waiting, _)| *waiting != ticket);
    }

    /// The next request that waits, with the connection it gets. To be asked after every change until there is none.
    pub(super) fn next_grant(&mut self, now: Instant) -> Option<(W, Grant<L>)> {
        if self.waiters.is_empty() {
            return None;
        }
        let grant = self.pick(now)?;
        self.waiters.pop_front().map(|(_, waiter)| (waiter, grant))
    }

    /// The connection with the fewest requests; of those the one used last, so that what nobody needs becomes idle.
    fn pick(&mut self, now: Instant) -> Option<Grant<L>> {
        self.retire_due(now);
        let free = self.slots.iter_mut().filter(|slot| slot.link.is_some() && slot.in_use < slot.bound);
        let slot = free.min_by_key(|slot| (slot.in_use, std::cmp::Reverse((slot.since, slot.id))))?;
        let link = slot.link.clone()?;
        slot.in_use += 1;
        Some(Grant { id: slot.id, link })
    }

    /// A request has ended, `well` if it was answered.
    pub(super) fn release(&mut self, id: Id, well: bool, now: Instant) {
        if let Some(slot) = self.slot(id) {
            slot.in_use = slot.in_use.saturating_sub(1);
            slot.since = now;
            slot.served |= well;
            if well {
                self.resume();
            }
        }
    }

    /// How many connections have to be opened now; they count as being opened from here on.
    pub(super) fn begin_openings(&mut self, now: Instant) -> usize {
        let count = self.wanted(now);
        self.opening += count;
        count
    }

    /// How many connections [`begin_openings`](Self::begin_openings) would open.
    pub(super) fn wanted(&self, now: Instant) -> usize {
        let live = self.live();
        let paused = self.paused_until.is_some_and(|until| now < until);
        let warm = if self.warm && !paused { self.missing() } else { 0 };
        // While there are connections to wait for, one that cannot be opened is no emergency.
        let demand = if paused && live > 0 { 0 } else { self.unserved().div_ceil(self.expected_bound) };
        demand.max(warm).min(self.config.max_connections.saturating_sub(live + self.opening))
    }

    /// A connection has been opened. `spread`, from 0 to 1, says how much earlier than at the maximum age it ends.
    pub(super) fn opened(&mut self, link: L, spread: f64, now: Instant) -> Id {
        self.opening = self.opening.saturating_sub(1);
        self.opened += 1;
        let id = self.next_id;
        self.next_id += 1;
        let age =
            self.config.max_age.map(|age| age.saturating_sub((age / 10).mul_f64(spread.clamp(0.0, 1.0))));
        self.slots.push(Slot {
            id,
            link: Some(link),
            in_use: 0,
            bound: if self.settles { 1 } else { self.expected_bound },
            settled: !self.settles,
            opened: now,
            since: now,
            retire_at: age.and_then(|age| now.checked_add(age)),
            served: false,
        });
        id
    }

    /// A connection could not be opened. Returns the requests that hear of it: those that had hoped for it, unless there
    /// are others to wait for.
    pub(super) fn failed(&mut self, spread: f64, now: Instant) -> Vec<W> {
        self.opening = self.opening.saturating_sub(1);
        self.failed += 1;
        self.back_off(spread, now);
        if self.live() > 0 {
            return Vec::new();
        }
        let told = self.unserved();
        self.waiters.drain(..told).map(|(_, waiter)| waiter).collect()
    }

    /// The server takes `bound` requests at once on this connection. It is asked for at least one: it may change its mind.
    #[cfg(any(feature = "grpc", test))]
    pub(super) fn set_bound(&mut self, id: Id, bound: usize) {
        let bound = bound.max(1);
        self.expected_bound = bound;
        if let Some(slot) = self.slot(id) {
            slot.bound = bound;
            slot.settled = true;
        }
    }

    /// The connection gets no new requests.
    pub(super) fn retire(&mut self, id: Id) {
        let link = self.slot(id).and_then(|slot| slot.link.take());
        self.retired.extend(link);
    }

    /// All connections get no new requests.
    pub(super) fn retire_all(&mut self) {
        self.retired.extend(self.slots.iter_mut().filter_map(|slot| slot.link.take()));
    }

    /// The connection is closed.
    pub(super) fn closed(&mut self, id: Id, spread: f64, now: Instant) {
        let Some(at) = self.slots.iter().position(|slot| slot.id == id) else { return };
        let slot = self.slots.swap_remove(at);
        self.closed += 1;
        self.retired.extend(slot.link);
        // What is opened for nothing is not opened again at once.
        if now.saturating_duration_since(slot.opened) >= GOOD_LIFE {
            self.resume();
        } else if !slot.served {
            self.back_off(spread, now);
        }
    }

    /// What was taken out of use since this was last asked.
    pub(super) fn take_retired(&mut self) -> Vec<L> {
        std::mem::take(&mut self.retired)
    }

    /// Takes out of use what is too old or was idle for too long.
    pub(super) fn retire_due(&mut self, now: Instant) {
        for slot in &mut self.slots {
            if slot.retire_at.is_some_and(|at| at <= now) {
                self.retired.extend(slot.link.take());
            }
        }
        while let Some((end, id)) = self.idle_end()
            && end <= now
        {
            self.retire(id);
        }
    }

    /// When there is something to do next without anything happening, after what is due `now` has been done.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        let ages = self.slots.iter().filter(|slot| slot.link.is_some()).filter_map(|slot| slot.retire_at);
        let idle = self.idle_end().map(|(end, _)| end);
        let needs = self.unserved() > 0 || self.warm && self.missing() > 0;
        let opening = self.paused_until.filter(|until| needs && *until > now);
        ages.chain(idle).chain(opening).min()
    }

    pub(super) fn stats(&self) -> PoolStats {
        let mut stats = PoolStats {
            opening_connections: self.opening,
            waiting_connections: self.waiters.len(),
            connections_opened: self.opened,
            connections_closed: self.closed,
            connections_failed: self.failed,
            ..PoolStats::default()
        };
        for slot in &self.slots {
            stats.requests_in_flight += slot.in_use;
            let kind = match slot.link {
                None => &mut stats.draining_connections,
                Some(_) if slot.in_use > 0 => &mut stats.active_connections,
                Some(_) => &mut stats.idle_connections,
            };
            *kind += 1;
        }
        stats
    }

    /// The idle connection that is closed next and when, if there are more connections than have to be kept.
    fn idle_end(&self) -> Option<(Instant, Id)> {
        if self.live() <= self.config.min_connections {
            return None;
        }
        let idle = self.slots.iter().filter(|slot| slot.is_idle());
        let longest = idle.min_by_key(|slot| (slot.since, slot.id))?;
        Some((longest.since.checked_add(self.config.idle_timeout)?, longest.id))
    }

    /// Connections that take requests.
    fn live(&self) -> usize {
        self.slots.iter().filter(|slot| slot.link.is_some()).count()
    }

    /// How many connections are to be opened only to be there.
    fn missing(&self) -> usize {
        self.config.min_connections.saturating_sub(self.live() + self.opening)
    }

    /// Requests that wait and that what is being opened, or was opened just now, will have no room for.
    fn unserved(&self) -> usize {
        let unsettled = self.slots.iter().filter(|slot| slot.link.is_some() && !slot.settled).count();
        self.waiters.len().saturating_sub((self.opening + unsettled).saturating_mul(self.expected_bound))
    }

    fn back_off(&mut self, spread: f64, now: Instant) {
        let pause = self.pause.mul_f64(1.0 - 0.5 * spread.clamp(0.0, 1.0));
        self.paused_until = now.checked_add(pause);
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
    }

    fn resume(&mut self) {
        self.paused_until = None;
        self.pause = FIRST_PAUSE;
    }

    fn slot(&mut self, id: Id) -> Option<&mut Slot<L>> {
        self.slots.iter_mut().find(|slot| slot.id == id)
    }
}

#[cfg(test)]
mod tests;
