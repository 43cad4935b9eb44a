//! What the contenders and the program that runs them share.

mod figures;
mod order;

pub use figures::{Figures, SinkCount};
pub use order::{Compression, Mode, Order, Transport, Workload};
