//! A proxy's listener: accepting, refusing while keeping the port, accepting again.
//!
//! One task per proxy, driven by the proxy's handle. What becomes of a connection is in `connection`.

use super::connection;
use super::shared::Shared;
use crate::Error;
use crate::collector::bind;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Whether to listen, and where to say that it is so.
pub(super) struct Change {
    pub(super) listen: bool,
    pub(super) done: oneshot::Sender<Result<(), Error>>,
}

pub(super) enum Door {
    Open(TcpListener),
    /// Bound and not listening: connecting is refused, and nobody else is given the port.
    Shut(TcpSocket),
}

impl Door {
    pub(super) fn shut(address: SocketAddr) -> Result<Self, Error> {
        bind(address).map(Self::Shut).map_err(failed(address))
    }

    pub(super) fn open(self, address: SocketAddr) -> Result<Self, Error> {
        match self {
            Self::Shut(socket) => socket.listen(1024).map(Self::Open).map_err(failed(address)),
            open @ Self::Open(_) => Ok(open),
        }
    }

    pub(super) fn address(&self) -> std::io::Result<SocketAddr> {
        match self {
            Self::Open(listener) => listener.local_addr(),
            Self::Shut(socket) => socket.local_addr(),
        }
    }
}

pub(super) fn failed(address: SocketAddr) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::Listen { address: address.to_string(), source }
}

/// Accepts connections, and opens and shuts the door, until the proxy's handle is gone.
pub(super) async fn listen(
    shared: Arc<Shared>,
    address: SocketAddr,
    door: Door,
    mut changes: mpsc::Receiver<Change>,
) {
    let mut connections = JoinSet::new();
    let mut door = Some(door);
    loop {
        tokio::select! {
            biased;
            change = changes.recv() => {
                let Some(Change { listen, done }) = change else { break };
                let former = door.take();
                let changed = match former {
                    // Shut before the open one is gone, so that nobody is given the port in between.
                    Some(Door::Open(listener)) if !listen => {
                        let shut = Door::shut(address);
                        drop(listener);
                        // Elsewhere than on Unix a port is bound again only when it is free.
                        shut.or_else(|_| Door::shut(address))
                    }
                    Some(door) => Ok(door),
                    None => Door::shut(address),
                };
                let changed = changed.and_then(|door| if listen { door.open(address) } else { Ok(door) });
                let result = changed.map(|changed| door = Some(changed));
                // Nobody may be waiting any more.
                let _ = done.send(result);
            }
            Some(_) = connections.join_next() => {}
            accepted = accept(door.as_ref()) => {
                // A failed accept concerns one client, which is gone; the listener stays.
                let Ok((client, _)) = accepted else {
                    tokio::task::yield_now().await;
                    continue;
                };
                if client.set_nodelay(true).is_err() {
                    continue;
                }
                let (id, fault) = shared.next_connection();
                let orders = shared.orders.subscribe();
                shared.count(|tally| tally.opened += 1);
                connections.spawn(connection::serve(Arc::clone(&shared), id, fault, client, orders));
            }
        }
    }
}

async fn accept(door: Option<&Door>) -> std::io::Result<(tokio::net::TcpStream, SocketAddr)> {
    match door {
        Some(Door::Open(listener)) => listener.accept().await,
        _ => std::future::pending().await,
    }
}
