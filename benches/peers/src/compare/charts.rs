//! The charts of the document: bars that stand beside each other, and curves of growing work.

use super::canvas::{Anchor, Canvas, FAINT, GRID, INK, card};
use super::growth::Point;
use super::plan::{Cell, Contender, LATENCIES, WIRES};
use super::results::{Metric, Results};
use super::text::{number, tick};
use crate::{Compression, Mode, Transport};
use plotters::style::RGBColor;
use std::collections::BTreeSet;

/// A file's name and its content.
pub(super) type File = (String, String);

/// Bars in groups; less is better, or more.
#[derive(Debug, Default)]
struct Bars {
    title: &'static str,
    /// The unit, and which side is the better one.
    subtitle: String,
    groups: Vec<(String, Vec<(Contender, f64)>)>,
}

/// All charts that this run has figures for.
pub(super) fn all(results: &Results) -> Result<Vec<File>, String> {
    let mut files = Vec::new();
    for (name, bars) in bars(results) {
        if !bars.groups.is_empty() {
            files.push((format!("{name}.svg"), bars.draw()?));
        }
    }
    for (curve, points) in super::growth::curves(&results.curves) {
        files.push((curve_file(curve), draw_curve(curve, &points)?));
    }
    Ok(files)
}

/// The name of a curve's chart.
pub(super) fn curve_file(curve: &str) -> String {
    let letters = curve.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    format!("growth-{}.svg", letters.collect::<String>())
}

/// `gRPC, gzip`.
pub(super) fn wire(transport: Transport, compression: Compression) -> String {
    let transport = match transport {
        Transport::Grpc => "gRPC",
        Transport::Http => "HTTP",
    };
    match compression {
        Compression::None => transport.to_owned(),
        other => format!("{transport}, {other}"),
    }
}

fn bars(results: &Results) -> Vec<(&'static str, Bars)> {
    let medians = |metric: Metric, scale: f64, change: &dyn Fn(Cell) -> Cell| -> Vec<(Contender, f64)> {
        let median = |contender| {
            let spread = results.normalised(&change(Cell::plain(contender)), metric)?;
            Some((contender, spread.median * scale))
        };
        Contender::CLIENTS.into_iter().chain([Contender::Floor]).filter_map(median).collect()
    };
    let without_floor = |mut group: Vec<(Contender, f64)>| {
        group.retain(|(contender, _)| *contender != Contender::Floor);
        group
    };
    let wires = |wires: &[(Transport, Compression)], metric, scale: f64| {
        let group = |&(to, by): &(Transport, Compression)| {
            (wire(to, by), without_floor(medians(metric, scale, &|cell| cell.over(to, by))))
        };
        wires.iter().map(group).filter(|(_, bars)| !bars.is_empty()).collect::<Vec<_>>()
    };
    let mut late = vec![("at once".to_owned(), without_floor(medians(Metric::Rate, 1e-3, &|cell| cell)))];
    for after in LATENCIES {
        // A receiver's wait does not depend on the speed of our core.
        let raw = |contender| {
            let spread = results.raw(&Cell::plain(contender).answered_after(after), Metric::Rate)?;
            Some((contender, spread.median / 1e3))
        };
        late.push((format!("after {after} ms"), Contender::CLIENTS.into_iter().filter_map(raw).collect()));
    }
    let mut producer =
        vec![("sampled, nothing lost".to_owned(), medians(Metric::ProducerNs, 1.0, &|cell| cell))];
    let unsampled = medians(Metric::ProducerNs, 1.0, &|cell| cell.mode(Mode::Unsampled));
    producer.push(("unsampled, attributes offered".to_owned(), unsampled));
    for groups in [&mut late, &mut producer] {
        groups.retain(|(_, bars)| !bars.is_empty());
    }
    vec![
        (
            "cpu",
            Bars {
                title: "What a million delivered spans cost",
                subtitle: "CPU-seconds of the client's process; less is better".to_owned(),
                groups: wires(&WIRES, Metric::CpuPerMillion, 1.0),
            },
        ),
        (
            "rate",
            Bars {
                title: "Spans delivered per second",
                subtitle: "thousands; client on one core, nothing lost; more is better".to_owned(),
                groups: wires(&WIRES, Metric::Rate, 1e-3),
            },
        ),
        (
            "producer",
            Bars {
                title: "What one span costs the thread that makes it",
                subtitle: "nanoseconds of CPU, 8 attributes and an event; less is better".to_owned(),
                groups: producer,
            },
        ),
        (
            "latency",
            Bars {
                title: "Spans delivered per second, by when the receiver answers",
                subtitle: "thousands; gRPC, defaults, nothing lost; more is better".to_owned(),
                groups: late,
            },
        ),
    ]
}

