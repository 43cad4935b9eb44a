//! What has to be had before a counterpart can run: the Collector, built from source, and Python's packages.
//!
//! Everything goes to `target/interop` and is kept there by version. Where a tool or the network is absent, it cannot be had; what
//! fails with both is a failure.

use crate::missing::Missing;
use crate::process::{self, output};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A cold build on two busy cores takes four minutes.
const BUILD: Duration = Duration::from_secs(30 * 60);
const INSTALL: Duration = Duration::from_secs(10 * 60);
const QUESTION: Duration = Duration::from_secs(60);

/// The Collector's version, and that of its modules that are stable.
pub(crate) const COLLECTOR: &str = "v0.165.0";
const COLLECTOR_STABLE: &str = "v1.71.0";

/// What the Python programs need.
pub(crate) const PACKAGES: [&str; 6] = [
    "grpcio==1.85.3",
    "protobuf==7.36.2",
    "opentelemetry-proto==1.45.2",
    "opentelemetry-sdk==1.45.2",
    "opentelemetry-exporter-otlp-proto-grpc==1.45.2",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
];
/// A receiver in Rust, that comes as a Python package.
pub(crate) const ROTEL: &str = "rotel==0.0.1a15";

/// The OpenTelemetry Collector with the few components that are needed, made by its own builder.
pub(crate) fn collector(folder: &Path) -> Result<PathBuf, Missing> {
    let kept = folder.join(format!("otelcol-{COLLECTOR}"));
    let (manifest, modules) = manifests();
    let (program, made_by) =
        (kept.join(format!("otelcol{}", std::env::consts::EXE_SUFFIX)), kept.join("builder.yaml"));
    if program.exists() && std::fs::read_to_string(&made_by).is_ok_and(|text| text == manifest) {
        return Ok(program);
    }
    is_there("go")?;
    let version = output("go version", Command::new("go").arg("version"), QUESTION)?;
    println!("building the Collector {COLLECTOR} with {}, once", version.concat());
    let source = kept.join("source");
    let _ = std::fs::remove_dir_all(&source);
    std::fs::create_dir_all(&source)?;
    let manifest_here = source.join("builder.yaml");
    std::fs::write(&manifest_here, &manifest)?;
    let builder = format!("go.opentelemetry.io/collector/cmd/builder@{COLLECTOR}");
    // Not also `go mod tidy`, which the builder would do: that fetches what the tests of each component need.
    let mut generate = Command::new("go");
    generate.args(["run", &builder, "--config", "builder.yaml", "--skip-get-modules", "--skip-compilation"]);
    made("the Collector's builder", go(&mut generate, &source), BUILD)?;
    std::fs::write(source.join("go.mod"), modules)?;
    let mut build = Command::new("go");
    build
        .args(["build", "-mod=mod", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(&program)
        .arg(".");
    made("go build", go(&mut build, &source), BUILD)?;
    std::fs::write(made_by, manifest)?;
    Ok(program)
}

/// An error if a program is not installed.
fn is_there(program: &str) -> Result<(), Missing> {
    match Command::new(program).arg("--version").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Missing::Unavailable(format!("there is no `{program}` here")))
        }
        // Whether it works is seen when it has to.
        _ => Ok(()),
    }
}

/// Runs a command that fetches and makes something to its end.
fn made(name: &str, command: &Command, patience: Duration) -> Result<(), Missing> {
    let (status, said) = process::run(name, command, patience)?;
    if status.success() {
        return Ok(());
    }
    Err(Missing::judge(&process::failed(name, status, &said), &said))
}

fn go<'a>(command: &'a mut Command, folder: &Path) -> &'a mut Command {
    command.current_dir(folder).env("CGO_ENABLED", "0").env("GOWORK", "off")
}

