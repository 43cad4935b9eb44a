//! The layer, its options, and what it does at each turn in a span's life.

use crate::callsite::{Callsites, Kept};
use crate::close::close;
use crate::field::Reader;
use crate::fields::{Fields, MESSAGE};
use crate::shared::{InRegistry, SharedState, nearest_context, shared_of};
use crate::sink::{NewSpanSink, SpanSink};
use crate::state::{asking, is_asking};
use crate::{current, known, thread};
use otlp::{Client, InstrumentationScope, Logger, SpanKind, TraceContext, Tracer};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A layer that makes OTLP spans of `tracing`'s, for this client, under a scope called `otlp-tracing`.
///
/// ```
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use tracing_subscriber::layer::SubscriberExt;
/// let client = otlp::Client::builder().with_service_name("shop").build_blocking()?;
/// let subscriber = tracing_subscriber::registry().with(otlp_tracing::layer(&client));
/// tracing::subscriber::with_default(subscriber, || {
///     let _span = tracing::info_span!("checkout", cart.items = 3).entered();
/// });
/// client.shutdown_blocking(std::time::Duration::from_secs(5))?;
/// # Ok(()) }
/// ```
#[must_use]
pub fn layer(client: &Client) -> OtlpLayer {
    let mut scope = InstrumentationScope::new("otlp-tracing");
    scope.version = env!("CARGO_PKG_VERSION").into();
    OtlpLayer::new(client.tracer_with_scope(&scope))
}

/// Writes the spans of `tracing` as OTLP, as they are made.
///
/// It goes on a [`Registry`](tracing_subscriber::Registry), once: of two on one registry, the second records nothing. Filters
/// on it, for it alone or for all, and reload handles around filters work as with any layer.
///
/// Where a [`SpanHook`](otlp::SpanHook) makes a span of `tracing` at the end of another, or a sampler that is asked about one that
/// was never entered, it should be a root (`parent: None`). The layer records none there, and the registry never removes one that
/// is closed while another is closing: it would keep its parent open, which then does not end.
///
/// It keeps no client alive: what ends after the client's shutdown is counted as dropped (`shut_down`).
#[derive(Debug)]
pub struct OtlpLayer {
    tracer: Tracer,
    logger: Option<Logger>,
    options: Options,
    callsites: Callsites,
    /// What this layer is called among those that a thread has to do with.
    number: usize,
}

/// The number of the next layer.
static NEXT: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) location: bool,
    threads: bool,
    pub(crate) target: bool,
    pub(crate) level: bool,
    tracked_inactivity: bool,
    context_activation: bool,
    pub(crate) span_events: bool,
    pub(crate) exceptions: bool,
    pub(crate) error_status: bool,
}

