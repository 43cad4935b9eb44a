//! The shape of one request: which resources and scopes, in which order, and how many bytes each takes.
//!
//! A [`Layout`] is grown record by record, its exact encoded size known at every step; a [`Draft`] is then the buffer of
//! what is not shared: the headers, in place, and room for the records that are copied.

use super::RequestLimits;
use crate::groups::{Group, Header};
use crate::wire::{FIELD_1, FIELD_2, put_varint, varint_len};
use crate::{Body, GroupId, Groups};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Layout {
    items: u64,
    len: usize,
    /// How many of the bytes are shared.
    shared: usize,
    resources: Vec<Resource>,
    scopes: Vec<Scope>,
    by_group: HashMap<GroupId, usize>,
    /// The scope of the latest record: neighbours mostly share it.
    latest: Option<(GroupId, usize)>,
}

struct Resource {
    id: u32,
    header: Arc<Header>,
    /// Bytes of the `ResourceX` without tag and length.
    body: usize,
    scopes: Vec<usize>,
}

struct Scope {
    id: u32,
    header: Arc<Header>,
    resource: usize,
    /// Bytes of the `ScopeX` without tag and length.
    body: usize,
    /// Its records, in order.
    contents: Vec<Content>,
}

/// Records that follow each other.
enum Content {
    /// So many bytes, in the draft's buffer.
    Copied(usize),
    Shared(Bytes),
}

/// The size of a length-delimited field with a tag of one byte.
fn field_len(body: usize) -> usize {
    1 + varint_len(body as u64) + body
}

impl Layout {
    pub(super) fn items(&self) -> u64 {
        self.items
    }

    pub(super) fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// Adds bytes of a group and returns their scope; `None`, and no change, if they do not fit.
    pub(super) fn add(
        &mut self,
        groups: &Groups,
        id: GroupId,
        items: u64,
        len: usize,
        limits: RequestLimits,
    ) -> Option<usize> {
        if self.items.saturating_add(items) > limits.max_items {
            return None;
        }
        let (total, at) = match self.find(id) {
            Some(at) => (self.grow(at, len, limits)?, at),
            None => self.insert(groups.get(id), len, limits)?,
        };
        self.len = total;
        self.items = self.items.saturating_add(items);
        if self.latest.is_none_or(|(latest, _)| latest != id) {
            self.by_group.insert(id, at);
            self.latest = Some((id, at));
        }
        Some(at)
    }

    /// Says that the bytes added to a scope are these.
    pub(super) fn share(&mut self, scope: usize, bytes: Bytes) {
        if let Some(scope) = self.scopes.get_mut(scope) {
            self.shared += bytes.len();
            scope.contents.push(Content::Shared(bytes));
        }
    }

    /// Says that the bytes added to a scope will be copied.
    pub(super) fn copy(&mut self, scope: usize, len: usize) {
        let Some(scope) = self.scopes.get_mut(scope) else { return };
        match scope.contents.last_mut() {
            Some(Content::Copied(last)) => *last += len,
            _ => scope.contents.push(Content::Copied(len)),
        }
    }

    fn find(&self, id: GroupId) -> Option<usize> {
        match self.latest {
            Some((latest, at)) if latest == id => Some(at),
            _ => self.by_group.get(&id).copied(),
        }
    }

    /// Makes a known scope longer; returns the new size of the request.
    fn grow(&mut self, at: usize, len: usize, limits: RequestLimits) -> Option<usize> {
        let (scope, body) = (&self.scopes[at], self.scopes[at].body + len);
        let resource = &self.resources[scope.resource];
        let resource_body = resource.body - field_len(scope.body) + field_len(body);
        let total = self.len - field_len(resource.body) + field_len(resource_body);
        if total > limits.max_bytes {
            return None;
        }
        let resource = scope.resource;
        self.scopes[at].body = body;
        self.resources[resource].body = resource_body;
        Some(total)
    }

