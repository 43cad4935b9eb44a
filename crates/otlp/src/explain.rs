//! What a client was configured to do, and who said so: for people, and for tools that show it to people.
//!
//! Made when a builder is resolved. Plain data: it holds no secret, so all of it may be printed; but for [`ResolvedExporter`],
//! which has the secrets, and is made only for whoever asks for them.

use otlp_transport::{Endpoint, Headers};
use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// Who said what a value is to be.
///
/// ```
/// assert_eq!(otlp::Origin::Variable("OTEL_SERVICE_NAME".into()).to_string(), "OTEL_SERVICE_NAME");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// A method of the builder.
    Code,
    /// An environment variable, by name.
    Variable(Cow<'static, str>),
    /// A configuration file.
    File(PathBuf),
    /// A [detector](crate::detect).
    Detected,
    /// Nobody: it is the default.
    Default,
}

impl Origin {
    /// How an error names the value: by the variable or the file that holds it, or by the option of the builder.
    pub(crate) fn name_of(&self, option: &str) -> String {
        match self {
            Self::Code | Self::Detected | Self::Default => option.to_owned(),
            Self::Variable(name) => name.clone().into_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("code"),
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Detected => f.write_str("detected"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// One option, its value as text, and who set it.
///
/// ```
/// # fn f(client: &otlp::Client) {
/// for entry in client.config().entries() {
///     println!("{}\t{}\t{}", entry.name, entry.value, entry.origin);
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigEntry {
    /// The option, such as `traces.endpoint` or `sampler`. What concerns one signal begins with its name.
    pub name: Cow<'static, str>,
    /// The value; `<redacted>` for one that is secret.
    pub value: String,
    /// Who set it.
    pub origin: Origin,
}

/// The configuration of a client after code, environment and defaults were put together.
///
/// ```
/// let builder = otlp::Client::builder().with_endpoint("http://collector:4317").with_header("api-key", "hunter2");
/// let config = builder.resolve()?;
/// assert_eq!(config.get("traces.endpoint").unwrap().value, "http://collector:4317");
/// assert_eq!(config.get("traces.endpoint").unwrap().origin, otlp::Origin::Code);
/// assert_eq!(config.get("traces.protocol").unwrap().origin, otlp::Origin::Default);
/// assert!(!config.explain().to_string().contains("hunter2"));
/// # Ok::<(), otlp::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResolvedConfig {
    entries: Vec<ConfigEntry>,
    warnings: Vec<String>,
}

impl ResolvedConfig {
    pub(crate) fn push(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl fmt::Display,
        origin: Origin,
    ) {
        self.entries.push(ConfigEntry { name: name.into(), value: value.to_string(), origin });
    }

    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        // What concerns all signals is found for each.
        let warning = warning.into();
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Every option that is a plain value, in a fixed order; layers, hooks and other code are not here.
    pub fn entries(&self) -> impl Iterator<Item = &ConfigEntry> {
        self.entries.iter()
    }

    /// The option of that name, as in [`ConfigEntry::name`].
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ConfigEntry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// What looks like a mistake: what the environment says that could not be used, by the variable's name, and HTTP spoken to the port
    /// of gRPC. Those of a client were also logged once, through `tracing`, when it was built.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// A table for people: one line for each option, with its value and who set it; then the warnings.
    ///
    /// ```no_run
    /// # fn f(client: &otlp::Client) {
    /// println!("{}", client.config().explain());
    /// # }
    /// ```
    #[must_use]
    pub fn explain(&self) -> Explanation<'_> {
        Explanation(self)
    }
}

/// Displays a [`ResolvedConfig`]; made by [`explain`](ResolvedConfig::explain).
#[derive(Debug, Clone, Copy)]
pub struct Explanation<'a>(&'a ResolvedConfig);

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |of: fn(&ConfigEntry) -> usize| self.0.entries().map(of).max().unwrap_or(0).min(48);
        let (names, values) = (width(|entry| entry.name.len()), width(|entry| entry.value.len()));
        for ConfigEntry { name, value, origin } in self.0.entries() {
            writeln!(f, "{name:names$}  {value:values$}  {origin}")?;
        }
        for warning in self.0.warnings() {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}

/// Where a signal goes, with the secrets that [`ResolvedConfig`] leaves out: made by
/// [`ClientBuilder::resolve_exporter`](crate::ClientBuilder::resolve_exporter), which has an example. `Debug` shows none of them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResolvedExporter {
    /// The receiver. Its path may be a base or the signal's own, and its query may hold a key.
    pub endpoint: Endpoint,
    /// The configured headers of every request. Their values are secrets.
    pub headers: Headers,
}
