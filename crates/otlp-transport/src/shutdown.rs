//! The signal that ends patience: back-off sleeps wake up, and nothing waits past the deadline.
//!
//! Made by whoever owns the pipeline, listened to by the retry layer and by anything else that sleeps. It is a
//! message, not a lock: it closes nothing and refuses no request by itself.

use tokio::sync::watch;
use tokio::time::Instant;

/// A trigger and the signal it fires, for any number of clones of the signal.
///
/// ```
/// let (trigger, signal) = otlp_transport::shutdown::channel();
/// assert!(!signal.is_triggered());
/// trigger.trigger(None);
/// assert!(signal.is_triggered());
/// ```
#[must_use]
pub fn channel() -> (ShutdownTrigger, Shutdown) {
    let (sender, receiver) = watch::channel(State::Running);
    (ShutdownTrigger { sender }, Shutdown { receiver: Some(receiver) })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    ShuttingDown { deadline: Option<Instant> },
}

/// Fires a [`Shutdown`]; clones fire the same. Dropping it does not.
#[derive(Debug, Clone)]
pub struct ShutdownTrigger {
    sender: watch::Sender<State>,
}

impl ShutdownTrigger {
    /// Begins the shutdown, with the instant after which nothing is tried any more; `None` sets none, so that the
    /// limits of each request go on to bound it.
    ///
    /// When called again, the earlier deadline holds: a shutdown is hurried up, never delayed.
    pub fn trigger(&self, deadline: Option<Instant>) {
        self.sender.send_modify(|state| {
            let earlier = match *state {
                State::Running => deadline,
                State::ShuttingDown { deadline: former } => [former, deadline].into_iter().flatten().min(),
            };
            *state = State::ShuttingDown { deadline: earlier };
        });
    }
}

/// Tells whether shutdown has begun, and by when it ends. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown {
    /// `None`: nobody can trigger it.
    receiver: Option<watch::Receiver<State>>,
}

impl Shutdown {
    /// A signal that never fires.
    ///
    /// ```
    /// assert!(!otlp_transport::Shutdown::never().is_triggered());
    /// ```
    #[must_use]
    pub const fn never() -> Self {
        Self { receiver: None }
    }

    /// Whether shutdown has begun.
    #[must_use]
    pub fn is_triggered(&self) -> bool {
        self.state() != State::Running
    }

    /// The instant after which nothing is tried any more; `None` before shutdown and when it set none.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state() {
            State::Running => None,
            State::ShuttingDown { deadline } => deadline,
        }
    }

    /// Returns once shutdown has begun, at once if it has. Cancel safe.
    pub async fn triggered(&mut self) {
        self.wait_for(|state| *state != State::Running).await;
    }

    /// Returns once the deadline of a shutdown has passed; never without one. Cancel safe.
    pub async fn deadline_passed(&mut self) {
        loop {
            self.wait_for(|state| matches!(state, State::ShuttingDown { deadline: Some(_) })).await;
            let Some(deadline) = self.deadline() else { continue };
            let changed = async {
                // Only an earlier deadline can follow, so whatever changes is worth another look.
                let earlier = |state: &State| matches!(state, State::ShuttingDown { deadline: Some(new) } if *new < deadline);
                self.wait_for(earlier).await;
            };
            if crate::race::race(tokio::time::sleep_until(deadline), changed).await.is_first() {
                return;
            }
        }
    }

    fn state(&self) -> State {
        self.receiver.as_ref().map_or(State::Running, |receiver| *receiver.borrow())
    }

    /// Waits until the state meets `condition`: for ever, once the trigger is gone and it does not.
    async fn wait_for(&mut self, condition: impl Fn(&State) -> bool) {
        let met = match &mut self.receiver {
            Some(receiver) => receiver.wait_for(|state| condition(state)).await.is_ok(),
            None => false,
        };
        if !met {
            std::future::pending::<()>().await;
        }
    }
}
