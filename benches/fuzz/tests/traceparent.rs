//! `traceparent`: what is taken obeys the grammar of W3C, what is refused breaks it, and what is written is the same again.

use otlp::TraceContext;
use otlp::propagation::{TextMapPropagator, TraceContextPropagator};
use otlp_fuzz::Edited;

const SEEDS: [&str; 6] = [
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03\t",
    "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-later",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
    "00-00000000000000000000000000000000-0000000000000000-00",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
];

/// The grammar, written a second time: the ids and the flags that Level 2 knows.
fn parse(header: &str) -> Option<(String, String, u8)> {
    let text: Vec<char> = header.trim_matches([' ', '\t']).chars().collect();
    let hex = |from: usize, len: usize| -> Option<String> {
        let digits: String = text.get(from..from + len)?.iter().collect();
        digits.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')).then_some(digits)
    };
    let is_dash = |at: usize| text.get(at) == Some(&'-');
    let (version, trace_id, span_id, flags) = (hex(0, 2)?, hex(3, 32)?, hex(36, 16)?, hex(53, 2)?);
    let is_end = text.len() == 55 || (version != "00" && is_dash(55));
    let is_valid = version != "ff" && is_dash(2) && is_dash(35) && is_dash(52) && is_end;
    let is_zero = |id: &str| id.chars().all(|c| c == '0');
    let flags = u8::from_str_radix(&flags, 16).ok()? & 3;
    (is_valid && !is_zero(&trace_id) && !is_zero(&span_id)).then_some((trace_id, span_id, flags))
}

#[test]
fn traceparent() {
    bolero::check!().with_type::<(Edited, Edited, bool)>().for_each(|(parent, state, twice)| {
        let parent = parent.text(&SEEDS);
        let state = state.text(&["a=1,b=2", "x", ""]);
        let mut headers = vec![("traceparent", parent.as_str()), ("tracestate", state.as_str())];
        if *twice {
            headers.push(("TraceParent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        }
        let context = TraceContextPropagator.extract(&TraceContext::default(), &headers);
        let expected = parse(&parent).filter(|_| !twice);
        let found = context
            .is_valid()
            .then(|| (context.trace_id().to_string(), context.span_id().to_string(), context.flags().bits()));
        assert_eq!(found, expected, "{parent:?}");
        assert_eq!(context.is_remote(), expected.is_some());

        let mut written = Vec::new();
        TraceContextPropagator.inject(&context, &mut written);
        let Some((trace_id, span_id, flags)) = expected else {
            assert_eq!((context, written), (TraceContext::default(), Vec::new()));
            return;
        };
        assert_eq!(written[0], ("traceparent".to_owned(), format!("00-{trace_id}-{span_id}-{flags:02x}")));
        assert_eq!(TraceContextPropagator.extract(&TraceContext::default(), &written), context);
    });
}
