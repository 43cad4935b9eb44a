//! The writing side of a connection, with the window that the client grants.

use super::answer::Answer;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Writes frames, and answers as far as the client has room for their data.
pub(super) struct Output<W> {
    stream: W,
    window: u64,
    waiting: VecDeque<Answer>,
}

impl<W: Write> Output<W> {
    pub(super) fn new(stream: W) -> Self {
        Self { stream, window: super::FIRST_WINDOW.into(), waiting: VecDeque::new() }
    }

    /// Writes frames that need no window.
    pub(super) fn write(&mut self, frames: &[u8]) -> io::Result<()> {
        self.stream.write_all(frames)
    }

    /// Writes an answer, or keeps it until there is room.
    pub(super) fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        self.waiting.push_back(answer.clone());
        self.write_waiting()
    }

    /// The client has so much more room.
    pub(super) fn widen(&mut self, by: u32) -> io::Result<()> {
        self.window += u64::from(by);
        self.write_waiting()
    }

    fn write_waiting(&mut self) -> io::Result<()> {
        while let Some(next) = self.waiting.front()
            && next.data() <= self.window
        {
            self.window -= next.data();
            self.stream.write_all(&next.frames())?;
            self.waiting.pop_front();
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn stream(&self) -> &W {
        &self.stream
    }
}

/// The bytes of a frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = (payload.len() as u32).to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

pub(super) fn lock<W>(output: &Mutex<Output<W>>) -> MutexGuard<'_, Output<W>> {
    output.lock().unwrap_or_else(PoisonError::into_inner)
}
