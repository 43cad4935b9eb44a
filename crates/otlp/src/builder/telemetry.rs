//! Builder options about what is recorded, and whose it is: the resource, the sampler, the loggers' filter, the
//! limits; and how contexts travel.

use super::ClientBuilder;
use crate::config::TemporalityPreference;
use crate::decision::Decider;
use crate::detect::Detector;
use crate::hook::{LogHook, SpanHook};
use crate::id_generator::IdGenerator;
use crate::propagation::TextMapPropagator;
use otlp_model::{Limits, Resource, Severity};
use otlp_sampling::Sampler;
use std::borrow::Cow;
use std::sync::Arc;

impl ClientBuilder {
    /// Adds to the resource what detectors find: [`detect::STANDARD`](crate::detect::STANDARD), some of them, or your own functions. They
    /// run now. Default: none; [`otlp::init`](crate::init) has the standard ones.
    ///
    /// What they find yields to the environment and to [`with_resource`](Self::with_resource), and later ones go before earlier ones.
    ///
    /// ```
    /// use otlp::{Client, Resource, detect};
    /// fn region() -> Resource {
    ///     Resource::new().with("cloud.region", "eu-north-1")
    /// }
    /// let builder = Client::builder().with_resource_detectors(&[detect::host, detect::os, region]);
    /// # let _ = builder;
    /// ```
    pub fn with_resource_detectors(self, detectors: &[Detector]) -> Self {
        let before = self.detected.clone().unwrap_or_default();
        let detected = detectors.iter().fold(before, |found, detect| found.merge(detect()));
        Self { detected: Some(detected), ..self }
    }

    /// The `service.name` of the resource, whatever else the resource holds. Default
    /// `unknown_service:<executable>` (conformance RES-03).
    pub fn with_service_name(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { service_name: Some(name.into()), ..self }
    }

    /// The resource, used as given: the default one is not merged in (conformance RES-14); see
    /// [`default_resource`](crate::default_resource).
    pub fn with_resource(self, resource: Resource) -> Self {
        Self { resource: Some(resource), ..self }
    }

    /// Which spans are recorded and sent. Default: all, but children follow their parent. Which sampler to take is the
    /// subject of a page of its own, docs/sampling.md. A sampler's decision to record
    /// without sampling is the same as to drop: nothing in this client reads what is not sent.
    pub fn with_sampler(self, sampler: impl Sampler + 'static) -> Self {
        Self { sampler: Some(Decider::new(sampler)), ..self }
    }

    /// The least severity of log records that are taken: of what loggers make, whatever is below is left out, as if nobody had
    /// logged it, and appears in no count. Records that name no severity pass (conformance LOG-12). Default: all pass. One
    /// logger's own: [`Logger::with_severity_threshold`](crate::Logger::with_severity_threshold).
    pub fn with_log_severity_threshold(self, threshold: Severity) -> Self {
        Self { log_severity_threshold: Some(threshold), ..self }
    }

    /// `true`: log records of spans that are not sampled are left out, so that traces and logs thin out together (conformance
    /// LOG-12). Those outside of any span pass. Default `false`. One logger's own:
    /// [`Logger::with_trace_based`](crate::Logger::with_trace_based).
    pub fn with_trace_based_logs(self, trace_based: bool) -> Self {
        Self { trace_based_logs: Some(trace_based), ..self }
    }

    /// Where new trace and span ids come from. Default: random numbers, without a system call or an allocation; a generator
    /// of your own is asked on a longer way, which costs each span some 100 ns.
    pub fn with_id_generator(self, generator: impl IdGenerator + 'static) -> Self {
        Self { id_generator: Some(Box::new(generator)), ..self }
    }

    /// What is done with every span where it is made: attributes added at its start; redacted, or left out, at its end. Hooks run
    /// in the order in which they are added, on the application's threads, and must not block. Default: none, at no cost.
    ///
    /// They see what tracers make and what is exported typed, and not the batches of a [`BatchSender`](crate::BatchSender), which
    /// another SDK with hooks of its own has made.
    pub fn with_span_hook(mut self, hook: impl SpanHook) -> Self {
        self.hooks.add_span_hook(hook);
        self
    }

    /// What is done with every log record when it is emitted; otherwise as [`with_span_hook`](Self::with_span_hook).
    pub fn with_log_hook(mut self, hook: impl LogHook) -> Self {
        self.hooks.add_log_hook(hook);
        self
    }

    /// `true`: a log record that has an event's name, and is emitted in a span that this client records, is copied to that span as
    /// an event: name, time and attributes, not the body (conformance LOG-15). The log record is sent as well. Default `false`.
    ///
    /// For receivers that show the events of spans and not those among logs. What hooks of logs remove is not copied, and hooks
    /// of spans see the copy. It costs every span a lock that all of them share, and spans with such events are written anew. Of
    /// more than 65,536 spans that are open at once the latest get no copies; where logs are off, there is nothing to copy.
    ///
    /// ```
    /// # async fn f() -> Result<(), otlp::Error> {
    /// use otlp::{Client, Severity};
    /// let client = Client::builder().with_events_on_spans(true).build().await?;
    /// client.tracer("shop").in_span("checkout", |_| {
    ///     client.logger("shop").record(Severity::Info).event_name("cart.locked").attribute("cart.id", "c-17").emit();
    /// });
    /// # Ok(()) }
    /// ```
    pub fn with_events_on_spans(self, copied: bool) -> Self {
        Self { events_on_spans: Some(copied), ..self }
    }

    /// Limits of attributes, events and links. Default: the specification's. Values may nest at most
    /// [`Limits::MAX_DEPTH`] levels deep. Whatever the limits, a text or byte array in an attribute is cut where it would take
    /// more than half of a request ([`with_max_request_bytes`](Self::with_max_request_bytes); 1 MiB by default, counted in
    /// characters): one such value would cost its whole span, which could not be sent.
    ///
    /// What is left out is counted in its span or log record. When that happens first to either signal, the client warns in
    /// the application's log, target `otlp::limits`.
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits: Some(limits), ..self }
    }

    /// The temporality that exporters of metrics prefer who send with this client and are told nothing else, for whoever asks
    /// [`Client::temporality_preference`](crate::Client::temporality_preference). The client itself aggregates nothing, and sends
    /// data points as they are. Default: cumulative (conformance METR-59).
    ///
    /// ```
    /// use otlp::TemporalityPreference;
    /// let builder = otlp::Client::builder().with_temporality_preference(TemporalityPreference::Delta);
    /// ```
    pub fn with_temporality_preference(self, preference: TemporalityPreference) -> Self {
        Self { temporality: Some(preference), ..self }
    }

    /// The formats in which contexts travel between processes, for whoever asks
    /// [`Client::propagator`](crate::Client::propagator): middleware, and your own code. Nothing is written or read by itself.
    /// Default: W3C trace context and W3C baggage,
    /// [`CompositePropagator::w3c`](crate::propagation::CompositePropagator::w3c). Which to take is the subject of
    /// docs/context.md.
    ///
    /// ```
    /// use otlp::propagation::B3Propagator;
    /// let builder = otlp::Client::builder().with_propagator(B3Propagator::multi());
    /// ```
    pub fn with_propagator(self, propagator: impl TextMapPropagator + 'static) -> Self {
        Self { propagator: Some(Arc::new(propagator)), ..self }
    }
}
