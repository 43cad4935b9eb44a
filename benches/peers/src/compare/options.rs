//! The command line of the comparison, as `cargo xtask bench` hands it on.

use super::plan::Contender;
use std::path::PathBuf;

const HELP: &str = "the options are listed by `cargo xtask help`";

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Options {
    pub(super) quick: bool,
    /// Empty: all.
    pub(super) only: Vec<Contender>,
    pub(super) repetitions: usize,
    pub(super) items: u64,
    pub(super) counts: bool,
    pub(super) growth: bool,
    pub(super) out: Option<PathBuf>,
    pub(super) report: Option<PathBuf>,
    /// The root of the workspace, from `cargo xtask bench`.
    pub(super) root: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quick: false,
            only: Vec::new(),
            repetitions: 3,
            items: 1_000_000,
            counts: true,
            growth: true,
            out: None,
            report: None,
            root: PathBuf::from("."),
        }
    }
}

impl Options {
    pub(super) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let (mut items, mut repetitions) = (None, None);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value; {HELP}"));
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--only" => options.only = contenders(&value()?)?,
                "--repetitions" => repetitions = Some(number(&argument, &value()?)?),
                "--items" => items = Some(number(&argument, &value()?)?),
                "--no-counts" => options.counts = false,
                "--no-growth" => options.growth = false,
                "--out" => options.out = Some(value()?.into()),
                "--report" => options.report = Some(value()?.into()),
                "--root" => options.root = value()?.into(),
                _ => return Err(format!("{argument}: not an option; {HELP}")),
            }
        }
        if options.quick {
            (options.items, options.repetitions) = (10_000, 1);
            (options.counts, options.growth) = (false, false);
        }
        options.items = items.unwrap_or(options.items);
        options.repetitions = repetitions.map_or(options.repetitions, |number| number as usize);
        Ok(options)
    }

    pub(super) fn includes(&self, contender: Contender) -> bool {
        self.only.is_empty() || self.only.contains(&contender)
    }

    /// Whether the documents of the workspace are written: by a whole run, or where it was asked for.
    pub(super) fn writes(&self) -> bool {
        !self.quick && (self.only.is_empty() || self.out.is_some())
    }
}

fn contenders(names: &str) -> Result<Vec<Contender>, String> {
    let find = |name: &str| {
        let all = Contender::ALL;
        all.into_iter()
            .find(|contender| contender.program() == name)
            .ok_or_else(|| format!("--only {name}: expected {}", all.map(Contender::program).join(", ")))
    };
    names.split(',').map(|name| find(name.trim())).collect()
}

fn number(option: &str, text: &str) -> Result<u64, String> {
    match text.replace('_', "").parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{option} {text}: expected a number above zero")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_read() {
        let options = parse("--only ours,emit --repetitions 5 --items 10_000 --no-growth").unwrap();
        assert_eq!(options.only, [Contender::Ours, Contender::Emit]);
        assert_eq!((options.repetitions, options.items, options.growth), (5, 10_000, false));
        assert!(
            !options.writes() && options.includes(Contender::Emit) && !options.includes(Contender::Floor)
        );
        assert!(parse("").unwrap().writes());
        assert!(parse("--only ours --out here").unwrap().writes());
    }

    #[test]
    fn quick_is_small_unless_told_otherwise_and_writes_nothing() {
        let options = parse("--items 7 --quick").unwrap();
        assert_eq!((options.items, options.repetitions, options.writes()), (7, 1, false));
        assert!(parse("--quick").unwrap().items < Options::default().items);
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for line in ["--fast", "--only theirs", "--items", "--items none", "--repetitions 0"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
