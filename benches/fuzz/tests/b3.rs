//! B3: what is taken stands in the headers, what is written is read again, and neither form panics.

use otlp::TraceContext;
use otlp::propagation::{B3Propagator, TextMapPropagator};
use otlp_fuzz::Edited;

const SINGLE: [&str; 5] = [
    "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
    "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-d-05e3ac9a4f6e3b90",
    "00f067aa0ba902b7-00f067aa0ba902b7",
    "0",
    "0000000000000000-0000000000000000-1",
];
const IDS: [&str; 3] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "0"];
const DECISIONS: [&str; 5] = ["1", "0", "true", "false", "d"];

/// The single header, read a second time: ids, whether it is sampled, whether to debug.
fn parse(header: &str) -> Option<(String, String, bool, bool)> {
    let parts: Vec<&str> = header.trim_matches([' ', '\t']).split('-').collect();
    let id = |text: &str, len: usize| {
        let is_hex = text.len() == len && text.chars().all(|c| c.is_ascii_hexdigit());
        is_hex.then(|| text.to_ascii_lowercase())
    };
    let trace_id = id(parts[0], 32).or_else(|| Some("0".repeat(16) + &id(parts[0], 16)?))?;
    let span_id = id(parts.get(1)?, 16)?;
    let decision = parts.get(2).copied().unwrap_or("0");
    let is_known = matches!(decision, "0" | "1" | "d") && parts.len() <= 4;
    let is_parent = parts.get(3).is_none_or(|parent| id(parent, 16).is_some());
    let is_some = |id: &str| id.chars().any(|c| c != '0');
    (is_known && is_parent && is_some(&trace_id) && is_some(&span_id))
        .then(|| (trace_id, span_id, decision != "0", decision == "d"))
}

#[test]
fn single() {
    bolero::check!().with_type::<Edited>().for_each(|header| {
        let header = header.text(&SINGLE);
        let context = B3Propagator::multi().extract(&TraceContext::default(), &[("b3", &header)]);
        let expected = parse(&header);
        let found = (context.trace_id().to_string(), context.span_id().to_string(), context.is_sampled());
        assert_eq!(context.is_valid(), expected.is_some(), "{header:?}");
        let mut written = Vec::new();
        B3Propagator::single().inject(&context, &mut written);
        let Some((trace_id, span_id, is_sampled, is_debug)) = expected else {
            assert!(written.is_empty());
            return;
        };
        assert_eq!(found, (trace_id.clone(), span_id.clone(), is_sampled), "{header:?}");
        let decision = if is_debug { "d" } else { ["0", "1"][usize::from(is_sampled)] };
        assert_eq!(written, [("b3".to_owned(), format!("{trace_id}-{span_id}-{decision}"))]);
    });
}

#[test]
fn multi() {
    bolero::check!().with_type::<(Edited, Edited, Edited, Edited)>().for_each(
        |(trace, span, sampled, flags)| {
            let texts =
                [trace.text(&IDS), span.text(&IDS), sampled.text(&DECISIONS), flags.text(&["1", "0"])];
            let names = ["X-B3-TraceId", "x-b3-spanid", "X-B3-Sampled", "x-b3-flags"];
            let headers: Vec<(&str, &String)> = names.into_iter().zip(&texts).collect();
            let context = B3Propagator::single().extract(&TraceContext::default(), &headers);
            if !context.is_valid() {
                assert_eq!(context, TraceContext::default());
                return;
            }
            assert!(texts[1].to_lowercase().contains(&context.span_id().to_string()));
            assert!(
                context
                    .trace_id()
                    .to_string()
                    .ends_with(texts[0].trim_matches([' ', '\t']).to_lowercase().as_str())
            );
            for writer in [B3Propagator::single(), B3Propagator::multi()] {
                let mut written = Vec::new();
                writer.inject(&context, &mut written);
                assert_eq!(writer.extract(&TraceContext::default(), &written), context);
            }
        },
    );
}
