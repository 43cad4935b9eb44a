//! Rules for the tree: what lies at the top level, and what every crate has beside its code.

use super::{File, Finding};
use crate::manifest::Manifest;
use std::collections::BTreeSet;

const TOP: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "crates",
    "xtask",
    "benches",
    "docs",
    "deny.toml",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
];

/// What a published package says of itself.
const PUBLISHED: [&str; 8] =
    ["name", "description", "version", "edition", "rust-version", "license", "readme", "keywords"];

const README: &str = "include_str!(\"../README.md\")";

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let top: BTreeSet<&str> = files.iter().filter_map(|file| file.path.split('/').next()).collect();
    for name in top.iter().filter(|name| !name.starts_with('.') && !TOP.contains(name)) {
        findings.push(Finding {
            path: (*name).to_owned(),
            line: None,
            message: "does not belong here".to_owned(),
        });
    }
    for name in TOP.iter().filter(|name| !top.contains(**name)) {
        findings.push(Finding { path: (*name).to_owned(), line: None, message: "is missing".to_owned() });
    }
    let lost = files.iter().filter(|file| is_lost(file, files));
    findings
        .extend(lost.map(|file| Finding::file(file, "is the module of no file: the compiler never sees it")));
    for file in files {
        let Some(folder) = file.path.strip_suffix("/Cargo.toml") else { continue };
        let manifest = Manifest::parse(&file.text);
        if manifest.package("license").is_none() {
            findings.push(Finding::file(file, "has no `license`"));
        }
        if manifest.package("publish") == Some("false") {
            continue;
        }
        for key in PUBLISHED.iter().filter(|key| manifest.package(key).is_none() && **key != "license") {
            findings.push(Finding::file(file, format!("has no `{key}`")));
        }
        let beside = |path: &str| files.iter().find(|file| file.path.strip_prefix(folder) == Some(path));
        if beside("/README.md").is_none() {
            findings.push(Finding::file(file, "has no README.md beside it"));
        }
        // As the crate's documentation, its examples compile as tests.
        if let Some(root) = beside("/src/lib.rs").filter(|root| !root.text.contains(README)) {
            findings.push(Finding::file(root, format!("does not show its README (`#![doc = {README}]`)")));
        }
    }
    findings
}

/// Whether a source file is declared in none of those that could: it would lie there unbuilt, and rot.
fn is_lost(file: &File, files: &[File]) -> bool {
    let Some((folder, name)) = file.path.strip_suffix(".rs").and_then(|path| path.rsplit_once('/')) else {
        return false;
    };
    let is_root = matches!(name, "lib" | "main" | "build") || folder.ends_with("/bin");
    if is_root || !format!("{folder}/").contains("/src/") {
        return false;
    }
    let parents = [format!("{folder}.rs"), format!("{folder}/lib.rs"), format!("{folder}/main.rs")];
    let declaration = format!("mod {name};");
    !files
        .iter()
        .filter(|parent| parents.contains(&parent.path))
        .any(|parent| parent.text.lines().any(|line| line.trim_end().ends_with(&declaration)))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    const MANIFEST: &str = "[package]\nname = \"a\"\ndescription = \"b\"\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\nreadme = \"README.md\"\n\
        keywords.workspace = true\n";

    fn tree(more: &[(&str, &str)]) -> Vec<File> {
        let mut files: Vec<File> = TOP
            .iter()
            .map(|name| match *name {
                "crates" | "xtask" | "benches" | "docs" => file(&format!("{name}/x"), "x\n"),
                name => file(name, "x\n"),
            })
            .collect();
        files.extend(more.iter().map(|(path, text)| file(path, text)));
        files
    }

    fn messages(files: &[File]) -> Vec<String> {
        check(files).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn a_whole_tree_has_no_findings() {
        let files = tree(&[(".ci/run", ""), ("crates/a/Cargo.toml", MANIFEST), ("crates/a/README.md", "")]);
        assert_eq!(messages(&files), Vec::<String>::new());
    }

    #[test]
    fn the_top_level_is_closed() {
        assert_eq!(messages(&tree(&[("notes.txt", "")])), ["notes.txt: does not belong here"]);
        assert_eq!(messages(&tree(&[])[1..]), ["Cargo.toml: is missing"]);
    }

    #[test]
    fn crates_have_a_readme_and_say_what_they_are() {
        let of = |text: &str| messages(&tree(&[("crates/a/Cargo.toml", text), ("crates/a/README.md", "")]));
        assert_eq!(messages(&tree(&[("crates/a/Cargo.toml", MANIFEST)])).len(), 1, "no README");
        for left_out in MANIFEST.lines().skip(1) {
            let rest: Vec<&str> = MANIFEST.lines().filter(|line| *line != left_out).collect();
            assert_eq!(of(&rest.join("\n")).len(), 1, "without {left_out}");
        }
        assert!(of("[package]\nlicense.workspace = true\npublish = false\n").is_empty());
        assert_eq!(of("[package]\npublish = false\n"), ["crates/a/Cargo.toml: has no `license`"]);
    }

    #[test]
    fn a_readme_is_the_documentation_of_its_crate() {
        let of = |root: &str| {
            let package = [
                ("crates/a/Cargo.toml", MANIFEST),
                ("crates/a/README.md", ""),
                ("crates/a/src/lib.rs", root),
            ];
            messages(&tree(&package)).len()
        };
        assert_eq!(of("#![doc = include_str!(\"../README.md\")]\n"), 0);
        assert_eq!(of("//! Something else.\n"), 1);
    }

    #[test]
    fn a_file_that_no_other_declares_is_found() {
        let of = |files: &[(&str, &str)]| messages(&tree(files)).len();
        let root = ("crates/a/src/lib.rs", "mod b;\n");
        let b = ("crates/a/src/b.rs", "#[cfg(x)]\npub(crate) mod c;\n");
        let c = ("crates/a/src/b/c.rs", "");
        assert_eq!(of(&[root, b, c, ("crates/a/src/bin/d.rs", ""), ("crates/a/tests/e.rs", "")]), 0);
        assert_eq!(of(&[root, b, c, ("crates/a/src/f.rs", "")]), 1);
        assert_eq!(of(&[root, c]), 1, "its folder's own file is gone");
        assert_eq!(of(&[("crates/a/src/lib.rs", "mod bb;\n"), ("crates/a/src/b.rs", "")]), 1);
    }
}
