//! The counts of what a proxy has seen: what waits look at, and what timeouts print.
//!
//! Kept by the proxy's connections, read by tests.

use std::fmt;

/// What a [`FaultProxy`](crate::FaultProxy) has seen so far, in numbers, over its whole life.
///
/// ```
/// let tally = otlp_testkit::ProxyTally::default();
/// assert_eq!(tally.open(), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ProxyTally {
    /// Connections accepted.
    pub opened: u64,
    /// Connections that have ended: both sides have closed, one broke, or a fault closed it.
    pub closed: u64,
    /// Connections closed because the server could not be reached.
    pub unreachable: u64,
    /// Bytes passed on to the server.
    pub to_server: u64,
    /// Bytes passed on to clients, those that the proxy made up included.
    pub to_client: u64,
    /// HTTP/2 streams opened by clients. These and the following are counted on connections with a
    /// [`Fault::http2`](crate::Fault::http2) only.
    pub streams: u64,
    /// The most streams that were open on one connection at the same time.
    pub most_streams: u64,
    /// Streams that the server was not shown, because they came after a GOAWAY.
    pub ignored_streams: u64,
    /// Streams reset by clients (RST_STREAM).
    pub resets: u64,
    /// PINGs of clients.
    pub pings: u64,
    /// SETTINGS acknowledged by clients: they have read the scripted ones.
    pub settings_acks: u64,
    /// GOAWAYs of clients.
    pub goaways: u64,
}

impl ProxyTally {
    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.opened - self.closed
    }
}

impl fmt::Display for ProxyTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { opened, closed, unreachable, to_server, to_client, streams, pings, .. } = self;
        write!(f, "{opened} connections were opened, {closed} closed, {unreachable} not connected")?;
        write!(f, "; {to_server} bytes went to the server, {to_client} to clients")?;
        write!(f, "; HTTP/2: {streams} streams, {pings} pings")
    }
}

/// What a client did on an HTTP/2 connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Opened a stream; now there are so many.
    Stream {
        open: u64,
    },
    Ignored,
    Reset,
    Ping,
    SettingsAck,
    Goaway,
}

impl ProxyTally {
    pub(crate) fn count(&mut self, event: Event) {
        match event {
            Event::Stream { open } => {
                self.streams += 1;
                self.most_streams = self.most_streams.max(open);
            }
            Event::Ignored => self.ignored_streams += 1,
            Event::Reset => self.resets += 1,
            Event::Ping => self.pings += 1,
            Event::SettingsAck => self.settings_acks += 1,
            Event::Goaway => self.goaways += 1,
        }
    }
}
