//! Bodies of requests: encoded spans, one after the other, the same strings each time or strings that vary.

use bytes::Bytes;
use otlp_benches::typed;
use otlp_model::{Groups, InstrumentationScope, KeyValue, Limits, Resource};
use std::str::FromStr;

/// What a span of the benchmark has on the wire, for figures per span.
pub(crate) const SPAN_BYTES: f64 = 380.0;

/// The size of the client's requests unless told otherwise.
pub(crate) const REQUEST_BYTES: usize = 2 * 1024 * 1024;

/// How much one span resembles the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ids, times and one number vary.
    Same,
    /// Several strings vary, too, as in a service with many routes and users.
    Varied,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Varied => "varied",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "same" => Ok(Self::Same),
            "varied" => Ok(Self::Varied),
            _ => Err(format!("{word}: expected same or varied")),
        }
    }
}

/// About `bytes` bytes of spans.
pub(crate) fn of(kind: Kind, bytes: usize) -> Bytes {
    let groups = Groups::new();
    let group = groups.register(&Resource::new(), &InstrumentationScope::new("send"));
    let mut random = fastrand::Rng::with_seed(7);
    let mut body = Vec::with_capacity(bytes + 1024);
    let mut time = 1_700_000_000_000_000_000;
    let mut trace = [0; 16];
    for number in 1.. {
        if number % 10 == 1 {
            random.fill(&mut trace);
        }
        let mut span = typed(number);
        let id = random.u64(1..).to_be_bytes();
        span.context = otlp::SpanContext::new(
            otlp::TraceId::from_bytes(trace),
            otlp::SpanId::from_bytes(id),
            otlp::TraceFlags::SAMPLED,
        );
        time += random.u64(1_000..2_000_000);
        span.start_time_unix_nano = time;
        span.end_time_unix_nano = time + random.u64(100_000..50_000_000);
        if kind == Kind::Varied {
            let user = random.u32(..1_000_000);
            let path = format!("/api/{}/{user}", WORDS[random.usize(..WORDS.len())]);
            span.name = format!("{} {path}", WORDS[random.usize(..WORDS.len())]).into();
            span.attributes[2] = KeyValue::new("http.route", path);
            span.attributes[3] =
                KeyValue::new("server.address", format!("pod-{:05x}.internal", random.u32(..4096)));
            span.attributes[4] = KeyValue::new("user.id", u64::from(user));
        }
        body.extend_from_slice(&span.to_record(group, &Limits::default()).bytes);
        if body.len() >= bytes {
            break;
        }
    }
    body.truncate(bytes);
    body.into()
}

const WORDS: [&str; 12] = [
    "users", "orders", "carts", "payments", "sessions", "reviews", "search", "images", "invoices", "devices",
    "messages", "tokens",
];
