//! Which runs there are: what fails, when, and what the programs make meanwhile. Knows nothing of processes.

use super::{Order, Runtime};
use crate::Transport;
use std::time::Duration;

/// A library under comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    Ours,
    Opentelemetry,
}

impl Client {
    pub(super) const ALL: [Self; 2] = [Self::Ours, Self::Opentelemetry];

    pub(super) const fn program(self) -> &'static str {
        match self {
            Self::Ours => "delivery_ours",
            Self::Opentelemetry => "delivery_opentelemetry",
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Ours => "otlp (ours)",
            Self::Opentelemetry => "opentelemetry",
        }
    }
}

/// What the receiver does to its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing: it answers at once.
    Healthy,
    /// It dies after a time, with its listener and all connections, and is back after another.
    Outage { after: Duration, lasts: Duration },
    /// Nobody listens, ever.
    Refused,
    /// It takes connections and requests, and never answers.
    Silent,
    /// It answers 503 (gRPC: UNAVAILABLE) to everything.
    Unavailable,
}

/// Which table of the page shows a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Delivery,
    Latency,
    Idle,
}

/// What happens in a run, whoever's it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) table: Table,
    pub(super) fault: Fault,
    /// Whether something has to be lost, whoever the client is: nobody ever answers, or it is more than the memory that a
    /// client may take by default.
    pub(super) loses: bool,
    pub(super) runtime: Runtime,
    pub(super) ahead: u64,
    pub(super) spans: u64,
    pub(super) per_second: u64,
    pub(super) patience: Option<Duration>,
    pub(super) idle: Duration,
}

/// One run of one program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    pub(super) scenario: Scenario,
    pub(super) client: Client,
    pub(super) transport: Transport,
}

impl Cell {
    pub(super) fn order(&self, endpoint: String) -> Order {
        let Scenario { table, runtime, ahead, spans, per_second, patience, idle, .. } = self.scenario;
        let (transport, leave) = (self.transport, table == Table::Latency);
        Order { endpoint, transport, runtime, ahead, spans, per_second, patience, idle, leave }
    }
}

/// Runs at the same time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stage(pub(super) Vec<Cell>);

impl Stage {
    /// Its runs in words.
    pub(super) fn title(&self) -> String {
        let mut names: Vec<&str> = self.0.iter().map(|cell| cell.scenario.name).collect();
        names.dedup();
        let who = match &self.0[..] {
            [cell] => format!(", {} over {}", cell.client.title(), cell.transport),
            _ => String::new(),
        };
        format!("{}{who}", names.join("; "))
    }
}

/// All of it: about four minutes.
pub(super) fn whole() -> Vec<Stage> {
    let mut stages = one_by_one(burst(10_000).on(Transport::ALL));
    stages.extend([
        Stage(outage("receiver restarted, gone for 1 s", 1_000, [3, 1, 3]).on(Transport::ALL)),
        Stage(outage("receiver down for 10 s", 1_000, [5, 10, 5]).on(Transport::ALL)),
        Stage(
            [
                outage("receiver down for 30 s", 1_000, [5, 30, 5]).on(Transport::ALL),
                idle(Duration::from_secs(60)).on(&[Transport::Grpc]),
            ]
            .concat(),
        ),
        Stage([refused(5_000).on(Transport::ALL), silent(5_000).on(Transport::ALL)].concat()),
        Stage(current_thread(2_000).on(&[Transport::Grpc])),
        Stage(outage("10,000 spans/s, receiver down for 10 s", 10_000, [3, 10, 3]).on(&[Transport::Grpc])),
        Stage(more_than_the_bound(300_000).on(&[Transport::Grpc])),
    ]);
    stages.extend(latency().into_iter().flat_map(|scenario| one_by_one(scenario.on(&[Transport::Grpc]))));
    stages
}

