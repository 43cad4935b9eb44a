//! Sends requests and nothing else: what a span costs below assemble, on the thread that sends.
//!
//! The export stack from compression to the socket, against a sink in a process of its own, beside the floor: the same
//! bytes in plain writes. CPU time is that of the sending thread, kernel included; `faults` are its minor page faults.
//! Never makes spans while it measures: every request of a run has the same body.
//!
//! ```text
//! cargo build --release -p otlp-benches --example send
//! taskset -c 0 target/release/examples/send table
//! taskset -c 0 strace -c -f target/release/examples/send grpc zstd varied 2097152 400 1 0
//! ```

mod body;
mod clock;
mod sink;

use bytes::Bytes;
use otlp_model::{ExportRequest, Signal};
use otlp_transport::{
    BoxExportService, Compression, Compressor, Endpoint, Grpc, Headers, Http, RetryPolicy, ServiceBuilderExt,
    Shutdown,
};
use std::error::Error;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use tower::{Service, ServiceBuilder, ServiceExt};

const USAGE: &str = "usage: send table
       send grpc|http|write none|gzip|zstd[:LEVEL] same|varied BYTES REQUESTS CONCURRENCY DELAY_MS
       (write: BYTES per write, 2 MiB per request)";

type Failure = Box<dyn Error + Send + Sync>;

/// One line of the table.
struct Run {
    way: String,
    compression: String,
    body: body::Kind,
    bytes: usize,
    requests: usize,
    concurrency: usize,
    delay_ms: u64,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &words[..] {
        ["sink", delay] => sink::run(Duration::from_millis(delay.parse()?)),
        ["table"] => table(),
        [way, compression, body, bytes, requests, concurrency, delay] => measure(&Run {
            way: (*way).to_owned(),
            compression: (*compression).to_owned(),
            body: body.parse()?,
            bytes: bytes.parse()?,
            requests: requests.parse()?,
            concurrency: concurrency.parse()?,
            delay_ms: delay.parse()?,
        }),
        _ => Err(USAGE.into()),
    }
}

/// What the defaults of the client are compared with.
fn table() -> Result<(), Failure> {
    let mut runs = Vec::new();
    let mut add = |way: &str, compression: &str, body, bytes: usize, total: usize| {
        runs.push(Run {
            way: way.to_owned(),
            compression: compression.to_owned(),
            body,
            bytes,
            requests: total / if way == "write" { body::REQUEST_BYTES } else { bytes },
            concurrency: 1,
            delay_ms: 0,
        });
    };
    for bytes in [16 << 10, 64 << 10, 256 << 10] {
        add("write", "none", body::Kind::Varied, bytes, 400 << 20);
    }
    for way in ["grpc", "http"] {
        for bytes in [body::REQUEST_BYTES, 200_000, 20_000] {
            add(way, "none", body::Kind::Varied, bytes, 400 << 20);
        }
        for compression in ["gzip", "zstd"] {
            for kind in [body::Kind::Same, body::Kind::Varied] {
                add(way, compression, kind, body::REQUEST_BYTES, 200 << 20);
            }
        }
    }
    runs.iter().try_for_each(measure)
}

fn measure(run: &Run) -> Result<(), Failure> {
    let sink = sink::Process::start(run.delay_ms)?;
    let body = if run.way == "write" {
        body::of(run.body, body::REQUEST_BYTES)
    } else {
        body::of(run.body, run.bytes)
    };
    let spans = body.len() as f64 / body::SPAN_BYTES * run.requests as f64;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (used, ratio) = runtime.block_on(async {
        if run.way == "write" {
            return Ok::<_, Failure>((plain(run, sink.port, &body).await?, 1.0));
        }
        let compressor = compressor(&run.compression)?;
        let ratio = body.len() as f64 / compressor.compress(&body)?.len() as f64;
        let service = stack(&run.way, sink.port, compressor)?;
        send(run, service.clone(), &body, run.concurrency.max(run.requests / 10)).await?;
        let before = clock::Used::now();
        send(run, service, &body, run.requests).await?;
        Ok((before.since(), ratio))
    })?;
    println!(
        "{:5} {:6} {:6} {:>8} B x {:<5} in flight {} delay {:>2} ms: {:6.1} ns per span  {:7.0} k spans/s  {:6.2} faults per 1000 spans  ratio {ratio:.1}",
        run.way,
        run.compression,
        run.body.as_str(),
        run.bytes,
        run.requests,
        run.concurrency,
        run.delay_ms,
        used.cpu_ns as f64 / spans,
        spans / used.wall.as_secs_f64() / 1e3,
        used.faults as f64 / spans * 1000.0,
    );
    Ok(())
}

fn compressor(text: &str) -> Result<Compressor, Failure> {
    let (name, level) = text.split_once(':').unwrap_or((text, ""));
    let compression = match name {
        "none" => Compression::None,
        "gzip" => Compression::Gzip,
        "zstd" => Compression::Zstd,
        other => return Err(format!("{other}: expected none, gzip or zstd").into()),
    };
    let compressor = Compressor::new(compression)?;
    Ok(if level.is_empty() { compressor } else { compressor.with_level(level.parse()?)? })
}

/// The client's stack below its assemble layer.
fn stack(way: &str, port: u16, compressor: Compressor) -> Result<BoxExportService, Failure> {
    let endpoint: Endpoint = format!("http://127.0.0.1:{port}").parse()?;
    let terminal = match way {
        "grpc" => BoxExportService::new(Grpc::new(endpoint)),
        "http" => BoxExportService::new(Http::new(endpoint)),
        other => return Err(format!("{other}: expected grpc, http or write").into()),
    };
    Ok(BoxExportService::new(
        ServiceBuilder::new()
            .compress(compressor)
            .retry_export(RetryPolicy::default(), Shutdown::never())
            .attempt_timeout(Duration::from_secs(10))
            .export_headers(Headers::new())
            .service(terminal),
    ))
}

/// Sends `requests`, as many at once as the run says.
async fn send(run: &Run, service: BoxExportService, body: &Bytes, requests: usize) -> Result<(), Failure> {
    let items = (body.len() as f64 / body::SPAN_BYTES) as u64;
    let mut under_way = JoinSet::new();
    for _ in 0..requests {
        if under_way.len() >= run.concurrency
            && let Some(done) = under_way.join_next().await
        {
            done??;
        }
        let request = ExportRequest::new(Signal::Traces, items, body.clone());
        let mut service = service.clone();
        under_way.spawn(async move { service.ready().await?.call(request).await.map(drop) });
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    Ok(())
}

/// The floor: plain writes of the run's size, an answer of one byte per 2 MiB.
async fn plain(run: &Run, port: u16, body: &Bytes) -> Result<clock::Used, Failure> {
    let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    socket.set_nodelay(true)?;
    // The sink takes what begins like this for a plain stream.
    socket.write_all(b"W").await?;
    let before = clock::Used::now();
    for _ in 0..run.requests {
        for part in body.chunks(run.bytes) {
            socket.write_all(part).await?;
        }
    }
    Ok(before.since())
}
