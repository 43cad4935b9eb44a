//! The registry of groups: each is a resource and a scope, under which records are sent.
//!
//! The facade registers a group when it makes a tracer, meter or logger; the assembler reads the groups a batch refers
//! to. Append-only: a group lives as long as the registry, so scopes should be few. Holds headers already encoded.

use crate::wire::{put_resource, put_scope, put_str, put_varint};
use crate::{GroupId, InstrumentationScope, KeyValue, Resource};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// Resources and scopes that records belong to. Cloning is a reference count; all clones are one registry.
///
/// ```
/// use otlp_model::{Groups, InstrumentationScope, Resource};
/// let groups = Groups::new();
/// let resource = Resource::new().with("service.name", "checkout");
/// let group = groups.register(&resource, &InstrumentationScope::new("cart"));
/// assert_eq!(groups.register(&resource, &InstrumentationScope::new("cart")), group);
/// assert_ne!(groups.register(&resource, &InstrumentationScope::new("payment")), group);
/// ```
#[derive(Clone, Default)]
pub struct Groups(Arc<RwLock<Registry>>);

#[derive(Default)]
struct Registry {
    resources: Headers,
    scopes: Headers,
    groups: Vec<Group>,
    ids: HashMap<(u32, u32), GroupId>,
}

/// Encoded resources or scopes, each once.
#[derive(Default)]
struct Headers {
    known: HashMap<Vec<u8>, (u32, Arc<Header>)>,
}

/// What surrounds the content of a `ResourceX` or `ScopeX`.
#[derive(Debug, Default)]
pub(crate) struct Header {
    /// Field 1: the resource or scope.
    pub(crate) front: Vec<u8>,
    /// Field 3: the schema URL, or nothing.
    pub(crate) back: Vec<u8>,
}

/// A registered group; equal numbers are equal resources or scopes.
#[derive(Clone)]
pub(crate) struct Group {
    pub(crate) resource: (u32, Arc<Header>),
    pub(crate) scope: (u32, Arc<Header>),
}

impl Groups {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The group of a resource and scope, the same for identical ones (conformance MODEL-14): attributes and schema
    /// URL of the resource; name, version, attributes and schema URL of the scope. The order of attributes is none.
    ///
    /// Waits for a lock and encodes: call it once per tracer, not per span.
    pub fn register(&self, resource: &Resource, scope: &InstrumentationScope) -> GroupId {
        let resource_identity = identity(&["", "", &resource.schema_url], &resource.attributes);
        let scope_identity = identity(&[&scope.name, &scope.version, &scope.schema_url], &scope.attributes);

        // A registry is never left half-changed by anything that panics, so a poisoned lock is as good as any.
        let mut registry = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let resource = registry.resources.intern(resource_identity, &resource.schema_url, |front| {
            put_resource(front, &resource.attributes);
        });
        let scope =
            registry.scopes.intern(scope_identity, &scope.schema_url, |front| put_scope(front, scope));
        let Registry { ids, groups, .. } = &mut *registry;
        *ids.entry((resource.0, scope.0)).or_insert_with(|| {
            groups.push(Group { resource, scope });
            GroupId(number(groups.len() - 1))
        })
    }

    /// A group, or an empty one (no resource attributes, no scope name) for an id of another registry.
    pub(crate) fn get(&self, id: GroupId) -> Group {
        let registry = self.0.read().unwrap_or_else(PoisonError::into_inner);
        registry.groups.get(id.0 as usize).cloned().unwrap_or_else(|| {
            let nothing = (u32::MAX, Arc::new(Header::default()));
            Group { resource: nothing.clone(), scope: nothing }
        })
    }
}

impl fmt::Debug for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = self.0.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("Groups").field("len", &registry.groups.len()).finish()
    }
}

impl Headers {
    fn intern(
        &mut self,
        identity: Vec<u8>,
        schema_url: &str,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> (u32, Arc<Header>) {
        let next = number(self.known.len());
        let encoded = self.known.entry(identity).or_insert_with(|| {
            let mut header = Header::default();
            encode(&mut header.front);
            put_str(&mut header.back, 0x1a, schema_url);
            (next, Arc::new(header))
        });
        encoded.clone()
    }
}

/// Bytes that are equal for what is identical: texts with their lengths, then attributes ordered by key.
fn identity(texts: &[&str], attributes: &[KeyValue]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        put_varint(&mut bytes, text.len() as u64);
        bytes.extend_from_slice(text.as_bytes());
    }
    let mut ordered = attributes.to_vec();
    // Stable: of equal keys the last one stays the last.
    ordered.sort_by(|a, b| a.key.cmp(&b.key));
    put_resource(&mut bytes, &ordered);
    bytes
}

/// Four thousand million groups do not fit into memory.
fn number(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_poisoned_lock_is_recovered() {
        let groups = Groups::new();
        let before = groups.register(&Resource::new(), &InstrumentationScope::new("a"));
        let shared = groups.clone();
        let outcome = std::thread::spawn(move || {
            let _held = shared.0.write();
            panic!("with the lock held");
        });
        assert!(outcome.join().is_err() && groups.0.is_poisoned());
        assert_eq!(groups.register(&Resource::new(), &InstrumentationScope::new("a")), before);
        assert!(!groups.get(before).scope.1.front.is_empty());
    }
}
