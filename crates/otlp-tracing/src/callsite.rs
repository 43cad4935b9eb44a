//! What is the same for all spans or events of one place in the source: found out once, when it is reached first.
//!
//! Used for new spans and for events. A layer has them for all threads, a thread those it came by last. Knows no values of fields.

use crate::layer::Options;
use crate::metadata::{LEVEL, TARGET, is_log_record, is_of_the_client, location};
use otlp::{Key, KeyValue, PreparedAttributes};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use tracing::Metadata;

/// A place in the source, as a layer with certain options tells of it.
#[derive(Debug)]
pub(crate) struct Callsite {
    /// Whether it is about the client itself, and must not become its telemetry.
    pub(crate) is_of_the_client: bool,
    /// Whether it is where records of the `log` crate become events.
    pub(crate) is_log_record: bool,
    /// What is known apart from fields.
    pub(crate) attributes: PreparedAttributes,
    fields: Box<[Known]>,
}

/// A field.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) key: Key,
    /// Whether it is one of those that may say something else than an attribute.
    pub(crate) is_special: bool,
}

impl Callsite {
    fn new(metadata: &'static Metadata<'static>, options: &Options) -> Self {
        let is_log_record = is_log_record(metadata);
        let level = KeyValue::new(LEVEL, metadata.level().as_str());
        let target = KeyValue::new(TARGET, metadata.target());
        let mut place = Vec::new();
        if options.location {
            location(metadata, |attribute| place.push(attribute));
        }
        let attributes = if metadata.is_span() {
            place.extend(options.level.then_some(level));
            place.extend(options.target.then_some(target));
            place
        } else if is_log_record {
            // Its own target and place are those of the bridge.
            vec![level]
        } else {
            [level, target].into_iter().chain(place).collect()
        };
        let known = |field: tracing::field::Field| Known {
            key: Key::new(field.name()),
            is_special: field.name().starts_with("otel."),
        };
        Self {
            is_of_the_client: is_of_the_client(metadata.target()),
            is_log_record,
            attributes: PreparedAttributes::new(attributes),
            fields: metadata.fields().iter().map(known).collect(),
        }
    }

    /// A field by its number.
    #[inline]
    pub(crate) fn field(&self, at: usize) -> Option<&Known> {
        self.fields.get(at)
    }
}

/// The places that a layer has come by: not more than the program has.
#[derive(Debug)]
pub(crate) struct Callsites {
    /// Which layer's, and with which options.
    number: usize,
    known: RwLock<HashMap<usize, Arc<Callsite>>>,
}

/// The number of the next.
static NEXT: AtomicUsize = AtomicUsize::new(0);

/// How many a thread keeps at most. Each has one slot, and drives out who had it before.
const SLOTS: usize = 1 << SLOT_BITS;
const SLOT_BITS: u32 = 6;

/// A place as a thread keeps it. The thread counts who uses it, which costs next to nothing.
pub(crate) struct Kept {
    /// Which layer's, and with which options.
    number: usize,
    key: usize,
    callsite: Arc<Callsite>,
}

impl Deref for Kept {
    type Target = Callsite;

    fn deref(&self) -> &Callsite {
        &self.callsite
    }
}

type Slot = Option<Rc<Kept>>;

thread_local! {
    static LATEST: RefCell<[Slot; SLOTS]> = const { RefCell::new([const { None }; SLOTS]) };
}

impl Callsites {
    pub(crate) fn new() -> Self {
        Self { number: NEXT.fetch_add(1, Ordering::Relaxed), known: RwLock::default() }
    }

    /// What is known of a place.
    #[inline]
    pub(crate) fn of(&self, metadata: &'static Metadata<'static>, options: &Options) -> Rc<Kept> {
        let key = std::ptr::from_ref(metadata) as usize;
        self.latest(key).unwrap_or_else(|| self.look_up(key, metadata, options))
    }

    #[inline]
    fn latest(&self, key: usize) -> Option<Rc<Kept>> {
        let latest = |latest: &RefCell<[Slot; SLOTS]>| {
            let latest = latest.try_borrow().ok()?;
            let kept =
                latest[slot(key)].as_ref().filter(|kept| (kept.number, kept.key) == (self.number, key))?;
            Some(Rc::clone(kept))
        };
        LATEST.try_with(latest).ok().flatten()
    }

    /// Waits for nobody: in a fork, who has the lock is left behind. What is found out anew meanwhile says the same.
    #[cold]
    fn look_up(&self, key: usize, metadata: &'static Metadata<'static>, options: &Options) -> Rc<Kept> {
        let known = self.known.try_read().ok().and_then(|known| known.get(&key).cloned());
        let callsite = known.unwrap_or_else(|| {
            let callsite = Arc::new(Callsite::new(metadata, options));
            match self.known.try_write() {
                Ok(mut known) => Arc::clone(known.entry(key).or_insert(callsite)),
                Err(_) => callsite,
            }
        });
        let kept = Rc::new(Kept { number: self.number, key, callsite });
        let former =
            LATEST.try_with(|latest| latest.try_borrow_mut().ok()?[slot(key)].replace(Rc::clone(&kept)));
        drop(former);
        kept
    }
}

/// The slot of a place.
#[inline]
fn slot(key: usize) -> usize {
    ((key as u64 >> 3).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - SLOT_BITS)) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_that_finds_the_lock_taken_does_not_wait() {
        let client = otlp::Client::builder().build_blocking().unwrap();
        let layer = crate::layer(&client);
        let span = tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            tracing::info_span!("span", one = 1, two = 2)
        });
        let fields =
            |callsites: &Callsites| callsites.of(span.metadata().unwrap(), layer.options()).fields.len();
        let (read, written) = (Callsites::new(), Callsites::new());
        let _reads = read.known.read().unwrap();
        let _writes = written.known.write().unwrap();
        assert_eq!([fields(&read), fields(&written)], [2, 2]);
    }
}
