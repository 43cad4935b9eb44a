//! Styles: with colours, or without where NO_COLOR is set (<https://no-color.org>).
//!
//! Used by whatever draws. What a colour says a letter says, too.

use ratatui::style::{Color, Modifier, Style};
use std::ffi::OsStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    has_colours: bool,
}

impl Look {
    /// By the value of NO_COLOR: set and not empty, there are no colours.
    pub(super) fn new(no_color: Option<&OsStr>) -> Self {
        Self { has_colours: no_color.is_none_or(OsStr::is_empty) }
    }

    fn colour(self, colour: Color) -> Style {
        if self.has_colours { Style::new().fg(colour) } else { Style::new() }
    }

    pub(super) fn error(self) -> Style {
        self.colour(Color::Red)
    }

    pub(super) fn warning(self) -> Style {
        self.colour(Color::Yellow)
    }

    pub(super) fn bar(self) -> Style {
        self.colour(Color::Cyan)
    }

    /// What matters less.
    pub(super) fn faint(self) -> Style {
        self.colour(Color::DarkGray)
    }

    pub(super) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}
