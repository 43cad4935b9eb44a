//! One client that meets one scripted answer after the other, and what must become of the spans each time.
//!
//! Used by the rows about what answers look like.

use crate::formats::speaking;
use crate::support::{PATIENCE, books, claim, offer, retry_soon};
use otlp::{Client, DropReason, Protocol, SerializationFormat};
use otlp_testkit::{Collector, Ledger, Reply, Script};

/// Spans for each answer.
const SPANS: u64 = 3;

/// What must become of the spans.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    /// Delivered, with nothing to say.
    Taken,
    /// Delivered, but so many rejected, and the message told.
    Partly(u64, &'static str),
    /// Delivered, with a diagnosis of the body that could not be read.
    TakenUnread,
    /// Delivered or rejected, whatever is told.
    Settled,
    /// Lost at once, with this in the error.
    Refused(&'static str),
    /// Sent again, and then delivered.
    Repeated,
}

/// A client, the collector that answers it, and what was offered so far.
pub(crate) struct Course {
    pub(crate) collector: Collector,
    pub(crate) client: Client,
    ledger: Ledger,
}

impl Course {
    pub(crate) async fn start(protocol: Protocol, format: SerializationFormat) -> Self {
        let collector = Collector::builder().start().await.unwrap();
        let client = speaking(&collector, protocol, format);
        let client = client.with_retry_config(retry_soon()).build().await.unwrap();
        Self { collector, client, ledger: Ledger::new() }
    }

    pub(crate) async fn end(self) {
        let report = books(self.client.shutdown(PATIENCE).await);
        let balance = self.ledger.check(claim(&report), &self.collector.received()).unwrap();
        assert_eq!((balance.duplicates, balance.received_though_unconfirmed), (0, 0));
        assert!(self.collector.malformed().is_empty());
    }

    /// Has spans answered by `reply`, and once more with success if they come again.
    pub(crate) async fn meet(&mut self, name: &str, reply: Reply, fate: Fate) {
        let Self { collector, client, ledger } = self;
        let before = collector.tally().calls();
        collector.set_script(Script::new().first(1, reply).then(Reply::ok()));
        offer(SPANS, &client.tracer("t"), ledger);
        let flushed = client.flush().await;
        let error = flushed.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let report = books(flushed);
        let traces = report.traces.since_last;
        let taken = (traces.delivered, traces.rejected);
        let told = report.last_message.as_deref().unwrap_or_default();
        match fate {
            Fate::Taken | Fate::Repeated => assert_eq!((taken, told), ((SPANS, 0), ""), "{name}: {error}"),
            Fate::Partly(rejected, message) => {
                assert_eq!((taken, told), ((SPANS - rejected, rejected), message), "{name}: {error}");
            }
            Fate::TakenUnread => {
                assert_eq!(taken, (SPANS, 0), "{name}: {error}");
                assert!(told.contains("could not be read"), "{name}: {told}");
            }
            Fate::Settled => assert_eq!(taken.0 + taken.1, SPANS, "{name}: {error}"),
            Fate::Refused(text) => {
                assert_eq!(traces.dropped.get(DropReason::NotRetryable), SPANS, "{name}: {error}");
                assert!(error.contains(text), "{name}: {error}");
            }
        }
        let calls = if matches!(fate, Fate::Repeated) { 2 } else { 1 };
        assert_eq!(collector.tally().calls() - before, calls, "{name}: {error}");
    }
}
