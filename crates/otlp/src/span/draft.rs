//! A span that records before its place in the trace is settled: for adapters, whose spans may learn of their parent after
//! they are made.
//!
//! Used by the layer for `tracing`. A draft is written as if it were sampled, under the parent known so far; if that turns out
//! true, as it does nearly always, nothing is written twice. The sampler is asked once, when the draft is settled, and sees all
//! that was said until then. Who has a parent at hand uses [`Tracer::start_with_context`].

use super::Span;
use crate::context::TraceContext;
use crate::decision::{Sampling, ask};
use crate::tracer::{Plan, Tracer, any_identity, identity};
use otlp_model::view::SpanView;
use otlp_model::{KeyValue, Link, SpanContext, SpanId, SpanKind, TraceFlags, TraceId};
use otlp_sampling::SamplingParameters;
use std::sync::Arc;

impl Tracer {
    /// Starts a span under `parent` (an invalid one makes it a root), whose parent and kind may still change until it is
    /// [settled](SpanDraft::settle).
    ///
    /// Where it is clear already that nothing will be recorded, the draft records nothing: the sampler is
    /// [`AlwaysOffSampler`](crate::AlwaysOffSampler); or `parent` is not sampled, and the sampler says no without a look at
    /// the span (see [`Sampler::looks_at_span`](crate::Sampler::looks_at_span)).
    ///
    /// A [`SpanHook`](crate::SpanHook) is shown the draft now, with the parent known so far, also if it turns out not to be
    /// sampled.
    ///
    /// ```
    /// # fn f(client: otlp::Client, received: otlp::TraceContext) {
    /// use otlp::{SpanKind, TraceContext};
    /// let mut draft = client.tracer("shop").draft("request", SpanKind::Internal, &TraceContext::default());
    /// draft.span_mut().set_attribute("http.request.method", "GET");
    /// draft.set_kind(SpanKind::Server);
    /// assert!(draft.set_parent(&received));
    /// let span = draft.start();
    /// assert_eq!(span.context().trace_id(), received.trace_id());
    /// # }
    /// ```
    #[must_use]
    pub fn draft(&self, name: impl AsRef<str>, kind: SpanKind, parent: &TraceContext) -> SpanDraft {
        let plan = Plan::new(name.as_ref(), kind);
        let shared = &*self.inner.shared;
        let valid = valid(parent);
        let may_be_sampled = valid.is_none_or(SpanContext::is_sampled);
        let stage = match shared.sampler.by_parent(valid) {
            Ok(true) => Stage::Open,
            Ok(false) if may_be_sampled => Stage::Off,
            Err(_) if shared.sampler.is_silent() => Stage::Silent,
            Err(sampler) if may_be_sampled || sampler.looks_at_span() => Stage::Open,
            Ok(false) | Err(_) => Stage::Settled,
        };
        let span = if stage == Stage::Open {
            let (trace_id, span_id, flags) = any_identity(shared, valid);
            let state = valid.map(|parent| parent.trace_state().clone()).unwrap_or_default();
            let context =
                SpanContext::new(trace_id, span_id, flags.with_sampled(true)).with_trace_state(state);
            let mut span = Span::recording(&self.inner, context, valid, &plan, &[]);
            if parent.has_extras() {
                span.take_extras(parent);
            }
            span
        } else {
            self.begin(&plan, Some(parent))
        };
        SpanDraft { span, parent: parent.clone(), kind, stage, is_new_root: false }
    }
}

/// A span whose parent may still change; made by [`Tracer::draft`]. Dropped before it is settled, it was never there.
#[derive(Debug)]
pub struct SpanDraft {
    span: Span,
    parent: TraceContext,
    kind: SpanKind,
    stage: Stage,
    /// Whether it was made a root later, and the user's generator is still to be asked for the id of its trace.
    is_new_root: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Recording as if it were sampled.
    Open,
    /// Not recording whatever the parent, which may still change.
    Off,
    /// The same where there are no spans at all: it stands for its parent.
    Silent,
    Settled,
}

