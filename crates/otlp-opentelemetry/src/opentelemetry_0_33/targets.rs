//! The targets of log records, which go for the names of scopes, and what a scope keeps for each of them.
//!
//! What is known of a scope stays in memory as long as the client, and targets can be made of anything at run time: only so many
//! become scopes. Under any other a record belongs to the scope of its logger, and says the target in an attribute.

use std::collections::HashMap;

/// How many targets of one logger become scopes; as many as of the client's own bridge for `log`.
const MOST: usize = 1_024;

/// The attribute of a record whose target is no scope's name.
pub(super) const TARGET: &str = "log.target";

#[derive(Debug)]
pub(super) struct Targets<T>(HashMap<String, T>);

impl<T> Default for Targets<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Targets<T> {
    /// What is kept for a target that is known.
    pub(super) fn get(&self, target: &str) -> Option<T> {
        self.0.get(target).cloned()
    }

    /// Whether a target that is not known becomes no scope.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MOST
    }

    /// What is kept for a target, which becomes known if there is room.
    pub(super) fn get_or_insert(&mut self, target: &str, make: impl FnOnce() -> T) -> Option<T> {
        if let Some(known) = self.get(target) {
            return Some(known);
        }
        (!self.is_full()).then(|| self.0.entry(target.to_owned()).or_insert_with(make).clone())
    }
}
