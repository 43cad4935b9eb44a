//! What a proxy does to one connection: to its bytes in each direction, or to its HTTP/2 frames.
//!
//! Built by tests, carried out by `bytes` and `http2`. Never decides for which connection: that is the
//! [`FaultScript`](crate::FaultScript).

use crate::Http2;
use std::time::Duration;

/// What happens to one connection through a [`FaultProxy`](crate::FaultProxy).
///
/// ```
/// use otlp_testkit::{Cut, Fault, Flow, Http2};
/// use std::time::Duration;
///
/// let slow_answers = Fault::to_client(Flow::pass().drip(1, Duration::from_secs(1)));
/// let broken_upload = Fault::to_server(Flow::pass().cut_after(10_000, Cut::Reset));
/// let both = Fault::bytes(Flow::pass().delay(Duration::from_millis(50)), Flow::pass().stall_after(9));
/// let one_at_a_time = Fault::http2(Http2::pass().max_concurrent_streams(1));
/// # drop((slow_answers, broken_upload, both, one_at_a_time));
/// ```
#[derive(Debug, Clone)]
pub struct Fault {
    pub(crate) kind: Kind,
    pub(crate) held: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Bytes { to_server: Flow, to_client: Flow },
    Frames(Http2),
    BlackHole,
}

impl Fault {
    fn new(kind: Kind) -> Self {
        Self { kind, held: false }
    }

    /// No fault: every byte passes, and so does the way a side closes.
    #[must_use]
    pub fn pass() -> Self {
        Self::bytes(Flow::pass(), Flow::pass())
    }

    /// What happens to the bytes of each direction.
    #[must_use]
    pub fn bytes(to_server: Flow, to_client: Flow) -> Self {
        Self::new(Kind::Bytes { to_server, to_client })
    }

    /// What happens to what the client sends; answers pass.
    #[must_use]
    pub fn to_server(flow: Flow) -> Self {
        Self::bytes(flow, Flow::pass())
    }

    /// What happens to what the server answers; requests pass.
    #[must_use]
    pub fn to_client(flow: Flow) -> Self {
        Self::bytes(Flow::pass(), flow)
    }

    /// The connection is closed as soon as it is accepted; the server never sees it. For a port where connecting itself
    /// is refused see [`FaultProxy::refuse`](crate::FaultProxy::refuse).
    #[must_use]
    pub fn cut(how: Cut) -> Self {
        Self::to_server(Flow::pass().cut_after(0, how))
    }

    /// Accepts, takes whatever the client sends, and never answers. The server never sees the connection.
    #[must_use]
    pub fn black_hole() -> Self {
        Self::new(Kind::BlackHole)
    }

    /// A peer that has vanished: accepts, then neither reads, forwards nor closes anything. What the client sends is
    /// acknowledged by the kernel until its buffers are full; a machine that is truly gone would not even do that.
    #[must_use]
    pub fn half_open() -> Self {
        Self::bytes(Flow::pass().stall_after(0), Flow::pass().stall_after(0))
    }

    /// Faults of HTTP/2, frame by frame, before a server that speaks it in clear text.
    #[must_use]
    pub fn http2(frames: Http2) -> Self {
        Self::new(Kind::Frames(frames))
    }

    /// Holds the connection, before its first byte, until the connection after it has been served: has had the first byte
    /// of an answer, or is closed. So requests on two connections arrive in the other order.
    #[must_use]
    pub fn held(mut self) -> Self {
        self.held = true;
        self
    }
}

/// What happens to the bytes of one direction. The refinements combine.
///
/// ```
/// use otlp_testkit::{Cut, Flow};
/// use std::time::Duration;
/// let slow_then_gone = Flow::pass().drip(10, Duration::from_millis(5)).cut_after(100, Cut::Fin);
/// # drop(slow_then_gone);
/// ```
#[derive(Debug, Clone)]
pub struct Flow {
    pub(crate) pace: Option<(usize, Duration)>,
    pub(crate) delay: Duration,
    pub(crate) end: Option<(u64, End)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Cut(Cut),
    Stall,
}

/// How a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// In order (FIN), as a process does that exits: the client reads what was sent before, then the end.
    Fin,
    /// At once (RST), as a machine does that knows nothing of the connection: the client's reads and writes fail.
    Reset,
}

impl Flow {
    /// As it comes.
    #[must_use]
    pub fn pass() -> Self {
        Self { pace: None, delay: Duration::ZERO, end: None }
    }

    /// At most `bytes` bytes (at least 1) at a time, each time after waiting `every`.
    #[must_use]
    pub fn drip(mut self, bytes: usize, every: Duration) -> Self {
        self.pace = Some((bytes.max(1), every));
        self
    }

    /// Passes each piece on `delay` after it was read; the next is read after that.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Passes `bytes` bytes, then closes the connection on both sides.
    #[must_use]
    pub fn cut_after(mut self, bytes: u64, how: Cut) -> Self {
        self.end = Some((bytes, End::Cut(how)));
        self
    }

    /// How the connection is cut before its first byte, if it is.
    pub(crate) fn cuts_at_once(&self) -> Option<Cut> {
        match self.end {
            Some((0, End::Cut(how))) => Some(how),
            _ => None,
        }
    }

    /// Passes `bytes` bytes, then nothing more, and closes nothing: the rest stays unread.
    #[must_use]
    pub fn stall_after(mut self, bytes: u64) -> Self {
        self.end = Some((bytes, End::Stall));
        self
    }
}
