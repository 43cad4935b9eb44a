//! A socket that is read in large pieces, which are looked at where they lie. Knows nothing of protocols.
//!
//! Where much more is to come than has come, it waits for a buffer's worth.

use crate::source::Source;
use std::io::{self, ErrorKind};
/// What is read at once, at most: small enough to stay in a core's own cache.
pub(crate) const SIZE: usize = 512 * 1024;

/// Less than this is not worth to be waited for.
const LEAST_WAIT: usize = 32 * 1024;

/// The bytes of a socket.
pub(crate) struct Input<R> {
    stream: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes that are still to come.
    promised: usize,
    /// How many bytes make the source readable.
    least: usize,
}

impl<R: Source> Input<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream, buffer: vec![0; SIZE].into_boxed_slice(), start: 0, end: 0, promised: 0, least: 1 }
    }

    /// So many bytes more will come, beside those that have been shown, whatever else does.
    pub(crate) fn promise(&mut self, bytes: usize) {
        self.promised = bytes.saturating_sub(self.end - self.start);
    }

    /// All that has been read and not been taken; at least `length` bytes of it, which must not exceed the buffer, or
    /// fewer at the end of the stream.
    pub(crate) fn at_least(&mut self, length: usize) -> io::Result<&[u8]> {
        while self.end - self.start < length && self.read()? > 0 {}
        Ok(&self.buffer[self.start..self.end])
    }

    /// More than what [`at_least`](Self::at_least) has shown; as much when the stream has ended, or the buffer is full.
    pub(crate) fn more(&mut self) -> io::Result<&[u8]> {
        self.read()?;
        Ok(&self.buffer[self.start..self.end])
    }

    /// Passes over bytes that were shown.
    pub(crate) fn pass(&mut self, length: usize) {
        self.start = self.end.min(self.start + length);
    }

    /// The next bytes, so many; `None` when the stream ends here.
    pub(crate) fn take(&mut self, length: usize) -> io::Result<Option<Vec<u8>>> {
        let shown = self.at_least(length)?;
        let Some(taken) = shown.get(..length).map(<[u8]>::to_vec) else {
            return if shown.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
        };
        self.pass(length);
        Ok(Some(taken))
    }

    /// Hands the next `length` bytes on, in the pieces in which they come.
    pub(crate) fn pieces(&mut self, mut length: usize, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        while length > 0 {
            self.promised = self.promised.max(length.saturating_sub(self.end - self.start));
            let shown = self.at_least(1)?;
            let piece = &shown[..shown.len().min(length)];
            if piece.is_empty() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            each(piece);
            let passed = piece.len();
            length -= passed;
            self.pass(passed);
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let room = &mut self.buffer[self.end..];
        let least = if self.promised < LEAST_WAIT { 1 } else { self.promised.min(room.len()) };
        if least != self.least {
            self.stream.set_least(least)?;
            self.least = least;
        }
        if least > 1 {
            self.stream.wait()?;
        }
        let read = self.stream.read(room)?;
        self.promised = self.promised.saturating_sub(read);
        self.end += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// Gives its bytes a few at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Source for Trickle<'_> {}

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(buffer.len());
            self.0.take(length as u64).read(buffer).inspect(|&read| self.0 = &self.0[read..])
        }
    }

    /// Notes what it was asked to wait for.
    struct Asked(io::Repeat, Vec<usize>);

    impl Read for Asked {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Source for Asked {
        fn set_least(&mut self, bytes: usize) -> io::Result<()> {
            self.1.push(bytes);
            Ok(())
        }
    }

    /// More than that may never come.
    #[test]
    fn no_more_is_waited_for_than_was_promised() {
        let mut input = Input::new(Asked(io::repeat(1), Vec::new()));
        input.take(9).unwrap();
        input.pass(SIZE);
        assert!(input.stream.1.is_empty());
        input.promise(SIZE + LEAST_WAIT);
        for _ in 0..3 {
            input.at_least(1).unwrap();
            input.pass(SIZE);
        }
        assert_eq!(input.stream.1, [SIZE, LEAST_WAIT, 1]);
    }

    #[test]
    fn bytes_come_once_and_in_order_however_they_are_read() {
        let bytes: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
        for step in [1000, 4096, 100_000, 1 << 20] {
            let mut input = Input::new(Trickle(&bytes, step));
            let mut seen = input.take(9).unwrap().unwrap();
            seen.extend(input.take(70_000).unwrap().unwrap());
            input.pieces(200_000, |piece| seen.extend_from_slice(piece)).unwrap();
            seen.extend(input.take(29_000).unwrap().unwrap());
            assert!(input.at_least(2000).unwrap().len() < 2000);
            seen.extend(input.take(991).unwrap().unwrap());
            assert!(seen == bytes, "{step}");
            assert_eq!(input.take(1).unwrap(), None);
            assert!(input.pieces(1, |_| {}).is_err());
        }
    }
}
