//! Choosing a proxy's target and script, and starting it.
//!
//! Used once per proxy. Never opens anything before `start`.

use super::listen::{self, Door};
use super::shared::Shared;
use crate::home::{self, Home};
use crate::{Error, FaultProxy, FaultScript};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Chooses what a [`FaultProxy`] does. Made by [`FaultProxy::to`].
///
/// ```
/// # fn main() -> Result<(), otlp_testkit::Error> {
/// use otlp_testkit::{Fault, FaultProxy};
/// let proxy = FaultProxy::to("127.0.0.1:4317").script(Fault::black_hole()).start_blocking()?;
/// assert!(proxy.endpoint().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing listens before start"]
pub struct FaultProxyBuilder {
    target: String,
    script: FaultScript,
    refusing: bool,
}

impl FaultProxyBuilder {
    pub(super) fn new(target: &str) -> Self {
        let authority = target.split_once("://").map_or(target, |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or(authority);
        Self { target: authority.to_owned(), script: FaultScript::new(), refusing: false }
    }

    /// The script, or one fault for every connection. Default: everything passes.
    pub fn script(mut self, script: impl Into<FaultScript>) -> Self {
        self.script = script.into();
        self
    }

    /// Starts with the listener closed, as after [`FaultProxy::refuse`].
    pub fn refusing(mut self) -> Self {
        self.refusing = true;
        self
    }

    /// Listens, on the tokio runtime around the call (it needs I/O and time enabled).
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when there is no port to be had; [`Error::NoRuntime`] outside tokio.
    pub async fn start(self) -> Result<FaultProxy, Error> {
        self.start_at(Home::here()?).await
    }

    /// Listens, on a thread and runtime of the proxy's own: for tests that have no runtime, and for those that block
    /// their only thread while the proxy must pass bytes on.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when there is no port to be had; [`Error::Thread`] when there is no thread to be had.
    pub fn start_blocking(self) -> Result<FaultProxy, Error> {
        let home = Home::own_thread()?;
        let handle = home.handle();
        home::wait(&handle, self.start_at(home))?
    }

    async fn start_at(self, home: Home) -> Result<FaultProxy, Error> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut door = Door::shut(any)?;
        let address = door.address().map_err(listen::failed(any))?;
        if !self.refusing {
            door = door.open(address)?;
        }
        let shared = Arc::new(Shared::new(self.target, self.script));
        let (changes, ordered) = mpsc::channel(1);
        tokio::spawn(listen::listen(Arc::clone(&shared), address, door, ordered));
        Ok(FaultProxy { shared, address, changes, home })
    }
}
