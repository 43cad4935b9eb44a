//! The receiver of the comparison: it answers as an OpenTelemetry Collector would, and counts.
//!
//! `sink [--answer-after-ms N]` binds a port of 127.0.0.1 that the system chooses, prints `127.0.0.1:PORT`, and serves
//! OTLP/gRPC (HTTP/2 with prior knowledge) and OTLP/HTTP there. For each line `count` on its standard input it prints a
//! [`SinkCount`] as one line of JSON and starts again from zero. It ends when its standard input closes.
//!
//! It must cost little, or the receiver would be measured: one thread, and plain bodies are walked piece by piece as they
//! arrive, without collecting them. Compressed bodies are kept as they came and walked when the count is asked for, so that
//! decompression is not in the time that is measured. It never decodes an item.
//!
//! The server's settings are hyper's defaults, as in most Rust servers: HTTP/2 windows of 1 MiB per stream and connection,
//! frames of 16 KiB, 200 streams; `TCP_NODELAY` is set, as by tonic and Go. A request is answered after N milliseconds;
//! default 0: at once.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use otlp_peers::{Compression, Malformed, SinkCount, Walker, process};
use std::convert::Infallible;
use std::error::Error;
use std::io::{BufRead, Read};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let delay = match &arguments[..] {
        [] => Duration::ZERO,
        [option, delay] if option == "--answer-after-ms" => Duration::from_millis(delay.parse()?),
        _ => return Err("usage: sink [--answer-after-ms N]".into()),
    };
    let books = Arc::new(Mutex::new(Books::default()));
    let served = Arc::clone(&books);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(move || runtime.block_on(serve(listener, served, delay)));
    answer_counts(&books)
}

/// What has come since it was asked last.
#[derive(Default)]
struct Books {
    items: u64,
    requests: u64,
    body_bytes: u64,
    compressed: Vec<(Compression, Vec<u8>)>,
}

/// One line of JSON for each line `count`, until the input closes.
fn answer_counts(books: &Mutex<Books>) -> Result<(), Box<dyn Error>> {
    let mut since = (Instant::now(), cpu_ns()?);
    for line in std::io::stdin().lock().lines() {
        if line?.trim() != "count" {
            return Err("expected the word `count`".into());
        }
        let cpu_ns_now = cpu_ns()?;
        let Books { items, requests, body_bytes, compressed } =
            std::mem::take(&mut *books.lock().unwrap_or_else(PoisonError::into_inner));
        let mut count = SinkCount {
            items,
            requests,
            body_bytes,
            cpu_ns: cpu_ns_now - since.1,
            wall_ns: since.0.elapsed().as_nanos() as u64,
        };
        for (compression, body) in compressed {
            count.items += walk_compressed(compression, &body)?;
        }
        println!("{}", serde_json::to_string(&count)?);
        since = (Instant::now(), cpu_ns()?);
    }
    Ok(())
}

fn cpu_ns() -> Result<u64, Box<dyn Error>> {
    let (user, system) = process::cpu_ns()?;
    Ok(user + system)
}

fn walk_compressed(compression: Compression, body: &[u8]) -> Result<u64, Box<dyn Error>> {
    let mut reader: Box<dyn Read> = match compression {
        Compression::None => Box::new(body),
        Compression::Gzip => Box::new(flate2::read::GzDecoder::new(body)),
        Compression::Zstd => Box::new(zstd::Decoder::new(body)?),
    };
    let (mut walker, mut piece) = (Walker::default(), vec![0; 64 * 1024]);
    loop {
        let length = reader.read(&mut piece)?;
        let malformed = |Malformed| "a compressed body is no OTLP request";
        if length == 0 {
            return Ok(walker.finish().map_err(malformed)?);
        }
        walker.feed(&piece[..length]).map_err(malformed)?;
    }
}

