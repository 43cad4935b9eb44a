//! The receiver of one run: a collector that decodes, with a fault played on it. It counts distinct spans, and swears that
//! it took nothing while it was down.

use super::plan::Fault;
use crate::Transport;
use otlp_testkit::{Collector, Error, Reply};
use std::collections::HashSet;
use std::time::Duration;

/// A running receiver.
pub(super) struct Receiver {
    collector: Collector,
    transport: Transport,
}

/// What arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Arrived {
    /// Spans with different ids.
    pub(super) distinct: u64,
    /// Spans that had arrived before.
    pub(super) duplicates: u64,
}

impl Receiver {
    /// A receiver in the state that the fault begins with.
    pub(super) fn start(transport: Transport, fault: Fault) -> Result<Self, String> {
        let builder = match transport {
            Transport::Grpc => Collector::builder().grpc(),
            Transport::Http => Collector::builder().http(),
        };
        let reply = match fault {
            Fault::Silent => Reply::hang(),
            Fault::Unavailable => Reply::unavailable(),
            Fault::Healthy | Fault::Outage { .. } | Fault::Refused => Reply::ok(),
        };
        let collector = builder.reply(reply).start_blocking().map_err(text)?;
        let is_down = match fault {
            Fault::Refused => true,
            Fault::Outage { after, .. } => after.is_zero(),
            _ => false,
        };
        if is_down {
            collector.kill_blocking().map_err(text)?;
        }
        Ok(Self { collector, transport })
    }

    pub(super) fn endpoint(&self) -> String {
        match self.transport {
            Transport::Grpc => self.collector.grpc_endpoint(),
            Transport::Http => self.collector.http_endpoint(),
        }
    }

    /// Plays the rest of the fault, from the start of the program on.
    pub(super) fn play(&self, fault: Fault) -> Result<(), String> {
        let Fault::Outage { after, lasts } = fault else { return Ok(()) };
        std::thread::sleep(after);
        self.collector.kill_blocking().map_err(text)?;
        let before = self.collector.tally();
        self.must_refuse()?;
        std::thread::sleep(lasts);
        self.must_refuse()?;
        if self.collector.tally() != before {
            return Err("the receiver took something while it was down".to_owned());
        }
        self.collector.restart_blocking().map_err(text)
    }

    fn must_refuse(&self) -> Result<(), String> {
        let endpoint = self.endpoint();
        let address = endpoint.trim_start_matches("http://");
        let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
        match std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
            Ok(_) => Err("the receiver took a connection while it was down".to_owned()),
            Err(_) => Ok(()),
        }
    }

    /// What has arrived by now.
    pub(super) fn arrived(&self) -> Arrived {
        let received = self.collector.received();
        let distinct = received.span_ids().collect::<HashSet<_>>().len() as u64;
        Arrived { distinct, duplicates: received.items() - distinct }
    }
}

fn text(error: Error) -> String {
    error.to_string()
}
