//! `baggage`: what is taken obeys the grammar of W3C, a bad member falls alone, what is written is a valid header of at most
//! 64 members and 8,192 bytes, and is read again as it was.

use otlp::{Baggage, BaggageEntry};
use otlp_fuzz::Edited;

const SEEDS: [&str; 6] = [
    "key1=value1,key2=value2;property1;property2,key3=value3;propertyKey=propertyValue",
    "tenant = blue ; ttl=30 ,\tcity=K%C3%B6ln",
    "a=1,a=2,,b",
    "a=%ff%41%,b==;=;",
    "quoted=\"x\",back\\slash=1,blank=a b",
    "k=v,k1=v,k2=v,k3=v,k4=v,k5=v,k6=v,k7=v,k8=v,k9=v,k10=v,k11=v,k12=v,k13=v,k14=v,k15=v,k16=v,k17=v,k18=v",
];

/// A member's name and value as they stand there, by the grammar written a second time.
fn member(text: &str) -> Option<(&str, &str)> {
    let blank = [' ', '\t'];
    let (pair, metadata) = text.split_once(';').unwrap_or((text, ""));
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim_matches(blank), value.trim_matches(blank));
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let is_octet = |c: char| matches!(c, '!'..='~') && !"\",;\\".contains(c);
    let is_valid = !name.is_empty()
        && name.chars().all(is_token)
        && value.chars().all(is_octet)
        && metadata.trim_matches(blank).chars().all(|c| is_octet(c) || "; \t".contains(c));
    is_valid.then_some((name, value))
}

#[test]
fn headers() {
    bolero::check!().with_type::<(Edited, Edited)>().for_each(|(first, second)| {
        let (first, second) = (first.text(&SEEDS), second.text(&SEEDS));
        let baggage = Baggage::from_headers([first.as_str(), second.as_str()]);
        let joined = format!("{first},{second}");
        let valid: Vec<(&str, &str)> = joined.split(',').filter_map(member).collect();
        assert!(
            baggage.len() <= 64
                && baggage.iter().all(|entry| valid.iter().any(|(name, _)| *name == entry.name()))
        );
        if joined.len() <= 8192 && valid.len() <= 64 {
            for (name, _) in &valid {
                let raw = valid.iter().rev().find_map(|(other, value)| (other == name).then_some(*value));
                let decoded = baggage.get(name).expect("all that is valid is taken");
                // What has nothing to decode stands there as it is.
                assert!(raw.is_some_and(|raw| raw.contains('%') || raw == decoded), "{joined:?}");
            }
        }
        let header = baggage.to_header().unwrap_or_default();
        assert!(header.len() <= 8192 && header.split(',').filter(|member| !member.is_empty()).count() <= 64);
        assert!(header.is_empty() || header.split(',').all(|text| member(text).is_some()), "{header:?}");
        assert_eq!(Baggage::from_headers([header.as_str()]), baggage);
    });
}

#[test]
fn entries() {
    bolero::check!().with_type::<Vec<(Edited, Edited, Edited)>>().for_each(|entries| {
        let text = |text: &Edited| text.text(&["tenant", "a b;c,d=\"e\"\r\n", "K\u{f6}ln%41"]);
        let entries = entries.iter().map(|(name, value, metadata)| {
            BaggageEntry::new(text(name), text(value)).with_metadata(text(metadata))
        });
        let baggage: Baggage = entries.collect();
        let Some(header) = baggage.to_header() else { return };
        assert!(header.split(',').all(|text| member(text).is_some()), "{header:?}");
        let read = Baggage::from_headers([header.as_str()]);
        assert!(!read.is_empty() && read.len() <= 64 && header.len() <= 8192);
        for entry in read.iter() {
            assert_eq!(baggage.get(entry.name()), Some(entry.value()), "values arrive as they were");
        }
        assert_eq!(read.to_header(), Some(header));
    });
}
