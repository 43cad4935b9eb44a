//! What the three exporters share: groups, the way through the client, and what becomes of it in the SDK's words.
//!
//! An export resolves when its batch has an outcome, and is `Ok` only if the receiver took all of it. What was lost, flush and
//! shutdown tell once more: processors keep the answers of exports to themselves. Needs no runtime: the client has its own thread.

mod log;
mod metric;
mod span;

pub use log::LogExporter;
pub use metric::MetricExporter;
pub use span::SpanExporter;

use super::opentelemetry::InstrumentationScope;
use super::targets::Targets;
use super::value;
use opentelemetry_sdk_0_33 as sdk;
use otlp::{BatchSender, Client, DropReason, EncodedRecords, GroupId, Limits, Records, Resource, Signal};
use sdk::error::{OTelSdkError, OTelSdkResult};
use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time the SDK gives a flush.
const FLUSH: Duration = Duration::from_secs(5);

/// An exporter but for what it encodes, for which it keeps a writer `W`.
#[derive(Debug)]
struct Exporter<W> {
    sender: BatchSender,
    timeout: Option<Duration>,
    is_shut_down: AtomicBool,
    state: Mutex<State<W>>,
    lost: Mutex<Lost>,
}

/// What exports have not delivered since a flush told it last.
#[derive(Debug, Default)]
struct Lost {
    items: u64,
    /// The last of their reports.
    report: String,
}

#[derive(Debug)]
struct State<W> {
    writer: W,
    groups: Scopes,
    /// The size of the batch before.
    last_bytes: usize,
}

impl<W> State<W> {
    /// Memory for a batch like the one before: to grow it by doubling would copy every record once more.
    fn records(&self) -> EncodedRecords {
        EncodedRecords::with_capacity(self.last_bytes)
    }
}

/// The groups of scopes under one resource.
#[derive(Debug)]
struct Scopes {
    resource: Resource,
    known: HashMap<InstrumentationScope, Known>,
}

/// The group of a scope, and those of its targets.
#[derive(Debug, Default)]
struct Known {
    own: Option<GroupId>,
    targets: Targets<GroupId>,
}

impl Scopes {
    fn set_resource(&mut self, resource: &sdk::Resource) {
        let attributes = resource.iter().map(|(key, value)| value::to_owned(key.as_str(), value)).collect();
        let schema_url = resource.schema_url().unwrap_or_default().to_owned().into();
        let resource = Resource { attributes, schema_url };
        if resource != self.resource {
            self.resource = resource;
            self.known.clear();
        }
    }

    /// The group of a scope, or of one of its targets; and whether the scope has the target's name.
    fn group(
        &mut self,
        sender: &BatchSender,
        scope: &InstrumentationScope,
        target: Option<&str>,
    ) -> (GroupId, bool) {
        if !self.known.contains_key(scope) {
            self.known.insert(scope.clone(), Known::default());
        }
        let register = |target| sender.group(&self.resource, &value::scope(scope, target));
        let Some(known) = self.known.get_mut(scope) else { return (register(target), true) };
        if let Some(target) = target
            && let Some(group) = known.targets.get_or_insert(target, || register(Some(target)))
        {
            return (group, true);
        }
        (*known.own.get_or_insert_with(|| register(None)), target.is_none())
    }
}

impl<W: Default> Exporter<W> {
    fn new(client: &Client, signal: Signal) -> Self {
        // Until the SDK says whose telemetry it is.
        let groups = Scopes { resource: client.resource().clone(), known: HashMap::new() };
        Self {
            sender: client.batch_sender(signal),
            timeout: None,
            is_shut_down: AtomicBool::new(false),
            state: Mutex::new(State { writer: W::default(), groups, last_bytes: 0 }),
            lost: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_resource(&mut self, resource: &sdk::Resource) {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).groups.set_resource(resource);
    }

    /// The client's limit on the length of values, without which one of them could keep its record from being sent. The
    /// others are the SDK's to apply.
    fn limits(&self) -> Limits {
        let Limits { attribute_value_length, .. } = *self.sender.limits();
        Limits { attribute_value_length, ..Limits::UNLIMITED }
    }

    fn check(&self) -> OTelSdkResult {
        if self.is_shut_down.load(Ordering::SeqCst) { Err(OTelSdkError::AlreadyShutdown) } else { Ok(()) }
    }

    async fn send(&self, records: EncodedRecords) -> OTelSdkResult {
        if records.is_empty() {
            return Ok(());
        }
        self.state().last_bytes = records.bytes();
        let report = self.sender.send(records, self.timeout).await;
        if report.is_delivered() {
            return Ok(());
        }
        let all = report.outcome.items();
        self.lose(all - report.outcome.delivered, report.to_string());
        let is_all = |reason| report.outcome.dropped.get(reason) == all;
        Err(match self.timeout {
            Some(timeout) if is_all(DropReason::Deadline) => OTelSdkError::Timeout(timeout),
            _ if is_all(DropReason::ShutDown) => OTelSdkError::AlreadyShutdown,
            _ => OTelSdkError::InternalFailure(report.to_string()),
        })
    }

    fn lose(&self, items: u64, report: String) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        *lost = Lost { items: lost.items + items, report };
    }

    /// Waits until all that is under way has an outcome. Ok: and nothing was lost since it was asked last.
    fn settle(&self, timeout: Duration) -> OTelSdkResult {
        let in_time = self.sender.settle_blocking(timeout);
        let lost = mem::take(&mut *self.lost.lock().unwrap_or_else(PoisonError::into_inner));
        match lost {
            Lost { items: 0, .. } if in_time => Ok(()),
            Lost { items: 0, .. } => Err(OTelSdkError::Timeout(timeout)),
            Lost { items, report } => Err(OTelSdkError::InternalFailure(format!(
                "{items} items were not delivered since the last flush; the last failure: {report}"
            ))),
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.check()?;
        self.settle(FLUSH)
    }

    fn shut_down(&self, timeout: Duration) -> OTelSdkResult {
        if self.is_shut_down.swap(true, Ordering::SeqCst) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        self.settle(timeout)
    }
}

/// Nanoseconds since the Unix epoch; before it is 0.
fn unix_nano(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
