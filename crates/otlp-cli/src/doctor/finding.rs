//! What a probe found: one line for people, the same for programs, and of a failure its cause and its cure.
//!
//! Made by the probes, read by the verdict and by both outputs. Holds no secret: whoever makes one sees to that.

use crate::section::Section;
use otlp_model::Signal;
use serde_json::{Map, Value, json};

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// As it should be.
    Ok,
    /// Works, but is worth knowing.
    Note,
    /// Does not work.
    Failed,
    /// Not tried, because of something else that failed.
    Skipped,
}

impl Status {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    pub(crate) const fn mark(self) -> char {
        match self {
            Self::Ok => '✓',
            Self::Note => '•',
            Self::Failed => '✗',
            Self::Skipped => '–',
        }
    }
}

/// Why something fails, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    pub(crate) cause: String,
    pub(crate) cure: String,
    pub(crate) section: Section,
}

impl Diagnosis {
    pub(crate) fn new(cause: impl Into<String>, cure: impl Into<String>, section: Section) -> Self {
        Self { cause: cause.into(), cure: cure.into(), section }
    }

    /// Where the guide says more.
    pub(crate) fn page(&self) -> String {
        self.section.page()
    }
}

/// One line of the examination.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// `config`, `dns`, `tcp`, `proxy`, `tls`, `http`, `grpc`, `clock`, `port`, `traces`, `metrics`, `logs`, `gzip`, `zstd`, `limit`.
    pub(crate) step: &'static str,
    /// Whose receiver it is about, where there is more than one receiver; else nothing.
    pub(crate) signals: Vec<Signal>,
    pub(crate) status: Status,
    pub(crate) text: String,
    pub(crate) diagnosis: Option<Diagnosis>,
    /// What programs want without reading the text.
    pub(crate) facts: Map<String, Value>,
}

impl Finding {
    pub(crate) fn new(step: &'static str, status: Status, text: impl Into<String>) -> Self {
        Self { step, signals: Vec::new(), status, text: text.into(), diagnosis: None, facts: Map::new() }
    }

    pub(crate) fn ok(step: &'static str, text: impl Into<String>) -> Self {
        Self::new(step, Status::Ok, text)
    }

    pub(crate) fn note(step: &'static str, text: impl Into<String>) -> Self {
        Self::new(step, Status::Note, text)
    }

    pub(crate) fn failed(step: &'static str, text: impl Into<String>, diagnosis: Diagnosis) -> Self {
        Self { diagnosis: Some(diagnosis), ..Self::new(step, Status::Failed, text) }
    }

    pub(crate) fn with(mut self, fact: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(fact.to_owned(), value.into());
        self
    }

    pub(crate) fn diagnosed(self, diagnosis: Diagnosis) -> Self {
        Self { diagnosis: Some(diagnosis), ..self }
    }

    /// If it is a failure, that it is worth knowing and no more: nothing is to be cured.
    pub(crate) fn into_note(self) -> Self {
        match self.status {
            Status::Failed => Self { status: Status::Note, diagnosis: None, ..self },
            _ => self,
        }
    }

    pub(crate) fn about(self, signals: &[Signal]) -> Self {
        Self { signals: signals.to_vec(), ..self }
    }

    /// `text`, behind the names of the signals that it is about, unless the step is that of one.
    pub(crate) fn named(&self, text: &str) -> String {
        let is_own = Signal::ALL.iter().any(|signal| signal.as_str() == self.step);
        if self.signals.is_empty() || is_own {
            return text.to_owned();
        }
        format!("{}: {text}", names(&self.signals).join(", "))
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut object = json!({
            "step": self.step,
            "status": self.status.name(),
            "text": self.text,
            "facts": self.facts,
        });
        let Some(members) = object.as_object_mut() else { return object };
        if !self.signals.is_empty() {
            members.insert("signals".into(), names(&self.signals).into());
        }
        if let Some(diagnosis) = &self.diagnosis {
            members.insert("cause".into(), diagnosis.cause.clone().into());
            members.insert("cure".into(), diagnosis.cure.clone().into());
            members.insert("see".into(), diagnosis.page().into());
        }
        object
    }
}

/// For both outputs.
pub(crate) fn names(signals: &[Signal]) -> Vec<&'static str> {
    signals.iter().map(|signal| signal.as_str()).collect()
}
