//! A white card to draw on, as SVG: plotters' backend with the few shapes that the charts need. Text stays text, in the
//! reader's own sans-serif, and the card has a ground of its own, so that it can be read on light and dark pages.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(super) const INK: RGBColor = RGBColor(0x22, 0x26, 0x2e);
pub(super) const FAINT: RGBColor = RGBColor(0x6a, 0x71, 0x7d);
pub(super) const GRID: RGBColor = RGBColor(0xdf, 0xe2, 0xe7);

/// Where a text stands relative to its point; the middle of its height is on the point.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A drawing of one chart, in pixels from the upper left.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
}

/// Draws on a card of this size, and returns it as SVG. Drawing into a text cannot fail but for a bug of the drawer.
pub(super) fn card(
    size: (u32, u32),
    draw: impl FnOnce(&Canvas<'_>) -> Result<(), String>,
) -> Result<String, String> {
    let mut svg = String::new();
    {
        let canvas = Canvas { area: SVGBackend::with_string(&mut svg, size).into_drawing_area() };
        canvas.area.fill(&WHITE).map_err(|error| error.to_string())?;
        let frame = [(0, 0), (size.0 as i32 - 1, size.1 as i32 - 1)];
        canvas.put(&Rectangle::new(frame, GRID))?;
        draw(&canvas)?;
        canvas.area.present().map_err(|error| error.to_string())?;
    }
    let lines: Vec<&str> = svg.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    Ok(lines.join("\n") + "\n")
}

impl<'a> Canvas<'a> {
    fn put<E>(&self, element: &E) -> Result<(), String>
    where
        for<'b> &'b E: plotters::element::PointCollection<'b, (i32, i32)>,
        E: plotters::element::Drawable<SVGBackend<'a>>,
    {
        self.area.draw(element).map_err(|error| error.to_string())
    }

    pub(super) fn bar(&self, from: (i32, i32), to: (i32, i32), color: RGBColor) -> Result<(), String> {
        self.put(&Rectangle::new([from, to], color.filled()))
    }

    pub(super) fn line(&self, points: Vec<(i32, i32)>, color: RGBColor, width: u32) -> Result<(), String> {
        self.put(&PathElement::new(points, color.stroke_width(width)))
    }

    pub(super) fn dot(&self, at: (i32, i32), color: RGBColor) -> Result<(), String> {
        self.put(&Circle::new(at, 3, color.filled()))
    }

    pub(super) fn text(
        &self,
        text: &str,
        at: (i32, i32),
        anchor: Anchor,
        size: u32,
        color: RGBColor,
    ) -> Result<(), String> {
        self.styled(text, at, anchor, ("sans-serif", size).into_font(), color)
    }

    pub(super) fn title(&self, text: &str, at: (i32, i32), size: u32) -> Result<(), String> {
        self.styled(text, at, Anchor::Start, ("sans-serif", size).into_font().style(FontStyle::Bold), INK)
    }

    fn styled(
        &self,
        text: &str,
        at: (i32, i32),
        anchor: Anchor,
        font: FontDesc<'_>,
        color: RGBColor,
    ) -> Result<(), String> {
        let horizontal = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let style = TextStyle::from(font).color(&color).pos(Pos::new(horizontal, VPos::Center));
        self.area.draw_text(text, &style, at).map_err(|error| error.to_string())
    }
}
