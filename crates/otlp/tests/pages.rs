//! The pages on troubleshooting: every address that an error gives is in both, and so is every reason of a loss and every kind
//! of error. That their code compiles is the business of the doctests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use otlp::DropReason;
use std::collections::BTreeSet;
use std::path::Path;

const ENGLISH: &str = include_str!("../../../docs/troubleshooting.md");
const CHINESE: &str = include_str!("../../../docs/troubleshooting.zh.md");
const ERRORS: &str = include_str!("../src/error.rs");

/// Where each kind of error is explained.
const SECTIONS: [(&str, &str); 10] = [
    ("Configuration", "options"),
    ("Startup", "startup"),
    ("Connect", "connect"),
    ("Credentials", "credentials"),
    ("Timeout", "timeout"),
    ("Refused", "refused"),
    ("Lost", "lost"),
    ("ShutDown", "lost"),
    ("Forked", "fork"),
    ("Other", "lost"),
];

fn sections(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix("## ")).collect()
}

/// The words that follow `sign`.
fn after<'a>(text: &'a str, sign: &str) -> impl Iterator<Item = &'a str> {
    text.split(sign).skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '-')).unwrap_or(rest.len());
        rest.get(..end).filter(|word| !word.is_empty())
    })
}

fn sources(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn both_languages_have_the_same_sections() {
    assert_eq!(sections(ENGLISH), sections(CHINESE));
}

#[test]
fn every_address_in_the_code_exists() {
    let mut code = String::new();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap() {
        sources(&entry.unwrap().path().join("src"), &mut code);
    }
    let mut addresses: BTreeSet<_> = after(&code, "troubleshooting.md#").collect();
    addresses.extend(after(ERRORS, "section(\""));
    addresses.extend(after(ERRORS, "=> Some(\""));
    addresses.extend(after(ENGLISH, "](#"));
    addresses.extend(after(CHINESE, "](#"));
    assert!(addresses.len() >= 8, "is the search right? {addresses:?}");
    for address in addresses {
        assert!(sections(ENGLISH).contains(&address), "docs/troubleshooting.md has no section {address}");
    }
}

#[test]
fn every_kind_of_error_and_every_reason_of_a_loss_has_its_place() {
    let kinds = ERRORS.split_once("pub enum ErrorKind {").unwrap().1.split_once("\n}").unwrap().0;
    let kinds = kinds.lines().filter_map(|line| line.trim().strip_suffix(','));
    let kinds: Vec<_> = kinds.filter(|name| name.chars().all(char::is_alphabetic)).collect();
    assert_eq!(kinds, SECTIONS.map(|(kind, _)| kind), "give it a section, here and in both pages");
    for (kind, section) in SECTIONS {
        assert!(sections(ENGLISH).contains(&section), "{kind}: {section}");
    }
    for page in [ENGLISH, CHINESE] {
        for reason in DropReason::ALL {
            assert!(page.contains(&format!("| `{reason}` |")), "no {reason}");
        }
    }
}
