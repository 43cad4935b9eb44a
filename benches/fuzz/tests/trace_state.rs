//! `tracestate`: what is taken obeys the grammar of W3C, what is refused breaks it, and operations keep it.

use otlp_fuzz::Edited;
use otlp_model::TraceState;

const SEEDS: [&str; 5] = [
    "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    "a=1, b=22 ,\tc=3,,",
    "fw529a3039@dt=FfAAACAAAAHkCqaz, 34f2ee2d-4e7c@nr=0-0-1234-5678",
    "0tenant@vendor/x*_-=!~ ok",
    "a=1,a=2,b=1,a=3",
];

/// The grammar, written a second time: key, value, number of entries.
fn is_valid(header: &str) -> bool {
    let entries: Vec<&str> = header
        .split(',')
        .map(|entry| entry.trim_matches([' ', '\t']))
        .filter(|entry| !entry.is_empty())
        .collect();
    entries.len() <= 32
        && entries.iter().all(|entry| {
            let Some((key, value)) = entry.split_once('=') else { return false };
            let first = key.chars().next().is_some_and(|c| matches!(c, 'a'..='z' | '0'..='9'));
            let rest = key.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-' | '*' | '/' | '@'));
            let printable = value.chars().all(|c| matches!(c, ' '..='~') && c != ',' && c != '=');
            first && rest && key.len() <= 256 && printable && !value.is_empty() && value.len() <= 256
        })
}

#[test]
fn trace_state() {
    bolero::check!().with_type::<(Edited, Edited, Edited, u16)>().for_each(|(header, key, value, max)| {
        let header = header.text(&SEEDS);
        let parsed = TraceState::parse(&header);
        assert_eq!(parsed.is_ok(), is_valid(&header), "{header:?}");
        let Ok(state) = parsed else { return };
        assert_eq!(TraceState::parse(state.as_str()).as_ref(), Ok(&state));
        assert!(state.iter().all(|(key, _)| state.get(key).is_some()));

        let (key, value) = (key.text(&["rojo", "a", "new@vendor"]), value.text(&["1", "x y"]));
        if let Ok(inserted) = state.insert(&key, &value) {
            assert!(is_valid(inserted.as_str()), "{inserted}");
            assert_eq!(inserted.iter().next(), Some((key.as_str(), value.as_str())));
            assert_eq!(inserted.remove(&key).get(&key), None);
        }
        let cut = state.truncated(usize::from(*max));
        assert!(cut.as_str().len() <= usize::from(*max) && is_valid(cut.as_str()));
        assert!(cut.iter().all(|(key, _)| state.get(key).is_some()));
    });
}
