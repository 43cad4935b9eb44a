//! The environment of processes as a carrier: a context for a child, and from a parent (conformance PROP-38).
//!
//! Names are made such as environments have: upper case, and `_` for whatever is no letter or digit. Starts no process,
//! never writes the environment of its own, and knows no format.

use super::{Extractor, Injector, TextMapPropagator};
use std::ffi::OsString;
use std::process::Command;

/// Writes a context into the environment of a process that is about to start.
///
/// ```
/// use otlp::propagation::EnvironmentInjector;
/// # fn f(client: otlp::Client) -> std::io::Result<()> {
/// let span = client.tracer("build").start("run tests");
/// let mut tests = std::process::Command::new("make");
/// let propagator = client.propagator();
/// propagator.inject(&span.context(), &mut EnvironmentInjector::new(&mut tests, propagator));
/// tests.arg("test").status()?; // with TRACEPARENT in its environment
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct EnvironmentInjector<'a> {
    command: &'a mut Command,
}

impl<'a> EnvironmentInjector<'a> {
    /// For a command, from which it removes the propagator's fields first: what this process has inherited is
    /// not for its child. (`tokio::process::Command` lends its own by `as_std_mut`.)
    pub fn new(command: &'a mut Command, propagator: &(impl TextMapPropagator + ?Sized)) -> Self {
        for field in propagator.fields() {
            command.env_remove(variable(field));
        }
        Self { command }
    }
}

impl Injector for EnvironmentInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        // A process with such an environment could not start.
        if !value.contains('\0') {
            self.command.env(variable(key), value);
        }
    }
}

/// Reads a context from an environment: that of this process, which its parent has made.
///
/// ```
/// use otlp::propagation::{CompositePropagator, EnvironmentExtractor, TextMapPropagator};
/// use otlp::TraceContext;
/// let parent = CompositePropagator::w3c().extract(&TraceContext::default(), &EnvironmentExtractor::from_process());
///
/// let given = [("TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")];
/// let given = EnvironmentExtractor::from_iter(given);
/// assert!(CompositePropagator::w3c().extract(&TraceContext::default(), &given).is_valid());
/// ```
#[derive(Clone, Default)]
pub struct EnvironmentExtractor {
    variables: Vec<(String, String)>,
}

impl EnvironmentExtractor {
    /// The environment of this process, as it is now.
    #[must_use]
    pub fn from_process() -> Self {
        std::env::vars_os().collect()
    }

    /// The variables of a propagator's fields, as `lookup` has them: for an environment that is read one by one.
    ///
    /// ```
    /// use otlp::propagation::{CompositePropagator, EnvironmentExtractor};
    /// let w3c = CompositePropagator::w3c();
    /// let extractor = EnvironmentExtractor::from_lookup(&w3c, |name| std::env::var(name).ok());
    /// ```
    #[must_use]
    pub fn from_lookup(
        propagator: &(impl TextMapPropagator + ?Sized),
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let fields = propagator.fields().into_iter().map(variable);
        Self { variables: fields.filter_map(|name| lookup(&name).map(|value| (name, value))).collect() }
    }

    fn find(&self, key: &str) -> Option<&str> {
        let name = variable(key);
        self.variables.iter().find_map(|(found, value)| (*found == name).then_some(value.as_str()))
    }
}

/// Variables whose names no key could have are left out: those with lower-case letters, for example.
impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for EnvironmentExtractor {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().filter_map(|(name, value)| {
            let name = name.into().into_string().ok().filter(|name| variable(name) == *name)?;
            let value = value.into().into_string().unwrap_or_else(|_| String::from("\u{fffd}"));
            Some((name, value))
        });
        Self { variables: variables.collect() }
    }
}

impl Extractor for EnvironmentExtractor {
    fn get(&self, key: &str) -> Option<&str> {
        self.find(key)
    }

    fn keys(&self) -> Vec<&str> {
        self.variables.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// An environment holds secrets: names only.
impl std::fmt::Debug for EnvironmentExtractor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("EnvironmentExtractor").field(&Extractor::keys(self)).finish()
    }
}

/// The variable of a key.
fn variable(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 1);
    if key.is_empty() || key.starts_with(|first: char| first.is_ascii_digit()) {
        name.push('_');
    }
    name.extend(key.chars().map(|char| match char.to_ascii_uppercase() {
        char @ ('A'..='Z' | '0'..='9' | '_') => char,
        _ => '_',
    }));
    name
}
