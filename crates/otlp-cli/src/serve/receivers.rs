//! The listening side: accepts connections, serves each as a task of its own, and ends them in order.
//!
//! Used by `serve` and `tail`, on their runtime. What a request gets is decided in `grpc` and `http`.

use super::intake::Intake;
use super::{grpc, http};
use crate::exit::Trouble;
use clap::Args;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at once; the next has to wait for its turn.
const CONNECTIONS: usize = 512;

/// Requests at once, whose bodies are in memory; the next is not read until one has been answered.
const REQUESTS: usize = 32;

/// How long a connection may be idle over HTTP/1.1, or take for the head of a request. Metrics come once a minute.
const IDLE: Duration = Duration::from_secs(150);

/// How often a client over HTTP/2 is asked whether it is still there.
const PING: Duration = Duration::from_secs(60);

/// Where to listen.
#[derive(Args, Debug, Clone, Copy)]
#[command(next_help_heading = "Listening")]
pub(crate) struct Addresses {
    /// Where to listen for gRPC: an address, or a port of 127.0.0.1. Port 0: one that is free.
    #[arg(long, default_value = "127.0.0.1:4317", value_parser = address, value_name = "ADDRESS")]
    pub(crate) grpc: SocketAddr,

    /// Where to listen for HTTP.
    #[arg(long, default_value = "127.0.0.1:4318", value_parser = address, value_name = "ADDRESS")]
    pub(crate) http: SocketAddr,
}

/// Reads `127.0.0.1:4317`, `[::1]:4317`, `localhost:4317` or `4317`.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").unwrap_or(text);
    match port.parse::<u16>() {
        Ok(port) => Ok((Ipv4Addr::LOCALHOST, port).into()),
        Err(_) => text.parse().map_err(|_| "write it as 127.0.0.1:4317, [::1]:4317 or 4317".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Grpc,
    Http,
}

/// The two listeners, open.
#[derive(Debug)]
pub(crate) struct Receivers {
    grpc: TcpListener,
    http: TcpListener,
    /// Where they listen, with the ports they got.
    pub(crate) addresses: Addresses,
}

impl Receivers {
    /// Opens both. Whoever connects from now on is served as soon as [`serve`](Self::serve) runs.
    pub(crate) async fn open(wanted: Addresses) -> Result<Self, Trouble> {
        let (grpc, grpc_at) = open(wanted.grpc, "--grpc").await?;
        let (http, http_at) = open(wanted.http, "--http").await?;
        Ok(Self { grpc, http, addresses: Addresses { grpc: grpc_at, http: http_at } })
    }

    /// Serves until `end`; then nothing is accepted any more. What was begun is still answered, for as long as the caller
    /// waits for what this returns.
    pub(crate) async fn serve(self, intake: Arc<Intake>, end: impl Future<Output = ()>) -> GracefulShutdown {
        let graceful = GracefulShutdown::new();
        {
            let turns = Turns {
                connections: Arc::new(Semaphore::new(CONNECTIONS)),
                requests: Arc::new(Semaphore::new(REQUESTS)),
            };
            let grpc = accept(&self.grpc, Role::Grpc, &intake, &graceful, &turns);
            let http = accept(&self.http, Role::Http, &intake, &graceful, &turns);
            let both = std::pin::pin!(futures_util::future::join(grpc, http));
            futures_util::future::select(both, std::pin::pin!(end)).await;
        }
        graceful
    }
}

/// Listens at an address that an option gave, and says where that really is.
pub(super) async fn open(wanted: SocketAddr, option: &str) -> Result<(TcpListener, SocketAddr), Trouble> {
    let failed = |error: std::io::Error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!(
                    "; does another collector run? {option} takes another address, and port 0 any free port"
                )
            }
            _ => String::new(),
        };
        Trouble::Failed(format!("cannot listen on {wanted}: {error}{hint}"))
    };
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// What bounds how much is done at once.
struct Turns {
    connections: Arc<Semaphore>,
    requests: Arc<Semaphore>,
}

/// Accepts for ever.
async fn accept(
    listener: &TcpListener,
    role: Role,
    intake: &Arc<Intake>,
    graceful: &GracefulShutdown,
    turns: &Turns,
) {
    // The semaphores are never closed: the loop does not end by them.
    while let Ok(turn) = Arc::clone(&turns.connections).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // A failed accept concerns one client, which is gone; or there are no more files, until one is closed.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Latency only; it works without.
        let _ = stream.set_nodelay(true);
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING);
        if role == Role::Grpc {
            builder = builder.http2_only();
        }
        let (intake, requests) = (Arc::clone(intake), Arc::clone(&turns.requests));
        let service = service_fn(move |request| {
            let (intake, requests) = (Arc::clone(&intake), Arc::clone(&requests));
            async move {
                let _turn = requests.acquire().await;
                Ok::<_, Infallible>(match role {
                    Role::Grpc => grpc::answer(&intake, request).await,
                    Role::Http => http::answer(&intake, request).await,
                })
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // An error is the client's: it has gone, or does not speak HTTP.
            let _ = connection.await;
            drop(turn);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_loopback_unless_they_say_otherwise() {
        for text in ["127.0.0.1:4317", "localhost:4317", "4317"] {
            assert_eq!(address(text).unwrap(), (Ipv4Addr::LOCALHOST, 4317).into(), "{text}");
        }
        assert_eq!(address("0.0.0.0:0").unwrap().to_string(), "0.0.0.0:0");
        assert_eq!(address("[::1]:4317").unwrap().to_string(), "[::1]:4317");
        for text in ["", "host:4317", "127.0.0.1", "99999", "http://127.0.0.1:4317"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
