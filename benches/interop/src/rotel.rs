//! Rotel, a collector in Rust, as a receiver: it hands on what it takes by its own OTLP exporter, to our testkit.
//!
//! It cannot choose a port and tell: a free one is chosen for it, and chosen again if somebody else was faster.

use crate::Failure;
use crate::case::{Case, Packing, Security, Wire};
use crate::matrix::{Defect, Receiver};
use crate::process::Process;
use crate::telemetry::Breadth;
use otlp_model::Signal;
use otlp_model::proto::generated::metrics::v1::NumberDataPoint;
use otlp_model::proto::generated::metrics::v1::metric::Data;
use otlp_model::proto::generated::metrics::v1::number_data_point::Value;
use otlp_testkit::{Collector, Payload};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const START: Duration = Duration::from_secs(30);
const TRIES: usize = 5;

/// The running program, and what is behind it; both end with this.
pub(crate) struct Rotel {
    behind: Collector,
    grpc: SocketAddr,
    http: SocketAddr,
    /// How many calls were read.
    read: usize,
    _process: Process,
}

impl Rotel {
    /// Starts it; its files go to `folder`.
    pub(crate) fn start(program: &Path, folder: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder)?;
        let behind = Collector::builder().grpc().start_blocking()?;
        let mut tried = 1;
        loop {
            let (grpc, http) = free()?;
            match listening(program, folder, &behind, grpc, http) {
                Ok(process) => return Ok(Self { behind, grpc, http, read: 0, _process: process }),
                Err(error) if tried == TRIES => return Err(error),
                Err(_) => tried += 1,
            }
        }
    }
}

fn listening(
    program: &Path,
    folder: &Path,
    behind: &Collector,
    grpc: SocketAddr,
    http: SocketAddr,
) -> Result<Process, Failure> {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .arg("start")
        .args(["--otlp-grpc-endpoint", &grpc.to_string(), "--otlp-http-endpoint", &http.to_string()])
        .args([
            "--exporter",
            "otlp",
            "--otlp-exporter-protocol",
            "grpc",
            "--otlp-exporter-compression",
            "none",
        ])
        .args(["--otlp-exporter-endpoint", &behind.grpc_endpoint()])
        .args(["--batch-timeout", "10ms"]);
    let mut process = Process::start("rotel", &command)?;
    process.wait_for("it listens", START, |_| {
        let listens = |address| TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok();
        (listens(grpc) && listens(http)).then_some(())
    })?;
    Ok(process)
}

/// Two addresses at which nobody listens now.
fn free() -> Result<(SocketAddr, SocketAddr), Failure> {
    let listeners =
        [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
    Ok((listeners[0].local_addr()?, listeners[1].local_addr()?))
}

impl Receiver for Rotel {
    fn endpoint(&self, case: Case) -> Option<String> {
        if case.security != Security::Plain || case.packing == Packing::Zstd {
            return None;
        }
        Some(format!("http://{}", if case.wire == Wire::Grpc { self.grpc } else { self.http }))
    }

    /// It reads from JSON neither NaN nor a value that is none.
    fn breadth(&self, case: Case) -> Breadth {
        if case.wire == Wire::Json { Breadth::Common } else { Breadth::Whole }
    }

    fn defect(&self, case: Case, signal: Signal) -> Option<Defect> {
        (case.wire == Wire::Json && signal == Signal::Metrics).then_some(Defect {
            why: "It answers 200, and keeps of a metric in JSON neither integers in quotes, as OTLP writes those of 64 bits, nor \
                  anything but the name of a histogram, a summary, or what has an exemplar, whoever sends it.",
            hide: without_what_is_lost,
        })
    }

    fn arrived(&mut self) -> Result<Vec<Payload>, Failure> {
        let received = self.behind.received();
        let new: Vec<Payload> = received.calls().skip(self.read).map(|call| call.payload.clone()).collect();
        self.read += new.len();
        Ok(new)
    }
}

/// Takes out what it does not keep, and nothing else: of what is left every field has to arrive.
fn without_what_is_lost(payload: &mut Payload) {
    let Payload::Metrics(request) = payload else { return };
    let scopes = request.resource_metrics.iter_mut().flat_map(|group| &mut group.scope_metrics);
    for metric in scopes.flat_map(|scoped| &mut scoped.metrics) {
        let points = match &mut metric.data {
            Some(Data::Gauge(gauge)) => Some(&mut gauge.data_points),
            Some(Data::Sum(sum)) => Some(&mut sum.data_points),
            _ => None,
        };
        match points.filter(|points| points.iter().all(|point| point.exemplars.is_empty())) {
            Some(points) => points.iter_mut().for_each(without_integer),
            None => metric.data = None,
        }
    }
}

fn without_integer(point: &mut NumberDataPoint) {
    point.value = point.value.filter(|value| matches!(value, Value::AsDouble(_)));
}
