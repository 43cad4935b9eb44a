//! The listening side: accepts connections, serves each as a task of its own, and ends them in order.
//!
//! Used by `serve` and `tail`, on their runtime. What a request gets is decided in `grpc` and `http`.

use super::intake::Intake;
use super::{grpc, http};
use crate::exit::{Trouble, complain};
use clap::Args;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Connections at once; the next has to wait for its turn.
const CONNECTIONS: usize = 512;

/// Requests at once, whose bodies are in memory; the next is not read until one has been answered.
const REQUESTS: usize = 32;

/// How long a connection may be idle over HTTP/1.1, or take for the head of a request, or for its first request whatever it
/// speaks. Metrics come once a minute.
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
    /// Opens both, and warns where that is not this machine alone. Whoever connects from now on is served as soon as [`serve`](Self::serve) runs.
    pub(crate) async fn open(wanted: Addresses) -> Result<Self, Trouble> {
        let (grpc, grpc_at) = open(wanted.grpc, "--grpc").await?;
        let (http, http_at) = open(wanted.http, "--http").await?;
        for address in [grpc_at, http_at] {
            if !address.ip().is_loopback() {
                complain(&format_args!(
                    "warning: whoever reaches {address} can send, and nothing is encrypted"
                ));
            }
        }
        Ok(Self { grpc, http, addresses: Addresses { grpc: grpc_at, http: http_at } })
    }

    /// Serves until `end`; then nothing is accepted any more. What was begun is still answered, for as long as the caller
    /// waits for what this returns.
    pub(crate) async fn serve(self, intake: Arc<Intake>, end: impl Future<Output = ()>) -> GracefulShutdown {
        let graceful = GracefulShutdown::new();
        {
            let turns = Turns::default();
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

/// What bounds how much is done at once, and how long for nothing.
struct Turns {
    connections: Arc<Semaphore>,
    requests: Arc<Semaphore>,
    idle: Duration,
}

impl Default for Turns {
    fn default() -> Self {
        let [connections, requests] = [CONNECTIONS, REQUESTS].map(|most| Arc::new(Semaphore::new(most)));
        Self { connections, requests, idle: IDLE }
    }
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
        let accepted = listener.accept().await.and_then(|(stream, _)| Ok((stream.local_addr()?, stream)));
        let Ok((local, stream)) = accepted else {
            // A failed accept concerns one client, which is gone; or there are no more files, until one is closed.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        // Latency only; it works without.
        let _ = stream.set_nodelay(true);
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(turns.idle);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING);
        if role == Role::Grpc {
            builder = builder.http2_only();
        }
        let (intake, requests) = (Arc::clone(intake), Arc::clone(&turns.requests));
        let has_asked = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&has_asked);
        let service = service_fn(move |request| {
            asked.store(true, Ordering::Relaxed);
            let (intake, requests) = (Arc::clone(&intake), Arc::clone(&requests));
            async move {
                let _turn = requests.acquire().await;
                Ok::<_, Infallible>(match role {
                    Role::Grpc => grpc::answer(&intake, request).await,
                    Role::Http => http::answer(&intake, local, request).await,
                })
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let (connection, idle) = (graceful.watch(connection), turns.idle);
        tokio::spawn(async move {
            drive(connection, idle, &has_asked).await;
            drop(turn);
        });
    }
}

/// Serves a connection to its end; if nothing is asked within `idle`, only for so long. hyper itself waits for ever until it
/// knows which HTTP it is, and for the first words of HTTP/2.
async fn drive<C: Future>(connection: C, idle: Duration, has_asked: &AtomicBool) {
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::time::timeout(idle, connection.as_mut()).await;
    if ended.is_err() && has_asked.load(Ordering::Relaxed) {
        // An error is the client's: it has gone, or does not speak HTTP. The same above.
        let _ = connection.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::store::{Keep, Store};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    /// Nobody keeps a place by saying nothing, or half of what HTTP begins with.
    #[tokio::test]
    async fn a_connection_without_a_request_does_not_last() {
        let intake = Intake { store: Arc::new(Store::new(Keep::Items(1))), file: None, news: None };
        let (intake, graceful) = (Arc::new(intake), GracefulShutdown::new());
        let turns = Turns { idle: Duration::from_millis(20), ..Turns::default() };
        for (role, said) in [
            (Role::Grpc, ""),
            (Role::Grpc, "PRI * H"),
            (Role::Http, ""),
            (Role::Http, "PRI *"),
            (Role::Http, "POST"),
        ] {
            let (listener, address) = open((Ipv4Addr::LOCALHOST, 0).into(), "").await.unwrap();
            let client = async {
                let mut client = TcpStream::connect(address).await.unwrap();
                client.write_all(said.as_bytes()).await.unwrap();
                // It may be told why, or be cut off.
                let _ = client.read_to_end(&mut Vec::new()).await;
            };
            let patient = tokio::time::timeout(Duration::from_secs(60), client);
            tokio::select! {
                () = accept(&listener, role, &intake, &graceful, &turns) => unreachable!(),
                ended = patient => assert!(ended.is_ok(), "{role:?} {said:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_has_asked_is_served_to_its_end() {
        let mut has_ended = false;
        let connection = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            has_ended = true;
        };
        drive(connection, Duration::from_millis(1), &true.into()).await;
        assert!(has_ended);
    }

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
