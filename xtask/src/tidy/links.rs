//! Rule for Markdown: a relative link leads to a file or folder of the workspace.

use super::{File, Finding};

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let exists =
        |path: &str| files.iter().any(|file| file.path == path || file.path.starts_with(&format!("{path}/")));
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut fenced = false;
        for (index, line) in file.text.lines().enumerate() {
            fenced ^= line.trim_start().starts_with("```");
            let broken = targets(line).filter(|_| !fenced).filter(|link| !exists(&resolve(folder, link)));
            findings.extend(
                broken.map(|link| Finding::line(file, index, format!("links to {link}, which is not here"))),
            );
        }
    }
    findings
}

/// The relative links of a line, without fragments. Rustdoc's links to items, as `crate::Client`, are not files.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| !target.is_empty() && !target.contains("::") && !target.contains("//"))
}

/// The path from the root of what `link` means in a file of `folder`.
fn resolve(folder: &str, link: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn broken(path: &str, text: &str) -> usize {
        check(&[file(path, text), file("docs/a.md", ""), file("crates/b/README.md", "")]).len()
    }

    #[test]
    fn links_to_files_and_folders_are_followed() {
        assert_eq!(
            broken(
                "README.md",
                "[a](docs/a.md) [b](crates/b) [c](https://host/x) [d](docs/a.md#e) [f](#g)\n"
            ),
            0
        );
        assert_eq!(broken("README.md", "[a](docs/a.md) [b](docs/b.md)\n"), 1);
        assert_eq!(broken("crates/b/more.md", "[a](../../docs/a.md) [b](README.md) [c](./README.md)\n"), 0);
        assert_eq!(broken("crates/b/more.md", "[a](docs/a.md)\n"), 1);
    }

    #[test]
    fn items_and_code_are_no_links() {
        assert_eq!(broken("README.md", "[`Client`](crate::Client)\n"), 0);
        assert_eq!(broken("README.md", "```rust\n//! [a](nowhere.md)\n```\n"), 0);
    }
}
