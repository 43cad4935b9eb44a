//! What the contenders and the program that runs them share.

mod allocations;
mod calibration;
pub mod client;
pub mod compare;
pub mod contender;
pub mod delivery;
mod figures;
pub mod growth;
pub mod logged;
mod order;
mod pace;
pub mod process;
pub mod sdk;
pub mod theirs;
pub mod traced;
mod walker;
pub mod work;

pub use allocations::allocations;
pub use calibration::Calibration;
pub use figures::{Figures, SinkCount};
pub use order::{Compression, Mode, Order, Transport, Workload};
pub use pace::{Left, Pace};
pub use walker::{Malformed, Walker};

/// The code of the front page compiles: here, where everything is linked that it shows.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FrontPage;
