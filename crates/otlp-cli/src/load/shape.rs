//! What the spans of a load look like.
//!
//! Used by the producers. Knows nothing of rates and clocks but the one that measures `Span::end`.

use super::histogram::Histogram;
use clap::Args;
use otlp::{Span, SpanKind, StatusCode, Tracer, ValueRef};
use tokio::time::Instant;

/// The shape of a trace.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "The spans")]
pub(crate) struct Shape {
    /// Attributes of each span.
    #[arg(long, default_value_t = 5)]
    attributes: u16,

    /// The length of each attribute's value, in bytes.
    #[arg(long, default_value_t = 16, value_name = "BYTES")]
    attribute_size: u16,

    /// Events of each span.
    #[arg(long, default_value_t = 0)]
    events: u16,

    /// Children below each root: a trace has one span more than that.
    #[arg(long, default_value_t = 0)]
    children: u16,

    /// The share of spans, in percent, that end with an error and an event about it.
    #[arg(long, default_value_t = 0.0, value_parser = super::percent, value_name = "PERCENT")]
    errors: f64,
}

/// The texts of a shape, made once.
pub(super) struct Stencil {
    shape: Shape,
    keys: Vec<String>,
    value: String,
}

impl Stencil {
    pub(super) fn new(shape: Shape) -> Self {
        let keys = (0..shape.attributes).map(|number| format!("load.attribute.{number}")).collect();
        let value = "v".repeat(usize::from(shape.attribute_size));
        Self { shape, keys, value }
    }

    /// Makes and ends a trace of at most `most` spans; how many there were.
    pub(super) fn trace(&self, tracer: &Tracer, most: u64, ends: &Histogram) -> u64 {
        let mut root = tracer.start("load root");
        let children = u64::from(self.shape.children).min(most.saturating_sub(1));
        for _ in 0..children {
            let mut child = tracer.start_with_context("load child", SpanKind::Internal, &root.context());
            self.finish(&mut child, ends);
        }
        self.finish(&mut root, ends);
        children + 1
    }

    fn finish(&self, span: &mut Span, ends: &Histogram) {
        for key in &self.keys {
            span.set_attribute(key.as_str(), self.value.as_str());
        }
        for _ in 0..self.shape.events {
            span.add_event("load event", &[("load.event", ValueRef::Int(1))]);
        }
        if self.shape.errors > 0.0 && fastrand::f64() < self.shape.errors {
            span.add_event("exception", &[("exception.type", ValueRef::from("LoadError"))]);
            span.set_status(StatusCode::Error, "made to fail");
        }
        let started = Instant::now();
        span.end();
        ends.record(started.elapsed());
    }
}
