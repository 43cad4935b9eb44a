//! What is on the screen: a function of the state, and of the screen's size.
//!
//! Used by `tail`. Changes nothing and asks nobody.

use super::detail;
use super::look::Look;
use super::state::{List, Opened, State, Tab};
use super::waterfall::Row as Bar;
use crate::output::counted;
use crate::serve::items::StoredLog;
use crate::serve::store::{PointValue, Series, Totals, TraceSummary};
use crate::serve::text;
use otlp_model::{Severity, StatusCode};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table, TableState};
use std::sync::Arc;

pub(super) fn all(state: &State, look: Look, frame: &mut Frame<'_>) {
    let [head, main, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(1)])
            .areas(frame.area());
    frame.render_widget(title(state, look), head);
    match (&state.opened, state.tab) {
        (Some(opened), _) => trace(opened, look, frame, main),
        (None, Tab::Traces) => traces(state, look, frame, main),
        (None, Tab::Logs) => logs(state, look, frame, main),
        (None, Tab::Metrics) => metrics(state, look, frame, main),
    }
    frame.render_widget(footer(state, look), foot);
}

fn title(state: &State, look: Look) -> Line<'static> {
    let tab = |tab, name: &'static str| {
        let style = if state.tab == tab { look.selected() } else { look.faint() };
        Span::styled(format!(" {name} "), style)
    };
    let totals = state.totals();
    let Totals { spans, log_records, data_points, .. } = totals;
    let counts = format!("  {spans} spans  {log_records} log records  {data_points} data points");
    let mut spans = vec![
        tab(Tab::Traces, "traces"),
        tab(Tab::Logs, "logs"),
        tab(Tab::Metrics, "metrics"),
        Span::raw(counts),
    ];
    if totals.refused > 0 {
        spans.push(Span::styled(format!("  {} refused", counted(totals.refused, "request")), look.error()));
    }
    spans.push(Span::styled(format!("  {}", state.listening), look.faint()));
    Line::from(spans)
}

fn footer(state: &State, look: Look) -> Line<'static> {
    if state.is_typing {
        return Line::raw(format!("/{}█", state.search));
    }
    let keys = match &state.opened {
        Some(_) => "↑↓ span  PgUp/PgDn details  Esc back  / search  q quit",
        None => "↑↓ select  Enter open trace  Tab traces, logs, metrics  / search  q quit",
    };
    let mut spans = vec![Span::styled(keys, look.faint())];
    if let (Tab::Metrics, None, Some(series)) = (state.tab, &state.opened, state.metrics.selected())
        && !series.description.is_empty()
    {
        spans.insert(0, Span::raw(format!("{}  ", text::one_line(&series.description))));
    }
    if !state.search.is_empty() && state.opened.is_none() {
        spans.insert(0, Span::styled(format!("found by {:?} (Esc: all)  ", state.search), look.title()));
    }
    Line::from(spans)
}

/// A table of which one row is selected, with a head unless that is empty. Only rows in sight are made.
fn table<T>(
    list: &List<T>,
    row: impl Fn(&T) -> Row<'static>,
    widths: &[Constraint],
    head: &[&'static str],
    look: Look,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let height = usize::from(area.height).saturating_sub(usize::from(!head.is_empty())).max(1);
    let above = (list.at + 1).saturating_sub(height);
    let rows: Vec<_> = list.items.iter().skip(above).take(height).map(row).collect();
    let mut selected = TableState::new().with_selected((!rows.is_empty()).then_some(list.at - above));
    let mut table = Table::new(rows, widths).row_highlight_style(look.selected());
    if !head.is_empty() {
        table = table.header(Row::new(head.iter().copied()).style(look.title()));
    }
    frame.render_stateful_widget(table, area, &mut selected);
}

fn nothing(state: &State, frame: &mut Frame<'_>, area: Rect) {
    let text = if state.search.is_empty() { "nothing has arrived yet" } else { "nothing is found" };
    frame.render_widget(Paragraph::new(text), area);
}

fn traces(state: &State, look: Look, frame: &mut Frame<'_>, area: Rect) {
    if state.traces.items.is_empty() {
        return nothing(state, frame, area);
    }
    let row = |summary: &TraceSummary| {
        let errors = if summary.errors == 0 { String::new() } else { format!("{} failed", summary.errors) };
        let row = Row::new([
            text::time(summary.start_unix_nano),
            text::one_line(&summary.service),
            text::one_line(&summary.root),
            text::duration(summary.duration_nano),
            summary.spans.to_string(),
            errors,
        ]);
        if summary.errors == 0 { row } else { row.style(look.error()) }
    };
    let widths = [12, 18].map(Constraint::Length).into_iter().chain([Constraint::Fill(1)]);
    let widths: Vec<_> = widths.chain([9, 6, 10].map(Constraint::Length)).collect();
    let head = ["start", "service", "root", "duration", "spans", "errors"];
    table(&state.traces, row, &widths, &head, look, frame, area);
}

fn logs(state: &State, look: Look, frame: &mut Frame<'_>, area: Rect) {
    if state.logs.items.is_empty() {
        return nothing(state, frame, area);
    }
    let row = |stored: &Arc<StoredLog>| {
        let record = &stored.record;
        let body = record.body.as_ref().map(text::value).unwrap_or_default();
        let row = Row::new([
            text::time(stored.time_unix_nano()),
            record.severity.as_str().to_owned(),
            text::one_line(stored.origin.service()),
            text::one_line(&format!(
                "{}{}{body}",
                record.event_name,
                if record.event_name.is_empty() { "" } else { "  " }
            )),
        ]);
        match record.severity {
            severity if severity >= Severity::Error => row.style(look.error()),
            severity if severity >= Severity::Warn => row.style(look.warning()),
            _ => row,
        }
    };
    let widths = [Constraint::Length(12), Constraint::Length(6), Constraint::Length(18), Constraint::Fill(1)];
    table(&state.logs, row, &widths, &["time", "level", "service", "body"], look, frame, area);
}

fn metrics(state: &State, look: Look, frame: &mut Frame<'_>, area: Rect) {
    if state.metrics.items.is_empty() {
        return nothing(state, frame, area);
    }
    let row = |series: &Series| {
        let last = series.points.last().map(|point| text::point(&point.value, &series.unit));
        let name = format!("{}{}", series.name, text::labels(&series.attributes));
        Row::new([
            text::one_line(series.origin.service()),
            text::one_line(&name),
            series.kind.to_string(),
            text::one_line(&last.unwrap_or_default()),
            plot(series),
        ])
    };
    let widths = [Constraint::Length(18), Constraint::Fill(2), Constraint::Length(22), Constraint::Fill(1)];
    let widths: Vec<_> = widths.into_iter().chain([Constraint::Length(PLOTTED as u16)]).collect();
    let head = ["service", "metric", "kind", "last", "plot"];
    table(&state.metrics, row, &widths, &head, look, frame, area);
}

/// Points in a plot.
const PLOTTED: usize = 24;

/// The latest points as a line of small bars, from the least of them to the greatest; of distributions the count.
fn plot(series: &Series) -> String {
    let values: Vec<f64> = series
        .points
        .iter()
        .rev()
        .take(PLOTTED)
        .rev()
        .filter_map(|point| match point.value {
            PointValue::Number(value) => Some(value),
            PointValue::Distribution { count, .. } => Some(count as f64),
            PointValue::Missing => None,
        })
        .collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let range = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) - least;
    let bar = |value: &f64| {
        let height = if range > 0.0 { (value - least) / range * 7.0 } else { 0.0 };
        // What is no number has no height, and the cast makes it 0.
        char::from_u32(0x2581 + height as u32).unwrap_or(' ')
    };
    values.iter().map(bar).collect()
}

