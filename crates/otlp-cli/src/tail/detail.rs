//! All that is known of one span, as lines.
//!
//! Used by whatever draws. Pure.

use super::look::Look;
use crate::serve::items::{StoredLog, StoredSpan};
use crate::serve::text;
use otlp_model::{KeyValue, StatusCode};
use ratatui::text::Line;
use std::sync::Arc;

/// Lines about `stored`, and about those of the trace's `logs` that belong to it.
pub(super) fn lines(stored: &StoredSpan, logs: &[Arc<StoredLog>], look: Look) -> Vec<Line<'static>> {
    let span = &stored.span;
    let mut lines = vec![Line::styled(text::one_line(&span.name), look.title())];
    let mut fact = |name: &str, value: &str| {
        if !value.is_empty() {
            lines.push(Line::raw(format!("{name:9} {}", text::one_line(value))));
        }
    };
    fact("service", stored.origin.service());
    fact("kind", text::kind(span.kind));
    fact("scope", &stored.origin.scope.name);
    fact("span id", &span.context.span_id().to_string());
    if span.parent_span_id.is_valid() {
        fact("parent", &span.parent_span_id.to_string());
    }
    let duration = text::duration(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano));
    fact("time", &format!("{} for {duration}", text::time(span.start_time_unix_nano)));
    match span.status.code {
        StatusCode::Unset => {}
        StatusCode::Ok => fact("status", "ok"),
        StatusCode::Error => {
            let text = format!("status    ERROR {}", text::one_line(&span.status.description));
            lines.push(Line::styled(text, look.error()));
        }
    }
    attributes(&mut lines, "", &span.attributes);
    for event in &span.events {
        let after = text::duration(event.time_unix_nano.saturating_sub(span.start_time_unix_nano));
        lines.push(Line::styled(format!("event     +{after} {}", text::one_line(&event.name)), look.title()));
        attributes(&mut lines, "  ", &event.attributes);
    }
    for link in &span.links {
        let (trace, span) = (link.context.trace_id(), link.context.span_id());
        lines.push(Line::styled(format!("link      {trace} {span}"), look.title()));
        attributes(&mut lines, "  ", &link.attributes);
    }
    for log in logs.iter().filter(|log| log.record.span_id == span.context.span_id()) {
        let body = log.record.body.as_ref().map(text::value).unwrap_or_default();
        let time = text::time(log.time_unix_nano());
        let text = format!("log       {time} {:5} {}", log.record.severity, text::one_line(&body));
        lines.push(Line::styled(text, look.title()));
        attributes(&mut lines, "  ", &log.record.attributes);
    }
    lines.push(Line::styled("resource", look.title()));
    attributes(&mut lines, "  ", &stored.origin.resource.attributes);
    lines
}

fn attributes(lines: &mut Vec<Line<'static>>, indent: &str, attributes: &[KeyValue]) {
    for KeyValue { key, value } in attributes {
        let value = text::one_line(&format!("{key} = {}", text::value(value)));
        lines.push(Line::raw(format!("{indent}{value}")));
    }
}
