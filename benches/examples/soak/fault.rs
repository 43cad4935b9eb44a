//! The faults of a soak: how each begins, what it does again every second, and how it is lifted.

use crate::Failure;
use crate::lane::Lane;
use otlp_testkit::{Cut, FaultProxy, Flow, Reply, Script};
use std::fmt;
use std::time::Duration;

/// What is wrong in a phase.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    None,
    /// The collector dies and is back at once, about every other second.
    Restarts,
    /// The collector is dead.
    Outage,
    /// Nobody listens.
    Refused,
    /// 503 to every request so many of a hundred.
    Unavailable {
        percent: u64,
    },
    /// "Later", with a delay.
    Throttled {
        after: Duration,
    },
    /// Answers that take their time.
    Slow {
        by: Duration,
    },
    /// Each answer says that one item was rejected.
    PartialSuccess,
    /// Data is taken, and the answer is lost, every so many calls.
    LostAnswers {
        every: u64,
    },
    /// All connections are reset every second.
    Resets,
    /// Connections are taken and nothing comes back, on those already open, too.
    BlackHole,
    /// Answers arrive a few bytes at a time.
    Drip,
    /// Each connection breaks after so many bytes sent.
    CutUploads {
        after: u64,
    },
}

impl Fault {
    pub(crate) fn random(random: &mut fastrand::Rng) -> Self {
        match random.u8(0..13) {
            0 => Self::None,
            1 => Self::Restarts,
            2 => Self::Outage,
            3 => Self::Refused,
            4 => Self::Unavailable { percent: random.u64(20..=100) },
            5 => Self::Throttled { after: Duration::from_millis(random.u64(100..=2_000)) },
            6 => Self::Slow { by: Duration::from_millis(random.u64(50..=2_500)) },
            7 => Self::PartialSuccess,
            8 => Self::LostAnswers { every: random.u64(2..=5) },
            9 => Self::Resets,
            10 => Self::BlackHole,
            11 => Self::Drip,
            _ => Self::CutUploads { after: random.u64(100..=100_000) },
        }
    }

    pub(crate) fn begin(&self, lane: &Lane) -> Result<(), Failure> {
        let (collector, proxy) = (&lane.collector, &lane.proxy);
        match *self {
            Self::None | Self::Restarts | Self::Resets => {}
            Self::Outage => collector.kill_blocking()?,
            Self::Refused => {
                proxy.refuse_blocking()?;
                proxy.cut(Cut::Fin);
            }
            Self::Unavailable { percent } => collector.set_script(Script::from_fn(move |call| {
                // Spread over the calls, and the same each time.
                let refused = call.number * 61 % 100 < percent;
                if refused { Reply::unavailable() } else { Reply::ok() }
            })),
            Self::Throttled { after } => {
                collector.set_script(Reply::resource_exhausted().retry_info(after));
            }
            Self::Slow { by } => collector.set_script(Reply::ok().delay(by)),
            Self::PartialSuccess => {
                collector.set_script(Reply::partial_success(1, "one of them is odd"));
            }
            Self::LostAnswers { every } => collector.set_script(Script::from_fn(move |call| {
                if call.number.is_multiple_of(every) { Reply::accept_then_close() } else { Reply::ok() }
            })),
            Self::BlackHole => {
                proxy.set_script(otlp_testkit::Fault::black_hole());
                proxy.vanish();
            }
            Self::Drip => {
                let drip = Flow::pass().drip(16, Duration::from_millis(5));
                new_connections(proxy, otlp_testkit::Fault::to_client(drip));
            }
            Self::CutUploads { after } => {
                let cut = Flow::pass().cut_after(after, Cut::Reset);
                new_connections(proxy, otlp_testkit::Fault::to_server(cut));
            }
        }
        Ok(())
    }

    /// What happens every second.
    pub(crate) fn again(&self, lane: &Lane, random: &mut fastrand::Rng) -> Result<(), Failure> {
        match self {
            Self::Restarts if random.bool() => lane.collector.restart_blocking()?,
            Self::Resets => lane.proxy.cut(Cut::Reset),
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn lift(&self, lane: &Lane) -> Result<(), Failure> {
        lane.collector.set_script(Reply::ok());
        match self {
            Self::Outage => lane.collector.restart_blocking()?,
            Self::Refused => lane.proxy.accept_blocking()?,
            Self::BlackHole | Self::Drip | Self::CutUploads { .. } => {
                new_connections(&lane.proxy, otlp_testkit::Fault::pass());
            }
            _ => {}
        }
        Ok(())
    }
}

/// From now on every connection has this fault: those that are open are closed.
fn new_connections(proxy: &FaultProxy, fault: otlp_testkit::Fault) {
    proxy.set_script(fault);
    proxy.cut(Cut::Fin);
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("nothing wrong"),
            Self::Restarts => f.write_str("restarts"),
            Self::Outage => f.write_str("outage"),
            Self::Refused => f.write_str("refused connections"),
            Self::Unavailable { percent } => write!(f, "503 to {percent} % of the requests"),
            Self::Throttled { after } => write!(f, "throttling for {after:?}"),
            Self::Slow { by } => write!(f, "answers after {by:?}"),
            Self::PartialSuccess => f.write_str("partial success"),
            Self::LostAnswers { every } => write!(f, "an answer in {every} lost"),
            Self::Resets => f.write_str("resets"),
            Self::BlackHole => f.write_str("black hole"),
            Self::Drip => f.write_str("answers that drip"),
            Self::CutUploads { after } => write!(f, "uploads cut after {after} bytes"),
        }
    }
}
