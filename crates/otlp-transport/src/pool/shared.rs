//! The pool's state in its lock, and the one way to change it.
//!
//! Shared by everything that has to do with a pool: requests, connections, the keeper, handles. Does what the core
//! decides, outside of the lock: hands connections to requests that wait, drops what is out of use, wakes the keeper.

use super::config::{KeepAlive, PoolConfig};
use super::core::{Core, Grant, Id, Ticket};
use super::lease::Lease;
use super::link::Link;
use super::stats::PoolStats;
use crate::BoxError;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot, watch};

/// What a request that waits is told: its connection, or why there is none.
pub(super) type Waiter = oneshot::Sender<Result<Lease, Cause>>;

/// What a request gets that asks for a connection: one, or a place in the queue and what it will be told there.
pub(super) enum Acquired<T> {
    Now(T),
    Later(Ticket, oneshot::Receiver<Result<Lease, Cause>>),
}

/// The task that opens connections and closes them when their time has come.
pub(super) type Keeper = Pin<Box<dyn Future<Output = ()> + Send>>;

type MakeKeeper = Box<dyn Fn(Arc<Shared>) -> Keeper + Send + Sync>;

#[cfg(feature = "grpc")]
/// Pings are never rarer than what servers grant idle connections.
const RAREST_PING: Duration = Duration::from_secs(2 * 60 * 60);

pub(super) struct Shared {
    pub(super) config: PoolConfig,
    state: Mutex<State>,
    /// Tells the keeper that it has something to do before its time.
    pub(super) changed: Notify,
    /// Whether there is nobody left who could ask for a connection.
    ended: watch::Sender<bool>,
    make_keeper: MakeKeeper,
}

struct State {
    core: Core<Arc<Link>, Waiter>,
    /// Whether a keeper runs. It may have gone with its runtime.
    kept: bool,
    /// When the keeper looks again by itself.
    alarm: Option<Instant>,
    /// Why no connection could be opened the last time; forgotten when one could.
    failure: Option<Cause>,
    keep_alive_interval: Option<Duration>,
}

/// What the keeper has to do.
pub(super) struct Duty {
    pub(super) openings: usize,
    pub(super) next: Option<Instant>,
}

impl Shared {
    pub(super) fn new(config: PoolConfig, (bound, settles): (usize, bool), make_keeper: MakeKeeper) -> Self {
        let state = State {
            core: Core::new(config.clone(), bound, settles),
            kept: false,
            alarm: None,
            failure: None,
            keep_alive_interval: config.keep_alive.map(|keep_alive| keep_alive.interval),
        };
        Self {
            config,
            state: Mutex::new(state),
            changed: Notify::new(),
            ended: watch::Sender::new(false),
            make_keeper,
        }
    }

    /// A connection, or a place in the queue. Must be called within a runtime.
    pub(super) fn acquire(self: &Arc<Self>) -> Acquired<Lease> {
        let got = self.change(|state, now| match state.core.acquire(now) {
            Some(grant) => Acquired::Now(grant),
            None => {
                let (sender, receiver) = oneshot::channel();
                Acquired::Later(state.core.wait(sender), receiver)
            }
        });
        match got {
            Acquired::Now(grant) => Acquired::Now(self.lease(grant)),
            Acquired::Later(ticket, told) => {
                self.ensure_kept();
                Acquired::Later(ticket, told)
            }
        }
    }

    pub(super) fn cancel(self: &Arc<Self>, ticket: Ticket) {
        self.change(|state, _| state.core.cancel(ticket));
    }

    pub(super) fn release(self: &Arc<Self>, id: Id, well: bool) {
        self.change(|state, now| state.core.release(id, well, now));
    }

    pub(super) fn retire(self: &Arc<Self>, id: Id) {
        self.change(|state, _| state.core.retire(id));
    }

    #[cfg(feature = "grpc")]
    pub(super) fn set_bound(self: &Arc<Self>, id: Id, bound: usize) {
        self.change(|state, _| state.core.set_bound(id, bound));
    }

    /// Enters an open connection.
    pub(super) fn opened(self: &Arc<Self>, link: Arc<Link>) -> Id {
        let spread = fastrand::f64();
        self.change(|state, now| {
            state.failure = None;
            let id = state.core.opened(link, spread, now);
            if self.is_ended() {
                state.core.retire(id);
            }
            id
        })
    }

