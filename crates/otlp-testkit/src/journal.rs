//! Everything the collector has seen, in order, and the waking of those who wait for more.
//!
//! Written by the server's connections, read by the collector's handle. It also holds the script in force and knows
//! whether the collector is up, so that nothing is recorded for a connection that outlived a kill.

use crate::{Attempt, Call, Malformed, Script, Tally};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

pub(crate) struct Journal {
    state: Mutex<State>,
    tally: watch::Sender<Tally>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    attempts: Vec<Arc<Attempt>>,
    malformed: Vec<Arc<Malformed>>,
    tally: Tally,
    script: Arc<Script>,
    calls: u64,
    calls_of_signal: [u64; 3],
    /// The period of service in which arrivals count; `None` while the collector is down.
    period: Option<u64>,
}

impl Journal {
    pub(crate) fn new(script: Script) -> Self {
        let state = State { script: Arc::new(script), ..State::default() };
        Self {
            state: Mutex::new(state),
            tally: watch::Sender::new(Tally::default()),
            arrived: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_script(&self, script: Script) {
        let mut state = self.lock();
        state.script = Arc::new(script);
        state.calls = 0;
        state.calls_of_signal = [0; 3];
    }

    pub(crate) fn set_period(&self, period: Option<u64>) {
        self.lock().period = period;
    }

    /// Numbers the call, asks the script, records the attempt; `None` when the collector went down under the
    /// connection and nothing may arrive any more.
    pub(crate) fn arrive(&self, period: u64, mut call: Call) -> Option<Arc<Attempt>> {
        let script = {
            let mut state = self.lock();
            if state.period != Some(period) {
                return None;
            }
            let script = Arc::clone(&state.script);
            let apart = script.counts_apart(call.signal);
            if let Some(calls) = state.calls_of_signal.get_mut(call.signal as usize) {
                *calls += 1;
                call.number_of_signal = *calls;
            }
            if !apart {
                state.calls += 1;
            }
            call.number = if apart { call.number_of_signal } else { state.calls };
            script
        };
        // Without the lock: the script may be the test's own function, and may look at the collector.
        let reply = script.reply_to(&call);
        let accepted = reply.accepts(call.protocol);
        let mut state = self.lock();
        if state.period != Some(period) {
            return None;
        }
        let attempt = Arc::new(Attempt { index: state.attempts.len(), call, reply, accepted });
        state.attempts.push(Arc::clone(&attempt));
        state.tally.count(&attempt);
        self.wake(state);
        Some(attempt)
    }

    pub(crate) fn record_malformed(&self, request: Malformed) {
        let mut state = self.lock();
        state.malformed.push(Arc::new(request));
        state.tally.malformed += 1;
        self.wake(state);
    }

    /// Forgets what has arrived; the numbers of the script go on.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        state.attempts.clear();
        state.malformed.clear();
        state.tally = Tally::default();
        self.wake(state);
    }

    fn wake(&self, state: MutexGuard<'_, State>) {
        self.tally.send_replace(state.tally);
        drop(state);
        self.arrived.notify_all();
    }

    pub(crate) fn tally(&self) -> Tally {
        self.lock().tally
    }

    pub(crate) fn attempts(&self) -> Vec<Arc<Attempt>> {
        self.lock().attempts.clone()
    }

    pub(crate) fn malformed(&self) -> Vec<Arc<Malformed>> {
        self.lock().malformed.clone()
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Tally> {
        self.tally.subscribe()
    }

    /// Blocks until `enough` holds; the last tally, and whether it was in time.
    pub(crate) fn wait(&self, timeout: Duration, enough: impl Fn(&Tally) -> bool) -> (Tally, bool) {
        let unmet = |state: &mut State| !enough(&state.tally);
        let (state, result) = self
            .arrived
            .wait_timeout_while(self.lock(), timeout, unmet)
            .unwrap_or_else(PoisonError::into_inner);
        (state.tally, !result.timed_out())
    }
}
