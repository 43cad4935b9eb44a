//! Unique keys over attributes that come one at a time: what a live span wrote, and where (conformance MODEL-08).
//!
//! Used by the writers of live records. Holds hashes and offsets into the span's buffer, never the keys themselves.

use super::buffer::read_varint;
use super::room::Buffer;

/// The words of the filter.
const WORDS: usize = 4;
/// The bits of a hash that an entry keeps; the filter looks at the others.
const KEPT: u32 = 24;

/// Where each attribute of one collection starts in the buffer.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// One bit per hash: most keys are new, and then no entry is looked at.
    filter: [u64; WORDS],
    /// Entries: where each starts, and below that its hash. As many as there is memory for, never more than may be.
    entries: Vec<u64>,
    /// How many there may be.
    max: usize,
    /// How many there are; while nothing may be noted, as many as there could be.
    count: usize,
}

impl Index {
    /// Begins a collection of at most `max`.
    pub(super) fn begin(&mut self, max: usize) {
        self.filter = [0; WORDS];
        self.entries.truncate(max);
        (self.max, self.count) = (max, 0);
    }

    /// From now on nothing is noted as new.
    pub(super) fn end(&mut self) {
        self.count = self.entries.len();
    }

    pub(super) fn shrink_to(&mut self, entries: usize) {
        self.entries.truncate(entries);
        self.entries.shrink_to(entries);
        self.end();
    }

    /// Moves the offsets of all entries from `from` on by `new - old` bytes.
    pub(super) fn shift(&mut self, from: usize, old: usize, new: usize) {
        for entry in self.entries.iter_mut().take(self.count) {
            let start = (*entry >> KEPT) as usize;
            if start >= from {
                *entry = pack(*entry as u32, start + new - old);
            }
        }
    }

    /// Notes that a key with this hash is about to be written at `start`. `false`, and nothing done, if the key may be there
    /// already, or there is no memory or no allowance for another.
    #[inline(always)]
    pub(super) fn note_new(&mut self, hash: u32, start: usize) -> bool {
        let (word, bit) = place(hash);
        self.filter[word] & bit == 0 && self.note(hash, start)
    }

    /// The same, after looking closely whether the key is there.
    pub(super) fn note_after_looking(&mut self, buffer: &Buffer, key: &str, hash: u32) -> bool {
        self.find(buffer, key, hash).is_none() && self.note(hash, buffer.len())
    }

    #[inline(always)]
    fn note(&mut self, hash: u32, start: usize) -> bool {
        let (word, bit) = place(hash);
        let Some(entry) = self.entries.get_mut(self.count) else { return false };
        *entry = pack(hash, start);
        self.filter[word] |= bit;
        self.count += 1;
        true
    }

    /// Whether none of these keys is there, by a glance.
    #[inline(always)]
    pub(super) fn has_surely_none(&self, noted: &Noted) -> bool {
        // Without a stop on the way all words are looked at at once.
        (0..WORDS).fold(0, |any, at| any | self.filter[at] & noted.filter[at]) == 0
    }

    /// Notes that attributes with new keys are about to be written together at `start`. `false`, and nothing done, if there is no
    /// memory or no allowance for all.
    #[inline(always)]
    pub(super) fn note_all(&mut self, noted: &Noted, start: usize) -> bool {
        let count = self.count + noted.entries.len();
        let Some(entries) = self.entries.get_mut(self.count..count) else { return false };
        for (entry, noted) in entries.iter_mut().zip(&noted.entries) {
            *entry = noted + ((start as u64) << KEPT);
        }
        (0..WORDS).for_each(|at| self.filter[at] |= noted.filter[at]);
        self.count = count;
        true
    }

    /// Has `put` append the attribute `key` to the buffer, or puts it in the place of an earlier one with the same key.
    /// `false` if it was discarded: it has no key, or as many others are there as may be.
    pub(super) fn set(
        &mut self,
        buffer: &mut Buffer,
        key: &str,
        hash: u32,
        put: impl FnOnce(&mut Vec<u8>),
    ) -> bool {
        let end = buffer.len();
        if let Some(start) = self.find(buffer, key, hash) {
            buffer.append(put);
            self.replace(buffer, start, end);
            return true;
        }
        if self.count >= self.max || key.is_empty() {
            return false;
        }
        if self.count == self.entries.len() {
            self.entries.resize((2 * self.count).max(16).min(self.max), 0);
        }
        // Noted afterwards: what is displayed may panic, and then nothing was written.
        buffer.append(put);
        self.note(hash, end)
    }

    /// Whether the key is there.
    pub(super) fn has(&self, buffer: &Buffer, key: &str, hash: u32) -> bool {
        self.find(buffer, key, hash).is_some()
    }

