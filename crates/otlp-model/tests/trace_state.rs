//! The W3C trace state: its grammar, and its operations against a list of pairs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp_model::TraceState;
use proptest::prelude::*;

fn parse(header: &str) -> Option<String> {
    TraceState::parse(header).ok().map(|state| state.to_string())
}

fn entries(count: usize) -> String {
    (0..count).map(|index| format!("k{index}=v")).collect::<Vec<_>>().join(",")
}

#[test]
fn headers_are_read_with_white_space_and_empty_entries_dropped() {
    // conf: PROP-16, PROP-19, PROP-20
    assert_eq!(parse(""), Some(String::new()));
    assert_eq!(parse(" , \t,"), Some(String::new()));
    assert!(TraceState::parse(",").unwrap().is_empty());
    assert_eq!(parse("a=1,b=2").as_deref(), Some("a=1,b=2"));
    assert_eq!(parse(" \ta=1 \t,,\tb=  x y\t ").as_deref(), Some("a=1,b=  x y"));
    assert_eq!(TraceState::parse("b=  x y ").unwrap().get("b"), Some("  x y"));
}

#[test]
fn keys_follow_level_2() {
    // conf: PROP-18
    let longest = "k".repeat(256);
    for key in ["a", "0", "0a_-*/@z", "a@b@c", "fw529a3039@dt", longest.as_str()] {
        assert!(parse(&format!("{key}=1")).is_some(), "{key}");
    }
    let too_long = "k".repeat(257);
    for key in ["", "A", "aB", "@a", "_a", "a b", "a ", "a\t", "é", "a.b", "a\"", too_long.as_str()] {
        assert!(parse(&format!("{key}=1")).is_none(), "{key}");
        assert!(TraceState::default().insert(key, "1").is_err(), "{key}");
    }
}

#[test]
fn values_are_printable_and_do_not_end_in_space() {
    // conf: PROP-19, SPAN-29
    let longest = "v".repeat(256);
    for value in ["1", " 1", "!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~", longest.as_str()] {
        assert!(parse(&format!("a={value}")).is_some(), "{value}");
        assert_eq!(TraceState::default().insert("a", value).unwrap().get("a"), Some(value));
    }
    let too_long = "v".repeat(257);
    for value in ["", "=", "a=b", "a\tb", "é", "\u{7f}", "a\nb", too_long.as_str()] {
        assert!(parse(&format!("a={value}")).is_none(), "{value:?}");
        assert!(TraceState::default().insert("a", value).is_err(), "{value:?}");
    }
    for value in ["a ", "a,b=1", " "] {
        assert!(TraceState::default().insert("a", value).is_err(), "{value:?}");
    }
}

