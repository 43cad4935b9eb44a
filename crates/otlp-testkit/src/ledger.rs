//! The conservation law: what a client says became of its telemetry, against what the collector saw.
//!
//! Used at the end of every test of a client. Pure: it reads no clock and no network, and knows nothing of the client
//! but the numbers it is given.

use crate::Received;
use otlp_model::SpanId;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::Hash;

/// A client's own account of one signal, in items: the numbers of its report or statistics.
///
/// ```
/// use otlp_testkit::Claim;
/// let claim = Claim { accepted: 10, delivered: 8, dropped: 2, ..Claim::default() };
/// assert_eq!(claim.unaccounted(), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Claim {
    /// Items the client took over from the application.
    pub accepted: u64,
    /// Items it says the server has.
    pub delivered: u64,
    /// Items it says the server rejected in partial successes.
    pub rejected: u64,
    /// Items it says it dropped, for all reasons together.
    pub dropped: u64,
    /// Items it still holds, queued or in flight.
    pub pending: u64,
}

impl Claim {
    /// Accepted items the claim has no word about; negative when it accounts for more than it accepted.
    #[must_use]
    pub fn unaccounted(&self) -> i128 {
        let told = [self.delivered, self.rejected, self.dropped, self.pending];
        i128::from(self.accepted) - told.into_iter().map(i128::from).sum::<i128>()
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accepted, delivered, rejected, dropped, pending } = self;
        write!(
            f,
            "accepted {accepted} = delivered {delivered} + rejected {rejected} + dropped {dropped} + pending {pending}"
        )
    }
}

/// What a check that holds has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Balance {
    /// Different items received.
    pub received: u64,
    /// Receipts of items that had been received before. Sending again after a lost answer is allowed, so these are
    /// counted and not an error; a test without lost answers asserts 0.
    pub duplicates: u64,
    /// Items the client counts as dropped or pending although the server has them, as far as that can be known.
    pub received_though_unconfirmed: u64,
}

/// What is wrong with a client's account; its text lists every broken rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger does not balance:\n- {}\nclaim: {claim}\nreceived: {received} different items, {duplicates} duplicates", broken.join("\n- "))]
pub struct Imbalance {
    claim: Claim,
    received: u64,
    duplicates: u64,
    broken: Vec<String>,
}

impl Imbalance {
    /// The broken rules, one sentence each.
    #[must_use]
    pub fn broken(&self) -> &[String] {
        &self.broken
    }
}

/// The ids of the items a test has offered to a client, to be held against what arrived.
///
/// `K` is what tells items apart: the span id, or for logs and metrics anything the test puts into them.
///
/// Four rules are checked:
/// 1. the claim adds up: accepted = delivered + rejected + dropped + pending;
/// 2. nothing is claimed that is not there: the server has at least delivered + rejected different items, and every
///    item marked with [`delivered`](Self::delivered);
/// 3. nothing is invented: every item that arrived was offered;
/// 4. nothing is lost in silence: no more offered items are missing than were dropped, are pending or were never accepted.
///
/// ```
/// use otlp_testkit::{Claim, Ledger};
///
/// let mut ledger = Ledger::new();
/// let ids: Vec<_> = (0..3).map(|_| ledger.next_span_id()).collect();
/// // … three spans with these ids are offered to the client, the third is dropped, the first is sent twice …
/// let claim = Claim { accepted: 3, delivered: 2, dropped: 1, ..Claim::default() };
/// let balance = ledger.check_ids(claim, [ids[0], ids[0], ids[1]])?;
/// assert_eq!((balance.received, balance.duplicates), (2, 1));
///
/// let liar = Claim { accepted: 3, delivered: 3, ..Claim::default() };
/// let imbalance = ledger.check_ids(liar, [ids[0], ids[1]]).unwrap_err();
/// assert!(imbalance.to_string().contains("3 items are claimed as delivered or rejected, but only 2 arrived"));
/// # Ok::<(), otlp_testkit::Imbalance>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ledger<K = SpanId> {
    offered: HashSet<K>,
    delivered: HashSet<K>,
    last_id: u64,
}

