//! OpenTelemetry's own entry of a trace state, `ot=th:e666;rv:…`: read, and changed one value at a time.
//!
//! Used by the samplers that work with thresholds. Keeps what it does not know, never writes `rv`, and leaves a trace state
//! alone that it could not make a valid one of.

use crate::{Randomness, Threshold};
use otlp_model::TraceState;

/// The entry's key.
const ENTRY: &str = "ot";
/// The most characters of the entry's value (SAMP-27).
const LONGEST: usize = 256;

/// The threshold by which the trace was kept upstream, if it says so and the text is one.
pub(crate) fn threshold(state: &TraceState) -> Option<Threshold> {
    value(state, "th").and_then(|text| text.parse().ok())
}

/// The randomness that the trace state orders in place of the trace id's, if the text is one.
pub(crate) fn randomness(state: &TraceState) -> Option<Randomness> {
    value(state, "rv").and_then(Randomness::parse)
}

/// This trace state with `th` set, in front of all other entries (SAMP-28), or as it was if that would be too long
/// (SAMP-27).
pub(crate) fn with_threshold(state: &TraceState, threshold: Threshold) -> TraceState {
    let mut entry = format!("th:{threshold}");
    for (key, value) in pairs(state).filter(|(key, _)| *key != "th") {
        entry.extend([";", key, ":", value]);
    }
    if entry.len() > LONGEST {
        return state.clone();
    }
    state.insert(ENTRY, &entry).unwrap_or_else(|_| state.clone())
}

/// This trace state without `th`; the same, not copied, if there is none.
pub(crate) fn without_threshold(state: &TraceState) -> TraceState {
    if value(state, "th").is_none() {
        return state.clone();
    }
    let mut entry = String::new();
    for (key, value) in pairs(state).filter(|(key, _)| *key != "th") {
        let separator = if entry.is_empty() { "" } else { ";" };
        entry.extend([separator, key, ":", value]);
    }
    if entry.is_empty() {
        return state.remove(ENTRY);
    }
    state.insert(ENTRY, &entry).unwrap_or_else(|_| state.remove(ENTRY))
}

/// `changed` with the entry that `original` has: what others did to it does not count (SAMP-23).
pub(crate) fn restored(changed: TraceState, original: &TraceState) -> TraceState {
    match (changed.get(ENTRY), original.get(ENTRY)) {
        (now, before) if now == before => changed,
        (_, None) => changed.remove(ENTRY),
        (_, Some(before)) => changed.insert(ENTRY, before).unwrap_or(changed),
    }
}

fn value<'a>(state: &'a TraceState, key: &str) -> Option<&'a str> {
    pairs(state).find_map(|(name, value)| (name == key).then_some(value))
}

/// The pairs of the entry; of an entry that breaks the grammar there are none (SAMP-27).
fn pairs(state: &TraceState) -> impl Iterator<Item = (&str, &str)> {
    let entry = state.get(ENTRY).filter(|entry| is_well_formed(entry));
    entry.into_iter().flat_map(|entry| entry.split(';')).filter_map(|pair| pair.split_once(':'))
}

fn is_well_formed(entry: &str) -> bool {
    let is_key = |key: &str| {
        key.starts_with(|c: char| c.is_ascii_lowercase())
            && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_value =
        |value: &str| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let keys = || entry.split(';').map(|pair| pair.split_once(':').map_or(pair, |(key, _)| key));
    entry.len() <= LONGEST
        && entry
            .split(';')
            .all(|pair| pair.split_once(':').is_some_and(|(key, value)| is_key(key) && is_value(value)))
        && keys().enumerate().all(|(at, key)| keys().take(at).all(|before| before != key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(text: &str) -> TraceState {
        text.parse().unwrap_or_default()
    }

    fn half() -> Threshold {
        Threshold::from_probability(0.5).unwrap_or(Threshold::ALWAYS)
    }

    #[test]
    fn values_are_found_and_broken_entries_are_not_read() {
        // conf: SAMP-15, SAMP-17, SAMP-27
        let good = state("a=1,ot=th:8;rv:ce929d0e0e4736;xyz:A-b._");
        assert_eq!(threshold(&good), Some(half()));
        assert_eq!(randomness(&good), Randomness::parse("ce929d0e0e4736"));
        for broken in
            ["ot=th:8;th:c", "ot=th", "ot=TH:8", "ot=th:8;", "ot=th:8;1x:2", "ot=th:8;x:y z", "ot=th:8;x:a!"]
        {
            assert_eq!(threshold(&state(broken)), None, "{broken}");
        }
        assert_eq!(threshold(&state("ot=th:xyz")), None);
        assert_eq!(randomness(&state("ot=rv:123")), None);
    }

    #[test]
    fn a_threshold_is_set_in_front_and_the_rest_stays() {
        // conf: SAMP-20, SAMP-27, SAMP-28
        let set = |text: &str| with_threshold(&state(text), half()).to_string();
        assert_eq!(set(""), "ot=th:8");
        assert_eq!(set("a=1,ot=x:7;th:c;rv:ce929d0e0e4736"), "ot=th:8;x:7;rv:ce929d0e0e4736,a=1");
        let full = format!("a=1,ot=x:{}", "y".repeat(254));
        assert_eq!(set(&full), full, "no room: left alone");
    }

    #[test]
    fn a_threshold_is_removed_and_the_rest_stays() {
        // conf: SAMP-22, SAMP-27
        let removed = |text: &str| without_threshold(&state(text)).to_string();
        assert_eq!(removed("a=1,ot=x:7"), "a=1,ot=x:7", "untouched, not moved");
        assert_eq!(removed("a=1,ot=x:7;th:c"), "ot=x:7,a=1");
        assert_eq!(removed("a=1,ot=th:c"), "a=1");
        assert_eq!(removed(""), "");
    }

    #[test]
    fn the_entry_is_put_back_as_it_was() {
        // conf: SAMP-23
        let before = state("a=1,ot=th:8");
        assert_eq!(restored(state("b=2,ot=th:c"), &before).get("ot"), Some("th:8"));
        assert_eq!(restored(state("b=2"), &before).get("ot"), Some("th:8"));
        assert_eq!(restored(state("b=2,ot=th:c"), &state("a=1")).as_str(), "b=2");
        assert_eq!(restored(state("b=2,ot=th:8"), &before).as_str(), "b=2,ot=th:8");
    }
}