/// Each kind of run once, and short, with flushes that give up early: what continuous integration checks.
pub(super) fn quick() -> Vec<Stage> {
    let short = |scenario: Scenario| Scenario { patience: Some(Duration::from_secs(2)), ..scenario };
    let patient = |scenario: Scenario| Scenario { patience: Some(Duration::from_secs(30)), ..scenario };
    let mut stages = one_by_one(burst(10_000).on(Transport::ALL));
    stages.extend([
        Stage(patient(outage("receiver down for 2 s", 500, [1, 2, 1])).on(Transport::ALL)),
        Stage(
            [
                short(refused(500)).on(Transport::ALL),
                short(silent(500)).on(Transport::ALL),
                short(current_thread(500)).on(&[Transport::Grpc]),
                idle(Duration::from_secs(2)).on(&[Transport::Grpc]),
            ]
            .concat(),
        ),
    ]);
    stages
}

const fn scenario(name: &'static str, fault: Fault, spans: u64, per_second: u64) -> Scenario {
    Scenario {
        name,
        table: Table::Delivery,
        fault,
        loses: matches!(fault, Fault::Refused | Fault::Silent | Fault::Unavailable),
        runtime: Runtime::MultiThread,
        ahead: 0,
        spans,
        per_second,
        patience: None,
        idle: Duration::ZERO,
    }
}

fn burst(spans: u64) -> Scenario {
    scenario("10,000 spans at once, receiver healthy", Fault::Healthy, spans, 0)
}

/// Seconds before, during and after the outage.
fn outage(name: &'static str, per_second: u64, [before, during, after]: [u64; 3]) -> Scenario {
    let fault = Fault::Outage { after: Duration::from_secs(before), lasts: Duration::from_secs(during) };
    scenario(name, fault, per_second * (before + during + after), per_second)
}

fn refused(spans: u64) -> Scenario {
    scenario("endpoint refused throughout", Fault::Refused, spans, 1_000)
}

fn silent(spans: u64) -> Scenario {
    scenario("black hole: takes everything, answers nothing", Fault::Silent, spans, 1_000)
}

fn current_thread(spans: u64) -> Scenario {
    let healthy = scenario("on a current_thread runtime, receiver healthy", Fault::Healthy, spans, 1_000);
    Scenario { runtime: Runtime::CurrentThread, ..healthy }
}

/// About twice what 64 MiB hold.
fn more_than_the_bound(spans: u64) -> Scenario {
    let fault = Fault::Outage { after: Duration::ZERO, lasts: Duration::from_secs(5) };
    let name = "300,000 spans at once, receiver down for 5 s: more than the default bound";
    Scenario { loses: true, ..scenario(name, fault, spans, 0) }
}

fn idle(time: Duration) -> Scenario {
    let healthy = scenario("idle after 100 spans and a flush", Fault::Healthy, 100, 1_000);
    Scenario { table: Table::Idle, idle: time, ..healthy }
}

/// The first is what the others are held against.
fn latency() -> [Scenario; 5] {
    let of = |name, fault, ahead| Scenario {
        table: Table::Latency,
        ahead,
        ..scenario(name, fault, 50_000, 10_000)
    };
    [
        of("receiver healthy", Fault::Healthy, 0),
        of("receiver down", Fault::Refused, 0),
        of("black hole", Fault::Silent, 0),
        of("503 to everything", Fault::Unavailable, 0),
        of("queue full", Fault::Refused, 250_000),
    ]
}

fn one_by_one(cells: Vec<Cell>) -> Vec<Stage> {
    cells.into_iter().map(|cell| Stage(vec![cell])).collect()
}

impl Scenario {
    fn on(self, transports: &[Transport]) -> Vec<Cell> {
        let cells = transports
            .iter()
            .flat_map(|&transport| Client::ALL.map(|client| Cell { scenario: self, client, transport }));
        cells.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clients_have_the_same_runs() {
        for stages in [whole(), quick()] {
            let cells: Vec<Cell> = stages.into_iter().flat_map(|stage| stage.0).collect();
            let of = |client| -> Vec<_> {
                let own = cells.iter().filter(|cell| cell.client == client);
                own.map(|cell| (cell.scenario, cell.transport)).collect()
            };
            assert_eq!(of(Client::Ours), of(Client::Opentelemetry));
        }
    }

    #[test]
    fn spans_are_made_before_during_and_after_an_outage() {
        let scenario = outage("", 1_000, [5, 10, 5]);
        assert_eq!((scenario.spans, scenario.per_second), (20_000, 1_000));
    }
}
