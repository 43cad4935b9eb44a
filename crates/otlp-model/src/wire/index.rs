//! Unique keys over attributes that come one at a time: what a live span wrote, and where (conformance MODEL-08).
//!
//! Used by [`super::SpanWriter`]. Holds hashes and offsets into the span's buffer, never the keys themselves.

use super::buffer::read_varint;

/// Where each attribute of one collection starts in the buffer.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// One bit per hash: most keys are new, and then no entry is looked at.
    filter: u64,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    hash: u32,
    start: usize,
}

impl Index {
    pub(crate) fn clear(&mut self) {
        self.filter = 0;
        self.entries.clear();
    }

    pub(crate) fn shrink_to(&mut self, entries: usize) {
        self.entries.shrink_to(entries);
    }

    /// Moves the offsets of all entries from `from` on by `new - old` bytes.
    pub(crate) fn shift(&mut self, from: usize, old: usize, new: usize) {
        for entry in self.entries.iter_mut().filter(|entry| entry.start >= from) {
            entry.start = entry.start + new - old;
        }
    }

    /// Has `put` append the attribute `key` to `buf`, or puts it in the place of an earlier one with the same key.
    /// `false` if it was discarded: it has no key, or `max` others are there.
    #[inline]
    pub(crate) fn set(
        &mut self,
        buf: &mut Vec<u8>,
        max: usize,
        key: &str,
        put: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let hash = hash(key.as_bytes());
        let bit = 1 << (hash & 63);
        // Nothing in this way needs to come back here: its registers are not saved, and `put` is a jump.
        if self.filter & bit == 0 && self.entries.len() < max.min(self.entries.capacity()) && !key.is_empty()
        {
            self.filter |= bit;
            self.entries.push(Entry { hash, start: buf.len() });
            put(buf);
            return true;
        }
        self.set_perhaps_again(buf, max, hash, key, put)
    }

    /// The same for a key that may be there, or for which there may be no room.
    #[inline(never)]
    fn set_perhaps_again(
        &mut self,
        buf: &mut Vec<u8>,
        max: usize,
        hash: u32,
        key: &str,
        put: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let earlier = self.find(buf, hash, key);
        let end = buf.len();
        if earlier.is_none() {
            if self.entries.len() >= max || key.is_empty() {
                return false;
            }
            self.filter |= 1 << (hash & 63);
            self.entries.push(Entry { hash, start: end });
        }
        put(buf);
        if let Some(start) = earlier {
            self.replace(buf, start, end);
        }
        true
    }

    fn find(&self, buf: &[u8], hash: u32, key: &str) -> Option<usize> {
        let mut same = self.entries.iter().filter(|entry| entry.hash == hash).map(|entry| entry.start);
        same.find(|&start| read_entry(&buf[start..]).is_some_and(|(found, _)| found == key.as_bytes()))
    }

    /// Puts the entry at the end, which begins at `end`, in the place of the one at `start`.
    #[cold]
    fn replace(&mut self, buf: &mut Vec<u8>, start: usize, end: usize) {
        let Some((_, old)) = read_entry(&buf[start..]) else { return };
        let new = buf.len() - end;
        if new == old {
            buf.copy_within(end.., start);
            buf.truncate(end);
        } else {
            // Turn it to the front of the old one, then close the gap.
            buf[start..].rotate_right(new);
            buf.copy_within(start + new + old.., start + new);
            buf.truncate(end + new - old);
            self.shift(start + 1, old, new);
        }
    }
}

/// The key of the `KeyValue` field at the start of `bytes`, and the length of the whole field.
fn read_entry(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (body_len, body) = read_varint(bytes.get(1..)?)?;
    let (key_len, key) = read_varint(body.get(1..)?)?;
    let len = bytes.len() - body.len() + usize::try_from(body_len).ok()?;
    Some((key.get(..usize::try_from(key_len).ok()?)?, len))
}

/// A cheap hash: a key's length and ends tell most keys apart, and equality is checked anyway.
#[inline]
fn hash(key: &[u8]) -> u32 {
    let (first, last) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => short(key),
    };
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (first ^ key.len() as u64).wrapping_mul(ODD) ^ last;
    // The upper half of the product depends on all of both factors. The lower bits of its lower half do not: they would be
    // the same for keys that differ at their ends only, `attribute.1` and `attribute.2`.
    ((u128::from(mixed) * u128::from(ODD)) >> 64) as u32
}

/// The ends of a key of less than 8 bytes.
#[inline]
fn short(key: &[u8]) -> (u64, u64) {
    match (key.first_chunk::<4>(), key.last_chunk::<4>()) {
        (Some(first), Some(last)) => (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()),
        _ => (key.iter().fold(0, |all, &byte| all << 8 | u64::from(byte)), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of these keys are looked for among the entries though they are new.
    fn needless(keys: impl Iterator<Item = String>) -> usize {
        let mut index = Index::default();
        let mut buf = Vec::new();
        let mut needless = 0;
        for key in keys {
            needless += usize::from(index.filter & 1 << (hash(key.as_bytes()) & 63) != 0);
            assert!(index.set(&mut buf, usize::MAX, &key, |_| {}));
        }
        needless
    }

    #[test]
    fn keys_that_differ_anywhere_are_told_apart_by_the_filter() {
        // Evenly spread, 64 keys over 64 bits meet about 24 times.
        assert!(needless((0..64).map(|n| format!("app.attribute.{n:02}"))) < 32, "at the end");
        assert!(needless((0..64).map(|n| format!("a{n:02}.some.attribute"))) < 32, "at the start");
        assert!(needless((0..64).map(|n| format!("k{n}"))) < 32, "of short keys");
        assert!(needless((0..64).map(|n| "x".repeat(n + 1))) < 32, "in length");
    }
}
