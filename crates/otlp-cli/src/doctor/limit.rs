//! The step that finds out how large a request may be, by trying, with requests that hold nothing.
//!
//! One as large as the client's largest; more only with `--limits`, as that sends some hundred megabytes at worst. The search and
//! what it comes to are pure, the shell sends.

use super::case::Case;
use super::chain::find;
use super::export::{diagnose, send};
use super::finding::{Diagnosis, Finding};
use super::judge::is_too_large;
use super::sample::padded;
use crate::section::Section;
use crate::wire::Wire;
use otlp_model::ExportResponse;
use otlp_transport::{BoxError, Compression, ConnectionLost};

const LEAST: usize = 64 * 1024;
const MOST: usize = 64 * 1024 * 1024;

/// How often a size is tried on which the connection is lost: what refuses a request before it has read it all, and closes, is
/// heard only if its answer is there before the next bytes are sent.
const TRIES: usize = 5;

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
    let signal = case.first.signal;
    let (mut search, mut reason) = (Search::new(), String::new());
    let next = |search: &Search| {
        if case.limits { search.next() } else { (*search == Search::new()).then_some(case.largest) }
    };
    let finding = loop {
        let Some(size) = next(&search) else { break told(search, case.largest, &reason) };
        let error = match sent(case, wire, size).await {
            Ok(_) => {
                search = search.tried(size, true);
                continue;
            }
            Err(error) => error,
        };
        if is_too_large(&error) {
            (search, reason) = (search.tried(size, false), error.to_string());
            continue;
        }
        // Says nothing of sizes, such as a timeout; what is larger would fare no better.
        let text = format!("a request of {} failed: {error}", mib(size));
        break if size <= case.largest {
            Finding::failed("limit", text, diagnose(case, wire, signal, size, &error).1)
        } else {
            Finding::note("limit", format!("requests of {} are taken; {text}", mib(search.taken)))
        };
    };
    let text = format!("{wire}: {}", finding.text);
    Finding { text, ..finding }
        .with("protocol", wire.name())
        .with("taken_bytes", (search.taken > 0).then_some(search.taken))
        .with("refused_bytes", search.refused)
        .with("client_bytes", case.largest)
}

/// What becomes of a request of `size` bytes.
async fn sent(case: &Case, wire: Wire, size: usize) -> Result<ExportResponse, BoxError> {
    let mut tries = 0;
    loop {
        let result = send(case, wire, Compression::None, padded(case.first.signal, size)).await.0;
        tries += 1;
        match result {
            Err(error) if tries < TRIES && find::<ConnectionLost>(&*error).is_some() => {}
            result => return result,
        }
    }
}

/// What a search comes to for a client that sends requests of up to `largest`; `reason` is the receiver's, if it refused one.
fn told(search: Search, largest: usize, reason: &str) -> Finding {
    let (taken, most) = (mib(search.taken), mib(largest));
    let text = match search.refused {
        Some(refused) if search.taken == 0 => format!("a request of {} is not taken: {reason}", mib(refused)),
        Some(refused) => format!("requests of {taken} are taken, of {} not: {reason}", mib(refused)),
        None if search.taken == largest => {
            format!("requests of {taken}, the most that a client sends by default, are taken")
        }
        None => format!("requests of {taken} are taken; more was not tried"),
    };
    if search.refused.is_none_or(|refused| refused > largest) {
        return Finding::ok("limit", text);
    }
    let how_much = if search.taken == 0 { "; --limits finds out how much it takes" } else { "" };
    let diagnosis = Diagnosis::new(
        format!(
            "the receiver, or a gateway before it, takes less than a client sends at once: up to {most} by default"
        ),
        format!(
            "raise its limit (max_request_body_size, max_recv_msg_size_mib, client_max_body_size) to {most}, or lower the \
             client's, with_max_request_bytes: it cuts in two what is refused, but drops a single item that is too large{how_much}"
        ),
        Section::Refused,
    );
    Finding::failed("limit", text, diagnosis)
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
