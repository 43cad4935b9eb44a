//! Cost as work grows: the curves of our own client, and its memory when nobody takes what it has.
//!
//! Used by the binary `growth`, which the comparison runs. Every round measures every point once, so that a machine that
//! slows down slows down all points alike; what is reported is the median of the rounds.

mod curve;
mod memory;
mod point;
mod queue;
mod subjects;
mod work;

pub use point::Point;

use curve::Curve;
use std::io::Write;

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Order {
    /// All curves; quick ones to see that they work, not to believe them.
    All { quick: bool },
    /// One curve alone.
    One { curve: String },
    /// The part of the memory curve that has to be a process of its own.
    Memory(memory::Flood),
}

const USAGE: &str = "usage: growth [--quick | CURVE]";

impl Order {
    fn parse(args: &[String]) -> Result<Self, String> {
        match args {
            [] => Ok(Self::All { quick: false }),
            [flag] if flag == "--quick" => Ok(Self::All { quick: true }),
            [word, flood @ ..] if word == memory::WORD && !flood.is_empty() => {
                memory::Flood::parse(flood).map(Self::Memory)
            }
            [curve] => Ok(Self::One { curve: curve.clone() }),
            _ => Err(USAGE.to_owned()),
        }
    }
}

/// Runs what `args` ask for and prints one line of JSON for each [`Point`].
///
/// # Errors
///
/// What could not be measured, or a bound that was exceeded.
pub fn run(args: &[String]) -> Result<(), String> {
    let (quick, only) = match Order::parse(args)? {
        Order::Memory(flood) => return memory::flood(&flood),
        Order::All { quick } => (quick, None),
        Order::One { curve } => (false, Some(curve)),
    };
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let size = work::Size::new(quick);
    let curves: Vec<Curve> = subjects::all(size)
        .into_iter()
        .chain([queue::curve(size)])
        .filter(|curve| wanted(curve.name))
        .collect();
    if curves.is_empty() && !wanted(memory::WORD) {
        return Err(format!("no such curve: {}\n{USAGE}", only.unwrap_or_default()));
    }
    let samples = curve::measure(&curves, size.rounds)?;
    for (curve, samples) in curves.iter().zip(&samples) {
        print(&curve.points(samples))?;
    }
    if wanted(memory::WORD) {
        print(&memory::points(quick)?)?;
    }
    Ok(())
}

fn print(points: &[Point]) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    for point in points {
        let line = serde_json::to_string(point).map_err(|error| error.to_string())?;
        writeln!(out, "{line}").map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Order, String> {
        Order::parse(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_command_line_names_all_curves_or_one() {
        assert_eq!(parse(&[]), Ok(Order::All { quick: false }));
        assert_eq!(parse(&["--quick"]), Ok(Order::All { quick: true }));
        assert_eq!(parse(&["scopes"]), Ok(Order::One { curve: "scopes".to_owned() }));
        assert!(parse(&["a", "b"]).is_err());
    }
}