impl SpanDraft {
    /// The span: attributes, events, links, a name and a status may be set. Its context is valid, but may change until the
    /// draft is settled; and to end it before would send it whatever the sampler says.
    #[inline]
    pub fn span_mut(&mut self) -> &mut Span {
        &mut self.span
    }

    /// Whether what is set on the span has an effect.
    #[must_use]
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.span.is_recording()
    }

    /// Whether parent and sampling are decided.
    #[must_use]
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.stage == Stage::Settled
    }

    /// Replaces the parent; an invalid one makes the span a root. `false`, and nothing done, if the draft is settled. Takes no
    /// one else's code: an [`IdGenerator`](crate::IdGenerator) is asked for a new trace when the draft is settled.
    pub fn set_parent(&mut self, parent: &TraceContext) -> bool {
        match self.stage {
            Stage::Settled => return false,
            Stage::Silent => self.span.context = parent.clone(),
            Stage::Open | Stage::Off => self.span.move_under(parent),
        }
        self.is_new_root = !parent.is_valid() && self.span.has_generator();
        self.parent = parent.clone();
        true
    }

    /// Replaces the kind, until the draft is settled.
    pub fn set_kind(&mut self, kind: SpanKind) {
        if !self.is_settled() {
            self.kind = kind;
            if let Some(live) = &mut self.span.live {
                live.writer.set_kind(kind);
            }
        }
    }

    /// Settles the draft if that takes no one else's code; otherwise there is a question for the sampler, or for the generator
    /// of ids, which the caller asks when it holds no lock, and [answers](Self::answer) with.
    pub fn question(&mut self) -> Option<SamplingQuestion> {
        let (Stage::Open, Some(live)) = (self.stage, &mut self.span.live) else {
            self.stage = Stage::Settled;
            return None;
        };
        let looks_at_span = match live.tracer.shared.sampler.by_parent(valid(&self.parent)) {
            Ok(_) if self.is_new_root => false,
            Ok(sampled) => {
                self.stage = Stage::Settled;
                if !sampled {
                    self.span.give_up();
                }
                return None;
            }
            Err(sampler) => sampler.looks_at_span(),
        };
        let tracer = Tracer { inner: Arc::clone(&live.tracer) };
        let mut question = SamplingQuestion {
            tracer,
            parent: self.parent.clone(),
            trace_id: self.span.context.trace_id(),
            is_new_root: self.is_new_root,
            name: String::new(),
            kind: self.kind,
            attributes: Vec::new(),
            links: Vec::new(),
        };
        let so_far = live.writer.so_far();
        if looks_at_span && let Ok(span) = SpanView::from_record(so_far).and_then(|view| view.to_span_data())
        {
            question.name = span.name.into_owned();
            question.attributes = span.attributes;
            question.links = span.links;
        }
        Some(question)
    }

    /// Settles the draft as the sampler answered. Does nothing if it is settled: of two who asked, the first counts.
    pub fn answer(&mut self, answer: SamplingAnswer) {
        if self.stage != Stage::Open {
            return;
        }
        self.stage = Stage::Settled;
        let SamplingAnswer { sampling: Sampling { sampled, attributes, trace_state }, drawn } = answer;
        let drawn = drawn.filter(|_| self.is_new_root);
        if drawn.is_some() || trace_state != *self.span.context.trace_state() {
            let context = self.span.context.span_context();
            let (trace_id, flags) = drawn.unwrap_or((context.trace_id(), context.flags()));
            let context = SpanContext::new(trace_id, context.span_id(), flags.with_sampled(true))
                .with_trace_state(trace_state);
            self.span.become_known_as(context, &self.parent);
        }
        if !sampled {
            self.span.give_up();
        }
        for attribute in attributes.iter().flatten() {
            self.span.set_attribute(&*attribute.key, &attribute.value);
        }
    }

    /// Settles the draft, asking the sampler, and returns the context, which is final.
    pub fn settle(&mut self) -> TraceContext {
        self.decide();
        self.span.context()
    }

    fn decide(&mut self) {
        if !self.is_settled()
            && let Some(question) = self.question()
        {
            self.answer(question.ask());
        }
    }

    /// Settles the draft; the span.
    #[must_use]
    pub fn start(mut self) -> Span {
        self.decide();
        std::mem::replace(&mut self.span, Span { live: None, context: TraceContext::default() })
    }
}

