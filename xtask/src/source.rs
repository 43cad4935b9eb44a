//! Rust sources as lines that know whether they belong to the product or to its tests.
//!
//! Line by line, without parsing: it relies on the layout rustfmt gives, where an item ends at a `}` in the column of
//! its head.

/// For each line, whether it is test code.
///
/// Test code is: a whole file under a `tests` folder or named `tests.rs`; else every item at the margin under an attribute
/// `#[cfg(…)]` that names `test` or `loom`.
pub(crate) fn test_lines(path: &str, text: &str) -> Vec<bool> {
    let lines: Vec<&str> = text.lines().collect();
    if path.split('/').any(|part| part == "tests" || part == "tests.rs") {
        return vec![true; lines.len()];
    }
    let mut marks = vec![false; lines.len()];
    let mut index = 0;
    while index < lines.len() {
        if is_test_attribute(lines[index]) {
            let end = item_end(&lines, index);
            marks[index..=end].fill(true);
            index = end;
        }
        index += 1;
    }
    marks
}

fn is_test_attribute(line: &str) -> bool {
    let mut condition = line.strip_prefix("#[cfg(").unwrap_or_default().to_owned();
    // `not(test)` marks the product's half of a pair; `all(test, not(loom))` is a test all the same.
    while let Some(start) = condition.find("not(") {
        let end = condition[start..].find(')').map_or(condition.len(), |length| start + length + 1);
        condition.replace_range(start..end, "");
    }
    condition.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "test" || word == "loom")
}

/// The last line of the item whose attributes begin at `start`.
fn item_end(lines: &[&str], start: usize) -> usize {
    let head = (start..lines.len())
        .find(|&index| !lines[index].starts_with("#[") && !lines[index].starts_with("//"));
    let Some(head) = head else { return lines.len() - 1 };
    if lines[head].ends_with([';', '}']) {
        return head;
    }
    (head + 1..lines.len()).find(|&index| lines[index].starts_with('}')).unwrap_or(lines.len() - 1)
}

/// The comment on a line, without its slashes; `None` when there is none. Slashes inside a text, as of a URL, do not count.
pub(crate) fn comment(line: &str) -> Option<&str> {
    let mut quoted = false;
    let mut previous = ' ';
    for (index, character) in line.char_indices() {
        match character {
            '"' if previous != '\\' && previous != '\'' => quoted = !quoted,
            '/' if previous == '/' && !quoted => {
                return Some(line[index + 1..].trim_start_matches(['/', '!']).trim());
            }
            _ => {}
        }
        previous = character;
    }
    None
}

/// The name of the function that a line declares.
pub(crate) fn function(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let start = if line.starts_with("fn ") { 3 } else { line.find(" fn ")? + 4 };
    let before = &line[..start - 3];
    let qualifiers = ["pub", "pub(crate)", "async", "const", "unsafe", "extern"];
    if !before.split_whitespace().all(|word| qualifiers.contains(&word)) {
        return None;
    }
    let name = &line[start..];
    name.find(|c: char| !c.is_alphanumeric() && c != '_')
        .map(|end| &name[..end])
        .filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_modules_end_at_the_margin() {
        let text = "\
//! Head.
#[cfg(test)]
mod tests;
fn product() {}
#[cfg(all(test, loom))]
mod inner {
    fn a() {}
}
fn product_again() {}
#[cfg(not(test))]
fn product_only() {}
";
        let marks = test_lines("crates/a/src/b.rs", text);
        let tests: Vec<usize> = (1..).zip(marks).filter(|(_, test)| *test).map(|(line, _)| line).collect();
        assert_eq!(tests, [2, 3, 5, 6, 7, 8]);
    }

    #[test]
    fn files_of_tests_are_tests_throughout() {
        assert_eq!(test_lines("crates/a/tests/b.rs", "fn a() {}\n"), [true]);
        assert_eq!(test_lines("crates/a/src/b/tests.rs", "fn a() {}\n"), [true]);
        assert_eq!(test_lines("crates/a/src/contests.rs", "fn a() {}\n"), [false]);
    }

    #[test]
    fn what_is_negated_is_no_test() {
        assert_eq!(test_lines("a.rs", "#[cfg(not(loom))]\nfn a() {}\n"), [false, false]);
        assert_eq!(test_lines("a.rs", "#[cfg(not(test))]\nfn a() {}\n"), [false, false]);
        assert_eq!(test_lines("a.rs", "#[cfg(all(test, not(loom)))]\nmod tests {\n}\n"), [true; 3]);
    }

    #[test]
    fn a_module_that_is_never_closed_runs_to_the_end() {
        assert_eq!(test_lines("a.rs", "#[cfg(test)]\nmod tests {\n"), [true, true]);
        assert_eq!(test_lines("a.rs", "#[cfg(test)]\n"), [true]);
    }

    #[test]
    fn comments_are_found_outside_of_texts() {
        assert_eq!(comment("    // conf: A-01"), Some("conf: A-01"));
        assert_eq!(comment("let x = 1; /// doc"), Some("doc"));
        assert_eq!(comment("//! head"), Some("head"));
        assert_eq!(comment("let url = \"http://host\";"), None);
        assert_eq!(comment("let url = \"http://host\"; // why"), Some("why"));
        assert_eq!(comment("let quote = '\"'; // why"), Some("why"));
    }

    #[test]
    fn functions_are_found_by_their_declaration() {
        assert_eq!(function("    pub(crate) async fn a_b1(x: u8) {"), Some("a_b1"));
        assert_eq!(function("fn c<T>() {"), Some("c"));
        assert_eq!(function("let f: fn (u8) = g;"), None);
        assert_eq!(function("// a fn here"), None);
    }
}
