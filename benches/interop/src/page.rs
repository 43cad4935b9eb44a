//! The page, `docs/interop.md`, and its summary on the terminal.
//!
//! Pure but for the date and the file. Names no host, user or folder.

use crate::Failure;
use crate::case::{Case, Found, Packing, Security, Verdict, Wire};
use crate::counterpart::{Played, Results};
use chrono::Utc;
use otlp_model::Signal;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const TEMPLATE: &str = include_str!("template.txt");

/// Writes the page, and says where.
pub(crate) fn write(path: &Path, results: &[Results], seconds: u64) -> Result<(), Failure> {
    let today = Utc::now().date_naive().to_string();
    std::fs::write(path, page(results, seconds, &today, &made_with()))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// Which sources of ours were run, and with which tools, as far as these tell.
fn made_with() -> String {
    let told = |program: &str, arguments: &[&str]| {
        let output =
            Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = told("git", &["rev-parse", "--short", "HEAD"]);
    let sources = commit
        .map_or_else(|| "of sources without a commit".to_owned(), |commit| format!("of commit {commit}"));
    let tools = [("go", "version"), ("python3", "--version")];
    let tools = tools
        .map(|(program, version)| told(program, &[version]).unwrap_or_else(|| format!("without {program}")));
    format!("{sources}, with {}", tools.join(" and "))
}

fn page(results: &[Results], seconds: u64, date: &str, made_with: &str) -> String {
    let sections: Vec<String> = results.iter().map(section).collect();
    [("{{date}}", date), ("{{seconds}}", &seconds.to_string()), ("{{summary}}", summary(results).trim_end())]
        .into_iter()
        .chain([("{{made_with}}", made_with), ("{{sections}}", sections.join("\n").trim_end())])
        .fold(TEMPLATE.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// A line for each counterpart.
pub(crate) fn summary(results: &[Results]) -> String {
    let rows = results.iter().map(|result| {
        let title = result.counterpart.title().to_owned();
        match &result.played {
            Err(reason) => {
                [title, "–".to_owned(), "–".to_owned(), format!("**skipped**: {}", one_line(reason))]
            }
            Ok(played) => {
                let impossible = match impossible(played).len() {
                    0 => String::new(),
                    cells => format!(", {cells} not possible"),
                };
                let equal = played.verdicts.iter().filter(|verdict| verdict.found == Found::Equal).count();
                let told = played.hardships.iter().filter(|hardship| hardship.found.is_ok()).count();
                let of = |part: usize, whole: usize| {
                    if whole == 0 { "–".to_owned() } else { format!("{part} of {whole}") }
                };
                let verdict = if result.failures() == 0 { "passed" } else { "**failed**" };
                [
                    title,
                    of(equal, played.verdicts.len()) + &impossible,
                    of(told, played.hardships.len()),
                    verdict.to_owned(),
                ]
            }
        }
    });
    table(
        &["counterpart", "signals and ways whose fields are all equal", "hardships survived", "verdict"],
        rows,
    )
}

fn section(result: &Results) -> String {
    let (title, version) = (result.counterpart.title(), result.counterpart.version());
    let mut text = format!("## {title}\n\n{version}\n\n");
    match &result.played {
        Err(reason) => text.push_str(&format!("Skipped: {}\n", one_line(reason))),
        Ok(played) => {
            if !played.verdicts.is_empty() {
                text.push_str(&matrix(played));
            }
            let mut cells: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for (verdict, why) in impossible(played) {
                cells.entry(why).or_default().push(format!("{} by {}", verdict.signal, verdict.case));
            }
            for (why, cells) in cells {
                text.push_str(&format!("\nNot possible: {}. {why}\n", cells.join("; ")));
            }
            if !result.counterpart.lacks().is_empty() {
                text.push_str(&format!("\n{}\n", result.counterpart.lacks()));
            }
            if !played.hardships.is_empty() {
                text.push('\n');
                text.push_str(&hardships(played));
            }
            if let Some(broken) = &played.broken {
                text.push_str(&format!("\n**Failed**: {}\n", one_line(broken)));
            }
        }
    }
    text
}

/// A row for each way of sending, a column for each security.
fn matrix(played: &Played) -> String {
    let mut rows = Vec::new();
    for wire in Wire::ALL {
        for packing in Packing::ALL {
            let cells = Security::ALL.map(|security| cell(played, Case { wire, packing, security }));
            if cells.iter().any(|cell| cell != "–") {
                let [plain, tls, mutual] = cells;
                rows.push([wire.to_string(), packing.to_string(), plain, tls, mutual]);
            }
        }
    }
    table(&["protocol", "compression", "plain", "TLS", "mTLS"], rows)
}

fn cell(played: &Played, case: Case) -> String {
    let verdicts = played.verdicts.iter().filter(|verdict| verdict.case == case);
    let marks: Vec<String> = Signal::ALL
        .into_iter()
        .filter_map(|signal| verdicts.clone().find(|verdict| verdict.signal == signal))
        .map(|verdict| match verdict.found {
            Found::Equal => format!("✓ {}", verdict.signal),
            Found::Different(_) => format!("✗ {}", verdict.signal),
            Found::Impossible(_) => format!("({} not possible)", verdict.signal),
        })
        .collect();
    if marks.is_empty() { "–".to_owned() } else { marks.join(", ") }
}

/// What cannot be equal, and why.
fn impossible(played: &Played) -> Vec<(&Verdict, &'static str)> {
    let why = |verdict: &Verdict| match verdict.found {
        Found::Impossible(why) => Some(why),
        Found::Equal | Found::Different(_) => None,
    };
    played.verdicts.iter().filter_map(|verdict| Some((verdict, why(verdict)?))).collect()
}

fn hardships(played: &Played) -> String {
    let rows = played.hardships.iter().map(|hardship| match &hardship.found {
        Ok(course) => [hardship.name.clone(), one_line(&course.answer), one_line(&course.outcome)],
        Err(failure) => [hardship.name.clone(), "–".to_owned(), format!("**failed**: {}", one_line(failure))],
    });
    table(&["when", "what an attempt fails with first", "then"], rows)
}

fn table<const N: usize>(head: &[&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(N));
    for row in rows {
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    text
}

/// Text of others in a cell.
fn one_line(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    words.chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counterpart::Counterpart;
    use crate::hardship::Hardship;

    #[test]
    fn the_page_tells_what_passed_what_failed_and_what_was_skipped() {
        let case = Case { wire: Wire::Grpc, packing: Packing::Gzip, security: Security::Tls };
        let verdict = |signal, found| Verdict { case, signal, found };
        let played = Played {
            verdicts: vec![
                verdict(Signal::Traces, Found::Equal),
                verdict(Signal::Metrics, Found::Impossible("It cannot read them.")),
                verdict(Signal::Logs, Found::Different("a | b".to_owned())),
            ],
            hardships: vec![Hardship { name: "killed".to_owned(), found: Err("lost\n3".to_owned()) }],
            broken: None,
        };
        let results = [
            Results { counterpart: Counterpart::Collector, played: Ok(played) },
            Results { counterpart: Counterpart::Rotel, played: Err("no\nwheel".to_owned()) },
        ];
        let text = page(&results, 3, "2026-01-01", "of commit abc");
        for part in [
            "| 1 of 3, 1 not possible | 0 of 1 | **failed** |",
            "**skipped**: no wheel",
            "2026-01-01, of commit abc, in 3 seconds",
            "| gRPC | gzip | – | ✓ traces, (metrics not possible), ✗ logs | – |",
            "\nNot possible: metrics by gRPC, gzip, TLS. It cannot read them.\n",
            "**failed**: lost 3",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert!(!text.contains("{{") && text.ends_with('\n') && !text.ends_with("\n\n"), "{text}");
        assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
    }
}
