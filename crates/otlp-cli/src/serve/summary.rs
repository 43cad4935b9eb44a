//! The last words of `serve` and `tail`: what was received.
//!
//! Pure.

use super::store::Totals;
use serde_json::json;

/// The summary, as lines.
pub(crate) fn of(totals: &Totals, as_json: bool) -> String {
    let Totals { requests, spans, data_points, log_records, rejected, refused, forgotten, kept, .. } = totals;
    if as_json {
        let summary = json!({ "summary": {
            "requests": requests,
            "spans": spans,
            "data_points": data_points,
            "log_records": log_records,
            "rejected_data_points": rejected,
            "refused_requests": refused,
            "kept_items": kept,
            "forgotten_items": forgotten,
        } });
        return format!("{summary}\n");
    }
    let mut text = format!(
        "received {} items in {requests} requests: {spans} spans, {data_points} data points, {log_records} log records\n",
        totals.items()
    );
    for (count, what) in [
        (rejected, "data points rejected: their metrics have no kind, or no temporality"),
        (refused, "requests refused"),
        (forgotten, "items no longer in memory: --keep says how many may be"),
    ] {
        if *count > 0 {
            text += &format!("{count} {what}\n");
        }
    }
    text
}
