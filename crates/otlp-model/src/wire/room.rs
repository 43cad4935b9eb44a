//! A live record's buffer: the memory behind its end is initialised ahead.
//!
//! So a short entry is written in place, at constant offsets and with one check, and what it did not need is simply not
//! counted: a `Vec` would have to be lengthened with zeroes and cut again. Used by the writers of live records. Knows
//! nothing of what is written; everything that is not short goes through [`append`](Buffer::append).

/// How much is initialised beyond the end by whatever goes the long way, so that the next entries need not.
const SPARE: usize = 512;

/// Bytes, and room for more.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    /// The content, and behind it bytes of no meaning.
    bytes: Vec<u8>,
    len: usize,
}

impl Buffer {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    #[inline]
    pub(super) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }

    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Shortens the content.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Forgets everything, and gives memory above `max` bytes back.
    pub(super) fn shrink_to(&mut self, max: usize) {
        self.len = 0;
        self.bytes.clear();
        self.bytes.shrink_to(max);
    }

    /// The `N` bytes behind the end, if they are there: to be filled, and [`advance`](Self::advance)d over.
    #[inline(always)]
    pub(super) fn room<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        self.bytes.get_mut(self.len..)?.first_chunk_mut()
    }

    /// The same for a number of bytes that is not known ahead.
    #[inline(always)]
    pub(super) fn room_of(&mut self, len: usize) -> Option<&mut [u8]> {
        self.bytes.get_mut(self.len..self.len + len)
    }

    /// Takes so many bytes of the room last asked for to the content.
    #[inline(always)]
    pub(super) fn advance(&mut self, by: usize) {
        self.len += by;
    }

    /// Has `write` append to the content, and makes room behind it.
    #[inline(never)]
    pub(super) fn append<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.bytes.truncate(self.len);
        let result = write(&mut self.bytes);
        self.len = self.bytes.len();
        self.bytes.resize(self.len + SPARE, 0);
        result
    }

    /// Gives the `old` bytes at `at` the length `new`, moving what follows; the bytes themselves are left to the caller.
    pub(super) fn resize_at(&mut self, at: usize, old: usize, new: usize) {
        let len = self.len + new - old;
        if len > self.bytes.len() {
            self.bytes.resize(len + SPARE, 0);
        }
        self.bytes.copy_within(at + old..self.len, at + new);
        self.len = len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_what_was_written_whichever_way() {
        let mut buffer = Buffer::default();
        assert!(buffer.room::<1>().is_none());
        buffer.append(|bytes| bytes.extend_from_slice(b"abc"));
        buffer.room::<4>().unwrap().copy_from_slice(b"defg");
        buffer.advance(2);
        assert_eq!(buffer.as_slice(), b"abcde");
        buffer.append(|bytes| bytes.push(b'x'));
        buffer.resize_at(1, 1, 3);
        buffer.as_mut_slice()[1..4].copy_from_slice(b"123");
        assert_eq!(buffer.as_slice(), b"a123cdex");
        buffer.resize_at(0, 4, 0);
        buffer.truncate(3);
        assert_eq!(buffer.as_slice(), b"cde");
        while buffer.room::<64>().is_some() {
            buffer.advance(1);
        }
        let (len, capacity) = (buffer.len(), buffer.capacity());
        buffer.resize_at(0, 0, 64);
        assert_eq!(buffer.len(), len + 64);
        assert!(buffer.capacity() > capacity);
        buffer.shrink_to(0);
        assert_eq!((buffer.len(), buffer.capacity()), (0, 0));
    }
}
