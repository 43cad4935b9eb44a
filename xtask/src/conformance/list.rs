//! The list of requirements: the table rows of docs/conformance.md whose first cell is an id.

use std::collections::BTreeSet;

/// A row of the list.
#[derive(Debug, PartialEq)]
pub(super) struct Requirement {
    /// Such as `RETRY-05`.
    pub(super) id: String,
    /// MUST, SHOULD, …
    pub(super) level: String,
    /// What is asked for, short.
    pub(super) title: String,
    /// A decision or a reason; empty for most.
    pub(super) note: String,
}

impl Requirement {
    /// `RETRY` of `RETRY-05`.
    pub(super) fn group(&self) -> &str {
        group(&self.id)
    }
}

/// All rows, in the order of the file.
pub(super) struct List {
    pub(super) requirements: Vec<Requirement>,
}

impl List {
    /// Reads the rows. Fails on rows of another shape and on ids listed twice.
    pub(super) fn parse(text: &str) -> Result<Self, Vec<String>> {
        let mut requirements: Vec<Requirement> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut errors = Vec::new();
        for (line, row) in (1..).zip(text.lines()).filter(|(_, line)| line.starts_with('|')) {
            let cells: Vec<&str> = row.trim().trim_matches('|').split('|').map(str::trim).collect();
            if !cells.first().is_some_and(|id| is_id(id)) {
                continue;
            }
            let &[id, level, title, note] = cells.as_slice() else {
                errors.push(format!("docs/conformance.md:{line}: {} cells instead of 4", cells.len()));
                continue;
            };
            if !seen.insert(id) {
                errors.push(format!("docs/conformance.md:{line}: {id} is listed twice"));
            }
            let [id, level, title, note] = [id, level, title, note].map(str::to_owned);
            requirements.push(Requirement { id, level, title, note });
        }
        if errors.is_empty() { Ok(Self { requirements }) } else { Err(errors) }
    }

    pub(super) fn requirement(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }

    /// The names of the groups, each once, in the order of the file.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        let mut seen = BTreeSet::new();
        self.requirements.iter().map(Requirement::group).filter(move |group| seen.insert(*group))
    }
}

/// `RETRY` of `RETRY-05`.
fn group(id: &str) -> &str {
    id.split_once('-').map_or(id, |(group, _)| group)
}

/// Whether this is an id: capitals, a hyphen, two digits or more.
pub(super) fn is_id(word: &str) -> bool {
    word.split_once('-').is_some_and(|(group, number)| {
        group.len() >= 2
            && group.bytes().all(|byte| byte.is_ascii_uppercase())
            && number.len() >= 2
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_other_tables_skipped() {
        let list = List::parse(
            "# Head\n| id | level | requirement | note |\n|---|---|---|---|\n\
             | B-1 | x | no id | |\n| BB-01 | MUST | first | why |\n| AA-01 | MAY | second | |\n| BB-02 | MAY | third | |\n",
        )
        .unwrap();
        assert_eq!(list.groups().collect::<Vec<_>>(), ["BB", "AA"]);
        assert_eq!(list.requirements.len(), 3);
        let first = list.requirement("BB-01").unwrap();
        assert_eq!(
            (first.level.as_str(), first.title.as_str(), first.note.as_str()),
            ("MUST", "first", "why")
        );
        assert!(list.requirement("BB-03").is_none());
    }

    #[test]
    fn a_row_of_another_shape_or_twice_the_same_is_an_error() {
        let errors = |text: &str| List::parse(text).map(|_| ()).unwrap_err();
        assert_eq!(errors("| AA-01 | MUST | x |\n"), ["docs/conformance.md:1: 3 cells instead of 4"]);
        assert_eq!(errors("| AA-01 | MUST | a | b | c |\n").len(), 1);
        assert_eq!(
            errors("| AA-01 | MUST | x | |\n\n| AA-01 | MUST | y | |\n"),
            ["docs/conformance.md:3: AA-01 is listed twice"]
        );
    }

    #[test]
    fn ids_are_capitals_and_at_least_two_digits() {
        assert!(is_id("RETRY-05") && is_id("UA-01"));
        assert!(
            !is_id("UTF-8")
                && !is_id("retry-05")
                && !is_id("RETRY")
                && !is_id("RETRY-")
                && !is_id("RETRY-0x")
        );
    }
}
