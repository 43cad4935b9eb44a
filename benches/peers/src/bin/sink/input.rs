//! A socket that is read in large pieces, which are looked at where they lie. Knows nothing of protocols.

use std::io::{self, ErrorKind, Read};

/// What is read at once, at most: small enough to stay in a core's own cache.
const SIZE: usize = 128 * 1024;

/// The bytes of a socket.
pub(crate) struct Input<R> {
    stream: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<R: Read> Input<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream, buffer: vec![0; SIZE].into_boxed_slice(), start: 0, end: 0 }
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
        let read = self.stream.read(&mut self.buffer[self.end..])?;
        self.end += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes a few at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.1.min(buffer.len());
            self.0.take(length as u64).read(buffer).inspect(|&read| self.0 = &self.0[read..])
        }
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
