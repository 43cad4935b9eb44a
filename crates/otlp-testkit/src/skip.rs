//! What a test says that checks nothing on this machine: loudly, since a test that is skipped passes like any other.
//!
//! Used by tests whose machine lacks something. It decides nothing: the test returns by itself.

use std::fmt::Display;
use std::io::Write;

/// Says on standard error that `what` was not checked here, and why, also from a test that passes, whose prints are shown to
/// nobody.
///
/// ```
/// let program = "/usr/sbin/nft";
/// if !std::path::Path::new(program).exists() {
///     otlp_testkit::skipped("the packet filter", format_args!("there is no {program}"));
///     return;
/// }
/// ```
pub fn skipped(what: impl Display, why: impl Display) {
    // Not by a macro: what those print is captured. In one piece, so that no other test's words come between.
    let said = format!("!!! SKIPPED, NOT CHECKED: {what}: {why}\n");
    let _ = std::io::stderr().write_all(said.as_bytes());
}
