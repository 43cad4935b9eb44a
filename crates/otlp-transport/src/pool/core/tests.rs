//! The pool's state machine beside a model that knows only what requests and connections see.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};

#[derive(Debug, Clone)]
enum Step {
    Acquire,
    Cancel(usize),
    Release(usize, bool),
    Open,
    Opened,
    Failed,
    Bound(usize, usize),
    Retire(usize),
    Closed(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Acquire),
        1 => any::<usize>().prop_map(Step::Cancel),
        5 => (any::<usize>(), any::<bool>()).prop_map(|(n, well)| Step::Release(n, well)),
        4 => Just(Step::Open),
        4 => Just(Step::Opened),
        1 => Just(Step::Failed),
        1 => (any::<usize>(), 0usize..5).prop_map(|(n, bound)| Step::Bound(n, bound)),
        1 => any::<usize>().prop_map(Step::Retire),
        1 => any::<usize>().prop_map(Step::Closed),
        2 => (0u64..30_000).prop_map(Step::Pass),
    ]
}

/// A connection as its requests see it.
#[derive(Debug, Default)]
struct Open {
    requests: usize,
    gone: bool,
}

struct World {
    core: Core<u64, u64>,
    config: PoolConfig,
    now: Instant,
    started: Instant,
    /// By the name the core gave; the link is a number of our own.
    open: BTreeMap<Id, (u64, Open)>,
    waiting: VecDeque<(Ticket, u64)>,
    held: Vec<Id>,
    opening: usize,
    next: u64,
}

impl World {
    fn new(config: PoolConfig, bound: usize, settles: bool) -> Self {
        let now = now();
        Self {
            core: Core::new(config.clone(), bound, settles),
            config,
            now,
            started: now,
            open: BTreeMap::new(),
            waiting: VecDeque::new(),
            held: Vec::new(),
            opening: 0,
            next: 0,
        }
    }

    fn nth(&self, n: usize) -> Option<Id> {
        self.open.keys().nth(n % self.open.len().max(1)).copied()
    }

