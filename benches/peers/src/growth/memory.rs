//! Memory with the collector absent: whatever is offered, the process grows by the pool's bound and a little.
//!
//! Runs in a process of its own for each transport, since what earlier curves left resident would hide what this one
//! adds. Exceeding the bound is an error of the whole run, not a remark.

use super::point::Point;
use crate::Transport;
use crate::process::resident_bytes;
use otlp::{Client, MemoryPoolConfig, Protocol, Signal};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

pub(super) const WORD: &str = "memory";

const MIB: u64 = 1024 * 1024;
/// What the process may grow by beside the pool.
const BESIDE: u64 = 8 * MIB;
const THREADS: u64 = 2;

/// The order to a process that floods a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flood {
    transport: Transport,
    /// Spans over all threads; a figure is taken after each tenfold of the first.
    spans: Vec<u64>,
}

impl Flood {
    pub(super) fn parse(args: &[String]) -> Result<Self, String> {
        let [transport, spans @ ..] = args else { return Err("memory: which transport?".to_owned()) };
        let spans: Result<Vec<u64>, _> = spans.iter().map(|spans| spans.parse::<u64>()).collect();
        Ok(Self { transport: transport.parse()?, spans: spans.map_err(|error| error.to_string())? })
    }

    fn to_args(&self) -> Vec<String> {
        let spans = self.spans.iter().map(u64::to_string);
        [WORD.to_owned(), self.transport.to_string()].into_iter().chain(spans).collect()
    }
}

/// Offers spans to a client whose collector is absent, and prints for each figure asked for by how many bytes the process
/// had grown at most.
pub(super) fn flood(order: &Flood) -> Result<(), String> {
    let client = absent(order.transport)?;
    let before = client.1;
    let (client, mut made) = (client.0, 0);
    for &spans in &order.spans {
        let each = spans.saturating_sub(made) / THREADS;
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                let tracer = client.tracer("growth");
                scope.spawn(move || {
                    (0..each).for_each(|number| {
                        otlp_benches::make(&tracer, otlp_benches::Shape::Full, number as i64);
                    });
                });
            }
        });
        made += each * THREADS;
        let stats = client.stats(Signal::Traces);
        if stats.accepted != made || stats.delivered != 0 || !stats.is_balanced() {
            return Err(format!("{made} spans made, but the books say {stats:?}"));
        }
        println!("{}", resident_bytes().1.saturating_sub(before));
    }
    Ok(())
}

/// A client with the default pool whose connections are refused, and what was resident before it was built.
fn absent(transport: Transport) -> Result<(Client, u64), String> {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = address.map_err(|error| error.to_string())?;
    let before = resident_bytes().1;
    let client = Client::builder()
        .with_endpoint(format!("http://{address}"))
        .with_protocol(match transport {
            Transport::Grpc => Protocol::Grpc,
            Transport::Http => Protocol::Http,
        })
        .with_drop_timeout(Duration::ZERO)
        .build_blocking();
    Ok((client.map_err(|error| error.to_string())?, before))
}

/// The curve, measured in two processes; an error when the bound was exceeded.
pub(super) fn points(quick: bool) -> Result<Vec<Point>, String> {
    let spans: Vec<u64> = if quick { vec![100_000, 1_000_000] } else { vec![100_000, 1_000_000, 10_000_000] };
    let mut points: Vec<Point> = spans.iter().map(|&spans| empty(spans)).collect();
    let bound = MemoryPoolConfig::default().max_size as u64 + BESIDE;
    let mut most = 0;
    for &transport in Transport::ALL {
        let grown = measure(&Flood { transport, spans: spans.clone() })?;
        for (point, grown) in points.iter_mut().zip(grown) {
            most = most.max(grown);
            let mib = (grown as f64 / MIB as f64 * 10.0).round() / 10.0;
            for figures in [&mut point.y, &mut point.min, &mut point.max] {
                figures.insert(transport.to_string(), mib);
            }
        }
    }
    if most > bound {
        return Err(format!("memory: grown by {most} bytes with the collector absent, more than {bound}"));
    }
    if let Some(last) = points.last_mut() {
        last.linear = Some(true);
        last.growth = Some(format!("never more than {} MiB, the pool's 64 and 8 beside it", bound / MIB));
    }
    Ok(points)
}

fn empty(spans: u64) -> Point {
    Point {
        curve: WORD.to_owned(),
        x_name: "spans offered, the collector absent".to_owned(),
        x: spans as f64,
        unit: "MiB grown at most".to_owned(),
        y: BTreeMap::new(),
        ..Point::default()
    }
}

/// Has this program run once more, for the flood alone.
fn measure(order: &Flood) -> Result<Vec<u64>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(program).args(order.to_args()).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("memory: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let figures =
        String::from_utf8_lossy(&output.stdout).lines().map(str::parse).collect::<Result<Vec<u64>, _>>();
    let figures = figures.map_err(|error| format!("memory: {error}"))?;
    if figures.len() == order.spans.len() {
        Ok(figures)
    } else {
        Err("memory: figures are missing".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_survives_the_command_line() {
        let flood = Flood { transport: Transport::Http, spans: vec![10, 100] };
        assert_eq!(Flood::parse(&flood.to_args()[1..]), Ok(flood));
    }
}
