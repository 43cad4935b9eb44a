//! The step that finds out how large a request may be, by trying, with requests that hold nothing.
//!
//! Only with `--limits`: it sends some hundred megabytes at worst. The search is pure, the shell sends.

use super::case::Case;
use super::export::send;
use super::finding::Finding;
use super::sample::padded;
use crate::wire::Wire;
use otlp_transport::{BoxError, Compression};

const LEAST: usize = 64 * 1024;
const MOST: usize = 64 * 1024 * 1024;

/// Doubles until it fails, then halves the gap until that is small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Search {
    taken: usize,
    refused: Option<usize>,
}

impl Search {
    const fn new() -> Self {
        Self { taken: 0, refused: None }
    }

    /// What to try next; nothing when it is known well enough.
    fn next(&self) -> Option<usize> {
        match self.refused {
            None if self.taken >= MOST => None,
            None => Some((self.taken * 2).max(LEAST)),
            // To a sixteenth.
            Some(refused) if refused - self.taken <= (refused / 16).max(4096) => None,
            Some(refused) => Some(self.taken.midpoint(refused)),
        }
    }

    fn tried(self, size: usize, taken: bool) -> Self {
        if taken { Self { taken: size, ..self } } else { Self { refused: Some(size), ..self } }
    }
}

pub(crate) async fn limit(case: &Case, wire: Wire) -> Finding {
    let (mut search, mut reason): (_, Option<BoxError>) = (Search::new(), None);
    while let Some(size) = search.next() {
        let (result, _) = send(case, wire, Compression::None, padded(case.first.signal, size)).await;
        search = search.tried(size, result.is_ok());
        reason = result.err().or(reason);
    }
    let taken = mib(search.taken);
    let text = match (search.refused, reason) {
        (Some(refused), Some(reason)) => {
            format!("{wire}: requests of {taken} are taken, of {} not: {reason}", mib(refused))
        }
        _ => format!("{wire}: requests of {taken} are taken; more was not tried"),
    };
    Finding::note("limit", text)
        .with("protocol", wire.name())
        .with("taken_bytes", search.taken)
        .with("refused_bytes", search.refused)
}

fn mib(bytes: usize) -> String {
    format!("{:.2} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(limit: usize) -> (Search, usize) {
        let (mut search, mut tries) = (Search::new(), 0);
        while let Some(size) = search.next() {
            search = search.tried(size, size <= limit);
            tries += 1;
        }
        (search, tries)
    }

    #[test]
    fn a_limit_is_found_closely_and_soon() {
        for limit in [0, 10_000, 100_000, 4 << 20, 20 << 20, (64 << 20) - 1] {
            let (search, tries) = found(limit);
            let refused = search.refused.unwrap();
            assert!(search.taken <= limit && limit < refused, "{limit}: {search:?}");
            assert!(refused - search.taken <= (refused / 16).max(4096), "{limit}: {search:?}");
            assert!(tries <= 18, "{limit}: {tries}");
        }
        assert_eq!(found(usize::MAX).0, Search { taken: MOST, refused: None });
    }
}
