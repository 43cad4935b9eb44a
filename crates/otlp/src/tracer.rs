//! Starting spans: parents, ids, the sampler's decision.

use crate::context::{TraceContext, is_any_current, with_current};
use crate::decision::ask;
use crate::shared::Shared;
use crate::span::Span;
use crate::{Timestamp, id_generator, ids};
use otlp_model::{GroupId, KeyValue, Link, Signal, SpanContext, SpanId, SpanKind, TraceFlags, TraceId};
use otlp_sampling::{Sampler, SamplingParameters};
use std::borrow::Cow;
use std::sync::Arc;

/// Starts spans for one instrumentation scope. Cloning is cheap, and it may be used from any thread.
///
/// A tracer that outlives its client still works: its spans are counted as dropped (`shut_down`).
///
/// ```
/// # async fn f(client: otlp::Client) {
/// let tracer = client.tracer("checkout");
/// let mut span = tracer.start("charge card");
/// span.set_attribute("payment.amount", 42.5);
/// span.end();
/// # }
/// ```
#[derive(Clone)]
pub struct Tracer {
    pub(crate) inner: Arc<TracerInner>,
}

pub(crate) struct TracerInner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) group: GroupId,
}

impl std::fmt::Debug for Tracer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracer").field("group", &self.inner.group).finish_non_exhaustive()
    }
}

impl Tracer {
    /// Starts an internal span as a child of the current context, or as the root of a new trace if there is none.
    /// Never fails, never blocks; costs next to nothing when the span is not sampled.
    #[inline]
    pub fn start(&self, name: impl AsRef<str>) -> Span {
        let plan = Plan::new(name.as_ref(), SpanKind::Internal);
        if is_any_current() {
            return self.begin_under_current(&plan);
        }
        self.begin(&plan, None)
    }

    /// Apart from `start`, which then saves no registers for it.
    #[inline(never)]
    fn begin_under_current(&self, plan: &Plan<'_>) -> Span {
        with_current(|current| self.begin(plan, current))
    }