/// Ours stands out; the others can be told apart without colours, too, since every bar has its name.
const fn color(contender: Contender) -> RGBColor {
    match contender {
        Contender::Ours
        | Contender::ApiOnOurs
        | Contender::SdkOnOurs
        | Contender::TracingOurs
        | Contender::LogOurs => RGBColor(0x1f, 0x6f, 0xc5),
        Contender::Opentelemetry | Contender::TracingOpentelemetry | Contender::LogOpentelemetry => {
            RGBColor(0xd9, 0x84, 0x3b)
        }
        Contender::Fastrace => RGBColor(0x9a, 0x8f, 0xb8),
        Contender::Emit => RGBColor(0x8f, 0xab, 0x8a),
        Contender::Floor => RGBColor(0x6a, 0x71, 0x7d),
    }
}

const WIDTH: i32 = 760;
const LEFT: i32 = 140;
const BAR: i32 = 20;

impl Bars {
    fn draw(&self) -> Result<String, String> {
        let bars: usize = self.groups.iter().map(|(_, bars)| bars.len()).sum();
        let height = 72 + self.groups.len() as i32 * 38 + bars as i32 * BAR + 8;
        let most = self.groups.iter().flat_map(|(_, bars)| bars).map(|(_, value)| *value).fold(0.0, f64::max);
        let length = |value: f64| (value / most.max(f64::MIN_POSITIVE) * f64::from(WIDTH - LEFT - 90)) as i32;
        card((WIDTH as u32, height as u32), |canvas| {
            canvas.title(self.title, (20, 26), 22)?;
            canvas.text(&self.subtitle, (20, 50), Anchor::Start, 15, FAINT)?;
            let mut y = 72;
            for (group, bars) in &self.groups {
                canvas.title(group, (20, y + 14), 16)?;
                y += 26;
                for (contender, value) in bars {
                    let middle = y + BAR / 2;
                    canvas.text(contender.title(), (LEFT - 8, middle), Anchor::End, 15, INK)?;
                    let end = LEFT + length(*value).max(1);
                    canvas.bar((LEFT, y + 2), (end, y + BAR - 2), color(*contender))?;
                    canvas.text(&number(*value), (end + 6, middle), Anchor::Start, 15, INK)?;
                    y += BAR;
                }
                y += 12;
            }
            Ok(())
        })
    }
}

/// An axis from values to pixels: in equal steps, or in equal factors where the values span many of them.
struct Axis {
    logarithmic: bool,
    from: f64,
    to: f64,
    pixels: (i32, i32),
}

impl Axis {
    fn new(values: &[f64], pixels: (i32, i32)) -> Self {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        let logarithmic = least > 0.0 && most / least > 40.0;
        let from = if logarithmic { least } else { 0.0 };
        Self { logarithmic, from, to: if most > from { most } else { from + 1.0 }, pixels }
    }

    fn at(&self, value: f64) -> i32 {
        let part = if self.logarithmic {
            (value / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        self.pixels.0 + (part * f64::from(self.pixels.1 - self.pixels.0)).round() as i32
    }

    /// Round values along the axis.
    fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let (first, last) = (self.from.log10().floor() as i32, self.to.log10().ceil() as i32);
            let few = last - first < 3;
            let steps: &[f64] = if few { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let all =
                (first..=last).flat_map(|exponent| steps.iter().map(move |step| step * 10f64.powi(exponent)));
            return all.filter(|tick| (self.from..=self.to * 1.000_1).contains(tick)).collect();
        }
        let rough = self.to / 5.0;
        let unit = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * unit).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        (0..=5).map(|number| f64::from(number) * step).filter(|tick| *tick <= self.to * 1.000_1).collect()
    }
}

const LINES: [RGBColor; 6] = [
    RGBColor(0x1f, 0x6f, 0xc5),
    RGBColor(0xd9, 0x84, 0x3b),
    RGBColor(0x5c, 0x8f, 0x57),
    RGBColor(0x8b, 0x6f, 0xb8),
    RGBColor(0xb3, 0x4b, 0x5c),
    RGBColor(0x6a, 0x71, 0x7d),
];

