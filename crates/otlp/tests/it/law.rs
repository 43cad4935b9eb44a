//! The conservation law of the whole client: whatever an application does on its threads, whatever the receiver answers and
//! the network breaks, the books balance at every look, the receiver agrees with them, and no loss is told twice or not at
//! all.
//!
//! A failure prints the program, shrunk. Its seed is written to `proptest-regressions/`, and the next run begins with it;
//! `PROPTEST_RNG_SEED=<number>` chooses the seed of a whole run, `PROPTEST_CASES=<number>` its length. Threads and sockets
//! have their own mind: where a replay passes, run it a few times.

mod program;
mod world;

use otlp::{Protocol, Signal};
use program::{Program, programs};
use proptest::prelude::*;
use world::World;

fn holds(program: &Program) -> Result<(), TestCaseError> {
    let world = World::new(program);
    world.run(program);
    let told = world.told();
    let (mut lost, mut last) = (0, None);
    for said in told.iter() {
        let report = &said.report;
        prop_assert!(report.is_balanced(), "{:?}", report);
        let wrong = report.lost().total() > 0 || report.timed_out;
        prop_assert_eq!(said.failed, wrong, "an error exactly when something went wrong: {:?}", report);
        lost += report.lost().total();
        last = Some(report);
    }
    let report = last.unwrap();
    prop_assert_eq!(report.pending(), 0, "{}", report);
    prop_assert_eq!(lost, report.dropped().total(), "each loss is told once: {}", report);
    for signal in Signal::ALL {
        let checked = world.check(signal, report);
        prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
    }
    Ok(())
}

fn config() -> ProptestConfig {
    // Half of the thousand cases for each protocol, or as many as the environment says.
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(500);
    ProptestConfig { cases, max_shrink_time: 60_000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn over_grpc_the_books_balance_whatever_happens(program in programs(Protocol::Grpc)) {
        // conf: RETRY-12, SURV-21, BATCH-13, BATCH-20, BATCH-21
        holds(&program)?;
    }

    #[test]
    fn over_http_the_books_balance_whatever_happens(program in programs(Protocol::Http)) {
        // conf: RETRY-12, SURV-21, BATCH-13, BATCH-20, BATCH-21
        holds(&program)?;
    }
}
