//! Unique keys over a list that is known whole: typed attributes and nested maps (conformance MODEL-08).
//!
//! A key keeps its first position and gets its last value, as if the entries had been set one after the other. Used by
//! the value writer and the typed encoders; a live span, which sees one attribute at a time, uses `index`.

use super::value::{ValueLimits, put_key_value};
use crate::{AnyValue, KeyValue, ToValue};
use std::collections::HashMap;

/// Up to this many entries are compared pairwise; the bits of a `u64` remember which are done.
const PAIRWISE: usize = 64;

/// Calls `visit` for every different key in order of first appearance, with its last value and how often it appears.
pub(crate) fn for_each_unique<'a>(
    entries: &'a [KeyValue],
    mut visit: impl FnMut(&'a str, &'a AnyValue, u32),
) {
    if entries.len() > PAIRWISE {
        return for_each_unique_of_many(entries, visit);
    }
    let mut done = 0u64;
    for (at, entry) in entries.iter().enumerate() {
        if done & 1 << at != 0 {
            continue;
        }
        let (mut last, mut times) = (&entry.value, 1);
        for (offset, later) in entries[at + 1..].iter().enumerate() {
            if later.key == entry.key {
                done |= 1 << (at + 1 + offset);
                last = &later.value;
                times += 1;
            }
        }
        visit(&entry.key, last, times);
    }
}

fn for_each_unique_of_many<'a>(entries: &'a [KeyValue], mut visit: impl FnMut(&'a str, &'a AnyValue, u32)) {
    let mut lasts: HashMap<&str, (&AnyValue, u32)> = HashMap::with_capacity(entries.len());
    for entry in entries {
        let last = lasts.entry(&entry.key).or_insert((&entry.value, 0));
        *last = (&entry.value, last.1.saturating_add(1));
    }
    for entry in entries {
        // Taken at its first appearance, so that later ones find nothing.
        if let Some((value, times)) = lasts.remove(&*entry.key) {
            visit(&entry.key, value, times);
        }
    }
}

/// Writes at most `max` attributes and returns how many were discarded: those beyond `max` and those without a key.
pub(crate) fn put_attributes(
    buf: &mut Vec<u8>,
    tag: u8,
    attributes: &[KeyValue],
    max: usize,
    limits: ValueLimits,
) -> u32 {
    let (mut kept, mut discarded) = (0, 0u32);
    for_each_unique(attributes, |key, value, times| {
        if kept < max && !key.is_empty() {
            kept += 1;
            put_key_value(buf, tag, key, value.to_value(), limits);
        } else {
            discarded = discarded.saturating_add(times);
        }
    });
    discarded
}
