//! The two tasks of a pool: the keeper, one for the pool, and one for each connection.
//!
//! The keeper opens what the core wants and looks again when something is due; it sleeps otherwise. Both tasks belong to
//! the runtime of the request that needed them first, and tell the pool when they go, even when that runtime ends.

use super::core::Id;
use super::link::{Driver, Link, Protocol};
use super::shared::Shared;
use crate::race::{First, race};
use crate::{BoxError, Connect, KeepAlive, Target};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;

/// A connector of a user's that takes longer has lost its way.
const LONGEST_OPENING: Duration = Duration::from_secs(120);

/// Opens connections and takes old ones out of use until the pool ends.
pub(super) async fn keep<C: Connect>(shared: Arc<Shared>, connector: C, target: Target, protocol: Protocol) {
    let keeper = Keeper(shared);
    while let Some(duty) = keeper.0.duty() {
        for _ in 0..duty.openings {
            tokio::spawn(connection(Opening::begin(&keeper.0), connector.clone(), target.clone(), protocol));
        }
        let changed = keeper.0.changed.notified();
        match duty.next {
            Some(at) => {
                race(changed, tokio::time::sleep_until(at.into())).await;
            }
            None => changed.await,
        }
    }
}

/// The life of a connection.
async fn connection<C: Connect>(opening: Opening, connector: C, target: Target, protocol: Protocol) {
    let shared = Arc::clone(&opening.shared);
    let pings = shared.keep_alive();
    let open = tokio::time::timeout(LONGEST_OPENING, open(connector, target, protocol, pings));
    let (open, driver) = match race(open, shared.ended()).await {
        First::Left(Ok(Ok((link, driver)))) => (opening.succeed(link), driver),
        First::Left(Ok(Err(error))) => return opening.fail(error),
        First::Left(Err(_elapsed)) => {
            let late = format!("the connector made no connection within {LONGEST_OPENING:?}");
            return opening.fail(io::Error::new(io::ErrorKind::TimedOut, late).into());
        }
        First::Right(()) => return,
    };
    driver.run(&shared, open.id).await;
}

async fn open<C: Connect>(
    connector: C,
    target: Target,
    protocol: Protocol,
    pings: Option<KeepAlive>,
) -> Result<(Arc<Link>, Driver), BoxError> {
    let connection = connector.oneshot(target).await.map_err(Into::into)?;
    protocol.start(connection, pings).await
}

/// Tells the pool that the keeper is gone.
struct Keeper(Arc<Shared>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.keeper_gone();
    }
}

/// A connection that is being opened. Dropped, it has failed.
struct Opening {
    shared: Arc<Shared>,
    done: bool,
}

impl Opening {
    fn begin(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), done: false }
    }

    fn succeed(mut self, link: Arc<Link>) -> Open {
        self.done = true;
        let id = self.shared.opened(link);
        Open { shared: Arc::clone(&self.shared), id }
    }

    fn fail(mut self, cause: BoxError) {
        self.done = true;
        self.shared.failed(cause);
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if !self.done {
            self.shared.failed("it was given up with the runtime or the pool that it belongs to".into());
        }
    }
}

/// A connection that is open. Dropped, it is closed.
struct Open {
    shared: Arc<Shared>,
    id: Id,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.closed(self.id);
    }
}
