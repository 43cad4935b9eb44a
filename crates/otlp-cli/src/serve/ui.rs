//! `--ui`: a page that shows what was received, and the JSON it is made of, over HTTP/1.1.
//!
//! Started by `serve` beside the receivers. The page is embedded in the binary and loads nothing from elsewhere. Telemetry is
//! nobody else's business: a request whose `Host` is not this machine or the address that was bound is refused, lest a web
//! site reads it by a name of its own that resolves to here (DNS rebinding); no other origin is allowed to read answers.
//! Never changes the store.

mod answers;
mod buckets;
mod page;
mod query;
mod routes;

use super::store::Store;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Where the page is when nothing else is said: beside the ports of OTLP.
pub(crate) const DEFAULT: &str = "127.0.0.1:4319";

/// Connections at once. A browser opens six.
const CONNECTIONS: usize = 64;
/// Answers that are made at once: each may be larger than all that is kept.
const ANSWERS: usize = 4;
/// For the head of a request, and between two of a connection.
const PATIENCE: Duration = Duration::from_secs(60);
/// Before accepting again after an error, which is usually that there are no more file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves the page until it is dropped. A connection that fails ends alone.
pub(crate) async fn serve(listener: TcpListener, store: Arc<Store>) -> Infallible {
    let [room, turns] = [CONNECTIONS, ANSWERS].map(|most| Arc::new(Semaphore::new(most)));
    loop {
        // The semaphores are never closed.
        let place = Arc::clone(&room).acquire_owned().await;
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (store, turns) = (Arc::clone(&store), Arc::clone(&turns));
        tokio::spawn(async move {
            connection(stream, store, turns).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, store: Arc<Store>, turns: Arc<Semaphore>) {
    // The address that was really bound, also where the listener takes those of all interfaces.
    let Ok(local) = stream.local_addr() else { return };
    let service = service_fn(move |request| answer(request, local, Arc::clone(&store), Arc::clone(&turns)));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A browser that goes away: nobody to tell.
    drop(served);
}

async fn answer(
    request: Request<Incoming>,
    local: SocketAddr,
    store: Arc<Store>,
    turns: Arc<Semaphore>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, _) = request.into_parts();
    // A search looks at all there is: not on the thread of the receivers.
    let turn = turns.acquire_owned().await;
    let answered = tokio::task::spawn_blocking(move || {
        // With the work, which goes on when the browser has gone away.
        let _turn = turn;
        routes::answer(&head, local, &store)
    })
    .await;
    Ok(answered.unwrap_or_else(|_| routes::failed()))
}
