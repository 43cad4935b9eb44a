//! Received spans as a text waterfall: the tree of each trace with bars on a common time axis.

use otlp_testkit::ReceivedSpan;
use std::collections::BTreeMap;
use std::fmt::Write;

const BAR: usize = 40;

/// Draws every trace; spans whose parent was not received are roots.
pub(crate) fn draw(spans: &[ReceivedSpan]) -> String {
    let mut traces: BTreeMap<&[u8], Vec<&ReceivedSpan>> = BTreeMap::new();
    for span in spans {
        traces.entry(&span.span.trace_id).or_default().push(span);
    }
    let mut text = String::new();
    for (id, mut spans) in traces {
        spans.sort_by_key(|span| span.span.start_time_unix_nano);
        let start = spans.iter().map(|span| span.span.start_time_unix_nano).min().unwrap_or(0);
        let end = spans.iter().map(|span| span.span.end_time_unix_nano).max().unwrap_or(0);
        let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let service = spans.first().map_or("", |span| span.service_name());
        let _ = writeln!(
            text,
            "trace {hex}  service {service}  {} spans  {}\n",
            spans.len(),
            duration(end - start)
        );
        let trace = Trace { spans: &spans, start, nanos: (end - start).max(1) };
        for root in spans.iter().filter(|span| !trace.has_parent(span)) {
            trace.branch(&mut text, root, "", "");
        }
    }
    text
}

struct Trace<'a> {
    spans: &'a [&'a ReceivedSpan],
    start: u64,
    nanos: u64,
}

impl Trace<'_> {
    fn has_parent(&self, span: &ReceivedSpan) -> bool {
        self.spans.iter().any(|other| other.span.span_id == span.span.parent_span_id)
    }

    fn branch(&self, text: &mut String, span: &ReceivedSpan, first: &str, rest: &str) {
        self.line(text, span, first);
        let children: Vec<_> =
            self.spans.iter().filter(|child| child.span.parent_span_id == span.span.span_id).collect();
        for (index, child) in children.iter().enumerate() {
            let (branch, line) =
                if index + 1 == children.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            self.branch(text, child, &format!("{rest}{branch}"), &format!("{rest}{line}"));
        }
    }

    fn line(&self, text: &mut String, span: &ReceivedSpan, indent: &str) {
        let s = &span.span;
        let name = format!("{indent}{}", s.name);
        let column = |time: u64| {
            let share = (time - self.start) as f64 / self.nanos as f64;
            (share * BAR as f64) as usize
        };
        let from = column(s.start_time_unix_nano).min(BAR - 1);
        let to = column(s.end_time_unix_nano).clamp(from + 1, BAR);
        let bar = format!("{}{}{}", " ".repeat(from), "█".repeat(to - from), " ".repeat(BAR - to));
        let took = duration(s.end_time_unix_nano - s.start_time_unix_nano);
        let _ = write!(text, "{name:<34} {:<8} │{bar}│ {took:>9}", kind(s.kind));
        let _ = write!(text, "  {} attr", s.attributes.len());
        for (count, word) in [(s.events.len(), "event"), (s.links.len(), "link")] {
            if count > 0 {
                let _ = write!(text, ", {count} {word}");
            }
        }
        if let Some(status) = s.status.as_ref().filter(|status| status.code == 2) {
            let _ = write!(text, "  ERROR {}", status.message);
        }
        text.push('\n');
    }
}

fn kind(kind: i32) -> &'static str {
    match kind {
        2 => "server",
        3 => "client",
        4 => "producer",
        5 => "consumer",
        _ => "internal",
    }
}

fn duration(nanos: u64) -> String {
    format!("{:.2} ms", nanos as f64 / 1e6)
}
