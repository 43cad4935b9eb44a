//! What the benchmarks share: the work, the hand-written floor beside it, and a client that sends nowhere.

mod floor;
mod nowhere;
mod work;

pub use floor::Floor;
pub use nowhere::{client, client_with};
pub use work::{Shape, make, typed};

/// The programs of the README, compiled as its readers would.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