impl Ledger<SpanId> {
    /// An empty ledger of spans.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A span id that this ledger has not given before, entered as offered. Never the invalid one.
    pub fn next_span_id(&mut self) -> SpanId {
        self.last_id += 1;
        let id = SpanId::from_bytes(self.last_id.to_be_bytes());
        self.offered.insert(id);
        id
    }

    /// Checks the claim against the spans a collector has received.
    ///
    /// # Errors
    ///
    /// [`Imbalance`], listing every broken rule with some of the ids concerned.
    pub fn check(&self, claim: Claim, received: &Received) -> Result<Balance, Imbalance> {
        let ids = received.span_ids().map(|id| SpanId::from_slice(id).unwrap_or_default());
        self.check_ids(claim, ids)
    }
}

impl<K> Default for Ledger<K> {
    fn default() -> Self {
        Self { offered: HashSet::new(), delivered: HashSet::new(), last_id: 0 }
    }
}

impl<K: Eq + Hash + fmt::Debug> Ledger<K> {
    /// Enters an item as offered to the client. Without any, rules 3 and 4 are not checked.
    pub fn offered(&mut self, id: K) {
        self.offered.insert(id);
    }

    /// Enters an item as confirmed by the client to be with the server.
    pub fn delivered(&mut self, id: K) {
        self.delivered.insert(id);
    }

    /// Checks the claim against the ids of what arrived, duplicates included.
    ///
    /// # Errors
    ///
    /// [`Imbalance`], listing every broken rule with some of the ids concerned.
    pub fn check_ids(
        &self,
        claim: Claim,
        arrived: impl IntoIterator<Item = K>,
    ) -> Result<Balance, Imbalance> {
        let mut receipts: HashMap<K, u64> = HashMap::new();
        for id in arrived {
            *receipts.entry(id).or_default() += 1;
        }
        let received = receipts.len() as u64;
        let duplicates = receipts.values().sum::<u64>() - received;
        let confirmed = claim.delivered.saturating_add(claim.rejected);
        let mut broken = Vec::new();

        match claim.unaccounted() {
            0 => {}
            items @ 1.. => broken.push(format!("{items} accepted items are not accounted for")),
            items => broken.push(format!("{} more items are accounted for than were accepted", -items)),
        }
        if confirmed > received {
            broken.push(format!(
                "{confirmed} items are claimed as delivered or rejected, but only {received} arrived"
            ));
        }
        let absent = self.delivered.iter().filter(|id| !receipts.contains_key(id));
        complain(&mut broken, absent, "items are confirmed as delivered but never arrived");
        if !self.offered.is_empty() {
            let invented = receipts.keys().filter(|id| !self.offered.contains(id));
            complain(&mut broken, invented, "items arrived that were never offered");
            let missing: Vec<&K> = self.offered.iter().filter(|id| !receipts.contains_key(id)).collect();
            let refused = (self.offered.len() as u64).saturating_sub(claim.accepted);
            let excused = claim.dropped.saturating_add(claim.pending).saturating_add(refused);
            if missing.len() as u64 > excused {
                let what = format!("offered items never arrived, of which only {excused} are owned up to");
                complain(&mut broken, missing.into_iter(), &what);
            }
        }
        if broken.is_empty() {
            let received_though_unconfirmed = received - confirmed;
            Ok(Balance { received, duplicates, received_though_unconfirmed })
        } else {
            Err(Imbalance { claim, received, duplicates, broken })
        }
    }
}

/// Adds a sentence about `items`, naming the first few, when there are any.
fn complain<'a, K: fmt::Debug + 'a>(
    broken: &mut Vec<String>,
    items: impl Iterator<Item = &'a K>,
    what: &str,
) {
    let items: Vec<&K> = items.collect();
    if !items.is_empty() {
        let some = items.get(..5).unwrap_or(&items);
        broken.push(format!("{} {what}, for example {some:?}", items.len()));
    }
}
