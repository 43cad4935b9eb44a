//! The command line, as `cargo xtask bench --delivery` hands it on.

use std::path::PathBuf;

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Options {
    pub(super) quick: bool,
    out: Option<PathBuf>,
    /// The root of the workspace.
    root: PathBuf,
}

impl Options {
    pub(super) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { quick: false, out: None, root: PathBuf::from(".") };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--out" => options.out = Some(value()?.into()),
                "--root" => options.root = value()?.into(),
                _ => {
                    return Err(format!("{argument}: not an option with --delivery; see `cargo xtask help`"));
                }
            }
        }
        Ok(options)
    }

    /// Where the page goes.
    pub(super) fn page(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| self.root.join("docs")).join("delivery.md")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read_and_others_refused_by_name() {
        assert_eq!(parse("--root r").unwrap().page(), PathBuf::from("r/docs/delivery.md"));
        assert_eq!(parse("--quick --out o").unwrap().page(), PathBuf::from("o/delivery.md"));
        for line in ["--repetitions 3", "--out"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
