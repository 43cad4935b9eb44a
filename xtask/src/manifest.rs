//! As much of a `Cargo.toml` as the checks need: sections, keys and raw values.
//!
//! This reads TOML as our manifests write it (one key per line, arrays may span lines) and is no TOML parser; what it
//! cannot read it drops, so the checks of `tidy::dependencies` also compare what they found with what they expect.

use crate::tree::File;

/// A manifest, as the entries of its sections.
pub(crate) struct Manifest {
    entries: Vec<Entry>,
}

/// `key = value` in a section.
struct Entry {
    section: String,
    key: String,
    value: String,
}

/// A dependency as a manifest declares it.
#[derive(Debug, PartialEq)]
pub(crate) struct Dependency<'a> {
    /// The package's name in the manifest.
    pub(crate) name: &'a str,
    /// Whether it is linked only when a feature asks for it.
    pub(crate) optional: bool,
    /// Whether version and source come from the workspace.
    pub(crate) from_workspace: bool,
}

impl Manifest {
    /// The manifest in this file, if it is that of a package under `crates/`.
    pub(crate) fn of_crate(file: &File) -> Option<Self> {
        let folder = file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
        (!folder.contains('/')).then(|| Self::parse(&file.text))
    }

    /// Reads a manifest's text.
    pub(crate) fn parse(text: &str) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        let mut section = String::new();
        let mut open = false;
        for line in text.lines().map(without_comment).filter(|line| !line.is_empty()) {
            if open {
                // The rest of an array that began on an earlier line.
                if let Some(entry) = entries.last_mut() {
                    entry.value.push_str(line);
                    open = !is_closed(&entry.value);
                }
            } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name.to_owned();
            } else if let Some((key, value)) = line.split_once('=') {
                let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
                open = !is_closed(&value);
                entries.push(Entry { section: section.clone(), key, value });
            }
        }
        Self { entries }
    }

    /// The package's name; empty when there is none.
    pub(crate) fn name(&self) -> &str {
        self.package("name").map_or("", |name| name.trim_matches('"'))
    }

    /// The raw value of a key of `[package]`, whether `key = …` or `key.workspace = …`.
    pub(crate) fn package(&self, key: &str) -> Option<&str> {
        self.section("package")
            .find(|(name, _)| *name == key || name.strip_suffix(".workspace") == Some(key))
            .map(|(_, value)| value)
    }

    /// The names of the features.
    pub(crate) fn features(&self) -> impl Iterator<Item = &str> {
        self.section("features").map(|(name, _)| name)
    }

    /// The features that switch on the optional dependency `name`.
    pub(crate) fn features_with(&self, name: &str) -> Vec<&str> {
        let (linked, weak) = (format!("\"dep:{name}\""), format!("\"{name}/"));
        self.section("features")
            .filter(|(_, value)| value.contains(&linked) || value.contains(&weak))
            .map(|(feature, _)| feature)
            .collect()
    }

    /// What the package links: the dependencies of all targets, without dev- and build-dependencies.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = Dependency<'_>> {
        self.dependencies_in(|section| {
            let target = section.strip_prefix("target.").and_then(|rest| rest.strip_suffix(".dependencies"));
            // The model checker is a dependency only of builds made for it.
            section == "dependencies" || target.is_some_and(|target| target != "'cfg(loom)'")
        })
    }

    /// Everything the package depends on, for whatever purpose.
    pub(crate) fn all_dependencies(&self) -> impl Iterator<Item = Dependency<'_>> {
        self.dependencies_in(|section| section.ends_with("dependencies"))
    }

    fn dependencies_in(&self, section: impl Fn(&str) -> bool) -> impl Iterator<Item = Dependency<'_>> {
        self.entries.iter().filter(move |entry| section(&entry.section)).map(|entry| {
            let short = entry.key.strip_suffix(".workspace");
            Dependency {
                name: short.unwrap_or(&entry.key),
                optional: entry.value.contains("optional = true"),
                from_workspace: short.is_some() || entry.value.contains("workspace = true"),
            }
        })
    }

    /// Every section name that declares dependencies of one package, as in `[dependencies.bytes]`: a form the
    /// other methods do not read.
    pub(crate) fn unread_dependencies(&self) -> impl Iterator<Item = &str> {
        self.entries
            .iter()
            .map(|entry| entry.section.as_str())
            .filter(|section| section.contains("dependencies.") && !section.starts_with("workspace."))
    }

    fn section(&self, section: &str) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .filter(move |entry| entry.section == section)
            .map(|entry| (entry.key.as_str(), entry.value.as_str()))
    }
}

/// The line without its comment and surrounding blanks. A `#` inside a text begins no comment.
fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (index, character) in line.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '#' if !quoted => return line[..index].trim(),
            _ => {}
        }
    }
    line.trim()
}

/// Whether every bracket opened in the value is closed.
fn is_closed(value: &str) -> bool {
    value.matches('[').count() <= value.matches(']').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
[package]
name = "otlp-x" # the name
license.workspace = true

[features]
default = [
    "a", # one
    "b",
]
tower = ["dep:tower-layer"]
http = ["hyper/http1"]

[dependencies]
bytes.workspace = true
tower-layer = { workspace = true, optional = true }
odd = "1"

[target.'cfg(unix)'.dependencies]
rustix = { workspace = true }

[target.'cfg(loom)'.dependencies]
loom.workspace = true

[dev-dependencies]
tokio.workspace = true
"#;

    #[test]
    fn packages_features_and_dependencies_are_read() {
        let manifest = Manifest::parse(TEXT);
        assert_eq!(manifest.name(), "otlp-x");
        assert_eq!(manifest.package("license"), Some("true"));
        assert_eq!(manifest.package("readme"), None);
        assert_eq!(manifest.features().collect::<Vec<_>>(), ["default", "tower", "http"]);
        assert_eq!(manifest.features_with("tower-layer"), ["tower"]);
        assert_eq!(manifest.features_with("hyper"), ["http"]);
        let dependency = |name, optional, from_workspace| Dependency { name, optional, from_workspace };
        assert_eq!(
            manifest.dependencies().collect::<Vec<_>>(),
            [
                dependency("bytes", false, true),
                dependency("tower-layer", true, true),
                dependency("odd", false, false),
                dependency("rustix", false, true)
            ]
        );
        let all: Vec<&str> = manifest.all_dependencies().map(|dependency| dependency.name).collect();
        assert_eq!(all, ["bytes", "tower-layer", "odd", "rustix", "loom", "tokio"]);
        assert_eq!(manifest.unread_dependencies().count(), 0);
    }

    #[test]
    fn the_long_form_is_reported_as_unread() {
        let manifest = Manifest::parse("[dependencies.bytes]\nworkspace = true\n");
        assert_eq!(manifest.unread_dependencies().collect::<Vec<_>>(), ["dependencies.bytes"]);
    }
}
