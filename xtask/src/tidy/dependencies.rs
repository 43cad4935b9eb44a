//! The rules of docs/ARCHITECTURE.md on who may depend on whom, read from the manifests.

use super::{File, Finding};
use crate::manifest::{Dependency, Manifest};

/// What one crate may link.
struct Rule {
    name: &'static str,
    /// The crates of this workspace it may link.
    ours: &'static [&'static str],
    /// Families of crates it never links: the crate of that name, and any whose name goes on with a hyphen or underscore.
    never: &'static [&'static str],
    /// Exceptions to `never`: a crate, and the one feature that may bring it in.
    except: &'static [(&'static str, &'static str)],
}

const RULES: [Rule; 10] = [
    Rule {
        name: "otlp-model",
        ours: &[],
        never: &["tokio", "tower", "hyper", "tonic", "http", "reqwest"],
        except: &[],
    },
    Rule {
        name: "otlp-sampling",
        ours: &["otlp-model"],
        never: &["tokio", "tower", "hyper", "tonic", "http", "reqwest", "opentelemetry"],
        except: &[("tower-layer", "tower"), ("tower-service", "tower")],
    },
    // Knows bytes and item counts; neither spans nor protobuf nor HTTP.
    Rule {
        name: "otlp-batch",
        ours: &["otlp-model"],
        never: &["hyper", "tonic", "http", "reqwest", "prost", "opentelemetry"],
        except: &[],
    },
    // Frames gRPC itself; does not know how batches come about.
    Rule {
        name: "otlp-transport",
        ours: &["otlp-model"],
        never: &["tonic", "reqwest", "prost", "opentelemetry"],
        except: &[],
    },
    // An independent decoder for tests: it must not decode with what it tests.
    Rule { name: "otlp-testkit", ours: &["otlp-model"], never: &["reqwest"], except: &[] },
    // An adapter: the one crate that links OpenTelemetry, and only the facade of ours.
    Rule {
        name: "otlp-opentelemetry",
        ours: &["otlp"],
        never: &["tonic", "hyper", "http", "reqwest", "prost", "opentelemetry-otlp", "opentelemetry-proto"],
        except: &[],
    },
    // Types of these stay out of the facade's signatures; what it does not link it cannot name.
    Rule {
        name: "otlp",
        ours: &["otlp-model", "otlp-sampling", "otlp-batch", "otlp-transport"],
        never: &["tonic", "hyper", "http", "reqwest", "prost", "opentelemetry"],
        except: &[],
    },
    // Layers for others' requests: it links their types, and none of their servers and clients unless asked.
    Rule {
        name: "otlp-tower",
        ours: &["otlp"],
        never: &["tokio", "hyper", "tonic", "axum", "reqwest", "prost", "opentelemetry"],
        except: &[("reqwest", "reqwest-middleware"), ("reqwest-middleware", "reqwest-middleware")],
    },
    // Makes spans of `tracing`'s. It reaches no further down than the facade, and links no other OpenTelemetry.
    Rule {
        name: "otlp-tracing",
        ours: &["otlp"],
        never: &["tokio", "tower", "hyper", "tonic", "http", "reqwest", "prost", "opentelemetry"],
        except: &[],
    },
    // The command: it looks below the facade. Nobody links it, so that what it links reaches no application.
    Rule {
        name: "otlp-cli",
        ours: &["otlp", "otlp-model", "otlp-transport"],
        never: &["tonic", "reqwest", "prost", "opentelemetry"],
        except: &[],
    },
];

pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let Some(manifest) = Manifest::of_crate(file) else { continue };
        for section in manifest.unread_dependencies() {
            findings.push(Finding::file(
                file,
                format!("[{section}]: write `name = {{ … }}`, which the checks read"),
            ));
        }
        for dependency in manifest.all_dependencies().filter(|dependency| !dependency.from_workspace) {
            let name = dependency.name;
            findings
                .push(Finding::file(file, format!("`{name}` does not take its version from the workspace")));
        }
        match RULES.iter().find(|rule| rule.name == manifest.name()) {
            Some(rule) => {
                let broken =
                    manifest.dependencies().filter_map(|dependency| rule.broken_by(&manifest, &dependency));
                findings.extend(broken.map(|message| Finding::file(file, message)));
            }
            None => findings.push(Finding::file(file, "has no rule in xtask/src/tidy/dependencies.rs")),
        }
    }
    findings
}