    /// Where the entry of this key starts.
    fn find(&self, buffer: &Buffer, key: &str, hash: u32) -> Option<usize> {
        let (word, bit) = place(hash);
        let entries = self.entries.get(..self.count)?;
        let is_like = |entry: u64| (entry as u32 ^ hash) << (32 - KEPT) == 0;
        // Almost always there is none, and without a stop on the way several are compared at once.
        if self.filter[word] & bit == 0 || !entries.iter().fold(false, |any, &entry| any | is_like(entry)) {
            return None;
        }
        let mut like = entries.iter().filter(|entry| is_like(**entry)).map(|entry| (*entry >> KEPT) as usize);
        let bytes = buffer.as_slice();
        like.find(|&start| read_entry(&bytes[start..]).is_some_and(|(found, _)| found == key.as_bytes()))
    }

    /// Puts the entry at the end, which begins at `end`, in the place of the one at `start`.
    #[cold]
    fn replace(&mut self, buffer: &mut Buffer, start: usize, end: usize) {
        let Some((_, old)) = read_entry(&buffer.as_slice()[start..]) else { return };
        let new = buffer.len() - end;
        if new == old {
            buffer.as_mut_slice().copy_within(end.., start);
            buffer.truncate(end);
        } else {
            // Turn it to the front of the old one, then close the gap.
            buffer.as_mut_slice()[start..].rotate_right(new);
            buffer.as_mut_slice().copy_within(start + new + old.., start + new);
            buffer.truncate(end + new - old);
            self.shift(start + 1, old, new);
        }
    }
}

/// Attributes with different keys that lie together: what the index notes of each.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noted {
    filter: [u64; WORDS],
    /// As in an index, from the start of the first.
    entries: Vec<u64>,
}

impl Noted {
    /// Adds one that starts so far behind the first.
    pub(crate) fn push(&mut self, hash: u32, start: usize) {
        let (word, bit) = place(hash);
        self.filter[word] |= bit;
        self.entries.push(pack(hash, start));
    }

    /// Where they start.
    #[inline(always)]
    pub(super) fn starts(&self) -> impl Iterator<Item = usize> {
        self.entries.iter().map(|entry| (*entry >> KEPT) as usize)
    }
}

/// Where the filter keeps the bit of a hash.
#[inline(always)]
fn place(hash: u32) -> (usize, u64) {
    let bit = hash >> KEPT;
    (bit as usize / 64 % WORDS, 1 << (bit % 64))
}

/// An entry. Nobody has a buffer whose offsets take more than 40 bits.
#[inline(always)]
fn pack(hash: u32, start: usize) -> u64 {
    (start as u64) << KEPT | u64::from(hash & ((1 << KEPT) - 1))
}

/// The key of the `KeyValue` field at the start of `bytes`, and the length of the whole field.
fn read_entry(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (body_len, body) = read_varint(bytes.get(1..)?)?;
    let (key_len, key) = read_varint(body.get(1..)?)?;
    let len = bytes.len() - body.len() + usize::try_from(body_len).ok()?;
    Some((key.get(..usize::try_from(key_len).ok()?)?, len))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::hash;

    /// How many of these keys are looked for among the entries though they are new.
    fn needless(keys: impl Iterator<Item = String>) -> usize {
        let mut index = Index::default();
        let mut buffer = Buffer::default();
        let mut needless = 0;
        index.begin(usize::MAX);
        for key in keys {
            let hash = hash(key.as_bytes());
            let (word, bit) = place(hash);
            needless += usize::from(index.filter[word] & bit != 0);
            assert!(index.set(&mut buffer, &key, hash, |_| {}));
        }
        needless
    }

    #[test]
    fn keys_that_differ_anywhere_are_told_apart_by_the_filter() {
        // Evenly spread, 64 keys over 256 bits meet about 7 times.
        assert!(needless((0..64).map(|n| format!("app.attribute.{n:02}"))) < 14, "at the end");
        assert!(needless((0..64).map(|n| format!("a{n:02}.some.attribute"))) < 14, "at the start");
        assert!(needless((0..64).map(|n| format!("k{n}"))) < 14, "of short keys");
        assert!(needless((0..64).map(|n| "x".repeat(n + 1))) < 14, "in length");
    }

    #[test]
    fn nothing_is_new_before_the_beginning_and_after_the_end() {
        let (mut index, mut buffer) = (Index::default(), Buffer::default());
        assert!(!index.note_new(7, 0));
        index.begin(2);
        assert!(index.set(&mut buffer, "a", 7, |_| {}));
        assert!(index.note_new(7 << KEPT, 0));
        assert!(!index.note_new(9 << KEPT, 0), "not more than allowed");
        index.begin(2);
        index.end();
        assert!(!index.note_new(7, 0));
    }
}