    pub(super) fn failed(self: &Arc<Self>, cause: BoxError) {
        let cause = Cause(cause.into());
        let spread = fastrand::f64();
        let told = self.change(|state, now| {
            state.failure = Some(cause.clone());
            state.core.failed(spread, now)
        });
        for waiter in told {
            let _ = waiter.send(Err(cause.clone()));
        }
    }

    pub(super) fn closed(self: &Arc<Self>, id: Id) {
        let spread = fastrand::f64();
        self.change(|state, now| state.core.closed(id, spread, now));
    }

    /// The server complains of pings: further connections ping half as often.
    #[cfg(feature = "grpc")]
    pub(super) fn calm_down(&self) {
        let mut state = self.lock();
        let rarer = |interval: Duration| interval.saturating_mul(2).min(RAREST_PING.max(interval));
        state.keep_alive_interval = state.keep_alive_interval.map(rarer);
    }

    /// How the next connection is pinged.
    pub(super) fn keep_alive(&self) -> Option<KeepAlive> {
        let interval = self.lock().keep_alive_interval;
        self.config.keep_alive.zip(interval).map(|(config, interval)| KeepAlive { interval, ..config })
    }

    pub(super) fn stats(&self) -> PoolStats {
        let state = self.lock();
        PoolStats { keep_alive_interval: state.keep_alive_interval, ..state.core.stats() }
    }

    /// The numbers, and why the last opening failed if none has succeeded since.
    pub(super) fn plight(&self) -> (PoolStats, Option<Cause>) {
        let state = self.lock();
        (state.core.stats(), state.failure.clone())
    }

    pub(super) fn warm_up(self: &Arc<Self>) {
        self.change(|state, _| state.core.warm_up());
        self.ensure_kept();
    }

    /// Nobody will ask for a connection any more.
    pub(super) fn end(self: &Arc<Self>) {
        self.ended.send_replace(true);
        self.change(|state, _| state.core.retire_all());
        self.changed.notify_one();
    }

    /// Returns once there is nobody left who could ask for a connection. Cancel safe.
    pub(super) async fn ended(&self) {
        // The sender lives as long as this does.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    fn is_ended(&self) -> bool {
        *self.ended.borrow()
    }

    /// What the keeper has to do now; `None` at the end.
    pub(super) fn duty(self: &Arc<Self>) -> Option<Duty> {
        self.change(|state, now| {
            state.core.retire_due(now);
            if self.is_ended() {
                return None;
            }
            let openings = state.core.begin_openings(now);
            state.alarm = state.core.next_due(now);
            Some(Duty { openings, next: state.alarm })
        })
    }

    pub(super) fn keeper_gone(&self) {
        self.lock().kept = false;
    }

    /// Starts the keeper unless it runs. Must be called within a runtime.
    fn ensure_kept(self: &Arc<Self>) {
        let starts = {
            let mut state = self.lock();
            let starts = !state.kept && !self.is_ended();
            state.kept |= starts;
            starts
        };
        if starts {
            tokio::spawn((self.make_keeper)(Arc::clone(self)));
        }
    }

    fn lease(self: &Arc<Self>, Grant { id, link }: Grant<Arc<Link>>) -> Lease {
        Lease::new(Arc::clone(self), id, link)
    }

    /// Changes the state, and does what follows from that outside of the lock.
    fn change<R>(self: &Arc<Self>, change: impl FnOnce(&mut State, Instant) -> R) -> R {
        let now = now();
        let mut granted = Vec::new();
        let mut state = self.lock();
        let result = change(&mut state, now);
        while let Some(grant) = state.core.next_grant(now) {
            granted.push(grant);
        }
        let retired = state.core.take_retired();
        let earlier = |due| state.alarm.is_none_or(|alarm| due < alarm);
        let wake =
            state.kept && (state.core.wanted(now) > 0 || state.core.next_due(now).is_some_and(earlier));
        drop(state);
        drop(retired);
        for (waiter, grant) in granted {
            // Who waited may have gone; the connection then comes back with what was not taken.
            let _ = waiter.send(Ok(self.lease(grant)));
        }
        if wake {
            self.changed.notify_one();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Why no connection could be opened, for all who waited for it.
#[derive(Debug, Clone)]
pub(super) struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
