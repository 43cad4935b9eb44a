//! `cargo xtask tidy`: the rules of docs/STYLE.md that a machine can check.
//!
//! Each rule is a function from files to findings, tested with inputs that break it; this file only runs them all.

mod dependencies;
mod layout;
mod links;
mod sources;
mod text;

use crate::tree::{self, File};
use crate::{Outcome, source};

/// What is wrong, and where.
#[derive(Debug, PartialEq)]
struct Finding {
    path: String,
    line: Option<usize>,
    message: String,
}

impl Finding {
    fn file(file: &File, message: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line: None, message: message.into() }
    }

    /// `index` counts from 0.
    fn line(file: &File, index: usize, message: impl Into<String>) -> Self {
        Self { line: Some(index + 1), ..Self::file(file, message) }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.message),
            None => write!(f, "{}: {}", self.path, self.message),
        }
    }
}

pub(crate) fn run() -> Outcome {
    let files = tree::files()?;
    let findings = check(&files);
    for (lines, path) in sources::long(&files) {
        println!("{path} has {lines} lines: is it still one subject?");
    }
    if findings.is_empty() {
        println!("{} files are tidy", files.len());
        return Ok(());
    }
    let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
    Err(format!("{}\n{} findings; the reasons are in docs/STYLE.md", list.join("\n"), list.len()))
}

fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = layout::check(files);
    findings.extend(dependencies::check(files));
    findings.extend(links::check(files));
    for file in files {
        findings.extend(text::check(file));
        findings.extend(sources::check(file));
    }
    findings
}

#[cfg(test)]
pub(crate) fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_asked() {
        // One file that breaks a rule of each module but the layout's, which the missing files break.
        let manifest = "[package]\nname = \"otlp-model\"\n[dependencies]\ntokio.workspace = true\n";
        let files =
            [file("crates/otlp-model/Cargo.toml", manifest), file("crates/a/src/b.rs", "fn a() {} \n")];
        let messages: Vec<String> = check(&files).iter().map(ToString::to_string).collect();
        for expected in
            ["README.md: is missing", "never depends on tokio", "no `//!` head", "blanks at the end"]
        {
            assert!(messages.iter().any(|message| message.contains(expected)), "{expected}: {messages:?}");
        }
    }

    #[test]
    fn findings_name_their_place() {
        let place = file("a/b.rs", "");
        assert_eq!(Finding::line(&place, 0, "odd").to_string(), "a/b.rs:1: odd");
        assert_eq!(Finding::file(&place, "odd").to_string(), "a/b.rs: odd");
    }
}
