//! Taking a run apart into its records, for batches that do not fit into one request.
//!
//! Runs that fit are never looked into. Never fails: what is not a sequence of records is taken as one.

use crate::Signal;
use crate::view::{Message, Wire};

/// Calls `visit` with the items and the length of every record of a run. The items add up to `items`, whatever the
/// bytes say: the last record takes what the others leave.
pub(super) fn for_each_record(signal: Signal, items: u64, run: &[u8], mut visit: impl FnMut(u64, usize)) {
    let (mut items, mut rest) = (items, run);
    while !rest.is_empty() {
        let (len, record) = match Message::new(rest).fields().next() {
            Some(Ok(field)) => match field.value {
                Wire::Bytes(record) => (field.offset() + record.len(), record),
                _ => (rest.len(), rest),
            },
            _ => (rest.len(), rest),
        };
        rest = rest.get(len..).unwrap_or(&[]);
        let counted = if rest.is_empty() { items } else { items_of(signal, record).min(items) };
        items -= counted;
        visit(counted, len);
    }
}

/// The items in one encoded record.
pub(crate) fn items_of(signal: Signal, record: &[u8]) -> u64 {
    if signal == Signal::Metrics { data_points(record) } else { 1 }
}

/// The data points of an encoded metric: field 1 of its gauge, sum, histogram or summary.
fn data_points(metric: &[u8]) -> u64 {
    let data = messages(metric).filter(|(number, _)| matches!(number, 5 | 7 | 9..=11));
    data.map(|(_, data)| messages(data).filter(|(number, _)| *number == 1).count() as u64).sum()
}

fn messages(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    Message::new(bytes).fields().map_while(Result::ok).filter_map(|field| match field.value {
        Wire::Bytes(bytes) => Some((field.number, bytes)),
        _ => None,
    })
}
