//! What a proxy's handle and its connections share: the script in force, the counts and those who wait for them, and orders
//! to the connections that are open.
//!
//! Never touches a socket.

use super::connection::Direction;
use crate::{Cut, Fault, FaultScript, Goaway, ProxyTally};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, watch};

pub(super) struct Shared {
    pub(super) target: String,
    numbers: Mutex<Numbers>,
    tally: watch::Sender<ProxyTally>,
    /// The newest connection that has been served.
    served: watch::Sender<u64>,
    pub(super) orders: broadcast::Sender<Order>,
}

struct Numbers {
    script: Arc<FaultScript>,
    /// Connections since the script was set, and since the start.
    of_script: u64,
    of_life: u64,
}

/// What is to happen to every open connection.
#[derive(Debug, Clone)]
pub(super) enum Order {
    Cut(Cut),
    Vanish,
    Goaway(Goaway),
}

impl Shared {
    pub(super) fn new(target: String, script: FaultScript) -> Self {
        let numbers = Numbers { script: Arc::new(script), of_script: 0, of_life: 0 };
        Self {
            target,
            numbers: Mutex::new(numbers),
            tally: watch::Sender::new(ProxyTally::default()),
            served: watch::Sender::new(0),
            orders: broadcast::Sender::new(64),
        }
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_script(&self, script: FaultScript) {
        let mut numbers = self.numbers();
        numbers.script = Arc::new(script);
        numbers.of_script = 0;
    }

    pub(super) fn tally(&self) -> ProxyTally {
        *self.tally.borrow()
    }

    /// The next connection's number in the proxy's life, and its fault.
    pub(super) fn next_connection(&self) -> (u64, Fault) {
        let (script, number, id) = {
            let mut numbers = self.numbers();
            numbers.of_script += 1;
            numbers.of_life += 1;
            (Arc::clone(&numbers.script), numbers.of_script, numbers.of_life)
        };
        // Without the lock: the script may be the test's own function, and may look at the proxy.
        (id, script.fault_of(number))
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut ProxyTally)) {
        self.tally.send_modify(change);
    }

    /// Notes that `bytes` bytes went on.
    pub(super) fn passed(&self, id: u64, direction: Direction, bytes: usize) {
        self.count(|tally| match direction {
            Direction::ToServer => tally.to_server += bytes as u64,
            Direction::ToClient => tally.to_client += bytes as u64,
        });
        if direction == Direction::ToClient {
            self.served(id);
        }
    }

    /// Notes that connection `id` has been served.
    pub(super) fn served(&self, id: u64) {
        self.served.send_if_modified(|newest| {
            let newer = id > *newest;
            *newest = id.max(*newest);
            newer
        });
    }

    pub(super) async fn wait_for_service_of(&self, id: u64) {
        // An error means that the sender is gone, which is here.
        let _ = self.served.subscribe().wait_for(|newest| *newest >= id).await;
    }

    pub(super) fn order(&self, order: Order) {
        // An error means that no connection is open.
        let _ = self.orders.send(order);
    }

    /// The counts when they are enough, or in `Err` when the time is over.
    pub(super) fn wait<F>(
        &self,
        timeout: Duration,
        enough: F,
    ) -> impl Future<Output = Result<ProxyTally, ProxyTally>> + Send + use<F>
    where
        F: Fn(&ProxyTally) -> bool + Send + Sync + 'static,
    {
        let mut tally = self.tally.subscribe();
        async move {
            let waited = tokio::time::timeout(timeout, tally.wait_for(|tally| enough(tally))).await;
            if let Ok(Ok(seen)) = waited {
                return Ok(*seen);
            }
            drop(waited);
            let seen = *tally.borrow();
            Err(seen)
        }
    }
}
