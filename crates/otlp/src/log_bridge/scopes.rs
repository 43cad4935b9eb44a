//! Targets as scopes: the group of a target, found without a lock where the thread has logged under it before.
//!
//! What is known of a scope stays in memory as long as the client. Targets can be made of anything at run time, so only so many
//! become scopes.

use crate::shared::Shared;
use otlp_model::{GroupId, InstrumentationScope, Resource};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many targets become scopes; what is logged under others has a scope in common, and an attribute.
const MOST: usize = 1_024;
/// How many targets a thread remembers: a power of two.
const RECENT: usize = 64;

/// Tells bridges apart, of which a program may have several.
static NEXT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static LAST: RefCell<Vec<Option<Entry>>> = const { RefCell::new(Vec::new()) };
}

struct Entry {
    bridge: u64,
    target: Box<str>,
    group: GroupId,
    is_named: bool,
}

pub(super) struct Scopes {
    bridge: u64,
    resource: Resource,
    known: Mutex<HashMap<Box<str>, GroupId>>,
}

impl Scopes {
    pub(super) fn new(resource: Resource) -> Self {
        Self { bridge: NEXT.fetch_add(1, Ordering::Relaxed), resource, known: Mutex::default() }
    }

    /// The group of a target, and whether its scope has the target's name.
    pub(super) fn group(&self, shared: &Shared, target: &str) -> (GroupId, bool) {
        let remembered = LAST.try_with(|last| {
            let mut last = last.try_borrow_mut().ok()?;
            if last.is_empty() {
                last.resize_with(RECENT, || None);
            }
            let slot = last.get_mut(place(target))?;
            if let Some(entry) = slot
                && entry.bridge == self.bridge
                && *entry.target == *target
            {
                return Some((entry.group, entry.is_named));
            }
            let (group, is_named) = self.find(shared, target);
            *slot = Some(Entry { bridge: self.bridge, target: target.into(), group, is_named });
            Some((group, is_named))
        });
        // While the thread is torn down, nothing is remembered any more.
        remembered.ok().flatten().unwrap_or_else(|| self.find(shared, target))
    }

    #[cold]
    fn find(&self, shared: &Shared, target: &str) -> (GroupId, bool) {
        // In a fork locks may be held for good; what is logged there is not sent.
        if shared.is_forked() {
            return (GroupId(0), true);
        }
        let register =
            |name: String| shared.groups.register(&self.resource, &InstrumentationScope::new(name));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = known.get(target) {
            return (*group, true);
        }
        if known.len() >= MOST {
            return (register(String::from("log")), false);
        }
        let group = register(target.to_owned());
        known.insert(target.into(), group);
        (group, true)
    }
}

/// Module paths differ in their lengths and at their ends.
fn place(target: &str) -> usize {
    let end = target.as_bytes().last_chunk::<4>().map_or(0, |end| u32::from_le_bytes(*end));
    (end.wrapping_add(target.len() as u32).wrapping_mul(0x9e37_79b9) >> 16) as usize % RECENT
}
