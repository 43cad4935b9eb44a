//! What to probe next: each step needs what is below it, and a failure asks what is there instead.
//!
//! Pure: the shells do the steps and tell how they went. Never knows an address.

use crate::wire::Wire;
use otlp_model::{Encoding, Signal};
use std::collections::VecDeque;

/// One probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The addresses of the name.
    Resolve,
    /// A connection to each address.
    Connect,
    /// A tunnel through the proxy.
    Tunnel,
    /// TLS, and the certificate.
    Secure,
    /// Whether HTTP or gRPC is spoken at all.
    Speak(Wire),
    /// What is spoken there instead. `answers`: it does speak as it was asked, but takes nothing.
    Identify { wire: Wire, answers: bool },
    /// An empty request.
    Empty(Wire, Signal),
    /// A request with one item.
    Real(Wire, Signal),
    /// A compressed one.
    Compress(Wire, Encoding),
    /// How large a request may be.
    Limit(Wire),
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// It failed as it would if something else than what was asked for listened there.
    Odd,
}

/// What there is to do.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// Whether there is a name to resolve and a port to connect to; a unix socket has neither.
    pub(crate) has_name: bool,
    pub(crate) has_proxy: bool,
    pub(crate) is_secure: bool,
    pub(crate) wires: Vec<Wire>,
    pub(crate) signals: Vec<Signal>,
    /// Whether requests may hold an item.
    pub(crate) real: bool,
}

/// The steps that are left.
#[derive(Debug)]
pub(crate) struct Plan {
    steps: VecDeque<Step>,
    /// The protocols, gRPC or not, of which it is known what answers: it was asked, or it judged an empty request as receivers do.
    known: Vec<bool>,
}

impl Plan {
    pub(crate) fn new(scope: &Scope) -> Self {
        let mut steps = VecDeque::new();
        if scope.has_name {
            steps.push_back(Step::Resolve);
        }
        steps.push_back(Step::Connect);
        if scope.has_proxy {
            steps.push_back(Step::Tunnel);
        }
        if scope.is_secure {
            steps.push_back(Step::Secure);
        }
        let mut spoken = Vec::new();
        for wire in &scope.wires {
            if !spoken.contains(&wire.is_grpc()) {
                spoken.push(wire.is_grpc());
                steps.push_back(Step::Speak(*wire));
            }
            for signal in &scope.signals {
                steps.push_back(Step::Empty(*wire, *signal));
                if scope.real {
                    steps.push_back(Step::Real(*wire, *signal));
                }
            }
            steps.extend([Encoding::Gzip, Encoding::Zstd].map(|encoding| Step::Compress(*wire, encoding)));
            // Padding is a field that JSON has no name for.
            if *wire != Wire::HttpJson {
                steps.push_back(Step::Limit(*wire));
            }
        }
        Self { steps, known: Vec::new() }
    }

    pub(crate) fn next(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// Takes note of how `step` went, and gives the steps that are not to be done for it.
    pub(crate) fn went(&mut self, step: Step, outcome: Outcome) -> Vec<Step> {
        if let (Step::Empty(wire, _), Outcome::Passed | Outcome::Failed) = (step, outcome) {
            self.known.push(wire.is_grpc());
        }
        if outcome == Outcome::Passed {
            return Vec::new();
        }
        let skipped = match step {
            Step::Resolve | Step::Connect | Step::Tunnel | Step::Secure => self.drop_where(|_| true),
            Step::Speak(wire) => {
                self.drop_where(|left| left.wire().is_some_and(|of| of.is_grpc() == wire.is_grpc()))
            }
            Step::Empty(wire, signal) => self.drop_where(|left| {
                *left == Step::Real(wire, signal) || (left.wire() == Some(wire) && left.is_extra())
            }),
            Step::Real(wire, _) => self.drop_where(|left| left.wire() == Some(wire) && left.is_extra()),
            Step::Compress(..) | Step::Limit(_) | Step::Identify { .. } => Vec::new(),
        };
        let asked = match step {
            Step::Secure if outcome == Outcome::Odd => {
                skipped.iter().find_map(Step::wire).map(|wire| (wire, false))
            }
            Step::Speak(wire) if outcome == Outcome::Odd => Some((wire, false)),
            // A receiver may be without one of the signals, or of the formats: only what is odd to the last is not known for one.
            Step::Empty(wire, _) if outcome == Outcome::Odd && !self.has_empty(wire) => Some((wire, true)),
            _ => None,
        };
        if let Some((wire, answers)) = asked.filter(|(wire, _)| !self.known.contains(&wire.is_grpc())) {
            self.known.push(wire.is_grpc());
            self.steps.push_front(Step::Identify { wire, answers });
        }
        skipped
    }

    /// Whether an empty request is left of the protocol of `wire`.
    fn has_empty(&self, wire: Wire) -> bool {
        let is_one = |left: &Step| matches!(left, Step::Empty(of, _) if of.is_grpc() == wire.is_grpc());
        self.steps.iter().any(is_one)
    }

    fn drop_where(&mut self, skip: impl Fn(&Step) -> bool) -> Vec<Step> {
        let (skipped, kept) = self.steps.drain(..).partition::<Vec<_>, _>(skip);
        self.steps = kept.into();
        skipped
    }
}

impl Step {
    pub(crate) fn wire(&self) -> Option<Wire> {
        match self {
            Self::Speak(wire)
            | Self::Identify { wire, .. }
            | Self::Empty(wire, _)
            | Self::Real(wire, _)
            | Self::Compress(wire, _)
            | Self::Limit(wire) => Some(*wire),
            Self::Resolve | Self::Connect | Self::Tunnel | Self::Secure => None,
        }
    }