    /// Whether spans started now would go anywhere: false once the client has shut down, and where it is disabled or does
    /// not trace (conformance SPAN-24). To spare
    /// the work of finding out what a span would say; starting one does no harm.
    ///
    /// ```
    /// # fn f(client: otlp::Client, compute_digest: fn() -> String) {
    /// let tracer = client.tracer("shop");
    /// if tracer.is_enabled() {
    ///     tracer.start("upload").set_attribute("digest", compute_digest());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        let shared = &self.inner.shared;
        !shared.sampler.is_silent() && !shared.lane(Signal::Traces).queue().is_closed()
    }

    /// Starts a span as a child of `parent`, whatever is current. An invalid parent makes it a root span
    /// (conformance SPAN-05).
    #[inline]
    pub fn start_with_context(&self, name: impl AsRef<str>, kind: SpanKind, parent: &TraceContext) -> Span {
        self.begin(&Plan::new(name.as_ref(), kind), Some(parent))
    }

    /// Runs `f` inside a new internal span: it is current on this thread meanwhile, and ends when `f` returns or panics.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// let tracer = client.tracer("shop");
    /// let total = tracer.in_span("add up", |span| {
    ///     let prices = tracer.in_span("read prices", |_| [40, 2]); // a child of "add up"
    ///     span.set_attribute("prices", prices.len());
    ///     prices.iter().sum::<i64>()
    /// });
    /// # }
    /// ```
    pub fn in_span<R>(&self, name: impl AsRef<str>, f: impl FnOnce(&mut Span) -> R) -> R {
        run_in(self.start(name), f)
    }

    /// Starts a span with all that can be said at its start.
    ///
    /// ```
    /// # async fn f(client: otlp::Client) {
    /// use otlp::SpanKind;
    /// let tracer = client.tracer("shop");
    /// let span = tracer.span("GET /users/{id}").kind(SpanKind::Server).attribute("http.request.method", "GET").start();
    /// # }
    /// ```
    pub fn span<'a>(&'a self, name: impl Into<Cow<'a, str>>) -> SpanBuilder<'a> {
        SpanBuilder {
            tracer: self,
            name: name.into(),
            kind: SpanKind::Internal,
            parent: Parent::Current,
            start: None,
            attributes: Vec::new(),
            links: Vec::new(),
        }
    }

    /// Whether the client's sampler looks at a span before it decides
    /// ([`Sampler::looks_at_span`](crate::Sampler::looks_at_span)). If not, attributes and links can as well be set once it is
    /// known that the span is recorded.
    ///
    /// ```
    /// # async fn f() -> Result<(), otlp::Error> {
    /// let client = otlp::Client::builder().with_endpoint("http://localhost:4317").build().await?;
    /// assert!(!client.tracer("shop").sampler_looks_at_span());
    /// # Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f()).unwrap();
    /// ```
    #[must_use]
    pub fn sampler_looks_at_span(&self) -> bool {
        self.inner.shared.sampler.looks_at_span()
    }

    /// Baggage is handed on whether or not the parent has a span. Few have any, and carried along with the ids it would cost
    /// every span a tenth of what an unsampled one takes.
    ///
    /// A span without is made where the caller wants it: one that is made elsewhere is copied in one go from where it was written
    /// in parts just now, and waits until it is there, for as long as four attributes take.
    #[inline(always)]
    pub(crate) fn begin(&self, plan: &Plan<'_>, parent: Option<&TraceContext>) -> Span {
        match parent {
            Some(parent) if parent.has_extras() => self.begin_with_extras(plan, parent),
            parent => self.begin_under(plan, parent.map(TraceContext::span_context)),
        }
    }

    #[inline(never)]
    fn begin_with_extras(&self, plan: &Plan<'_>, parent: &TraceContext) -> Span {
        let mut span = self.begin_under(plan, Some(parent.span_context()));
        span.take_extras(parent);
        span
    }

    /// Ids, then the sampler, then the span (conformance SPAN-04).
    fn begin_under(&self, plan: &Plan<'_>, parent: Option<&SpanContext>) -> Span {
        let shared = &*self.inner.shared;
        let parent = parent.filter(|parent| parent.is_valid());
        let (trace_id, span_id, flags) = identity(shared.salt, parent);
        let sampled = match shared.sampler.by_parent(parent) {
            Ok(sampled) => sampled,
            Err(sampler) => return self.begin_asking(sampler, plan, parent, (trace_id, span_id, flags)),
        };
        let trace_state = parent.map(|parent| parent.trace_state().clone()).unwrap_or_default();
        if !sampled {
            return Span::inert(trace_id, span_id, flags, trace_state);
        }
        Span::recording(&self.inner, (trace_id, span_id, flags), trace_state, parent, plan, &[])
    }

    /// The same with a sampler that wants to see the span.
    #[inline(never)]
    fn begin_asking(
        &self,
        sampler: &dyn Sampler,
        plan: &Plan<'_>,
        parent: Option<&SpanContext>,
        drawn: Identity,
    ) -> Span {
        if self.inner.shared.sampler.is_silent() {
            return Span::silent(parent);
        }
        let (trace_id, span_id, flags) = replaced(&self.inner.shared, parent, drawn);
        let question = SamplingParameters::new(trace_id, plan.name, plan.kind)
            .with_parent(parent)
            .with_attributes(plan.attributes)
            .with_links(plan.links);
        let sampling = ask(sampler, &question);
        if !sampling.sampled {
            return Span::inert(trace_id, span_id, flags, sampling.trace_state);
        }
        let attributes = sampling.attributes.as_deref().unwrap_or(&[]);
        Span::recording(
            &self.inner,
            (trace_id, span_id, flags),
            sampling.trace_state,
            parent,
            plan,
            attributes,
        )
    }
}

fn run_in<R>(mut span: Span, f: impl FnOnce(&mut Span) -> R) -> R {
    let _current = span.enter();
    f(&mut span)
}

/// A new span's ids, and the flags it starts from.
pub(crate) type Identity = (TraceId, SpanId, TraceFlags);

