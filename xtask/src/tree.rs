//! The workspace on disk: its root, its files as git sees them, and commands run at its root.

use crate::Outcome;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of the workspace that was read.
pub(crate) struct File {
    /// Its path from the root, with `/`.
    pub(crate) path: String,
    /// Its text; empty for what is no text.
    pub(crate) text: String,
}

/// The root of the workspace: the folder above this crate.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The folder of everything that is built.
pub(crate) fn target() -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    std::path::absolute(target).map_err(|error| format!("the target folder: {error}"))
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{}: is not UTF-8", path.display()))
}

/// All files that git tracks or would track, from the root, sorted. A file that is not UTF-8, as a picture, has no text.
pub(crate) fn files() -> Result<Vec<File>, String> {
    let listing = output("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    let mut paths: Vec<&str> = listing.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        match std::fs::read_to_string(root().join(path)) {
            Ok(text) => files.push(File { path: path.to_owned(), text }),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                files.push(File { path: path.to_owned(), text: String::new() });
            }
            // Deleted from the work tree but not from the index.
            Err(_) => {}
        }
    }
    Ok(files)
}

/// What a command prints, run at the root.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Result<String, String> {
    let line = format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .map_err(|error| format!("`{line}` did not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{line}` failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{line}` printed something that is not UTF-8"))
}

/// Runs a command at the root, its output shown as it comes.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Outcome {
    let line = format!("{program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .status()
        .map_err(|error| format!("`{line}` did not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{line}` failed ({status})")) }
}