impl OtlpLayer {
    /// A layer whose spans are this tracer's: for a scope of your own.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// let layer = otlp_tracing::OtlpLayer::new(client.tracer("shop"));
    /// # drop(layer);
    /// # }
    /// ```
    #[must_use]
    pub fn new(tracer: Tracer) -> Self {
        let options = Options {
            location: true,
            threads: true,
            target: true,
            level: false,
            tracked_inactivity: false,
            context_activation: true,
            span_events: true,
            exceptions: true,
            error_status: true,
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { tracer, logger: None, options, callsites: Callsites::new(), number }
    }

    /// Whether spans and their events say where in the source they are: `code.file.path`, `code.module.name`,
    /// `code.line.number`. Default: yes.
    #[must_use]
    pub fn with_location(self, location: bool) -> Self {
        self.with(|options| options.location = location)
    }

    /// Whether spans say on which thread they were made: `thread.id`, `thread.name`. Default: yes.
    #[must_use]
    pub fn with_threads(self, threads: bool) -> Self {
        self.with(|options| options.threads = threads)
    }

    /// Whether spans have their target as the attribute `target`. Their events always do. Default: yes.
    #[must_use]
    pub fn with_target(self, target: bool) -> Self {
        self.with(|options| options.target = target)
    }

    /// Whether spans have their level as the attribute `level`. Their events always do. Default: no.
    #[must_use]
    pub fn with_level(self, level: bool) -> Self {
        self.with(|options| options.level = level)
    }

    /// Whether spans say for how many nanoseconds they were entered, `busy_ns`, and were not, `idle_ns`. Default: no.
    #[must_use]
    pub fn with_tracked_inactivity(self, tracked_inactivity: bool) -> Self {
        self.with(|options| options.tracked_inactivity = tracked_inactivity)
    }

    /// Whether the context of a span of `tracing` is [current](otlp::TraceContext::current) while it is entered, so that spans
    /// of [`otlp::Tracer`], log records and injected headers belong to it; and whether what is current otherwise, such as
    /// the context of a received request, is the parent of new spans before any span of `tracing`. Default: yes.
    ///
    /// Without it the parent is the span that `tracing` has entered; only where it has none, the current context.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// # use tracing_subscriber::layer::SubscriberExt;
    /// # let subscriber = tracing_subscriber::registry().with(otlp_tracing::layer(&client));
    /// # tracing::subscriber::with_default(subscriber, || {
    /// let _checkout = tracing::info_span!("checkout").entered();
    /// let child_of_checkout = client.tracer("payment").start("charge card");
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn with_context_activation(self, context_activation: bool) -> Self {
        self.with(|options| options.context_activation = context_activation)
    }

    /// Whether events become events of the span they happen in; those outside of any do not. Default: yes.
    ///
    /// ```
    /// # fn f(client: otlp::Client) {
    /// let logs_only = otlp_tracing::layer(&client).with_span_events(false).with_logs(client.logger("shop"));
    /// # drop(logs_only);
    /// # }
    /// ```
    #[must_use]
    pub fn with_span_events(self, span_events: bool) -> Self {
        self.with(|options| options.span_events = span_events)
    }

    /// Makes log records of events, with this logger: the message is the body, the level the severity, the fields, the target
    /// and the place are attributes, and the record belongs to the span of the event. Also of events outside of spans and on
    /// spans that are not sampled; the logger's own filters apply. Default: none.
    #[must_use]
    pub fn with_logs(self, logger: Logger) -> Self {
        Self { logger: Some(logger), ..self }
    }

    /// Whether fields that are errors become exceptions: of a span, an event `exception` with `exception.message` and, if the
    /// error has sources, all of them in `exception.stacktrace`; of an event, these attributes. Default: yes.
    #[must_use]
    pub fn with_exceptions(self, exceptions: bool) -> Self {
        self.with(|options| options.exceptions = exceptions)
    }

    /// Whether an event of level error, or one of `#[instrument(err)]`, makes the status of its span an error; its field `error`
    /// is the description. A status of Ok stays. Default: yes.
    #[must_use]
    pub fn with_error_status(self, error_status: bool) -> Self {
        self.with(|options| options.error_status = error_status)
    }

    fn with(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self.callsites = Callsites::new();
        self
    }

    pub(crate) fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    pub(crate) fn logger(&self) -> Option<&Logger> {
        self.logger.as_ref()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn activates_contexts(&self) -> bool {
        self.options.context_activation
    }

    /// What is known of a place in the source.
    pub(crate) fn callsite(&self, metadata: &'static Metadata<'static>) -> Rc<Kept> {
        self.callsites.of(metadata, &self.options)
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// The state of a span, if the layer has seen it.
    pub(crate) fn shared_of<S>(&self, id: &Id, registry: &Context<'_, S>) -> Option<Arc<SharedState>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        known::find(self.number, id).or_else(|| {
            let shared = shared_of(&registry.span(id)?)?;
            known::note(self.number, id, Arc::clone(&shared));
            Some(shared)
        })
    }
}

impl<S> Layer<S> for OtlpLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, registry: Context<'_, S>) {
        let metadata = attributes.metadata();
        let callsite = self.callsite(metadata);
        if is_asking() || callsite.is_of_the_client {
            return;
        }
        let mut parent = TraceContext::default();
        self.find_parent(attributes, &registry, &mut parent);
        if self.stands_for(id, &parent, &registry) {
            return;
        }
        let mut shared = SharedState::fresh();
        let Some(own) = Arc::get_mut(&mut shared) else { return };
        let make = |place: &mut _| {
            asking(|| self.tracer.draft_in(place, metadata.name(), SpanKind::Internal, &parent));
        };
        let Some(mut state) = own.begin(make, self.options.tracked_inactivity) else { return };
        if state.draft.is_recording() {
            let span = state.draft.span_mut();
            span.set_prepared(&callsite.attributes);
            if self.options.threads {
                thread::describe(|thread| {
                    span.set_prepared(thread);
                });
            }
            // Nobody else knows the span yet, so that whatever code its fields run may.
            let sink = SpanSink { state: &mut state, exceptions: self.options.exceptions };
            attributes.record(&mut Reader(NewSpanSink { sink, callsite: &callsite }));
        }
        let Some(span) = registry.span(id) else { return };
        let mut extensions = span.extensions_mut();
        // Another layer's, which was first, stays; this one's is dropped without the lock.
        let second = extensions.replace(InRegistry::new(&shared)).and_then(|first| extensions.replace(first));
        drop(extensions);
        if second.is_none() {
            known::note(self.number, id, shared);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, registry: Context<'_, S>) {
        let Some(shared) = self.shared_of(id, &registry) else { return };
        if !shared.is_recording() {
            return;
        }
        Fields::with(|fields| {
            values.record(&mut Reader(&mut *fields));
            shared.with(|state| {
                let mut sink = SpanSink { state, exceptions: self.options.exceptions };
                fields.message().into_iter().for_each(|text| sink.set(MESSAGE, text.into()));
                fields.values().for_each(|((_, key), value)| sink.set(key, value));
                fields.errors().iter().for_each(|error| sink.put_error(error));
            });
        });
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, registry: Context<'_, S>) {
        // A span that is closed, or that a filter keeps from this layer, is not there: there is nothing to link.
        let Some(followed) = self.shared_of(follows, &registry) else { return };
        let Some(context) = followed.context() else { return };
        if let Some(shared) = self.shared_of(id, &registry) {
            shared.with(|state| {
                state.draft.span_mut().add_link(&context, &[]);
            });
        }
    }

