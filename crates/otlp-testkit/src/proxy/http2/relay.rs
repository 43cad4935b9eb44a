//! Carries the frames of one HTTP/2 connection between client and server, as `state` says.
//!
//! Called by a connection's task. Decides nothing.

use super::frame::{Frame, PREFACE};
use super::state::{Action, State};
use super::{Goaway, Http2};

use crate::proxy::connection::{Direction, Ended, both};
use crate::proxy::shared::Shared;
use bytes::BytesMut;
use std::io;
use std::sync::{Mutex, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::WriteHalf;
use tokio::sync::mpsc;

struct Relay<'a> {
    shared: &'a Shared,
    id: u64,
    state: Mutex<State>,
    to_client: tokio::sync::Mutex<WriteHalf<'a>>,
    to_server: tokio::sync::Mutex<WriteHalf<'a>>,
}

/// Carries frames until both sides are done or one breaks.
pub(in crate::proxy) async fn relay(
    shared: &Shared,
    id: u64,
    plan: &Http2,
    client: &mut TcpStream,
    server: &mut TcpStream,
    goaways: &mut mpsc::UnboundedReceiver<Goaway>,
) -> Ended {
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let relay = Relay {
        shared,
        id,
        state: Mutex::new(State::new(plan.clone())),
        to_client: tokio::sync::Mutex::new(to_client),
        to_server: tokio::sync::Mutex::new(to_server),
    };
    let up = async {
        let mut from = BufReader::new(from_client);
        let mut preface = [0; PREFACE];
        from.read_exact(&mut preface).await?;
        relay.send(Direction::ToServer, &preface).await?;
        while let Some(frame) = Frame::read(&mut from).await? {
            let actions = relay.state().client_sent(frame);
            if let Some(ended) = relay.perform(actions).await? {
                return Ok(ended);
            }
        }
        relay.to_server.lock().await.shutdown().await?;
        Ok(Ended::Done)
    };
    let down = async {
        let mut from = BufReader::new(from_server);
        while let Some(frame) = Frame::read(&mut from).await? {
            let actions = relay.state().server_sent(frame);
            if let Some(ended) = relay.perform(actions).await? {
                return Ok(ended);
            }
        }
        relay.to_client.lock().await.shutdown().await?;
        Ok(Ended::Done)
    };
    let orders = async {
        while let Some(goaway) = goaways.recv().await {
            let actions = relay.state().goaway(&goaway);
            if let Some(ended) = relay.perform(actions).await? {
                return Ok::<_, io::Error>(ended);
            }
        }
        std::future::pending().await
    };
    tokio::select! {
        ended = both(up, down) => ended,
        ended = orders => ended.unwrap_or(Ended::Broken),
    }
}

impl Relay<'_> {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn perform(&self, actions: Vec<Action>) -> io::Result<Option<Ended>> {
        for action in actions {
            match action {
                Action::ToClient(frame) => self.frame(Direction::ToClient, &frame).await?,
                Action::ToServer(frame) => self.frame(Direction::ToServer, &frame).await?,
                Action::Count(event) => self.shared.count(|tally| tally.count(event)),
                Action::Endless(first, again) => {
                    self.frame(Direction::ToClient, &first).await?;
                    loop {
                        self.frame(Direction::ToClient, &again).await?;
                    }
                }
                Action::Close => return Ok(Some(Ended::Cut(crate::Cut::Fin))),
            }
        }
        Ok(None)
    }

    async fn frame(&self, direction: Direction, frame: &Frame) -> io::Result<()> {
        let mut bytes = BytesMut::new();
        frame.write(&mut bytes);
        self.send(direction, &bytes).await
    }

    async fn send(&self, direction: Direction, bytes: &[u8]) -> io::Result<()> {
        let to = match direction {
            Direction::ToClient => &self.to_client,
            Direction::ToServer => &self.to_server,
        };
        to.lock().await.write_all(bytes).await?;
        self.shared.passed(self.id, direction, bytes.len());
        Ok(())
    }
}
