//! What is in force now: read from the files, and read again for each connection.
//!
//! Shared by the services of a layer. Compares contents, not times of change: those lie on some file systems, and a
//! rotation may keep them. Never fails once built: without new ones that are good, the old ones stay.

use super::Pem;
use super::config_error::{Field, TlsConfigError};
use super::rustls_config::{self, Material, Trust};
use crate::Alpn;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was asked for.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) alpn: Alpn,
    pub(super) trust: Trust,
    pub(super) identity: Option<(Pem, Pem)>,
    pub(super) server_name: Option<ServerName<'static>>,
}

/// How the files of a [`TlsLayer`](super::TlsLayer) fare.
///
/// ```no_run
/// # use otlp_transport::{Alpn, Pem, TlsLayer};
/// let tls = TlsLayer::builder(Alpn::H2).ca(Pem::file("/etc/otlp/ca.pem")).build()?;
/// let status = tls.status();
/// assert_eq!((status.reloads, status.problem), (0, None));
/// # Ok::<(), otlp_transport::TlsConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TlsStatus {
    /// How often changed files were taken into use since the layer was built.
    pub reloads: u64,
    /// Why the files, as the last connection found them, are not the ones in use.
    pub problem: Option<TlsConfigError>,
}

#[derive(Debug)]
pub(super) struct Live {
    plan: Plan,
    hasher: RandomState,
    /// Held while the files are read, one after the other, so that what is read last is taken last. Apart from the state:
    /// a file system that hangs must not hold up who asks how things are.
    reading: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    config: Arc<ClientConfig>,
    /// Of the contents that `config` is made from. A hash, so that the key is not kept twice.
    taken: u64,
    /// Of contents that were judged to be no good, to be judged once only.
    refused: Option<u64>,
    status: TlsStatus,
}

impl Live {
    pub(super) fn new(plan: Plan) -> Result<Self, TlsConfigError> {
        let hasher = RandomState::new();
        let material = plan.read()?;
        let state = State {
            config: Arc::new(rustls_config::build(&plan, &material)?),
            taken: hasher.hash_one(&material),
            refused: None,
            status: TlsStatus::default(),
        };
        Ok(Self { plan, hasher, reading: Mutex::default(), state: Mutex::new(state) })
    }

    pub(super) fn alpn(&self) -> Alpn {
        self.plan.alpn
    }

    pub(super) fn has_identity(&self) -> bool {
        self.plan.identity.is_some()
    }

    pub(super) fn server_name(&self) -> Option<ServerName<'static>> {
        self.plan.server_name.clone()
    }

    pub(super) fn status(&self) -> TlsStatus {
        self.state().status.clone()
    }

    /// The configuration for a new connection, and what is wrong with the files if it is not made from them.
    pub(super) fn current(&self) -> (Arc<ClientConfig>, Option<TlsConfigError>) {
        if self.plan.has_files() {
            self.refresh(|| self.plan.read());
        }
        let state = self.state();
        (Arc::clone(&state.config), state.status.problem.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refresh(&self, read: impl FnOnce() -> Result<Material, TlsConfigError>) {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let material = match read() {
            Ok(material) => material,
            Err(problem) => {
                let mut state = self.state();
                state.refused = None;
                state.status.problem = Some(problem);
                return;
            }
        };
        let found = self.hasher.hash_one(&material);
        {
            let mut state = self.state();
            if found == state.taken {
                state.refused = None;
                state.status.problem = None;
                return;
            }
            if state.refused == Some(found) {
                return;
            }
        }
        let built = rustls_config::build(&self.plan, &material);
        let mut state = self.state();
        match built {
            Ok(config) => {
                let reloads = state.status.reloads + 1;
                *state = State {
                    config: Arc::new(config),
                    taken: found,
                    refused: None,
                    status: TlsStatus { reloads, problem: None },
                };
            }
            Err(problem) => {
                state.refused = Some(found);
                state.status.problem = Some(problem);
            }
        }
    }
}

impl Plan {
    fn read(&self) -> Result<Material, TlsConfigError> {
        let (cert, key) = self.identity.as_ref().map_or((None, None), |(cert, key)| (Some(cert), Some(key)));
        Ok(Material {
            ca: self.trust.ca().map(|ca| ca.read(Field::Ca)).transpose()?,
            cert: cert.map(|cert| cert.read(Field::Cert)).transpose()?,
            key: key.map(|key| key.read(Field::Key)).transpose()?,
        })
    }

    fn has_files(&self) -> bool {
        let identity = self.identity.iter().flat_map(|(cert, key)| [cert, key]);
        self.trust.ca().into_iter().chain(identity).any(|pem| pem.path().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn files_that_hang_hold_up_nobody_who_asks_for_the_status() {
        let plan = Plan { alpn: Alpn::H2, trust: Trust::Anyone, identity: None, server_name: None };
        let live = &Live::new(plan).unwrap();
        thread::scope(|scope| {
            live.refresh(|| {
                let (tell, told) = mpsc::channel();
                scope.spawn(move || tell.send(live.status()));
                let status =
                    told.recv_timeout(Duration::from_secs(60)).expect("an answer while files are read");
                assert_eq!(status, TlsStatus::default());
                live.plan.read()
            });
        });
    }
}
