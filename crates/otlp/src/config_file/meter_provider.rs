//! The meter provider of a configuration file: where the metrics of another SDK go, through an exporter over this client.
//!
//! What the other SDK does itself is not the file's to say here: it may be said as it is anyway, and is refused otherwise.

use super::exporter::{self, FromFile};
use super::node::{At, Node};
use crate::settings::{Settings, timeout};
use otlp_model::Signal;
use std::time::Duration;

pub(super) fn meter_provider(from: &FromFile, at: &At<'_>, settings: &mut Settings) -> Result<(), String> {
    at.only(&["readers", "exemplar_filter"])?;
    let cure = "the SDK decides which exemplars it keeps";
    at.only_as_it_is("exemplar_filter", &Node::Text("trace_based".to_owned()), cure)?;
    let readers = at.need("readers")?;
    let mut list = readers.list()?.into_iter();
    let first = list.next().ok_or_else(|| readers.wrong("must not be empty"))?;
    if let Some(second) = list.next() {
        return Err(second.wrong(
            "metrics have one reader here: make a client for each, of a file of its own, and a reader of the SDK over it",
        ));
    }
    let (_, periodic) = first.component("a reader", &["periodic"])?;
    periodic.only(&["interval", "timeout", "exporter"])?;
    let cure = "the SDK's reader has the interval: `PeriodicReader::builder(…).with_interval(…)`";
    periodic.only_as_it_is("interval", &Node::Int(60_000), cure)?;
    let mut signal = exporter::exporter(from, &periodic, Signal::Metrics)?;
    let time = periodic.get("timeout")?.map(|at| at.count(0).map(timeout)).transpose()?;
    signal.export_timeout = from.or_default(time, Duration::from_secs(30));
    signal.enabled = Some(from.given(true));
    *settings.signals.get_mut(Signal::Metrics) = signal;
    settings.temporality = exporter::temporality(from, &periodic)?;
    Ok(())
}