/// The builder's list of components, and the `go.mod` with the same.
fn manifests() -> (String, String) {
    const CORE: &str = "go.opentelemetry.io/collector";
    const CONTRIB: &str = "github.com/open-telemetry/opentelemetry-collector-contrib";
    let kinds = [
        ("receivers", vec![format!("{CORE}/receiver/otlpreceiver {COLLECTOR}")]),
        ("processors", vec![format!("{CORE}/processor/memorylimiterprocessor {COLLECTOR}")]),
        (
            "exporters",
            vec![
                format!("{CORE}/exporter/debugexporter {COLLECTOR}"),
                format!("{CONTRIB}/exporter/fileexporter {COLLECTOR}"),
            ],
        ),
        ("providers", vec![format!("{CORE}/confmap/provider/fileprovider {COLLECTOR_STABLE}")]),
    ];
    let mut manifest = "dist:\n  name: otelcol\n  module: interop/otelcol\n  output_path: .\n\
        conf_resolver:\n  default_uri_scheme: file\n"
        .to_owned();
    let mut modules =
        format!("module interop/otelcol\n\ngo 1.25.0\n\nrequire (\n\t{CORE}/otelcol {COLLECTOR}\n");
    for (kind, components) in kinds {
        manifest.push_str(&format!("{kind}:\n"));
        for component in components {
            manifest.push_str(&format!("  - gomod: {component}\n"));
            modules.push_str(&format!("\t{component}\n"));
        }
    }
    modules.push_str(")\n");
    (manifest, modules)
}

/// A Python that has `packages`: an environment of its own.
pub(crate) fn python(folder: &Path, name: &str, packages: &[&str]) -> Result<PathBuf, Missing> {
    let kept = folder.join(format!("python-{name}"));
    let (python, made_of) = (kept.join("bin/python"), kept.join("packages.txt"));
    let wanted = packages.join("\n");
    if python.exists() && std::fs::read_to_string(&made_of).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    is_there("python3")?;
    let mut modules = Command::new("python3");
    // Debian has them in a package of their own.
    output("python3", modules.args(["-c", "import ensurepip, venv"]), QUESTION).map_err(|error| {
        Missing::Unavailable(format!("python3 is here, but not all that makes an environment: {error}"))
    })?;
    println!("installing {}, once", packages.join(", "));
    let _ = std::fs::remove_dir_all(&kept);
    output("python3 -m venv", Command::new("python3").args(["-m", "venv"]).arg(&kept), INSTALL)?;
    let mut install = Command::new(&python);
    // Wheels alone: nothing of others is built, and where there is none for this platform this says so.
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary",
        ":all:",
    ]);
    made("pip install", install.args(packages), INSTALL)?;
    std::fs::write(made_of, wanted)?;
    Ok(python)
}

/// Rotel's program.
pub(crate) fn rotel(folder: &Path) -> Result<PathBuf, Missing> {
    let python = python(folder, "rotel", &[ROTEL])?;
    let mut ask = Command::new(python);
    ask.args(["-c", "import os, rotel; print(os.path.join(os.path.dirname(rotel.__file__), 'rotel-agent'))"]);
    Ok(output("python", &ask, QUESTION)?.concat().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_not_installed_is_missing_and_no_failure() {
        assert_eq!(is_there("cargo"), Ok(()));
        let told = is_there("no-such-tool-of-anybody");
        assert_eq!(told, Err(Missing::Unavailable("there is no `no-such-tool-of-anybody` here".to_owned())));
    }

    #[test]
    #[cfg(unix)]
    fn a_command_that_fails_is_judged_by_what_it_says() {
        let sh = |script: &str| {
            let mut command = Command::new("sh");
            made("sh", command.args(["-c", script]), QUESTION)
        };
        assert_eq!(sh("echo connection broken by anybody"), Ok(()));
        assert!(matches!(sh("echo dial tcp: no such host >&2; exit 1"), Err(Missing::Unavailable(_))));
        let told = sh("echo undefined: x >&2; exit 1");
        let is_why = |reason: &str| reason.starts_with("sh failed (") && reason.ends_with("undefined: x");
        assert!(matches!(&told, Err(Missing::Broken(reason)) if is_why(reason)), "{told:?}");
    }
}
