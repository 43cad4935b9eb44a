//! The way from the receivers to whoever prints: bounded, so that a terminal that stands still holds up nobody.
//!
//! Filled by the intake, emptied by the printer's thread. What finds no room is counted, and that is all.

use super::items::Batch;
use otlp_transport::GrpcCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};

/// Requests that may wait to be printed.
const ROOM: usize = 256;

/// The memory that they may take. One that is larger waits alone.
const ROOM_BYTES: usize = 16 << 20;

/// What is told of a request.
#[derive(Debug)]
pub(crate) enum Told {
    Received(Arc<Batch>),
    Refused { path: String, code: GrpcCode, reason: String },
}

/// What both ends know.
#[derive(Debug, Default)]
struct Shared {
    waiting_bytes: AtomicUsize,
    missed: AtomicU64,
}

/// The end that tells.
#[derive(Debug)]
pub(crate) struct News {
    sender: SyncSender<(Told, usize)>,
    shared: Arc<Shared>,
}

/// The end that hears.
#[derive(Debug)]
pub(crate) struct Heard {
    receiver: Receiver<(Told, usize)>,
    shared: Arc<Shared>,
}

pub(crate) fn channel() -> (News, Heard) {
    let (sender, receiver) = sync_channel(ROOM);
    let shared = Arc::new(Shared::default());
    (News { sender, shared: Arc::clone(&shared) }, Heard { receiver, shared })
}

impl News {
    /// Tells what takes `bytes`, if there is room.
    pub(crate) fn tell(&self, told: Told, bytes: usize) {
        let lines = match &told {
            Told::Received(batch) => batch.items(),
            Told::Refused { .. } => 1,
        };
        let before = self.shared.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = before == 0 || before.saturating_add(bytes) <= ROOM_BYTES;
        if !has_room || self.sender.try_send((told, bytes)).is_err() {
            self.shared.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.shared.missed.fetch_add(lines, Ordering::Relaxed);
        }
    }
}

impl Heard {
    /// The next; nothing when nobody tells any more. `idle` is called before it is waited for.
    pub(crate) fn next<E>(&self, idle: impl FnOnce() -> Result<(), E>) -> Result<Option<Told>, E> {
        let next = match self.receiver.try_recv() {
            Err(TryRecvError::Empty) => {
                idle()?;
                self.receiver.recv().ok()
            }
            next => next.ok(),
        };
        Ok(next.map(|(told, bytes)| {
            self.shared.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            told
        }))
    }

    /// How many lines were not told since the last call.
    pub(crate) fn missed(&self) -> u64 {
        self.shared.missed.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Told {
        Told::Refused { path: String::new(), code: GrpcCode::Internal, reason: String::new() }
    }

    fn next(heard: &Heard) -> Option<Told> {
        heard.next(|| Err("nothing is waiting")).unwrap()
    }

    #[test]
    fn what_nobody_hears_is_bounded_in_number_and_in_bytes_and_counted() {
        let (news, heard) = channel();
        for _ in 0..ROOM + 3 {
            news.tell(refused(), 1);
        }
        assert_eq!(heard.missed(), 3);
        (0..ROOM).for_each(|_| assert!(next(&heard).is_some()));
        assert!(heard.next(|| Err(())).is_err());

        // However large, the first has room.
        for bytes in [ROOM_BYTES + 1, 1, 1] {
            news.tell(refused(), bytes);
        }
        assert_eq!((heard.missed(), heard.missed()), (2, 0));
        assert!(next(&heard).is_some());
        news.tell(refused(), ROOM_BYTES - 1);
        news.tell(refused(), 1);
        news.tell(refused(), 1);
        assert_eq!(heard.missed(), 1);
        drop(news);
        assert!(next(&heard).is_some() && next(&heard).is_some() && next(&heard).is_none());
    }
}
