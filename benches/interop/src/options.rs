//! The command line of the run.

use crate::counterpart::Counterpart;
use std::path::PathBuf;

/// What is asked for.
pub(crate) struct Options {
    /// Where tools and files of runs are kept.
    pub(crate) target: PathBuf,
    /// The command `otlp`.
    pub(crate) otlp: PathBuf,
    /// Where the page goes.
    out: PathBuf,
    /// None is all.
    only: Vec<Counterpart>,
    /// A few cases of each kind.
    pub(crate) quick: bool,
}

impl Options {
    /// Reads the arguments. `--root`, `--target` and `--otlp` are given by `cargo xtask interop`.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let (mut root, mut target, mut otlp, mut out) = (PathBuf::from("."), None, None, None);
        let (mut only, mut quick) = (Vec::new(), false);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if argument == "--quick" {
                quick = true;
                continue;
            }
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--root" => root = value()?.into(),
                "--target" => target = Some(value()?.into()),
                "--otlp" => otlp = Some(value()?.into()),
                "--out" => out = Some(PathBuf::from(value()?)),
                "--only" => only = value()?.split(',').map(Counterpart::named).collect::<Result<_, _>>()?,
                other => return Err(format!("unknown argument: {other}")),
            }
        }
        let target = target.unwrap_or_else(|| root.join("target/interop"));
        let otlp = otlp.unwrap_or_else(|| root.join("target/debug/otlp"));
        Ok(Self { target, otlp, out: root.join(out.unwrap_or_else(|| "docs".into())), only, quick })
    }

    pub(crate) fn wants(&self, counterpart: Counterpart) -> bool {
        self.only.is_empty() || self.only.contains(&counterpart)
    }

    /// Whether the run is worth a page.
    pub(crate) fn is_whole(&self) -> bool {
        self.only.is_empty() && !self.quick
    }

    pub(crate) fn page(&self) -> PathBuf {
        self.out.join("interop.md")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_part_is_asked_for_by_name_and_writes_no_page() {
        let options = parse("--root /r --only collector,rotel --target /t").unwrap();
        assert!(
            options.wants(Counterpart::Rotel)
                && !options.wants(Counterpart::PythonSdk)
                && !options.is_whole()
        );
        let whole = parse("--root /r").unwrap();
        assert!(whole.is_whole() && whole.wants(Counterpart::PythonSdk));
        assert_eq!(whole.page(), PathBuf::from("/r/docs/interop.md"));
        assert!(!parse("--quick").unwrap().is_whole());
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        for line in ["--only someone", "--fast", "--out"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
