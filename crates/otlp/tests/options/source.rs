//! The options as the source has them: the public methods of `ClientBuilder` that begin with `with`.

use std::path::Path;

/// The names, from every file of the crate. What a feature that is off leaves out is left out here, too.
pub(crate) fn options() -> Vec<String> {
    let mut found = Vec::new();
    search(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 30, "is the search right? {found:?}");
    found.sort();
    found
}

fn search(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.extend(in_file(&std::fs::read_to_string(path).unwrap()));
        }
    }
}

fn in_file(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut inside, mut compiled) = (false, true);
    for line in text.lines() {
        match line {
            "impl ClientBuilder {" => inside = true,
            "}" => inside = false,
            _ => {}
        }
        let line = line.trim_start();
        if !inside {
            continue;
        }
        if let Some(feature) = line.strip_prefix("#[cfg(feature = \"") {
            compiled = is_on(feature.trim_end_matches("\")]"));
        } else if let Some(name) = line.strip_prefix("pub fn ") {
            let name = name.split(['(', '<']).next().unwrap();
            if compiled && (name.starts_with("with_") || name.starts_with("without_")) {
                found.push(name.to_owned());
            }
            compiled = true;
        }
    }
    found
}

/// Whether a feature is on that some option depends on.
fn is_on(feature: &str) -> bool {
    match feature {
        "config-file" => cfg!(feature = "config-file"),
        "webpki-roots" => cfg!(feature = "webpki-roots"),
        // This test is compiled with these only.
        "grpc" | "http" | "json" | "gzip" | "_tls" => true,
        _ => panic!("an option of ClientBuilder depends on the feature {feature:?}: add it to this `match`"),
    }
}