/// The waterfall above, what is known of the selected span below.
fn trace(opened: &Opened, look: Look, frame: &mut Frame<'_>, area: Rect) {
    let wanted = u16::try_from(opened.rows.items.len()).unwrap_or(u16::MAX).saturating_add(2);
    let above = wanted.min(area.height.div_ceil(2));
    let [above, below] = Layout::vertical([Constraint::Length(above), Constraint::Fill(1)]).areas(area);
    let block = Block::new().borders(Borders::TOP).title(format!(" trace {} ", opened.id));
    let inner = block.inner(above);
    frame.render_widget(block, above);
    waterfall(opened, look, frame, inner);
    let lines = match opened.rows.selected() {
        Some(row) => detail::lines(&row.span, &opened.logs, look),
        None => orphans(opened),
    };
    let block = Block::new().borders(Borders::TOP);
    // As far as the last line, and no further.
    let last = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_sub(1);
    frame.render_widget(Paragraph::new(lines).block(block).scroll((opened.scrolled.min(last), 0)), below);
}

/// Log records of a trace of which no span has arrived.
fn orphans(opened: &Opened) -> Vec<Line<'static>> {
    let lines = opened.logs.iter().map(|stored| {
        let body = stored.record.body.as_ref().map(text::value).unwrap_or_default();
        let (time, severity) = (text::time(stored.time_unix_nano()), stored.record.severity);
        Line::raw(text::one_line(&format!("{time} {severity:5} {body}")))
    });
    std::iter::once(Line::raw("no span of this trace has arrived; its log records:")).chain(lines).collect()
}

fn waterfall(opened: &Opened, look: Look, frame: &mut Frame<'_>, area: Rect) {
    const DURATION: u16 = 9;
    let name = (area.width / 5 * 2).min(60);
    // Levels that are indented, two columns each: deeper ones would leave no room for the name.
    let deepest = usize::from(name / 3);
    // A blank is between columns.
    let width = usize::from(area.width.saturating_sub(name + DURATION + 2));
    let row = |row: &Bar| {
        let span = &row.span.span;
        let failed = span.status.code == StatusCode::Error;
        let mark = if failed { "! " } else { "" };
        let indent = "  ".repeat(row.depth.min(deepest));
        let label = format!("{indent}{mark}{}  {}", span.name, row.span.origin.service());
        let duration = text::duration(span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano));
        let style = if failed { look.error() } else { look.bar() };
        Row::new([
            Line::raw(text::one_line(&label)),
            Line::raw(duration),
            Line::styled(bar(row, width), style),
        ])
    };
    let widths = [Constraint::Length(name), Constraint::Length(DURATION), Constraint::Fill(1)];
    table(&opened.rows, row, &widths, &[], look, frame, area);
}

/// A bar in `width` columns; at least one of them is filled.
fn bar(row: &Bar, width: usize) -> String {
    let column = |place: f64| (place * width as f64).round() as usize;
    let from = column(row.from).min(width.saturating_sub(1));
    let to = column(row.to).clamp(from, width);
    format!("{}{}", " ".repeat(from), "█".repeat((to - from).max(1)))
}