    /// Makes room for a group not met before; returns the new size of the request, and the scope.
    fn insert(&mut self, group: Group, len: usize, limits: RequestLimits) -> Option<(usize, usize)> {
        let known = self.resources.iter().position(|resource| resource.id == group.resource.0);
        if let Some(at) = known
            && let Some(&scope) =
                self.resources[at].scopes.iter().find(|&&at| self.scopes[at].id == group.scope.0)
        {
            // Only groups of another registry come here: all of them are the one empty group.
            return Some((self.grow(scope, len, limits)?, scope));
        }
        let body = group.scope.1.len() + len;
        let (old, resource_body) = match known.map(|at| self.resources[at].body) {
            Some(old) => (field_len(old), old + field_len(body)),
            None => (0, group.resource.1.len() + field_len(body)),
        };
        let total = self.len - old + field_len(resource_body);
        if total > limits.max_bytes {
            return None;
        }
        let resource = known.unwrap_or_else(|| {
            let (id, header) = group.resource;
            self.resources.push(Resource { id, header, body: 0, scopes: Vec::new() });
            self.resources.len() - 1
        });
        let (id, header) = group.scope;
        let scope = self.scopes.len();
        self.scopes.push(Scope { id, header, resource, body, contents: Vec::new() });
        self.resources[resource].body = resource_body;
        self.resources[resource].scopes.push(scope);
        Some((total, scope))
    }
}

impl Scope {
    /// The bytes that are copied.
    fn copied(&self) -> usize {
        let copied = |content: &Content| if let Content::Copied(len) = content { *len } else { 0 };
        self.contents.iter().map(copied).sum()
    }
}

/// The bytes of one request that are its own, while its records come in.
pub(super) struct Draft {
    bytes: Vec<u8>,
    /// Where the next record of each scope goes. A single scope needs none: its records are appended.
    next: Vec<usize>,
}

impl Draft {
    /// A buffer for what `layout` does not share, of its exact size and with the headers written.
    pub(super) fn of(layout: &Layout) -> Self {
        let mut bytes = Vec::with_capacity(layout.len - layout.shared);
        if let ([resource], [scope]) = (&*layout.resources, &*layout.scopes) {
            put_front(&mut bytes, FIELD_1, resource.body, &resource.header);
            put_front(&mut bytes, FIELD_2, scope.body, &scope.header);
            return Self { bytes, next: Vec::new() };
        }
        let mut next = vec![0; layout.scopes.len()];
        for resource in &layout.resources {
            put_front(&mut bytes, FIELD_1, resource.body, &resource.header);
            for &at in &resource.scopes {
                let scope = &layout.scopes[at];
                put_front(&mut bytes, FIELD_2, scope.body, &scope.header);
                next[at] = bytes.len();
                bytes.resize(bytes.len() + scope.copied(), 0);
                bytes.extend_from_slice(&scope.header.back);
            }
            bytes.extend_from_slice(&resource.header.back);
        }
        Self { bytes, next }
    }

    /// Puts records behind those that `scope` has already.
    pub(super) fn put(&mut self, scope: usize, records: &[u8]) {
        let Some(next) = self.next.get_mut(scope) else {
            self.bytes.extend_from_slice(records);
            return;
        };
        let end = *next + records.len();
        if let Some(room) = self.bytes.get_mut(*next..end) {
            room.copy_from_slice(records);
        }
        *next = end;
    }

    /// The finished request: the buffer, cut where shared records stand between its bytes.
    pub(super) fn finish(mut self, layout: Layout) -> Body {
        if let ([resource], [scope]) = (&*layout.resources, &*layout.scopes) {
            self.bytes.extend_from_slice(&scope.header.back);
            self.bytes.extend_from_slice(&resource.header.back);
        }
        let mut own = Bytes::from(self.bytes);
        if layout.shared == 0 {
            return own.into();
        }
        let Layout { resources, mut scopes, .. } = layout;
        let mut slices =
            Vec::with_capacity(2 + scopes.iter().map(|scope| 2 * scope.contents.len()).sum::<usize>());
        // How much of the buffer belongs before the next shared slice.
        let mut len = 0;
        for resource in &resources {
            len += front_len(resource.body, &resource.header);
            for &at in &resource.scopes {
                let scope = &mut scopes[at];
                len += front_len(scope.body, &scope.header);
                for content in scope.contents.drain(..) {
                    match content {
                        Content::Copied(copied) => len += copied,
                        Content::Shared(shared) => {
                            slices.extend([own.split_to(len.min(own.len())), shared]);
                            len = 0;
                        }
                    }
                }
                len += scope.header.back.len();
            }
            len += resource.header.back.len();
        }
        slices.push(own);
        slices.into_iter().collect()
    }
}

impl Header {
    fn len(&self) -> usize {
        self.front.len() + self.back.len()
    }
}

fn put_front(bytes: &mut Vec<u8>, tag: u8, body: usize, header: &Header) {
    bytes.push(tag);
    put_varint(bytes, body as u64);
    bytes.extend_from_slice(&header.front);
}

/// What [`put_front`] writes.
fn front_len(body: usize, header: &Header) -> usize {
    1 + varint_len(body as u64) + header.front.len()
}
