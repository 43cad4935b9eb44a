//! The way from the receivers to whoever prints: bounded, so that a terminal that stands still holds up nobody.
//!
//! Filled by the intake, emptied by the printer's thread. What finds no room is counted, and that is all.

use super::items::Batch;
use otlp_transport::GrpcCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Requests that may wait to be printed.
const ROOM: usize = 256;

/// What is told of a request.
#[derive(Debug)]
pub(crate) enum Told {
    Received(Arc<Batch>),
    Refused { path: String, code: GrpcCode, reason: String },
}

/// The end that tells.
#[derive(Debug)]
pub(crate) struct News {
    sender: SyncSender<Told>,
    missed: Arc<AtomicU64>,
}

/// The end that hears.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) receiver: Receiver<Told>,
    missed: Arc<AtomicU64>,
}

pub(crate) fn channel() -> (News, Heard) {
    let (sender, receiver) = sync_channel(ROOM);
    let missed = Arc::new(AtomicU64::new(0));
    (News { sender, missed: Arc::clone(&missed) }, Heard { receiver, missed })
}

impl News {
    /// Tells, if there is room.
    pub(crate) fn tell(&self, told: Told) {
        let items = match &told {
            Told::Received(batch) => batch.items(),
            Told::Refused { .. } => 1,
        };
        if self.sender.try_send(told).is_err() {
            self.missed.fetch_add(items, Ordering::Relaxed);
        }
    }
}

impl Heard {
    /// How many lines were not told since the last call.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.swap(0, Ordering::Relaxed)
    }
}
