//! The page: `docs/delivery.md` from its template.

use super::run::Row;
use super::{tables, targets};
use crate::compare::machine::{Machine, today};
use crate::compare::text::fill;
use std::path::Path;

const TEMPLATE: &str = include_str!("template.txt");

/// Writes the page, and says where.
pub(super) fn write(path: &Path, rows: &[Row], seconds: u64) -> Result<(), String> {
    std::fs::write(path, page(rows, seconds)).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

fn page(rows: &[Row], seconds: u64) -> String {
    let machine = Machine::this();
    let values = [
        ("targets", targets::table_of(rows)),
        ("delivery", tables::delivery(rows)),
        ("latency", tables::latency(rows)),
        ("idle", tables::idle(rows)),
        ("date", today()),
        ("minutes", seconds.div_ceil(60).to_string()),
        (
            "machine",
            format!("{}, {} cores, {}, {}", machine.cpu, machine.cores, machine.memory, machine.kernel),
        ),
    ];
    fill(TEMPLATE, &values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_of_the_template_stays_empty() {
        let text = page(&[], 1);
        assert!(!text.contains("{{") && text.ends_with('\n') && !text.ends_with("\n\n"), "{text}");
        assert!(text.lines().all(|line| line == line.trim_end()), "tidy");
    }
}
