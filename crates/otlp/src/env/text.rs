//! Variables one by one: what is empty, what is a number, and what is said about one that is not.

use crate::explain::Origin;
use crate::settings::{self, Given};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The variables, and what was wrong with those read so far.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, warnings: Vec::new() }
    }

    pub(super) fn into_warnings(self) -> Vec<String> {
        self.warnings
    }

    pub(super) fn warn(&mut self, name: &str, problem: impl fmt::Display) {
        // A variable of all signals is read for each of them.
        let warning = format!("{name}: {problem}");
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// The value of a variable; an empty one is not there (ENV-02).
    pub(super) fn text(&self, name: impl Into<Cow<'static, str>>) -> Option<Given<String>> {
        let name = name.into();
        let value = (self.lookup)(&name)?.trim().to_owned();
        (!value.is_empty()).then_some(Given { value, origin: Origin::Variable(name) })
    }

    /// The value of a variable, understood; one that is not understood is not there (ENV-11), and told.
    pub(super) fn parsed<T, E: fmt::Display>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Given<T>> {
        let Given { value, origin } = self.text(name)?;
        match parse(&value) {
            Ok(value) => Some(Given { value, origin }),
            Err(problem) => {
                self.warn(&origin.to_string(), format_args!("{problem}; it is ignored"));
                None
            }
        }
    }

    /// True is only `true`, in any case; everything else is false (ENV-03).
    pub(super) fn boolean(&mut self, name: impl Into<Cow<'static, str>>) -> Option<Given<bool>> {
        let Given { value, origin } = self.text(name)?;
        let is_true = value.eq_ignore_ascii_case("true");
        if !is_true && !value.eq_ignore_ascii_case("false") {
            self.warn(
                &origin.to_string(),
                format_args!("{value:?} is neither true nor false; it counts as false"),
            );
        }
        Some(Given { value: is_true, origin })
    }

    /// One of a few words, in any case (ENV-07). A word that is known may still be refused.
    pub(super) fn word<T>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        expected: &str,
        known: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Given<T>> {
        self.parsed(name, |value| {
            known(&value.to_ascii_lowercase()).ok_or_else(|| format!("{value:?} is not {expected}"))
        })
    }

    /// A whole number, not negative (ENV-04, ENV-05).
    pub(super) fn count(&mut self, name: impl Into<Cow<'static, str>>) -> Option<Given<usize>> {
        self.parsed(name, number)
    }

    /// The same above zero (ENV-16).
    pub(super) fn positive(&mut self, name: impl Into<Cow<'static, str>>) -> Option<Given<usize>> {
        self.parsed(name, |value| match number(value)? {
            0 => Err("0 is too small: it must be at least 1".to_owned()),
            count => Ok(count),
        })
    }

    /// Milliseconds (ENV-08); none is a millisecond, since a batch is not sent before it is there.
    pub(super) fn delay(&mut self, name: impl Into<Cow<'static, str>>) -> Option<Given<Duration>> {
        self.parsed(name, |value| number(value).map(|ms| Duration::from_millis(u64::max(ms, 1))))
    }

    /// Milliseconds; zero is no limit (ENV-09).
    pub(super) fn timeout(&mut self, name: impl Into<Cow<'static, str>>) -> Option<Given<Duration>> {
        self.parsed(name, |value| number(value).map(settings::timeout))
    }
}

fn number<N: FromStr>(value: &str) -> Result<N, String> {
    value.parse().map_err(|_| format!("{value:?} is not a whole number without a sign and a unit"))
}
