//! The floor: the same span written by hand into a buffer and copied into another, see `otlp_benches::Floor`. It sends
//! nothing, whatever the order says of transport and compression: only its producing thread's figures mean anything, and no
//! client can be below them that writes OTLP when a span ends.
//!
//! Unsampled: it draws the ids of each span, which is all that is left to do.

use otlp_benches::{Floor, Shape};
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::{Mode, Order, Workload};
use std::hint::black_box;
use std::ops::Range;
use std::process::ExitCode;

fn main() -> ExitCode {
    run::<ByHand>()
}

struct ByHand {
    mode: Mode,
}

impl Contender for ByHand {
    fn build(order: &Order) -> Result<Self, Failure> {
        match order.workload {
            Workload::Fixed => Ok(Self { mode: order.mode }),
            _ => Err(Failure::cannot("the floor is written for spans with fixed strings")),
        }
    }

    fn make(&self, items: Range<u64>) {
        let mut floor = Floor::new();
        for number in items {
            if self.mode == Mode::Unsampled {
                black_box(floor.ids());
            } else {
                black_box(floor.make(Shape::Full, black_box(number) as i64));
            }
        }
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        Ok(None)
    }
}
