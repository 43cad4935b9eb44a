//! A span that records before its place in the trace is settled: for adapters, whose spans may learn of their parent after
//! they are made.
//!
//! Used by the layer for `tracing`. A draft is written as if it were sampled, under the parent known so far; if that turns out
//! true, as it does nearly always, nothing is written twice. The sampler is asked once, when the draft is settled, and sees all
//! that was said until then. Who has a parent at hand uses [`Tracer::start_with_context`].

use super::{Live, Span};
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
        match self.stage_under(parent) {
            stage @ (Stage::Open | Stage::Sampled) => self.open(stage, &plan, parent),
            stage => self.not_recording(stage, &plan, parent),
        }
    }

    /// The same in a place of the caller's, for those who keep drafts elsewhere than on the stack: moving one costs as much as
    /// making it. What was there is dropped.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// use otlp::{SpanKind, TraceContext};
    /// let mut place = None;
    /// let draft = client.tracer("shop").draft_in(&mut place, "job", SpanKind::Internal, &TraceContext::default());
    /// draft.span_mut().set_attribute("job.attempt", 1);
    /// # }
    /// ```
    pub fn draft_in<'a>(
        &self,
        place: &'a mut Option<SpanDraft>,
        name: impl AsRef<str>,
        kind: SpanKind,
        parent: &TraceContext,
    ) -> &'a mut SpanDraft {
        let plan = Plan::new(name.as_ref(), kind);
        match self.stage_under(parent) {
            stage @ (Stage::Open | Stage::Sampled) => place.insert(self.open(stage, &plan, parent)),
            stage => place.insert(self.not_recording(stage, &plan, parent)),
        }
    }

    /// Whether a draft under this parent would record, as far as is clear without asking anyone.
    ///
    /// ```
    /// # fn f(client: otlp::Client, received: otlp::TraceContext) {
    /// let tracer = client.tracer("shop");
    /// let is_of_use = tracer.may_record(&received);
    /// assert_eq!(tracer.draft("request", otlp::SpanKind::Server, &received).is_recording(), is_of_use);
    /// # }
    /// ```
    #[must_use]
    pub fn may_record(&self, parent: &TraceContext) -> bool {
        matches!(self.stage_under(parent), Stage::Open | Stage::Sampled)
    }

    #[inline]
    fn stage_under(&self, parent: &TraceContext) -> Stage {
        let sampler = &self.inner.shared.sampler;
        let parent = valid(parent);
        let may_be_sampled = parent.is_none_or(SpanContext::is_sampled);
        match sampler.by_parent(parent) {
            Ok(true) => Stage::Sampled,
            Ok(false) if may_be_sampled => Stage::Off,
            Err(_) if sampler.is_silent() => Stage::Silent,
            Err(sampler) if may_be_sampled || sampler.looks_at_span() => Stage::Open,
            Ok(false) | Err(_) => Stage::Settled,
        }
    }

    /// Inlined, and put together at the very end, so that it is made in its place.
    #[inline(always)]
    fn open(&self, stage: Stage, plan: &Plan<'_>, parent: &TraceContext) -> SpanDraft {
        let valid = valid(parent);
        let identity = any_identity(&self.inner.shared, valid);
        let state = valid.map(|parent| parent.trace_state().clone()).unwrap_or_default();
        let mut live = Live::take(&self.inner);
        if let Some(live) = &mut live {
            live.parent = parent.clone();
        }
        let (live, context) = Span::start_recording(live, identity, state, valid, plan, &[]);
        let context = TraceContext::with_extras(context, parent.extras());
        let span = Span { live, context };
        SpanDraft { span, kind: plan.kind, stage, is_new_root: false }
    }

    #[inline(never)]
    fn not_recording(&self, stage: Stage, plan: &Plan<'_>, parent: &TraceContext) -> SpanDraft {
        SpanDraft { span: self.begin(plan, Some(parent)), kind: plan.kind, stage, is_new_root: false }
    }
}

/// A span whose parent may still change; made by [`Tracer::draft`]. Dropped before it is settled, it was never there.
#[derive(Debug)]
pub struct SpanDraft {
    span: Span,
    kind: SpanKind,
    stage: Stage,
    /// Whether it was made a root later, and the user's generator is still to be asked for the id of its trace.
    is_new_root: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Recording as if it were sampled.
    Open,
    /// The same where it is known that it will be sampled, if it keeps its parent.
    Sampled,
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
            Stage::Sampled => {
                self.stage = Stage::Open;
                self.span.move_under(parent);
            }
        }
        self.is_new_root = !parent.is_valid() && self.span.has_generator();
        if let Some(live) = &mut self.span.live {
            live.parent = parent.clone();
        }
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
            self.note_settled();
            return None;
        };
        let looks_at_span = match live.tracer.shared.sampler.by_parent(valid(&live.parent)) {
            Ok(_) if self.is_new_root => false,
            Ok(sampled) => {
                self.note_settled();
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
            parent: live.parent.clone(),
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
        if self.is_settled() {
            return;
        }
        let parent = self.note_settled();
        let SamplingAnswer { sampling: Sampling { sampled, attributes, trace_state }, drawn } = answer;
        let drawn = drawn.filter(|_| self.is_new_root);
        if drawn.is_some() || trace_state != *self.span.context.trace_state() {
            let context = self.span.context.span_context();
            let (trace_id, flags) = drawn.unwrap_or((context.trace_id(), context.flags()));
            let context = SpanContext::new(trace_id, context.span_id(), flags.with_sampled(true))
                .with_trace_state(trace_state);
            self.span.become_known_as(context, &parent);
        }
        if !sampled {
            self.span.give_up();
        }
        for attribute in attributes.iter().flatten() {
            self.span.set_attribute(&*attribute.key, &attribute.value);
        }
    }

    /// Its place is settled; the parent that it has had until then, which nobody asks for any more.
    fn note_settled(&mut self) -> TraceContext {
        self.stage = Stage::Settled;
        self.span.live.as_mut().map(|live| std::mem::take(&mut live.parent)).unwrap_or_default()
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
        if matches!(self.stage, Stage::Open | Stage::Sampled) {
            self.note_settled();
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
