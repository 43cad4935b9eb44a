//! Row 8 for real: in a network of its own every packet is dropped, so that no kernel acknowledges or refuses anything, as when
//! a host or a cable is gone. `row_08_half_open` does the same with a proxy, whose kernel still answers.
//!
//! Needs user and network namespaces, `unshare` of util-linux, and `ip` and `tc` of iproute2.

use crate::attempts::Attempts;
use crate::child::{self, Running};
use crate::support::{PATIENCE, batch_soon, books, claim, endpoint, insistent, offer};
use otlp::{Client, DeliveryReport, DropReason, Error, Protocol};
use otlp_testkit::{Collector, Ledger, skipped};
use std::process::Command;
use std::time::Duration;

const PROTOCOLS: [Protocol; 2] = [Protocol::Grpc, Protocol::Http];
/// More than a test may take: what ends earlier was not ended by it.
const NEVER: Duration = Duration::from_secs(600);
const DEADLINE: Duration = Duration::from_millis(200);
/// How much later a call may return on a busy machine: less than any other limit of the client's.
const SLACK: Duration = Duration::from_secs(8);

const UP: &str = "ip link set lo up";
/// What is sent vanishes, and the sender is told that all is well.
const DROP: &str = "tc qdisc replace dev lo root blackhole";
const PASS: &str = "tc qdisc del dev lo root";

/// `unshare` for this command, as root of namespaces that have nothing but a loopback device, which is down.
fn apart(command: &Command) -> Command {
    let mut apart = Command::new("unshare");
    apart.args(["--user", "--map-root-user", "--net", "--"]);
    apart.arg(command.get_program()).args(command.get_args());
    apart.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    apart
}

/// Why there is no such network on this machine.
fn missing() -> Option<String> {
    let mut try_it = Command::new("sh");
    try_it.args(["-c", &format!("{UP} && {DROP} && {PASS}")]);
    match apart(&try_it).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("unshare: {error}")),
    }
}

fn network(command: &str) {
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
}

/// Runs a program in a network of its own, where that can be.
fn run_apart(program: &str) {
    if let Some(why) = missing() {
        return skipped(format_args!("row 8, packets dropped ({program})"), why);
    }
    let said = Running::start(apart(&child::command(program, "", ""))).end().well();
    assert_eq!(said, ["done"], "it ran to its end");
}

/// A client over one protocol that has a connection, and has delivered a span.
struct Under {
    collector: Collector,
    attempts: Attempts,
    client: Client,
    ledger: Ledger,
}

impl Under {
    async fn start(protocol: Protocol, request_timeout: Duration) -> Self {
        let collector = Collector::builder().start().await.unwrap();
        let attempts = Attempts::default();
        let client = insistent(endpoint(&collector, protocol))
            .with_protocol(protocol)
            .with_batch_config(batch_soon())
            .with_request_timeout(request_timeout)
            // Less than the kernel waits before it tries once more.
            .with_connect_timeout(Duration::from_millis(500))
            .with_attempt_layer(attempts.layer())
            .build()
            .await
            .unwrap();
        let mut under = Self { collector, attempts, client, ledger: Ledger::new() };
        under.offer(1);
        under.client.flush().await.unwrap();
        under
    }

    fn offer(&mut self, spans: u64) {
        offer(spans, &self.client.tracer("t"), &mut self.ledger);
    }

    fn received(&self) -> u64 {
        self.collector.received().items()
    }

    async fn opened(&self) -> u64 {
        self.client.get_connection_pool_stats().await.unwrap().connections_opened
    }
}

/// That a call ended at its deadline, with an error and balanced books.
fn in_time(result: Result<DeliveryReport, Error>) -> DeliveryReport {
    let report = books(Err(result.expect_err("nothing gets through")));
    assert!(report.elapsed < DEADLINE + SLACK, "{report}");
    report
}

fn in_a_runtime(program: impl Future<Output = ()>) {
    network(UP);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(program);
    child::say("done");
}

pub(crate) fn attempt_timeout() {
    in_a_runtime(async {
        for protocol in PROTOCOLS {
            let mut under = Under::start(protocol, Duration::from_millis(500)).await;
            let opened = under.opened().await;
            network(DROP);
            under.offer(10);
            // The first finds out, the second cannot have another connection.
            under.attempts.fail(2).await;
            let report = in_time(under.client.flush_within(DEADLINE).await);
            assert_eq!((report.pending(), report.lost().total()), (10, 0), "{protocol:?}: {report}");
            assert_eq!(under.received(), 1, "{protocol:?}: nothing got through meanwhile");

            network(PASS);
            let report = books(Ok(under.client.flush().await.unwrap()));
            assert_eq!((report.delivered(), report.pending()), (11, 0), "{protocol:?}: {report}");
            assert!(under.opened().await > opened, "{protocol:?}: the old connection was given up");

            network(DROP);
            under.offer(5);
            let report = in_time(under.client.shutdown(DEADLINE).await);
            let lost = report.lost();
            assert_eq!((report.delivered(), report.pending()), (11, 0), "{protocol:?}: {report}");
            assert_eq!((lost.total(), lost.get(DropReason::Deadline)), (5, 5), "{protocol:?}: {report}");
            under.ledger.check(claim(&report), &under.collector.received()).unwrap();
            network(PASS);
        }
    });
}

pub(crate) fn user_timeout() {
    in_a_runtime(async {
        let [grpc, http] = PROTOCOLS.map(|protocol| Under::start(protocol, NEVER));
        let (mut grpc, mut http) = (grpc.await, http.await);
        network(DROP);
        [&mut grpc, &mut http].into_iter().for_each(|under| under.offer(1));
        tokio::join!(grpc.attempts.fail(1), http.attempts.fail(1));
        network(PASS);
        for under in [grpc, http] {
            let report = books(Ok(under.client.shutdown(PATIENCE).await.unwrap()));
            assert_eq!((report.accepted(), report.delivered()), (2, 2), "{report}");
            under.ledger.check(claim(&report), &under.collector.received()).unwrap();
        }
    });
}

#[test]
fn when_packets_vanish_an_attempt_finds_out_calls_end_in_time_and_nothing_is_lost() {
    // conf: SURV-21, TIME-02, TIME-03, BATCH-13
    run_apart("row_08_attempt_timeout");
}

/// However long an attempt may take: what nobody acknowledges for 30 s ends the connection, unasked.
#[test]
fn when_packets_vanish_the_kernel_gives_the_connection_up() {
    // conf: SURV-21
    run_apart("row_08_user_timeout");
}
