//! `cargo xtask conformance`: which requirement is proved by which test.
//!
//! The requirements are the tables of docs/conformance.md. A test cites what it proves with `// conf: RETRY-05, RETRY-06`
//! inside or directly above it; code is counted wherever a comment names an id.

mod citation;
mod list;

use crate::{Outcome, tree};
use citation::Citation;
use list::{List, Requirement};
use std::fmt::Write as _;
use std::io::Write as _;

const LIST: &str = "docs/conformance.md";

/// The arguments of the command.
#[derive(Debug, Default, PartialEq)]
struct Arguments {
    /// The groups to show; all when empty.
    groups: Vec<String>,
    /// Only look for mistakes.
    check: bool,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let arguments = Arguments::parse(arguments)?;
    let files = tree::files()?;
    let text = files.iter().find(|file| file.path == LIST).map(|file| file.text.as_str());
    let list = List::parse(text.ok_or(format!("{LIST} is missing"))?).map_err(|errors| errors.join("\n"))?;
    if let Some(group) = arguments.groups.iter().find(|group| !list.groups().any(|name| name == *group)) {
        return Err(format!("{LIST} has no group {group}"));
    }

    let (mut citations, mut errors) = (Vec::new(), Vec::new());
    for file in files.iter().filter(|file| is_cited_from(&file.path)) {
        let (found, malformed) = citation::scan(file, &list);
        citations.extend(found);
        errors.extend(malformed);
    }
    errors.extend(unknown(&list, &citations));

    let groups = list.groups().filter(|group| arguments.shows(group));
    let mut text: String = groups.map(|group| report(&list, group, &citations)).collect();
    let _ = writeln!(text, "{} citations of {} requirements", citations.len(), list.requirements.len());
    // A reader who has seen enough closes the pipe (`| head`), which is no failure of ours.
    let _ = std::io::stdout().write_all(text.as_bytes());
    if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
}

impl Arguments {
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut parsed = Self::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--check" => parsed.check = true,
                "--group" => {
                    parsed.groups.push(arguments.next().ok_or("--group needs a name, such as MODEL")?.clone())
                }
                other => return Err(format!("conformance: unknown argument {other}")),
            }
        }
        Ok(parsed)
    }

    fn shows(&self, group: &str) -> bool {
        !self.check && (self.groups.is_empty() || self.groups.iter().any(|name| name == group))
    }
}

/// Whether a file's citations count: code of the crates and of the benchmarks, which test with other implementations. This
/// crate's own tests cite what no list holds.
fn is_cited_from(path: &str) -> bool {
    ["crates/", "benches/"].iter().any(|folder| path.starts_with(folder)) && path.ends_with(".rs")
}

/// Citations of ids that the list does not hold.
fn unknown<'a>(list: &'a List, citations: &'a [Citation]) -> impl Iterator<Item = String> + 'a {
    citations
        .iter()
        .filter(|citation| list.requirement(&citation.id).is_none())
        .map(|citation| format!("{}: {} is not in {LIST}", citation.place(), citation.id))
}

/// One group: every requirement with the tests and the code that cite it, and a last line on what nothing cites.
fn report(list: &List, group: &str, citations: &[Citation]) -> String {
    let mut text = String::new();
    let (mut tested, mut coded, mut none) = (0, 0, Vec::new());
    for requirement in list.requirements.iter().filter(|requirement| requirement.group() == group) {
        let of = |test| citations.iter().filter(move |c| c.id == requirement.id && c.test == test);
        match (of(true).count(), of(false).count()) {
            (0, 0) => none.push(requirement),
            (0, _) => coded += 1,
            _ => tested += 1,
        }
        let Requirement { id, level, title, note } = requirement;
        let _ = writeln!(text, "  {id} {level}: {title}");
        if !note.is_empty() {
            let _ = writeln!(text, "      note {note}");
        }
        for citation in of(true) {
            let _ = writeln!(text, "      test {} {}", citation.place(), citation.function);
        }
        for citation in of(false) {
            let _ = writeln!(text, "      code {}", citation.place());
        }
    }
    let noted: Vec<&str> = none.iter().filter(|r| !r.note.is_empty()).map(|r| r.id.as_str()).collect();
    let open: Vec<&str> = none.iter().filter(|r| r.note.is_empty()).map(|r| r.id.as_str()).collect();
    let head = format!(
        "{group}: {tested} with tests, {coded} with code only, {} with a note only, {} with nothing\n",
        noted.len(),
        open.len()
    );
    if !noted.is_empty() {
        let _ = writeln!(text, "  a note only: {}", noted.join(", "));
    }
    if !open.is_empty() {
        let _ = writeln!(text, "  nothing: {}", open.join(", "));
    }
    head + &text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::File;

    fn list() -> List {
        List::parse(
            "| id | level | requirement | note |\n|---|---|---|---|\n\
             | AB-01 | MUST | proved | |\n| AB-02 | MUST | coded | |\n\
             | AB-03 | SHOULD | open | |\n| AB-04 | MAY | noted | later |\n",
        )
        .unwrap()
    }

    fn citations() -> Vec<Citation> {
        let of = |path: &str, text: &str| {
            citation::scan(&File { path: path.to_owned(), text: text.to_owned() }, &list()).0
        };
        let mut all = of("crates/a/tests/b.rs", "#[test]\nfn proves() {\n    // conf: AB-01\n}\n");
        all.extend(of("crates/a/src/b.rs", "//! x\n/// As AB-02 asks.\n"));
        all
    }

    #[test]
    fn a_report_tells_tests_code_notes_and_gaps_apart() {
        let text = report(&list(), "AB", &citations());
        assert!(text.starts_with("AB: 1 with tests, 1 with code only, 1 with a note only, 1 with nothing\n"));
        assert!(text.contains("      test crates/a/tests/b.rs:3 proves\n"), "{text}");
        assert!(text.contains("      code crates/a/src/b.rs:2\n"), "{text}");
        assert!(text.contains("  a note only: AB-04\n  nothing: AB-03\n"), "{text}");
    }

    #[test]
    fn a_citation_of_an_id_not_listed_is_an_error() {
        assert_eq!(unknown(&list(), &citations()).count(), 0);
        let shorter = List::parse("| AB-01 | MUST | proved | |\n").unwrap();
        assert_eq!(
            unknown(&shorter, &citations()).collect::<Vec<_>>(),
            ["crates/a/src/b.rs:2: AB-02 is not in docs/conformance.md"]
        );
    }

    #[test]
    fn benchmarks_are_read_too_and_this_crate_is_not() {
        assert!(is_cited_from("crates/a/src/b.rs") && is_cited_from("benches/interop/src/a.rs"));
        assert!(!is_cited_from("xtask/src/conformance.rs") && !is_cited_from("crates/a/README.md"));
    }

    #[test]
    fn arguments_select_what_is_shown() {
        let parse =
            |line: &str| Arguments::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let shows = |line: &str, group: &str| parse(line).unwrap().shows(group);
        assert!(shows("", "AB"));
        assert!(shows("--group AB --group CD", "CD") && !shows("--group AB --group CD", "EF"));
        assert!(!shows("--check", "AB"));
        assert!(parse("--group").is_err());
        assert!(parse("--what").is_err_and(|error| error.contains("--what")));
    }
}
