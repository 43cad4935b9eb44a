//! The receiver: a process that drains requests of any protocol and answers that all is well.

use crate::Failure;
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{BufRead, BufReader, Read};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

/// A running sink; it ends when this is dropped.
pub(crate) struct Process {
    pub(crate) port: u16,
    child: Child,
}

impl Process {
    /// Starts one that waits before it answers, on the second core where there is `taskset`.
    pub(crate) fn start(delay_ms: u64) -> Result<Self, Failure> {
        let program = std::env::current_exe()?;
        let mut pinned = Command::new("taskset");
        pinned.args(["-c", "1"]).arg(&program);
        let mut plain = Command::new(&program);
        let start = |command: &mut Command| {
            let delay = delay_ms.to_string();
            command.args(["sink", &delay]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
        };
        let mut child = start(&mut pinned).or_else(|_| start(&mut plain))?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self { port: line.trim().parse()?, child })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Serves until standard input ends; prints the port first.
pub(crate) fn run(delay: Duration) -> Result<(), Failure> {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tokio::spawn(serve(stream, delay));
        }
    })
}

async fn serve(mut stream: TcpStream, delay: Duration) -> Result<(), Failure> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    if first == *b"W" {
        let mut buffer = vec![0; 256 * 1024];
        while stream.read(&mut buffer).await? > 0 {}
        return Ok(());
    }
    let service = service_fn(move |request: Request<Incoming>| async move {
        let grpc = request.version() == hyper::Version::HTTP_2;
        let mut body = request.into_body();
        while let Some(frame) = body.frame().await {
            frame?;
        }
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        Ok::<_, hyper::Error>(if grpc { answer_grpc() } else { Response::new(Answer::default()) })
    });
    auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
}

fn answer_grpc() -> Response<Answer> {
    let mut trailers = hyper::HeaderMap::new();
    trailers.insert("grpc-status", hyper::header::HeaderValue::from_static("0"));
    let message = Frame::data(Bytes::from_static(&[0; 5]));
    let mut response = Response::new(Answer([message, Frame::trailers(trailers)].into()));
    let kind = hyper::header::HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, kind);
    response
}

/// The frames of an answer that are not sent yet.
#[derive(Default)]
struct Answer(VecDeque<Frame<Bytes>>);

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}
