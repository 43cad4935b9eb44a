//! The formats of propagation: what is read from headers, what is written, and that neither invents anything.

use crate::support::{all_delivered, builder, client, grpc};
use otlp::propagation::{
    B3Propagator, BaggagePropagator, CompositePropagator, EnvironmentExtractor, EnvironmentInjector,
    Extractor, Injector, TextMapPropagator, TraceContextPropagator,
};
use otlp::{
    AlwaysOffSampler, Baggage, SpanContext, SpanId, SpanKind, TraceContext, TraceFlags, TraceId, TraceState,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::process::Command;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

type Headers = Vec<(String, String)>;

fn headers(pairs: &[(&str, &str)]) -> Headers {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn extract(propagator: &impl TextMapPropagator, pairs: &[(&str, &str)]) -> TraceContext {
    propagator.extract(&TraceContext::default(), &headers(pairs))
}

fn inject(propagator: &impl TextMapPropagator, context: &TraceContext) -> Headers {
    let mut carrier = Headers::new();
    propagator.inject(context, &mut carrier);
    carrier
}

fn w3c(pairs: &[(&str, &str)]) -> TraceContext {
    extract(&TraceContextPropagator, pairs)
}

/// The flags, if the header was taken.
fn traceparent(header: &str) -> Option<u8> {
    let context = w3c(&[("traceparent", header)]);
    context.is_valid().then(|| context.flags().bits())
}

fn context(flags: u8) -> TraceContext {
    let context =
        SpanContext::new(TRACE.parse().unwrap(), SPAN.parse().unwrap(), TraceFlags::from_bits(flags));
    TraceContext::new(context)
}

fn is_remote_and_valid(context: &TraceContext) -> bool {
    context.is_valid() && context.is_remote()
}

#[test]
fn version_00_has_one_form() {
    // conf: PROP-05, PROP-06, PROP-10
    assert_eq!(traceparent(&format!("00-{TRACE}-{SPAN}-01")), Some(1));
    assert_eq!(traceparent(&format!(" \t00-{TRACE}-{SPAN}-00\t ")), Some(0));
    for header in [
        format!("00-{TRACE}-{SPAN}-01-"),
        format!("00-{TRACE}-{SPAN}-01-more"),
        format!("00-{TRACE}-{SPAN}-01 x"),
        format!("00-{TRACE}-{SPAN}-0"),
        format!("00-{TRACE}-{SPAN}-001"),
        format!("00-{TRACE}-{SPAN}"),
        format!("0-{TRACE}-{SPAN}-01"),
        format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
        format!("00-{TRACE}-{SPAN}-0A"),
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        format!("00-{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{TRACE}0-{SPAN}-01"),
        format!("00-{TRACE}-{}g-01", &SPAN[1..]),
        format!("00_{TRACE}_{SPAN}_01"),
        format!("00-{TRACE}{SPAN}-01--"),
        format!("00-+{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{}é-{SPAN}-01", &TRACE[2..]),
        format!("00- {}-{SPAN}-01", &TRACE[1..]),
        String::from("00"),
        String::new(),
        String::from("\u{fffd}"),
    ] {
        assert_eq!(traceparent(&header), None, "{header:?}");
    }
}

#[test]
fn later_versions_are_read_like_00_and_version_00_is_written() {
    // conf: PROP-07
    for header in ["01-{}-01", "cc-{}-01", "fe-{}-01-", "01-{}-01-what-the-future-brings"] {
        let header = header.replace("{}", &format!("{TRACE}-{SPAN}"));
        assert_eq!(traceparent(&header), Some(1), "{header}");
        let written = inject(&TraceContextPropagator, &w3c(&[("traceparent", &header)]));
        assert_eq!(written, headers(&[("traceparent", &format!("00-{TRACE}-{SPAN}-01"))]));
    }
    for header in ["ff-{}-01", "01-{}-01.", "01-{}-01x", "01-{}-1", "0g-{}-01", "FE-{}-01"] {
        let header = header.replace("{}", &format!("{TRACE}-{SPAN}"));
        assert_eq!(traceparent(&header), None, "{header}");
    }
}

#[test]
fn names_are_read_in_any_case_and_written_in_lower_case() {
    // conf: PROP-02, PROP-08
    let header = format!("00-{TRACE}-{SPAN}-01");
    for name in ["traceparent", "TraceParent", "TRACEPARENT"] {
        assert!(w3c(&[(name, &header)]).is_valid());
    }
    for name in ["trace-parent", "traceparent ", "x-traceparent", "trace_parent"] {
        assert!(!w3c(&[(name, &header)]).is_valid(), "{name}");
    }
    let context = w3c(&[("TraceParent", &header), ("TraceState", "a=1")]);
    let names: Vec<String> =
        inject(&TraceContextPropagator, &context).into_iter().map(|pair| pair.0).collect();
    assert_eq!(names, TraceContextPropagator.fields());
}

#[test]
fn two_parents_are_none() {
    // conf: PROP-09
    let header = format!("00-{TRACE}-{SPAN}-01");
    assert!(!w3c(&[("traceparent", &header), ("traceparent", &header)]).is_valid());
    assert!(!w3c(&[("traceparent", &header), ("Traceparent", "\u{fffd}")]).is_valid());
}

#[test]
fn flags_are_bits() {
    // conf: PROP-11, PROP-12
    for flags in 0..=u8::MAX {
        let context = w3c(&[("traceparent", &format!("00-{TRACE}-{SPAN}-{flags:02x}"))]);
        assert_eq!((context.is_sampled(), context.flags().is_random()), (flags & 1 != 0, flags & 2 != 0));
        let written = inject(&TraceContextPropagator, &context);
        assert_eq!(written[0].1, format!("00-{TRACE}-{SPAN}-{:02x}", flags & 3));
        // Also those that a context has from elsewhere.
        assert_eq!(inject(&TraceContextPropagator, &self::context(flags)), written);
    }
}

#[tokio::test]
async fn the_random_flag_passes_through_a_service_and_is_set_on_own_traces() {
    // conf: PROP-12, LIM-02, PROP-13, SPAN-09
    let collector = grpc().await;
    for (is_sampled, client) in [
        (true, client(&collector).await),
        (false, builder(collector.grpc_endpoint()).with_sampler(AlwaysOffSampler).build().await.unwrap()),
    ] {
        let tracer = client.tracer("t");
        for received in [0, 2] {
            let parent = w3c(&[("traceparent", &format!("00-{TRACE}-{SPAN}-{received:02x}"))]);
            let span = tracer.start_with_context("server", SpanKind::Server, &parent);
            let sent = w3c(&[("traceparent", &inject(&TraceContextPropagator, &span.context())[0].1)]);
            assert_eq!(sent.flags().bits() & 2, received, "as it came");
            assert_eq!(sent.span_id(), span.context().span_id(), "sampled or not, the span is the parent");
            assert!(sent.is_remote() && !span.context().is_remote());
        }
        let root = tracer.start("root").context();
        assert_eq!(root.flags().bits(), if is_sampled { 3 } else { 2 });
    }
}

#[test]
fn nothing_valid_is_nothing_injected() {
    // conf: PROP-14, PROP-26, PROP-34
    let half = SpanContext::new(TRACE.parse().unwrap(), SpanId::INVALID, TraceFlags::SAMPLED)
        .with_trace_state(TraceState::parse("a=1").unwrap());
    for context in [TraceContext::default(), half.into()] {
        assert_eq!(inject(&CompositePropagator::w3c(), &context), []);
        assert_eq!(inject(&B3Propagator::single(), &context), []);
        assert_eq!(inject(&B3Propagator::multi(), &context), []);
    }
    let names = inject(&CompositePropagator::w3c(), &context(1)).into_iter().map(|pair| pair.0);
    assert_eq!(names.collect::<Vec<_>>(), ["traceparent"], "no empty trace state, no empty baggage");
}

#[test]
fn what_cannot_be_read_changes_nothing() {
    // conf: PROP-01
    let before = context(1).with_baggage(Baggage::default().insert("a", "1"));
    let garbage = headers(&[
        ("traceparent", "x"),
        ("tracestate", "x=1"),
        ("baggage", "x"),
        ("b3", "x"),
        ("x-b3-traceid", "x"),
    ]);
    for carrier in [Headers::new(), garbage] {
        let composite = CompositePropagator::w3c().with(B3Propagator::single());
        assert_eq!(composite.extract(&before, &carrier), before);
    }
    // Each half is replaced alone.
    let other = headers(&[("baggage", "b=2")]);
    let after = CompositePropagator::w3c().extract(&before, &other);
    assert_eq!(
        (after.span_id(), after.baggage().get("b"), after.baggage().len()),
        (before.span_id(), Some("2"), 1)
    );
    let other = headers(&[("traceparent", &format!("00-{TRACE}-{}-00", "1".repeat(16)))]);
    let after = CompositePropagator::w3c().extract(&before, &other);
    assert_eq!((after.span_id().to_string(), after.baggage().get("a")), ("1".repeat(16), Some("1")));
}

#[test]
fn trace_state_is_read_after_a_valid_parent_only_and_spoils_nothing() {
    // conf: PROP-15, PROP-16, PROP-17, PROP-21
    let parent = format!("00-{TRACE}-{SPAN}-01");
    let state = |headers: &[&str]| {
        let mut pairs = vec![("traceparent", parent.as_str())];
        pairs.extend(headers.iter().map(|header| ("tracestate", *header)));
        let context = w3c(&pairs);
        assert!(is_remote_and_valid(&context));
        context.trace_state().to_string()
    };
    assert_eq!(state(&["a=1,b=2"]), "a=1,b=2");
    assert_eq!(state(&["a=1", "", " , ", "b=2,c=3"]), "a=1,b=2,c=3");
    for discarded in ["a=1,B", "a", "a=1,a b=2", "\u{fffd}"] {
        assert_eq!(state(&["z=9", discarded]), "");
    }
    let half: Vec<_> = (0..17).map(|key| format!("k{key}=v")).collect();
    let half = half.join(",");
    assert_eq!(state(&[&half]), half);
    assert_eq!(state(&[&half, &half]), "", "34 members");
    let unread = w3c(&[("traceparent", "x"), ("tracestate", "a=1")]);
    assert!(unread.trace_state().is_empty());
}

#[test]
fn what_is_injected_is_valid_in_http() {
    // conf: PROP-03
    let baggage: Baggage =
        [("city", "Köln\r\nX-Evil: 1"), ("na me", "x"), ("quote", "\"a\\b\"")].into_iter().collect();
    let baggage =
        baggage.insert_entry(otlp::BaggageEntry::new("m", "1").with_metadata("p=\"x\",evil=1\r\ny;ö"));
    let context = context(1).with_baggage(baggage);
    for propagator in [
        Box::new(CompositePropagator::w3c()) as Box<dyn TextMapPropagator>,
        Box::new(B3Propagator::single()),
        Box::new(B3Propagator::multi()),
    ] {
        let written = inject(&propagator, &context);
        assert!(!written.is_empty());
        for (name, value) in written {
            assert!(propagator.fields().contains(&name.as_str()));
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
            assert!(value.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{value}");
        }
    }
    assert_eq!(w3c_baggage(&context).len(), 3, "nobody's text makes a member");
}

/// What arrives of a context's baggage.
fn w3c_baggage(context: &TraceContext) -> Baggage {
    BaggagePropagator
        .extract(&TraceContext::default(), &inject(&BaggagePropagator, context))
        .baggage()
        .clone()
}

#[test]
fn composites_ask_in_order_and_the_last_that_finds_something_wins() {
    // conf: PROP-04
    let other = "1".repeat(16);
    let both =
        headers(&[("traceparent", &format!("00-{TRACE}-{SPAN}-01")), ("b3", &format!("{TRACE}-{other}-1"))]);
    let b3_last = CompositePropagator::new().with(TraceContextPropagator).with(B3Propagator::single());
    let w3c_last = CompositePropagator::new().with(B3Propagator::single()).with(CompositePropagator::w3c());
    let found = |propagator: &CompositePropagator, carrier: &Headers| {
        propagator.extract(&TraceContext::default(), carrier).span_id().to_string()
    };
    assert_eq!((found(&b3_last, &both), found(&w3c_last, &both)), (other, SPAN.to_owned()));
    assert_eq!(found(&b3_last, &both[..1].to_vec()), SPAN, "an empty hand changes nothing");
    assert_eq!(w3c_last.fields(), ["b3", "traceparent", "tracestate", "baggage"]);
    let names: Vec<_> = inject(&w3c_last, &context(1)).into_iter().map(|pair| pair.0).collect();
    assert_eq!(names, ["b3", "traceparent"]);
    let none = CompositePropagator::new();
    assert_eq!((inject(&none, &context(1)), none.extract(&context(1), &both)), (Headers::new(), context(1)));
}

#[tokio::test]
async fn a_clients_propagator_is_w3c_unless_told() {
    // conf: PROP-04, PROP-36
    let client = |builder: otlp::ClientBuilder| builder.build_blocking().unwrap();
    let default = client(otlp::Client::builder());
    assert_eq!(default.propagator().fields(), ["traceparent", "tracestate", "baggage"]);
    let chosen = client(otlp::Client::builder().with_propagator(B3Propagator::single()));
    assert_eq!(chosen.propagator().fields(), ["b3"]);
}

#[test]
fn b3_reads_the_single_header_first_and_writes_as_told() {
    // conf: PROP-37
    let single = |header: &str| extract(&B3Propagator::multi(), &[("b3", header)]);
    for (decision, is_sampled) in [("", false), ("-0", false), ("-1", true), ("-d", true)] {
        let context = single(&format!("{TRACE}-{SPAN}{decision}"));
        assert!(is_remote_and_valid(&context) && context.is_sampled() == is_sampled, "{decision}");
        assert!(!context.flags().is_random(), "B3 does not say");
    }
    assert_eq!(single(&format!("{SPAN}-{SPAN}-1")).trace_id().to_string(), format!("{:0>32}", SPAN));
    let with_parent = single(&format!("{TRACE}-{SPAN}-1-{}", "1".repeat(16)));
    assert_eq!(with_parent.span_id().to_string(), SPAN, "the sender's span, not its parent");
    for header in
        ["0", "1", "d", "", "-", "x-y-1", &format!("{TRACE}-{SPAN}-x"), &format!("{TRACE}-{SPAN}-1-x")]
    {
        assert!(!single(header).is_valid(), "{header:?}");
    }

    let multi = |pairs: &[(&str, &str)]| {
        let ids = [("X-B3-TraceId", TRACE), ("X-B3-SpanId", SPAN)];
        let context = extract(&B3Propagator::single(), &[&ids, pairs].concat());
        (context.is_valid(), context.is_sampled())
    };
    assert_eq!(multi(&[]), (true, false));
    assert_eq!(multi(&[("X-B3-Sampled", "1")]), (true, true));
    assert_eq!(multi(&[("x-b3-sampled", "true"), ("X-B3-ParentSpanId", "1")]), (true, true));
    assert_eq!(multi(&[("X-B3-Sampled", "0")]), (true, false));
    assert_eq!(multi(&[("X-B3-Sampled", "0"), ("X-B3-Flags", "1")]), (true, true));
    assert_eq!(multi(&[("X-B3-Sampled", "maybe")]), (false, false));
    assert_eq!(multi(&[("b3", "garbage"), ("X-B3-Sampled", "1")]), (true, true));
    let other = format!("{TRACE}-{}-0", "1".repeat(16));
    assert_eq!(multi(&[("b3", &other), ("X-B3-Sampled", "1")]), (true, false), "single first");

    assert_eq!(
        inject(&B3Propagator::default(), &context(1)),
        headers(&[("b3", &format!("{TRACE}-{SPAN}-1"))])
    );
    let expected = headers(&[("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "0")]);
    assert_eq!(inject(&B3Propagator::multi(), &context(0)), expected);
}

#[tokio::test]
async fn b3s_debug_flag_passes_through_a_service() {
    // conf: PROP-37
    let collector = grpc().await;
    let client = client(&collector).await;
    let debug = extract(&B3Propagator::single(), &[("b3", &format!("{TRACE}-{SPAN}-d"))]);
    let span = client.tracer("t").start_with_context("server", SpanKind::Server, &debug);
    let (single, multi) =
        (inject(&B3Propagator::single(), &span.context()), inject(&B3Propagator::multi(), &span.context()));
    let id = span.context().span_id();
    assert_ne!(id.to_string(), SPAN, "the incoming id is never used again");
    assert_eq!(single, headers(&[("b3", &format!("{TRACE}-{id}-d"))]));
    let expected = headers(&[("x-b3-traceid", TRACE), ("x-b3-spanid", &id.to_string()), ("x-b3-flags", "1")]);
    assert_eq!(multi, expected);
    // It is of its trace, and goes with it.
    let other = debug
        .with_baggage(Baggage::default().insert("a", "1"))
        .with_span_context(context(1).span_context().clone());
    assert_eq!(inject(&B3Propagator::single(), &other)[0].1, format!("{TRACE}-{SPAN}-1"));
    assert_eq!(other.baggage().get("a"), Some("1"));
    drop(span);
    all_delivered(&client, &collector, 1).await;
}

#[test]
fn carriers_ignore_case_replace_and_keep_order() {
    // conf: PROP-02
    fn check(carrier: &mut (impl Injector + Extractor)) {
        carrier.set("TraceState", "old".to_owned());
        carrier.set("tracestate", "new".to_owned());
        carrier.set("other", "x".to_owned());
        assert_eq!(carrier.get("TRACESTATE"), Some("new"));
        assert_eq!(carrier.get_all("tracestate"), ["new"]);
        assert_eq!((carrier.get("absent"), carrier.get_all("absent").len()), (None, 0));
        let mut keys = Extractor::keys(carrier);
        keys.sort_unstable();
        assert_eq!(keys, ["other", "tracestate"]);
    }
    check(&mut HashMap::<String, String>::new());
    check(&mut BTreeMap::<String, String>::new());
    check(&mut Headers::new());
    let pairs = [("A", "1"), ("b", "2"), ("a", "3")];
    assert_eq!((&pairs[..]).get_all("a"), ["1", "3"]);
    assert_eq!(pairs.get_all("a"), HashMap::from(pairs).get_all("a"));
    assert_eq!(pairs.get_all("a"), BTreeMap::from(pairs).get_all("a"));
}

#[test]
fn the_environment_is_a_carrier() {
    // conf: PROP-38
    let mut command = Command::new("child");
    let set = |command: &mut Command, key: &str| {
        let mut command = EnvironmentInjector::new(command, &CompositePropagator::new());
        command.set(key, "v".to_owned());
    };
    for key in ["traceparent", "x-b3-traceid", "1st", "", "Größe", "_a.b"] {
        set(&mut command, key);
    }
    let mut names: Vec<_> = command.get_envs().map(|(name, _)| name.to_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["GR__E", "TRACEPARENT", "X_B3_TRACEID", "_", "_1ST", "_A_B"]);

    // What this process inherited and does not hand on is removed; what no process could have is not set.
    let mut command = Command::new("child");
    let propagator = CompositePropagator::w3c();
    let sent = context(1).with_baggage(Baggage::default().insert("tenant", "blue"));
    let mut carrier = EnvironmentInjector::new(&mut command, &propagator);
    propagator.inject(&sent, &mut carrier);
    carrier.set("bad", "a\0b".to_owned());
    let environment: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    assert_eq!(environment.len(), 3);
    assert!(environment.contains(&("TRACESTATE".into(), None)));

    let given = environment.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let given: EnvironmentExtractor =
        given.chain([("traceparent".into(), "x".into()), ("PATH".into(), "/bin".into())]).collect();
    assert_eq!(given.keys(), ["BAGGAGE", "TRACEPARENT", "PATH"], "only names that a key could have");
    let found = propagator.extract(&TraceContext::default(), &given);
    assert_eq!(found, sent.clone().with_span_context(sent.span_context().clone().with_remote(true)));
    assert!(!format!("{given:?}").contains("blue"), "values are no one's business");

    let lookup = |name: &str| (name == "TRACEPARENT").then(|| format!("00-{TRACE}-{SPAN}-00"));
    let given = EnvironmentExtractor::from_lookup(&propagator, lookup);
    assert!(propagator.extract(&TraceContext::default(), &given).is_valid());
    let _ = EnvironmentExtractor::from_process();
}

fn any_context() -> impl Strategy<Value = TraceContext> {
    let state = proptest::collection::vec(("[a-z0-9][a-z0-9_*/@-]{0,9}", "[ -+\\--<>-~]{0,9}[!-+]"), 0..5);
    (any::<[u8; 16]>(), any::<[u8; 8]>(), any::<u8>(), state).prop_map(|(trace_id, span_id, flags, state)| {
        let state =
            state.iter().fold(TraceState::default(), |state, (key, value)| state.insert(key, value).unwrap());
        SpanContext::new(
            TraceId::from_bytes(trace_id),
            SpanId::from_bytes(span_id),
            TraceFlags::from_bits(flags),
        )
        .with_trace_state(state)
        .into()
    })
}

proptest! {
    #[test]
    fn w3c_goes_there_and_back(context in any_context()) {
        // conf: PROP-11, PROP-14, PROP-23
        let found = TraceContextPropagator.extract(&TraceContext::default(), &inject(&TraceContextPropagator, &context));
        let sent = context.span_context();
        let flags = TraceFlags::from_bits(sent.flags().bits() & 3);
        let expected = SpanContext::new(sent.trace_id(), sent.span_id(), flags).with_trace_state(sent.trace_state().clone());
        prop_assert_eq!(found.span_context(), &if sent.is_valid() { expected.with_remote(true) } else { SpanContext::default() });
    }

    #[test]
    fn b3_goes_there_and_back(context in any_context(), is_debug: bool, is_multi: bool) {
        // conf: PROP-37
        let propagator = if is_multi { B3Propagator::multi() } else { B3Propagator::single() };
        let context = if is_debug {
            let header = format!("{}-{}-d", context.trace_id(), context.span_id());
            extract(&propagator, &[("b3", &header)])
        } else {
            context
        };
        let sent = inject(&propagator, &context);
        let found = propagator.extract(&TraceContext::default(), &sent);
        let ids = |context: &TraceContext| (context.trace_id(), context.span_id(), context.is_sampled());
        if context.is_valid() {
            prop_assert_eq!(ids(&found), ids(&context));
            prop_assert_eq!(inject(&propagator, &found), sent);
        } else {
            prop_assert!(sent.is_empty() && !found.is_valid());
        }
    }

    /// Whatever is in the headers, nothing panics, and a context that was found stands in them.
    #[test]
    fn nothing_is_invented(parent in "[0-9a-f-]{0,60}|\\PC{0,60}", state in "\\PC{0,40}", b3 in "[0-9a-fd-]{0,60}|\\PC{0,60}") {
        // conf: PROP-01, PROP-06
        let all = CompositePropagator::w3c().with(B3Propagator::single());
        let found = extract(&all, &[("traceparent", &parent), ("tracestate", &state), ("b3", &b3)]);
        if found.is_valid() {
            let (text, span) = (format!("{parent}{}", b3.to_lowercase()), found.span_id().to_string());
            prop_assert!(text.contains(&span));
        }
        prop_assert_eq!(found.is_valid(), found.is_remote());
    }
}
