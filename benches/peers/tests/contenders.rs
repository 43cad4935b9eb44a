//! Every contender against the sink, with few items: what is said to arrive arrives, in all combinations that it can do.
//! Nothing is timed here.

use otlp_peers::{Compression, Figures, Mode, Order, SinkCount, Transport, Workload};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const ITEMS: u64 = 2003;

/// A sink that ends with the test.
struct Sink {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    address: String,
}

impl Sink {
    fn start(args: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_sink"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let mut address = String::new();
        answers.read_line(&mut address).unwrap();
        Self { process, questions, answers, address: address.trim().to_owned() }
    }

    fn count(&mut self) -> SinkCount {
        writeln!(self.questions.as_mut().unwrap(), "count").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.questions.take());
        assert!(self.process.wait().unwrap().success() || std::thread::panicking());
    }
}

fn order(
    sink: &Sink,
    transport: Transport,
    compression: Compression,
    mode: Mode,
    workload: Workload,
) -> Order {
    Order { transport, compression, mode, workload, items: ITEMS, threads: 1, sink: sink.address.clone() }
}

/// The contender's figures, or its sentence if it can't.
fn run(contender: &str, order: &Order) -> Result<Figures, String> {
    let output = Command::new(contender).args(order.to_args()).output().unwrap();
    match output.status.code() {
        Some(0) => Ok(serde_json::from_slice(&output.stdout).unwrap()),
        Some(2) => Err(String::from_utf8(output.stderr).unwrap()),
        code => panic!("{contender} {order:?}: {code:?} {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// Runs everything that can be ordered in lossless mode; returns how many orders the contender declined, apart from those that
/// only layers for `tracing` take.
fn deliver(contender: &str) -> usize {
    let is_layer = contender.contains("tracing");
    let mut sink = Sink::start(&[]);
    let mut declined = 0;
    for &transport in Transport::ALL {
        for &compression in Compression::ALL {
            for &workload in Workload::ALL {
                let order = order(&sink, transport, compression, Mode::Lossless, workload);
                match run(contender, &order) {
                    Ok(figures) => {
                        let count = sink.count();
                        assert_eq!((figures.made, count.items), (ITEMS, ITEMS), "{order:?}");
                        assert!(is_layer || workload != Workload::Full, "{order:?}");
                        assert!(matches!(figures.lost_by_own_account, None | Some(0)), "{order:?}");
                        assert!(figures.wall_ns > 0 && figures.user_ns + figures.system_ns > 0);
                        let plain = ITEMS * if workload == Workload::Logs { 150 } else { 300 };
                        assert_eq!(count.body_bytes > plain, compression == Compression::None, "{count:?}");
                    }
                    Err(sentence) if workload == Workload::Full && !is_layer => {
                        assert!(sentence.contains("layer"), "{sentence}");
                    }
                    Err(sentence) => {
                        assert!(!sentence.trim().is_empty());
                        assert_ne!(workload, Workload::Full, "{sentence}");
                        declined += 1;
                    }
                }
            }
        }
    }
    declined
}

/// Two threads, a burst, a slow sink and no sampling.
fn vary(contender: &str) {
    let mut sink = Sink::start(&["--answer-after-ms", "5"]);
    let fixed = order(&sink, Transport::Grpc, Compression::None, Mode::Lossless, Workload::Fixed);

    run(contender, &Order { threads: 2, ..fixed.clone() }).unwrap();
    assert_eq!(sink.count().items, ITEMS, "two threads");

    let figures = run(contender, &Order { mode: Mode::Burst, ..fixed.clone() }).unwrap();
    let arrived = sink.count().items;
    assert!(arrived <= ITEMS && figures.lost_by_own_account.is_none_or(|lost| lost == ITEMS - arrived));

    let figures = run(contender, &Order { mode: Mode::Unsampled, ..fixed }).unwrap();
    assert_eq!((figures.made, sink.count().items), (ITEMS, 0));
}

#[test]
fn ours() {
    assert_eq!(deliver(env!("CARGO_BIN_EXE_ours")), 0);
    vary(env!("CARGO_BIN_EXE_ours"));
}

#[test]
fn opentelemetry() {
    assert_eq!(deliver(env!("CARGO_BIN_EXE_opentelemetry")), 0);
    vary(env!("CARGO_BIN_EXE_opentelemetry"));
}

#[test]
fn the_sdk_with_our_exporter() {
    assert_eq!(deliver(env!("CARGO_BIN_EXE_sdk_on_ours")), 0);
    vary(env!("CARGO_BIN_EXE_sdk_on_ours"));
}

#[test]
fn the_api_on_our_provider() {
    assert_eq!(deliver(env!("CARGO_BIN_EXE_api_on_ours")), 0);
    vary(env!("CARGO_BIN_EXE_api_on_ours"));
}

#[test]
fn fastrace() {
    assert_eq!(deliver(env!("CARGO_BIN_EXE_fastrace")), 6, "it has no log records");
    vary(env!("CARGO_BIN_EXE_fastrace"));
}

#[test]
fn emit() {
    assert_eq!(deliver(env!("CARGO_BIN_EXE_emit")), 6, "it has no zstd");
    vary(env!("CARGO_BIN_EXE_emit"));
}

#[test]
fn the_floor_needs_no_sink() {
    let mut sink = Sink::start(&[]);
    let order = order(&sink, Transport::Grpc, Compression::None, Mode::Lossless, Workload::Fixed);
    assert_eq!(run(env!("CARGO_BIN_EXE_floor"), &order).unwrap().made, ITEMS);
    assert_eq!(sink.count().requests, 0);
}

#[test]
fn tracing_ours() {
    assert_eq!(deliver(env!("CARGO_BIN_EXE_tracing_ours")), 6, "it compares spans only");
    vary(env!("CARGO_BIN_EXE_tracing_ours"));
}

#[test]
fn tracing_opentelemetry() {
    assert_eq!(deliver(env!("CARGO_BIN_EXE_tracing_opentelemetry")), 6, "it compares spans only");
    vary(env!("CARGO_BIN_EXE_tracing_opentelemetry"));
}
