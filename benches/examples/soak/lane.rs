//! One client with its proxy and its collector, and the account of what arrived, span by span.

use crate::Failure;
use otlp::{Client, Protocol, Signal, Tracer};
use otlp_testkit::{Collector, FaultProxy};
use std::fmt;
use std::time::Duration;

/// How long a client may take to deliver everything once nothing is wrong any more. The longest pause is 30 s.
const PATIENCE: Duration = Duration::from_secs(120);

/// See the module.
pub(crate) struct Lane {
    name: &'static str,
    pub(crate) collector: Collector,
    pub(crate) proxy: FaultProxy,
    client: Client,
    tracer: Tracer,
    made: u64,
    arrived: Arrived,
    /// Calls that the collector has answered with an error or not at all.
    refused: u64,
}

/// The numbers of the spans that have arrived. Spans are numbered from 0, so that a bit for each is enough for days.
#[derive(Default)]
struct Arrived {
    bits: Vec<u64>,
    distinct: u64,
    duplicates: u64,
}

impl Lane {
    pub(crate) fn grpc() -> Result<Self, Failure> {
        let collector = Collector::builder().grpc().start_blocking()?;
        let endpoint = collector.grpc_endpoint();
        Self::start("gRPC", Protocol::Grpc, collector, endpoint)
    }

    pub(crate) fn http() -> Result<Self, Failure> {
        let collector = Collector::builder().http().start_blocking()?;
        let endpoint = collector.http_endpoint();
        Self::start("HTTP", Protocol::Http, collector, endpoint)
    }

    fn start(
        name: &'static str,
        protocol: Protocol,
        collector: Collector,
        endpoint: String,
    ) -> Result<Self, Failure> {
        let proxy = FaultProxy::to(endpoint).start_blocking()?;
        let client = Client::builder()
            .with_endpoint(proxy.endpoint())
            .with_protocol(protocol)
            .with_service_name("soak")
            // Shorter than the default, so that more happens in a phase.
            .with_request_timeout(Duration::from_secs(3))
            .build_blocking()?;
        let tracer = client.tracer("soak");
        let (arrived, made, refused) = (Arrived::default(), 0, 0);
        Ok(Self { name, collector, proxy, client, tracer, made, arrived, refused })
    }

    /// Makes so many spans, each named by its number.
    pub(crate) fn make(&mut self, spans: u64) {
        for number in self.made..self.made + spans {
            let mut span = self.tracer.start(number.to_string());
            span.set_attribute("http.route", "/api/users/{id}").set_attribute("cache.hit", true).end();
        }
        self.made += spans;
    }

    /// Waits until everything made so far has arrived, and checks it off.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        let report = self.client.flush_within_blocking(PATIENCE)?;
        let received = self.collector.received();
        for span in received.spans() {
            self.arrived.enter(span.span.name.parse()?);
        }
        self.refused += self.collector.tally().refused_calls;
        // Nothing is in flight: what arrives from now on is of the next phase.
        self.collector.clear();
        let stats = self.client.stats(Signal::Traces);
        let told = stats.delivered + stats.rejected;
        if !stats.is_balanced() || stats.accepted != self.made || told != self.made {
            return Err(format!("{}: {} made, but {report}", self.name, self.made).into());
        }
        if self.arrived.distinct != self.made {
            let (name, distinct) = (self.name, self.arrived.distinct);
            return Err(format!("{name}: {} made, {distinct} arrived, but {report}", self.made).into());
        }
        Ok(())
    }

    /// The last report.
    pub(crate) fn shutdown(self) -> Result<String, Failure> {
        let report = self.client.shutdown_blocking(PATIENCE)?;
        Ok(format!("{}: {report}; {} duplicates", self.name, self.arrived.duplicates))
    }
}

impl Arrived {
    fn enter(&mut self, number: u64) {
        let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let Some(word) = self.bits.get_mut(word) else { return };
        if *word & bit == 0 {
            self.distinct += 1;
        } else {
            self.duplicates += 1;
        }
        *word |= bit;
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, made, arrived, refused, .. } = self;
        write!(f, "{name}: {made} made, {} again, {refused} calls refused", arrived.duplicates)
    }
}
