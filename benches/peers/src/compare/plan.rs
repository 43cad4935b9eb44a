//! Which runs there are: the contenders, and what each is asked to do. Knows nothing of processes.

use super::options::Options;
use crate::{Compression, Mode, Order, Transport, Workload};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A program that makes telemetry and sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Contender {
    /// This workspace's client, by its own API.
    Ours,
    /// The OpenTelemetry SDK with opentelemetry-otlp.
    Opentelemetry,
    /// The SDK with our exporter.
    #[serde(rename = "sdk_on_ours")]
    SdkOnOurs,
    /// The OpenTelemetry API on our provider.
    #[serde(rename = "api_on_ours")]
    ApiOnOurs,
    /// fastrace with fastrace-opentelemetry.
    Fastrace,
    /// emit with emit_otlp.
    Emit,
    /// `tracing` with this workspace's layer.
    #[serde(rename = "tracing_ours")]
    TracingOurs,
    /// `tracing` with tracing-opentelemetry on the same SDK and exporter.
    #[serde(rename = "tracing_opentelemetry")]
    TracingOpentelemetry,
    /// The macros of `log` with this workspace's bridge.
    #[serde(rename = "log_ours")]
    LogOurs,
    /// The macros of `log` with opentelemetry-appender-log on the same SDK and exporter.
    #[serde(rename = "log_opentelemetry")]
    LogOpentelemetry,
    /// The same bytes written by hand; it sends nothing and is compared on the producing thread only.
    Floor,
}

impl Contender {
    pub(super) const ALL: [Self; 11] = [
        Self::Ours,
        Self::Opentelemetry,
        Self::SdkOnOurs,
        Self::ApiOnOurs,
        Self::Fastrace,
        Self::Emit,
        Self::TracingOurs,
        Self::TracingOpentelemetry,
        Self::LogOurs,
        Self::LogOpentelemetry,
        Self::Floor,
    ];

    /// The client under what others have made: compared on the plainest work only.
    pub(super) const ADAPTERS: [Self; 2] = [Self::SdkOnOurs, Self::ApiOnOurs];

    /// The clients that are compared.
    pub(super) const CLIENTS: [Self; 4] = [Self::Ours, Self::Opentelemetry, Self::Fastrace, Self::Emit];

    /// Those whose spans are made by the macros of `tracing`.
    pub(super) const TRACED: [Self; 2] = [Self::TracingOurs, Self::TracingOpentelemetry];

    /// Those whose log records are made by the macros of `log`.
    pub(super) const LOGGED: [Self; 2] = [Self::LogOurs, Self::LogOpentelemetry];

    /// Whether it is of this workspace: then it refuses nothing, and its books balance.
    pub(super) const fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::ApiOnOurs | Self::TracingOurs | Self::LogOurs)
    }

    /// The plainest of what it makes.
    pub(super) const fn workload(self) -> Workload {
        match self {
            Self::LogOurs | Self::LogOpentelemetry => Workload::Logs,
            _ => Workload::Fixed,
        }
    }

    /// Whether there is somebody behind it.
    pub(super) const fn sends(self) -> bool {
        !matches!(self, Self::Floor)
    }

    /// The name of its program.
    pub(super) const fn program(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Opentelemetry => "opentelemetry",
            Self::SdkOnOurs => "sdk_on_ours",
            Self::ApiOnOurs => "api_on_ours",
            Self::Fastrace => "fastrace",
            Self::Emit => "emit",
            Self::TracingOurs => "tracing_ours",
            Self::TracingOpentelemetry => "tracing_opentelemetry",
            Self::LogOurs => "log_ours",
            Self::LogOpentelemetry => "log_opentelemetry",
            Self::Floor => "floor",
        }
    }

    /// Its name in tables and charts.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Ours => "otlp (ours)",
            Self::TracingOurs => "otlp-tracing (ours)",
            Self::TracingOpentelemetry => "tracing-opentelemetry",
            Self::LogOurs => "LogBridge (ours)",
            Self::LogOpentelemetry => "opentelemetry-appender-log",
            Self::SdkOnOurs => "SDK, our exporter",
            Self::ApiOnOurs => "API, our provider",
            Self::Floor => "floor, by hand",
            other => other.program(),
        }
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.title())
    }
}

/// One thing that one contender is asked to do, as often as there are repetitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Cell {
    pub(super) contender: Contender,
    pub(super) transport: Transport,
    pub(super) compression: Compression,
    pub(super) mode: Mode,
    pub(super) workload: Workload,
    pub(super) threads: u64,
    /// How long the sink waits before it answers.
    pub(super) answer_after_ms: u64,
    /// Whether the contender is kept on one core.
    pub(super) pinned: bool,
    pub(super) items: u64,
}

impl Cell {
    /// gRPC without compression, nothing lost, one producing thread on one core, a receiver that answers at once.
    pub(super) const fn plain(contender: Contender) -> Self {
        Self {
            contender,
            transport: Transport::Grpc,
            compression: Compression::None,
            mode: Mode::Lossless,
            workload: contender.workload(),
            threads: 1,
            answer_after_ms: 0,
            pinned: true,
            items: 0,
        }
    }

    pub(super) const fn over(self, transport: Transport, compression: Compression) -> Self {
        Self { transport, compression, ..self }
    }

    pub(super) const fn mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    pub(super) const fn workload(self, workload: Workload) -> Self {
        Self { workload, ..self }
    }

