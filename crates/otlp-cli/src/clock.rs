//! The wall clock: the one place of this crate that reads it.
//!
//! For certificates, the `Date` of answers, and the bundle. Whatever is measured uses tokio's clock.

use std::time::SystemTime;

#[expect(clippy::disallowed_methods, reason = "a shell; what compares dates takes them as arguments")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