async fn serve(listener: TcpListener, books: Arc<Mutex<Books>>, delay: Duration) {
    let server = auto::Builder::new(TokioExecutor::new());
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let (server, books) = (server.clone(), Arc::clone(&books));
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&books), delay));
            // A connection that breaks is the client's affair: what it did not send is not counted.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    books: Arc<Mutex<Books>>,
    delay: Duration,
) -> Result<Response<Answer>, Infallible> {
    let grpc = match (request.method(), request.uri().path()) {
        (&Method::POST, "/v1/traces" | "/v1/logs") => false,
        (
            &Method::POST,
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
            | "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        ) => true,
        _ => return Ok(http_answer(StatusCode::NOT_FOUND)),
    };
    let received = receive(request, grpc).await;
    let good = received.is_ok();
    if let Ok(received) = received {
        let mut books = books.lock().unwrap_or_else(PoisonError::into_inner);
        books.items += received.items;
        books.requests += 1;
        books.body_bytes += received.body_bytes;
        books.compressed.extend(received.compressed);
    }
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    Ok(match (grpc, good) {
        (true, _) => grpc_answer(if good { "0" } else { "3" }),
        (false, true) => http_answer(StatusCode::OK),
        (false, false) => http_answer(StatusCode::BAD_REQUEST),
    })
}

#[derive(Default)]
struct Received {
    items: u64,
    body_bytes: u64,
    compressed: Option<(Compression, Vec<u8>)>,
}

/// Reads a body to its end: plain ones are walked as they come, compressed ones kept.
async fn receive(request: Request<Incoming>, grpc: bool) -> Result<Received, Box<dyn Error + Send + Sync>> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::parse);
    let mut encoding = if grpc { None } else { header(CONTENT_ENCODING.as_str()).transpose()? };
    let grpc_encoding: Option<Compression> = header("grpc-encoding").and_then(Result::ok);
    // A gRPC message begins with a flag, whether it is compressed, and four bytes of length.
    let (mut head, mut head_length) = ([0u8; 5], if grpc { 0 } else { 5 });
    let (mut walker, mut kept, mut body_bytes) = (Walker::default(), Vec::new(), 0);

    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        body_bytes += data.len() as u64;
        let mut data = &data[..];
        if head_length < head.len() {
            let length = data.len().min(head.len() - head_length);
            head[head_length..head_length + length].copy_from_slice(&data[..length]);
            head_length += length;
            data = &data[length..];
            if head_length < head.len() {
                continue;
            }
            if head[0] == 1 {
                encoding = Some(grpc_encoding.ok_or("compressed, but not said how")?);
            }
        }
        match encoding {
            None | Some(Compression::None) => walker.feed(data).map_err(|Malformed| "no OTLP request")?,
            Some(_) => kept.extend_from_slice(data),
        }
    }
    let message_bytes = body_bytes - if grpc { 5.min(body_bytes) } else { 0 };
    if grpc
        && (head_length < 5
            || u64::from(u32::from_be_bytes([head[1], head[2], head[3], head[4]])) != message_bytes)
    {
        return Err("not one gRPC message".into());
    }
    let items = walker.finish().map_err(|Malformed| "no OTLP request")?;
    let compressed =
        encoding.filter(|&encoding| encoding != Compression::None).map(|encoding| (encoding, kept));
    Ok(Received { items, body_bytes, compressed })
}

/// Full success is an empty message, in which a partial success is not set.
fn http_answer(status: StatusCode) -> Response<Answer> {
    let mut response = Response::new(Answer::default());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    response
}

fn grpc_answer(status: &'static str) -> Response<Answer> {
    let trailers = HeaderMap::from_iter([(
        hyper::header::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static(status),
    )]);
    let mut response =
        Response::new(Answer { data: Some(Bytes::from_static(&[0; 5])), trailers: Some(trailers) });
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// The body of an answer.
#[derive(Default)]
struct Answer {
    data: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = self.data.take().map(Frame::data);
        Poll::Ready(data.or_else(|| self.trailers.take().map(Frame::trailers)).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.trailers.is_none()
    }
}
