//! Which fault a connection gets: by its number, or by a function of it.
//!
//! Built by tests, asked by the proxy for each accepted connection. Carries out nothing.

use crate::Fault;
use std::fmt;
use std::sync::Arc;

/// A plan of faults, by the number of the connection. The default is [`Fault::pass`] for every connection.
///
/// As with a [`Script`](crate::Script) of replies, steps are used up in order, each for its number of connections; after
/// the last step the [`then`](Self::then) fault is in force for ever (`pass` when not set). Numbers start again at 1
/// whenever a script is set.
///
/// ```
/// use otlp_testkit::{Cut, Fault, FaultScript, Flow};
/// let two_bad = FaultScript::new().first(2, Fault::cut(Cut::Reset)).then(Fault::pass());
/// let worse_and_worse = FaultScript::from_fn(|connection| {
///     Fault::to_client(Flow::pass().cut_after(10_000 / connection, Cut::Fin))
/// });
/// # drop((two_bad, worse_and_worse));
/// ```
#[derive(Clone, Default)]
pub struct FaultScript {
    steps: Vec<(u64, Fault)>,
    last: Option<Fault>,
    decide: Option<Arc<Decide>>,
}

type Decide = dyn Fn(u64) -> Fault + Send + Sync;

impl FaultScript {
    /// A script without steps: `pass` for every connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same fault for every connection.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self::new().then(fault)
    }

    /// Asks `decide` for every connection, with its number. It runs on the proxy's thread: it must not wait for the proxy.
    #[must_use]
    pub fn from_fn(decide: impl Fn(u64) -> Fault + Send + Sync + 'static) -> Self {
        Self { decide: Some(Arc::new(decide)), ..Self::default() }
    }

    /// Adds a step: the next `connections` connections get `fault`. Reads well for the first step; see
    /// [`next`](Self::next).
    #[must_use]
    pub fn first(self, connections: u64, fault: Fault) -> Self {
        self.next(connections, fault)
    }

    /// Adds a step after those there are: the next `connections` connections get `fault`.
    #[must_use]
    pub fn next(mut self, connections: u64, fault: Fault) -> Self {
        self.steps.push((connections, fault));
        self
    }

    /// The fault of every connection after the steps.
    #[must_use]
    pub fn then(mut self, fault: Fault) -> Self {
        self.last = Some(fault);
        self
    }

    /// The fault of connection `number`, from 1.
    pub(crate) fn fault_of(&self, mut number: u64) -> Fault {
        if let Some(decide) = &self.decide {
            return decide(number);
        }
        for (connections, fault) in &self.steps {
            if number <= *connections {
                return fault.clone();
            }
            number -= connections;
        }
        self.last.clone().unwrap_or_else(Fault::pass)
    }
}

impl From<Fault> for FaultScript {
    fn from(fault: Fault) -> Self {
        Self::always(fault)
    }
}

impl fmt::Debug for FaultScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultScript")
            .field("steps", &self.steps)
            .field("last", &self.last)
            .field("from_fn", &self.decide.is_some())
            .finish()
    }
}