fn draw_curve(curve: &str, points: &[&Point]) -> Result<String, String> {
    const HEIGHT: i32 = 340;
    let lines: BTreeSet<&String> = points.iter().flat_map(|point| point.y.keys()).collect();
    let xs: Vec<f64> = points.iter().map(|point| point.x).collect();
    let ys: Vec<f64> = points.iter().flat_map(|point| point.y.values().copied()).collect();
    let x = Axis::new(&xs, (74, WIDTH - 30));
    let y = Axis::new(&ys, (HEIGHT - 60, 100));
    let (unit, x_name) =
        points.first().map_or(("", ""), |point| (point.unit.as_str(), point.x_name.as_str()));
    card((WIDTH as u32, HEIGHT as u32), |canvas| {
        canvas.title(&capitalised(curve), (20, 26), 22)?;
        let scale = if y.logarithmic { ", in equal factors" } else { "" };
        canvas.text(&format!("{unit}{scale}"), (20, 50), Anchor::Start, 15, FAINT)?;
        legend(canvas, &lines)?;
        for value in y.ticks() {
            canvas.line(vec![(x.pixels.0, y.at(value)), (x.pixels.1, y.at(value))], GRID, 1)?;
            canvas.text(&tick(value), (x.pixels.0 - 8, y.at(value)), Anchor::End, 13, FAINT)?;
        }
        // The values measured are the ticks, from the right, where there is room.
        let mut free = i32::MAX;
        for value in xs.iter().rev() {
            let text = tick(*value);
            let half = text.len() as i32 * 4 + 4;
            if x.at(*value) + half < free {
                canvas.text(&text, (x.at(*value), HEIGHT - 44), Anchor::Middle, 13, FAINT)?;
                free = x.at(*value) - half;
            }
        }
        let name = if x.logarithmic { format!("{x_name}, in equal factors") } else { x_name.to_owned() };
        canvas.text(&name, (i32::midpoint(x.pixels.0, x.pixels.1), HEIGHT - 20), Anchor::Middle, 15, INK)?;
        for (line, color) in colored(&lines) {
            let of_line = |point: &&Point| Some((x.at(point.x), y.at(*point.y.get(line)?)));
            let path: Vec<(i32, i32)> = points.iter().filter_map(of_line).collect();
            for at in &path {
                canvas.dot(*at, color)?;
            }
            canvas.line(path, color, 2)?;
        }
        Ok(())
    })
}

/// A name as a title.
pub(super) fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The lines with their colours.
fn colored<'a>(lines: &'a BTreeSet<&'a String>) -> impl Iterator<Item = (&'a String, RGBColor)> {
    lines.iter().copied().zip(LINES.into_iter().cycle())
}

/// The names of the lines, in their colours, above the plot.
fn legend(canvas: &Canvas<'_>, lines: &BTreeSet<&String>) -> Result<(), String> {
    let mut left = 74;
    for (line, color) in colored(lines) {
        canvas.bar((left, 70), (left + 14, 78), color)?;
        canvas.text(line, (left + 20, 74), Anchor::Start, 14, INK)?;
        left += 44 + line.chars().count() as i32 * 7;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::results::samples::results;
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn charts_are_text_on_a_card_of_their_own() {
        let files = all(&results()).unwrap();
        let (name, svg) = &files[0];
        assert_eq!(name, "cpu.svg");
        assert!(svg.contains("<text") && svg.contains("sans-serif") && svg.contains("otlp (ours)"), "{svg}");
        assert!(svg.contains("#FFFFFF") && svg.ends_with("</svg>\n"));
        assert!(svg.lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn axes_take_factors_where_steps_would_hide_the_small() {
        let steps = Axis::new(&[0.0, 8.0], (0, 80));
        assert_eq!(
            (steps.logarithmic, steps.at(4.0), steps.ticks()),
            (false, 40, vec![0.0, 2.0, 4.0, 6.0, 8.0])
        );
        let factors = Axis::new(&[10.0, 10_000.0], (0, 90));
        assert_eq!((factors.logarithmic, factors.at(100.0)), (true, 30));
        assert_eq!(factors.ticks(), [10.0, 100.0, 1_000.0, 10_000.0]);
        assert_eq!(Axis::new(&[0.0], (0, 10)).at(0.0), 0, "one value is an axis, too");
    }

    #[test]
    fn a_curve_has_its_lines_and_units() {
        let point = |x: f64| Point {
            curve: "Attributes".to_owned(),
            x_name: "attributes".to_owned(),
            x,
            y: BTreeMap::from([("ours".to_owned(), x * 20.0 + 60.0)]),
            unit: "ns per span".to_owned(),
            ..Point::default()
        };
        let points: Vec<Point> = [0.0, 1.0, 8.0, 64.0].map(point).into();
        let svg = draw_curve("Attributes", &points.iter().collect::<Vec<_>>()).unwrap();
        for text in ["ns per span", "attributes", "ours", "64"] {
            assert!(svg.lines().any(|line| line == text), "{text}");
        }
        assert_eq!(curve_file("Attribute bytes"), "growth-attribute-bytes.svg");
    }
}