    fn grant(&mut self, grant: &Grant<u64>) {
        let (link, open) = self.open.get_mut(&grant.id).unwrap();
        assert_eq!(*link, grant.link);
        assert!(!open.gone, "a connection out of use was given away");
        open.requests += 1;
        self.held.push(grant.id);
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Acquire => {
                let free = self.core.acquire(self.now);
                if let Some(grant) = free {
                    assert!(self.waiting.is_empty(), "somebody overtook the queue");
                    self.grant(&grant);
                } else {
                    self.next += 1;
                    let ticket = self.core.wait(self.next);
                    self.waiting.push_back((ticket, self.next));
                }
            }
            Step::Cancel(n) if !self.waiting.is_empty() => {
                let (ticket, _) = self.waiting.remove(n % self.waiting.len()).unwrap();
                self.core.cancel(ticket);
            }
            Step::Release(n, well) if !self.held.is_empty() => {
                let id = self.held.swap_remove(n % self.held.len());
                if let Some((_, open)) = self.open.get_mut(&id) {
                    open.requests -= 1;
                }
                self.core.release(id, well, self.now);
            }
            Step::Open => {
                let count = self.core.begin_openings(self.now);
                self.opening += count;
                let stats = self.core.stats();
                let live = stats.active_connections + stats.idle_connections;
                assert!(count == 0 || live + self.opening <= self.config.max_connections);
                assert!(
                    self.waiting.is_empty() || live + self.opening > 0,
                    "nobody cares for those who wait"
                );
            }
            Step::Opened if self.opening > 0 => {
                self.opening -= 1;
                self.next += 1;
                let id = self.core.opened(self.next, 0.5, self.now);
                assert!(self.open.insert(id, (self.next, Open::default())).is_none());
            }
            Step::Failed if self.opening > 0 => {
                self.opening -= 1;
                let told = self.core.failed(0.5, self.now);
                for waiter in told {
                    assert_eq!(self.waiting.pop_front().unwrap().1, waiter, "told out of order");
                    assert!(self.open.values().all(|(_, open)| open.gone), "there was something to wait for");
                }
                assert!(
                    self.opening > 0 || self.waiting.is_empty() || self.open.values().any(|(_, o)| !o.gone)
                );
            }
            Step::Bound(n, bound) => {
                if let Some(id) = self.nth(n) {
                    self.core.set_bound(id, bound);
                }
            }
            Step::Retire(n) => {
                if let Some(id) = self.nth(n) {
                    self.core.retire(id);
                }
            }
            Step::Closed(n) => {
                if let Some(id) = self.nth(n) {
                    self.open.remove(&id);
                    self.core.closed(id, 0.5, self.now);
                }
            }
            Step::Pass(millis) => {
                self.now += Duration::from_millis(millis);
                self.core.retire_due(self.now);
            }
            _ => {}
        }
        self.settle();
    }

    /// What the shell does after every change, and what must hold then.
    fn settle(&mut self) {
        let mark = |open: &mut BTreeMap<Id, (u64, Open)>, links: Vec<u64>| {
            for (link, open) in open.values_mut() {
                open.gone |= links.contains(link);
            }
        };
        let retired = self.core.take_retired();
        mark(&mut self.open, retired);
        while let Some((waiter, grant)) = self.core.next_grant(self.now) {
            assert_eq!(self.waiting.pop_front().unwrap().1, waiter, "the first to come is the first to get");
            self.grant(&grant);
        }
        let retired = self.core.take_retired();
        mark(&mut self.open, retired);

        let stats = self.core.stats();
        let count =
            |which: &dyn Fn(&Open) -> bool| self.open.values().filter(|(_, open)| which(open)).count();
        assert_eq!(stats.idle_connections, count(&|open| !open.gone && open.requests == 0));
        assert_eq!(stats.active_connections, count(&|open| !open.gone && open.requests > 0));
        assert_eq!(stats.draining_connections, count(&|open| open.gone));
        assert_eq!(stats.waiting_connections, self.waiting.len());
        assert_eq!(stats.opening_connections, self.opening);
        assert_eq!(
            stats.requests_in_flight,
            self.open.values().map(|(_, open)| open.requests).sum::<usize>()
        );
        assert_eq!(stats.connections_opened - stats.connections_closed, self.open.len() as u64);
        for slot in self.core.slots.iter().filter(|slot| slot.link.is_some()) {
            assert!(self.waiting.is_empty() || slot.in_use >= slot.bound, "a free connection, and one waits");
        }
    }

    /// Everything that is due has been done, and what comes next lies ahead.
    fn check_times(&mut self) {
        self.core.retire_due(self.now);
        let age = self.config.max_age.unwrap();
        let live: Vec<_> = self.core.slots.iter().filter(|slot| slot.link.is_some()).collect();
        assert!(live.iter().all(|slot| self.now < slot.opened + age), "too old");
        if live.len() > self.config.min_connections {
            let idle = live.iter().filter(|slot| slot.in_use == 0);
            assert!(
                idle.into_iter().all(|slot| self.now < slot.since + self.config.idle_timeout),
                "idle for too long"
            );
        }
        assert!(self.core.next_due(self.now).is_none_or(|due| due > self.now), "the keeper would spin");
        assert!(self.now >= self.started);
    }
}