    /// The same over another protocol; the same step if it is of none.
    pub(crate) fn over(self, wire: Wire) -> Self {
        match self {
            Self::Speak(_) => Self::Speak(wire),
            Self::Identify { answers, .. } => Self::Identify { wire, answers },
            Self::Empty(_, signal) => Self::Empty(wire, signal),
            Self::Real(_, signal) => Self::Real(wire, signal),
            Self::Compress(_, encoding) => Self::Compress(wire, encoding),
            Self::Limit(_) => Self::Limit(wire),
            Self::Resolve | Self::Connect | Self::Tunnel | Self::Secure => self,
        }
    }

    /// Whether it is about more than whether requests are taken at all.
    fn is_extra(&self) -> bool {
        matches!(self, Self::Compress(..) | Self::Limit(_))
    }

    /// Its name in the findings.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Resolve => "dns",
            Self::Connect => "tcp",
            Self::Tunnel => "proxy",
            Self::Secure => "tls",
            Self::Speak(Wire::Grpc) => "grpc",
            Self::Speak(_) => "http",
            Self::Identify { .. } => "port",
            Self::Empty(_, signal) | Self::Real(_, signal) => signal.as_str(),
            Self::Compress(_, encoding) => encoding.as_str(),
            Self::Limit(_) => "limit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope {
            has_name: true,
            has_proxy: true,
            is_secure: true,
            wires: vec![Wire::HttpProtobuf, Wire::HttpJson],
            signals: vec![Signal::Traces, Signal::Logs],
            real: true,
        }
    }

    /// The steps of a plan in which those of `failing` fail.
    fn steps(scope: &Scope, failing: &[(Step, Outcome)]) -> Vec<Step> {
        let (mut plan, mut done) = (Plan::new(scope), Vec::new());
        while let Some(step) = plan.next() {
            done.push(step);
            let outcome =
                failing.iter().find(|(of, _)| *of == step).map_or(Outcome::Passed, |(_, outcome)| *outcome);
            plan.went(step, outcome);
        }
        done
    }

    #[test]
    fn everything_is_probed_from_the_bottom_up() {
        let done = steps(&scope(), &[]);
        assert_eq!(done[..4], [Step::Resolve, Step::Connect, Step::Tunnel, Step::Secure]);
        assert_eq!(done.iter().filter(|step| matches!(step, Step::Speak(_))).count(), 1);
        assert_eq!(done.len(), 5 + 2 * (4 + 2) + 1);
        let small = Scope { has_name: false, has_proxy: false, is_secure: false, ..scope() };
        assert_eq!(steps(&small, &[])[0], Step::Connect);
    }

    #[test]
    fn nothing_stands_on_what_failed() {
        for below in [Step::Resolve, Step::Connect, Step::Tunnel] {
            let done = steps(&scope(), &[(below, Outcome::Failed)]);
            assert_eq!(done.last(), Some(&below));
        }
    }

    #[test]
    fn what_does_not_speak_as_expected_is_asked_what_it_is() {
        let wire = Wire::HttpProtobuf;
        for below in [(Step::Secure, Outcome::Odd), (Step::Speak(wire), Outcome::Odd)] {
            let done = steps(&scope(), &[below]);
            assert_eq!(done[done.len() - 2..], [below.0, Step::Identify { wire, answers: false }]);
        }
        // A certificate that is not trusted is no other protocol.
        assert_eq!(steps(&scope(), &[(Step::Secure, Outcome::Failed)]).last(), Some(&Step::Secure));
        let odd =
            |wire| [Signal::Traces, Signal::Logs].map(|signal| (Step::Empty(wire, signal), Outcome::Odd));
        let done = steps(&scope(), &[odd(wire), odd(Wire::HttpJson)].concat());
        assert_eq!(done.last(), Some(&Step::Identify { wire: Wire::HttpJson, answers: true }), "{done:?}");
        assert!(!done.contains(&Step::Real(wire, Signal::Logs)) && !done.contains(&Step::Limit(wire)));
    }

    #[test]
    fn what_takes_or_judges_one_request_is_known_for_a_receiver() {
        let http = [Wire::HttpProtobuf, Wire::HttpJson];
        let all =
            http.map(|wire| [Signal::Traces, Signal::Logs].map(|signal| Step::Empty(wire, signal))).concat();
        for other in &all {
            for outcome in [Outcome::Passed, Outcome::Failed] {
                let of = |step: &Step| (*step, if step == other { outcome } else { Outcome::Odd });
                let done = steps(&scope(), &all.iter().map(of).collect::<Vec<_>>());
                assert!(!done.iter().any(|step| step.name() == "port"), "{done:?}");
            }
        }
        // Another protocol may be another server's.
        let scope = Scope { wires: vec![Wire::Grpc, Wire::HttpProtobuf], ..scope() };
        let odd =
            [Signal::Traces, Signal::Logs].map(|signal| (Step::Empty(Wire::Grpc, signal), Outcome::Odd));
        let done = steps(&scope, &odd);
        assert!(done.contains(&Step::Identify { wire: Wire::Grpc, answers: true }), "{done:?}");
    }
}
