//! What a proxy does to the HTTP/2 of one connection, frame by frame.
//!
//! Built by tests; `state` decides by it and `relay` does it. What a well-formed server can be scripted to do, a status, a
//! reset after the request, a delay, is the collector's [`Reply`](crate::Reply) and not here.

mod frame;
pub(super) mod relay;
mod state;

use bytes::Bytes;

/// Faults of HTTP/2 between a client and a server in clear text, such as a [`Collector`](crate::Collector)'s gRPC
/// endpoint, which goes on decoding and recording what it is shown.
///
/// Streams are numbered from 1 per connection in the order the client opens them; stream *n* of a client has the id 2n−1.
/// Error codes are those of HTTP/2: 0 is NO_ERROR, 7 REFUSED_STREAM, 8 CANCEL, 11 ENHANCE_YOUR_CALM.
///
/// ```
/// use otlp_testkit::{Fault, FaultScript, Goaway, Http2};
///
/// // The first connection says goodbye at its second stream, having seen none but the first.
/// let drained = Http2::pass().goaway_at_stream(2, Goaway::new(0).last_stream(1));
/// let script = FaultScript::new().first(1, Fault::http2(drained));
///
/// let strict = Http2::pass().max_concurrent_streams(1).refuse_pings_after(2);
/// let no_uploads = Http2::pass().window(0);
/// let hostile = Http2::pass().endless_headers_at(1);
/// # drop((script, strict, no_uploads, hostile));
/// ```
#[derive(Debug, Clone)]
pub struct Http2 {
    settings: Vec<(u16, u32)>,
    window: Option<u32>,
    acks_settings: bool,
    pings: Pings,
    goaway: Option<(u64, Goaway)>,
    resets: Vec<(u64, u32)>,
    answers: Vec<(u64, Bomb)>,
}

#[derive(Debug, Clone, Copy)]
enum Pings {
    Answer,
    Ignore,
    RefuseAfter(u64),
}

/// What comes instead of an answer's headers.
#[derive(Debug, Clone, Copy)]
enum Bomb {
    Endless,
    Hpack,
}

impl Http2 {
    /// No fault: frames pass, and are counted.
    #[must_use]
    pub fn pass() -> Self {
        Self {
            settings: Vec::new(),
            window: None,
            acks_settings: true,
            pings: Pings::Answer,
            goaway: None,
            resets: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Puts a value of the proxy's into the server's first SETTINGS, for any id. The server does not hear of it.
    #[must_use]
    pub fn setting(mut self, id: u16, value: u32) -> Self {
        self.settings.retain(|(other, _)| *other != id);
        self.settings.push((id, value));
        self
    }

    /// SETTINGS_MAX_CONCURRENT_STREAMS. A client may open more before it has read it; the
    /// [tally](crate::ProxyTally::most_streams) shows what it did.
    #[must_use]
    pub fn max_concurrent_streams(self, streams: u32) -> Self {
        self.setting(3, streams)
    }

    /// SETTINGS_INITIAL_WINDOW_SIZE: a client may have so many bytes of a request under way. They are granted again as they
    /// arrive, so that requests go through slowly; with 0 none ever goes. A client may send up to 65,535 bytes before it
    /// has read this.
    #[must_use]
    pub fn window(mut self, bytes: u32) -> Self {
        self.window = Some(bytes);
        self.setting(4, bytes)
    }

    /// Never acknowledges the client's SETTINGS.
    #[must_use]
    pub fn without_settings_ack(mut self) -> Self {
        self.acks_settings = false;
        self
    }

    /// Never answers a PING.
    #[must_use]
    pub fn ignore_pings(mut self) -> Self {
        self.pings = Pings::Ignore;
        self
    }

    /// Answers `pings` PINGs, and the next with GOAWAY ENHANCE_YOUR_CALM, "too_many_pings", and the end of the
    /// connection, as gRPC servers do.
    #[must_use]
    pub fn refuse_pings_after(mut self, pings: u64) -> Self {
        self.pings = Pings::RefuseAfter(pings);
        self
    }

    /// Sends a GOAWAY when the client opens its `stream`th stream.
    #[must_use]
    pub fn goaway_at_stream(mut self, stream: u64, goaway: Goaway) -> Self {
        self.goaway = Some((stream, goaway));
        self
    }

    /// Resets the `stream`th stream when it is opened, before its request is read; the server sees a call that is
    /// cancelled at once, of which a collector records nothing. For a reset after the request see [`Reply::reset`](crate::Reply::reset).
    #[must_use]
    pub fn reset_stream(mut self, stream: u64, code: u32) -> Self {
        self.resets.push((stream, code));
        self
    }

    /// Answers the `stream`th stream with headers that never end: a HEADERS frame and CONTINUATION frames for ever. The
    /// request does reach the server, whose answer is dropped.
    #[must_use]
    pub fn endless_headers_at(mut self, stream: u64) -> Self {
        self.answers.push((stream, Bomb::Endless));
        self
    }

    /// Answers the `stream`th stream with a header bomb: one frame of 16 KiB that stands for 48 MiB of headers, by naming
    /// one large field of the compression table again and again. The request does reach the server, whose answer is dropped.
    /// Headers that are simply large are [`Reply::with_header`](crate::Reply::with_header).
    #[must_use]
    pub fn header_bomb_at(mut self, stream: u64) -> Self {
        self.answers.push((stream, Bomb::Hpack));
        self
    }
}

/// The end of an HTTP/2 connection as a server announces it.
///
/// Streams above the last one it names are not shown to the server; those below are finished, then the connection is
/// closed.
///
/// ```
/// use otlp_testkit::Goaway;
/// let restart = Goaway::new(0);
/// let lingering = Goaway::new(0).last_stream(5).keep_open();
/// let angry = Goaway::new(11).with_debug("too_many_pings");
/// # drop((restart, lingering, angry));
/// ```
#[derive(Debug, Clone)]
pub struct Goaway {
    code: u32,
    last_stream: Option<u32>,
    debug: Bytes,
    close: bool,
}

impl Goaway {
    /// With an error code, naming the newest stream as the last one that is processed.
    #[must_use]
    pub fn new(code: u32) -> Self {
        Self { code, last_stream: None, debug: Bytes::new(), close: true }
    }

    /// Names another last stream, by its id: 0 for none, 2³¹−1 for "more to come".
    #[must_use]
    pub fn last_stream(mut self, id: u32) -> Self {
        self.last_stream = Some(id);
        self
    }

    /// Adds the debug text.
    #[must_use]
    pub fn with_debug(mut self, text: &str) -> Self {
        self.debug = Bytes::copy_from_slice(text.as_bytes());
        self
    }

    /// Leaves the connection open when its streams are finished.
    #[must_use]
    pub fn keep_open(mut self) -> Self {
        self.close = false;
        self
    }
}
