//! What a process can find out about itself and where it runs, for its resource.
//!
//! For [`with_resource_detectors`](crate::ClientBuilder::with_resource_detectors), and by themselves. Each function reads a few small files
//! or variables, asks nobody on the network, and never fails: what can't be found out is left out (conformance RES-11). What
//! clouds and other platforms know is not here (RES-12): a detector is any function of that form.
//!
//! ```
//! let resource = otlp::default_resource().merge(otlp::detect::host()).merge(otlp::detect::os());
//! assert!(resource.get("os.type").is_some());
//! ```

mod container;
mod host;
mod instance;
mod kubernetes;
mod os;
mod process;

use otlp_model::{AnyValue, Resource};
use std::borrow::Cow;
use std::fs::File;
use std::io::Read;

pub use container::container;
pub use host::host;
pub use instance::service_instance;
pub use kubernetes::kubernetes;
pub use os::os;
pub use process::{command_line, process};

/// Finds attributes. It should be quick, for it runs while a client is configured, and finds nothing rather than fail.
pub type Detector = fn() -> Resource;

/// All detectors that tell nothing secret: what [`otlp::init`](crate::init) uses.
///
/// ```
/// use otlp::{Client, detect};
/// let builder = Client::builder().with_resource_detectors(&detect::STANDARD);
/// assert!(builder.resolve()?.get("resource.process.pid").is_some());
/// # Ok::<(), otlp::Error>(())
/// ```
pub const STANDARD: [Detector; 6] = [process, host, os, container, kubernetes, service_instance];

/// The schema that the attributes here follow (RES-12).
const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";

/// A resource of what was found.
fn resource<const N: usize>(found: [(&'static str, Option<AnyValue>); N]) -> Resource {
    let found = found.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let resource = found.fold(Resource::new(), |resource, (key, value)| resource.with(key, value));
    // Nothing claims no schema.
    let schema_url = if resource.attributes.is_empty() { "" } else { SCHEMA_URL };
    Resource { schema_url: Cow::Borrowed(schema_url), ..resource }
}

/// The beginning of a small file, if it is there.
fn read(path: &str) -> Option<String> {
    const MOST: u64 = 256 * 1024;
    let mut text = Vec::new();
    File::open(path).ok()?.take(MOST).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Text that says something.
fn text(value: impl Into<String>) -> Option<AnyValue> {
    let value = value.into();
    (!value.is_empty()).then(|| AnyValue::from(value))
}
