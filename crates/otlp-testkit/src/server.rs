//! The listening side: accepts connections and serves each as a task of its own that a fault can end at any moment.
//!
//! Started by the collector's life, one task per listener. What a request gets is decided in `exchange`, `grpc`, `http`.

mod answer;
mod body;
mod exchange;
mod grpc;
mod http;

use crate::Peer;
use crate::collector::{Phase, Role, Shared};
use answer::Answer;
use exchange::Connection;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;

pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), Peer::Tcp(address)))
            }
            Self::Unix(listener) => Ok((Stream::Unix(listener.accept().await?.0), Peer::Unix)),
        }
    }
}

/// Accepts until the phase changes, then waits for the connections as the phase asks.
pub(crate) async fn accept(shared: Arc<Shared>, period: u64, role: Role, listener: Listener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shared.ending() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                // A failed accept concerns one client, which is gone; the listener stays.
                let Ok((stream, peer)) = accepted else {
                    tokio::task::yield_now().await;
                    continue;
                };
                let id = shared.connections.fetch_add(1, Ordering::Relaxed) + 1;
                let connection = Arc::new(Connection::new(Arc::clone(&shared), period, id, peer));
                match stream {
                    Stream::Tcp(stream) => connections.spawn(serve_tcp(connection, role, stream)),
                    Stream::Unix(stream) => connections.spawn(serve(connection, role, stream)),
                };
            }
        }
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    tokio::select! {
        () = finished => {}
        () = shared.down() => {}
        () = tokio::time::sleep(shared.settings.grace) => {}
    }
    connections.shutdown().await;
}

/// Serves a TCP connection, over TLS if the collector speaks it.
async fn serve_tcp(connection: Arc<Connection>, role: Role, stream: TcpStream) {
    #[cfg(feature = "tls")]
    if let Some(tls) = connection.shared.tls() {
        let stream = tokio::select! {
            biased;
            () = connection.shared.ending() => None,
            stream = tls.accept(role, stream) => stream,
        };
        if let Some(stream) = stream {
            serve(connection, role, stream).await;
        }
        return;
    }
    serve(connection, role, stream).await;
}

/// Serves one connection until the client leaves, a fault closes it, or the collector goes down.
async fn serve<S>(connection: Arc<Connection>, role: Role, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let connection = Arc::clone(&connection);
        async move {
            let answer = match role {
                Role::Grpc => grpc::answer(connection, request).await,
                Role::Both if grpc::is_grpc(&request) => grpc::answer(connection, request).await,
                Role::Http | Role::Both => http::answer(connection, request).await,
            };
            match answer {
                Answer::Response(response) => Ok(response),
                // The call's own stream is reset, or its HTTP/1.1 connection closed.
                Answer::Reset(code) => Err(Unanswered(h2::Reason::from(code).into())),
            }
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    if role == Role::Grpc {
        builder = builder.http2_only();
    }
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // In this order: a connection that is to be dropped must not get to say another word.
    tokio::select! {
        biased;
        () = connection.closed() => return,
        () = connection.shared.ending() => {}
        _ = serving.as_mut() => return,
    }
    let phase = *connection.shared.phase.borrow();
    if phase == Phase::Stopping {
        serving.as_mut().graceful_shutdown();
        tokio::select! {
            biased;
            () = connection.closed() => {}
            () = connection.shared.down() => {}
            _ = serving => {}
        }
    }
}

/// Why a call got no answer; seen by nobody but hyper, which resets the stream with the code it finds in the source.
#[derive(Debug, thiserror::Error)]
#[error("the collector's script gives no answer")]
struct Unanswered(#[source] h2::Error);
