//! The span that everything is measured with: `GET /api/users/{id}`, as in a web service.

use otlp::{
    Event, Key, KeyValue, Span, SpanContext, SpanData, SpanId, SpanKind, TraceFlags, TraceId, Tracer,
};

/// How much a span carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing but its name.
    Bare,
    /// Two attributes.
    Two,
    /// Eight attributes (three texts, three integers, a boolean, a float) and an event with one.
    Full,
    /// The same, by keys that were prepared at compile time.
    Keyed,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Bare, Self::Two, Self::Full, Self::Keyed];

    /// The shape's name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "0 attributes",
            Self::Two => "2 attributes",
            Self::Full => "8 attributes + event",
            Self::Keyed => "8 attributes by prepared keys + event",
        }
    }

    /// Whether it has eight attributes and an event.
    #[must_use]
    pub const fn is_full(self) -> bool {
        matches!(self, Self::Full | Self::Keyed)
    }
}

/// Makes one span, from start to end.
#[inline]
pub fn make(tracer: &Tracer, shape: Shape, number: i64) {
    let mut span = tracer.start("GET /api/users/{id}");
    if shape == Shape::Keyed {
        set_by_keys(&mut span, number);
    } else if shape != Shape::Bare {
        span.set_attribute("http.request.method", "GET").set_attribute("http.response.status_code", 200);
    }
    if shape == Shape::Full {
        span.set_attribute("http.route", "/api/users/{id}")
            .set_attribute("server.address", "users.internal")
            .set_attribute("user.id", number)
            .set_attribute("server.port", 8080)
            .set_attribute("cache.hit", true)
            .set_attribute("queue.share", 0.25);
    }
    if shape.is_full() {
        span.add_event("authorized", &[("role", "reader".into())]);
    }
    span.end();
}

#[inline]
fn set_by_keys(span: &mut Span, number: i64) {
    static METHOD: Key = Key::new("http.request.method");
    static STATUS: Key = Key::new("http.response.status_code");
    static ROUTE: Key = Key::new("http.route");
    static ADDRESS: Key = Key::new("server.address");
    static USER: Key = Key::new("user.id");
    static PORT: Key = Key::new("server.port");
    static HIT: Key = Key::new("cache.hit");
    static SHARE: Key = Key::new("queue.share");
    span.set_attribute(&METHOD, "GET")
        .set_attribute(&STATUS, 200)
        .set_attribute(&ROUTE, "/api/users/{id}")
        .set_attribute(&ADDRESS, "users.internal")
        .set_attribute(&USER, number)
        .set_attribute(&PORT, 8080)
        .set_attribute(&HIT, true)
        .set_attribute(&SHARE, 0.25);
}

/// The full span as typed data.
#[must_use]
pub fn typed(number: u64) -> SpanData {
    let context = SpanContext::new(
        TraceId::from_bytes([7; 16]),
        SpanId::from_bytes(number.to_be_bytes()),
        TraceFlags::SAMPLED,
    );
    let mut span =
        SpanData::new(context, "GET /api/users/{id}", 1_700_000_000_000_000_000, 1_700_000_000_001_000_000);
    span.kind = SpanKind::Server;
    span.attributes = vec![
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("http.response.status_code", 200),
        KeyValue::new("http.route", "/api/users/{id}"),
        KeyValue::new("server.address", "users.internal"),
        KeyValue::new("user.id", number),
        KeyValue::new("server.port", 8080),
        KeyValue::new("cache.hit", true),
        KeyValue::new("queue.share", 0.25),
    ];
    span.events = vec![Event {
        name: "authorized".into(),
        time_unix_nano: 1_700_000_000_000_500_000,
        attributes: vec![KeyValue::new("role", "reader")],
        dropped_attributes_count: 0,
    }];
    span
}