impl Rule {
    fn broken_by(&self, manifest: &Manifest, dependency: &Dependency<'_>) -> Option<String> {
        let (rule, name) = (self.name, dependency.name);
        if let Some((_, feature)) = self.except.iter().find(|(except, _)| *except == name) {
            let optional = dependency.optional && manifest.features_with(name) == [*feature];
            return (!optional)
                .then(|| format!("{rule} may link {name} behind its feature `{feature}` only"));
        }
        if is_ours(name) && !self.ours.contains(&name) {
            return Some(format!("{rule} may not depend on {name}"));
        }
        let family = self.never.iter().find(|family| in_family(name, family));
        family.map(|_| format!("{rule} never depends on {name}"))
    }
}

fn is_ours(name: &str) -> bool {
    in_family(name, "otlp")
}

fn in_family(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn messages(name: &str, rest: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"{name}\"\n{rest}");
        check(&[file(&format!("crates/{name}/Cargo.toml"), &text)])
            .into_iter()
            .map(|finding| finding.message)
            .collect()
    }

    #[test]
    fn the_model_links_no_runtime_even_as_an_option() {
        assert!(messages("otlp-model", "[dependencies]\nbytes.workspace = true\n").is_empty());
        for (line, name) in [
            ("tokio.workspace = true", "tokio"),
            ("tower-service = { workspace = true, optional = true }", "tower-service"),
            ("hyper-util.workspace = true", "hyper-util"),
        ] {
            assert_eq!(
                messages("otlp-model", &format!("[dependencies]\n{line}\n")),
                [format!("otlp-model never depends on {name}")]
            );
        }
        assert!(messages("otlp-model", "[dev-dependencies]\ntokio.workspace = true\n").is_empty());
    }

    #[test]
    fn sampling_links_tower_behind_its_feature_only() {
        let with = |dependency: &str, features: &str| {
            messages("otlp-sampling", &format!("[features]\n{features}\n[dependencies]\n{dependency}\n"))
                .len()
        };
        let optional = "tower-layer = { workspace = true, optional = true }";
        assert_eq!(with(optional, "tower = [\"dep:tower-layer\"]"), 0);
        assert_eq!(with(optional, "default = [\"dep:tower-layer\"]"), 1);
        assert_eq!(with("tower-layer.workspace = true", "tower = []"), 1);
        assert_eq!(with("tower = { workspace = true, optional = true }", "tower = [\"dep:tower\"]"), 1);
    }

    #[test]
    fn the_arrows_between_our_crates_hold() {
        assert_eq!(
            messages("otlp-batch", "[dependencies]\notlp-transport.workspace = true\n"),
            ["otlp-batch may not depend on otlp-transport"]
        );
        assert!(messages("otlp", "[dependencies]\notlp-transport.workspace = true\n").is_empty());
        assert_eq!(messages("otlp", "[dependencies]\notlp-testkit.workspace = true\n").len(), 1);
        assert_eq!(messages("otlp", "[target.'cfg(unix)'.dependencies]\nhyper.workspace = true\n").len(), 1);
    }

    #[test]
    fn versions_come_from_the_workspace_and_new_crates_need_a_rule() {
        assert_eq!(messages("otlp-batch", "[dependencies]\nbytes = \"1\"\n").len(), 1);
        assert_eq!(messages("otlp-batch", "[dev-dependencies]\nbytes = \"1\"\n").len(), 1);
        assert_eq!(messages("otlp-batch", "[dependencies.bytes]\nworkspace = true\n").len(), 1);
        assert_eq!(messages("otlp-new", "").len(), 1);
    }
}
