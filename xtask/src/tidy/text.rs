//! Rules for every text file: blanks, tabs, the last newline, and no trace of the machine it was written on.

use super::{File, Finding};

/// Paths of machines on which this project was made; split, so that this file passes its own rule.
const MACHINE: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/fa", "rm/"), concat!("/tmp/", "wt"), concat!(".lib", "rary")];

pub(super) fn check(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    // The lock file is cargo's to format.
    if file.path == "Cargo.lock" || file.text.is_empty() {
        return findings;
    }
    for (index, line) in file.text.lines().enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::line(file, index, "blanks at the end of the line"));
        }
        if line.contains('\t') {
            findings.push(Finding::line(file, index, "a tab"));
        }
        if let Some(word) = MACHINE.iter().find(|word| line.contains(**word)) {
            findings.push(Finding::line(
                file,
                index,
                format!("names the machine it was written on ({word})"),
            ));
        }
    }
    if !file.text.ends_with('\n') {
        findings.push(Finding::file(file, "does not end in a newline"));
    } else if file.text.ends_with("\n\n") {
        findings.push(Finding::file(file, "ends in empty lines"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        check(&file("a.md", text)).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_clean_file_has_no_findings() {
        assert!(messages("one\n\ntwo\n").is_empty());
        assert!(messages("").is_empty());
    }

    #[test]
    fn each_rule_is_broken_by_its_text() {
        assert_eq!(messages("one \n"), ["a.md:1: blanks at the end of the line"]);
        assert_eq!(messages("one\r\n"), Vec::<String>::new(), "lines() takes the whole line end");
        assert_eq!(messages("one\ttwo\n"), ["a.md:1: a tab"]);
        assert_eq!(messages("one"), ["a.md: does not end in a newline"]);
        assert_eq!(messages("one\n\n"), ["a.md: ends in empty lines"]);
        for word in MACHINE {
            assert_eq!(messages(&format!("ok\nsee {word}x\n")).len(), 1, "{word}");
        }
    }
}
