//! One connection through a proxy: dialling the server, its fault, the orders given meanwhile, and its end.
//!
//! Spawned by `listen` per accepted connection. How bytes or frames go is in `bytes` and `http2`.

use super::fault::Kind;
use super::shared::{Order, Shared};
use super::{bytes, http2};
use crate::{Cut, Fault, Goaway};
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{broadcast, mpsc};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    ToServer,
    ToClient,
}

/// How a connection, or one direction of it, came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The sender has said all.
    Done,
    /// A side failed: the other shall see a failure, too.
    Broken,
    /// A fault says so.
    Cut(Cut),
}

/// Runs both directions until each is done, or one ends in another way.
pub(super) async fn both(
    up: impl Future<Output = io::Result<Ended>>,
    down: impl Future<Output = io::Result<Ended>>,
) -> Ended {
    let (mut up, mut down) = (pin!(up), pin!(down));
    let first = tokio::select! {
        ended = up.as_mut() => (ended, true),
        ended = down.as_mut() => (ended, false),
    };
    let last = match first {
        (Ok(Ended::Done), true) => down.await,
        (Ok(Ended::Done), false) => up.await,
        (ended, _) => ended,
    };
    last.unwrap_or(Ended::Broken)
}

/// Closes the connection's count when its task ends, in whatever way.
struct Closing(Arc<Shared>, u64);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.count(|tally| tally.closed += 1);
        self.0.served(self.1);
    }
}

pub(super) async fn serve(
    shared: Arc<Shared>,
    id: u64,
    fault: Fault,
    mut client: TcpStream,
    mut orders: broadcast::Receiver<Order>,
) {
    let closing = Closing(Arc::clone(&shared), id);
    let (goaways, mut goaways_received) = mpsc::unbounded_channel();
    let ended = {
        let mut relay = pin!(run(&shared, id, &fault, &mut client, &mut goaways_received));
        let ordered = follow(&mut orders, &goaways);
        tokio::select! {
            biased;
            order = ordered => match order {
                Order::Cut(how) => Ended::Cut(how),
                // Neither reads nor closes any more, until it is cut; the relay keeps the sockets.
                _ => cut_at_last(&mut orders).await,
            },
            ended = relay.as_mut() => ended,
        }
    };
    if matches!(ended, Ended::Broken | Ended::Cut(Cut::Reset)) {
        let _ = client.set_zero_linger();
    }
    if ended == Ended::Cut(Cut::Fin) {
        let _ = client.shutdown().await;
        drop(closing);
        // A socket that is closed with bytes unread would say RST.
        discard(&mut client).await;
    }
}

/// Hands on what concerns frames, and returns at the first order that concerns the connection.
async fn follow(orders: &mut broadcast::Receiver<Order>, goaways: &mpsc::UnboundedSender<Goaway>) -> Order {
    loop {
        match orders.recv().await {
            Ok(Order::Goaway(goaway)) => drop(goaways.send(goaway)),
            Ok(order) => return order,
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

async fn cut_at_last(orders: &mut broadcast::Receiver<Order>) -> Ended {
    loop {
        match orders.recv().await {
            Ok(Order::Cut(how)) => return Ended::Cut(how),
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            _ => {}
        }
    }
}

async fn run(
    shared: &Shared,
    id: u64,
    fault: &Fault,
    client: &mut TcpStream,
    goaways: &mut mpsc::UnboundedReceiver<Goaway>,
) -> Ended {
    if fault.held {
        shared.wait_for_service_of(id + 1).await;
    }
    match &fault.kind {
        Kind::BlackHole => {
            discard(client).await;
            return Ended::Done;
        }
        Kind::Bytes { to_server, .. } if to_server.cuts_at_once().is_some() => {
            return to_server.cuts_at_once().map_or(Ended::Broken, Ended::Cut);
        }
        _ => {}
    }
    let server = TcpStream::connect(&shared.target).await.and_then(|server| {
        server.set_nodelay(true)?;
        Ok(server)
    });
    let Ok(mut server) = server else {
        shared.count(|tally| tally.unreachable += 1);
        return Ended::Cut(Cut::Reset);
    };
    let ended = match &fault.kind {
        Kind::Frames(plan) => http2::relay::relay(shared, id, plan, client, &mut server, goaways).await,
        Kind::Bytes { to_server, to_client } => {
            bytes::relay(shared, id, (to_server, to_client), client, &mut server).await
        }
        Kind::BlackHole => Ended::Done,
    };
    if matches!(ended, Ended::Broken | Ended::Cut(Cut::Reset)) {
        let _ = server.set_zero_linger();
    }
    ended
}

/// Reads until the other side is done.
async fn discard(from: &mut TcpStream) {
    let mut buffer = vec![0; 16 * 1024];
    while from.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
