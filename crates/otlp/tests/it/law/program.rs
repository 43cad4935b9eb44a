//! Random programs: what an application does on several threads, what the receiver answers, what the network does meanwhile.

use otlp::{Compression, OverflowPolicy, Protocol};
use otlp_testkit::{Cut, Fault, FaultScript, Flow, Reply, Script};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

/// One thing that an application does, or that happens to the receiver.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Spans(u16),
    Logs(u16),
    Points(u16),
    Flush,
    Yield,
    /// With this patience, in milliseconds; later steps go on all the same.
    Shutdown(u64),
    Kill,
    Restart,
    Cut(Cut),
}

/// A case of the law.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) threads: Vec<Vec<Step>>,
    /// Of the receiver, to one call after the other; then all is well.
    pub(super) replies: Vec<Reply>,
    /// Of the network, to one connection after the other; then all is well.
    pub(super) faults: Vec<Fault>,
    pub(super) protocol: Protocol,
    pub(super) compression: Compression,
    pub(super) overflow: OverflowPolicy,
    /// The most items that wait.
    pub(super) queue: usize,
    /// Of the last shutdown, in milliseconds.
    pub(super) patience: u64,
}

impl Program {
    pub(super) fn script(&self) -> Script {
        self.replies.iter().fold(Script::new(), |script, reply| script.next(1, reply.clone()))
    }

    pub(super) fn network(&self) -> FaultScript {
        self.faults.iter().fold(FaultScript::new(), |script, fault| script.next(1, fault.clone()))
    }
}

pub(super) fn programs(protocol: Protocol) -> impl Strategy<Value = Program> {
    let options = (
        prop_oneof![3 => Just(Compression::None), 1 => Just(Compression::Gzip)],
        prop_oneof![
            2 => Just(OverflowPolicy::DropNewest),
            1 => Just(OverflowPolicy::DropOldest),
            1 => Just(OverflowPolicy::Block { timeout: Duration::from_millis(5) }),
        ],
        prop_oneof![Just(16usize), Just(100), Just(10_000)],
        prop_oneof![Just(0u64), 1..80u64, Just(10_000)],
    );
    let events = (vec(vec(step(), 1..8), 1..4), vec(reply(), 0..12), vec(fault(), 0..6));
    (events, options).prop_map(
        move |((threads, replies, faults), (compression, overflow, queue, patience))| Program {
            threads,
            replies,
            faults,
            protocol,
            compression,
            overflow,
            queue,
            patience,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..60u16).prop_map(Step::Spans),
        1 => (200..600u16).prop_map(Step::Spans),
        3 => (1..40u16).prop_map(Step::Logs),
        3 => (1..40u16).prop_map(Step::Points),
        3 => Just(Step::Flush),
        3 => Just(Step::Yield),
        1 => (0..40u64).prop_map(Step::Shutdown),
        1 => Just(Step::Kill),
        2 => Just(Step::Restart),
        1 => cut().prop_map(Step::Cut),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        4 => Just(Reply::ok()),
        2 => Just(Reply::unavailable()),
        1 => Just(Reply::unavailable().retry_info(Duration::from_millis(3))),
        1 => Just(Reply::resource_exhausted()),
        1 => Just(Reply::invalid_argument()),
        1 => (0..20i64).prop_map(|rejected| Reply::partial_success(rejected, "some")),
        1 => Just(Reply::close()),
        1 => Just(Reply::accept_then_close()),
        1 => Just(Reply::hang()),
        1 => Just(Reply::accept_then_hang()),
        1 => Just(Reply::reset(7)),
        1 => (1..10u64).prop_map(|ms| Reply::ok().delay(Duration::from_millis(ms))),
    ]
}

fn cut() -> impl Strategy<Value = Cut> {
    prop_oneof![Just(Cut::Fin), Just(Cut::Reset)]
}

fn fault() -> impl Strategy<Value = Fault> {
    // Within the handshake, the first request or its answer, or some requests later.
    let bytes = || prop_oneof![0..60u64, 60..2_000u64, 2_000..40_000u64];
    prop_oneof![
        4 => Just(Fault::pass()),
        1 => Just(Fault::black_hole()),
        1 => (bytes(), cut()).prop_map(|(bytes, how)| Fault::to_server(Flow::pass().cut_after(bytes, how))),
        1 => (bytes(), cut()).prop_map(|(bytes, how)| Fault::to_client(Flow::pass().cut_after(bytes, how))),
        1 => bytes().prop_map(|bytes| Fault::to_server(Flow::pass().stall_after(bytes))),
        1 => bytes().prop_map(|bytes| Fault::to_client(Flow::pass().stall_after(bytes))),
        1 => (1..5u64).prop_map(|ms| Fault::to_client(Flow::pass().delay(Duration::from_millis(ms)))),
    ]
}
