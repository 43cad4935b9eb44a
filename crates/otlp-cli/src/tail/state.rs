//! What is looked at, and what a key changes.
//!
//! Used by `tail`, which asks the store when the state says so, and by `draw`. Knows no terminal and no clock.

use super::key::Key;
use super::waterfall::{self, Row};
use crate::serve::items::StoredLog;
use crate::serve::search::Search;
use crate::serve::store::{Series, Store, Totals, TraceSummary};
use otlp_model::TraceId;
use std::sync::Arc;

/// Items in a list: what nobody scrolls to is not asked for.
const MOST: usize = 1000;

/// Rows that a page key moves.
const PAGE: usize = 10;

/// What the caller has to do after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    Draw,
    /// Ask the store, and draw.
    Ask,
    Quit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Traces,
    Logs,
    Metrics,
}

impl Tab {
    fn next(self) -> Self {
        match self {
            Self::Traces => Self::Logs,
            Self::Logs => Self::Metrics,
            Self::Metrics => Self::Traces,
        }
    }
}

/// A list with the item that is selected.
#[derive(Debug)]
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    pub(super) at: usize,
}

impl<T> List<T> {
    fn new(items: Vec<T>) -> Self {
        Self { items, at: 0 }
    }

    pub(super) fn selected(&self) -> Option<&T> {
        self.items.get(self.at)
    }

    /// Takes newer items. What was selected stays so, unless it was the newest: then the newest is selected.
    fn replace(&mut self, items: Vec<T>, is_same: impl Fn(&T, &T) -> bool) {
        let kept = self.selected().filter(|_| self.at > 0);
        let kept = kept.and_then(|kept| items.iter().position(|item| is_same(item, kept)));
        self.at = kept.unwrap_or(self.at.min(items.len().saturating_sub(1)));
        self.items = items;
    }

    fn step(&mut self, key: Key) {
        let last = self.items.len().saturating_sub(1);
        self.at = match key {
            Key::Up => self.at.saturating_sub(1),
            Key::Down => self.at + 1,
            Key::PageUp => self.at.saturating_sub(PAGE),
            Key::PageDown => self.at + PAGE,
            Key::First => 0,
            Key::Last => last,
            _ => self.at,
        }
        .min(last);
    }
}

/// A trace that is open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) id: TraceId,
    pub(super) rows: List<Row>,
    pub(super) logs: Vec<Arc<StoredLog>>,
    /// Lines of the span's details that are scrolled away.
    pub(super) scrolled: u16,
}

#[derive(Debug)]
pub(super) struct State {
    /// Where telemetry is received.
    pub(super) listening: String,
    pub(super) tab: Tab,
    pub(super) traces: List<TraceSummary>,
    pub(super) logs: List<Arc<StoredLog>>,
    pub(super) metrics: List<Series>,
    pub(super) opened: Option<Opened>,
    pub(super) search: String,
    /// Whether keys go into the search.
    pub(super) is_typing: bool,
    totals: Totals,
}

impl State {
    pub(super) fn new(listening: String) -> Self {
        Self {
            listening,
            tab: Tab::Traces,
            traces: List::new(Vec::new()),
            logs: List::new(Vec::new()),
            metrics: List::new(Vec::new()),
            opened: None,
            search: String::new(),
            is_typing: false,
            totals: Totals::default(),
        }
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Asks the store for what is looked at.
    pub(super) fn refresh(&mut self, store: &Store) {
        self.totals = store.totals();
        let search = Search::new(&self.search);
        match self.tab {
            Tab::Traces => {
                let traces = store.traces(&search, MOST);
                self.traces.replace(traces, |one, other| one.trace_id == other.trace_id);
            }
            Tab::Logs => self.logs.replace(store.logs(&search, MOST), Arc::ptr_eq),
            Tab::Metrics => {
                let series = store.metrics(&search, MOST);
                self.metrics.replace(series, Series::is_same);
            }
        }
        if let Some(opened) = &mut self.opened {
            // One that is no longer kept stays open as it was.
            if let Some(trace) = store.trace(opened.id) {
                opened
                    .rows
                    .replace(waterfall::rows(&trace.spans), |one, other| Arc::ptr_eq(&one.span, &other.span));
                opened.logs = trace.logs;
            }
        }
    }

    pub(super) fn key(&mut self, key: Key) -> Wish {
        if key == Key::Quit {
            return Wish::Quit;
        }
        if self.is_typing {
            return self.typed(key);
        }
        match key {
            Key::Char('q') => return Wish::Quit,
            Key::Char('/') => {
                self.opened = None;
                self.is_typing = true;
                return Wish::Draw;
            }
            _ => {}
        }
        if let Some(opened) = &mut self.opened {
            match key {
                Key::Back | Key::Erase => self.opened = None,
                // The details may be longer than their place.
                Key::PageUp => opened.scrolled = opened.scrolled.saturating_sub(PAGE as u16),
                Key::PageDown => opened.scrolled = opened.scrolled.saturating_add(PAGE as u16),
                key => {
                    opened.rows.step(key);
                    opened.scrolled = 0;
                }
            }
            return Wish::Draw;
        }
        match key {
            Key::Tab => {
                self.tab = self.tab.next();
                return Wish::Ask;
            }
            Key::Enter => return self.open(),
            Key::Back if !self.search.is_empty() => {
                self.search.clear();
                return Wish::Ask;
            }
            _ => {}
        }
        match self.tab {
            Tab::Traces => self.traces.step(key),
            Tab::Logs => self.logs.step(key),
            Tab::Metrics => self.metrics.step(key),
        }
        Wish::Draw
    }

    /// Opens the trace that is selected, or that the selected log record belongs to.
    fn open(&mut self) -> Wish {
        let id = match self.tab {
            Tab::Traces => self.traces.selected().map(|summary| summary.trace_id),
            Tab::Logs => self.logs.selected().map(|log| log.record.trace_id),
            Tab::Metrics => None,
        };
        let Some(id) = id.filter(TraceId::is_valid) else { return Wish::Nothing };
        self.opened = Some(Opened { id, rows: List::new(Vec::new()), logs: Vec::new(), scrolled: 0 });
        Wish::Ask
    }

    fn typed(&mut self, key: Key) -> Wish {
        match key {
            Key::Char(c) => self.search.push(c),
            Key::Erase => {
                self.search.pop();
            }
            Key::Back => {
                self.search.clear();
                self.is_typing = false;
            }
            Key::Enter => {
                self.is_typing = false;
                return Wish::Draw;
            }
            _ => return Wish::Nothing,
        }
        Wish::Ask
    }
}