proptest! {
    #[test]
    fn the_pool_keeps_its_promises(
        steps in proptest::collection::vec(step(), 0..120),
        max in 1usize..6,
        min in 0usize..4,
        bound in 1usize..4,
        settles in any::<bool>(),
    ) {
        // conf: HTTP-06, GRPC-29, CONC-02
        let config = PoolConfig {
            max_connections: max,
            min_connections: min.min(max),
            idle_timeout: Duration::from_secs(20),
            max_age: Some(Duration::from_secs(60)),
            ..PoolConfig::default()
        };
        let mut world = World::new(config, bound, settles);
        for step in steps {
            world.take(step);
            world.check_times();
            world.settle();
        }
        // Whatever happened, once the network is well everybody gets a connection.
        let mut rounds = 0;
        while !world.waiting.is_empty() {
            world.take(Step::Open);
            world.take(Step::Opened);
            world.take(Step::Release(0, true));
            rounds += 1;
            prop_assert!(rounds < 1_000, "{:?}", world.core);
        }
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn core(config: PoolConfig, bound: usize) -> (Core<u64, u64>, Instant) {
    (Core::new(config, bound, false), now())
}

#[test]
fn requests_spread_over_connections_and_idle_ones_rest() {
    let (mut core, now) = core(PoolConfig { min_connections: 3, ..PoolConfig::default() }, 2);
    core.warm_up();
    assert_eq!(core.begin_openings(now), 3);
    let ids = [10, 11, 12].map(|link| core.opened(link, 0.0, now));
    let mut got: Vec<_> = (0..6).map(|_| core.acquire(now).unwrap().id).collect();
    got.sort_unstable();
    assert_eq!(got, [ids[0], ids[0], ids[1], ids[1], ids[2], ids[2]]);
    assert!(core.acquire(now).is_none());
    // One request after the other takes the connection that was used last.
    for &id in ids.iter().chain(&ids) {
        core.release(id, true, now);
    }
    let favourite = core.acquire(now).unwrap().id;
    core.release(favourite, true, now + Duration::from_secs(1));
    assert_eq!(core.acquire(now).unwrap().id, favourite);
}

#[test]
fn a_new_connection_takes_as_many_requests_as_the_last_one() {
    // One that is being opened is expected to: eight requests at a server that takes two at once open four in all.
    let (mut core, now): (Core<u64, u64>, _) = (Core::new(PoolConfig::default(), 100, true), now());
    for waiter in 0..8 {
        assert!(core.acquire(now).is_none());
        core.wait(waiter);
    }
    assert_eq!(core.begin_openings(now), 1);
    // Before its server has spoken it takes one, and the others wait for what it says.
    let id = core.opened(0, 0.0, now);
    assert!(core.next_grant(now).is_some() && core.next_grant(now).is_none());
    assert_eq!(core.begin_openings(now), 0);
    core.set_bound(id, 2);
    assert!(core.next_grant(now).is_some() && core.next_grant(now).is_none());
    assert_eq!(core.begin_openings(now), 3);
}

#[test]
fn what_cannot_be_opened_is_tried_again_after_growing_pauses() {
    // conf: SURV-23
    let config = PoolConfig { min_connections: 1, ..PoolConfig::default() };
    let (mut core, mut now) = core(config, 1);
    core.warm_up();
    let mut pauses = Vec::new();
    for _ in 0..9 {
        assert_eq!(core.begin_openings(now), 1);
        assert!(core.failed(0.0, now).is_empty());
        assert_eq!(core.begin_openings(now), 0);
        let due = core.next_due(now).unwrap();
        pauses.push((due - now).as_millis());
        now = due;
    }
    assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    // A request in need does not wait for the pause.
    assert_eq!(core.begin_openings(now), 1);
    core.failed(1.0, now);
    assert_eq!(core.next_due(now).unwrap() - now, Duration::from_secs(15));
    core.wait(7);
    assert_eq!(core.begin_openings(now), 1);
    assert_eq!(core.failed(0.0, now), [7]);
}

#[test]
fn a_connection_that_dies_unused_is_not_replaced_at_once() {
    let config = PoolConfig { min_connections: 1, max_age: None, ..PoolConfig::default() };
    let (mut core, now) = core(config, 1);
    core.warm_up();
    assert_eq!(core.begin_openings(now), 1);
    let id = core.opened(0, 0.0, now);
    core.closed(id, 0.0, now);
    assert_eq!(core.begin_openings(now), 0);
    let later = core.next_due(now).unwrap();
    assert_eq!(core.begin_openings(later), 1);
    // One that served, or lived, is.
    let id = core.opened(1, 0.0, later);
    assert_eq!(core.acquire(later).unwrap().id, id);
    core.release(id, true, later);
    core.closed(id, 0.0, later);
    assert_eq!(core.begin_openings(later), 1);
}

#[test]
fn ages_spread() {
    let age = Duration::from_secs(100);
    let idle_timeout = 2 * age;
    let config = PoolConfig { max_age: Some(age), idle_timeout, ..PoolConfig::default() };
    let (mut core, now) = core(config, 1);
    core.opened(0, 1.0, now);
    assert_eq!(core.next_due(now), Some(now + Duration::from_secs(90)));
    core.opened(1, 0.0, now);
    core.retire_due(now + Duration::from_secs(90));
    assert_eq!(core.take_retired(), [0]);
    // No age is too large.
    let config =
        PoolConfig { max_age: Some(Duration::MAX), idle_timeout: Duration::MAX, ..PoolConfig::default() };
    let mut core: Core<u64, u64> = Core::new(config, 1, false);
    core.opened(0, 0.5, now);
    assert_eq!(core.next_due(now), None);
}
