//! Which reply a call gets: by its number, by its signal, or by a function of the call.
//!
//! Built by tests, asked by the server for each decoded call. Never answers by itself.

use crate::{Call, Reply};
use otlp_model::Signal;
use std::fmt;
use std::sync::Arc;

/// A plan of replies. The default is [`Reply::ok`] for every call.
///
/// Steps are used up in order, each for its number of calls; after the last step the [`then`](Self::then) reply is
/// given for ever (`ok` when not set). Calls of all signals use up the same steps unless
/// [`per_signal`](Self::per_signal) gives each signal its own count. Numbers start again whenever a script is set.
///
/// ```
/// use otlp_model::Signal;
/// use otlp_testkit::{Reply, Script};
///
/// let outage = Script::new().first(2, Reply::unavailable()).then(Reply::ok());
/// let flapping = Script::from_fn(|call| if call.number % 2 == 0 { Reply::ok() } else { Reply::close() });
/// let no_logs = Script::new().on(Signal::Logs, Script::always(Reply::status(12)));
/// # drop((outage, flapping, no_logs));
/// ```
#[derive(Clone, Default)]
pub struct Script {
    steps: Vec<(u64, Reply)>,
    last: Option<Reply>,
    per_signal: bool,
    signals: Vec<(Signal, Script)>,
    decide: Option<Arc<Decide>>,
}

type Decide = dyn Fn(&Call) -> Reply + Send + Sync;

impl Script {
    /// A script without steps: `ok` for every call.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same reply for every call.
    #[must_use]
    pub fn always(reply: Reply) -> Self {
        Self::new().then(reply)
    }

    /// Asks `decide` for every call. It runs on the collector's thread: it must not wait for the collector.
    #[must_use]
    pub fn from_fn(decide: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self { decide: Some(Arc::new(decide)), ..Self::default() }
    }

    /// Adds a step: the next `calls` calls get `reply`. Reads well for the first step; see [`next`](Self::next).
    #[must_use]
    pub fn first(self, calls: u64, reply: Reply) -> Self {
        self.next(calls, reply)
    }

    /// Adds a step after those there are: the next `calls` calls get `reply`.
    #[must_use]
    pub fn next(mut self, calls: u64, reply: Reply) -> Self {
        self.steps.push((calls, reply));
        self
    }

    /// The reply to every call after the steps.
    #[must_use]
    pub fn then(mut self, reply: Reply) -> Self {
        self.last = Some(reply);
        self
    }

    /// Counts the calls of each signal by themselves: each signal goes through all steps.
    #[must_use]
    pub fn per_signal(mut self) -> Self {
        self.per_signal = true;
        self
    }

    /// Another script for one signal; it counts only that signal's calls. This script counts the calls of the others.
    #[must_use]
    pub fn on(mut self, signal: Signal, script: Self) -> Self {
        self.signals.retain(|(other, _)| *other != signal);
        self.signals.push((signal, script.per_signal()));
        self
    }

    /// Whether the signal's calls count apart from the others.
    pub(crate) fn counts_apart(&self, signal: Signal) -> bool {
        self.signals.iter().any(|(other, _)| *other == signal)
    }

    /// The reply to `call`, whose numbers are set.
    pub(crate) fn reply_to(&self, call: &Call) -> Reply {
        if let Some((_, script)) = self.signals.iter().find(|(signal, _)| *signal == call.signal) {
            return script.reply_to(call);
        }
        if let Some(decide) = &self.decide {
            return decide(call);
        }
        let mut number = if self.per_signal { call.number_of_signal } else { call.number };
        for (calls, reply) in &self.steps {
            if number <= *calls {
                return reply.clone();
            }
            number -= calls;
        }
        self.last.clone().unwrap_or_else(Reply::ok)
    }
}

impl From<Reply> for Script {
    fn from(reply: Reply) -> Self {
        Self::always(reply)
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("steps", &self.steps)
            .field("last", &self.last)
            .field("per_signal", &self.per_signal)
            .field("signals", &self.signals)
            .field("from_fn", &self.decide.is_some())
            .finish()
    }
}
