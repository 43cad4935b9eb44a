//! The list form of headers, as the environment has it, and what can be wrong with it.
//!
//! Pure. Problems tell the position of a header, never its value; nor a name that is none, for that may be a
//! misplaced secret (conformance HDR-09).

use super::Headers;
use crate::InvalidHeader;
use percent_encoding::percent_decode_str;
use std::error::Error;
use std::fmt;

/// What is wrong with one member of a list of headers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderProblem {
    /// It has no `=`.
    NoSeparator,
    /// Its name is empty, or holds a character other than letters, digits, `_`, `-` and `.`.
    IllegalName,
    /// Its value is not UTF-8 once percent-decoded.
    NotUtf8,
    /// The header may not be sent.
    Invalid(InvalidHeader),
}

/// One member of a list of headers, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderError {
    position: usize,
    problem: HeaderProblem,
}

impl HeaderError {
    /// Which member of the list it is, counted from 1.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn problem(&self) -> &HeaderProblem {
        &self.problem
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "header {} of the list: ", self.position)?;
        match &self.problem {
            HeaderProblem::NoSeparator => f.write_str("no `=` between name and value"),
            HeaderProblem::IllegalName => f.write_str("a name consists of letters, digits, `_`, `-` and `.`"),
            HeaderProblem::NotUtf8 => f.write_str("the percent-decoded value is not UTF-8"),
            HeaderProblem::Invalid(invalid) => invalid.fmt(f),
        }
    }
}

impl Error for HeaderError {}

/// The problems of a list of headers, and the members that have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseHeadersError {
    valid: Headers,
    problems: Vec<HeaderError>,
}

impl ParseHeadersError {
    /// Every problem, in the order of the list; never empty.
    #[must_use]
    pub fn problems(&self) -> &[HeaderError] {
        &self.problems
    }

    /// The members without a problem.
    #[must_use]
    pub fn into_valid(self) -> Headers {
        self.valid
    }
}

impl fmt::Display for ParseHeadersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for problem in &self.problems {
            write!(f, "{separator}{problem}")?;
            separator = "; ";
        }
        Ok(())
    }
}

impl Error for ParseHeadersError {}

pub(super) fn parse_list(list: &str) -> Result<Headers, ParseHeadersError> {
    let mut valid = Headers::new();
    let mut problems = Vec::new();
    for (position, member) in (1..).zip(list.split(',').map(trim)) {
        if !member.is_empty()
            && let Err(problem) = parse_member(member, &mut valid)
        {
            problems.push(HeaderError { position, problem });
        }
    }
    if problems.is_empty() { Ok(valid) } else { Err(ParseHeadersError { valid, problems }) }
}

fn parse_member(member: &str, headers: &mut Headers) -> Result<(), HeaderProblem> {
    // At the first `=` only: further ones belong to the value, as in base64 (conformance HDR-03).
    let (name, value) = member.split_once('=').ok_or(HeaderProblem::NoSeparator)?;
    let name = trim(name);
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)) {
        return Err(HeaderProblem::IllegalName);
    }
    // Values only, and `+` is no space (conformance HDR-02).
    let value = percent_decode_str(trim(value)).decode_utf8().map_err(|_| HeaderProblem::NotUtf8)?;
    headers.insert(name, &value).map_err(HeaderProblem::Invalid)
}

/// Without optional whitespace: spaces and tabs only, as HTTP has it, so that a line break stays an error.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}
