//! The sampler that follows the parent, so that a trace is kept or dropped whole.

use crate::{AlwaysOffSampler, AlwaysOnSampler, Sampler, SamplingParameters, SamplingResult};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Asks one of five samplers, by what the parent says (SAMP-11).
///
/// | parent | asks | by default |
/// |---|---|---|
/// | none, or invalid | the root sampler | given to [`new`](Self::new) |
/// | remote, sampled | `remote_parent_sampled` | [`AlwaysOnSampler`] |
/// | remote, not sampled | `remote_parent_not_sampled` | [`AlwaysOffSampler`] |
/// | local, sampled | `local_parent_sampled` | [`AlwaysOnSampler`] |
/// | local, not sampled | `local_parent_not_sampled` | [`AlwaysOffSampler`] |
///
/// The default is the specification's default sampler: keep what has no parent, else do as the parent did (SAMP-05).
/// Cloning shares the five samplers.
///
/// ```
/// use otlp_sampling::{AlwaysOffSampler, ParentBasedSampler, TraceIdRatioBasedSampler};
/// // A tenth of the traces that begin here; never what an outside caller wants kept.
/// let sampler = ParentBasedSampler::new(TraceIdRatioBasedSampler::new(0.1))
///     .with_remote_parent_sampled(AlwaysOffSampler);
/// ```
#[derive(Clone)]
pub struct ParentBasedSampler {
    root: Arc<dyn Sampler>,
    remote_parent_sampled: Arc<dyn Sampler>,
    remote_parent_not_sampled: Arc<dyn Sampler>,
    local_parent_sampled: Arc<dyn Sampler>,
    local_parent_not_sampled: Arc<dyn Sampler>,
}

impl ParentBasedSampler {
    /// Asks `root` for spans without a parent, and does as the parent did for all others.
    #[must_use]
    pub fn new(root: impl Sampler + 'static) -> Self {
        Self {
            root: Arc::new(root),
            remote_parent_sampled: Arc::new(AlwaysOnSampler),
            remote_parent_not_sampled: Arc::new(AlwaysOffSampler),
            local_parent_sampled: Arc::new(AlwaysOnSampler),
            local_parent_not_sampled: Arc::new(AlwaysOffSampler),
        }
    }

    /// Asks `sampler` when the parent came from another process and is sampled.
    #[must_use]
    pub fn with_remote_parent_sampled(self, sampler: impl Sampler + 'static) -> Self {
        Self { remote_parent_sampled: Arc::new(sampler), ..self }
    }

    /// Asks `sampler` when the parent came from another process and is not sampled.
    #[must_use]
    pub fn with_remote_parent_not_sampled(self, sampler: impl Sampler + 'static) -> Self {
        Self { remote_parent_not_sampled: Arc::new(sampler), ..self }
    }

    /// Asks `sampler` when the parent is of this process and sampled.
    #[must_use]
    pub fn with_local_parent_sampled(self, sampler: impl Sampler + 'static) -> Self {
        Self { local_parent_sampled: Arc::new(sampler), ..self }
    }

    /// Asks `sampler` when the parent is of this process and not sampled.
    #[must_use]
    pub fn with_local_parent_not_sampled(self, sampler: impl Sampler + 'static) -> Self {
        Self { local_parent_not_sampled: Arc::new(sampler), ..self }
    }
}

impl Default for ParentBasedSampler {
    fn default() -> Self {
        Self::new(AlwaysOnSampler)
    }
}

impl Sampler for ParentBasedSampler {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        let delegate = match span.parent().map(|parent| (parent.is_remote(), parent.is_sampled())) {
            None => &self.root,
            Some((true, true)) => &self.remote_parent_sampled,
            Some((true, false)) => &self.remote_parent_not_sampled,
            Some((false, true)) => &self.local_parent_sampled,
            Some((false, false)) => &self.local_parent_not_sampled,
        };
        delegate.should_sample(span)
    }

    fn description(&self) -> Cow<'_, str> {
        Cow::Owned(format!(
            "ParentBased{{root:{},remoteParentSampled:{},remoteParentNotSampled:{},localParentSampled:{},\
             localParentNotSampled:{}}}",
            self.root.description(),
            self.remote_parent_sampled.description(),
            self.remote_parent_not_sampled.description(),
            self.local_parent_sampled.description(),
            self.local_parent_not_sampled.description(),
        ))
    }

    fn looks_at_span(&self) -> bool {
        let parents = [
            &self.remote_parent_sampled,
            &self.remote_parent_not_sampled,
            &self.local_parent_sampled,
            &self.local_parent_not_sampled,
        ];
        self.root.looks_at_span() || parents.iter().any(|sampler| sampler.looks_at_span())
    }
}

impl fmt::Debug for ParentBasedSampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description())
    }
}