/// A parent that is one.
fn valid(parent: &TraceContext) -> Option<&SpanContext> {
    Some(parent.span_context()).filter(|parent| parent.is_valid())
}

impl Span {
    /// Puts it under another parent. Its own id stays.
    fn move_under(&mut self, parent: &TraceContext) {
        let (trace_id, flags) = match (valid(parent), &self.live) {
            (Some(parent), _) => (parent.trace_id(), parent.flags()),
            (None, live) => {
                let salt = live.as_ref().map_or(0, |live| live.tracer.shared.salt);
                let (trace_id, _, flags) = identity(salt, None);
                (trace_id, flags)
            }
        };
        let flags = flags.with_sampled(self.context.is_sampled());
        let state = valid(parent).map(|parent| parent.trace_state().clone()).unwrap_or_default();
        let context = SpanContext::new(trace_id, self.context.span_id(), flags).with_trace_state(state);
        self.become_known_as(context, parent);
    }

    fn has_generator(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.tracer.shared.id_generator.is_some())
    }

    fn become_known_as(&mut self, context: SpanContext, parent: &TraceContext) {
        if let Some(live) = &mut self.live {
            let (parent_id, remote) = valid(parent)
                .map_or((SpanId::INVALID, false), |parent| (parent.span_id(), parent.is_remote()));
            live.writer.set_identity(&context, parent_id, remote);
        }
        self.context = TraceContext::with_extras(context, parent.extras());
    }

    /// Records nothing any more, and is not sent.
    fn give_up(&mut self) {
        if let Some(mut live) = self.live.take() {
            live.tracer.shared.hooks.given_up(self.context.span_id());
            live.writer.discard();
            live.give_back();
        }
        let context = self.context.span_context();
        let flags = context.flags().with_sampled(false);
        let state = context.trace_state().clone();
        let context = SpanContext::new(context.trace_id(), context.span_id(), flags).with_trace_state(state);
        self.context = TraceContext::with_extras(context, self.context.extras());
    }
}

impl Drop for SpanDraft {
    fn drop(&mut self) {
        if self.stage == Stage::Open {
            self.span.give_up();
        }
    }
}

/// What a sampler is to be asked about a [`SpanDraft`]; or a generator of ids, about the trace of a new root. It owns what it
/// holds, so that no lock has to be held while it is asked.
#[derive(Debug)]
pub struct SamplingQuestion {
    tracer: Tracer,
    parent: TraceContext,
    trace_id: TraceId,
    is_new_root: bool,
    name: String,
    kind: SpanKind,
    attributes: Vec<KeyValue>,
    links: Vec<Link>,
}

/// What was answered to a [`SamplingQuestion`].
#[derive(Debug)]
pub struct SamplingAnswer {
    sampling: Sampling,
    /// The trace of a new root.
    drawn: Option<(TraceId, TraceFlags)>,
}

impl SamplingQuestion {
    /// Asks the client's sampler, and before it the generator of ids, where that is to be asked.
    #[must_use]
    pub fn ask(&self) -> SamplingAnswer {
        let shared = &*self.tracer.inner.shared;
        let drawn = self.is_new_root.then(|| any_identity(shared, None));
        let drawn = drawn.map(|(trace_id, _, flags)| (trace_id, flags));
        let trace_id = drawn.map_or(self.trace_id, |(trace_id, _)| trace_id);
        let question = SamplingParameters::new(trace_id, &self.name, self.kind)
            .with_parent(valid(&self.parent))
            .with_attributes(&self.attributes)
            .with_links(&self.links);
        let sampling = match shared.sampler.by_parent(valid(&self.parent)) {
            Err(sampler) => ask(sampler, &question),
            Ok(sampled) => Sampling { sampled, attributes: None, trace_state: question.parent_trace_state() },
        };
        SamplingAnswer { sampling, drawn }
    }
}
