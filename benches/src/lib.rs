//! What the benchmarks share: the work, the hand-written floor beside it, a client that sends nowhere, and a queue without
//! a client.

mod floor;
mod nowhere;
mod queue;
mod work;

pub use floor::Floor;
pub use nowhere::{client, client_with};
pub use queue::{BareQueue, on_threads};
pub use work::{Shape, make, typed};
