//! A collector's listeners and phases: opening, ending, keeping the ports in between.
//!
//! Driven by the collector's handle, one change at a time, on the collector's runtime. Never sees a request.

use crate::Error;
use crate::journal::Journal;
use crate::server::{Listener, accept};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::net::{TcpSocket, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Grpc,
    Http,
    Both,
}

#[derive(Debug, Clone)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A listener to be: what it serves and where.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) role: Role,
    pub(crate) place: Place,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) grpc_limit: usize,
    pub(crate) http_limit: usize,
    pub(crate) grace: Duration,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::ServerTls>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing listens, no connection lives.
    Down,
    Serving,
    /// Nothing listens, connections finish what they have begun.
    Stopping,
}

/// What the handle, the listeners and the connections share.
pub(crate) struct Shared {
    pub(crate) journal: Journal,
    pub(crate) settings: Settings,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) connections: AtomicU64,
    #[cfg(feature = "tls")]
    tls: std::sync::Mutex<Option<crate::ServerTls>>,
}

impl Shared {
    pub(crate) fn new(journal: Journal, settings: Settings) -> Self {
        Self {
            journal,
            #[cfg(feature = "tls")]
            tls: std::sync::Mutex::new(settings.tls.clone()),
            settings,
            phase: watch::Sender::new(Phase::Down),
            connections: AtomicU64::new(0),
        }
    }

    /// What a new connection is to speak; `None`: clear text.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(&self) -> Option<crate::ServerTls> {
        self.tls.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    #[cfg(feature = "tls")]
    pub(crate) fn set_tls(&self, tls: Option<crate::ServerTls>) {
        *self.tls.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = tls;
    }

    /// Resolves when the collector no longer serves.
    pub(crate) async fn ending(&self) {
        // An error means that the sender is gone, which outlives every caller.
        let _ = self.phase.subscribe().wait_for(|phase| *phase != Phase::Serving).await;
    }

    /// Resolves when connections must be dropped.
    pub(crate) async fn down(&self) {
        let _ = self.phase.subscribe().wait_for(|phase| *phase == Phase::Down).await;
    }

    /// From now on nothing is recorded, and every connection is on its way out.
    pub(crate) fn go_down(&self) {
        self.journal.set_period(None);
        self.phase.send_replace(Phase::Down);
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Stop,
    Kill,
    Restart,
}

pub(crate) struct Life {
    shared: Arc<Shared>,
    sites: Vec<Site>,
    listeners: Vec<JoinHandle<()>>,
    /// Bound and not listening: connecting is refused, and nobody else is given the port.
    reserved: Vec<(SocketAddr, TcpSocket)>,
    period: u64,
}

impl Life {
    pub(crate) fn new(shared: Arc<Shared>, sites: Vec<Site>) -> Self {
        Self { shared, sites, listeners: Vec::new(), reserved: Vec::new(), period: 0 }
    }

    /// The sites, with the ports they got once served.
    pub(crate) fn sites(&self) -> &[Site] {
        &self.sites
    }

    pub(crate) async fn apply(&mut self, change: Change) -> Result<(), Error> {
        match change {
            Change::Stop => self.end(Phase::Stopping).await,
            Change::Kill => self.end(Phase::Down).await,
            Change::Restart => {
                self.end(Phase::Down).await?;
                self.serve()
            }
        }
    }

    /// Opens all listeners, or none.
    pub(crate) fn serve(&mut self) -> Result<(), Error> {
        let again = self.period > 0;
        let mut opened = Vec::new();
        for site in &mut self.sites {
            let failed = |source| Error::Listen { address: site.place.to_string(), source };
            let listener = match &site.place {
                Place::Tcp(address) => {
                    let kept = self.reserved.iter().position(|(kept, _)| kept == address);
                    let socket = match kept {
                        Some(kept) => Ok(self.reserved.swap_remove(kept).1),
                        None => bind(*address),
                    };
                    Listener::Tcp(socket.and_then(|socket| socket.listen(1024)).map_err(failed)?)
                }
                Place::Unix(path) => {
                    if again {
                        site.remove_socket_file();
                    }
                    Listener::Unix(UnixListener::bind(path).map_err(failed)?)
                }
            };
            if let Listener::Tcp(listener) = &listener {
                site.place = Place::Tcp(listener.local_addr().map_err(failed)?);
            }
            opened.push((site.role, listener));
        }
        self.period += 1;
        self.shared.journal.set_period(Some(self.period));
        self.shared.phase.send_replace(Phase::Serving);
        for (role, listener) in opened {
            self.listeners.push(tokio::spawn(accept(Arc::clone(&self.shared), self.period, role, listener)));
        }
        Ok(())
    }

    /// Ends the service in force, returning when every connection is gone.
    async fn end(&mut self, phase: Phase) -> Result<(), Error> {
        if self.listeners.is_empty() {
            return Ok(());
        }
        if phase == Phase::Stopping {
            self.shared.phase.send_replace(phase);
        } else {
            self.shared.go_down();
        }
        // Before the listeners are gone, so that nobody is given the ports in between.
        let reserved = self.reserve();
        for listener in self.listeners.drain(..) {
            // An error is a panic of the task, reported there; it is gone all the same.
            let _ = listener.await;
        }
        self.shared.go_down();
        // A crash leaves its socket file behind; so does a kill.
        if phase == Phase::Stopping {
            self.sites.iter().for_each(Site::remove_socket_file);
        }
        self.reserved = match reserved {
            // Elsewhere than on Unix a port is bound again only when it is free.
            Err(_) => self.reserve()?,
            Ok(reserved) => reserved,
        };
        Ok(())
    }

    fn reserve(&self) -> Result<Vec<(SocketAddr, TcpSocket)>, Error> {
        let addresses = self.sites.iter().filter_map(|site| match site.place {
            Place::Tcp(address) => Some(address),
            Place::Unix(_) => None,
        });
        let reserve = |address: SocketAddr| {
            let failed = |source| Error::Listen { address: address.to_string(), source };
            Ok((address, bind(address).map_err(failed)?))
        };
        addresses.map(reserve).collect()
    }
}

/// A socket bound to `address`. SO_REUSEADDR lets it have the port of connections that have just been closed, and SO_REUSEPORT
/// that of another which was made here and still listens. Whoever asks for any port is given neither.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_is_reserved_while_another_listens_who_goes_on_to_get_the_connections() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let serving = bind(any).unwrap().listen(8).unwrap();
        let address = serving.local_addr().unwrap();
        let reserved = bind(address).unwrap();
        for _ in 0..8 {
            let (connected, accepted) =
                tokio::join!(tokio::net::TcpStream::connect(address), serving.accept());
            assert_eq!(connected.unwrap().local_addr().unwrap(), accepted.unwrap().1);
        }
        drop(serving);
        let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(reserved.listen(8).unwrap().local_addr().unwrap(), address);
    }
}

impl Site {
    pub(crate) fn remove_socket_file(&self) {
        if let Place::Unix(path) = &self.place {
            // It may be gone already, which is what is wanted.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}
