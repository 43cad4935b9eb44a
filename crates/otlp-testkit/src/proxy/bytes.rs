//! Carries the bytes of one connection between client and server, each direction as its [`Flow`] says.
//!
//! Called by a connection's task. Looks at no byte.

use super::connection::{Direction, Ended, both};
use super::fault::End;
use super::shared::Shared;
use crate::Flow;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

/// Carries bytes until both sides are done, one breaks, or a flow says so.
pub(super) async fn relay(
    shared: &Shared,
    id: u64,
    (to_server, to_client): (&Flow, &Flow),
    client: &mut TcpStream,
    server: &mut TcpStream,
) -> Ended {
    let (from_client, into_client) = client.split();
    let (from_server, into_server) = server.split();
    let up = pump(from_client, into_server, to_server, |bytes| shared.passed(id, Direction::ToServer, bytes));
    let down =
        pump(from_server, into_client, to_client, |bytes| shared.passed(id, Direction::ToClient, bytes));
    both(up, down).await
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    flow: &Flow,
    passed: impl Fn(usize),
) -> io::Result<Ended> {
    let mut left = flow.end.map_or(u64::MAX, |(bytes, _)| bytes);
    let (piece, every) = flow.pace.unwrap_or((64 * 1024, flow.delay));
    let mut buffer = vec![0; piece.min(64 * 1024)];
    loop {
        let room = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if room == 0 {
            return match flow.end {
                Some((_, End::Cut(how))) => Ok(Ended::Cut(how)),
                _ => std::future::pending().await,
            };
        }
        let Some(space) = buffer.get_mut(..room) else { return Ok(Ended::Broken) };
        let read = from.read(space).await?;
        if read == 0 {
            to.shutdown().await?;
            return Ok(Ended::Done);
        }
        let wait = every.max(flow.delay);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        to.write_all(space.get(..read).unwrap_or(&[])).await?;
        left -= read as u64;
        passed(read);
    }
}
