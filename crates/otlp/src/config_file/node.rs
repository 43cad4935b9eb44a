//! A document's values, and asking them for what is expected, with the path in each error.

use std::fmt;

/// A value of a YAML document, of the core schema.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            other => write!(f, "{other:?}"),
        }
    }
}

impl Node {
    /// What a scalar without quotes is.
    pub(super) fn plain(text: String) -> Self {
        match text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            other => int(other)
                .map(Self::Int)
                .or_else(|| float(other).map(Self::Float))
                .unwrap_or(Self::Text(text)),
        }
    }
}

fn int(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0x") {
        return i64::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix("0o") {
        Some(digits) => i64::from_str_radix(digits, 8).ok(),
        None => text.parse().ok(),
    }
}

fn float(text: &str) -> Option<f64> {
    // Rust has words for infinity that YAML has not.
    let is_number = text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | 'e' | 'E'));
    if is_number { text.parse().ok() } else { None }
}

fn listed(known: &[&str]) -> String {
    if known.is_empty() { "nothing".to_owned() } else { known.join(", ") }
}

/// A value at its place.
#[derive(Clone)]
pub(super) struct At<'a> {
    node: &'a Node,
    path: String,
}

impl<'a> At<'a> {
    pub(super) fn root(node: &'a Node) -> Self {
        Self { node, path: String::new() }
    }

    pub(super) fn node(&self) -> &'a Node {
        self.node
    }

    /// An error about this value.
    pub(super) fn wrong(&self, problem: impl fmt::Display) -> String {
        if self.path.is_empty() { problem.to_string() } else { format!("{}: {problem}", self.path) }
    }

    fn below(&self, key: &str, node: &'a Node) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { node, path }
    }

    /// The entries of a map; one that is null has none.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, At<'a>)>, String> {
        match self.node {
            Node::Null => Ok(Vec::new()),
            Node::Map(entries) => {
                Ok(entries.iter().map(|(key, node)| (key.as_str(), self.below(key, node))).collect())
            }
            _ => Err(self.wrong("must be a map")),
        }
    }

    /// A map that has these keys and no others (CFG-26).
    pub(super) fn only(&self, known: &[&str]) -> Result<&Self, String> {
        match self.entries()?.into_iter().find(|(key, _)| !known.contains(key)) {
            Some((_, unknown)) => {
                let problem = format!("is not supported here; supported is {}", listed(known));
                Err(unknown.wrong(problem))
            }
            None => Ok(self),
        }
    }

    /// A key that may say what is the case anyway, and nothing else: what to do about that is not in the file's power.
    pub(super) fn only_as_it_is(&self, key: &str, is: &Node, cure: &str) -> Result<(), String> {
        match self.get(key)? {
            Some(at) if at.node != is => Err(at.wrong(format_args!("must be {is} or not there: {cure}"))),
            _ => Ok(()),
        }
    }

    /// The component that is named here, and its options; `what` is what components of the place are (CFG-12, CFG-26).
    pub(super) fn component(&self, what: &str, known: &[&str]) -> Result<(&'a str, At<'a>), String> {
        let (name, options) = self.one()?;
        if known.contains(&name) {
            return Ok((name, options));
        }
        let problem = format!("is {what} that is not supported; supported is {}", listed(known));
        Err(options.wrong(problem))
    }

    /// The value of a key, if it is there, and not null.
    pub(super) fn get(&self, key: &str) -> Result<Option<At<'a>>, String> {
        let found = self.entries()?.into_iter().find(|(known, _)| *known == key);
        Ok(found.map(|(_, at)| at).filter(|at| *at.node != Node::Null))
    }

    /// The value of a key, null too, which has to be there (CFG-11).
    pub(super) fn need(&self, key: &str) -> Result<At<'a>, String> {
        let found = self.entries()?.into_iter().find(|(known, _)| *known == key);
        found.map(|(_, at)| at).ok_or_else(|| self.wrong(format_args!("{key} is missing")))
    }

    /// The one entry of a place for a component (CFG-26).
    fn one(&self) -> Result<(&'a str, At<'a>), String> {
        match <[_; 1]>::try_from(self.entries()?) {
            Ok([entry]) => Ok(entry),
            Err(_) => Err(self.wrong("must have exactly one key, the component's name")),
        }
    }

    pub(super) fn list(&self) -> Result<Vec<At<'a>>, String> {
        let Node::List(nodes) = self.node else { return Err(self.wrong("must be a list")) };
        let at = |(index, node)| Self { node, path: format!("{}[{index}]", self.path) };
        Ok(nodes.iter().enumerate().map(at).collect())
    }

    /// A list that has something.
    pub(super) fn filled_list(&self) -> Result<Vec<At<'a>>, String> {
        let list = self.list()?;
        if list.is_empty() { Err(self.wrong("must not be empty")) } else { Ok(list) }
    }

    /// A list of texts that has one.
    pub(super) fn texts(&self) -> Result<Vec<String>, String> {
        self.filled_list()?.iter().map(At::text).collect()
    }

    pub(super) fn text(&self) -> Result<String, String> {
        match self.node {
            Node::Text(text) => Ok(text.clone()),
            _ => Err(self.wrong("must be a text")),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool, String> {
        match self.node {
            Node::Bool(value) => Ok(*value),
            _ => Err(self.wrong("must be true or false")),
        }
    }

    /// A whole number from `least` on.
    pub(super) fn count(&self, least: u64) -> Result<u64, String> {
        let number = match self.node {
            Node::Int(number) => u64::try_from(*number).ok(),
            _ => None,
        };
        number
            .filter(|number| *number >= least)
            .ok_or_else(|| self.wrong(format_args!("must be a whole number, at least {least}")))
    }

    pub(super) fn float(&self) -> Result<f64, String> {
        match self.node {
            Node::Float(number) => Ok(*number),
            #[expect(clippy::cast_precision_loss, reason = "a number written as a whole one")]
            Node::Int(number) => Ok(*number as f64),
            _ => Err(self.wrong("must be a number")),
        }
    }
}
