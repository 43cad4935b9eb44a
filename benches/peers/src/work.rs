//! The work, as data: what every contender makes, each through its own interface.
//!
//! A span is "GET /api/users/{id}" of kind server, with three strings, three integers, a boolean and a float, and one event
//! with one attribute; ten of them are a trace, one root and nine children that end before it. A log record has a body of
//! 100 bytes, severity info and three attributes. Nothing here formats text while it is measured.
//!
//! Strings that vary come from a table with the lifetime of the run, so that a library that needs its strings to be owned
//! or static has to copy them, as it would in an application.

/// The name of every span.
pub const NAME: &str = "GET /api/users/{id}";
/// Spans of a trace, the root included.
pub const TRACE: u64 = 10;
/// The name of the event on every span, and the key of its attribute.
pub const EVENT: &str = "authorized";
/// The instrumentation scope.
pub const SCOPE: &str = "users";
/// The four attributes of the resource.
pub const RESOURCE: [(&str, &str); 4] = [
    ("service.name", "users"),
    ("service.version", "1.4.2"),
    ("deployment.environment.name", "benchmark"),
    ("host.name", "bench-1"),
];

/// The keys of the strings: three attributes of the span, and the attribute of its event.
pub const METHOD: &str = "http.request.method";
/// See [`METHOD`].
pub const ROUTE: &str = "http.route";
/// See [`METHOD`].
pub const ADDRESS: &str = "server.address";
/// See [`METHOD`].
pub const ROLE: &str = "role";
/// An integer: 200.
pub const STATUS: &str = "http.response.status_code";
/// An integer: the number of the item.
pub const USER: &str = "user.id";
/// An integer: 8080.
pub const PORT: &str = "server.port";
/// A boolean: true.
pub const HIT: &str = "cache.hit";
/// A float: 0.25.
pub const SHARE: &str = "queue.share";

/// Values for [`METHOD`], [`ROUTE`], [`ADDRESS`] and [`ROLE`].
pub type Strings<'a> = [&'a str; 4];

/// The values of the fixed workload: the same for each span.
#[must_use]
pub fn fixed(_number: u64) -> Strings<'static> {
    ["GET", "/api/users/{id}", "users.internal", "reader"]
}

const ENTRIES: u64 = 4096;

/// The values of the varied workload, and the bodies of log records: 4,096 of each, in turn.
#[derive(Debug)]
pub struct Table {
    strings: Vec<[String; 4]>,
    bodies: Vec<String>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// Makes the table; the same each time.
    #[must_use]
    pub fn new() -> Self {
        const METHODS: [&str; 4] = ["GET", "PUT", "POST", "DELETE"];
        // Spreads neighbours, so that lengths and digits vary from one to the next.
        let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let strings = (0..ENTRIES).map(|n| {
            let id = spread(n) % 10u64.pow(1 + n as u32 % 6);
            [
                METHODS[spread(n + 1) as usize % METHODS.len()].to_owned(),
                format!("/api/users/{id}/orders/{}", spread(n + 2) % 1000),
                format!("users-{}.zone-{}.internal", spread(n + 3) % 200, n % 3),
                format!("user-{id}"),
            ]
        });
        let bodies = (0..ENTRIES).map(|n| {
            let text =
                format!("order {} of user {} was accepted and charged ", spread(n), spread(n + 1) % 5000);
            format!("{text:.<100}")
        });
        Self { strings: strings.collect(), bodies: bodies.collect() }
    }

    /// The strings of a span.
    #[inline]
    #[must_use]
    pub fn strings(&self, number: u64) -> Strings<'_> {
        let [method, route, address, role] = &self.strings[(number % ENTRIES) as usize];
        [method, route, address, role]
    }

    /// The body of a log record, 100 bytes.
    #[inline]
    #[must_use]
    pub fn body(&self, number: u64) -> &str {
        &self.bodies[(number % ENTRIES) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn bodies_have_100_bytes_and_strings_vary() {
        let table = Table::new();
        assert!((0..ENTRIES).all(|n| table.body(n).len() == 100));
        let routes: HashSet<_> = (0..ENTRIES).map(|n| table.strings(n)[1]).collect();
        assert!(routes.len() > 3000, "{}", routes.len());
    }
}
