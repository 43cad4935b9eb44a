//! The macros of `log` with the bridge of this repository.
//!
//! Log records: `info!` with the attributes as key-value pairs, and the body as the message. There are no spans.
//!
//! Settings of the bridge: no location, as the other one has none. Those of the client: as of the contender `ours`. The logger is
//! everybody's, as in an application.

use otlp::{Client, LogBridge};
use otlp_peers::contender::{Contender, Failure, run};
use otlp_peers::work::Table;
use otlp_peers::{Order, Workload, client, logged};
use std::ops::Range;
use std::process::ExitCode;

fn main() -> ExitCode {
    run::<LogOurs>()
}

struct LogOurs {
    order: Order,
    table: Table,
    client: Client,
}

impl Contender for LogOurs {
    fn build(order: &Order) -> Result<Self, Failure> {
        if order.workload != Workload::Logs {
            return Err(Failure::cannot("log records are compared here"));
        }
        let client = client::build(order)?;
        logged::install(LogBridge::new(&client).with_location(false))?;
        Ok(Self { order: order.clone(), table: Table::new(), client })
    }

    fn make(&self, items: Range<u64>) {
        logged::records(items, &self.table, |_| {});
    }

    fn finish(self) -> Result<Option<u64>, Failure> {
        client::finish(&self.client, &self.order)
    }
}