    /// With this many producing threads, on whatever cores they find.
    pub(super) const fn threads(self, threads: u64) -> Self {
        Self { threads, pinned: false, ..self }
    }

    pub(super) const fn answered_after(self, milliseconds: u64) -> Self {
        Self { answer_after_ms: milliseconds, ..self }
    }

    pub(super) const fn items(self, items: u64) -> Self {
        Self { items, ..self }
    }

    /// Whether both are the same thing to do, however often.
    pub(super) fn is_same_work(&self, other: &Self) -> bool {
        self.items(0) == other.items(0)
    }

    pub(super) fn order(&self, sink: &str) -> Order {
        Order {
            transport: self.transport,
            compression: self.compression,
            mode: self.mode,
            workload: self.workload,
            items: self.items,
            threads: self.threads,
            sink: sink.to_owned(),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { contender, transport, compression, mode, workload, .. } = self;
        write!(f, "{} {transport} {compression} {mode} {workload}", contender.program())?;
        if !self.pinned {
            write!(f, ", {} thread{}", self.threads, if self.threads == 1 { "" } else { "s" })?;
        }
        if self.answer_after_ms > 0 {
            write!(f, ", answered after {} ms", self.answer_after_ms)?;
        }
        Ok(())
    }
}

/// Transports and compressions, in the order of the tables.
pub(super) const WIRES: [(Transport, Compression); 6] = [
    (Transport::Grpc, Compression::None),
    (Transport::Http, Compression::None),
    (Transport::Grpc, Compression::Gzip),
    (Transport::Http, Compression::Gzip),
    (Transport::Grpc, Compression::Zstd),
    (Transport::Http, Compression::Zstd),
];

/// The waits of the receiver that are measured.
pub(super) const LATENCIES: [u64; 2] = [5, 50];

/// Everything that one repetition runs, contenders taking turns.
pub(super) fn plan(options: &Options) -> Vec<Cell> {
    let items = options.items;
    let mut cells = Vec::new();
    let mut all = |contenders: &[Contender], change: &dyn Fn(Cell) -> Cell| {
        let asked = contenders.iter().filter(|contender| options.includes(**contender));
        cells.extend(asked.map(|contender| change(Cell::plain(*contender).items(items))));
    };
    let clients = &Contender::CLIENTS;
    for (transport, compression) in WIRES {
        all(clients, &|cell| cell.over(transport, compression));
    }
    all(&Contender::ADAPTERS, &|cell| cell);
    all(&[Contender::Floor], &|cell| cell);
    for transport in [Transport::Grpc, Transport::Http] {
        all(&Contender::TRACED, &|cell| cell.over(transport, Compression::None));
        all(&Contender::TRACED, &|cell| cell.over(transport, Compression::None).workload(Workload::Full));
    }
    all(&Contender::TRACED, &|cell| cell.mode(Mode::Unsampled));
    for transport in [Transport::Grpc, Transport::Http] {
        all(clients, &|cell| cell.over(transport, Compression::None).mode(Mode::Burst));
    }
    all(clients, &|cell| cell.mode(Mode::Unsampled));
    // A rate needs no million, and one of the peers takes minutes for one here.
    let few = |cell: Cell| if cell.contender == Contender::Ours { items / 2 } else { items / 10 };
    for threads in [1, 2] {
        all(clients, &|cell| cell.threads(threads).items(few(cell)));
    }
    for workload in [Workload::Varied, Workload::Logs] {
        all(clients, &|cell| cell.workload(workload).items(items / 2));
    }
    for transport in [Transport::Grpc, Transport::Http] {
        all(&Contender::LOGGED, &|cell| cell.over(transport, Compression::None).items(items / 2));
    }
    for latency in LATENCIES {
        all(clients, &|cell| {
            let items = if cell.contender == Contender::Ours { items } else { items / 10 };
            cell.answered_after(latency).items(items)
        });
    }
    cells
}

/// What `--quick` runs: each contender in each way once.
pub(super) fn quick(options: &Options) -> Vec<Cell> {
    let mut cells = plan(options);
    cells.iter_mut().for_each(|cell| cell.items = options.items);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_take_turns_and_no_work_is_planned_twice() {
        let cells = plan(&Options::default());
        let first: Vec<Contender> = cells.iter().take(4).map(|cell| cell.contender).collect();
        assert_eq!(first, Contender::CLIENTS);
        for (index, cell) in cells.iter().enumerate() {
            assert!(!cells[..index].iter().any(|other| other.is_same_work(cell)), "{cell} twice");
        }
    }

    #[test]
    fn a_subset_is_a_subset() {
        let options = Options { only: vec![Contender::Ours], ..Options::default() };
        let cells = plan(&options);
        assert!(!cells.is_empty() && cells.iter().all(|cell| cell.contender == Contender::Ours));
    }

    #[test]
    fn a_cell_becomes_the_order_it_describes() {
        let cell = Cell::plain(Contender::Emit).over(Transport::Http, Compression::Gzip).items(12);
        let order = cell.order("127.0.0.1:1");
        assert_eq!(order.to_args(), ["http", "gzip", "lossless", "fixed", "12", "1", "127.0.0.1:1"]);
        assert_eq!(cell.answered_after(5).to_string(), "emit http gzip lossless fixed, answered after 5 ms");
    }
}
