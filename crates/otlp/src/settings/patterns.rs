//! Lists of patterns with the wildcards of configuration files.

use std::fmt;

/// What is included, and what of that is not (CFG-25).
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Patterns {
    /// Everything where there is no list.
    pub(crate) included: Option<Vec<String>>,
    pub(crate) excluded: Vec<String>,
}

impl Patterns {
    pub(crate) fn hold(&self, text: &str) -> bool {
        let one_of = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, text));
        self.included.as_deref().is_none_or(one_of) && !one_of(&self.excluded)
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.included {
            Some(included) => write!(f, "like one of {included:?}")?,
            None => f.write_str("anything")?,
        }
        if !self.excluded.is_empty() {
            write!(f, ", but not {:?}", self.excluded)?;
        }
        Ok(())
    }
}

/// Whether a text is as the pattern says: `?` is any one character, `*` any number of them, everything else itself.
///
/// In time of the product of both lengths: only the last `*` need ever be tried again.
fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut retry = None;
    loop {
        let rest = text.clone();
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                text = rest;
                retry = Some((pattern.clone(), text.clone()));
            }
            (Some('?'), Some(_)) => {}
            (Some(wanted), Some(is)) if wanted == is => {}
            _ => {
                let Some((after, mut from)) = retry.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after.clone(), from.clone());
                retry = Some((after, from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_a_character_or_any_number_of_them() {
        // conf: CFG-25
        for (pattern, yes, no) in [
            ("a", &["a"][..], &["A", "ab", ""][..]),
            ("4?4", &["404", "4ö4"], &["44", "4004"]),
            ("4*", &["4", "404"], &["504", ""]),
            ("*", &["", "a*"], &[]),
            ("/internal/*", &["/internal/", "/internal/a/b"], &["/internal"]),
            ("*ab*b", &["ab.b", "aabb", "abab.abb"], &["ab", "abba"]),
            ("", &[""], &["a"]),
            ("a.c", &["a.c"], &["abc"]),
        ] {
            assert!(yes.iter().all(|text| matches(pattern, text)), "{pattern} {yes:?}");
            assert!(!no.iter().any(|text| matches(pattern, text)), "{pattern} {no:?}");
        }
    }

    #[test]
    fn what_is_excluded_is_not_included() {
        // conf: CFG-25
        let list = |patterns: &[&str]| patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let patterns = Patterns { included: Some(list(&["a*", "b"])), excluded: list(&["*z"]) };
        assert_eq!(
            ["a", "b", "az", "c", "bz"].map(|text| patterns.hold(text)),
            [true, true, false, false, false]
        );
        assert!(Patterns::default().hold("anything"));
    }
}