#[test]
fn one_bad_entry_discards_all_and_is_told() {
    // conf: PROP-21
    for (header, message) in [
        ("a=1,b", "trace state entry 2: an entry is key=value"),
        ("a=1,,B=1", "trace state entry 2: a key is one of a-z0-9"),
        ("a=", "trace state entry 1: a value is 1 to 256"),
    ] {
        let error = TraceState::parse(header).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn there_are_at_most_32_entries() {
    // conf: PROP-17, PROP-24
    let full = TraceState::parse(&(entries(32) + ",,")).unwrap();
    assert_eq!(full.iter().count(), 32);
    let error = TraceState::parse(&entries(33)).unwrap_err();
    assert_eq!(error.to_string(), "trace state entry 33: more than 32 entries");
    let pushed = full.insert("new", "1").unwrap();
    assert_eq!((pushed.iter().count(), pushed.get("k31"), pushed.get("k30")), (32, None, Some("v")));
    let updated = full.insert("k31", "2").unwrap();
    assert_eq!((updated.iter().count(), updated.iter().next()), (32, Some(("k31", "2"))));
}

#[test]
fn repeated_keys_are_parsed_and_gone_after_a_change() {
    // conf: PROP-22
    let state = TraceState::parse("a=1,b=2,a=3,b=4").unwrap();
    assert_eq!((state.as_str(), state.get("a")), ("a=1,b=2,a=3,b=4", Some("1")));
    assert_eq!(state.insert("c", "5").unwrap().as_str(), "c=5,a=1,b=2");
    assert_eq!(state.insert("a", "5").unwrap().as_str(), "a=5,b=2");
    assert_eq!(state.remove("a").as_str(), "b=2");
    assert_eq!(state.remove("x"), state);
}

#[test]
fn truncation_drops_long_entries_then_the_last() {
    // conf: PROP-25
    let long = format!("long={}", "x".repeat(124));
    let state = TraceState::parse(&format!("a=1,{long},b=2,c=3")).unwrap();
    assert_eq!(state.truncated(state.as_str().len()), state);
    assert_eq!(state.truncated(140).as_str(), "a=1,b=2,c=3");
    assert_eq!(state.truncated(11).as_str(), "a=1,b=2,c=3");
    assert_eq!(state.truncated(10).as_str(), "a=1,b=2");
    assert_eq!(state.truncated(3).as_str(), "a=1");
    assert_eq!(state.truncated(2), TraceState::default());
    // Of 128 characters is not long.
    let state = TraceState::parse(&format!("{},b=2", &long[..128])).unwrap();
    assert_eq!(state.truncated(130).as_str(), &long[..128]);
    // 512 characters are never touched by parsing.
    let header = (0..4).map(|key| format!("{key}={}", "v".repeat(256))).collect::<Vec<_>>().join(",");
    assert_eq!(TraceState::parse(&header).unwrap().as_str(), header);
}

#[test]
fn empty_is_default_and_clones_share() {
    // conf: PROP-26
    let state = TraceState::parse("a=1").unwrap();
    assert_eq!(state.remove("a"), TraceState::default());
    assert_eq!(state.clone().as_str().as_ptr(), state.as_str().as_ptr());
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec(("[ab][0-9]?", "[ -+\\--<>-~]{0,4}[!-+]"), 0..36)
}

proptest! {
    #[test]
    fn operations_are_those_of_a_list(steps in pairs(), removed in "[ab][0-9]?") {
        // conf: SPAN-29, PROP-23, PROP-24
        let mut state = TraceState::default();
        let mut model: Vec<(String, String)> = Vec::new();
        for (key, value) in steps {
            state = state.insert(&key, &value).unwrap();
            model.retain(|(name, _)| *name != key);
            model.insert(0, (key, value));
            model.truncate(32);
        }
        state = state.remove(&removed);
        model.retain(|(name, _)| *name != removed);
        let seen: Vec<_> = state.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        prop_assert_eq!(&seen, &model);
        prop_assert_eq!(TraceState::parse(state.as_str()), Ok(state));
    }

    #[test]
    fn what_is_parsed_parses_again(header in "[a-b=, \t1@]{0,20}") {
        if let Ok(state) = TraceState::parse(&header) {
            prop_assert_eq!(state.is_empty(), state.iter().next().is_none());
            prop_assert_eq!(TraceState::parse(state.as_str()).unwrap(), state);
        }
    }

    #[test]
    fn truncation_keeps_to_the_room_and_the_order(header in pairs(), max in 0..200usize) {
        // conf: PROP-25
        let header: Vec<_> = header.iter().take(32).map(|(key, value)| format!("{key}={value}")).collect();
        let state = TraceState::parse(&header.join(",")).unwrap();
        let cut = state.truncated(max);
        prop_assert!(cut.as_str().len() <= max);
        prop_assert!(state.as_str().starts_with(cut.as_str()));
        // As much as fits is kept.
        let kept = cut.iter().count();
        if let Some(next) = header.get(kept) {
            prop_assert!(cut.as_str().len() + usize::from(kept > 0) + next.len() > max);
        }
    }
}
