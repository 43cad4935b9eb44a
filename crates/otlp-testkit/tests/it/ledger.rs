//! The ledger: a property over random truths and lies, and one round over real sockets.

use crate::client::{channel, export, spans};
use otlp_testkit::{Claim, Collector, Ledger, Reply, Script};
use proptest::prelude::*;

/// What became of one offered item, and how often the server saw it.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Delivered { copies: u8 },
    Rejected,
    Dropped { arrived: bool },
    Pending,
    NeverAccepted,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        (1u8..4).prop_map(|copies| Fate::Delivered { copies }),
        Just(Fate::Rejected),
        any::<bool>().prop_map(|arrived| Fate::Dropped { arrived }),
        Just(Fate::Pending),
        Just(Fate::NeverAccepted),
    ]
}

/// The honest claim about `fates`, and what arrived.
fn play(fates: &[Fate]) -> (Ledger<usize>, Claim, Vec<usize>) {
    let (mut ledger, mut claim, mut arrived) = (Ledger::default(), Claim::default(), Vec::new());
    for (id, fate) in fates.iter().enumerate() {
        ledger.offered(id);
        claim.accepted += 1;
        let copies = match *fate {
            Fate::Delivered { copies } => {
                ledger.delivered(id);
                claim.delivered += 1;
                copies
            }
            Fate::Rejected => {
                claim.rejected += 1;
                1
            }
            Fate::Dropped { arrived } => {
                claim.dropped += 1;
                arrived.into()
            }
            Fate::Pending => {
                claim.pending += 1;
                0
            }
            Fate::NeverAccepted => {
                claim.accepted -= 1;
                0
            }
        };
        arrived.extend(std::iter::repeat_n(id, copies.into()));
    }
    (ledger, claim, arrived)
}

proptest! {
    #[test]
    fn an_honest_claim_balances(fates in prop::collection::vec(fate(), 0..40)) {
        let (ledger, claim, arrived) = play(&fates);
        let receipts = arrived.len() as u64;
        let balance = ledger.check_ids(claim, arrived).unwrap();
        prop_assert_eq!(balance.received + balance.duplicates, receipts);
    }

    #[test]
    fn an_item_lost_in_silence_is_found(mut fates in prop::collection::vec(fate(), 0..40), loser in any::<prop::sample::Index>()) {
        // A dropped item that arrived all the same would excuse the one that is lost.
        for fate in &mut fates {
            if let Fate::Dropped { arrived } = fate {
                *arrived = false;
            }
        }
        fates.push(Fate::Rejected);
        let (ledger, claim, mut arrived) = play(&fates);
        let lost = arrived[loser.index(arrived.len())];
        arrived.retain(|id| *id != lost);
        ledger.check_ids(claim, arrived).unwrap_err();
    }

    #[test]
    fn an_invented_item_is_found(fates in prop::collection::vec(fate(), 1..40)) {
        let (ledger, claim, mut arrived) = play(&fates);
        arrived.push(usize::MAX);
        let imbalance = ledger.check_ids(claim, arrived).unwrap_err();
        let told = format!("1 items arrived that were never offered, for example [{}]", usize::MAX);
        prop_assert!(imbalance.broken().contains(&told), "{}", imbalance);
    }

    #[test]
    fn a_claim_that_does_not_add_up_is_found(fates in prop::collection::vec(fate(), 0..40), more in 1u64..5) {
        let (ledger, mut claim, arrived) = play(&fates);
        claim.accepted += more;
        let imbalance = ledger.check_ids(claim, arrived).unwrap_err();
        let told = format!("{more} accepted items are not accounted for");
        prop_assert!(imbalance.broken().contains(&told), "{}", imbalance);
    }
}

#[test]
fn a_broken_confirmation_is_named() {
    let mut ledger = Ledger::new();
    let (kept, lost) = (ledger.next_span_id(), ledger.next_span_id());
    ledger.delivered(lost);
    let claim = Claim { accepted: 2, delivered: 1, dropped: 1, ..Claim::default() };
    let imbalance = ledger.check_ids(claim, [kept]).unwrap_err();
    let told = "1 items are confirmed as delivered but never arrived, for example [SpanId(0000000000000002)]";
    assert_eq!(imbalance.broken(), [told]);
    let over = Claim { accepted: 1, delivered: 2, ..Claim::default() };
    let imbalance = ledger.check_ids(over, [kept, lost]).unwrap_err();
    assert!(
        imbalance.to_string().contains("1 more items are accounted for than were accepted"),
        "{imbalance}"
    );
}

#[tokio::test]
async fn duplicates_of_a_lost_answer_are_counted() {
    let script = Script::new().first(1, Reply::accept_then_close()).then(Reply::ok());
    let collector = Collector::builder().grpc().reply(script).start().await.unwrap();
    let mut ledger = Ledger::new();
    let request = spans(3);
    for _ in 0..3 {
        ledger.next_span_id();
    }
    let channel = channel(&collector);
    export(&channel, request.clone()).await.unwrap_err();
    export(&channel, request).await.unwrap();
    let claim = Claim { accepted: 3, delivered: 3, ..Claim::default() };
    let balance = ledger.check(claim, &collector.received()).unwrap();
    assert_eq!((balance.received, balance.duplicates, balance.received_though_unconfirmed), (3, 3, 0));
}