    fn on_event(&self, event: &Event<'_>, registry: Context<'_, S>) {
        let callsite = self.callsite(event.metadata());
        if !callsite.is_of_the_client {
            self.take(event, &callsite, &registry);
        }
    }

    fn on_enter(&self, id: &Id, registry: Context<'_, S>) {
        if !self.options.context_activation && !self.options.tracked_inactivity {
            return;
        }
        let shared = self.shared_of(id, &registry);
        if !self.options.context_activation {
            shared.map(|shared| shared.with(|state| state.enter()));
            return;
        }
        let guard = shared.as_ref().and_then(|shared| {
            shared.with_settled(|state| {
                state.enter();
                state.draft.span_mut().enter()
            })
        });
        // Of a span that was left out, that of the one which stands for it: which may be current nowhere else, in another task.
        let guard = guard.or_else(|| Some(nearest_context(&registry.span(id)?)?.attach()));
        current::enter(self.number, id, shared.filter(|shared| shared.is_recording()), guard);
    }

    fn on_exit(&self, id: &Id, registry: Context<'_, S>) {
        let entered = if self.options.context_activation { current::leave(self.number, id) } else { None };
        if let Some(shared) = entered.unwrap_or_else(|| self.shared_of(id, &registry)) {
            shared.leave();
        }
    }

    fn on_close(&self, id: Id, registry: Context<'_, S>) {
        let known = known::forget(self.number, &id);
        if let Some(shared) = known.or_else(|| shared_of(&registry.span(&id)?)) {
            close(shared);
        }
    }
}
