//! The documents: `docs/benchmarks.md` from its template, the charts beside it, and the part of the README between its
//! markers.

use super::charts::{self, curve_file};
use super::growth::{self, Point};
use super::options::Options;
use super::results::Results;
use super::text::{between, fill, number, table, tick};
use super::{tables, wins};
use std::collections::BTreeSet;
use std::path::Path;

const TEMPLATE: &str = include_str!("template.txt");
const LOCK: &str = include_str!("../../Cargo.lock");
const BEGIN: &str = "<!-- written by cargo xtask bench -->";
const END: &str = "<!-- until here -->";

/// Writes the documents, and says which.
pub(super) fn write(options: &Options, results: &Results) -> Result<(), String> {
    let folder = options.out.clone().unwrap_or_else(|| options.root.join("docs"));
    let images = folder.join("benchmarks");
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(&images).map_err(|error| failed(&images, error))?;
    let mut files = vec![(folder.join("benchmarks.md"), document(results))];
    files.extend(charts::all(results)?.into_iter().map(|(name, svg)| (images.join(name), svg)));
    if options.out.is_none() {
        let path = options.root.join("README.md");
        let readme = std::fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
        match between(&readme, BEGIN, END, &front(results)) {
            Some(readme) => files.push((path, readme)),
            None => println!("README.md has no place for the short table: left as it is"),
        }
    }
    for (path, text) in files {
        std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// The whole document.
fn document(results: &Results) -> String {
    let machine = &results.machine;
    let warnings = results.warnings();
    let warnings = if warnings.is_empty() {
        "Nothing went wrong in this run: no crash, no busy sink, no core that changed its speed within a run by more than a \
         quarter."
            .to_owned()
    } else {
        warnings.iter().map(|warning| format!("- {warning}\n")).collect()
    };
    let pinned = if results.pinned {
        "`taskset` kept the contender on core 0 and the sink on core 1"
    } else {
        "nothing was pinned, since this machine has no `taskset` or a single core"
    };
    let values = [
        ("promises", tables::promises(results)),
        ("wins", wins::list(results)),
        ("lossless", tables::lossless(results)),
        ("traced", tables::traced(results)),
        ("logged", tables::logged(results)),
        ("exact", tables::exact(results)),
        ("burst", tables::burst(results)),
        ("latency", tables::latency(results)),
        ("producer", tables::producer(results)),
        ("threads", tables::threads(results)),
        ("workloads", tables::workloads(results)),
        ("curves", curves(&results.curves)),
        ("warnings", warnings),
        ("cpu", machine.cpu.clone()),
        ("cores", machine.cores.to_string()),
        ("memory", machine.memory.clone()),
        ("kernel", machine.kernel.clone()),
        ("rustc", machine.rustc.clone()),
        ("date", results.date.clone()),
        ("minutes", number(results.minutes.ceil())),
        ("repetitions", results.repetitions.to_string()),
        ("items", number(results.items as f64)),
        ("pinned", pinned.to_owned()),
        ("reference", number(results.reference() / 1e6)),
    ];
    let versions = PACKAGES.map(|package| (package, version(LOCK, package).unwrap_or("unknown").to_owned()));
    fill(&fill(TEMPLATE, &values), &versions)
}

/// The packages whose versions the template names.
const PACKAGES: [&str; 9] = [
    "opentelemetry",
    "opentelemetry_sdk",
    "opentelemetry-otlp",
    "fastrace",
    "fastrace-opentelemetry",
    "emit",
    "emit_otlp",
    "tracing-opentelemetry",
    "opentelemetry-appender-log",
];

/// The version of a package in a lock file.
fn version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// What the README shows.
fn front(results: &Results) -> String {
    let machine = &results.machine;
    format!(
        "{}\nMedians of {} repetitions on {} ({} cores), {}. The other figures, the method, what is not the same work, and \
         where a peer is better: [docs/benchmarks.md](docs/benchmarks.md).\n\n\
         ![CPU-seconds per million delivered spans, by client and wire](docs/benchmarks/cpu.svg)\n",
        tables::short(results),
        results.repetitions,
        machine.cpu,
        machine.cores,
        results.date,
    )
}

/// Each curve with its chart, its sentence and its figures.
fn curves(points: &[Point]) -> String {
    if points.is_empty() {
        return "No curves in this run.".to_owned();
    }
    let mut text = String::new();
    for (curve, points) in growth::curves(points) {
        let lines: BTreeSet<&String> = points.iter().flat_map(|point| point.y.keys()).collect();
        let mut head = vec![points[0].x_name.as_str()];
        head.extend(lines.iter().map(|line| line.as_str()));
        let row = |point: &&Point| {
            let mut row = vec![tick(point.x)];
            row.extend(lines.iter().map(|line| super::text::optional(point.y.get(*line).copied(), 1.0)));
            row
        };
        let rows: Vec<Vec<String>> = points.iter().map(row).collect();
        text.push_str(&format!("### {}\n\n", charts::capitalised(curve)));
        for sentence in points.iter().filter_map(|point| point.growth.as_ref()) {
            text.push_str(&format!("{}.\n\n", charts::capitalised(sentence.trim_end_matches('.'))));
        }
        if points.iter().any(|point| point.linear == Some(false)) {
            text.push_str(&format!("**This is more than linear.** {}\n\n", growth::reason(curve)));
        }
        let unit = &points[0].unit;
        text.push_str(&format!("![{curve}, {unit}](benchmarks/{})\n\n{unit}:\n\n", curve_file(curve)));
        text.push_str(&table(&head, &rows));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::results::samples::results;
    use super::*;

    #[test]
    fn no_place_of_the_template_stays_empty() {
        let text = document(&results());
        assert!(!text.contains("{{") && !text.contains("}}"), "{text}");
        assert!(text.contains("| gRPC · opentelemetry | 4.00 (3.90–4.10) |"));
        assert!(!text.contains("unknown"), "each version is known");
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
        assert!(text.lines().all(|line| line == line.trim_end()), "tidy");
    }

    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"a-b\"\nversion = \"2.0.0\"\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n";
        assert_eq!(version(lock, "a"), Some("1.0.0"));
        assert_eq!(version(lock, "c"), None);
    }

    #[test]
    fn curves_show_figures_and_how_they_grow() {
        let point = Point {
            curve: "threads".to_owned(),
            x_name: "threads".to_owned(),
            x: 2.0,
            y: [("ours".to_owned(), 5.0)].into(),
            unit: "ns".to_owned(),
            growth: Some("It grows like nothing.".to_owned()),
            ..Point::default()
        };
        let text = curves(&[point]);
        for part in
            ["### Threads", "It grows like nothing.", "(benchmarks/growth-threads.svg)", "| 2 | 5.00 |"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
