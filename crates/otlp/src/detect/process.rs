//! The process.

use super::{resource, text};
use otlp_model::{AnyValue, Resource};

/// `process.pid`, `process.executable.name` and `process.executable.path`. Not the arguments: they may hold secrets; see
/// [`command_line`].
///
/// ```
/// let pid = i64::from(std::process::id());
/// assert_eq!(otlp::detect::process().get("process.pid"), Some(&otlp::AnyValue::Int(pid)));
/// ```
#[must_use]
pub fn process() -> Resource {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(|path| path.file_name());
    resource([
        ("process.pid", Some(AnyValue::Int(i64::from(std::process::id())))),
        ("process.executable.name", name.and_then(|name| text(name.to_string_lossy()))),
        ("process.executable.path", path.as_deref().and_then(|path| text(path.to_string_lossy()))),
    ])
}

/// `process.command` and `process.command_args`: the whole command line, with whatever passwords and keys are on it. Therefore it is in
/// no list of detectors: it has to be asked for.
///
/// ```
/// use otlp::{Client, detect};
/// let builder = Client::builder().with_resource_detectors(&[detect::process, detect::command_line]);
/// # let _ = builder;
/// ```
#[must_use]
pub fn command_line() -> Resource {
    let arguments: Vec<_> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let command = arguments.first().cloned().and_then(text);
    let arguments = arguments.into_iter().map(AnyValue::from).collect();
    resource([("process.command", command), ("process.command_args", Some(AnyValue::Array(arguments)))])
}
