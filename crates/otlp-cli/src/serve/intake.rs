//! What becomes of a request once it is protobuf: decoded, appended to the file, kept, told.
//!
//! Called by both protocols. Knows neither of them: what goes wrong has a gRPC code, of which HTTP makes its own.

use super::append::Append;
use super::items::Batch;
use super::news::{News, Told};
use super::store::Store;
use crate::exit::complain;
use otlp_model::response::MAX_MESSAGE_CHARS;
use otlp_model::{Signal, json};
use otlp_transport::GrpcCode;
use std::sync::Arc;

/// Where requests go. Shared by all connections.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) store: Arc<Store>,
    pub(crate) file: Option<Append>,
    pub(crate) news: Option<News>,
}

/// Why a request is not taken.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: GrpcCode,
    pub(crate) reason: String,
}

impl Refusal {
    /// The reason may quote the request, and goes into a header: it is cut.
    pub(crate) fn new(code: GrpcCode, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into().chars().take(MAX_MESSAGE_CHARS).collect() }
    }
}

/// What a request that was taken is answered with: how many data points were not, and why.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Partial {
    pub(crate) rejected: u64,
    pub(crate) message: &'static str,
}

impl Intake {
    /// Takes a request. When this returns it is in the file, if there is one.
    pub(crate) fn take(&self, signal: Signal, protobuf: &[u8]) -> Result<Partial, Refusal> {
        let invalid = |error: &dyn std::fmt::Display| {
            Refusal::new(GrpcCode::InvalidArgument, format!("not a request of {signal}: {error}"))
        };
        let batch = Batch::decode(signal, protobuf).map_err(|error| invalid(&error))?;
        if let Some(file) = &self.file {
            let line = json::request_to_json(signal, protobuf).map_err(|error| invalid(&error))?;
            // Whoever sends shall try again: there may be room later.
            file.line(line).map_err(|error| {
                complain(&format_args!("error: {}: {error}", file.path().display()));
                Refusal::new(GrpcCode::Unavailable, "what was received can't be written to the file")
            })?;
        }
        let partial = match batch.rejected {
            0 => Partial::default(),
            rejected => Partial {
                rejected,
                message: "metrics without a kind, or sums and histograms without a temporality",
            },
        };
        let batch = Arc::new(batch);
        let bytes = self.store.add(Arc::clone(&batch));
        if let Some(news) = &self.news {
            news.tell(Told::Received(batch), bytes);
        }
        Ok(partial)
    }

    /// Counts and tells a request that was refused.
    pub(crate) fn refused(&self, path: &str, refusal: &Refusal) {
        self.store.refuse();
        if let Some(news) = &self.news {
            let (code, reason) = (refusal.code, refusal.reason.clone());
            let bytes = path.len() + reason.len();
            news.tell(Told::Refused { path: path.to_owned(), code, reason }, bytes);
        }
    }
}
