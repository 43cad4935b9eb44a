//! Baggage: its rules, its header, and that it goes wherever the context goes.

use crate::support::{all_delivered, client, grpc};
use otlp::propagation::{BaggagePropagator, TextMapPropagator};
use otlp::{Baggage, BaggageEntry, FutureExt, TraceContext};
use proptest::prelude::*;

fn read(header: &str) -> Vec<(String, String, String)> {
    let owned = |entry: &BaggageEntry| (entry.name().into(), entry.value().into(), entry.metadata().into());
    Baggage::from_headers([header]).iter().map(owned).collect()
}

fn pairs(header: &str) -> Vec<(String, String)> {
    read(header).into_iter().map(|(name, value, _)| (name, value)).collect()
}

fn one(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

#[test]
fn members_follow_the_grammar_and_a_bad_one_falls_alone() {
    // conf: PROP-27, PROP-35
    assert_eq!(pairs("a=1"), one("a", "1"));
    assert_eq!(pairs(" \ta \t=\t 1 \t"), one("a", "1"));
    assert_eq!(pairs("a=b=c=="), one("a", "b=c=="));
    assert_eq!(pairs("a="), one("a", ""));
    assert_eq!(
        pairs("!#$%&'*+-.^_`|~9z=!#$%&'()*+-./:<=>?@[]^_`{|}~"),
        one("!#$%&'*+-.^_`|~9z", "!#$%&'()*+-./:<=>?@[]^_`{|}~")
    );
    for bad in [
        "a",
        "=1",
        "a b=1",
        "a=1 2",
        "a=\"1\"",
        "a=1\\2",
        "é=1",
        "a=é",
        "a\u{0}=1",
        "(a)=1",
        "a=1;\u{7f}",
        "\u{fffd}",
    ] {
        assert_eq!(pairs(bad), [], "{bad:?}");
        assert_eq!(pairs(&format!("{bad},b=2,,{bad}")), one("b", "2"), "{bad:?}");
    }
}

#[test]
fn values_are_decoded_and_keys_are_not() {
    // conf: PROP-28
    assert_eq!(pairs("k%41=K%C3%B6ln+1"), one("k%41", "Köln+1"));
    assert_eq!(pairs("a=%ff%C3"), one("a", "\u{fffd}\u{fffd}"));
    assert_eq!(pairs("a=%2C%3B%3d%25"), one("a", ",;=%"));
    assert_eq!(pairs("a=100%,b=%4"), [one("a", "100%"), one("b", "%4")].concat(), "no encoding, no decoding");
    let entry = BaggageEntry::new("a", "1").with_metadata("p%41=%C3%B6; q \t;r = 1 ;;");
    let properties: Vec<_> = entry.properties().collect();
    assert_eq!(properties, [("p%41", Some("ö".into())), ("q", None), ("r", Some("1".into()))]);
}

#[test]
fn what_must_be_encoded_is() {
    // conf: PROP-29
    let all: String = (0..=0xff_u8).map(char::from).collect();
    let header = Baggage::default().insert("a", all.as_str()).to_header().unwrap();
    let value = header.strip_prefix("a=").unwrap();
    let octet = |byte: u8| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    assert!(value.bytes().all(octet), "{value}");
    for byte in (0..=0x7f_u8).filter(|byte| octet(*byte) && *byte != b'%') {
        assert!(value.contains(char::from(byte)), "{byte:02x} needs no encoding");
    }
    assert!(value.contains("%25") && value.contains("%2C") && value.contains("%20"));
    assert_eq!(pairs(&header), one("a", &all));
}

#[test]
fn metadata_is_opaque() {
    // conf: PROP-30
    for metadata in ["ttl=30;private", "p = a%20b ; ;q", "%", "=;="] {
        let header = format!("a=1;{metadata}");
        assert_eq!(read(&header), [("a".into(), "1".into(), metadata.into())]);
        assert_eq!(Baggage::from_headers([&*header]).to_header().as_deref(), Some(&*header));
    }
    assert_eq!(
        read("a=1; \t,b=2;"),
        [("a", "1", ""), ("b", "2", "")].map(|(n, v, m)| (n.into(), v.into(), m.into()))
    );
}

#[test]
fn one_value_per_name_and_the_later_wins() {
    // conf: PROP-31, PROP-36
    let first = Baggage::default().insert("a", "1");
    let second = first.insert("A", "2").insert("a", "3");
    assert_eq!(
        (first.get("a"), second.get("a"), second.get("A"), second.len()),
        (Some("1"), Some("3"), Some("2"), 2)
    );
    assert_eq!(pairs("a=1,b=2,a=3"), [one("a", "3"), one("b", "2")].concat());
    let odd = first.insert("any name, ö", "\u{1f4a9}\n\0").insert("", "nameless");
    assert_eq!((odd.get("any name, ö"), odd.get(""), odd.len()), (Some("\u{1f4a9}\n\0"), None, 2));
    assert_eq!(odd.remove("any name, ö"), first);
    assert_eq!(odd.remove("absent"), odd);
    assert_eq!(first.remove("a"), Baggage::default());
    let tagged = first.insert_entry(BaggageEntry::new("a", "1").with_metadata("p"));
    assert_eq!(tagged.entry("a").map(BaggageEntry::metadata), Some("p"));
    assert_eq!(tagged.insert("a", "2").entry("a").map(BaggageEntry::metadata), Some(""));
}

#[test]
fn names_that_are_no_tokens_stay_at_home() {
    // conf: PROP-32
    let baggage: Baggage =
        [("a b", "1"), ("ok", "2"), ("ö", "3"), ("a,b=1", "4"), ("a\r\nb", "5")].into_iter().collect();
    assert_eq!(baggage.to_header().as_deref(), Some("ok=2"));
    assert_eq!(baggage.remove("ok").to_header(), None);
}

#[test]
fn limits_cut_whole_members_and_what_is_within_them_passes() {
    // conf: PROP-33, PROP-34
    let many: Vec<_> = (0..70).map(|number| format!("k{number}=v")).collect();
    let (first, second) = many.split_at(30);
    let headers = [first.join(","), second.join(",")];
    let baggage = Baggage::from_headers(headers.iter().map(String::as_str));
    assert_eq!((baggage.len(), baggage.get("k63"), baggage.get("k64")), (64, Some("v"), None));
    assert_eq!(baggage.to_header().unwrap(), many[..64].join(","));
    let more: Baggage = (0..70).map(|number| (format!("k{number}"), "v")).collect();
    assert_eq!((more.len(), more.to_header()), (70, baggage.to_header()));

    let exactly = format!("a={},b=1", "x".repeat(8192 - 2 - 4));
    assert_eq!(exactly.len(), 8192);
    assert_eq!(Baggage::from_headers([&*exactly]).to_header(), Some(exactly.clone()));
    let over = format!("a={},bb=1,c=1", "x".repeat(8192 - 2 - 4));
    let cut = Baggage::from_headers([&*over]);
    assert_eq!(
        cut.iter().map(BaggageEntry::name).collect::<Vec<_>>(),
        ["a", "c"],
        "whole, and what fits still goes"
    );
    let giant = Baggage::default().insert("giant", "x".repeat(9000)).insert("small", "1");
    assert_eq!(giant.to_header().as_deref(), Some("small=1"));
    // It is the encoded length that counts.
    assert_eq!(Baggage::default().insert("a", "ö".repeat(2000)).to_header(), None);
}

#[test]
fn debug_shows_names_only() {
    let baggage =
        Baggage::default().insert_entry(BaggageEntry::new("user", "hunter2").with_metadata("secret"));
    let context = TraceContext::default().with_baggage(baggage.clone());
    for text in [format!("{baggage:?}"), format!("{context:?}"), format!("{:?}", baggage.entry("user"))] {
        assert!(text.contains("user") && !text.contains("hunter2") && !text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn baggage_goes_where_the_context_goes() {
    // conf: PROP-36, SPAN-01
    let collector = grpc().await;
    let client = client(&collector).await;
    let tracer = client.tracer("t");
    let tenant = |context: &TraceContext| context.baggage().get("tenant").map(ToOwned::to_owned);
    // Without a span to be the parent.
    let alone = TraceContext::default().with_baggage(Baggage::default().insert("tenant", "blue"));
    let root = tracer.start_with_context("root", otlp::SpanKind::Internal, &alone);
    assert_eq!(tenant(&root.context()).as_deref(), Some("blue"));
    let built = tracer.span("built").parent(&alone).start();
    let (child, seen) = root.in_span(|| (tracer.start("child"), TraceContext::current()));
    let inside = async { TraceContext::current() }.with_context(child.context()).await;
    let contexts = [built.context(), child.context(), seen.unwrap(), inside.unwrap()];
    assert!(contexts.iter().all(|context| tenant(context).as_deref() == Some("blue")));
    // A span's own baggage is that of its start; a root has none, and nothing is left behind.
    let other = child.context().with_baggage(Baggage::default());
    assert_eq!((tenant(&other), tenant(&child.context()).as_deref()), (None, Some("blue")));
    let _current = child.enter();
    assert_eq!(tenant(&tracer.span("fresh").root().start().context()), None);
    drop((root, built, child));
    all_delivered(&client, &collector, 4).await;
    let spans = collector.received().spans();
    assert!(spans.iter().all(|span| span.span.attributes.is_empty()), "baggage is not recorded by itself");
}

fn entries() -> impl Strategy<Value = Vec<(String, String, String)>> {
    let metadata = "|[a-z]{1,5}(=[a-z0-9%]{0,5})?(;[a-z]{1,3}){0,2}";
    proptest::collection::vec(("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}", "\\PC{0,12}", metadata), 0..70)
}

proptest! {
    #[test]
    fn it_goes_there_and_back(entries in entries()) {
        // conf: PROP-28, PROP-29, PROP-30, PROP-31, PROP-33
        let baggage: Baggage = entries
            .into_iter()
            .map(|(name, value, metadata)| BaggageEntry::new(name, value).with_metadata(metadata))
            .collect();
        let context = TraceContext::default().with_baggage(baggage.clone());
        let mut carrier = Vec::new();
        BaggagePropagator.inject(&context, &mut carrier);
        let arrived = BaggagePropagator.extract(&TraceContext::default(), &carrier);
        let expected: Baggage = baggage.iter().take(64).cloned().collect();
        prop_assert_eq!(arrived.baggage(), &expected);
    }

    #[test]
    fn any_header_is_read_and_what_is_read_stays(headers in proptest::collection::vec("[a-c=;, %C3\"\\\\é]{0,30}", 0..4)) {
        // conf: PROP-01
        let once = Baggage::from_headers(headers.iter().map(String::as_str));
        let again = Baggage::from_headers(once.to_header().as_deref());
        prop_assert_eq!(&again, &once);
        let text = headers.join(",");
        prop_assert!(once.iter().all(|entry| text.contains(entry.name())));
    }
}
