//! A delivery report for people and for programs, and what it means for the exit code.
//!
//! Used by `send` and `load`. Pure.

use crate::exit::Exit;
use crate::section::Section;
use otlp::{DeliveryReport, Signal};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Fine if everything that was accepted was delivered.
pub(crate) fn exit(report: &DeliveryReport) -> Exit {
    if report.is_balanced() && report.delivered() == report.accepted() { Exit::Fine } else { Exit::Failed }
}

/// The totals, the signals there were, and the receiver's and the client's last words.
pub(crate) fn text(report: &DeliveryReport) -> String {
    let mut text = format!("{report}\n");
    for signal in Signal::ALL {
        let stats = report.signal(signal).total;
        if stats.accepted > 0 {
            let (accepted, delivered, rejected) = (stats.accepted, stats.delivered, stats.rejected);
            let _ = writeln!(
                text,
                "  {:8} {accepted} accepted, {delivered} delivered, {rejected} rejected, dropped: {}",
                signal.as_str(),
                stats.dropped
            );
        }
    }
    if let Some(message) = &report.last_message {
        let _ = writeln!(text, "the receiver says: {message}");
    }
    if let Some(error) = report.last_error.as_ref().filter(|_| exit(report) == Exit::Failed) {
        let _ = writeln!(text, "last error: {error}\nmore: {}, and `otlp doctor`", Section::Lost.page());
    }
    text
}

/// The same for programs.
pub(crate) fn to_json(report: &DeliveryReport) -> Map<String, Value> {
    let dropped: Map<String, Value> =
        report.dropped().iter().map(|(reason, items)| (reason.as_str().to_owned(), items.into())).collect();
    let signals: Map<String, Value> = Signal::ALL
        .into_iter()
        .map(|signal| {
            let stats = report.signal(signal).total;
            let value = json!({
                "accepted": stats.accepted,
                "delivered": stats.delivered,
                "rejected": stats.rejected,
                "dropped": stats.dropped.total(),
                "pending": stats.pending(),
            });
            (signal.as_str().to_owned(), value)
        })
        .collect();
    let whole = json!({
        "accepted": report.accepted(),
        "delivered": report.delivered(),
        "rejected": report.rejected(),
        "dropped": dropped,
        "pending": report.pending(),
        "balanced": report.is_balanced(),
        "timed_out": report.timed_out,
        "last_error": report.last_error,
        "last_message": report.last_message,
        "signals": signals,
    });
    whole.as_object().cloned().unwrap_or_default()
}
