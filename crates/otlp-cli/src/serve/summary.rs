//! The last words of `serve` and `tail`: what was received.
//!
//! Pure.

use super::store::Totals;
use crate::output::counted;
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
        "received {} in {}: {}, {}, {}\n",
        counted(totals.items(), "item"),
        counted(*requests, "request"),
        counted(*spans, "span"),
        counted(*data_points, "data point"),
        counted(*log_records, "log record"),
    );
    for (count, what, why) in [
        (rejected, "data point", "rejected: metrics need a kind, sums and histograms a temporality"),
        (refused, "request", "refused"),
        (forgotten, "item", "no longer in memory: --keep says how many may be"),
    ] {
        if *count > 0 {
            text += &format!("{} {why}\n", counted(*count, what));
        }
    }
    text
}
