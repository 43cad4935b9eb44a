//! Rules for Rust files: a head, a length, reasons for ignored tests, and threads in one crate only.

use super::{File, Finding, source};

/// Above this a file is listed.
const LONG: usize = 400;
/// Above this it fails.
const TOO_LONG: usize = 600;

/// The crates that may start threads: the facade, which owns the client's thread, the server for tests, and the command,
/// which makes load.
const THREADED: [&str; 3] = ["crates/otlp/", "crates/otlp-cli/", "crates/otlp-testkit/"];
const THREADS: [&str; 3] = ["thread::spawn", "thread::Builder", "thread::scope"];

pub(super) fn check(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !file.path.ends_with(".rs") {
        return findings;
    }
    if !has_head(&file.text) {
        findings.push(Finding::file(file, "has no `//!` head saying what it is and who uses it"));
    }
    let lines = file.text.lines().count();
    if lines > TOO_LONG {
        findings.push(Finding::file(
            file,
            format!("has {lines} lines, more than {TOO_LONG}: split it by subject"),
        ));
    }
    for (index, line) in file.text.lines().enumerate() {
        if line.trim() == "#[ignore]" {
            findings.push(Finding::line(
                file,
                index,
                "an ignored test without a reason (`#[ignore = \"…\"]`)",
            ));
        }
    }
    findings.extend(threads(file));
    findings
}

/// Whether the file begins with `//!`, or as a crate's root with its README; attributes of the file may come first.
fn has_head(text: &str) -> bool {
    let is_head = |line: &str| line.starts_with("//! ") || line.starts_with("#![doc = include_str!(");
    text.lines().find(|line| is_head(line) || !line.starts_with("#![")).is_some_and(is_head)
}

/// No crate but the facade starts a thread (docs/ARCHITECTURE.md).
fn threads(file: &File) -> Vec<Finding> {
    let library = file.path.starts_with("crates/") && file.path.contains("/src/");
    if !library || THREADED.iter().any(|folder| file.path.starts_with(folder)) {
        return Vec::new();
    }
    let tests = source::test_lines(&file.path, &file.text);
    file.text
        .lines()
        .enumerate()
        .filter(|(index, line)| {
            let code = line.split("//").next().unwrap_or_default();
            !tests[*index] && THREADS.iter().any(|call| code.contains(call))
        })
        .map(|(index, _)| Finding::line(file, index, "starts a thread; only the facade does"))
        .collect()
}

/// The files to think about again, longest first.
pub(super) fn long(files: &[File]) -> Vec<(usize, &str)> {
    let mut long: Vec<_> = files
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .map(|file| (file.text.lines().count(), file.path.as_str()))
        .filter(|(lines, _)| *lines > LONG)
        .collect();
    long.sort_unstable_by(|a, b| b.cmp(a));
    long
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        check(&file(path, text)).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_head_is_asked_for() {
        assert!(messages("a.rs", "//! Head.\n").is_empty());
        assert!(messages("a.rs", "#![doc = include_str!(\"../README.md\")]\n").is_empty());
        assert!(messages("a.rs", "#![no_std]\n//! Head.\n").is_empty());
        assert_eq!(messages("a.rs", "use b;\n").len(), 1);
        assert_eq!(messages("a.rs", "#![no_std]\nuse b;\n").len(), 1);
        assert_eq!(messages("a.rs", "").len(), 1);
        assert!(messages("a.md", "text\n").is_empty());
    }

    #[test]
    fn length_is_listed_and_then_refused() {
        let of = |lines| file("a.rs", &"//! x\n".repeat(lines));
        assert!(long(&[of(LONG)]).is_empty());
        assert_eq!(long(&[of(LONG + 1), of(LONG + 2)]), [(LONG + 2, "a.rs"), (LONG + 1, "a.rs")]);
        assert!(check(&of(TOO_LONG)).is_empty());
        assert_eq!(check(&of(TOO_LONG + 1)).len(), 1);
    }

    #[test]
    fn ignored_tests_have_a_reason() {
        assert_eq!(messages("a.rs", "//! x\n    #[ignore]\n").len(), 1);
        assert!(messages("a.rs", "//! x\n#[ignore = \"slow\"]\n").is_empty());
    }

    #[test]
    fn threads_belong_to_the_facade() {
        let text = "//! x\nfn f() {\n    std::thread::spawn(g);\n}\n";
        assert_eq!(messages("crates/otlp-batch/src/a.rs", text).len(), 1);
        assert!(messages("crates/otlp/src/a.rs", text).is_empty());
        assert!(messages("crates/otlp-testkit/src/a.rs", text).is_empty());
        assert!(messages("crates/otlp-batch/tests/a.rs", text).is_empty());
        let in_tests =
            "//! x\n#[cfg(test)]\nmod tests {\n    use std::thread::spawn;\n    thread::spawn(g);\n}\n";
        assert!(messages("crates/otlp-batch/src/a.rs", in_tests).is_empty());
        assert!(messages("crates/otlp-batch/src/a.rs", "//! x\n// no thread::spawn here\n").is_empty());
    }
}