/// The identity of a new span under a valid parent or none.
#[inline(always)]
pub(crate) fn identity(salt: u64, parent: Option<&SpanContext>) -> Identity {
    match parent {
        Some(parent) => (parent.trace_id(), ids::span_id(salt), parent.flags()),
        None => {
            let (trace_id, span_id) = ids::root(salt);
            (trace_id, span_id, TraceFlags::RANDOM)
        }
    }
}

/// The same with a look at whether the user has a generator: not on the short way.
#[inline(always)]
pub(crate) fn any_identity(shared: &Shared, parent: Option<&SpanContext>) -> Identity {
    if shared.id_generator.is_none() {
        return identity(shared.salt, parent);
    }
    replaced(shared, parent, identity(shared.salt, parent))
}

/// What the user's generator says, if there is one.
#[inline(never)]
fn replaced(shared: &Shared, parent: Option<&SpanContext>, drawn: Identity) -> Identity {
    match &shared.id_generator {
        Some(generator) => id_generator::replace(&**generator, parent.is_none(), drawn),
        None => drawn,
    }
}

/// What is known of a span when it starts.
pub(crate) struct Plan<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: SpanKind,
    pub(crate) start_unix_nano: Option<u64>,
    pub(crate) attributes: &'a [KeyValue],
    pub(crate) links: &'a [Link],
}

impl<'a> Plan<'a> {
    pub(crate) fn new(name: &'a str, kind: SpanKind) -> Self {
        Self { name, kind, start_unix_nano: None, attributes: &[], links: &[] }
    }
}

#[derive(Debug)]
enum Parent {
    Current,
    Root,
    Explicit(TraceContext),
}

/// A span about to start; made by [`Tracer::span`].
#[derive(Debug)]
#[must_use = "the span starts with `start`"]
pub struct SpanBuilder<'a> {
    tracer: &'a Tracer,
    name: Cow<'a, str>,
    kind: SpanKind,
    parent: Parent,
    start: Option<u64>,
    attributes: Vec<KeyValue>,
    links: Vec<Link>,
}

impl SpanBuilder<'_> {
    /// The span's role; internal if not said.
    pub fn kind(self, kind: SpanKind) -> Self {
        Self { kind, ..self }
    }

    /// The parent, instead of the current context.
    pub fn parent(self, parent: &TraceContext) -> Self {
        Self { parent: Parent::Explicit(parent.clone()), ..self }
    }

    /// Makes it the root of a new trace, whatever is current.
    pub fn root(self) -> Self {
        Self { parent: Parent::Root, ..self }
    }

    /// The start, if it was earlier than now.
    pub fn start_time(self, start: impl Into<Timestamp>) -> Self {
        Self { start: Some(start.into().unix_nano()), ..self }
    }

    /// An attribute that the sampler sees, too.
    pub fn attribute(
        mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<otlp_model::AnyValue>,
    ) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// A link that the sampler sees, too.
    pub fn link(mut self, link: Link) -> Self {
        self.links.push(link);
        self
    }

    /// Starts the span and runs `f` inside it: it is current on this thread meanwhile, and ends when `f` returns or panics.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// let tracer = client.tracer("shop");
    /// let ids = tracer.span("SELECT").kind(otlp::SpanKind::Client).in_span(|span| {
    ///     span.set_attribute("db.response.returned_rows", 2);
    ///     [40, 2]
    /// });
    /// # }
    /// ```
    pub fn in_span<R>(self, f: impl FnOnce(&mut Span) -> R) -> R {
        run_in(self.start(), f)
    }

    /// Starts the span.
    pub fn start(self) -> Span {
        let plan = Plan {
            name: &self.name,
            kind: self.kind,
            start_unix_nano: self.start,
            attributes: &self.attributes,
            links: &self.links,
        };
        match &self.parent {
            Parent::Root => self.tracer.begin(&plan, None),
            Parent::Explicit(parent) => self.tracer.begin(&plan, Some(parent)),
            Parent::Current => with_current(|current| self.tracer.begin(&plan, current)),
        }
    }
}
