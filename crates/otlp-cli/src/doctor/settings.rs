//! From flags, the environment and a configuration file to what is examined, and where each value came from.
//!
//! What they mean the library says, as it does for an application whose code sets what the flags do. The environment is a lookup
//! function; the file is read by the library.

use super::application;
use super::case::{self, Case};
use super::exporters::{self, Examined};
use super::finding::{Finding, names};
use crate::exit::Trouble;
use crate::receiver::Receiver;
use crate::wire::Wire;
use otlp::ClientBuilder;
use otlp_model::Signal;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::path::PathBuf;

/// One line of the configuration: what is used, and who said so. Never a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: Cow<'static, str>,
    pub(crate) value: String,
    pub(crate) origin: String,
    /// Whose receiver it is used for, where there is more than one receiver; else nothing.
    pub(crate) signals: Vec<Signal>,
}

impl Setting {
    pub(super) fn new(
        name: impl Into<Cow<'static, str>>,
        value: impl ToString,
        origin: impl ToString,
    ) -> Self {
        Self { name: name.into(), value: value.to_string(), origin: origin.to_string(), signals: Vec::new() }
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut object = json!({ "name": self.name, "value": self.value, "origin": self.origin });
        if let (false, Some(members)) = (self.signals.is_empty(), object.as_object_mut()) {
            members.insert("signals".into(), names(&self.signals).into());
        }
        object
    }
}

/// Names a file that takes the place of all other variables.
const CONFIG_FILE: &str = "OTEL_CONFIG_FILE";

/// What was given on the command line.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    pub(crate) endpoint: Option<&'a str>,
    /// In the place of the file that the environment names.
    pub(crate) config: Option<&'a str>,
    pub(crate) protocols: &'a [Wire],
    /// Nothing: all that are exported.
    pub(crate) signals: &'a [Signal],
    pub(crate) receiver: &'a Receiver,
    pub(crate) real: bool,
    pub(crate) limits: bool,
}

/// What is examined, as it was configured.
#[derive(Default)]
pub(crate) struct Resolved {
    /// The receivers, in the order of their first signals; none if nothing says where they are.
    pub(crate) cases: Vec<Case>,
    /// What is used, and who said so.
    pub(crate) settings: Vec<Setting>,
    /// The file that it is configured by, good or refused.
    pub(crate) file: Option<PathBuf>,
    /// What there is to say of an application that is configured so.
    pub(crate) findings: Vec<Finding>,
    /// All of an application's options, as the library tells them.
    pub(crate) explanation: String,
}

/// What to examine, and the origin of each value.
pub(crate) fn resolve(
    given: &Given<'_>,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Resolved, Trouble> {
    // With the names that the flags have here; as options of the builder they would be called otherwise.
    given.receiver.headers()?;
    let endpoint = given.endpoint.map(case::endpoint).transpose()?;
    let (file, named_by) = match given.config {
        Some(file) if file.trim().is_empty() => {
            return Err(Trouble::Usage("--config: name a file".to_owned()));
        }
        Some(file) => (Some(file.to_owned()), "--config"),
        None => (lookup(CONFIG_FILE).filter(|file| !file.trim().is_empty()), CONFIG_FILE),
    };
    let lookup = &|name: &str| if name == CONFIG_FILE { file.clone() } else { lookup(name) };
    let mut settings: Vec<Setting> =
        file.iter().map(|file| Setting::new("config_file", file, named_by)).collect();

    let path = file.as_ref().map(PathBuf::from);
    let usage = |error: otlp::Error| Trouble::Usage(error.to_string());
    let mut findings = Vec::new();
    let mut builder = of_flags(given, ClientBuilder::default().with_env_from(lookup))?;
    let mut config = match (builder.resolve(), &file) {
        (Ok(config), _) => config,
        (Err(error), Some(file)) => {
            builder = of_flags(given, ClientBuilder::default())?;
            // What the flags by themselves can't be is not the file's mistake.
            let config = builder.resolve().map_err(usage)?;
            findings.push(application::of_refused(file, CONFIG_FILE, named_by, &error));
            if given.endpoint.is_none() {
                return Ok(Resolved { settings, file: path, findings, ..Resolved::default() });
            }
            config
        }
        (Err(error), _) => return Err(usage(error)),
    };
    if let (Some(endpoint), []) = (endpoint, given.protocols) {
        builder = exporters::by_port(builder, &config, &endpoint);
        config = builder.resolve().map_err(usage)?;
    }
    findings.extend(application::findings(&config, given.signals));
    let signals = application::examined(&config, given.signals);
    let mut cases = Vec::new();
    let receivers = exporters::receivers(given, &signals, &builder, &config, lookup)?;
    let is_one = receivers.len() == 1;
    for Examined { case, signals, settings: own } in receivers {
        let signals = if is_one { Vec::new() } else { signals };
        settings.extend(own.into_iter().map(|setting| Setting { signals: signals.clone(), ..setting }));
        match case {
            Ok(case) => cases.push(case),
            Err(finding) => findings.push(finding.about(&signals)),
        }
    }
    application::add_rest(&config, &signals, &mut settings);
    Ok(Resolved { cases, settings, file: path, findings, explanation: config.explain().to_string() })
}

/// `builder`, with what the flags say as its code.
fn of_flags(given: &Given<'_>, builder: ClientBuilder) -> Result<ClientBuilder, Trouble> {
    let mut builder = given.receiver.set_on(builder)?;
    if let Some(text) = given.endpoint {
        builder = builder.with_endpoint(text);
    }
    if let Some(wire) = given.protocols.first() {
        builder = wire.set_on(builder);
    }
    Ok(builder)
}

#[cfg(test)]
mod tests;
