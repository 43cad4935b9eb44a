//! One call in the making: what the protocol side knows of it, its recording, and the faults that are the same for
//! both protocols.
//!
//! Made by `grpc` and `http` per request. Never looks into the payload.

use crate::collector::Shared;
use crate::reply::Kind;
use crate::{Attempt, Call, Malformed, Payload, Peer, Protocol};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use otlp_model::{Encoding, Format};
use std::sync::Arc;
use std::sync::OnceLock;
use tokio::sync::Notify;

/// One client's connection.
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    period: u64,
    id: u64,
    peer: Peer,
    close: Notify,
}

impl Connection {
    pub(crate) fn new(shared: Arc<Shared>, period: u64, id: u64, peer: Peer) -> Self {
        Self { shared, period, id, peer, close: Notify::new() }
    }

    /// Resolves when a fault closes the connection.
    pub(crate) async fn closed(&self) {
        self.close.notified().await;
    }

    /// Closes the connection; the caller never goes on.
    pub(crate) async fn close(&self) {
        self.close.notify_one();
        std::future::pending().await
    }

    pub(crate) fn malformed(&self, protocol: Protocol, parts: &Parts, status: StatusCode, reason: &str) {
        self.shared.journal.record_malformed(Malformed {
            protocol,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            headers: parts.headers.clone(),
            status,
            reason: reason.to_owned(),
        });
    }
}

/// What is known of a call besides its payload.
pub(crate) struct Arrival {
    pub(crate) protocol: Protocol,
    pub(crate) format: Format,
    pub(crate) encoding: Encoding,
    pub(crate) headers: HeaderMap,
    pub(crate) wire_bytes: u64,
}

/// A call's way from its decoding to its answer.
pub(crate) struct Exchange {
    pub(crate) connection: Arc<Connection>,
    outcome: OnceLock<Option<Arc<Attempt>>>,
}

impl Exchange {
    pub(crate) fn new(connection: Arc<Connection>) -> Self {
        Self { connection, outcome: OnceLock::new() }
    }

    /// Records the call, learns its reply, and waits as long as that says; `None` when the collector is down.
    pub(crate) async fn arrive(&self, arrival: Arrival, payload: Payload) -> Option<Arc<Attempt>> {
        let Arrival { protocol, format, encoding, headers, wire_bytes } = arrival;
        let call = Call {
            number: 0,
            number_of_signal: 0,
            signal: payload.signal(),
            protocol,
            format,
            encoding,
            headers,
            peer: self.connection.peer,
            connection: self.connection.id,
            wire_bytes,
            items: payload.items(),
            payload,
        };
        let attempt = self.connection.shared.journal.arrive(self.connection.period, call);
        let attempt = self.outcome.get_or_init(|| attempt).clone()?;
        if !attempt.reply.delay.is_zero() {
            tokio::time::sleep(attempt.reply.delay).await;
        }
        match attempt.reply.kind {
            Kind::Hang => self.connection.shared.ending().await,
            Kind::Close => self.connection.close().await,
            _ => {}
        }
        Some(attempt)
    }

    /// What [`arrive`](Self::arrive) came to: nothing when the call never got that far, `Some(None)` when the collector
    /// was down.
    pub(crate) fn outcome(&self) -> Option<Option<Arc<Attempt>>> {
        self.outcome.get().cloned()
    }
}
