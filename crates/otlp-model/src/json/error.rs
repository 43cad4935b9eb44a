//! The error of transcoding: where in the message, where in the input, and what is wrong there.

use crate::DecodeError;
use std::borrow::Cow;
use std::fmt;

/// Why an input could not be transcoded. Says where and what was expected, never what the telemetry said.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    /// Innermost first: segments are added while the call stack unwinds.
    path: Vec<Segment>,
    cause: Cause,
}

#[derive(Clone, PartialEq, Eq)]
enum Cause {
    Json { offset: usize, reason: Cow<'static, str> },
    Protobuf(DecodeError),
}

/// One step into a message.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    Member(&'static str),
    Index(usize),
}

impl Error {
    #[cold]
    pub(crate) fn new(offset: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { path: Vec::new(), cause: Cause::Json { offset, reason: reason.into() } }))
    }

    /// This error, seen from one level further out.
    #[cold]
    pub(crate) fn within(mut self, segment: Segment) -> Self {
        self.0.path.push(segment);
        self
    }

    /// Where in the input the error is, in bytes from its begin.
    #[must_use]
    pub fn offset(&self) -> usize {
        match &self.0.cause {
            Cause::Json { offset, .. } => *offset,
            Cause::Protobuf(error) => error.offset(),
        }
    }

    /// The place in the message, for example `resourceSpans[0].scopeSpans[1].spans[2].traceId`; empty for the outermost.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for segment in self.0.path.iter().rev() {
            match segment {
                Segment::Index(index) => path += &format!("[{index}]"),
                Segment::Member(name) if path.is_empty() => path += name,
                Segment::Member(name) => path += &format!(".{name}"),
            }
        }
        path
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self(Box::new(Inner { path: Vec::new(), cause: Cause::Protobuf(error) }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            write!(f, "{}: ", self.path())?;
        }
        match &self.0.cause {
            Cause::Json { offset, reason } => write!(f, "{reason} (at byte {offset})"),
            Cause::Protobuf(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {}
