//! Citations of requirements in Rust sources.
//!
//! `// conf: ID, ID` cites anywhere; a list may go on in the next comment line after a comma. In product code any comment
//! that names an id of a known group counts as well, as doc comments do in prose.

use super::list::{self, List};
use crate::source;
use crate::tree::File;

/// An id named at a place.
#[derive(Debug, PartialEq)]
pub(super) struct Citation {
    pub(super) id: String,
    path: String,
    line: usize,
    /// Whether the place is a test.
    pub(super) test: bool,
    /// The test's function; empty for product code and for a citation that speaks for a whole file.
    pub(super) function: String,
}

impl Citation {
    /// `path:line`.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }
}

/// The citations of a file, and what is wrong with those that cannot be read.
pub(super) fn scan(file: &File, list: &List) -> (Vec<Citation>, Vec<String>) {
    let (mut citations, mut errors) = (Vec::new(), Vec::new());
    let lines: Vec<&str> = file.text.lines().collect();
    let tests = source::test_lines(&file.path, &file.text);
    let mut list_goes_on = false;
    for (index, line) in lines.iter().enumerate() {
        let Some(comment) = source::comment(line) else {
            list_goes_on = false;
            continue;
        };
        let explicit = comment.strip_prefix("conf:").or(list_goes_on.then_some(comment));
        list_goes_on = explicit.is_some_and(|ids| ids.trim_end().ends_with(','));
        let ids: Vec<&str> = match explicit {
            Some(ids) => {
                let (good, bad) = listed(ids);
                errors
                    .extend(bad.iter().map(|word| format!("{}:{}: {word:?} is no id", file.path, index + 1)));
                good
            }
            None if !tests[index] => named(comment, list),
            None => Vec::new(),
        };
        let function = if tests[index] { function_at(&lines, index) } else { "" };
        citations.extend(ids.into_iter().map(|id| Citation {
            id: id.to_owned(),
            path: file.path.clone(),
            line: index + 1,
            test: tests[index],
            function: function.to_owned(),
        }));
    }
    (citations, errors)
}

/// The ids of a list; behind each, words of explanation may follow. And the entries that begin with no id.
fn listed(text: &str) -> (Vec<&str>, Vec<&str>) {
    text.split(',')
        .filter(|entry| !entry.trim().is_empty())
        .map(|entry| entry.split_whitespace().next().unwrap_or_default().trim_end_matches(['.', ':', ';']))
        .partition(|word| list::is_id(word))
}

/// The ids of known groups that a comment names.
fn named<'a>(comment: &'a str, list: &List) -> Vec<&'a str> {
    comment
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| list::is_id(word))
        .filter(|word| {
            list.groups().any(|group| word.strip_prefix(group).is_some_and(|rest| rest.starts_with('-')))
        })
        .collect()
}

/// The function that a comment stands in or directly above.
fn function_at<'a>(lines: &[&'a str], index: usize) -> &'a str {
    let below = lines[index + 1..].iter().find(|line| {
        let line = line.trim_start();
        !line.starts_with("//") && !line.starts_with("#[")
    });
    let above = || lines[..index].iter().rev().find_map(|line| source::function(line));
    below.and_then(|line| source::function(line)).or_else(above).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> List {
        List::parse("| AB-01 | MUST | x | |\n| CD-01 | MUST | x | |\n").unwrap()
    }

    fn scan_text(path: &str, text: &str) -> (Vec<Citation>, Vec<String>) {
        scan(&File { path: path.to_owned(), text: text.to_owned() }, &list())
    }

    fn test(id: &str, line: usize, function: &str) -> Citation {
        Citation {
            id: id.to_owned(),
            path: "crates/a/tests/b.rs".to_owned(),
            line,
            test: true,
            function: function.to_owned(),
        }
    }

    fn code(id: &str, line: usize) -> Citation {
        Citation { path: "crates/a/src/b.rs".to_owned(), test: false, ..test(id, line, "") }
    }

    #[test]
    fn a_citation_belongs_to_the_test_it_stands_in_or_above() {
        let text = "\
//! conf: AB-09
use x;

// conf: AB-01
#[test]
fn first() {}

#[test]
fn second() {
    // conf: AB-01, CD-01 in part
    let y = 1; // conf: AB-02
}
";
        let (citations, errors) = scan_text("crates/a/tests/b.rs", text);
        assert!(errors.is_empty());
        assert_eq!(
            citations,
            [
                test("AB-09", 1, ""),
                test("AB-01", 4, "first"),
                test("AB-01", 10, "second"),
                test("CD-01", 10, "second"),
                test("AB-02", 11, "second"),
            ]
        );
    }

    #[test]
    fn product_code_cites_in_prose_and_tests_do_not() {
        let text = "\
//! Head (AB-01), UTF-8, SHA-256.
// conf: CD-01
fn product() {}
#[cfg(test)]
mod tests {
    // AB-01 is only mentioned here.
    fn helper() {}
}
";
        let (citations, _) = scan_text("crates/a/src/b.rs", text);
        assert_eq!(citations, [code("AB-01", 1), code("CD-01", 2)]);
    }

    #[test]
    fn a_list_goes_on_after_a_comma() {
        let (citations, errors) =
            scan_text("crates/a/tests/b.rs", "// conf: AB-01,\n// CD-01.\n// AB-02\nfn f() {}\n");
        assert_eq!(citations, [test("AB-01", 1, "f"), test("CD-01", 2, "f")]);
        assert!(errors.is_empty());
    }

    #[test]
    fn what_is_no_id_is_an_error() {
        let (citations, errors) = scan_text("crates/a/tests/b.rs", "// conf: AB-01, retry\n");
        assert_eq!(citations.len(), 1);
        assert_eq!(errors, ["crates/a/tests/b.rs:1: \"retry\" is no id"]);
    }
}
